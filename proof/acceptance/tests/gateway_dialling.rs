//! How a server looks for other clusters: which address, when, how often (rows GW-26 to GW-55).

use gannet_acceptance::apart::dials_both;
use gannet_acceptance::linked::{A, with_remote};
use gannet_acceptance::ports::Port;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Kind, ScriptedGateway, Server, Unanswering, both};
use serde_json::json;
use std::time::Duration;

both! {
    /// GW-26: of several addresses any may be the first; one that does not answer is given up after a second, and
    /// the next is tried.
    #[test]
    fn addresses_are_tried_in_any_order_until_one_answers(kind: Kind) {
        let silent = Unanswering::new();
        let starts: Vec<_> = (0..16)
            .map(|_| {
                let address = silent.address();
                std::thread::spawn(move || {
                    let script = ScriptedGateway::new("B");
                    let server = Server::start(
                        kind,
                        &format!(
                            "debug: true\ngateway {{ name: A, listen: \"{{gateway}}\", gateways: [{{name: B, urls: [\"nats://{address}\", \"nats://{}\"]}}] }}",
                            script.address()
                        ),
                    );
                    let _peer = script.accept();
                    server.await_links(1, 0);
                    let first = server.expect_log("Connecting to explicit gateway \"B\" (");
                    (first.contains(&address), server)
                })
            })
            .collect();
        let mut firsts = Vec::new();
        for start in starts {
            let (unanswering_first, server) = start.join().expect("the link came about");
            if unanswering_first && kind == Kind::Go {
                server.expect_log("i/o timeout");
            }
            firsts.push(unanswering_first);
        }
        assert!(firsts.contains(&true) && firsts.contains(&false), "always the same order: {firsts:?}");
    }

    /// GW-26: of the addresses of a name any may be tried, again and again, but not the server's own.
    #[test]
    fn a_name_stands_for_several_servers(kind: Kind) {
        let own = Port::reserve();
        let port = own.number();
        let mut server = Server::prepare(
            kind,
            &format!(
                "server_name: A1\ndebug: true\ngateway {{ name: A, listen: \"127.0.0.1:{port}\", gateways: [{{name: B, url: \"nats://gulls.example:{port}\"}}] }}"
            ),
            &[],
        );
        let hosts = "127.0.0.1 localhost\n127.0.0.2 gulls.example\n127.0.0.3 gulls.example\n";
        if !dials_both(&mut server, hosts, port) {
            return;
        }
        for host in ["127.0.0.2", "127.0.0.3"] {
            server.expect_log(&format!("Connecting to explicit gateway \"B\" (gulls.example:{port}) at {host}:{port}"));
        }
    }

    /// GW-27: the reference waits a second before it dials, for its own cluster to form first. A cluster of one
    /// server has nothing to wait for, so Gannet dials at once; both dial.
    #[test]
    fn configured_remotes_are_dialled_after_the_start(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        let _peer = script.accept();
        server.await_links(1, 0);
        server.expect_log("Connecting to explicit gateway \"B\"");
    }

    /// GW-34: a cluster that is linked is not dialled again, whatever is heard of it.
    #[test]
    fn linked_clusters_are_not_dialled_again(kind: Kind) {
        let (b, c, elsewhere) = (ScriptedGateway::new("B"), ScriptedGateway::new("C"), ScriptedGateway::new("B"));
        let server = Server::start(kind, A);
        let (_from_b, mut to_b) = b.link(&server);
        let (_from_c, mut to_c) = c.link(&server);
        server.await_links(2, 2);
        let gossip = |about: &str| format!("INFO {}\r\n", json!({"gateway": about, "gateway_urls": [elsewhere.address()], "gateway_cmd": 1}));
        for _ in 0..3 {
            to_c.wire.send(&gossip("B"));
            to_b.wire.send(&gossip("C"));
        }
        // Another server of B dials in: still one outbound link.
        let mut second = elsewhere.dial_as(&server, &json!({}), &json!({"server_id": format!("{:A<56}", "NSECONDB"), "server_name": "B2"}));
        second.read_initial_interest();
        server.await_links(2, 3);
        to_b.fence();
        to_c.fence();
        let dials = server.log().lines().filter(|line| line.contains("Connecting to implicit gateway")).count();
        assert_eq!(dials, 2, "one for each cluster\n{}", server.log());
        assert!(elsewhere.is_left_alone(), "nobody dials the other server of a linked cluster");
    }

    /// GW-51, GW-53: attempts come a second apart, for ever; with backoff, each pause is twice as long as the one
    /// before. Gannet's first five pauses are shorter: servers that are started together find each other at once.
    #[test]
    fn attempts_have_their_pauses(kind: Kind) {
        for (backoff, pauses) in [("", [1.0, 1.0]), ("connect_backoff: true", [1.0, 2.0])] {
            let nobody = Port::reserve();
            let server = Server::start(
                kind,
                &format!("debug: true\ngateway {{ name: A, listen: \"{{gateway}}\", {backoff}\n gateways: [{{name: B, url: \"nats://{}\"}}] }}", nobody.address()),
            );
            let first = match kind {
                Kind::Gannet => 6,
                Kind::Go => 1,
            };
            server.expect_log(&format!("(attempt {})", first + 2));
            let times: Vec<f64> = (first..=first + 2).map(|attempt| seconds(&server.expect_log(&format!("(attempt {attempt})")))).collect();
            for (at, least) in pauses.iter().enumerate() {
                // Times of day start again at midnight.
                let pause = (times[at + 1] - times[at]).rem_euclid(86_400.0);
                assert!(pause >= least - 0.01, "{backoff}: {pause} s before attempt {}\n{}", at + first + 1, server.log());
            }
        }
    }

    /// GW-54: of the attempts at a remote that never answered, the first and every n-th are errors, the others are
    /// for those who look for errors; after a link was lost, each is an error.
    #[test]
    fn failed_attempts_are_reported_now_and_then(kind: Kind) {
        let nobody = Port::reserve();
        for (lines, levels) in [("", ["ERR", "DBG", "DBG"]), ("connect_error_reports: 3", ["ERR", "DBG", "ERR"])] {
            let server = Server::start(
                kind,
                &format!("debug: true\n{lines}\ngateway {{ name: A, listen: \"{{gateway}}\", gateways: [{{name: B, url: \"nats://{}\"}}] }}", nobody.address()),
            );
            for (at, level) in levels.iter().enumerate() {
                let attempt = at + 1;
                let text = format!(
                    "[{level}] Error connecting to explicit gateway \"B\" ({0}) at {0} (attempt {attempt}): dial tcp {0}: connect: connection refused",
                    nobody.address()
                );
                server.expect_log(&text);
            }
        }
        let script = ScriptedGateway::new("B");
        let server = Server::start(kind, &with_remote(&script, "", ""));
        let peer = script.accept();
        server.await_links(1, 0);
        drop((peer, script));
        for attempt in 1..=2 {
            let line = server.expect_log(&format!("(attempt {attempt}): dial tcp"));
            assert!(line.contains("[ERR] Error connecting to explicit gateway \"B\""), "{line}");
        }
    }

    /// GW-55: a server on its way out does not look for what it loses.
    #[test]
    fn a_stopping_server_does_not_dial_again(kind: Kind) {
        let script = ScriptedGateway::new("B");
        let mut server = Server::start(kind, &with_remote(&script, "", ""));
        let (mut outbound, mut inbound) = (script.accept(), script.dial(&server));
        server.await_links(1, 1);
        let status = server.terminate();
        assert!(status.success(), "{status}");
        for link in [&mut outbound, &mut inbound] {
            while let Heard::Line(_) = link.wire.hear(Duration::from_secs(20)) {}
            let heard = link.wire.hear(Duration::from_secs(20));
            assert!(matches!(heard, Heard::End(_)), "{heard:?}");
        }
        let log = server.log();
        let dials = log.lines().filter(|line| line.contains("Connecting to explicit gateway")).count();
        assert!(dials == 1 && script.is_left_alone(), "dialled {dials} times\n{log}");
    }
}

/// The time of day of a log line in seconds.
fn seconds(line: &str) -> f64 {
    let clock = line.split(' ').nth(2).unwrap_or_default();
    clock.split(':').fold(0.0, |sum, part| {
        sum * 60.0 + part.parse::<f64>().expect("a time")
    })
}

/// GW-34, in our way of dialling: an address that keeps silent does not keep the next one waiting; who greets
/// second is sent away, and not dialled again.
#[test]
fn the_slower_of_two_attempts_is_given_up() {
    let (first, second) = (ScriptedGateway::new("B"), ScriptedGateway::new("B"));
    let server = Server::start(
        Kind::Gannet,
        &format!(
            "debug: true\ngateway {{ name: A, listen: \"{{gateway}}\", gateways: [{{name: B, urls: [\"nats://{}\", \"nats://{}\"]}}] }}",
            first.address(),
            second.address()
        ),
    );
    let (mut one, mut two) = (first.accept_silently(), second.accept_silently());
    two.send(&format!("INFO {}\r\n", second.info(&json!({}))));
    two.json("CONNECT");
    two.info();
    server.await_links(1, 0);
    let heard = one.hear(Duration::from_secs(20));
    assert!(matches!(heard, Heard::End(_)), "{heard:?}");
    two.fence();
    server.await_links(1, 0);
    assert!(first.is_left_alone() && second.is_left_alone());
}
