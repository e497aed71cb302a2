//! Encrypted clients: in every order of INFO and handshake, beside plain ones, and what the operator sees (rows CORE-01,
//! CORE-02, CORE-10, CORE-47, CORE-49, CORE-51, CORE-56).

use gannet_acceptance::certificates::{Authority, Certificate, NOT_AFTER, TlsPeer};
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Agent, Kind, Language, Server, Wire, both, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

const LOCAL: &[&str] = &["localhost", "127.0.0.1"];
const QUIET: &str =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1,\"name\":\"NAME\"}\r\nPING\r\n";
const FAILED: &str = "Client connection closed: TLS Handshake Failure";

/// A server whose `tls` block has a certificate by `ca` and these lines; more of the file behind it.
fn server(kind: Kind, ca: &Authority, lines: &str, more: &str) -> Server {
    let block = ca.issue("server", LOCAL).block(lines);
    Server::start(kind, &format!("debug: true\n{block}{more}"))
}

/// INFO, then the handshake.
fn encrypted(server: &Server, certificate: Option<&Certificate>) -> (Value, TlsPeer) {
    let mut wire = Wire::open(&server.client_address());
    let info = wire.info();
    (info, TlsPeer::begin(wire.into_stream(), certificate))
}

/// The handshake, then INFO.
fn tls_first(server: &Server) -> TlsPeer {
    let wire = Wire::open(&server.client_address());
    TlsPeer::begin(wire.into_stream(), None)
}

/// Connects as `name`; answers the second INFO.
fn greet(peer: &mut TlsPeer, name: &str) -> Value {
    peer.send(&QUIET.replace("NAME", name));
    assert_eq!(peer.line().as_deref(), Some("PONG"));
    peer.json("INFO")
}

/// What INFO says of TLS: required, verify, available.
fn told(info: &Value) -> [bool; 3] {
    ["tls_required", "tls_verify", "tls_available"].map(|field| {
        assert!(info[field].is_null() || info[field] == true, "{info}");
        info[field] == true
    })
}

/// A line of the log at this level that holds `text`.
fn logged(server: &Server, level: &str, text: &str) {
    let line = server.expect_log(text);
    assert!(line.contains(&format!("[{level}]")), "{line}");
}

/// The connection `name` in `/connz`.
fn connection(server: &Server, query: &str, name: &str) -> Value {
    eventually(&format!("{name} in connz"), || {
        let page = server.monitor(&format!("/connz?{query}"));
        let connections = page["connections"].as_array().cloned().unwrap_or_default();
        let found = connections.into_iter().find(|c| c["name"] == name);
        found.ok_or_else(|| page.to_string())
    })
}

both! {
    /// CORE-02, MON: the client is told that it must encrypt, does, and shows up as encrypted.
    #[test]
    fn info_comes_plain_and_everything_else_encrypted(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "timeout: 7", "");
        let (first, mut peer) = encrypted(&server, None);
        assert_eq!(told(&first), [true, false, false]);
        let second = greet(&mut peer, "crypt");
        assert_eq!(told(&second), [true, false, false]);
        peer.send("SUB a 1\r\nPUB a 2\r\nhi\r\n");
        assert_eq!([peer.line(), peer.line()].map(Option::unwrap_or_default), ["MSG a 1 2", "hi"]);
        let page = connection(&server, "auth=1", "crypt");
        assert_eq!(page["tls_version"], "1.3", "{page}");
        assert!(page["tls_cipher_suite"].as_str().is_some_and(|suite| suite.starts_with("TLS_")), "{page}");
        assert_eq!([&page["tls_first"], &page["tls_peer_certs"]], [&Value::Null; 2]);
        let varz = server.monitor("/varz");
        assert_eq!(
            [&varz["tls_required"], &varz["tls_verify"], &varz["tls_timeout"], &varz["auth_timeout"], &varz["tls_cert_not_after"]],
            [&json!(true), &Value::Null, &json!(7), &json!(8), &json!(NOT_AFTER)]
        );
        drop(peer);
        let closed = server.closed_connection("crypt");
        assert_eq!([&closed["tls_version"], &closed["reason"]], [&json!("1.3"), &json!("Client Closed")]);
        for line in [
            "[INF] TLS required for client connections",
            "Client connection created",
            "Starting TLS client connection handshake",
            "TLS handshake complete",
            "TLS version 1.3, cipher suite TLS_",
        ] {
            server.expect_log(line);
        }
    }

    /// CORE-49, CORE-51: a client that goes on in plain words is hung up on, without one.
    #[test]
    fn plain_words_where_tls_is_required(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "", "");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.send("CONNECT {}\r\nPING\r\n");
        wire.expect_closed();
        logged(&server, "DBG", "TLS handshake error: tls: first record does not look like a TLS handshake");
        server.expect_log(FAILED);
        let closed = &server.monitor("/connz?state=closed")["connections"][0];
        assert_eq!([&closed["reason"], &closed["tls_version"]], [&json!("TLS Handshake Failure"), &Value::Null]);
    }

    /// CORE-49: a client that says nothing has as long as `timeout` says.
    #[test]
    fn a_handshake_has_a_deadline(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "timeout: 0.3", "");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.expect_closed();
        logged(&server, "DBG", ": i/o timeout");
        server.expect_log(FAILED);
    }

    /// CORE-51: one that hangs up is an error.
    #[test]
    fn a_handshake_that_is_not_begun(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "", "");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        drop(wire);
        logged(&server, "ERR", "TLS handshake error: EOF");
        server.expect_log(FAILED);
    }

    /// CORE-02: with `verify`, only clients with a certificate by a known authority come in, and who they are can be seen.
    #[test]
    fn clients_must_show_a_certificate(kind: Kind) {
        let ca = Authority::new("ca");
        let server = server(kind, &ca, "verify: true", "");
        let (info, mut nobody) = encrypted(&server, None);
        assert_eq!(told(&info), [true, true, false]);
        nobody.send("PING\r\n");
        assert_eq!(nobody.line(), None);
        logged(&server, "ERR", "TLS handshake error: tls: client didn't provide a certificate");
        let known = ca.issue("known", LOCAL);
        let (_, mut peer) = encrypted(&server, Some(&known));
        greet(&mut peer, "known");
        let page = connection(&server, "auth=1", "known");
        let shown = page["tls_peer_certs"].as_array().expect("certificates");
        assert_eq!(shown.len(), 1, "{page}");
        assert_eq!([&shown[0]["subject"], &shown[0]["spki_sha256"]], [&json!("CN=known"), &json!(known.pin)]);
        assert_eq!(shown[0]["cert_sha256"].as_str().map(str::len), Some(64));
        assert_eq!(connection(&server, "", "known")["tls_peer_certs"], Value::Null);
        assert_eq!(server.monitor("/varz")["tls_verify"], true);
        drop(peer);
        server.closed_connection("known");
        assert_eq!(connection(&server, "state=closed&auth=1", "known")["tls_peer_certs"], Value::Null);
    }

    /// CORE-51: a certificate by somebody unknown.
    #[test]
    fn certificates_of_strangers_are_refused(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "verify: true", "");
        let stranger = Authority::new("ca").issue("stranger", LOCAL);
        let (_, mut peer) = encrypted(&server, Some(&stranger));
        peer.send("PING\r\n");
        assert_eq!(peer.line(), None);
        server.expect_log("TLS handshake error: tls: failed to verify certificate: x509: certificate signed by unknown authority");
        server.expect_log(FAILED);
    }

    /// Of several certificates by a known authority, only pinned ones come in.
    #[test]
    fn only_pinned_keys_are_let_in(kind: Kind) {
        let ca = Authority::new("ca");
        let pinned = ca.issue("pinned", LOCAL);
        let server = server(kind, &ca, &format!("verify: true, pinned_certs: [\"{}\"]", pinned.pin), "");
        greet(&mut encrypted(&server, Some(&pinned)).1, "pinned");
        let (_, mut peer) = encrypted(&server, Some(&ca.issue("other", LOCAL)));
        peer.send("PING\r\n");
        assert_eq!(peer.line(), None);
        logged(&server, "ERR", "TLS handshake error: certificate not pinned");
    }

    /// CORE-56: beside encrypted clients, plain ones are served.
    #[test]
    fn plain_and_encrypted_clients_on_one_port(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "", "allow_non_tls: true");
        let mut plain = Wire::open(&server.client_address());
        assert_eq!(told(&plain.info()), [false, false, true]);
        plain.connect_with(&json!({"name": "plain"}));
        plain.send("SUB a 1\r\n");
        plain.fence();
        let (info, mut peer) = encrypted(&server, None);
        assert_eq!(told(&info), [false, false, true]);
        assert_eq!(told(&greet(&mut peer, "crypt")), [false, false, true]);
        peer.send("PUB a 2\r\nhi\r\n");
        plain.expect("MSG a 1 2\r\nhi");
        assert_eq!(connection(&server, "", "plain")["tls_version"], Value::Null);
        assert_eq!(connection(&server, "", "crypt")["tls_version"], "1.3");
        assert_eq!(server.monitor("/varz")["tls_required"], Value::Null);
        server.expect_log("[INF] TLS available for client connections");
    }

    /// CORE-56: one that says nothing for as long as a handshake may take counts as a plain one.
    #[test]
    fn a_silent_client_is_a_plain_one(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "timeout: 0.2", "allow_non_tls: true\nauthorization { user: u, password: p, timeout: 0.3 }");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.expect("-ERR 'Authentication Timeout'");
        wire.expect_closed();
        logged(&server, "DBG", "Authentication Timeout");
    }

    /// CORE-01: with `handshake_first` nothing is said before it.
    #[test]
    fn the_handshake_comes_first(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "handshake_first: true\ntimeout: 30", "");
        let mut wire = Wire::open(&server.client_address());
        assert_eq!(wire.hear(Duration::from_millis(300)), Heard::Silence(String::new()));
        wire.send("CONNECT {}\r\n");
        wire.expect_closed();
        let mut peer = tls_first(&server);
        peer.send("PING\r\n");
        assert_eq!(told(&peer.json("INFO")), [true, false, false]);
        assert_eq!(peer.line().as_deref(), Some("PONG"));
        greet(&mut peer, "first");
        assert_eq!(connection(&server, "", "first")["tls_first"], true);
        server.expect_log("[WRN] Clients that are not using \"TLS Handshake First\" option will fail to connect");
    }

    /// CORE-01, CORE-56: with a time to begin it in, those that don't get INFO.
    #[test]
    fn the_handshake_comes_first_or_not(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "handshake_first: \"2s\"", "allow_non_tls: true");
        let mut peer = tls_first(&server);
        peer.send("PING\r\n");
        assert_eq!(told(&peer.json("INFO")), [true, false, true], "this connection is encrypted");
        assert_eq!(peer.line().as_deref(), Some("PONG"));
        assert_eq!(told(&greet(&mut peer, "first")), [false, false, true]);
        assert_eq!(connection(&server, "", "first")["tls_first"], true);
        let (info, mut later) = encrypted(&server, None);
        assert_eq!(told(&info), [false, false, true]);
        greet(&mut later, "later");
        assert_eq!(connection(&server, "", "later")["tls_first"], Value::Null);
        let mut plain = Wire::open(&server.client_address());
        plain.info();
        plain.connect_with(&json!({"name": "plain"}));
    }

    /// CORE-10: the time for credentials begins behind the handshake.
    #[test]
    fn credentials_have_their_time_after_the_handshake(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "timeout: 30", "authorization { user: u, password: p, timeout: 2 }");
        let mut wire = Wire::open(&server.client_address());
        assert_eq!(wire.info()["auth_required"], true);
        assert_eq!(wire.hear(Duration::from_millis(2500)), Heard::Silence(String::new()));
        let mut peer = TlsPeer::begin(wire.into_stream(), None);
        peer.send("CONNECT {\"verbose\":true,\"user\":\"u\",\"pass\":\"p\"}\r\n");
        assert_eq!(peer.line().as_deref(), Some("+OK"));
        let (_, mut silent) = encrypted(&server, None);
        assert_eq!(silent.line().as_deref(), Some("-ERR 'Authentication Timeout'"));
        assert_eq!(silent.line(), None);
    }

    /// CORE-47: only so many handshakes in a second; the others are told so in plain words.
    #[test]
    fn handshakes_are_bounded(kind: Kind) {
        let server = server(kind, &Authority::new("ca"), "connection_rate_limit: 1", "");
        let mut turned_away = 0;
        eventually("two connections in one second", || {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            match wire.hear(Duration::from_millis(100)) {
                Heard::Line(line) => {
                    assert_eq!(line, "-ERR 'Connection throttling is active. Please try again later.'");
                    wire.expect_closed();
                    turned_away += 1;
                    Ok(())
                }
                other => Err(format!("{other:?}")),
            }
        });
        assert_eq!(turned_away, 1);
        logged(&server, "WRN", "connections due to TLS rate limiting");
        let closed = server.monitor("/connz?state=closed&sort=stop");
        let reasons: Vec<&Value> = closed["connections"].as_array().expect("a list").iter().map(|c| &c["reason"]).collect();
        assert!(reasons.contains(&&json!("Maximum Connections Exceeded")), "{closed}");
    }

    /// A new certificate counts for the clients to come; those that are there stay.
    #[test]
    fn certificates_are_exchanged_while_the_server_runs(kind: Kind) {
        let ca = Authority::new("ca");
        let old = ca.issue("server", LOCAL);
        let server = Server::start(kind, &format!("debug: true\n{}", old.block("")));
        let (_, mut before) = encrypted(&server, None);
        greet(&mut before, "before");
        assert!(before.has_shown(&old));
        let new = ca.issue("server", LOCAL);
        assert!(!before.has_shown(&new));
        server.signal(Signal::HUP);
        server.expect_log("Reloaded");
        eventually("the new certificate", || {
            let (_, mut peer) = encrypted(&server, None);
            greet(&mut peer, "after");
            if peer.has_shown(&new) { Ok(()) } else { Err("the old one".into()) }
        });
        before.send("PING\r\n");
        assert_eq!(before.line().as_deref(), Some("PONG"));
    }

    /// Unmodified clients of three languages, with certificates of their own.
    #[test]
    fn real_clients_speak_tls(kind: Kind) {
        for (lines, more, first) in [
            ("verify: true", "", false),
            ("verify: true, handshake_first: true", "", true),
            ("handshake_first: auto", "allow_non_tls: true", true),
        ] {
            let ca = Authority::new("ca");
            let server = server(kind, &ca, lines, more);
            let mut tls = ca.issue("client", LOCAL).files();
            tls["first"] = json!(first);
            let url = format!("tls://localhost:{}", server.client_port());
            let mut agents = Language::ALL.map(|language| Agent::connect_with(language, std::slice::from_ref(&url), &json!({"tls": tls})));
            let long = "x".repeat(200_000);
            for (index, agent) in agents.iter_mut().enumerate() {
                agent.subscribe("all", "news.>", "");
                agent.answer(&format!("svc.{index}"), "", "heard ");
            }
            for (index, agent) in agents.iter_mut().enumerate() {
                agent.publish(&format!("news.{index}"), &["one", &long]);
                assert_eq!(agent.request(&format!("svc.{}", (index + 1) % 3), "hello")["payload"], "heard hello", "{lines}");
            }
            for agent in &mut agents {
                let heard = agent.take_payloads("all", 6);
                assert_eq!(heard.iter().filter(|payload| **payload == long).count(), 3, "{lines}");
            }
            let page = server.monitor("/connz?auth=1");
            for connection in page["connections"].as_array().expect("connections") {
                assert_eq!(connection["tls_version"], "1.3", "{connection}");
                assert_eq!(connection["tls_first"] == true, first, "{lines}: {connection}");
            }
        }
    }
}
