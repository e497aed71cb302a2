//! What the server says when it refuses, and what it remembers of closed connections (rows CORE-46 to CORE-51).

use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Server, Wire, both, eventually, play};
use serde_json::json;
use std::time::Duration;

const PERMISSIONS: &str = r#"
    authorization { users: [
        {user: u, password: p, permissions: {
            publish: {allow: ["ok.>", "svc"], deny: ["ok.not"]}
            subscribe: {allow: ["ok.>", "work q.*", "_INBOX.>"], deny: "ok.not"}
        }}
        {user: v, password: p, permissions: {subscribe: {deny: ["foo"]}}}
    ] }
"#;

both! {
    /// CORE-46: one text for every way of failing to log in.
    #[test]
    fn authorization_violation(kind: Kind) {
        let server = Server::start(kind, "authorization { user: u, password: p }");
        for connect in [
            "{}", r#"{"user":"u"}"#, r#"{"user":"u","pass":"wrong"}"#, r#"{"user":"x","pass":"p"}"#, r#"{"auth_token":"p"}"#,
            r#"{"user":"u","pass":""}"#, r#"{"pass":"p"}"#, r#"{"jwt":"x","sig":"y"}"#, r#"{"nkey":"UX","sig":"y"}"#,
        ] {
            play(&server, &format!("a> CONNECT {connect}\na< -ERR 'Authorization Violation'\na closed"));
        }
        let entry = {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire.send("CONNECT {\"user\":\"u\",\"pass\":\"secret-guess\",\"name\":\"guesser\"}\r\n");
            wire.expect("-ERR 'Authorization Violation'");
            server.closed_connection("guesser")
        };
        assert_eq!(entry["reason"], "Authentication Failure");
        server.expect_log("authentication error");
        assert!(!server.log().contains("secret-guess"), "passwords stay out of the log");
    }

    /// CORE-49: a client at the gateway port is told so.
    #[test]
    fn client_at_the_gateway_port(kind: Kind) {
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\" }");
        for connect in [r#"{"verbose":false}"#, r#"{"verbose":false,"name":"lost"}"#] {
            let mut wire = Wire::open(&server.gateway_address());
            wire.info();
            wire.send(&format!("CONNECT {connect}\r\n"));
            wire.expect("-ERR 'attempted to connect to gateway port'");
            wire.expect_closed();
        }
        server.expect_log("attempted to connect to gateway port");
    }

    /// CORE-51: reasons that a client can bring about are kept with what was known about it.
    #[test]
    fn closed_connections_are_remembered(kind: Kind) {
        let server = Server::start(kind, "");
        let mut wire = Wire::client_with(&server, &json!({"name": "leaver", "lang": "x", "version": "3"}));
        wire.send("SUB foo 1\r\nPUB foo 5\r\nhello\r\n");
        wire.expect("MSG foo 1 5\r\nhello");
        drop(wire);
        let entry = server.closed_connection("leaver");
        assert_eq!(
            [&entry["reason"], &entry["lang"], &entry["version"], &entry["in_msgs"], &entry["out_msgs"], &entry["in_bytes"], &entry["out_bytes"]],
            [&json!("Client Closed"), &json!("x"), &json!("3"), &json!(1), &json!(1), &json!(5), &json!(5)]
        );
        assert!(entry["stop"].is_string() && entry["cid"].is_number(), "{entry}");
    }

    /// CORE-51: what a client may bring about has its reason, whatever the client is told.
    #[test]
    fn every_end_has_its_reason(kind: Kind) {
        let long = format!("SUB {} 1", "a".repeat(300));
        let server = Server::start(kind, "max_control_line: 200\nmax_payload: 5");
        for (number, (talk, told, reason)) in [
            (long.as_str(), "maximum control line exceeded", "Maximum Control Line Exceeded"),
            ("CONNECT {\"name\":\"NAME\",\"protocol\":9}", "invalid client protocol", "Bad Client Protocol Version"),
            ("CONNECT {\"name\":\"NAME\",\"no_responders\":true}", "no responders requires headers support", "No Responders Requires Headers"),
            ("CONNECT {\"name\":\"NAME\",\"account\":\"y\"}", "Authorization Violation", "Authentication Failure"),
            ("PUB foo 6", "Maximum Payload Violation", "Maximum Message Payload Exceeded"),
            ("FOO", "Unknown Protocol Operation", "Protocol Violation"),
            ("PUB foo", "", "Protocol Violation"),
            ("SUB a b c d", "", "Protocol Violation"),
            ("CONNECT {", "", "Protocol Violation"),
            ("-ERR 'x'", "", "Parse Error"),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("n{number}");
            let mut wire = Wire::client_with(&server, &json!({"name": name}));
            wire.send(&format!("{}\r\n", talk.replace("NAME", &name)));
            if !told.is_empty() {
                wire.expect(&format!("-ERR '{told}'"));
            }
            wire.expect_closed();
            assert_eq!(server.closed_connection(&name)["reason"], reason, "{talk}");
        }
        let server = Server::start(kind, "max_connections: 1");
        server.await_nobody();
        let _first = Wire::client(&server);
        Wire::open(&server.client_address()).expect("INFO <*>\r\n-ERR 'maximum connections exceeded'");
        eventually("the reason of who was one too many", || {
            let page = server.try_monitor("/connz?state=closed")?;
            let mut reasons = page["connections"].as_array().into_iter().flatten().map(|one| &one["reason"]);
            if reasons.any(|reason| reason == "Maximum Connections Exceeded") { Ok(()) } else { Err(page.to_string()) }
        });
    }

    /// CORE-51: the ring of closed connections has a bound.
    #[test]
    fn closed_connections_are_bounded(kind: Kind) {
        let server = Server::start(kind, "max_closed_clients: 3");
        server.await_nobody();
        for number in 0..6 {
            drop(Wire::client_with(&server, &json!({"name": format!("n{number}")})));
            server.closed_connection(&format!("n{number}"));
        }
        let page = server.monitor("/connz?state=closed&sort=stop");
        let mut names: Vec<String> = page["connections"].as_array().expect("a list").iter().map(|one| one["name"].to_string()).collect();
        names.sort();
        assert_eq!(names, ["\"n3\"", "\"n4\"", "\"n5\""]);
    }

    /// CORE-51: a server that ends closes its clients without a word; they see the end of the stream.
    #[test]
    fn shutdown_closes_clients(kind: Kind) {
        let mut server = Server::start(kind, "");
        let mut wire = Wire::client(&server);
        let status = server.terminate();
        assert!(status.success(), "{status}");
        let heard = wire.hear(Duration::from_secs(20));
        assert!(matches!(heard, Heard::End(_)), "{heard:?}");
    }

    /// CORE-50, CORE-36: the texts that leave the connection open, in one conversation.
    #[test]
    fn errors_that_leave_the_connection_open(kind: Kind) {
        play(&Server::start(kind, "max_subs: 1\nmax_sub_tokens: 2"), r#"
            a connect {"pedantic":true}
            a> SUB .foo 1
            a< -ERR 'Invalid Subject'
            a> SUB a.b.c 1
            a< -ERR 'Permissions Violation for Subscription to "a.b.c", too many tokens'
            a> SUB a 1
            a> SUB b 2
            a< -ERR 'maximum subscriptions exceeded'
            a>> PUB b.* 0\r\n\r\n
            a< -ERR 'Invalid Publish Subject'
            a>> PUB _GR_.x 0\r\n\r\n
            a< -ERR 'Permissions Violation for Publish to "_GR_.x"'
            a fence
        "#);
    }

    /// CORE-51: an -ERR from a client ends the connection; the reason is remembered.
    #[test]
    fn err_from_a_client_closes(kind: Kind) {
        let server = Server::start(kind, "");
        let mut wire = Wire::client_with(&server, &json!({"name": "complainer"}));
        wire.send("-ERR 'no more'\r\n");
        wire.expect_closed();
        assert_eq!(server.closed_connection("complainer")["reason"], "Parse Error");
        server.await_nobody();
    }
}

both! {
    /// CORE-48: the texts of refused permissions; the connection goes on.
    #[test]
    fn permission_violations(kind: Kind) {
        play(&Server::start(kind, PERMISSIONS), r#"
            a connect {"user":"u","pass":"p","headers":true}
            a> SUB ok.a 1
            a> SUB foo 2
            a< -ERR 'Permissions Violation for Subscription to "foo"'
            a> SUB > 3
            a< -ERR 'Permissions Violation for Subscription to ">"'
            a> SUB foo q 4
            a< -ERR 'Permissions Violation for Subscription to "foo" using queue "q"'
            a> SUB ok.not 5
            a< -ERR 'Permissions Violation for Subscription to "ok.not"'
            a> SUB work q.1 6
            a> SUB work r.1 7
            a< -ERR 'Permissions Violation for Subscription to "work" using queue "r.1"'
            a>> PUB foo 1\r\nx\r\n
            a< -ERR 'Permissions Violation for Publish to "foo"'
            a>> PUB ok.not 1\r\nx\r\n
            a< -ERR 'Permissions Violation for Publish to "ok.not"'
            a>> HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n
            a< -ERR 'Permissions Violation for Publish to "foo"'
            a>> PUB ok.a 1\r\nx\r\n
            a< MSG ok.a 1 1
            a< x
            a fence
        "#);
    }

    /// CORE-48: a wildcard subscription is allowed with a denied subject inside it, which then does not come.
    #[test]
    fn denied_subjects_are_filtered_from_wildcards(kind: Kind) {
        play(&Server::start(kind, PERMISSIONS), r#"
            a connect {"user":"v","pass":"p"}
            a> SUB * 1
            a>> PUB foo 1\r\nx\r\nPUB bar 1\r\ny\r\n
            a< MSG bar 1 1
            a< y
            a fence
        "#);
    }

    /// CORE-48: in verbose mode a refused publish is an error and no +OK.
    #[test]
    fn verbose_permission_violations(kind: Kind) {
        play(&Server::start(kind, PERMISSIONS), r#"
            a> CONNECT {"user":"u","pass":"p","pedantic":false}
            a< +OK
            a> SUB foo 1
            a< -ERR 'Permissions Violation for Subscription to "foo"'
            a>> PUB foo 1\r\nx\r\n
            a< -ERR 'Permissions Violation for Publish to "foo"'
            a> SUB ok.a 2
            a< +OK
            a fence
        "#);
    }
}
