//! What is refused, in which order, with which words; and every stage has its deadline.

use super::*;

const HASH: &str = "$2a$04$abcdefghijklmnopqrstuv";

fn closed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

#[test]
fn clu_14_what_is_no_server_of_the_cluster_is_turned_away_at_connect() {
    let over = |reason: &str| format!("Info Router connection closed: {reason}");
    let close = |reason: &str| format!("close {reason}, Refused");
    for (bytes, error, log, reason) in [
        (
            "PING\r\n",
            "Authorization Violation",
            "Error authentication error",
            "Authentication Failure",
        ),
        (
            "GET / HTTP/1.1\r\n",
            "Authorization Violation",
            "Error authentication error",
            "Authentication Failure",
        ),
        (
            "CONNECT {\"lang\":\"go\",\"gateway\":\"G\"}\r\n",
            "attempted to connect to route port",
            "Complaint attempted to connect to route port",
            "Incorrect Port",
        ),
        (
            "CONNECT {\"gateway\":\"G\",\"cluster\":\"X\"}\r\n",
            "Rejecting connection from gateway \"G\" on the Route port",
            "Error Rejecting connection from gateway \"G\" on the Route port",
            "Wrong Gateway",
        ),
        (
            "CONNECT {\"cluster\":\"X\"}\r\n",
            "Rejecting connection, cluster name \"X\" does not match \"C\"",
            "Error Rejecting connection, cluster name \"X\" does not match \"C\"",
            "Cluster Name Conflict",
        ),
    ] {
        let mut script = Script::new().accept().begin();
        script.hear(bytes);
        let mut said = script.said();
        said.sort();
        let mut wanted = [
            format!("-ERR '{error}'"),
            log.to_string(),
            over(reason),
            close(reason),
        ];
        wanted.sort();
        assert_eq!(said, wanted, "{bytes}");
        assert!(script.link().is_closed());
        script.hear(CONNECT);
        assert_eq!(script.said(), [""; 0]);
    }
}

#[test]
fn clu_13_credentials_come_before_everything_else() {
    let mut script = Script::with_password("pw").accept().begin();
    script.hear("CONNECT {\"user\":\"u\",\"pass\":\"no\",\"lang\":\"go\"}\r\n");
    assert_eq!(
        script.said()[..2],
        [
            "Error authentication error - User \"u\"",
            "-ERR 'Authorization Violation'"
        ]
    );
    let mut script = Script::with_password("pw").accept().begin();
    script.hear("CONNECT {\"user\":\"u\",\"pass\":\"pw\",\"cluster\":\"C\"}\r\n");
    assert_eq!(script.said(), [""; 0]);
}

#[test]
fn a_hash_is_compared_elsewhere_and_nothing_is_read_meanwhile() {
    for is_right in [true, false] {
        let mut script = Script::with_password(HASH).accept().begin();
        script
            .hear("CONNECT {\"user\":\"u\",\"pass\":\"pw\",\"cluster\":\"C\",\"name\":\"N2\"}\r\n");
        assert_eq!(script.said(), [format!("check pw against {HASH}")]);
        assert!(script.link().is_waiting());
        script.call(|link, cx, out| link.as_mut().unwrap().password_checked(is_right, cx, out));
        let said = script.said();
        match is_right {
            true => assert_eq!(said, [""; 0]),
            false => assert_eq!(said[0], "Error authentication error - User \"u\""),
        }
        assert_eq!(script.link().is_closed(), !is_right);
    }
}

#[test]
fn clu_04_clu_05_the_first_info_is_checked_in_order_and_in_silence() {
    let dialled = |more: &str| {
        let mut script = Script::new().dial_pool().begin();
        script.hear(&info(more));
        script
    };
    let accepted = |more: &str| {
        let mut script = Script::new().accept().begin();
        script.hear(CONNECT);
        script.hear(&info(more));
        script
    };
    // Self comes before the name of the cluster, and that before the name of the server.
    let own = r#","server_id":"N1","cluster":"X","server_name":"s1""#;
    let name = r#","cluster":"X","server_name":"s1""#;
    for mut script in [dialled(own), accepted(own)] {
        assert_eq!(
            script.said(),
            [
                "Info Router connection closed: Duplicate Route",
                "close Duplicate Route, ToSelf"
            ]
        );
    }
    for mut script in [dialled(name), accepted(name)] {
        let said = script.said();
        assert_eq!(said[said.len() - 1], "close Cluster Name Conflict, Refused");
        assert_eq!(said.len(), 2);
    }
    let mut script = accepted(r#","server_name":"s1""#);
    assert_eq!(
        script.said(),
        [
            "Error Remote server has a duplicate name: \"s1\"",
            "Info Router connection closed: Duplicate Server Name - Remote: s1",
            "close Duplicate Server Name, Refused"
        ]
    );
    // The dialler leaves that to the acceptor.
    assert!(!dialled(r#","server_name":"s1""#).link().is_closed());
}

#[test]
fn a_name_that_a_third_server_has_is_logged() {
    let mut script = Script::new().dial_pool().begin();
    script.world.other_name = "s2";
    script.hear(&info(""));
    assert_eq!(
        script.said()[0],
        "Warn Remote server has a duplicate name: \"s2\""
    );
    assert!(!script.link().is_closed());
}

#[test]
fn a_connection_without_a_place_is_told_why() {
    let account = r#","route_account":"P""#;
    for (refusal, more, words) in [
        (
            Refusal::NoPools,
            account,
            "Not possible to have a dedicated route for account \"P\" between those servers",
        ),
        (Refusal::NotDedicated, account, "No route for account \"P\""),
        (
            Refusal::IndexSet,
            r#","route_pool_idx":2"#,
            "Route pool index should not be set but is set to 2",
        ),
        (
            Refusal::NoSuchIndex,
            r#","route_pool_idx":5,"route_pool_size":2"#,
            "Invalid route pool index: 5 - pool size is 2",
        ),
    ] {
        let mut script = Script::new().accept().begin();
        script.world.answer = Err(refusal);
        script.hear(CONNECT);
        script.hear(&info(more));
        let (err, log) = (format!("-ERR '{words}'"), format!("Complaint {words}"));
        let end = "Info Router connection closed: Protocol Violation - Remote: s2";
        let wanted = [&err, &log, end, "close Protocol Violation, Refused"];
        assert_eq!(closed(&script.said()), wanted);
    }
    let mut script = Script::new().accept().begin();
    script.hear(CONNECT);
    script.hear(&info(r#","route_account":"NOPE""#));
    let said = script.said();
    assert_eq!(
        said[0],
        "-ERR 'Unable to lookup account \"NOPE\": account missing'"
    );
    assert_eq!(said[3], "close Missing Account, Refused");
    assert_eq!(script.world.claims.borrow().len(), 0);
}

#[test]
fn a_duplicate_goes_in_silence_and_says_whose_it_is() {
    for mut script in [
        Script::new().accept().begin(),
        Script::new().dial_pool().begin(),
    ] {
        script.world.answer = Err(Refusal::Duplicate);
        if !script.link().is_dialled() {
            script.hear(CONNECT);
        }
        script.hear(&info(""));
        assert_eq!(
            script.said(),
            [
                "Info Router connection closed: Duplicate Route - Remote: s2",
                "close Duplicate Route, Duplicate { server_id: \"N2\" }"
            ]
        );
    }
}

#[test]
fn a_compression_unheard_of_ends_the_connection() {
    let mut script = Script::compressing(Compression::Accept).dial_pool().begin();
    script.hear(&info(r#","compression":"zip""#));
    let said = script.said();
    assert_eq!(said[0], "-ERR 'unsupported route compression mode \"zip\"'");
    assert_eq!(said[3], "close Protocol Violation, Refused");
}

#[test]
fn json_that_cannot_be_read_ends_the_connection_without_a_word_to_the_peer() {
    for bytes in ["CONNECT {\r\n", "CONNECT {\"user\":1}\r\n"] {
        let mut script = Script::new().accept().begin();
        script.hear(bytes);
        let said = script.said();
        assert!(said[0].starts_with("Error "));
        assert_eq!(said[2], "close Protocol Violation, Plain");
    }
}

#[test]
fn every_stage_has_its_deadline() {
    // Without credentials nobody is in a hurry; with them, they must come.
    let stale = ["-ERR 'Stale Connection'", "Stale Connection"];
    let late = ["-ERR 'Authentication Timeout'", "Authentication Timeout"];
    let mut asked = Script::with_password("pw");
    asked.settings.auth.timeout = S * 3;
    let mut hashed = Script::with_password(HASH).accept();
    hashed.hear("CONNECT {\"user\":\"u\"}\r\n");
    let mut connected = Script::new().accept();
    connected.hear(CONNECT);
    let mut agreed = Script::compressing(Compression::Fast).dial_pool();
    agreed.hear(&info(r#","compression":"accept""#));
    for (script, after, wanted) in [
        (Script::new().accept(), 90, stale),
        (asked.accept(), 3, late),
        (hashed, 2, late),
        (connected, 10, stale),
        (Script::new().dial_pool(), 10, stale),
        (agreed, 10, stale),
    ] {
        let mut script = script.begin();
        assert_eq!(script.link().next_deadline(), Moment::START + S * after);
        script.tick_at(after - 1);
        assert_eq!(script.said(), [""; 0]);
        script.tick_at(after);
        let said = script.said();
        assert_eq!(said[0], wanted[0]);
        assert_eq!(said[2], format!("close {}, Plain", wanted[1]));
        assert_eq!(script.link().next_deadline(), Moment::NEVER);
    }
}

#[test]
fn an_error_of_the_peer_ends_the_connection_in_any_state() {
    for mut script in [inbound(), Script::new().dial_pool().begin()] {
        script.hear("-ERR 'No route for account \"P\"'\r\n");
        let said = script.said();
        assert_eq!(said[0], "Error Route Error 'No route for account \"P\"'");
        assert_eq!(said[2], "close Parse Error, Refused");
    }
}

#[test]
fn bytes_that_are_no_operation_end_the_connection() {
    let mut script = inbound();
    script.hear("GET / HTTP/1.1\r\n");
    let said = script.said();
    assert_eq!(said[0], "-ERR 'Unknown Protocol Operation'");
    assert_eq!(said[3], "close Protocol Violation, Plain");
    // Before the registration there are no messages.
    let mut script = Script::new().dial_pool().begin();
    script.hear("RMSG A foo 5\r\nhello\r\n");
    assert!(
        script
            .said()
            .last()
            .unwrap()
            .starts_with("close Maximum Message Payload Exceeded")
    );
}
