//! Registered links, and the order of things in any link's life.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::Moment;
use gannet_wire::gateway::GatewayOp;
use proptest::prelude::*;

use super::{CONNECT, HELLO, Script, registered_inbound, registered_outbound};
use crate::CloseReason;
use crate::gateway::Context;

#[test]
fn pings_measure_and_find_out_who_is_gone() {
    let mut script = registered_outbound();
    assert_eq!(
        script.waits(Duration::from_secs(1)).did(),
        ["Debug Gateway Ping Timer", "send PING\\r\\n"]
    );
    script.waits(Duration::from_millis(30));
    assert_eq!(
        script.hears("PONG\r\nPONG\r\n").did(),
        ["Rtt(30ms)"],
        "a second PONG answers nothing"
    );
    assert_eq!(script.link.rtt(), Some(Duration::from_millis(30)));
    let ping = ["Debug Gateway Ping Timer", "send PING\\r\\n"];
    assert_eq!(
        script.waits(Duration::from_secs(30)).did(),
        [ping, ping].concat()
    );
    assert_eq!(
        script.waits(Duration::from_secs(15)).did(),
        [
            "Debug Gateway Ping Timer",
            "Debug Stale Client Connection - Closing",
            "send -ERR \\'Stale Connection\\'\\r\\n",
            "Info Gateway connection closed: Stale Connection - Remote: Bsrv",
            "close Stale Connection",
        ]
    );
    assert_eq!(script.link.next_deadline(), Moment::NEVER);
}

#[test]
fn gossip_addresses_and_switches_are_passed_on() {
    let mut script = registered_outbound();
    let info = |gateway: &str, rest: &str| format!("INFO {{\"gateway\":\"{gateway}\"{rest}}}\r\n");
    assert_eq!(
        script
            .hears(&info("Z", ",\"gateway_cmd\":1,\"gateway_urls\":[\"z:1\"]"))
            .hears(&info("B", ",\"gateway_urls\":[\"b:1\",\"b:2\"]"))
            .hears(&info(
                "B",
                ",\"gateway_cmd\":2,\"gateway_cmd_payload\":\"QUND\""
            ))
            .hears(&info(
                "B",
                ",\"gateway_cmd\":3,\"gateway_cmd_payload\":\"QUND\""
            ))
            .hears(&info("B", ",\"gateway_cmd\":9"))
            .did(),
        [
            "Gossip { gateway: \"Z\", urls: [\"z:1\"] }",
            "PeerUrls([\"b:1\", \"b:2\"])",
            "Debug Gateway \"B\": switching account \"ACC\" to Interest-Only mode",
            "begins ACC",
            "Debug Gateway \"B\": switching account \"ACC\" to Interest-Only mode complete",
            "complete ACC",
            "Warn Received unknown command 9 from gateway \"B\"",
        ]
    );
    assert_eq!(
        script.hears(&info("B", ",\"gateway_cmd\":2")).did(),
        [
            "send -ERR \\'Account absent from receive-all-subscriptions-start command\\'\\r\\n",
            "Complaint Account absent from receive-all-subscriptions-start command",
            "Info Gateway connection closed: Protocol Violation - Remote: Bsrv",
            "close Protocol Violation",
        ]
    );
    let mut script = registered_outbound();
    assert_eq!(
        script.hears(&info("Q", "")).did(),
        [
            "Error Failing connection to gateway \"B\", remote gateway name is \"Q\"",
            "send -ERR \\'Connection from \\\"A\\\" rejected, wanted to connect to \\\"B\\\", this is \\\"Q\\\"\\'\\r\\n",
            "Info Gateway connection closed: Wrong Gateway - Remote: Bsrv",
            "close Wrong Gateway",
        ]
    );
}

#[test]
fn gossip_of_unknown_clusters_is_ignored_where_configured() {
    let mut script = registered_outbound();
    script.settings.reject_unknown = true;
    script.world.knows = &["B", "K"];
    let did = script
        .hears("INFO {\"gateway\":\"Z\",\"gateway_cmd\":1}\r\nINFO {\"gateway\":\"K\",\"gateway_cmd\":1}\r\n")
        .did();
    assert_eq!(did, ["Gossip { gateway: \"K\", urls: [] }"]);
}

#[test]
fn each_side_sends_only_what_is_its_own() {
    for (verb, bytes) in [
        ("RS+", "RS+ ACC foo\r\n"),
        ("RS-", "RS- ACC foo\r\n"),
        ("A+", "A+ ACC\r\n"),
        ("A-", "A- ACC\r\n"),
    ] {
        assert_eq!(
            registered_inbound().hears(bytes).did(),
            [
                format!("Error Received {verb} from gateway on inbound connection"),
                "Info Gateway connection closed: Protocol Violation - Remote: Bsrv".to_string(),
                "close Protocol Violation".to_string(),
            ]
        );
    }
    assert_eq!(
        registered_outbound().hears("RMSG ACC foo 1\r\nx\r\n").did(),
        [
            "Error Received RMSG from gateway on outbound connection",
            "Info Gateway connection closed: Protocol Violation - Remote: Bsrv",
            "close Protocol Violation",
        ]
    );
}

#[test]
fn bytes_that_are_no_operation_end_a_registered_link() {
    for (bytes, expect) in [
        (
            "LS+ ACC foo\r\n",
            &[
                "send -ERR \\'Unknown Protocol Operation\\'\\r\\n",
                "Error Gateway parser ERROR, state=0, i=0: proto='\"LS+ ACC foo\\r\"...'",
            ][..],
        ),
        (
            "RMSG ACC foo\r\n",
            &["Error processRoutedMsgArgs Parse Error: '[ACC foo]'"],
        ),
    ] {
        let did = registered_inbound().hears(bytes).did();
        let end = [
            "Info Gateway connection closed: Protocol Violation - Remote: Bsrv",
            "close Protocol Violation",
        ];
        assert_eq!(did, [expect, &end].concat());
    }
    let long = format!("RS+ {}\r\n", "x".repeat(70_000));
    assert_eq!(
        registered_inbound().hears(&long).did(),
        [
            "send -ERR \\'maximum control line exceeded\\'\\r\\n",
            "Error maximum control line exceeded",
            "Info Gateway connection closed: Maximum Control Line Exceeded - Remote: Bsrv",
            "close Maximum Control Line Exceeded",
        ]
    );
}

#[test]
fn a_closed_link_is_silent() {
    let mut script = registered_inbound();
    script
        .link
        .close(CloseReason::ServerShutdown, &mut script.out);
    assert_eq!(
        script.did(),
        [
            "Info Gateway connection closed: Server Shutdown - Remote: Bsrv",
            "close Server Shutdown"
        ]
    );
    script.link.close(CloseReason::ReadError, &mut script.out);
    let cx = Context {
        now: script.now,
        settings: &script.settings,
        neighbours: &script.world,
    };
    script.link.handle(&GatewayOp::Ping, &cx, &mut script.out);
    script.link.password_checked(true, &cx, &mut script.out);
    assert_eq!(
        script.waits(Duration::from_secs(100)).did(),
        Vec::<String>::new()
    );
}

proptest! {
    /// Whatever a peer says, a link closes at most once, as its last word, and is registered at most
    /// once; traffic passes only after that.
    #[test]
    fn a_link_keeps_its_order_whatever_the_peer_says(
        dial in any::<bool>(),
        says in proptest::collection::vec(proptest::sample::select(vec![
            HELLO, CONNECT, "PING\r\n", "PONG\r\n", "+OK\r\n", "RS+ ACC foo\r\n", "RS- ACC foo q\r\n", "A+ ACC\r\n",
            "RMSG ACC foo 1\r\nx\r\n", "INFO {\"gateway\":\"B\",\"gateway_cmd\":2,\"gateway_cmd_payload\":\"QUND\"}\r\n",
            "INFO {\"gateway\":\"Z\",\"gateway_cmd\":1}\r\n", "INFO {}\r\n", "-ERR 'x'\r\n", "LS+ x\r\n", "wait",
        ]), 0..30),
    ) {
        let mut script = if dial { Script::dial(Script::settings()) } else { Script::accept(Script::settings()) };
        for what in says {
            if what == "wait" { script.waits(Duration::from_secs(7)); } else { script.hears(what); }
        }
        let closed = script.link.is_closed();
        let did = script.did();
        let count = |start: &str| did.iter().filter(|line| line.starts_with(start)).count();
        prop_assert!(count("registered ") <= 1);
        prop_assert_eq!(count("close "), usize::from(closed));
        if closed {
            prop_assert!(did.last().is_some_and(|line| line.starts_with("close ")));
        }
        let registered = did.iter().position(|line| line.starts_with("registered ")).unwrap_or(usize::MAX);
        for (at, line) in did.iter().enumerate() {
            prop_assert!(!line.starts_with("Debug traffic") || at > registered);
        }
    }
}
