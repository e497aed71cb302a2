//! Gateway links byte by byte, against scripted clusters (rows GW-13 to GW-49): the greeting and who is
//! turned away, discovery. What crosses such a link is in `gateway_messages.rs`.
//!
//! The server under test is cluster A. A script plays cluster B (and C). "Inbound" is a link that the script
//! dialled: there the server announces its interest and takes messages. "Outbound" is a link that the server
//! dialled: there it sends messages and takes interest.

use gannet_acceptance::linked::{A, with_remote};
use gannet_acceptance::route_peer::server_of_c;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{
    Kind, Neighbour, RoutePeer, ScriptedGateway, Server, Wire, both, eventually,
};
use serde_json::{Value, json};
use std::time::Duration;

both! {
    /// GW-16: the acceptor speaks first.
    #[test]
    fn acceptor_sends_info_first(kind: Kind) {
        let server = Server::start(kind, A);
        let mut info = Wire::open(&server.gateway_address()).info();
        // Gannet peers find what they need in a field of our own; a Go server has none.
        info.as_object_mut().expect("an object").remove("gannet");
        assert_eq!(info, json!({
            "server_id": server.id(), "server_name": "A1", "version": "2.15.1", "proto": 3, "go": info["go"], "host": "127.0.0.1",
            "port": server.gateway_port(), "headers": true, "max_payload": 1_048_576, "gateway": "A",
            "gateway_urls": [server.gateway_address()], "gateway_url": server.gateway_address(), "gateway_nrp": true, "gateway_iom": true,
        }));
        assert!(info["go"].is_string());
    }

    /// GW-12, GW-16: INFO with authorization and advertised address.
    #[test]
    fn acceptor_info_follows_the_configuration(kind: Kind) {
        let server = Server::start(
            kind,
            "gateway { name: A, listen: \"{gateway}\", advertise: \"gw.example:1234\", authorization { user: u, password: p } }\nmax_payload: 1000",
        );
        let info = Wire::open(&server.gateway_address()).info();
        assert_eq!(
            [&info["auth_required"], &info["gateway_url"], &info["gateway_urls"], &info["max_payload"]],
            [&json!(true), &json!("gw.example:1234"), &json!(["gw.example:1234"]), &json!(1000)]
        );
        server.expect_log("Advertise address for gateway \"A\" is set to gw.example:1234");
        // Without a port it is the listener's.
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\", advertise: \"gw.example\" }");
        let info = Wire::open(&server.gateway_address()).info();
        assert_eq!(info["gateway_url"], format!("gw.example:{}", server.gateway_port()));
    }

    /// GW-17, GW-19: the dialler waits for INFO, then says CONNECT and INFO.
    #[test]
    fn dialler_waits_for_info_then_connects(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        let mut wire = script.accept_silently();
        assert_eq!(wire.hear(Duration::from_millis(200)), Heard::Silence(String::new()), "nothing before INFO");
        wire.send(&format!("INFO {}\r\n", script.info(&json!({}))));
        let id = server.id();
        assert_eq!(wire.json("CONNECT"), json!({
            "echo": false, "verbose": false, "pedantic": false, "tls_required": false, "headers": false, "name": id, "cluster": "", "gateway": "A",
        }));
        let mut info = wire.info();
        info.as_object_mut().expect("an object").remove("gannet");
        assert_eq!(info, json!({
            "server_id": id, "server_name": "A1", "version": "2.15.1", "proto": 3, "go": info["go"], "host": "127.0.0.1",
            "port": server.gateway_port(), "headers": true, "max_payload": 1_048_576, "gateway": "A",
            "gateway_urls": [server.gateway_address()], "gateway_url": server.gateway_address(), "gateway_nrp": true, "gateway_iom": true,
        }));
        server.await_links(1, 0);
        let page = server.monitor("/gatewayz");
        assert_eq!(page["outbound_gateways"]["B"]["configured"], true);
        assert_eq!(server.monitor("/varz")["gateway"]["gateways"], json!([{"name": "B", "urls": [script.address()]}]));
        server.expect_log("Connecting to explicit gateway \"B\"");
        server.expect_log(&format!("Outbound gateway connection to \"B\" ({}) registered", script.server_id()));
    }

    /// GW-13: credentials in the URL win over those of the block, which are used otherwise.
    #[test]
    fn dialler_authenticates(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let address = script.address();
        for (block, userinfo, expected) in [
            ("authorization { user: bu, password: bp }", "", ("bu", "bp")),
            ("authorization { user: bu, password: bp }", "uu:up@", ("uu", "up")),
            ("", "uu:up@", ("uu", "up")),
        ] {
            let server = Server::start(
                kind,
                &format!("gateway {{ name: A, listen: \"{{gateway}}\"\n {block}\n gateways: [{{name: B, url: \"nats://{userinfo}{address}\"}}] }}"),
            );
            let peer = script.accept();
            assert_eq!((peer.connect["user"].as_str(), peer.connect["pass"].as_str()), (Some(expected.0), Some(expected.1)));
            drop(server);
        }
    }

    /// GW-18: CONNECT must come first.
    #[test]
    fn connect_must_come_first(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        for first in [format!("INFO {}", script.info(&json!({}))), "RS+ $G foo".to_owned(), "PING".to_owned(), "RMSG $G foo 0\r\n".to_owned()] {
            let mut wire = Wire::open(&server.gateway_address());
            wire.info();
            wire.send(&format!("{first}\r\n"));
            wire.expect("-ERR 'Authorization Violation'");
            wire.expect_closed();
        }
        server.await_links(0, 0);
    }

    /// GW-19: who accepts and stays silent is dropped as stale, and dialled again.
    #[test]
    fn silent_acceptor_is_dropped(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", "ping_interval: \"100ms\"\nping_max: 2"));
        let mut wire = script.accept_silently();
        let heard = wire.hear(Duration::from_secs(20));
        assert!(matches!(&heard, Heard::End(_)) || heard == Heard::Line("-ERR 'Stale Connection'".to_owned()), "{heard:?}");
        let _again = script.accept_silently();
        drop(server);
    }

    /// GW-20, GW-124: PINGs come on idle links in both directions; who doesn't answer is stale, and counted.
    #[test]
    fn links_are_pinged(kind: Kind) {
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\" }\nping_interval: \"200ms\"\nping_max: 9");
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        inbound.wire.show_pings();
        outbound.wire.show_pings();
        for _ in 0..12 {
            for link in [&mut inbound, &mut outbound] {
                while link.line() != "PING" {}
                link.wire.send("PONG\r\n");
            }
        }
        // Unanswered from now on.
        loop {
            match inbound.line().as_str() {
                "PING" => {}
                other => break assert_eq!(other, "-ERR 'Stale Connection'"),
            }
        }
        inbound.wire.expect_closed();
        server.expect_log("Gateway connection closed: Stale Connection - Remote: B-script");
        eventually("the stale one to be counted", || {
            let stale = server.try_monitor("/varz")?["stale_connection_stats"]["gateways"].clone();
            if stale.as_u64() >= Some(1) { Ok(()) } else { Err(stale.to_string()) }
        });
    }

    /// GW-08: the own cluster may be in the list, the same on all servers; it is shown, and not dialled.
    #[test]
    fn the_own_cluster_in_the_list_is_only_shown(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(
            kind,
            &format!(
                "gateway {{ name: A, listen: \"{{gateway}}\", gateways: [{{name: A, url: \"nats://{{gateway}}\"}}, {{name: B, url: \"nats://{}\"}}] }}",
                script.address()
            ),
        );
        let _peer = script.accept();
        server.await_links(1, 0);
        let mut shown = server.monitor("/varz")["gateway"]["gateways"].as_array().cloned().unwrap_or_default();
        shown.sort_by_key(|one| one["name"].to_string());
        assert_eq!(shown, [json!({"name": "A", "urls": [server.gateway_address()]}), json!({"name": "B", "urls": [script.address()]})]);
        assert!(!server.log().contains("Connecting to explicit gateway \"A\""), "{}", server.log());
    }

    /// GW-22: who may dial in.
    #[test]
    fn acceptor_authenticates(kind: Kind) {
        let hash = bcrypt::hash("p", 4).expect("bcrypt takes short passwords").replace("$2b$", "$2a$");
        for password in ["p", hash.as_str()] {
            let server = Server::start(kind, &format!("gateway {{ name: A, listen: \"{{gateway}}\", authorization {{ user: u, password: \"{password}\" }} }}"));
            let script = ScriptedGateway::new("B");
            for connect in [json!({}), json!({"user": "u"}), json!({"user": "u", "pass": "x"}), json!({"user": "x", "pass": "p"})] {
                let mut peer = script.dial_as(&server, &connect, &json!({}));
                peer.wire.expect("-ERR 'Authorization Violation'");
                peer.wire.expect_closed();
            }
            let mut peer = script.dial_as(&server, &json!({"user": "u", "pass": "p"}), &json!({}));
            peer.read_initial_interest();
            peer.fence();
        }
    }

    /// GW-22: and how long that may take.
    #[test]
    fn acceptor_has_an_authentication_deadline(kind: Kind) {
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\", authorization { user: u, password: p, timeout: 0.2 } }");
        let mut wire = Wire::open(&server.gateway_address());
        wire.info();
        wire.expect("-ERR 'Authentication Timeout'");
        wire.expect_closed();
    }

    /// GW-28: what is no gateway is sent away.
    #[test]
    fn other_kinds_at_the_gateway_port(kind: Kind) {
        let server = Server::start(kind, A);
        for connect in [r#"{"verbose":false}"#, r#"{"verbose":false,"cluster":"X","name":"route"}"#, "{}"] {
            let mut wire = Wire::open(&server.gateway_address());
            wire.info();
            wire.send(&format!("CONNECT {connect}\r\n"));
            wire.expect("-ERR 'attempted to connect to gateway port'");
            wire.expect_closed();
        }
        server.await_links(0, 0);
    }

    /// GW-29: a remote whose address leads to some other port is told, and tried again.
    #[test]
    fn dialling_a_wrong_port(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        for _ in 0..2 {
            let mut wire = script.accept_silently();
            wire.send(&format!("INFO {}\r\n", script.info(&json!({"gateway": null, "gateway_urls": null, "gateway_url": null}))));
            wire.expect("-ERR 'Attempt to connect to gateway \"B\" using wrong port'");
            wire.expect_closed();
        }
        server.expect_log("Attempt to connect to gateway \"B\" using wrong port");
        let _peer = script.accept();
        server.await_links(1, 0);
    }

    /// GW-31: a remote with another name than expected.
    #[test]
    fn dialling_a_wrong_name(kind: Kind) {
        let script = ScriptedGateway::new("C");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        let mut wire = script.accept_silently();
        wire.send(&format!("INFO {}\r\n", script.info(&json!({}))));
        wire.expect("-ERR 'Connection from \"A\" rejected, wanted to connect to \"B\", this is \"C\"'");
        wire.expect_closed();
        server.expect_log("Failing connection to gateway \"B\", remote gateway name is \"C\"");
        let _again = script.accept_silently();
    }

    /// GW-32: a server that rejects unknown clusters.
    #[test]
    fn unknown_clusters_are_rejected(kind: Kind) {
        for key in ["reject_unknown_cluster", "reject_unknown"] {
            let known = ScriptedGateway::new("B");
            let server = Server::start(kind, &with_remote(&known, &format!("{key}: true"), ""));
            let unknown = ScriptedGateway::new("C");
            let mut peer = unknown.dial(&server);
            peer.wire.expect("-ERR 'Connection to gateway \"A\" rejected'");
            peer.wire.expect_closed();
            server.expect_log("Rejecting connection from gateway \"C\"");
            // Gossip about it is ignored as well.
            let mut outbound = known.accept();
            outbound.wire.send(&format!("INFO {}\r\n", unknown.info(&json!({"gateway_cmd": 1}))));
            outbound.fence();
            let mut inbound = known.dial(&server);
            inbound.read_initial_interest();
            inbound.fence();
            server.await_links(1, 1);
        }
    }

    /// GW-33: no two servers of one name.
    #[test]
    fn duplicate_server_names_are_refused(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        let mut peer = script.dial_as(&server, &json!({}), &json!({"server_name": "A1"}));
        assert!(matches!(peer.wire.hear(Duration::from_secs(20)), Heard::End(_)), "{}", peer.wire.story());
        server.expect_log("Remote server has a duplicate name: \"A1\"");
        let mut wire = script.accept_silently();
        wire.send(&format!("INFO {}\r\n", script.info(&json!({"server_name": "A1"}))));
        assert!(matches!(wire.hear(Duration::from_secs(20)), Heard::End(_)), "{}", wire.story());
        server.await_links(0, 0);
    }

    /// GW-36: interest has no business on a link that brings messages.
    #[test]
    fn interest_on_an_inbound_link_is_a_violation(kind: Kind) {
        let server = Server::start(kind, A);
        let mut lines = vec!["RS+ $G foo", "RS- $G foo", "RS+ $G foo q 1"];
        if kind == Kind::Gannet {
            // These two bring the reference server down (a nil pointer); we treat them as the others.
            lines.extend(["A+ $G", "A- $G"]);
        }
        for line in lines {
            let script = ScriptedGateway::new("B");
            let mut peer = script.dial(&server);
            peer.read_initial_interest();
            peer.wire.send(&format!("{line}\r\n"));
            while !matches!(peer.wire.hear(Duration::from_secs(20)), Heard::End(_)) {}
            server.expect_log("Gateway connection closed: Protocol Violation");
        }
    }

    /// GW-37: a command without its account.
    #[test]
    fn switch_without_account_is_a_violation(kind: Kind) {
        for (command, word) in [(2, "start"), (3, "complete")] {
            let script = ScriptedGateway::new("B");
            let server = Server::start(kind, A);
            let (_inbound, mut outbound) = script.link(&server);
            outbound.wire.send(&format!("INFO {}\r\n", json!({"gateway": "B", "gateway_cmd": command})));
            outbound.wire.expect(&format!("-ERR 'Account absent from receive-all-subscriptions-{word} command'"));
            outbound.wire.expect_closed();
            server.expect_log(&format!("Account absent from receive-all-subscriptions-{word} command"));
        }
    }

    /// GW-38: commands of the future are only logged.
    #[test]
    fn unknown_commands_are_logged(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, A);
        let (_inbound, mut outbound) = script.link(&server);
        outbound.wire.send(&format!("INFO {}\r\n", json!({"gateway": "B", "gateway_cmd": 77})));
        outbound.fence();
        server.expect_log("Received unknown command 77 from gateway \"B\"");
    }

    /// GW-39: verbs of other links.
    #[test]
    fn unknown_verbs_close_the_link(kind: Kind) {
        let server = Server::start(kind, A);
        // The verbs of clients close without a word.
        for (line, told) in [("LS+ foo", true), ("LMSG foo 0", true), ("FOO", true), ("SUB foo 1", false), ("HPUB foo 0 0", false), ("UNSUB 1", false)] {
            let script = ScriptedGateway::new("B");
            let mut peer = script.dial(&server);
            peer.read_initial_interest();
            peer.wire.send(&format!("{line}\r\n\r\n"));
            let mut heard = Vec::new();
            while let Heard::Line(line) = peer.wire.hear(Duration::from_secs(20)) {
                heard.push(line);
            }
            heard.retain(|line| !line.starts_with("RS+ $SYS ") && !line.starts_with("INFO "));
            assert_eq!(heard, if told { vec!["-ERR 'Unknown Protocol Operation'"] } else { vec![] }, "{line}");
        }
        Wire::client(&server).fence();
    }

    /// GW-41: who dials in from an unknown cluster is dialled back, at the address it says.
    #[test]
    fn inbound_link_brings_an_implicit_outbound(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, A);
        let (_inbound, _outbound) = script.link(&server);
        server.await_links(1, 1);
        let page = server.monitor("/gatewayz");
        assert_eq!(page["outbound_gateways"]["B"]["configured"], false);
        server.expect_log("Connecting to implicit gateway \"B\"");
        server.expect_log(&format!("Inbound gateway connection from \"B\" ({}) registered", script.server_id()));
        assert_eq!(server.monitor("/varz")["gateway"]["gateways"], Value::Null, "what varz lists is what is configured");
    }

    /// GW-42: a newcomer hears of the others, and the gossip that the server hears makes it dial.
    #[test]
    fn newcomers_hear_of_the_others(kind: Kind) {
        let (b, c, d) = (ScriptedGateway::new("B"), ScriptedGateway::new("C"), ScriptedGateway::new("D"));
        let server = Server::start(kind, A);
        let (_inbound, mut outbound) = b.link(&server);
        server.await_links(1, 1);
        let mut newcomer = c.dial(&server);
        let line = loop {
            let line = newcomer.line();
            if line.contains("\"gateway_cmd\":1") {
                break line;
            }
        };
        let mut gossip: Value = serde_json::from_str(line.strip_prefix("INFO ").expect("an INFO line")).expect("JSON");
        gossip.as_object_mut().expect("an object").retain(|_, value| *value != json!("") && *value != json!(0) && *value != json!(false));
        assert_eq!(gossip, json!({
            "server_id": server.id(), "gateway": "B", "gateway_urls": [b.address()], "gateway_cmd": 1,
        }));
        // Gossip in the other direction, on the link that the server dialled.
        outbound.wire.send(&format!("INFO {}\r\n", json!({"server_id": b.server_id(), "gateway": "D", "gateway_urls": [d.address()], "gateway_cmd": 1})));
        let _dialled = d.accept();
        server.await_links(2, 2);
        assert!(server.monitor("/gatewayz")["outbound_gateways"]["D"].is_object());
    }

    /// GW-49: gossip about oneself is ignored.
    #[test]
    fn gossip_about_oneself_is_ignored(kind: Kind) {
        let b = ScriptedGateway::new("B");
        let server = Server::start(kind, A);
        let (_inbound, mut outbound) = b.link(&server);
        outbound.wire.send(&format!("INFO {}\r\n", json!({"gateway": "A", "gateway_urls": [server.gateway_address()], "gateway_cmd": 1})));
        outbound.fence();
        server.await_links(1, 1);
    }

    /// GW-44, GW-55: other clusters are told of the gateway of each server that joins this one, and when it has gone.
    #[test]
    fn the_gateways_of_the_cluster_are_told_as_they_come_and_go(kind: Kind) {
        let server = server_of_c(kind, "", "gateway { name: c, listen: \"{gateway}\" }");
        let mut b = Neighbour::new("B", &server);
        b.inbound.read_initial_interest();
        let own = server.gateway_address();
        let urls = |line: String| {
            let info: Value = serde_json::from_str(line.strip_prefix("INFO ").expect("an INFO")).expect("JSON");
            let mut urls: Vec<String> = serde_json::from_value(info["gateway_urls"].clone()).expect("a list");
            urls.sort();
            urls
        };
        let joined = RoutePeer::dial(&server, "p", &json!({"gateway_url": "10.1.1.1:7"}));
        assert_eq!(joined.info["gateway_url"], own);
        assert_eq!(urls(b.inbound.line()), ["10.1.1.1:7".to_owned(), own.clone()]);
        drop(joined);
        assert_eq!(urls(b.inbound.line()), [own]);
        b.inbound.fence();
    }

    /// GW-55: a server that stops closes its routes, but tells no other cluster that it is the others who have gone.
    #[test]
    fn a_stopping_server_leaves_the_others_known(kind: Kind) {
        let mut server = server_of_c(kind, "", "gateway { name: c, listen: \"{gateway}\" }");
        let mut clusters = ["B", "D", "E", "F"].map(|name| Neighbour::new(name, &server));
        for cluster in &mut clusters {
            cluster.inbound.read_initial_interest();
        }
        let joined: Vec<RoutePeer> = (1..9)
            .map(|at| RoutePeer::dial(&server, &format!("p{at}"), &json!({"gateway_url": format!("10.1.1.{at}:7")})))
            .collect();
        for cluster in &mut clusters {
            while !cluster.inbound.line().contains("10.1.1.8:7") {}
        }
        assert!(server.terminate().success());
        for cluster in &mut clusters {
            while let Heard::Line(line) = cluster.inbound.wire.hear(Duration::from_secs(20)) {
                let told: Value = line.strip_prefix("INFO ").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                let known = told["gateway_urls"].as_array().map_or(9, Vec::len);
                assert_eq!(known, 9, "{line}");
            }
        }
        drop(joined);
    }

    /// GW-121: all addresses that a cluster is known under are shown.
    #[test]
    fn addresses_that_were_heard_of_are_shown(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        let _link = script.accept_as(&json!({"gateway_urls": [script.address(), "10.1.1.1:7", "[::7]:8"]}));
        server.await_links(1, 0);
        eventually("the addresses", || {
            let page = server.try_monitor("/varz")?;
            let shown = &page["gateway"]["gateways"][0];
            let mut urls: Vec<String> = serde_json::from_value(shown["urls"].clone()).map_err(|error| error.to_string())?;
            urls.sort();
            let mut expected = vec![script.address(), "10.1.1.1:7".to_owned(), "[::7]:8".to_owned()];
            expected.sort();
            if shown["name"] == "B" && urls == expected { Ok(()) } else { Err(shown.to_string()) }
        });
    }
}
