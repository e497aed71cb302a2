//! What crosses a route, line by line, against scripted servers: interest, messages, permissions, gossip (rows CLU-07,
//! CLU-10 to CLU-12, CLU-19, CLU-20, GW-35, GW-76). For whole clusters see `routes.rs`.

use gannet_acceptance::linked::client;
use gannet_acceptance::route_peer::{id, server_of_c};
use gannet_acceptance::{Neighbour, RoutePeer, Wire, both, eventually};
use serde_json::{Value, json};

both! {
    /// CLU-10, CLU-11: a plain subject is told when the first subscriber comes and when the last one goes, a queue group
    /// with the number of its members, each time that changes.
    #[test]
    fn changes_of_interest_are_told_once(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut peer = RoutePeer::dial(&server, "p", &Value::Null);
        let mut local = client(&server);
        for (said, told) in [
            ("SUB foo 1", "RS+ $G foo"),
            ("SUB foo 2", ""),
            ("SUB work q 3", "RS+ $G work q 1"),
            ("SUB work q 4", "RS+ $G work q 2"),
            ("SUB work r 5", "RS+ $G work r 1"),
            ("UNSUB 1", ""),
            ("UNSUB 3", "RS+ $G work q 1"),
            ("UNSUB 2", "RS- $G foo"),
            ("UNSUB 4", "RS- $G work q"),
            ("SUB a.*.> 6", "RS+ $G a.*.>"),
        ] {
            local.send(&format!("{said}\r\n"));
            local.fence();
            if !told.is_empty() {
                peer.expect(told);
            }
            peer.fence();
        }
        // Thousands of subscribers are one interest.
        let many: String = (0..2000).map(|sid| format!("SUB crowd m{sid}\r\n")).collect();
        local.send(&many);
        local.fence();
        peer.expect("RS+ $G crowd");
        peer.fence();
        drop(local);
        let mut gone: Vec<String> = (0..3).map(|_| peer.line()).collect();
        gone.sort();
        assert_eq!(gone, ["RS- $G a.*.>", "RS- $G crowd", "RS- $G work r"]);
    }

    /// CLU-11: changes of a group's weight that were overtaken may be left out; the last one counts.
    #[test]
    fn the_last_weight_is_told(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut peer = RoutePeer::dial(&server, "p", &Value::Null);
        let mut local = client(&server);
        for (said, last) in [("SUB work q", 100), ("UNSUB", 40)] {
            let sids = if last == 100 { 0..100 } else { 0..60 };
            local.send(&sids.map(|sid| format!("{said} {sid}\r\n")).collect::<String>());
            local.fence();
            while peer.line() != format!("RS+ $G work q {last}") {}
            peer.fence();
        }
    }

    /// CLU-11: a server that comes is told everything at once, each subject and each group once.
    #[test]
    fn newcomers_are_told_everything_once(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut local = client(&server);
        local.send("SUB foo 1\r\nSUB foo 2\r\nSUB work q 3\r\nSUB work q 4\r\nSUB work r 5\r\nSUB x.> 6\r\nSUB gone 7\r\nUNSUB 7\r\n");
        local.fence();
        for name in ["p1", "p2"] {
            let mut peer = RoutePeer::introduce(&server, name, &Value::Null);
            let mut told: Vec<String> = (0..4).map(|_| peer.line()).collect();
            told.sort();
            assert_eq!(told, ["RS+ $G foo", "RS+ $G work q 2", "RS+ $G work r 1", "RS+ $G x.>"]);
            peer.fence();
        }
    }

    /// CLU-10, CLU-11: what a server of the cluster wants is sent to it, in these frames; and its interest shows how many.
    #[test]
    fn messages_leave_in_these_frames(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut peer = RoutePeer::dial(&server, "p", &Value::Null);
        peer.say("RS+ $G foo\r\nRS+ $G work q 2\r\nRS+ $G both\r\nRS+ $G both q 1\r\n");
        let mut local = client(&server);
        for (published, frame) in [
            ("PUB foo 2\r\nhi\r\n", "RMSG $G foo 2\r\nhi"),
            ("PUB foo re.ply 2\r\nhi\r\n", "RMSG $G foo re.ply 2\r\nhi"),
            ("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("PUB work 2\r\nhi\r\n", "RMSG $G work | q 2\r\nhi"),
            ("PUB work re.ply 2\r\nhi\r\n", "RMSG $G work + re.ply q 2\r\nhi"),
            ("HPUB work re.ply 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "HMSG $G work + re.ply q 12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("PUB both 2\r\nhi\r\n", "RMSG $G both | q 2\r\nhi"),
        ] {
            local.send(published);
            local.fence();
            peer.expect(frame);
            peer.fence();
        }
        // Many at once count one by one.
        local.send(&"PUB foo 2\r\nhi\r\n".repeat(20));
        for _ in 0..20 {
            peer.expect("RMSG $G foo 2\r\nhi");
        }
        let page = server.monitor("/routez?subs=detail");
        let list = page["routes"][0]["subscriptions_list_detail"].as_array().expect("a list");
        let mut counts: Vec<(String, u64)> = list
            .iter()
            .map(|sub| (format!("{} {}", sub["subject"], sub["qgroup"]), sub["msgs"].as_u64().expect("a number")))
            .collect();
        counts.sort();
        let expected = [("\"both\" \"q\"", 0), ("\"both\" null", 1), ("\"foo\" null", 23), ("\"work\" \"q\"", 3)];
        assert_eq!(counts, expected.map(|(of, count)| (of.to_owned(), count)), "{page}");
        peer.say("RS- $G foo\r\nRS- $G work q\r\nRS- $G both q\r\n");
        local.send("PUB foo 1\r\na\r\nPUB work 1\r\nb\r\nPUB both 1\r\nc\r\n");
        local.fence();
        peer.expect("RMSG $G both 1\r\nc");
        peer.fence();
    }

    /// CLU-10: interest of leaf nodes of another cluster is interest like any other, and is told and taken back apart from
    /// that of clients.
    #[test]
    fn interest_of_leaf_nodes_counts(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut peer = RoutePeer::dial(&server, "p", &Value::Null);
        let mut local = client(&server);
        for (said, wanted) in [
            ("LS+ edge $G foo", true),
            ("RS+ $G foo", true),
            ("LS- edge $G foo", true),
            ("RS- $G foo", false),
            ("LS+ edge $G foo", true),
            ("LS- edge $G foo", false),
        ] {
            peer.say(&format!("{said}\r\n"));
            local.send("PUB foo 2\r\nhi\r\n");
            local.fence();
            if wanted {
                peer.expect("RMSG $G foo 2\r\nhi");
            }
            peer.fence();
        }
        peer.say("LS+ edge $G work q 1\r\n");
        local.send("PUB work 2\r\nhi\r\n");
        peer.expect("RMSG $G work | q 2\r\nhi");
    }

    /// CLU-11: what comes from a server of the cluster goes to all plain subscriptions and to one member of the groups that
    /// are named.
    #[test]
    fn messages_come_in_these_frames(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut peer = RoutePeer::dial(&server, "p", &Value::Null);
        let mut local = client(&server);
        local.send("SUB foo 1\r\nSUB foo q 2\r\n");
        local.fence();
        let (mut q, plain) = (0, "MSG foo 1 ");
        for (frame, named, rest) in [
            ("RMSG $G foo 2\r\nhi\r\n", false, "2\r\nhi"),
            ("RMSG $G foo re.ply 2\r\nhi\r\n", false, "re.ply 2\r\nhi"),
            ("RMSG $G foo | q 2\r\nhi\r\n", true, "2\r\nhi"),
            ("RMSG $G foo + re.ply q 2\r\nhi\r\n", true, "re.ply 2\r\nhi"),
            ("LMSG edge $G foo 0 2\r\nhi\r\n", false, "2\r\nhi"),
            ("HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", false, "12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("LMSG edge $G foo + re.ply q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", true, "re.ply 12 14\r\nNATS/1.0\r\n\r\nhi"),
        ] {
            peer.wire.send(frame);
            let verb = if rest.contains("NATS/1.0") { "H" } else { "" };
            local.expect(&format!("{verb}{plain}{rest}"));
            if named {
                local.expect(&format!("{verb}MSG foo 2 {rest}"));
                q += 1;
            }
            local.fence();
        }
        assert_eq!(q, 3);
    }

    /// CLU-09, GW-76: what came by a route leaves by none and by no gateway; what came by a gateway leaves by no gateway, but
    /// by the routes; interest is not passed on between servers of the cluster, but to other clusters.
    #[test]
    fn messages_of_the_cluster_hop_once(kind: Kind) {
        let server = server_of_c(kind, "", "gateway { name: c, listen: \"{gateway}\" }");
        let mut b = Neighbour::new("B", &server);
        b.announce(&["RS+ $G foo"]);
        b.inbound.read_initial_interest();
        let mut one = RoutePeer::dial(&server, "p1", &Value::Null);
        let mut two = RoutePeer::dial(&server, "p2", &Value::Null);
        for peer in [&mut one, &mut two] {
            peer.say("RS+ $G foo\r\n");
        }
        b.inbound.expect("RS+ $G foo");
        let mut local = client(&server);
        local.send("SUB foo 1\r\n");
        local.fence();
        one.expect("RS+ $G foo");
        two.expect("RS+ $G foo");
        one.wire.send("RMSG $G foo 1\r\na\r\n");
        local.expect("MSG foo 1 1\r\na");
        b.inbound.wire.send("RMSG $G foo 1\r\nb\r\n");
        local.expect("MSG foo 1 1\r\nb");
        local.fence();
        for peer in [&mut one, &mut two] {
            peer.expect("RMSG $G foo 1\r\nb");
            peer.fence();
        }
        b.outbound.fence();
        b.inbound.fence();
        // What a client sends goes everywhere.
        local.send("PUB foo 1\r\nc\r\n");
        one.expect("RMSG $G foo 1\r\nc");
        two.expect("RMSG $G foo 1\r\nc");
        b.outbound.expect("RMSG $G foo 1\r\nc");
    }

    /// CLU-12: a server tells of interest only what it may import, and takes in only what it may export; INFO says both.
    #[test]
    fn permissions_filter_interest_both_ways(kind: Kind) {
        let server = server_of_c(kind, "permissions { import: [\"in.>\", \"two.*\"], export: {allow: \"out.>\", deny: \"out.no\"} }", "");
        let mut early = client(&server);
        early.send("SUB in.early 1\r\nSUB other.early 2\r\n");
        early.fence();
        let mut peer = RoutePeer::introduce(&server, "p", &Value::Null);
        assert_eq!(
            (&peer.info["import"], &peer.info["export"]),
            (&json!({"allow": ["in.>", "two.*"]}), &json!({"allow": ["out.>"], "deny": ["out.no"]})),
        );
        peer.expect("RS+ $G in.early");
        peer.fence();
        early.send("SUB in.a 3\r\nSUB out.a 4\r\nSUB two.a q 5\r\nSUB two.a.b q 6\r\n");
        early.fence();
        peer.expect("RS+ $G in.a\r\nRS+ $G two.a q 1");
        peer.fence();
        early.send("UNSUB 4\r\nUNSUB 3\r\n");
        early.fence();
        peer.expect("RS- $G in.a");
        peer.fence();
        peer.say("RS+ $G out.a\r\nRS+ $G out.no\r\nRS+ $G in.b\r\nRS+ $G out.q q 1\r\n");
        let mut publisher = client(&server);
        for subject in ["out.no", "in.b", "out.a", "out.q"] {
            publisher.send(&format!("PUB {subject} 0\r\n\r\n"));
        }
        publisher.fence();
        peer.expect("RMSG $G out.a 0\r\n\r\nRMSG $G out.q | q 0\r\n");
        peer.fence();
        let page = server.monitor("/routez");
        assert_eq!((&page["import"], &page["export"]), (&peer.info["import"], &peer.info["export"]), "{page}");
    }

    /// CLU-12: and what the peer says that it takes and gives is shown with its route.
    #[test]
    fn permissions_of_the_peer_are_shown(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let (import, export) = (json!({"allow": ["a"]}), json!({"deny": ["b"]}));
        let _peer = RoutePeer::dial(&server, "p", &json!({"import": import, "export": export}));
        let route = server.monitor("/routez")["routes"][0].clone();
        assert_eq!((&route["import"], &route["export"]), (&import, &export), "{route}");
    }

    /// CLU-07, CLU-19: a server that comes is told of to those that are there, with the address it can be reached at.
    #[test]
    fn a_newcomer_is_told_of(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut first = RoutePeer::dial(&server, "p1", &json!({"route_pool_size": 1, "gossip_mode": 0}));
        let urls = json!({"port": 4711, "nonce": "n", "connect_urls": ["c:1"], "gateway_url": "g:1", "import": {"allow": ["a"]}});
        let _second = RoutePeer::dial(&server, "p2", &urls);
        let told = first.gossip("server_id", &id("p2"));
        let shown = ["server_name", "cluster", "host", "port", "ip", "gossip_mode", "nonce", "connect_urls", "gateway_url", "import"];
        let expected = json!({
            "server_name": "p2", "cluster": "c", "host": "127.0.0.1", "port": 4711, "ip": "nats-route://127.0.0.1:4711/", "gossip_mode": 1,
            "nonce": null, "connect_urls": ["c:1"], "gateway_url": "g:1", "import": {"allow": ["a"]},
        });
        for field in shown {
            assert_eq!(told[field], expected[field], "{field}: {told}");
        }
    }

    /// CLU-20: the addresses and the interest of a server that has gone are gone with it.
    #[test]
    fn who_leaves_takes_everything_along(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut listener = Wire::client_with(&server, &json!({"protocol": 1, "no_responders": true, "headers": true}));
        let own = server.client_address();
        let urls = |info: &Value| {
            let mut urls: Vec<String> = info["connect_urls"].as_array().into_iter().flatten().map(|url| url.as_str().unwrap_or_default().to_owned()).collect();
            urls.sort();
            urls
        };
        let mut peer = RoutePeer::dial(&server, "p", &json!({"connect_urls": ["10.1.1.1:1", "10.1.1.1:2"]}));
        let mut expected = vec!["10.1.1.1:1".to_owned(), "10.1.1.1:2".to_owned(), own.clone()];
        expected.sort();
        assert_eq!(urls(&listener.info()), expected);
        peer.say("RS+ $G foo\r\nRS+ $G work q 3\r\n");
        assert_eq!(server.monitor("/varz")["routes"], 1);
        drop(peer);
        assert_eq!(urls(&listener.info()), [own]);
        // Nobody has stayed behind who could be meant.
        listener.send("SUB inbox 1\r\n");
        for subject in ["foo", "work"] {
            eventually(&format!("{subject} to be nobody's"), || {
                listener.send(&format!("PUB {subject} inbox 0\r\n\r\n"));
                listener.send("PING\r\n");
                let heard: Vec<String> = std::iter::from_fn(|| Some(listener.line()).filter(|line| line != "PONG")).collect();
                if heard.iter().any(|line| line == "NATS/1.0 503") { Ok(()) } else { Err(format!("{heard:?}")) }
            });
        }
    }

    /// GW-35: a server of a cluster that has no gateway itself says so when it hears of another cluster, and routes on.
    #[test]
    fn news_of_gateways_is_an_error_where_there_are_none(kind: Kind) {
        let server = server_of_c(kind, "", "");
        let mut peer = RoutePeer::dial(&server, "p", &Value::Null);
        let news = json!({
            "server_id": format!("GW{}", id("p")), "server_name": "p", "gateway": "B", "gateway_urls": ["127.0.0.1:1"], "gateway_cmd": 1,
        });
        peer.say(&format!("INFO {news}\r\nRS+ $G foo\r\n"));
        let line = server.expect_log("Received information about gateway \"B\" from ");
        assert!(line.contains("[ERR]") && line.ends_with(&format!("from {}, but gateway is not configured", id("p"))), "{line}");
        let mut local = client(&server);
        local.send("PUB foo 2\r\nhi\r\n");
        peer.expect("RMSG $G foo 2\r\nhi");
    }
}
