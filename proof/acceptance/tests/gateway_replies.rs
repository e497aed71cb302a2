//! Replies across gateways, byte by byte, against scripted clusters: how a fresh inbox is found (rows GW-75, GW-87 to
//! GW-95).

use gannet_acceptance::gateway_peer::short_hash;
use gannet_acceptance::linked::client;
use gannet_acceptance::{Neighbour, both, eventually, linked, linked_as};
use serde_json::json;

/// The reply that came with the request "hi", which bears the way back.
fn reply_of_request(neighbour: &mut Neighbour) -> String {
    let line = neighbour.outbound.line();
    neighbour.outbound.expect("hi");
    let reply = line.split(' ').nth(3).expect("a reply");
    assert!(reply.starts_with("_GR_."), "{line}");
    reply.to_owned()
}

both! {
    /// GW-87, GW-88: the reply of a fresh subscription is prefixed with where it came from.
    #[test]
    fn fresh_replies_are_routed(kind: Kind) {
        let (server, [mut b], mut local) = linked(kind, [&["RS+ $G svc", "RS+ $G work q 1"]]);
        let prefix = format!("_GR_.{}.{}", short_hash("A"), short_hash(&server.id()));
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\nPUB work in.1 2\r\nho\r\nPUB svc elsewhere 2\r\nhu\r\n");
        b.outbound.expect(&format!("RMSG $G svc {prefix}.in.1 2\r\nhi"));
        b.outbound.expect(&format!("RMSG $G work + {prefix}.in.1 q 2\r\nho"));
        b.outbound.expect("RMSG $G svc elsewhere 2\r\nhu");
        // A wildcard inbox counts for what it matches.
        local.send("SUB mux.* 2\r\nHPUB svc mux.7 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        b.outbound.expect(&format!("HMSG $G svc {prefix}.mux.7 12 14\r\nNATS/1.0\r\n\r\nhi"));
        local.fence();
        b.outbound.fence();
    }

    /// GW-87: once the subscription is old enough for its interest to have arrived everywhere, replies go plain.
    #[test]
    fn old_replies_are_plain(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&["RS+ $G svc"]]);
        local.send("SUB in.1 1\r\n");
        local.fence();
        eventually("replies to go plain", || {
            local.send("PUB svc in.1 2\r\nhi\r\n");
            local.fence();
            let line = b.outbound.line();
            b.outbound.expect("hi");
            if line == "RMSG $G svc in.1 2" { Ok(()) } else { Err(line) }
        });
    }

    /// GW-89, GW-90: the responder sees the plain reply; what it publishes there goes straight back, interest or
    /// not.
    #[test]
    fn responders_see_plain_replies_and_answers_go_back(kind: Kind) {
        let (server, [mut b], mut local) = linked(kind, [&[]]);
        let routed = b.routed("in.1");
        local.send("SUB svc 1\r\nSUB work q 2\r\n");
        local.fence();
        b.inbound.wire.send(&format!("RMSG $G svc {routed} 2\r\nhi\r\n"));
        local.expect("MSG svc 1 in.1 2\r\nhi");
        local.send("PUB in.1 2\r\nok\r\n");
        b.outbound.expect(&format!("RMSG $G {routed} 2\r\nok"));
        local.send("HPUB in.1 12 14\r\nNATS/1.0\r\n\r\nok\r\n");
        b.outbound.expect(&format!("HMSG $G {routed} 12 14\r\nNATS/1.0\r\n\r\nok"));
        // Another client's publish on that subject is no answer.
        let mut other = client(&server);
        other.send("PUB in.1 2\r\nno\r\n");
        other.fence();
        b.outbound.fence();
        b.inbound.wire.send(&format!("RMSG $G work + {routed} q 2\r\nhi\r\n"));
        local.expect("MSG work 2 in.1 2\r\nhi");
        local.fence();
        b.outbound.fence();
    }

    /// GW-90, GW-93: an answer that comes back is delivered at the plain subject; nobody sees the prefix.
    #[test]
    fn routed_answers_are_delivered_plain(kind: Kind) {
        let (server, [mut b], mut local) = linked(kind, [&["RS+ $G svc"]]);
        let mut spy = client(&server);
        spy.send("SUB > 9\r\n");
        spy.fence();
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\n");
        spy.expect("MSG svc 9 in.1 2\r\nhi");
        let routed = reply_of_request(&mut b);
        b.inbound.wire.send(&format!("RMSG $G {routed} 2\r\nok\r\n"));
        local.expect("MSG in.1 1 2\r\nok");
        local.fence();
        spy.expect("MSG in.1 9 2\r\nok");
        spy.fence();
    }

    /// GW-91: an answer that came home is offered to other clusters that want its subject, too.
    #[test]
    fn returned_answers_are_offered_to_others(kind: Kind) {
        let (_server, [mut b, mut c], mut local) = linked(kind, [&["RS+ $G svc"], &["RS+ $G in.>"]]);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\n");
        let routed = reply_of_request(&mut b);
        b.inbound.wire.send(&format!("RMSG $G {routed} 2\r\nok\r\n"));
        local.expect("MSG in.1 1 2\r\nok");
        local.fence();
        c.outbound.expect("RMSG $G in.1 2\r\nok");
        // If it asks for an answer itself, the others learn the way back, too.
        let back = b.routed("back");
        b.inbound.wire.send(&format!("RMSG $G {routed} {back} 2\r\nho\r\n"));
        local.expect("MSG in.1 1 back 2\r\nho");
        c.outbound.expect(&format!("RMSG $G in.1 {back} 2\r\nho"));
        c.outbound.fence();
        b.outbound.fence();
    }

    /// GW-95: an answer that itself asks for an answer brings the way back along: it needs no interest.
    #[test]
    fn answers_to_answers_find_their_way(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&["RS+ $G svc"]]);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\n");
        let home = reply_of_request(&mut b);
        let back = b.routed("back");
        b.inbound.wire.send(&format!("RMSG $G {home} {back} 2\r\nok\r\n"));
        local.expect("MSG in.1 1 back 2\r\nok");
        local.send("PUB back 4\r\ndone\r\n");
        local.fence();
        b.outbound.expect(&format!("RMSG $G {back} 4\r\ndone"));
        b.outbound.fence();
    }

    /// GW-89: the way back is remembered for two seconds; then the answer goes only where it is wanted.
    #[test]
    fn the_way_back_is_remembered_for_a_moment(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&[]]);
        let routed = b.routed("in.1");
        local.send("SUB svc 1\r\n");
        local.fence();
        b.inbound.wire.send(&format!("RMSG $G svc {routed} 2\r\nhi\r\n"));
        local.expect("MSG svc 1 in.1 2\r\nhi");
        let mut answers = 0;
        eventually("the way back to be forgotten", || {
            local.send("PUB in.1 2\r\nok\r\n");
            local.fence();
            b.outbound.wire.send("PING\r\n");
            let line = b.outbound.line();
            if line == "PONG" {
                return Ok(());
            }
            assert_eq!(line, format!("RMSG $G {routed} 2"));
            b.outbound.expect("ok\r\nPONG");
            answers += 1;
            Err(format!("{answers} answers went back"))
        });
        assert!(answers > 0);
        b.announce(&["RS+ $G in.1"]);
        local.send("PUB in.1 4\r\nlate\r\n");
        b.outbound.expect("RMSG $G in.1 4\r\nlate");
        b.outbound.fence();
    }

    /// GW-75: a peer from before this prefix gets it all the same; what comes under the prefix that was used before is
    /// an answer to nothing, and as a reply it is only a subject.
    #[test]
    fn the_prefix_of_old_is_history(kind: Kind) {
        let (_server, mut b, mut local) = linked_as(kind, &json!({"gateway_nrp": null}));
        b.announce(&["RS+ $G svc"]);
        local.send("SUB in.1 1\r\nPUB svc in.1 2\r\nhi\r\nSUB own 2\r\n");
        assert!(reply_of_request(&mut b).ends_with(".in.1"));
        local.fence();
        b.inbound.wire.send("RMSG $G $GR.abcd.in.1 2\r\nok\r\nRMSG $G own $GR.abcd.back 2\r\nho\r\n");
        local.expect("MSG own 2 $GR.abcd.back 2\r\nho");
        local.send("PUB back 2\r\nno\r\n");
        local.fence();
        b.outbound.fence();
    }
}
