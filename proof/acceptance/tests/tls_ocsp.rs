//! Whether certificates are still good: proofs that a server shows of its own, and what authorities say of those of its
//! clients (rows SEC-19 to SEC-23).

use gannet_acceptance::certificates::{Authority, Certificate, TlsPeer};
use gannet_acceptance::responder::{Responder, Standing, standing_of};
use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use serde_json::{Value, json};
use std::time::Duration;

const LOCAL: &[&str] = &["localhost", "127.0.0.1"];
const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1}\r\nPING\r\n";

/// An authority, its responder, and a certificate of a server.
struct World {
    ca: Authority,
    responder: Responder,
    server: Certificate,
}

impl World {
    fn new(must_staple: bool) -> World {
        let ca = Authority::new("ca");
        let responder = Responder::start(&ca);
        let server = ca.issue_asked("server", LOCAL, &responder.url(), must_staple);
        World {
            ca,
            responder,
            server,
        }
    }

    fn client(&self, name: &str) -> Certificate {
        self.ca
            .issue_asked(name, LOCAL, &self.responder.url(), false)
    }

    /// A server whose certificate nobody asks about, and whose clients are asked about.
    fn asking(&self, kind: Kind, peer: &str, more: &str) -> Server {
        let certificate = self.ca.issue("plain", LOCAL);
        Server::start(
            kind,
            &format!(
                "debug: true\n{more}\n{}",
                certificate.block(&format!("verify: true, timeout: 10, ocsp_peer {peer}"))
            ),
        )
    }
}

/// What is shown with the server's certificate.
fn proof(server: &Server) -> Option<Standing> {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    let mut peer = TlsPeer::begin(wire.into_stream(), None);
    peer.shake().expect("a handshake");
    peer.proof().map(|proof| standing_of(&proof))
}

/// Whether a client with this certificate is served.
fn is_served(server: &Server, certificate: &Certificate) -> bool {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    let mut peer = TlsPeer::begin(wire.into_stream(), Some(certificate));
    if peer.shake().is_err() {
        return false;
    }
    peer.try_send(QUIET).is_ok() && peer.line().as_deref() == Some("PONG")
}

fn cache(server: &Server) -> Value {
    server.monitor("/varz")["ocsp_peer_cache"].clone()
}

/// A configuration that makes no server; what it says about that.
fn refused(kind: Kind, config: &str) -> String {
    Server::prepare(kind, config, &[])
        .launch()
        .expect_err("it does not start")
}

both! {
    /// SEC-19: what is shown depends on the mode and on what the certificate says.
    #[test]
    fn proofs_are_shown_as_the_mode_says(kind: Kind) {
        for (must_staple, ocsp, wanted) in [
            (false, "", false),
            (true, "", true),
            (false, "ocsp: true", false),
            (true, "ocsp: true", true),
            (true, "ocsp: false", false),
            (false, "ocsp { mode: must }", false),
            (true, "ocsp { mode: must }", true),
            (false, "ocsp { mode: always }", true),
            (true, "ocsp { mode: never }", false),
        ] {
            let world = World::new(must_staple);
            let server = Server::start(kind, &format!("{ocsp}\n{}", world.server.block("")));
            let what = format!("{must_staple} {ocsp}");
            assert_eq!(proof(&server), wanted.then_some(Standing::Good), "{what}");
            assert_eq!(world.responder.asked() > 0, wanted, "{what}");
            match wanted {
                true => drop(server.expect_log("[INF] OCSP Stapling enabled for Client connections")),
                false => assert!(!server.log().contains("OCSP Stapling enabled"), "{what}"),
            }
            // The reference says so to nobody at its start, when there is no log yet.
            if must_staple && !wanted && kind == Kind::Gannet {
                server.expect_log("has MustStaple but OCSP is disabled");
            }
        }
    }

    /// SEC-19: the responder of the configuration counts, not that of the certificate.
    #[test]
    fn another_responder_may_be_named(kind: Kind) {
        let world = World::new(false);
        let certificate = world.ca.issue_asked("lost", LOCAL, "http://127.0.0.1:1", true);
        let ocsp = format!("ocsp {{ mode: always, url: \"{}\" }}", world.responder.url());
        let server = Server::start(kind, &format!("{ocsp}\n{}", certificate.block("")));
        assert_eq!(proof(&server), Some(Standing::Good));
    }

    /// SEC-20: a server whose certificate is revoked does not start, if it is configured so; otherwise it says so to all.
    #[test]
    fn a_revoked_certificate_is_not_started_with(kind: Kind) {
        for (mode, starts) in [("auto", true), ("must", false), ("always", false)] {
            let world = World::new(true);
            world.responder.say(&world.server, Standing::Revoked);
            let config = format!("ocsp {{ mode: {mode} }}\n{}", world.server.block(""));
            if starts {
                let server = Server::start(kind, &config);
                assert_eq!(proof(&server), Some(Standing::Revoked), "{mode}");
            } else {
                let why = refused(kind, &config);
                let file = world.server.cert_file().display();
                assert!(why.contains(&format!("found existing OCSP status for certificate at '{file}': revoked")), "{mode}: {why}");
            }
        }
    }

    /// SEC-20: nor with one that nothing is to be learnt about.
    #[test]
    fn without_an_answer_there_is_no_start(kind: Kind) {
        let world = World::new(true);
        world.responder.set_silent(true);
        let why = refused(kind, &world.server.block(""));
        assert!(why.contains("bad OCSP status update for certificate at '"), "{why}");
        assert!(why.contains("exhausted ocsp servers: "), "{why}");
    }

    /// SEC-20: proofs are renewed when half of their time has passed, and a revocation ends the server.
    #[test]
    fn a_revocation_ends_the_server(kind: Kind) {
        let world = World::new(false);
        world.responder.set_lasting(Some(Duration::from_secs(4)));
        let mut server = Server::start(kind, &format!("ocsp {{ mode: always }}\n{}", world.server.block("")));
        server.expect_log("Found OCSP status for Client certificate at '");
        server.expect_log("Received OCSP status for Client certificate '");
        assert_eq!(proof(&server), Some(Standing::Good));
        world.responder.say(&world.server, Standing::Revoked);
        server.expect_log("': revoked");
        server.wait();
    }

    /// SEC-20: what was shown is kept in a folder, and shown again after the next start without another question.
    #[test]
    fn proofs_outlive_the_server(kind: Kind) {
        let world = World::new(false);
        let mut server = Server::start(kind, &format!("store_dir: \"{{dir}}/store\"\nocsp {{ mode: always }}\n{}", world.server.block("")));
        assert_eq!(proof(&server), Some(Standing::Good));
        let file = server.folder().join("store/ocsp").join(world.server.digest());
        let kept = std::fs::read(&file).expect("a file of the certificate's name");
        assert_eq!(standing_of(&kept), Standing::Good);
        server.terminate();
        world.responder.set_silent(true);
        server.launch().expect("it starts");
        assert_eq!(proof(&server), Some(Standing::Good));
    }

    /// SEC-19, SEC-20: another mode counts after a reload, without another start.
    #[test]
    fn proofs_follow_a_reload(kind: Kind) {
        let world = World::new(false);
        let with = |ocsp: &str| format!("{ocsp}\n{}", world.server.block(""));
        let server = Server::start(kind, &with("ocsp: false"));
        assert_eq!(proof(&server), None);
        server.write_config(&with("ocsp { mode: always }"));
        let lines = server.reload();
        assert!(lines.contains(&"Reloaded: OCSP".to_owned()), "{lines:?}");
        eventually("a proof", || if proof(&server) == Some(Standing::Good) { Ok(()) } else { Err("none".into()) });
        server.write_config(&with("ocsp: false"));
        server.reload();
        assert_eq!(proof(&server), None);
    }

    /// SEC-21: servers that show proofs to each other find each other, over routes and over gateways.
    #[test]
    fn servers_show_proofs_to_each_other(kind: Kind) {
        let world = World::new(false);
        let block = world.server.block("timeout: 10");
        let ocsp = "ocsp { mode: always }";
        let first = Server::start(kind, &format!("{ocsp}\ncluster {{ name: A, listen: \"{{cluster}}\", {block} }}\ngateway {{ name: A, listen: \"{{gateway}}\", {block} }}"));
        let route = format!("nats://{}", first.route_address());
        let second = Server::start(kind, &format!("{ocsp}\ncluster {{ name: A, listen: \"{{cluster}}\", routes: [\"{route}\"], {block} }}\ngateway {{ name: A, listen: \"{{gateway}}\", {block} }}"));
        let gateway = format!("gateways: [ {{ name: A, url: \"nats://{}\" }} ]", first.gateway_address());
        let third = Server::start(kind, &format!("{ocsp}\ngateway {{ name: B, listen: \"{{gateway}}\", {gateway}, {block} }}"));
        eventually("a route", || {
            let page = first.try_monitor("/routez")?;
            if page["num_routes"].as_u64() > Some(0) { Ok(()) } else { Err(page.to_string()) }
        });
        third.await_links(1, 2);
        for kind in ["Router", "Gateway"] {
            second.expect_log(&format!("OCSP Stapling enabled for {kind} connections"));
        }
    }

    /// SEC-21: a server without a proof that its certificate is good is not linked to.
    #[test]
    fn servers_without_proofs_are_not_linked_to(kind: Kind) {
        let world = World::new(false);
        let first = Server::start(kind, &format!("ocsp {{ mode: always }}\ncluster {{ name: A, listen: \"{{cluster}}\", {} }}", world.server.block("timeout: 10")));
        let bad = world.ca.issue_asked("bad", LOCAL, &world.responder.url(), false);
        world.responder.say(&bad, Standing::Revoked);
        let route = format!("nats://{}", first.route_address());
        let _second = Server::start(kind, &format!("ocsp: false\ncluster {{ name: A, listen: \"{{cluster}}\", routes: [\"{route}\"], {} }}", bad.block("timeout: 10")));
        let why = if kind == Kind::Gannet { "bad status for Router peer: Invalid OCSP response status: revoked" } else { "Router peer missing OCSP Staple" };
        first.expect_log(&format!("TLS route handshake error: {why}"));
        assert_eq!(first.monitor("/routez")["num_routes"], 0);
    }

    /// SEC-22, SEC-23: clients are asked about once, and turned away if they are not good.
    #[test]
    fn clients_are_asked_about(kind: Kind) {
        let world = World::new(false);
        let server = world.asking(kind, "{ verify: true }", "ocsp_cache: true");
        server.expect_log("[INF] OCSP peer cache online, type [local]");
        let [good, bad, odd] = ["good", "bad", "odd"].map(|name| world.client(name));
        world.responder.say(&bad, Standing::Revoked);
        world.responder.say(&odd, Standing::Unknown);
        assert_eq!(cache(&server), json!({"cache_type": "local"}));
        assert!(is_served(&server, &good));
        assert!(is_served(&server, &good));
        assert!(!is_served(&server, &bad));
        assert!(!is_served(&server, &odd));
        server.expect_log("[ERR]");
        server.expect_log("TLS handshake error: client not OCSP valid");
        server.expect_log("[WRN] OCSP verify fail for [CN=bad] with CA status [revoked]");
        server.expect_log("[WRN] OCSP verify fail for [CN=odd] with CA status [unknown]");
        assert_eq!(world.responder.asked(), 3);
        let counts = json!({
            "cache_type": "local", "cache_hits": 1, "cache_misses": 3, "cached_responses": 3,
            "cached_revoked_responses": 1, "cached_good_responses": 1, "cached_unknown_responses": 1,
        });
        assert_eq!(cache(&server), counts);
        assert_eq!(server.monitor("/varz")["tls_ocsp_peer_verify"], true);
        // Who names no responder is nobody's to ask about.
        assert!(is_served(&server, &world.ca.issue("plain", LOCAL)));
        assert_eq!(world.responder.asked(), 3);
    }

    /// SEC-22: who comes in all the same.
    #[test]
    fn some_come_in_all_the_same(kind: Kind) {
        for (peer, standing, served) in [
            ("{ verify: true, warn_only: true }", Some(Standing::Revoked), true),
            ("{ verify: true, unknown_is_good: true }", Some(Standing::Unknown), true),
            ("{ verify: true, unknown_is_good: true }", Some(Standing::Revoked), false),
            ("{ verify: true, allow_when_ca_unreachable: true }", None, true),
            ("{ verify: true, warn_only: true }", None, true),
            ("{ verify: true }", None, false),
        ] {
            let world = World::new(false);
            let server = world.asking(kind, peer, "ocsp_cache: false");
            let client = world.client("client");
            match standing {
                Some(standing) => world.responder.say(&client, standing),
                None => world.responder.set_silent(true),
            }
            assert_eq!(is_served(&server, &client), served, "{peer} {standing:?}");
            assert_eq!(cache(&server), Value::Null);
        }
    }

    /// SEC-22: an answer that is old is asked for again; who was revoked by it stays out where nobody answers.
    #[test]
    fn answers_count_for_their_time(kind: Kind) {
        let world = World::new(false);
        let server = world.asking(kind, "{ verify: true, allow_when_ca_unreachable: true, allowed_clockskew: 0 }", "ocsp_cache { preserve_revoked: true }");
        let [good, bad] = ["good", "bad"].map(|name| world.client(name));
        world.responder.say(&bad, Standing::Revoked);
        world.responder.set_lasting(Some(Duration::from_secs(2)));
        assert!(is_served(&server, &good));
        assert!(!is_served(&server, &bad));
        let asked = world.responder.asked();
        eventually("another question", || {
            assert!(is_served(&server, &good));
            if world.responder.asked() > asked { Ok(()) } else { Err("the answer still counts".into()) }
        });
        world.responder.set_silent(true);
        eventually("nothing that counts", || {
            assert!(!is_served(&server, &bad));
            let log = server.log();
            if log.contains("cached revocation exists so rejecting") { Ok(()) } else { Err("it counts".into()) }
        });
    }

    /// SEC-23: what was answered is known after the next start.
    #[test]
    fn answers_outlive_the_server(kind: Kind) {
        let world = World::new(false);
        let mut server = world.asking(kind, "{ verify: true }", "ocsp_cache { local_store: \"{dir}/kept\" }");
        let client = world.client("client");
        assert!(is_served(&server, &client));
        server.terminate();
        assert!(server.folder().join("kept/cache.json").exists());
        world.responder.set_silent(true);
        server.launch().expect("it starts");
        eventually("monitoring", || match server.try_monitor("/varz")?["ocsp_peer_cache"]["cached_responses"].as_u64() {
            Some(1) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        assert!(is_served(&server, &client));
    }
}

/// SEC-21: a server of the reference that demands proofs finds them where it dials.
#[test]
fn the_reference_finds_proofs_where_it_dials() {
    let world = World::new(false);
    let block = world.server.block("timeout: 10");
    let ours = Server::start(
        Kind::Gannet,
        &format!(
            "ocsp {{ mode: always }}\ncluster {{ name: A, listen: \"{{cluster}}\", {block} }}"
        ),
    );
    let route = format!("nats://{}", ours.route_address());
    let _theirs = Server::start(
        Kind::Go,
        &format!(
            "ocsp {{ mode: always }}\ncluster {{ name: A, listen: \"{{cluster}}\", routes: [\"{route}\"], {block} }}"
        ),
    );
    eventually("a route", || {
        let page = ours.try_monitor("/routez")?;
        if page["num_routes"].as_u64() > Some(0) {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
}

/// SEC-23: the files of both servers are the same.
#[test]
fn answers_of_the_reference_are_read_and_it_reads_ours() {
    let world = World::new(false);
    let client = world.client("client");
    for (writer, reader) in [(Kind::Go, Kind::Gannet), (Kind::Gannet, Kind::Go)] {
        world.responder.set_silent(false);
        let mut first = world.asking(
            writer,
            "{ verify: true }",
            "ocsp_cache { local_store: \"{dir}/kept\" }",
        );
        assert!(is_served(&first, &client));
        first.terminate();
        let kept = first.folder().join("kept");
        world.responder.set_silent(true);
        let second = world.asking(
            reader,
            "{ verify: true }",
            &format!("ocsp_cache {{ local_store: \"{}\" }}", kept.display()),
        );
        assert_eq!(cache(&second)["cached_good_responses"], 1, "{reader:?}");
        assert!(is_served(&second, &client), "{reader:?}");
    }
}
