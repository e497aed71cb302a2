//! What becomes of a gateway link whose other side takes nothing while interest changes.

use gannet_acceptance::wire::Heard;
use gannet_acceptance::{GatewayPeer, Kind, ScriptedGateway, Server, Wire, eventually};
use std::time::Duration;

/// A server after it has given up a link whose other side took nothing.
struct AfterPileUp {
    /// A client of the server.
    local: Wire,
    /// What was to be announced meanwhile.
    announced: Vec<String>,
    /// The next link.
    again: GatewayPeer,
    _server: Server,
}

/// Has a client say `first`, and then again and again what `more` answers when so much is announced, until the link
/// that takes nothing is given up; with each come the lines that announce it. What was under way came whole and in
/// order, up to some point.
fn pile_up(
    (first, announced): (&str, &[&str]),
    more: impl Fn(usize) -> (String, Vec<String>),
) -> AfterPileUp {
    let server = Server::start(
        Kind::Gannet,
        "server_name: A1\nmax_payload: 64KB\nmax_pending: 256KB\nwrite_deadline: \"1h\"\nping_interval: \"1h\"\nmax_control_line: 16KB\ngateway { name: A, listen: \"{gateway}\" }",
    );
    let script = ScriptedGateway::new("B");
    let mut deaf = script.dial(&server);
    assert_eq!(deaf.read_initial_interest(), Vec::<String>::new());
    let mut local = Wire::client(&server);
    local.send(first);
    let mut announced: Vec<String> = announced.iter().map(|line| (*line).to_owned()).collect();
    eventually("the link that takes nothing to be given up", || {
        for _ in 0..20 {
            let (said, lines) = more(announced.len());
            local.send(&said);
            announced.extend(lines);
        }
        local.fence();
        let page = server.try_monitor("/gatewayz")?;
        let links = page["inbound_gateways"].as_object();
        if links.is_none_or(|all| all.is_empty()) {
            Ok(())
        } else {
            Err(format!("{} lines", announced.len()))
        }
    });
    server
        .expect_log("Gateway connection closed: Slow Consumer (Pending Bytes) - Remote: B-script");
    assert_eq!(
        server.monitor("/varz")["slow_consumer_stats"]["gateways"],
        1
    );
    let mut heard = 0;
    while let Heard::Line(line) = deaf.wire.hear(Duration::from_secs(20)) {
        assert!(line == announced[heard], "line {heard}");
        heard += 1;
    }
    assert!(heard < announced.len());
    AfterPileUp {
        local,
        announced,
        again: script.dial(&server),
        _server: server,
    }
}

/// Changes of interest cannot be dropped, so what waits for a link has a bound of its own: eight times `max_pending`.
/// Past it the link ends, and the next one starts with what holds by then. (The reference keeps any amount until the
/// write deadline.)
#[test]
fn a_link_that_lets_changes_pile_up_is_given_up_and_told_all_again() {
    let kept = "SUB kept 1\r\nSUB kept.too 2\r\nSUB kept q 3\r\n";
    let told = ["RS+ $G kept", "RS+ $G kept.too", "RS+ $G kept q 1"];
    let mut after = pile_up((kept, &told), |count| {
        let subject = format!("{}.{count}", "s".repeat(15_000));
        let changes = vec![format!("RS+ $G {subject}"), format!("RS- $G {subject}")];
        (format!("SUB {subject} 4\r\nUNSUB 4\r\n"), changes)
    });
    assert_eq!(
        after.again.read_initial_interest(),
        ["RS+ $G kept", "RS+ $G kept q 1", "RS+ $G kept.too"]
    );
    after.local.send("UNSUB 2\r\n");
    after.again.expect("RS- $G kept.too");
    after.again.fence();
}

/// The same with interest that stays: the next link starts with all of it.
#[test]
fn a_link_that_lets_interest_pile_up_is_given_up_and_told_all_again() {
    let mut after = pile_up(("", &[]), |count| {
        let subject = format!("{}.{count}", "s".repeat(15_000));
        let interest = vec![format!("RS+ $G {subject}")];
        (format!("SUB {subject} {count}\r\n"), interest)
    });
    after.announced.sort();
    assert!(
        after.again.read_initial_interest() == after.announced,
        "all of the interest, and nothing else"
    );
    after.local.send("UNSUB 0\r\n");
    after.again.expect("RS- $G <*>s.0");
    after.again.fence();
}
