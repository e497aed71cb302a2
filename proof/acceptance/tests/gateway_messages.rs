//! What crosses a gateway link, byte by byte, against scripted clusters: interest and messages (rows GW-56 to GW-81).
//! For the roles of server and script see `gateway_wire.rs`; replies are in `gateway_replies.rs`.

use gannet_acceptance::linked::{A, client};
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{
    GatewayPeer, Kind, Neighbour, ScriptedGateway, Server, Wire, both, eventually, linked,
    linked_as,
};
use serde_json::json;
use std::time::Duration;

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
        let (_server, [mut b], mut local) = linked(kind, [&[]]);
        local.send("SUB in.* 1\r\nPUB foo 1\r\nx\r\nPUB foo in.1 1\r\nx\r\n");
        local.expect("HMSG in.1 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: foo\r\n\r\n");
        local.fence();
        b.outbound.fence();
        b.announce(&["RS+ $G bar", "RS+ $X foo"]);
        local.send("PUB foo 1\r\nx\r\nPUB bar 1\r\ny\r\n");
        local.fence();
        b.outbound.expect("RMSG $G bar 1\r\ny");
        b.outbound.fence();
        // Interest that is taken back.
        b.outbound.wire.send("RS- $G bar\r\nRS- $G never.there\r\n");
        b.outbound.fence();
        local.send("PUB bar 1\r\nz\r\n");
        local.fence();
        b.outbound.fence();
    }

    /// GW-77, GW-81: the frames that carry messages, with and without reply, queues, headers.
    #[test]
    fn messages_cross_in_these_frames(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&["RS+ $G foo", "RS+ $G foo.> ", "RS+ $G work q 1", "RS+ $G both", "RS+ $G both q1 1", "RS+ $G both q2 1"]]);
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
            b.outbound.expect(expected);
            b.outbound.fence();
        }
        // Two groups: their order in the frame is free.
        local.send("PUB both 2\r\nhi\r\n");
        let line = b.outbound.line();
        assert!(["RMSG $G both | q1 q2 2", "RMSG $G both | q2 q1 2"].contains(&line.as_str()), "{line}");
        b.outbound.expect("hi");
        // A group with a member here is served here and not named there.
        local.send("SUB work q 1\r\nSUB both q1 2\r\nPUB work 2\r\nhi\r\nPUB both 2\r\nho\r\n");
        local.expect("MSG work 1 2\r\nhi\r\nMSG both 2 2\r\nho");
        local.fence();
        b.outbound.expect("RMSG $G both | q2 2\r\nho");
        b.outbound.fence();
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
        let (server, [mut b], mut local) = linked(kind, [&["RS+ $G foo"]]);
        b.inbound.read_initial_interest();
        local.send("SUB bar 1\r\nPUB foo 2\r\nhi\r\n");
        local.fence();
        // Interest on the one and the message on the other, and nothing else on either.
        b.inbound.expect("RS+ $G bar");
        b.inbound.fence();
        b.outbound.expect("RMSG $G foo 2\r\nhi");
        b.outbound.fence();
        if kind == Kind::Go {
            // The reference takes a message from the wrong side like any other; nobody sends such.
            return;
        }
        b.outbound.wire.send("RMSG $G bar 2\r\nhi\r\n");
        let heard = b.outbound.wire.hear(Duration::from_secs(20));
        assert!(matches!(heard, Heard::End(_)), "{heard:?}");
        let _again = b.script.accept();
        server.await_links(1, 1);
        local.fence();
    }

    /// GW-70: a peer from before interest-only mode gets everything, but what it refuses: subjects one by one, or a
    /// whole account.
    #[test]
    fn old_peers_get_what_they_have_not_refused(kind: Kind) {
        let (server, mut b, mut local) = linked_as(kind, &json!({"gateway_iom": null}));
        let mut step = |told: &str, published: &[&str], expected: &[&str]| {
            if !told.is_empty() {
                b.outbound.wire.send(&format!("{told}\r\n"));
            }
            b.outbound.fence();
            for subject in published {
                local.send(&format!("PUB {subject} 2\r\nhi\r\n"));
            }
            local.fence();
            for line in expected {
                b.outbound.expect(&format!("RMSG $G {line} 2\r\nhi"));
            }
            b.outbound.fence();
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
        let (server, mut b, mut local) = linked_as(kind, &json!({"gateway_iom": null}));
        let account = || server.monitor("/gatewayz?accs=1")["outbound_gateways"]["B"]["accounts"][0].clone();
        let refusals: String = (0..1000).map(|number| format!("RS- $G no.{number}\r\n")).collect();
        b.outbound.wire.send(&refusals);
        b.outbound.fence();
        assert_eq!((&account()["interest_mode"], &account()["no_interest_count"]), (&json!("Optimistic"), &json!(1000)));
        b.outbound.wire.send(&format!("INFO {}\r\nRS+ $G wanted\r\n", b.script.switch_command(2, "$G")));
        b.outbound.fence();
        assert_eq!(account()["interest_mode"], "Transitioning");
        local.send("PUB other 1\r\na\r\nPUB no.7 1\r\nb\r\nPUB wanted 1\r\nc\r\n");
        local.fence();
        b.outbound.expect("RMSG $G other 1\r\na\r\nRMSG $G wanted 1\r\nc");
        b.outbound.fence();
        b.outbound.wire.send(&format!("INFO {}\r\n", b.script.switch_command(3, "$G")));
        b.outbound.fence();
        assert_eq!((&account()["interest_mode"], &account()["num_subs"]), (&json!("Interest-Only"), &json!(1)));
        local.send("PUB other 1\r\nd\r\nPUB no.7 1\r\ne\r\nPUB wanted 1\r\nf\r\n");
        local.fence();
        b.outbound.expect("RMSG $G wanted 1\r\nf");
        b.outbound.fence();
    }

    /// GW-78: a peer without headers gets none, whatever the frame; its neighbour gets them.
    #[test]
    fn headers_are_stripped_for_peers_without(kind: Kind) {
        let (server, mut b, mut local) = linked_as(kind, &json!({"headers": false}));
        let mut c = Neighbour::new("C", &server);
        for cluster in [&mut b, &mut c] {
            cluster.announce(&["RS+ $G foo"]);
        }
        b.announce(&["RS+ $G foo", "RS+ $G work q 1"]);
        for (published, plain, whole) in [
            ("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "RMSG $G foo 2\r\nhi", "HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi"),
            ("HPUB foo re.ply 12 12\r\nNATS/1.0\r\n\r\n\r\n", "RMSG $G foo re.ply 0\r\n", "HMSG $G foo re.ply 12 12\r\nNATS/1.0\r\n\r\n"),
            ("HPUB work re.ply 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "RMSG $G work + re.ply q 2\r\nhi", ""),
        ] {
            local.send(published);
            local.fence();
            b.outbound.expect(plain);
            if !whole.is_empty() {
                c.outbound.expect(whole);
            }
            b.outbound.fence();
            c.outbound.fence();
        }
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
            while !wanted.is_empty() {
                let line = local.line();
                let (sid, rest) = line.strip_prefix(&format!("{} ", head.0)).and_then(|rest| rest.split_once(' ')).unwrap_or_else(|| panic!("{line}"));
                assert_eq!(rest, head.1, "{frame}");
                let at = wanted.iter().position(|sids| sids.contains(sid)).unwrap_or_else(|| panic!("sid {sid} is not due after {frame}"));
                wanted.remove(at);
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
        let (_server, [mut b, mut c], mut local) = linked(kind, [&["RS+ $G foo"], &["RS+ $G foo"]]);
        local.send("SUB foo 1\r\n");
        local.fence();
        b.inbound.wire.send("RMSG $G foo 2\r\nhi\r\n");
        local.expect("MSG foo 1 2\r\nhi");
        local.fence();
        b.outbound.fence();
        c.outbound.fence();
    }

    /// GW-80: a group without members here goes to exactly one cluster.
    #[test]
    fn a_group_is_served_by_one_cluster(kind: Kind) {
        let (_server, [mut b, mut c], mut local) = linked(kind, [&["RS+ $G work q 1"], &["RS+ $G work q 1", "RS+ $G work other 1"]]);
        for _ in 0..20 {
            local.send("PUB work 2\r\nhi\r\n");
        }
        local.fence();
        let mut served = [0, 0, 0];
        for link in [&mut b.outbound, &mut c.outbound] {
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

    /// A large message crosses whole.
    #[test]
    fn large_messages_cross(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&["RS+ $G big"]]);
        let payload: String = (0..1_048_576).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        local.send(&format!("PUB big 1048576\r\n{payload}\r\nSUB back 1\r\n"));
        b.outbound.expect("RMSG $G big 1048576");
        assert!(b.outbound.wire.bytes(1_048_578) == format!("{payload}\r\n").as_bytes(), "the payload crosses as it is");
        b.inbound.wire.send(&format!("RMSG $G back 1048576\r\n{payload}\r\n"));
        local.expect("MSG back 1 1048576");
        assert!(local.bytes(1_048_578) == format!("{payload}\r\n").as_bytes(), "the payload crosses as it is");
        local.fence();
    }

    /// GW-56: interest of a link that broke is gone; the next link starts from nothing.
    #[test]
    fn a_broken_outbound_link_takes_its_interest_along(kind: Kind) {
        let (server, [mut b], mut local) = linked(kind, [&["RS+ $G foo", "RS+ $G work q 1"]]);
        local.send("PUB foo 1\r\na\r\n");
        b.outbound.expect("RMSG $G foo 1\r\na");
        drop(b.outbound);
        b.outbound = b.script.accept();
        server.await_links(1, 1);
        local.send("PUB foo 1\r\nb\r\nPUB work 1\r\nb\r\n");
        local.fence();
        b.outbound.fence();
        b.announce(&["RS+ $G foo"]);
        local.send("PUB foo 1\r\nc\r\n");
        b.outbound.expect("RMSG $G foo 1\r\nc");
        b.outbound.fence();
    }

    /// GW-57: what a link was remembered by is gone with it.
    #[test]
    fn links_leave_nothing_behind(kind: Kind) {
        let server = Server::start(kind, A);
        let count = || server.try_monitor("/subsz").map(|page| page["num_subscriptions"].clone());
        let before = count().expect("a number");
        let mut b = Neighbour::new("B", &server);
        b.announce(&["RS+ $G foo", "RS+ $G work q 1"]);
        server.await_links(1, 1);
        let mut local = client(&server);
        local.send("SUB svc 1\r\n");
        local.fence();
        for number in 0..20 {
            let routed = b.routed(&format!("in.{number}"));
            b.inbound.wire.send(&format!("RMSG $G svc {routed} 2\r\nhi\r\n"));
            local.expect(&format!("MSG svc 1 in.{number} 2\r\nhi"));
        }
        drop((local, b));
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

    /// GW-65: interest that is announced twice is one interest; what was never announced can be taken back.
    #[test]
    fn repeated_and_unknown_interest_is_ignored(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&["RS+ $G foo", "RS+ $G foo", "RS+ $G foo q 1", "RS+ $G foo q 2"]]);
        b.outbound.wire.send("RS- $G bar\r\nRS- $G bar q\r\nRS- $G foo r\r\nRS- $X foo\r\n");
        b.outbound.fence();
        local.send("PUB foo 1\r\na\r\n");
        b.outbound.expect("RMSG $G foo | q 1\r\na");
        b.outbound.wire.send("RS- $G foo\r\nRS- $G foo q\r\n");
        b.outbound.fence();
        local.send("PUB foo 1\r\nb\r\n");
        local.fence();
        b.outbound.fence();
    }

    /// GW-71, GW-72: a peer from before interest-only mode is switched to it at once like any other, so nothing that it
    /// sends in vain is answered subject by subject, however much that is.
    #[test]
    fn old_peers_are_switched_at_once(kind: Kind) {
        let server = Server::start(kind, A);
        let mut b = Neighbour::that_says("B", &server, &json!({"gateway_iom": null}));
        b.inbound.expect_switch(2, "$G");
        b.inbound.expect_switch(3, "$G");
        let vain: String = (0..1100).map(|number| format!("RMSG $G no.{number} 0\r\n\r\n")).collect();
        b.inbound.wire.send(&vain);
        b.inbound.wire.send("RMSG X foo 0\r\n\r\nRMSG X foo 0\r\n\r\n");
        b.inbound.expect("A- X");
        b.inbound.fence();
        let mut local = client(&server);
        local.send("SUB no.7 1\r\n");
        b.inbound.expect("RS+ $G no.7");
        b.inbound.fence();
    }
}
