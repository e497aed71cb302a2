//! The start of a client connection: INFO and CONNECT (rows CORE-01 to CORE-09).

use gannet_acceptance::{Kind, Server, Wire, both, play};
use serde_json::{Value, json};

fn plain(kind: Kind) -> Server {
    Server::start(kind, "server_name: S1")
}

/// Type names of the fields of a JSON object, for comparing shapes.
fn shape(object: &Value) -> Vec<(String, &'static str)> {
    let name = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    object
        .as_object()
        .expect("an object")
        .iter()
        .map(|(key, value)| (key.clone(), name(value)))
        .collect()
}

both! {
    /// CORE-01: the server speaks first, with every base field in its type. Three fields of the reference are not
    /// there yet: `api_lvl` comes with JetStream, `xkey` with the auth callout; `git_commit` names a commit of the
    /// reference's own repository.
    #[test]
    fn info_comes_first_with_all_base_fields(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::open(&server.client_address());
        let mut info = wire.info();
        let mut fields = shape(&info);
        // Gannet names itself in a field of its own beside the compatibility version; Go servers have none.
        let own = match kind {
            Kind::Gannet => vec!["gannet"],
            Kind::Go => vec!["api_lvl", "git_commit", "xkey"],
        };
        for name in own {
            assert!(fields.iter().any(|(key, _)| key == name), "{name} is missing in {info}");
            fields.retain(|(key, _)| key != name);
        }
        assert_eq!(
            fields,
            [
                ("client_id", "number"), ("client_ip", "string"), ("go", "string"),
                ("headers", "bool"), ("host", "string"), ("max_payload", "number"), ("port", "number"),
                ("proto", "number"), ("server_id", "string"), ("server_name", "string"), ("version", "string"),
            ]
            .map(|(key, kind)| (key.to_owned(), kind))
        );
        let id = info["server_id"].as_str().expect("checked above").to_owned();
        assert!(id.len() == 56 && id.starts_with('N') && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
        for volatile in ["server_id", "client_id", "xkey", "git_commit", "go", "api_lvl", "gannet"] {
            info.as_object_mut().expect("an object").remove(volatile);
        }
        assert_eq!(info, json!({
            "server_name": "S1", "version": "2.15.1", "proto": 1, "host": "127.0.0.1", "port": server.client_port(),
            "headers": true, "max_payload": 1_048_576, "client_ip": "127.0.0.1",
        }));
    }

    /// CORE-01: client ids count up, one per connection.
    #[test]
    fn client_ids_count_up(kind: Kind) {
        let server = plain(kind);
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(Wire::open(&server.client_address()).info()["client_id"].as_u64().expect("a number"));
        }
        assert!(ids[0] < ids[1] && ids[1] < ids[2], "{ids:?}");
    }

    /// CORE-02: fields that appear only with the feature that needs them.
    #[test]
    fn conditional_info_fields_follow_the_configuration(kind: Kind) {
        for (config, field, expected) in [
            ("", "auth_required", Value::Null),
            ("authorization { user: u, password: p }", "auth_required", json!(true)),
            ("authorization { token: t }", "auth_required", json!(true)),
            ("max_payload: 1000", "max_payload", json!(1000)),
            ("no_header_support: true", "headers", json!(false)),
            ("gateway { name: A, listen: \"{gateway}\" }", "cluster", json!("A")),
            ("gateway { name: A, listen: \"{gateway}\" }", "cluster_dynamic", Value::Null),
            ("gateway { name: A, listen: \"{gateway}\" }", "connect_urls", Value::Null),
            ("client_advertise: \"example.org:1234\"", "port", json!(1234)),
            ("client_advertise: \"example.org:1234\"", "host", json!("example.org")),
            ("", "tls_required", Value::Null),
            ("", "jetstream", Value::Null),
            ("", "ldm", Value::Null),
            ("", "cluster", Value::Null),
            ("", "nonce", Value::Null),
        ] {
            let server = Server::start(kind, config);
            let info = Wire::open(&server.client_address()).info();
            assert_eq!(info[field], expected, "{config}: {info}");
        }
    }

    /// CORE-03: clients of protocol 1 get a second INFO right after their first PONG, and only that one.
    #[test]
    fn second_info_follows_the_first_pong(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::open(&server.client_address());
        let first = wire.info();
        wire.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\nPING\r\n");
        wire.expect("PONG");
        let mut second = wire.info();
        wire.expect("PONG");
        wire.fence();
        assert_eq!(second["connect_info"], true);
        assert_eq!(second["remote_account"], "$G");
        assert_eq!(second["acc_is_sys"], Value::Null);
        for added in ["connect_info", "remote_account"] {
            second.as_object_mut().expect("an object").remove(added);
        }
        assert_eq!(second, first);
    }

    /// CORE-03: without protocol 1 there is no second INFO.
    #[test]
    fn protocol_0_gets_no_second_info(kind: Kind) {
        play(&plain(kind), r#"
            a> CONNECT {"verbose":false,"protocol":0}
            a fence
            a fence
            b> CONNECT {"verbose":false}
            b fence
            b fence
        "#);
    }

    /// CORE-04: what CONNECT leaves out counts as verbose, pedantic and with echo.
    #[test]
    fn connect_defaults_are_verbose_pedantic_echo(kind: Kind) {
        play(&plain(kind), r#"
            a> CONNECT {}
            a< +OK
            a> SUB foo 1
            a< +OK
            a> PUB foo 2
            a> hi
            a< +OK
            a< MSG foo 1 2
            a< hi
            # In one piece: the reference server says it twice when the payload comes in a later read.
            a>> PUB foo.* 0\r\n\r\n
            a< -ERR 'Invalid Publish Subject'
            a< +OK
            a> UNSUB 1
            a< +OK
            a> PING
            a< PONG
        "#);
    }

    /// CORE-04: before CONNECT a client is verbose and echoed to, as the defaults say.
    #[test]
    fn commands_without_connect_work_when_nobody_must_log_in(kind: Kind) {
        play(&plain(kind), r"
            a> PING
            a< PONG
            a> SUB foo 1
            a< +OK
            a> PUB foo 1
            a> x
            a< +OK
            a< MSG foo 1 1
            a< x
        ");
    }

    /// CORE-04: what the client says about itself shows in connz.
    #[test]
    fn connect_options_show_in_connz(kind: Kind) {
        let server = Server::start(kind, "authorization { user: bob, password: p }");
        let _wire = Wire::client_with(&server, &json!({
            "user": "bob", "pass": "p", "name": "my client", "lang": "test", "version": "1.2.3", "protocol": 1,
        }));
        let page = server.monitor("/connz?auth=1");
        let one = &page["connections"][0];
        // The account's name comes as a tag; `account` itself is for accounts other than the global one.
        assert_eq!(
            [&one["name"], &one["lang"], &one["version"], &one["authorized_user"], &one["name_tag"], &one["account"]],
            [&json!("my client"), &json!("test"), &json!("1.2.3"), &json!("bob"), &json!("$G"), &Value::Null]
        );
    }

    /// CORE-04: CONNECT that is no JSON closes the connection.
    #[test]
    fn broken_connect_json_closes(kind: Kind) {
        let server = plain(kind);
        for text in ["CONNECT {", "CONNECT not json", "CONNECT {\"verbose\":1}", "CONNECT"] {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire.send(&format!("{text}\r\n"));
            wire.expect_closed();
        }
        Wire::client(&server).fence();
    }

    /// CORE-05: asking for an account of one's own is refused.
    #[test]
    fn sandbox_account_is_refused(kind: Kind) {
        play(&plain(kind), r#"
            a> CONNECT {"verbose":false,"account":"mine"}
            a< -ERR 'Authorization Violation'
            a closed
            b> CONNECT {"verbose":false,"account":"mine","new_account":true}
            b< -ERR 'Authorization Violation'
            b closed
        "#);
    }

    /// CORE-06: unknown protocol numbers are refused.
    #[test]
    fn unknown_protocol_number_is_refused(kind: Kind) {
        let server = plain(kind);
        play(&server, r#"
            a> CONNECT {"verbose":false,"protocol":2,"name":"too new"}
            a< -ERR 'invalid client protocol'
            a closed
            b> CONNECT {"verbose":false,"protocol":-1}
            b< -ERR 'invalid client protocol'
            b closed
        "#);
        assert_eq!(server.closed_connection("too new")["reason"], "Bad Client Protocol Version");
    }

    /// CORE-07: no-responders needs headers.
    #[test]
    fn no_responders_without_headers_is_refused(kind: Kind) {
        play(&plain(kind), r#"
            a> CONNECT {"verbose":false,"no_responders":true}
            a< -ERR 'no responders requires headers support'
            a closed
        "#);
    }

    /// CORE-08: a second CONNECT logs in anew; subscriptions of the first are gone.
    #[test]
    fn repeated_connect_drops_subscriptions(kind: Kind) {
        let server = Server::start(kind, "authorization { users: [{user: a, password: a}, {user: b, password: b}] }");
        let mut wire = Wire::client_with(&server, &json!({"user": "a", "pass": "a"}));
        wire.send("SUB foo 1\r\n");
        wire.fence();
        wire.connect_with(&json!({"user": "b", "pass": "b"}));
        wire.fence();
        assert_eq!(server.monitor("/connz?auth=1")["connections"][0]["authorized_user"], "b");
        let mut writer = Wire::client_with(&server, &json!({"user": "a", "pass": "a"}));
        writer.send("PUB foo 2\r\nhi\r\n");
        writer.fence();
        wire.fence();
        // The sid is free again.
        wire.send("SUB foo 1\r\n");
        wire.fence();
        writer.send("PUB foo 2\r\nhi\r\n");
        wire.expect("MSG foo 1 2\r\nhi");
    }

    /// CORE-09: with authorization nothing but CONNECT may come first.
    #[test]
    fn commands_before_connect_are_refused_with_authorization(kind: Kind) {
        let server = Server::start(kind, "authorization { user: u, password: p }");
        for first in ["SUB foo 1", "PING", "PUB foo 0\r\n", "UNSUB 1", "PONG"] {
            play(&server, &format!("a> {}\na< -ERR 'Authorization Violation'\na closed", first.replace("\r\n", "\\r\\n")));
        }
    }
}

both! {
    /// CORE-09: where a user is named for those who don't log in, anything may come first, and counts as if CONNECT
    /// without options had come.
    #[test]
    fn commands_before_connect_are_those_of_the_user_for_nobody(kind: Kind) {
        let server = Server::start(kind, "authorization { users: [{user: a, password: a}, {user: b, password: b}] }\nno_auth_user: a");
        play(&server, r#"
            b connect {"user":"b","pass":"b"}
            b> SUB foo 7
            b fence
            a> PUB foo 2
            a> hi
            a< +OK
            b< MSG foo 7 2
            b< hi
            # The first word decides, whatever it is.
            c> PING
            c< PONG
            c> SUB bar 1
            c< +OK
            d> BLA
            d< -ERR 'Unknown Protocol Operation'
            d closed
            e>> HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n
            e closed
            # Who sends CONNECT is answered, and may say who he is, then or later.
            f> CONNECT {}
            f< +OK
            g connect {}
            h connect {"user":"b","pass":"b"}
            i> PING
            i< PONG
            i connect {"user":"b","pass":"b"}
            # Half of the truth is none.
            j> CONNECT {"user":"a"}
            j< -ERR 'Authorization Violation'
            j closed
            k> CONNECT {"pass":"a"}
            k< -ERR 'Authorization Violation'
            k closed
            l> CONNECT {"auth_token":"a"}
            l< -ERR 'Authorization Violation'
            l closed
            # Who says nothing at all is not waited for.
            m open
            m< -ERR 'Authentication Timeout'
            m closed
        "#);
        let mut wire = Wire::open(&server.client_address());
        assert_eq!(wire.info()["auth_required"], Value::Null, "credentials are not asked for");
        wire.send("CONNECT {\"verbose\":false,\"protocol\":1,\"name\":\"nobody\"}\r\nPING\r\n");
        wire.expect("PONG");
        assert_eq!(wire.info()["auth_required"], true);
        let page = server.monitor("/connz?auth=1");
        let connections = page["connections"].as_array().expect("connections");
        let nobody = connections.iter().find(|connection| connection["name"] == "nobody");
        assert_eq!(nobody.expect("it is connected")["authorized_user"], "a");
    }

    /// CORE-09: a user whose password is hashed can be nobody's.
    #[test]
    fn nobody_is_no_user_with_a_hashed_password(kind: Kind) {
        let server = Server::start(kind, "authorization { users: [{user: a, password: \"$2a$04$P/.bd.7unw9Ew7yWJqXsl.f4oNRLQGvadEL2YnqQXbbb.IVQajRdK\"}] }\nno_auth_user: a");
        play(&server, r#"
            a> PING
            a< -ERR 'Authorization Violation'
            a closed
            b> CONNECT {}
            b< -ERR 'Authorization Violation'
            b closed
        "#);
    }
}

both! {
    /// CORE-03: a client of the system account is told so.
    #[test]
    fn second_info_tells_the_system_account(kind: Kind) {
        let server = Server::start(kind, "accounts { $SYS { users: [{user: s, password: s}] } }");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.send("CONNECT {\"verbose\":false,\"protocol\":1,\"user\":\"s\",\"pass\":\"s\"}\r\nPING\r\n");
        wire.expect("PONG");
        let second = wire.info();
        assert_eq!((&second["remote_account"], &second["acc_is_sys"]), (&json!("$SYS"), &json!(true)));
    }

    /// CORE-09: with a user for those who don't log in, anything may come first.
    #[test]
    fn commands_before_connect_are_allowed_with_no_auth_user(kind: Kind) {
        let server = Server::start(kind, "accounts { A { users: [{user: a, password: a}] } }\nno_auth_user: a");
        play(&server, r#"
            b connect {"user":"a","pass":"a"}
            b> SUB foo 7
            b fence
            a> PUB foo 2
            a> hi
            a< +OK
            b< MSG foo 7 2
            b< hi
        "#);
    }
}
