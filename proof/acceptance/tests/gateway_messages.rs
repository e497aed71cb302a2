//! What crosses a gateway link, byte by byte, against scripted clusters: interest, messages, routed replies (rows
//! GW-56 to GW-81, GW-87 to GW-93). For the roles of server and script see `gateway_wire.rs`.

use gannet_acceptance::gateway_peer::short_hash;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{GatewayPeer, Kind, ScriptedGateway, Server, Wire, both, eventually};
use serde_json::json;
use std::time::Duration;

const A: &str = "server_name: A1\ndebug: true\ngateway { name: A, listen: \"{gateway}\" }";

/// A client that publishes with headers.
fn client(server: &Server) -> Wire {
    Wire::client_with(server, &json!({"headers": true, "no_responders": true}))
}

both! {
    /// GW-58, GW-59, GW-60, GW-62, GW-63: what an acceptor announces, in its order: queue interest, then the
    /// switch of each account around its plain interest.
    #[test]
    fn acceptor_announces_interest(kind: Kind) {
        let server = Server::start(kind, A);
        let mut local = Wire::client(&server);
        local.send("SUB foo 1\r\nSUB foo 2\r\nSUB foo.* 3\r\nSUB bar q 4\r\nSUB bar q 5\r\nSUB foo r 6\r\n");
        local.fence();
        let script = ScriptedGateway::new("B");
        let mut peer = script.dial(&server);
        let mut queues = vec![peer.line(), peer.line()];
        queues.sort();
        assert_eq!(queues, ["RS+ $G bar q 1", "RS+ $G foo r 1"]);
        peer.expect_switch(2, "$G");
        let mut plain = vec![peer.line(), peer.line()];
        plain.sort();
        assert_eq!(plain, ["RS+ $G foo", "RS+ $G foo.*"]);
        peer.expect_switch(3, "$G");
        peer.fence();
    }

    /// GW-64, GW-65: changes of interest: the first and the last of each kind count.
    #[test]
    fn interest_changes_are_announced_once(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let mut peer = script.dial(&server);
        assert_eq!(peer.read_initial_interest(), Vec::<String>::new());
        let mut local = Wire::client(&server);
        let mut other = Wire::client(&server);
        let mut step = |wire: &mut Wire, talk: &str, expected: &[&str]| {
            wire.send(talk);
            wire.fence();
            for line in expected {
                peer.expect(line);
            }
            peer.fence();
        };
        step(&mut local, "SUB foo 1\r\n", &["RS+ $G foo"]);
        step(&mut other, "SUB foo 1\r\n", &[]);
        step(&mut local, "UNSUB 1\r\n", &[]);
        step(&mut other, "UNSUB 1\r\n", &["RS- $G foo"]);
        step(&mut local, "SUB foo q 2\r\nSUB foo q 3\r\n", &["RS+ $G foo q 1"]);
        step(&mut other, "SUB foo q 2\r\n", &[]);
        step(&mut local, "UNSUB 2\r\nUNSUB 3\r\n", &[]);
        step(&mut other, "UNSUB 2\r\n", &["RS- $G foo q"]);
        step(&mut local, "SUB foo 4\r\nSUB foo q 5\r\nSUB > 6\r\n", &["RS+ $G foo", "RS+ $G foo q 1", "RS+ $G >"]);
        // Auto-unsubscribe takes interest away when it is reached.
        step(&mut other, "SUB once 7\r\nUNSUB 7 1\r\n", &["RS+ $G once"]);
        other.send("PUB once 0\r\n\r\n");
        other.expect("MSG once 7 0\r\n");
        peer.expect("RS- $G once");
        // A connection that ends takes all its interest with it.
        drop(local);
        let mut gone = vec![peer.line(), peer.line(), peer.line()];
        gone.sort();
        assert_eq!(gone, ["RS- $G >", "RS- $G foo", "RS- $G foo q"]);
        peer.fence();
    }

    /// GW-58: without interest nothing crosses; an account of which nothing was said has none.
    #[test]
    fn nothing_crosses_without_interest(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (_inbound, mut outbound) = script.link(&server);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("SUB in.* 1\r\nPUB foo 1\r\nx\r\nPUB foo in.1 1\r\nx\r\n");
        local.expect("HMSG in.1 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: foo\r\n\r\n");
        local.fence();
        outbound.fence();
        outbound.announce(&script, "$G", &["RS+ $G bar", "RS+ $X foo"]);
        local.send("PUB foo 1\r\nx\r\nPUB bar 1\r\ny\r\n");
        local.fence();
        outbound.expect("RMSG $G bar 1\r\ny");
        outbound.fence();
        // Interest that is taken back.
        outbound.wire.send("RS- $G bar\r\nRS- $G never.there\r\n");
        outbound.fence();
        local.send("PUB bar 1\r\nz\r\n");
        local.fence();
        outbound.fence();
    }

    /// GW-77, GW-81: the frames that carry messages, with and without reply, queues, headers.
    #[test]
    fn messages_cross_in_these_frames(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (_inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G foo", "RS+ $G foo.> ", "RS+ $G work q 1", "RS+ $G both", "RS+ $G both q1 1", "RS+ $G both q2 1"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        for (talk, expected) in [
            ("PUB foo 2\r\nhi\r\n", "RMSG $G foo 2\r\nhi"),
            ("PUB foo.bar 0\r\n\r\n", "RMSG $G foo.bar 0\r\n"),
            ("PUB foo r 2\r\nhi\r\n", "RMSG $G foo r 2\r\nhi"),
            ("PUB work 2\r\nhi\r\n", "RMSG $G work | q 2\r\nhi"),
            ("PUB work r 2\r\nhi\r\n", "RMSG $G work + r q 2\r\nhi"),
            ("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("HPUB foo r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "HMSG $G foo r 12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("HPUB work 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "HMSG $G work | q 12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("HPUB work r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "HMSG $G work + r q 12 14\r\nNATS/1.0\r\n\r\nhi"),
        ] {
            local.send(talk);
            local.fence();
            outbound.expect(expected);
            outbound.fence();
        }
        // Two groups: their order in the frame is free.
        local.send("PUB both 2\r\nhi\r\n");
        let line = outbound.line();
        assert!(["RMSG $G both | q1 q2 2", "RMSG $G both | q2 q1 2"].contains(&line.as_str()), "{line}");
        outbound.expect("hi");
        // A group with a member here is served here and not named there.
        local.send("SUB work q 1\r\nSUB both q1 2\r\nPUB work 2\r\nhi\r\nPUB both 2\r\nho\r\n");
        local.expect("MSG work 1 2\r\nhi\r\nMSG both 2 2\r\nho");
        local.fence();
        outbound.expect("RMSG $G both | q2 2\r\nho");
        outbound.fence();
    }

    /// GW-71: messages of an account that is unknown here are answered once, so that an old peer stops.
    #[test]
    fn messages_of_unknown_accounts_are_answered_once(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let mut inbound = script.dial(&server);
        inbound.read_initial_interest();
        inbound.wire.send("RMSG $G foo 0\r\n\r\nRMSG X foo 0\r\n\r\nRMSG X bar 0\r\n\r\n");
        inbound.expect("A- X");
        inbound.fence();
    }

    /// GW-15: each link has its direction: messages go from who dialled to who accepted, interest comes back.
    #[test]
    fn each_link_has_one_direction(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G foo"]);
        inbound.read_initial_interest();
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("SUB bar 1\r\nPUB foo 2\r\nhi\r\n");
        local.fence();
        // Interest on the one and the message on the other, and nothing else on either.
        inbound.expect("RS+ $G bar");
        inbound.fence();
        outbound.expect("RMSG $G foo 2\r\nhi");
        outbound.fence();
        if kind == Kind::Go {
            // The reference takes a message from the wrong side like any other; nobody sends such.
            return;
        }
        outbound.wire.send("RMSG $G bar 2\r\nhi\r\n");
        let heard = outbound.wire.hear(Duration::from_secs(20));
        assert!(matches!(heard, Heard::End(_)), "{heard:?}");
        let _again = script.accept();
        server.await_links(1, 1);
        local.fence();
    }

    /// GW-70: a peer from before interest-only mode gets everything, but what it refuses: subjects one by one, or a
    /// whole account.
    #[test]
    fn old_peers_get_what_they_have_not_refused(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let old = json!({"gateway_iom": null});
        let _inbound = script.dial_as(&server, &json!({}), &old);
        let mut outbound = script.accept_as(&old);
        server.await_links(1, 1);
        let mut local = client(&server);
        let mut step = |told: &str, published: &[&str], expected: &[&str]| {
            if !told.is_empty() {
                outbound.wire.send(&format!("{told}\r\n"));
            }
            outbound.fence();
            for subject in published {
                local.send(&format!("PUB {subject} 2\r\nhi\r\n"));
            }
            local.fence();
            for line in expected {
                outbound.expect(&format!("RMSG $G {line} 2\r\nhi"));
            }
            outbound.fence();
        };
        step("", &["foo", "bar"], &["foo", "bar"]);
        step("RS- $G foo", &["foo", "bar", "foo.x"], &["bar", "foo.x"]);
        step("RS- $G foo.x", &["foo", "foo.x", "bar"], &["bar"]);
        step("RS+ $G foo", &["foo", "foo.x"], &["foo"]);
        // A wildcard takes back what it covers.
        step("RS+ $G foo.*", &["foo.x", "foo.y"], &["foo.x", "foo.y"]);
        step("A- $G", &["foo", "bar", "new"], &[]);
        step("A+ $G", &["foo", "bar"], &["foo", "bar"]);
        // GW-73: a queue group counts as interest of the account.
        step("A- $G", &["foo"], &[]);
        step("RS+ $G work q 1", &["foo"], &["foo"]);
        let page = server.monitor("/gatewayz?accs=1");
        let account = &page["outbound_gateways"]["B"]["accounts"][0];
        assert_eq!((&account["name"], &account["interest_mode"]), (&json!("$G"), &json!("Optimistic")), "{page}");
    }

    /// GW-61, GW-72: an old peer that has refused too much switches the account: from the start command to the end
    /// command the old rule holds, after it only what was asked for.
    #[test]
    fn old_peers_switch_to_interest_only(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let old = json!({"gateway_iom": null});
        let _inbound = script.dial_as(&server, &json!({}), &old);
        let mut outbound = script.accept_as(&old);
        server.await_links(1, 1);
        let mut local = client(&server);
        let account = || server.monitor("/gatewayz?accs=1")["outbound_gateways"]["B"]["accounts"][0].clone();
        let refusals: String = (0..1000).map(|number| format!("RS- $G no.{number}\r\n")).collect();
        outbound.wire.send(&refusals);
        outbound.fence();
        assert_eq!((&account()["interest_mode"], &account()["no_interest_count"]), (&json!("Optimistic"), &json!(1000)));
        outbound.wire.send(&format!("INFO {}\r\nRS+ $G wanted\r\n", script.switch_command(2, "$G")));
        outbound.fence();
        assert_eq!(account()["interest_mode"], "Transitioning");
        local.send("PUB other 1\r\na\r\nPUB no.7 1\r\nb\r\nPUB wanted 1\r\nc\r\n");
        local.fence();
        outbound.expect("RMSG $G other 1\r\na\r\nRMSG $G wanted 1\r\nc");
        outbound.fence();
        outbound.wire.send(&format!("INFO {}\r\n", script.switch_command(3, "$G")));
        outbound.fence();
        assert_eq!((&account()["interest_mode"], &account()["num_subs"]), (&json!("Interest-Only"), &json!(1)));
        local.send("PUB other 1\r\nd\r\nPUB no.7 1\r\ne\r\nPUB wanted 1\r\nf\r\n");
        local.fence();
        outbound.expect("RMSG $G wanted 1\r\nf");
        outbound.fence();
    }

    /// GW-78: a peer without headers gets none.
    #[test]
    fn headers_are_stripped_for_peers_without(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let _inbound = script.dial_as(&server, &json!({}), &json!({"headers": false}));
        let mut outbound = script.accept_as(&json!({"headers": false}));
        outbound.announce(&script, "$G", &["RS+ $G foo"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        outbound.expect("RMSG $G foo 2\r\nhi");
        outbound.fence();
    }

    /// GW-79: what comes in goes to all plain subscriptions and to one member of the queues that are named.
    #[test]
    fn incoming_messages_reach_plain_and_named_queues(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let mut inbound = script.dial(&server);
        let mut local = client(&server);
        local.send("SUB foo 1\r\nSUB foo 2\r\nSUB foo q 3\r\nSUB foo q 4\r\nSUB foo r 5\r\n");
        local.fence();
        for (frame, groups, head) in [
            ("RMSG $G foo 2\r\nhi\r\n", &[][..], ("MSG foo", "2")),
            ("RMSG $G foo re.ply 2\r\nhi\r\n", &[], ("MSG foo", "re.ply 2")),
            ("RMSG $G foo | q 2\r\nhi\r\n", &["34"], ("MSG foo", "2")),
            ("RMSG $G foo | q r 2\r\nhi\r\n", &["34", "5"], ("MSG foo", "2")),
            ("RMSG $G foo + re.ply r 2\r\nhi\r\n", &["5"], ("MSG foo", "re.ply 2")),
            ("RMSG $G foo | nobody 2\r\nhi\r\n", &[], ("MSG foo", "2")),
            ("HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", &[], ("HMSG foo", "12 14")),
            ("HMSG $G foo + re.ply q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", &["34"], ("HMSG foo", "re.ply 12 14")),
        ] {
            inbound.wire.send(frame);
            let mut wanted: Vec<String> = ["1", "2"].iter().chain(groups).map(|&sids| sids.to_owned()).collect();
            let mut missing = wanted.len();
            while missing > 0 {
                let line = local.line();
                let (sid, rest) = line.strip_prefix(&format!("{} ", head.0)).and_then(|rest| rest.split_once(' ')).unwrap_or_else(|| panic!("{line}"));
                assert_eq!(rest, head.1, "{frame}");
                let at = wanted.iter().position(|sids| sids.contains(sid)).unwrap_or_else(|| panic!("sid {sid} is not due after {frame}"));
                wanted.remove(at);
                missing -= 1;
                if head.0 == "HMSG foo" {
                    local.expect("NATS/1.0\r\n");
                }
                local.expect("hi");
            }
            local.fence();
        }
    }

    /// GW-76: what came by a gateway leaves by none.
    #[test]
    fn messages_hop_once(kind: Kind) {
        let server = Server::start(kind, A);
        let (b, c) = (ScriptedGateway::new("B"), ScriptedGateway::new("C"));
        let (mut from_b, mut to_b) = b.link(&server);
        let (_from_c, mut to_c) = c.link(&server);
        to_b.announce(&b, "$G", &["RS+ $G foo"]);
        to_c.announce(&c, "$G", &["RS+ $G foo"]);
        server.await_links(2, 2);
        let mut local = client(&server);
        local.send("SUB foo 1\r\n");
        local.fence();
        from_b.wire.send("RMSG $G foo 2\r\nhi\r\n");
        local.expect("MSG foo 1 2\r\nhi");
        local.fence();
        to_b.fence();
        to_c.fence();
    }

    /// GW-80: a group without members here goes to exactly one cluster.
    #[test]
    fn a_group_is_served_by_one_cluster(kind: Kind) {
        let server = Server::start(kind, A);
        let (b, c) = (ScriptedGateway::new("B"), ScriptedGateway::new("C"));
        let (_from_b, mut to_b) = b.link(&server);
        let (_from_c, mut to_c) = c.link(&server);
        to_b.announce(&b, "$G", &["RS+ $G work q 1"]);
        to_c.announce(&c, "$G", &["RS+ $G work q 1", "RS+ $G work other 1"]);
        server.await_links(2, 2);
        let mut local = client(&server);
        for _ in 0..20 {
            local.send("PUB work 2\r\nhi\r\n");
        }
        local.fence();
        let mut served = [0, 0, 0];
        for link in [&mut to_b, &mut to_c] {
            link.wire.send("PING\r\n");
            loop {
                let line = link.line();
                if line == "PONG" {
                    break;
                }
                let names = line.strip_prefix("RMSG $G work | ").and_then(|rest| rest.strip_suffix(" 2")).unwrap_or_else(|| panic!("{line}"));
                for (at, name) in ["q", "other"].iter().enumerate() {
                    served[at] += names.split(' ').filter(|word| word == name).count();
                }
                served[2] += usize::from(names.is_empty());
                link.expect("hi");
            }
        }
        assert_eq!(served, [20, 20, 0]);
    }

    /// GW-87, GW-88: the reply of a fresh subscription is prefixed with where it came from.
    #[test]
    fn fresh_replies_are_routed(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (_inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G svc", "RS+ $G work q 1"]);
        server.await_links(1, 1);
        let prefix = format!("_GR_.{}.{}", short_hash("A"), short_hash(&server.id()));
        let mut local = client(&server);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\nPUB work in.1 2\r\nho\r\nPUB svc elsewhere 2\r\nhu\r\n");
        outbound.expect(&format!("RMSG $G svc {prefix}.in.1 2\r\nhi"));
        outbound.expect(&format!("RMSG $G work + {prefix}.in.1 q 2\r\nho"));
        outbound.expect("RMSG $G svc elsewhere 2\r\nhu");
        // A wildcard inbox counts for what it matches.
        local.send("SUB mux.* 2\r\nHPUB svc mux.7 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        outbound.expect(&format!("HMSG $G svc {prefix}.mux.7 12 14\r\nNATS/1.0\r\n\r\nhi"));
        local.fence();
        outbound.fence();
    }

    /// GW-87: once the subscription is old enough for its interest to have arrived everywhere, replies go plain.
    #[test]
    fn old_replies_are_plain(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (_inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G svc"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("SUB in.1 1\r\n");
        local.fence();
        eventually("replies to go plain", || {
            local.send("PUB svc in.1 2\r\nhi\r\n");
            local.fence();
            let line = outbound.line();
            outbound.expect("hi");
            if line == "RMSG $G svc in.1 2" { Ok(()) } else { Err(line) }
        });
    }

    /// GW-89, GW-90: the responder sees the plain reply; what it publishes there goes straight back, interest or
    /// not.
    #[test]
    fn responders_see_plain_replies_and_answers_go_back(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &[]);
        server.await_links(1, 1);
        let routed = format!("_GR_.{}.{}.in.1", short_hash("B"), short_hash(&script.server_id()));
        let mut local = client(&server);
        local.send("SUB svc 1\r\nSUB work q 2\r\n");
        local.fence();
        inbound.wire.send(&format!("RMSG $G svc {routed} 2\r\nhi\r\n"));
        local.expect("MSG svc 1 in.1 2\r\nhi");
        local.send("PUB in.1 2\r\nok\r\n");
        outbound.expect(&format!("RMSG $G {routed} 2\r\nok"));
        local.send("HPUB in.1 12 14\r\nNATS/1.0\r\n\r\nok\r\n");
        outbound.expect(&format!("HMSG $G {routed} 12 14\r\nNATS/1.0\r\n\r\nok"));
        // Another client's publish on that subject is no answer.
        let mut other = client(&server);
        other.send("PUB in.1 2\r\nno\r\n");
        other.fence();
        outbound.fence();
        inbound.wire.send(&format!("RMSG $G work + {routed} q 2\r\nhi\r\n"));
        local.expect("MSG work 2 in.1 2\r\nhi");
        local.fence();
        outbound.fence();
    }

    /// GW-90, GW-93: an answer that comes back is delivered at the plain subject; nobody sees the prefix.
    #[test]
    fn routed_answers_are_delivered_plain(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G svc"]);
        server.await_links(1, 1);
        let mut spy = client(&server);
        spy.send("SUB > 9\r\n");
        spy.fence();
        let mut local = client(&server);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\n");
        spy.expect("MSG svc 9 in.1 2\r\nhi");
        let line = outbound.line();
        outbound.expect("hi");
        let routed = line.split(' ').nth(3).expect("a reply").to_owned();
        inbound.wire.send(&format!("RMSG $G {routed} 2\r\nok\r\n"));
        local.expect("MSG in.1 1 2\r\nok");
        local.fence();
        spy.expect("MSG in.1 9 2\r\nok");
        spy.fence();
    }

    /// GW-91: an answer that came home is offered to other clusters that want its subject, too.
    #[test]
    fn returned_answers_are_offered_to_others(kind: Kind) {
        let server = Server::start(kind, A);
        let (b, c) = (ScriptedGateway::new("B"), ScriptedGateway::new("C"));
        let (mut from_b, mut to_b) = b.link(&server);
        let (_from_c, mut to_c) = c.link(&server);
        to_b.announce(&b, "$G", &["RS+ $G svc"]);
        to_c.announce(&c, "$G", &["RS+ $G in.>"]);
        server.await_links(2, 2);
        let mut local = client(&server);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\n");
        let line = to_b.line();
        to_b.expect("hi");
        let routed = line.split(' ').nth(3).expect("a reply").to_owned();
        assert!(routed.starts_with("_GR_."), "{line}");
        from_b.wire.send(&format!("RMSG $G {routed} 2\r\nok\r\n"));
        local.expect("MSG in.1 1 2\r\nok");
        local.fence();
        to_c.expect("RMSG $G in.1 2\r\nok");
        // If it asks for an answer itself, the others learn the way back, too.
        let back = format!("_GR_.{}.{}.back", short_hash("B"), short_hash(&b.server_id()));
        from_b.wire.send(&format!("RMSG $G {routed} {back} 2\r\nho\r\n"));
        local.expect("MSG in.1 1 back 2\r\nho");
        to_c.expect(&format!("RMSG $G in.1 {back} 2\r\nho"));
        to_c.fence();
        to_b.fence();
    }

    /// GW-95: an answer that itself asks for an answer brings the way back along: it needs no interest.
    #[test]
    fn answers_to_answers_find_their_way(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G svc"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\n");
        let line = outbound.line();
        outbound.expect("hi");
        let home = line.split(' ').nth(3).expect("a reply").to_owned();
        let back = format!("_GR_.{}.{}.back", short_hash("B"), short_hash(&script.server_id()));
        inbound.wire.send(&format!("RMSG $G {home} {back} 2\r\nok\r\n"));
        local.expect("MSG in.1 1 back 2\r\nok");
        local.send("PUB back 4\r\ndone\r\n");
        local.fence();
        outbound.expect(&format!("RMSG $G {back} 4\r\ndone"));
        outbound.fence();
    }

    /// A large message crosses whole.
    #[test]
    fn large_messages_cross(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G big"]);
        server.await_links(1, 1);
        let payload: String = (0..1_048_576).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        let mut local = client(&server);
        local.send(&format!("PUB big 1048576\r\n{payload}\r\nSUB back 1\r\n"));
        outbound.expect("RMSG $G big 1048576");
        assert!(outbound.wire.bytes(1_048_578) == format!("{payload}\r\n").as_bytes(), "the payload crosses as it is");
        inbound.wire.send(&format!("RMSG $G back 1048576\r\n{payload}\r\n"));
        local.expect("MSG back 1 1048576");
        assert!(local.bytes(1_048_578) == format!("{payload}\r\n").as_bytes(), "the payload crosses as it is");
        local.fence();
    }

    /// GW-56: interest of a link that broke is gone; the next link starts from nothing.
    #[test]
    fn a_broken_outbound_link_takes_its_interest_along(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let (_inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G foo", "RS+ $G work q 1"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("PUB foo 1\r\na\r\n");
        outbound.expect("RMSG $G foo 1\r\na");
        drop(outbound);
        let mut outbound = script.accept();
        server.await_links(1, 1);
        local.send("PUB foo 1\r\nb\r\nPUB work 1\r\nb\r\n");
        local.fence();
        outbound.fence();
        outbound.announce(&script, "$G", &["RS+ $G foo"]);
        local.send("PUB foo 1\r\nc\r\n");
        outbound.expect("RMSG $G foo 1\r\nc");
        outbound.fence();
    }

    /// GW-57: what a link was remembered by is gone with it.
    #[test]
    fn links_leave_nothing_behind(kind: Kind) {
        let server = Server::start(kind, A);
        let count = || server.try_monitor("/subsz").map(|page| page["num_subscriptions"].clone());
        let before = count().expect("a number");
        let script = ScriptedGateway::new("B");
        let (mut inbound, mut outbound) = script.link(&server);
        outbound.announce(&script, "$G", &["RS+ $G foo", "RS+ $G work q 1"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("SUB svc 1\r\n");
        local.fence();
        for number in 0..20 {
            let routed = format!("_GR_.{}.{}.in.{number}", short_hash("B"), short_hash(&script.server_id()));
            inbound.wire.send(&format!("RMSG $G svc {routed} 2\r\nhi\r\n"));
            local.expect(&format!("MSG svc 1 in.{number} 2\r\nhi"));
        }
        drop((local, inbound, outbound, script));
        server.await_links(0, 0);
        eventually("all subscriptions to be gone", || {
            let now = count()?;
            if now == before { Ok(()) } else { Err(format!("{now}, not {before}")) }
        });
    }

    /// Interest in the middle of bytes: gateway frames in any pieces.
    #[test]
    fn frames_may_come_in_pieces(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let mut inbound: GatewayPeer = script.dial(&server);
        let mut local = client(&server);
        local.send("SUB foo 1\r\nSUB foo q 2\r\n");
        local.fence();
        let frames = "RMSG $G foo 2\r\nhi\r\nRMSG $G foo | q 2\r\nho\r\nHMSG $G foo + r q 12 14\r\nNATS/1.0\r\n\r\nhu\r\nPING\r\n";
        for size in [1, 2, 3, 5, 11] {
            for piece in frames.as_bytes().chunks(size) {
                inbound.wire.send_bytes(piece);
            }
            local.expect("MSG foo 1 2\r\nhi");
            let mut rest: Vec<String> = (0..4).map(|_| local.line()).collect();
            rest.sort();
            assert_eq!(rest, ["MSG foo 1 2", "MSG foo 2 2", "ho", "ho"]);
            let mut rest: Vec<String> = (0..8).map(|_| local.line()).collect();
            rest.sort();
            assert_eq!(rest, ["", "", "HMSG foo 1 r 12 14", "HMSG foo 2 r 12 14", "NATS/1.0", "NATS/1.0", "hu", "hu"]);
            local.fence();
        }
    }
}
