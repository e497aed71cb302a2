//! Encrypted gateways: who is let in, by which certificate, and what the operator sees (rows GW-12, GW-22 to GW-25,
//! GW-48, GW-121, GW-126).

use gannet_acceptance::certificates::{Authority, Certificate, NOT_AFTER, TlsPeer};
use gannet_acceptance::wait::PATIENCE;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{
    Kind, ScriptedGateway, Seeds, Server, SuperCluster, Wire, both, eventually, mixes, pairs,
};
use rustix::process::Signal;
use serde_json::json;
use std::time::Duration;

const LOCAL: &[&str] = &["localhost", "127.0.0.1"];

/// A server of cluster `name` with these lines in its gateway block, running.
fn server(kind: Kind, name: &str, lines: &str) -> Server {
    Server::start(kind, &config(name, lines))
}

fn config(name: &str, lines: &str) -> String {
    format!(
        "server_name: {name}1\ndebug: true\ngateway {{\n name: {name}\n listen: \"{{gateway}}\"\n {lines}\n}}"
    )
}

/// The `gateways` list with one entry: a cluster at `host`, and more lines.
fn remote(name: &str, host: &str, port: u16, lines: &str) -> String {
    format!("gateways: [{{\n name: {name}\n url: \"nats://{host}:{port}\"\n {lines}\n }}]")
}

/// A server of cluster B, and one of cluster A that dials it as `localhost`, with these lines in their blocks.
fn pair(a: Kind, b: Kind, a_lines: &str, b_lines: &str) -> (Server, Server) {
    let b = server(b, "B", b_lines);
    let to_b = remote("B", "localhost", b.gateway_port(), "");
    let a = server(a, "A", &format!("{a_lines}\n{to_b}"));
    (a, b)
}

/// What a server says of a peer whose certificate is by an authority that it does not know. Who has dialled is told
/// the known ones, and the reference then rather shows nothing.
fn unconvincing(dialler: Kind) -> &'static str {
    match dialler {
        Kind::Gannet => {
            "TLS gateway handshake error: tls: failed to verify certificate: x509: certificate signed by unknown authority"
        }
        Kind::Go => "TLS gateway handshake error: tls: client didn't provide a certificate",
    }
}

const ACCEPTED: &str = "Processing inbound gateway connection";
const FAILED: &str = "Gateway connection closed: TLS Handshake Failure";

mixes! {
    /// GW-23, GW-48, SEC-14: clusters that know only the first one find each other by gossip, and all links are
    /// encrypted.
    #[test]
    fn a_super_cluster_is_encrypted_throughout(mix: &str) {
        let ca = Authority::new("gulls");
        let block = ca.issue("any", LOCAL).block("");
        let cluster = SuperCluster::start_with(mix, Seeds::First, &block, "");
        for index in 0..cluster.len() {
            let page = cluster.server(index).monitor("/gatewayz");
            let outbound = page["outbound_gateways"].as_object().expect("links").values().map(|link| &link["connection"]);
            let inbound = page["inbound_gateways"].as_object().expect("links").values().map(|links| &links[0]["connection"]);
            for connection in outbound.chain(inbound) {
                let (version, suite) = (&connection["tls_version"], connection["tls_cipher_suite"].as_str());
                assert_eq!(*version, "1.3", "{connection}");
                assert!(suite.is_some_and(|suite| suite.starts_with("TLS_")), "{connection}");
            }
        }
        let last = cluster.len() - 1;
        let mut subscriber = Wire::client(cluster.server(last));
        subscriber.send("SUB greetings 1\r\n");
        subscriber.fence();
        cluster.await_interest(1, last, "greetings", "");
        let mut publisher = Wire::client(cluster.server(1));
        publisher.send("PUB greetings 5\r\nhello\r\n");
        subscriber.expect("MSG greetings 1 5\r\nhello");
    }
}

pairs! {
    /// GW-23: a server whose certificate is by another authority is not let in, and its peer says why.
    #[test]
    fn another_authority_is_no_good(a: Kind, b: Kind) {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        // A trusts B, B does not trust A.
        let a_block = theirs.issue("a", LOCAL).block_trusting(&ours.ca_file(), "");
        let (a, b) = pair(a, b, &a_block, &ours.issue("b", LOCAL).block(""));
        b.expect_log(unconvincing(a.kind()));
        b.expect_log(FAILED);
        a.expect_log("Gateway connection closed: ");
        a.await_links(0, 0);
        b.await_links(0, 0);
    }

    /// GW-23: the same for the server that is dialled.
    #[test]
    fn a_server_of_another_authority_is_not_believed(a: Kind, b: Kind) {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let b_block = theirs.issue("b", LOCAL).block_trusting(&ours.ca_file(), "");
        let (a, b) = pair(a, b, &ours.issue("a", LOCAL).block(""), &b_block);
        a.expect_log("TLS gateway handshake error: tls: failed to verify certificate: x509: certificate signed by unknown authority");
        a.expect_log(FAILED);
        b.expect_log("TLS gateway handshake error: remote error: tls: ");
        b.expect_log(FAILED);
        a.await_links(0, 0);
    }

    /// GW-23, SEC-14: whoever dials must show a certificate, also where `verify` says nothing.
    #[test]
    fn nobody_comes_in_without_a_certificate(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let b = server(b, "B", &ca.issue("b", LOCAL).block("verify: false"));
        let bare = format!("tls {{ ca_file: \"{}\" }}", ca.ca_file().display());
        let a = server(a, "A", &remote("B", "localhost", b.gateway_port(), &bare));
        b.expect_log("TLS gateway handshake error: tls: client didn't provide a certificate");
        b.expect_log(FAILED);
        a.await_links(0, 0);
    }

    /// GW-24: the certificate must be for the host in the URL.
    #[test]
    fn a_certificate_for_another_name_is_no_good(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let (a_cert, b_cert) = (ca.issue("a", LOCAL), ca.issue("b", &["other.example.com"]));
        let (a, _b) = pair(a, b, &a_cert.block(""), &b_cert.block(""));
        a.expect_log("TLS gateway handshake error: tls: failed to verify certificate: x509: certificate is valid for other.example.com, not localhost");
        a.expect_log(FAILED);
        a.await_links(0, 0);
    }

    /// GW-24: an address is dialled under the first host name that was heard for its cluster; here the address comes
    /// by gossip, and nobody is at the name.
    #[test]
    fn an_address_is_dialled_under_a_name_that_was_heard(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let nobody = gannet_acceptance::ports::Port::reserve();
        let to_b = remote("B", "localhost", nobody.number(), "");
        let a = server(a, "A", &format!("{}\n{to_b}", ca.issue("a", LOCAL).block("")));
        let to_a = remote("A", "127.0.0.1", a.gateway_port(), "");
        let b = server(b, "B", &format!("{}\n{to_a}", ca.issue("b", &["localhost"]).block("")));
        a.await_links(1, 1);
        b.await_links(1, 1);
    }

    /// GW-24: without a name, an address must be in the certificate.
    #[test]
    fn an_address_without_a_name_must_be_in_the_certificate(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let b = server(b, "B", &ca.issue("b", &["localhost"]).block(""));
        let to_b = remote("B", "127.0.0.1", b.gateway_port(), "");
        let a = server(a, "A", &format!("{}\n{to_b}", ca.issue("a", LOCAL).block("")));
        a.expect_log("TLS gateway handshake error: tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs");
        a.await_links(0, 0);
    }

    /// GW-23: one side encrypts and the other does not: neither waits for ever.
    #[test]
    fn plain_and_encrypted_do_not_meet(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let block = ca.issue("any", LOCAL).block("timeout: 1");
        let (encrypted, _plain) = pair(a, b, &block, "");
        encrypted.expect_log("TLS gateway handshake error: tls: first record does not look like a TLS handshake");
        encrypted.expect_log(FAILED);
        let (plain, encrypted) = pair(a, b, "", &block);
        encrypted.expect_log(ACCEPTED);
        encrypted.expect_log("TLS gateway handshake error: ");
        encrypted.expect_log(FAILED);
        plain.await_links(0, 0);
    }

    /// GW-25: where keys are pinned, no other key will do, be it of who dials or of who is dialled.
    #[test]
    fn pinned_keys_are_the_only_ones(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let (a_cert, b_cert) = (ca.issue("a", LOCAL), ca.issue("b", LOCAL));
        let pinned = |cert: &Certificate| format!("pinned_certs: [\"{}\"]", cert.pin);
        for (a_lines, b_lines, refused) in [
            (pinned(&b_cert), pinned(&a_cert).to_uppercase().replace("PINNED_CERTS", "pinned_certs"), None),
            (pinned(&a_cert), String::new(), Some(true)),
            (String::new(), pinned(&b_cert), Some(false)),
        ] {
            let (a, b) = pair(a, b, &a_cert.block(&a_lines), &b_cert.block(&b_lines));
            match refused {
                None => {
                    a.await_links(1, 1);
                    b.await_links(1, 1);
                }
                Some(by_a) => {
                    let judge = if by_a { &a } else { &b };
                    judge.expect_log("TLS gateway handshake error: certificate not pinned");
                    judge.expect_log(FAILED);
                    judge.await_links(0, 0);
                }
            }
        }
    }

    /// GW-22: with `verify_and_map`, the certificate must have the block's user among its names; the password does
    /// not count.
    #[test]
    fn a_certificate_may_name_the_user(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let (a_cert, b_cert) = (ca.issue("a", LOCAL), ca.issue("b", LOCAL));
        for (user, lets_in) in [("CN=a", true), ("localhost", true), ("CN=b", false)] {
            let rule = format!("authorization {{ user: \"{user}\", password: x }}");
            let b_lines = format!("{}\n{rule}", b_cert.block("verify_and_map: true"));
            let (a, b) = pair(a, b, &a_cert.block(""), &b_lines);
            if lets_in {
                a.await_links(1, 1);
            } else {
                b.expect_log("authentication error");
                b.expect_log("Gateway connection closed: Authentication Failure");
                b.await_links(0, 0);
            }
        }
    }

    /// GW-22: with `verify_cert_and_check_known_urls`, it must be for a host among the configured ones.
    #[test]
    fn a_certificate_may_name_a_known_host(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let (a_cert, b_cert) = (ca.issue("a", LOCAL), ca.issue("b", LOCAL));
        for (host, lets_in) in [("localhost", true), ("other.example.com", false)] {
            let known = remote("C", host, 1, "");
            let b_lines = format!("{}\n{known}", b_cert.block("verify_cert_and_check_known_urls: true"));
            let (a, b) = pair(a, b, &a_cert.block(""), &b_lines);
            if lets_in {
                a.await_links(1, 1);
            } else {
                b.expect_log("Gateway connection closed: Authentication Failure");
                b.await_links(0, 0);
            }
        }
    }

    /// GW-23: the entry of a remote has the last word on how it is dialled.
    #[test]
    fn a_remote_may_have_a_block_of_its_own(a: Kind, b: Kind) {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let (at_home, abroad) = (ours.issue("a", LOCAL), theirs.issue("a", LOCAL));
        let b = server(b, "B", &theirs.issue("b", LOCAL).block(""));
        let to_b = remote("B", "localhost", b.gateway_port(), &abroad.block(""));
        let a = server(a, "A", &format!("{}\n{to_b}", at_home.block("")));
        a.await_links(1, 0);
        b.await_links(0, 1);
        b.expect_log("TLS gateway handshake error: tls: failed to verify certificate: x509: certificate signed by unknown authority");
    }

    /// GW-12: `insecure` takes any certificate, and says so at the start.
    #[test]
    fn insecure_takes_any_certificate(a: Kind, b: Kind) {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let b_cert = ours.issue("b", &["other.example.com"]);
        let a_block = ours.issue("a", LOCAL).block_trusting(&theirs.ca_file(), "insecure: true");
        let (a, b) = pair(a, b, &a_block, &b_cert.block(""));
        a.await_links(1, 0);
        let warning = "TLS certificate chain and hostname of solicited gateways will not be verified. DO NOT USE IN PRODUCTION!";
        assert_eq!(a.log().matches(warning).count(), 1, "{}", a.log());
        assert!(!b.log().contains(warning));
    }

    /// GW-126: new certificates are used for the next links, and those that stand do not notice.
    #[test]
    fn certificates_are_swapped_without_dropping_links(a: Kind, b: Kind) {
        let ca = Authority::new("gulls");
        let (old, b_cert) = (ca.issue("a", LOCAL), ca.issue("b", LOCAL));
        let (a, mut b) = pair(a, b, &old.block(""), &b_cert.block(""));
        a.await_links(1, 1);
        let links = || {
            let page = a.monitor("/gatewayz");
            (page["outbound_gateways"]["B"]["connection"]["cid"].clone(), page["inbound_gateways"]["B"][0]["connection"]["cid"].clone())
        };
        let before = links();
        let shown = |new: &Certificate| {
            let mut peer = TlsPeer::dial(&a.gateway_address(), &b_cert);
            peer.json("INFO");
            peer.has_shown(new)
        };
        let new = ca.issue("a", LOCAL);
        assert!(!shown(&new), "the files alone change nothing");
        a.signal(Signal::HUP);
        eventually("the new certificate", || if shown(&new) { Ok(()) } else { Err("the old one".to_owned()) });
        assert_eq!(links(), before);
        b.restart();
        a.await_links(1, 1);
        b.await_links(1, 1);
    }
}

both! {
    /// GW-23: the handshake comes first; INFO and CONNECT say that there was one.
    #[test]
    fn info_and_connect_travel_inside(kind: Kind) {
        let ca = Authority::new("gulls");
        let script = ScriptedGateway::new("B");
        let port = script.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let cert = ca.issue("any", LOCAL);
        let server = server(kind, "A", &format!("{}\n{}", cert.block(""), remote("B", "localhost", port, "")));
        let mut peer = TlsPeer::dial(&server.gateway_address(), &cert);
        let info = peer.json("INFO");
        assert_eq!((&info["tls_required"], &info["tls_verify"], &info["gateway"]), (&json!(true), &json!(true), &json!("A")));
        peer.send(&format!("CONNECT {}\r\nINFO {}\r\nPING\r\n", script.connect(&json!({"tls_required": true})), script.info(&json!({}))));
        while peer.line().expect("an answer") != "PONG" {}
        let mut dialled = TlsPeer::answer(script.accept_silently().into_stream(), &cert);
        dialled.send(&format!("INFO {}\r\n", script.info(&json!({}))));
        assert_eq!(dialled.json("CONNECT")["tls_required"], true);
        assert_eq!(dialled.json("INFO")["tls_required"], true);
        server.await_links(1, 1);
        server.expect_log("Starting TLS gateway client handshake");
        server.expect_log("Starting TLS gateway server handshake");
        server.expect_log("TLS handshake complete");
        server.expect_log("TLS version 1.3, cipher suite TLS_");
    }

    /// GW-23: who dials in without TLS hears nothing, and is gone after its first words.
    #[test]
    fn a_plain_peer_hears_nothing(kind: Kind) {
        let cert = Authority::new("gulls").issue("a", LOCAL);
        let server = server(kind, "A", &cert.block("timeout: 30"));
        let mut wire = Wire::open(&server.gateway_address());
        assert_eq!(wire.hear(Duration::from_millis(300)), Heard::Silence(String::new()));
        wire.send("CONNECT {\"gateway\":\"B\"}\r\nPING\r\n");
        server.expect_log("TLS gateway handshake error: tls: first record does not look like a TLS handshake");
        server.expect_log(FAILED);
        eventually("the end", || match wire.hear(Duration::from_millis(100)) {
            Heard::End(_) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// GW-24: a handshake that does not go on is over in time, in both roles.
    #[test]
    fn who_stalls_in_the_handshake_is_given_up(kind: Kind) {
        let cert = Authority::new("gulls").issue("a", LOCAL);
        let script = ScriptedGateway::new("B");
        let port = script.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let server = server(kind, "A", &format!("{}\n{}", cert.block("timeout: 0.5"), remote("B", "localhost", port, "")));
        let mut silent = Wire::open(&server.gateway_address());
        assert_eq!(silent.hear(PATIENCE), Heard::End(String::new()));
        // A second attempt comes because the first was given up.
        let _first = script.accept_silently();
        let _second = script.accept_silently();
        let failures = eventually("both failures", || {
            let log = server.log();
            let failures = log.matches(FAILED).count();
            if failures >= 2 { Ok(failures) } else { Err(log) }
        });
        assert!(failures >= 2 && server.log().matches("TLS gateway handshake error: ").count() >= 2);
    }

    /// GW-121: what monitoring shows of the configuration.
    #[test]
    fn monitoring_shows_how_gateways_are_encrypted(kind: Kind) {
        let cert = Authority::new("gulls").issue("a", LOCAL);
        let entry = |name: &str, lines: &str| format!("{{ name: {name}, url: \"nats://127.0.0.1:1\"\n {lines}\n }}");
        let remotes = [entry("B", &cert.block("timeout: 1.5")), entry("C", &cert.block("")), entry("D", "")].join("\n");
        let server = server(kind, "A", &format!("{}\n gateways: [\n{remotes}\n]", cert.block("timeout: 3")));
        let mut page = server.monitor("/varz")["gateway"].clone();
        let shown = page.as_object_mut().expect("an object");
        for part in ["host", "port"] {
            assert!(shown.remove(part).is_some());
        }
        let urls = ["127.0.0.1:1"];
        assert_eq!(page, json!({
            "name": "A", "auth_timeout": 4, "tls_timeout": 3, "tls_required": true, "tls_verify": true,
            "gateways": [{"name": "B", "tls_timeout": 1.5, "urls": urls}, {"name": "C", "urls": urls}, {"name": "D", "urls": urls}],
            "tls_cert_not_after": NOT_AFTER,
        }));
    }
}
