//! What becomes of a gateway link whose other side takes nothing while interest changes.

use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Kind, ScriptedGateway, Server, Wire, eventually};
use std::time::Duration;

/// Changes of interest cannot be dropped, so what waits for a link has a bound of its own: eight times `max_pending`.
/// Past it the link ends, and the next one starts with what holds by then. (The reference keeps any amount until the
/// write deadline.)
#[test]
fn a_link_that_lets_changes_pile_up_is_given_up_and_told_all_again() {
    let server = Server::start(
        Kind::Gannet,
        "server_name: A1\nmax_payload: 64KB\nmax_pending: 256KB\nwrite_deadline: \"1h\"\nping_interval: \"1h\"\nmax_control_line: 16KB\ngateway { name: A, listen: \"{gateway}\" }",
    );
    let script = ScriptedGateway::new("B");
    let mut deaf = script.dial(&server);
    assert_eq!(deaf.read_initial_interest(), Vec::<String>::new());
    let mut local = Wire::client(&server);
    local.send("SUB kept 1\r\nSUB kept.too 2\r\nSUB kept q 3\r\n");
    let mut changes = vec![
        "RS+ $G kept".to_owned(),
        "RS+ $G kept.too".to_owned(),
        "RS+ $G kept q 1".to_owned(),
    ];
    eventually("the link that takes nothing to be given up", || {
        for _ in 0..20 {
            let subject = format!("{}.{}", "s".repeat(15_000), changes.len());
            local.send(&format!("SUB {subject} 4\r\nUNSUB 4\r\n"));
            changes.extend([format!("RS+ $G {subject}"), format!("RS- $G {subject}")]);
        }
        local.fence();
        let page = server.try_monitor("/gatewayz")?;
        let links = page["inbound_gateways"].as_object();
        if links.is_none_or(|all| all.is_empty()) {
            Ok(())
        } else {
            Err(format!("{} changes", changes.len()))
        }
    });
    server
        .expect_log("Gateway connection closed: Slow Consumer (Pending Bytes) - Remote: B-script");
    assert_eq!(
        server.monitor("/varz")["slow_consumer_stats"]["gateways"],
        1
    );
    // What was under way came whole and in order, up to some point.
    let mut heard = 0;
    while let Heard::Line(line) = deaf.wire.hear(Duration::from_secs(20)) {
        assert!(line == changes[heard], "line {heard}");
        heard += 1;
    }
    assert!(heard < changes.len());
    let mut again = script.dial(&server);
    assert_eq!(
        again.read_initial_interest(),
        ["RS+ $G kept", "RS+ $G kept q 1", "RS+ $G kept.too"]
    );
    local.send("UNSUB 2\r\n");
    again.expect("RS- $G kept.too");
    again.fence();
}

/// Interest cannot be dropped, so what waits for a link has a bound of its own: eight times `max_pending`. Past it the
/// link ends, and the next one starts with all of it. (The reference keeps any amount until the write deadline.)
#[test]
fn a_link_that_lets_interest_pile_up_is_given_up_and_told_all_again() {
    let server = Server::start(
        Kind::Gannet,
        "server_name: A1\nmax_payload: 64KB\nmax_pending: 256KB\nwrite_deadline: \"1h\"\nping_interval: \"1h\"\nmax_control_line: 16KB\ngateway { name: A, listen: \"{gateway}\" }",
    );
    let script = ScriptedGateway::new("B");
    let mut deaf = script.dial(&server);
    assert_eq!(deaf.read_initial_interest(), Vec::<String>::new());
    let mut local = Wire::client(&server);
    let mut interest = Vec::new();
    eventually("the link that takes nothing to be given up", || {
        for _ in 0..20 {
            let subject = format!("{}.{}", "s".repeat(15_000), interest.len());
            local.send(&format!("SUB {subject} {}\r\n", interest.len()));
            interest.push(format!("RS+ $G {subject}"));
        }
        local.fence();
        let page = server.try_monitor("/gatewayz")?;
        if page["inbound_gateways"]
            .as_object()
            .is_none_or(|all| all.is_empty())
        {
            Ok(())
        } else {
            Err(format!("{} subscriptions", interest.len()))
        }
    });
    server
        .expect_log("Gateway connection closed: Slow Consumer (Pending Bytes) - Remote: B-script");
    assert_eq!(
        server.monitor("/varz")["slow_consumer_stats"]["gateways"],
        1
    );
    // Whatever was under way came whole, up to some point.
    let mut heard = 0;
    while let Heard::Line(line) = deaf.wire.hear(Duration::from_secs(20)) {
        assert!(line == interest[heard], "line {heard}");
        heard += 1;
    }
    assert!(heard < interest.len());
    let mut again = script.dial(&server);
    interest.sort();
    assert!(
        again.read_initial_interest() == interest,
        "all of the interest, and nothing else"
    );
    local.send("UNSUB 0\r\n");
    again.expect("RS- $G <*>s.0");
    again.fence();
}
