//! The client protocol, verb by verb (rows CORE-01 to CORE-23).

use gannet_acceptance::{Kind, Server, Wire, both, play};
use serde_json::{Value, json};

const UNKNOWN: &str = "-ERR 'Unknown Protocol Operation'";

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
    object.as_object().expect("an object").iter().map(|(key, value)| (key.clone(), name(value))).collect()
}

both! {
    /// CORE-01: the server speaks first, with every base field in its type.
    fn info_comes_first_with_all_base_fields(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::open(&server.client_address());
        let mut info = wire.info();
        let mut fields = shape(&info);
        // Gannet names itself in a field of its own beside the compatibility version; Go servers have none.
        fields.retain(|(key, _)| key != "gannet");
        assert_eq!(
            fields,
            [
                ("api_lvl", "number"), ("client_id", "number"), ("client_ip", "string"), ("git_commit", "string"), ("go", "string"),
                ("headers", "bool"), ("host", "string"), ("max_payload", "number"), ("port", "number"),
                ("proto", "number"), ("server_id", "string"), ("server_name", "string"), ("version", "string"),
                ("xkey", "string"),
            ]
            .map(|(key, kind)| (key.to_owned(), kind))
        );
        let id = info["server_id"].as_str().expect("checked above").to_owned();
        assert!(id.len() == 56 && id.starts_with('N') && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
        let xkey = info["xkey"].as_str().expect("checked above");
        assert!(xkey.len() == 56 && xkey.starts_with('X'), "{xkey}");
        for volatile in ["server_id", "client_id", "xkey", "git_commit", "go", "api_lvl", "gannet"] {
            info.as_object_mut().expect("an object").remove(volatile);
        }
        assert_eq!(info, json!({
            "server_name": "S1", "version": "2.15.1", "proto": 1, "host": "127.0.0.1", "port": server.client_port(),
            "headers": true, "max_payload": 1_048_576, "client_ip": "127.0.0.1",
        }));
    }

    /// CORE-01: client ids count up, one per connection.
    fn client_ids_count_up(kind: Kind) {
        let server = plain(kind);
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(Wire::open(&server.client_address()).info()["client_id"].as_u64().expect("a number"));
        }
        assert!(ids[0] < ids[1] && ids[1] < ids[2], "{ids:?}");
    }

    /// CORE-02: fields that appear only with the feature that needs them.
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

    /// CORE-03: a client of the system account is told so.
    fn second_info_tells_the_system_account(kind: Kind) {
        let server = Server::start(kind, "accounts { $SYS { users: [{user: s, password: s}] } }");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.send("CONNECT {\"verbose\":false,\"protocol\":1,\"user\":\"s\",\"pass\":\"s\"}\r\nPING\r\n");
        wire.expect("PONG");
        let second = wire.info();
        assert_eq!((&second["remote_account"], &second["acc_is_sys"]), (&json!("$SYS"), &json!(true)));
    }

    /// CORE-03: without protocol 1 there is no second INFO.
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
    fn no_responders_without_headers_is_refused(kind: Kind) {
        play(&plain(kind), r#"
            a> CONNECT {"verbose":false,"no_responders":true}
            a< -ERR 'no responders requires headers support'
            a closed
        "#);
    }

    /// CORE-08: a second CONNECT logs in anew; subscriptions of the first are gone.
    fn repeated_connect_drops_subscriptions(kind: Kind) {
        let server = Server::start(kind, "accounts { A { users: [{user: a, password: a}] }, B { users: [{user: b, password: b}] } }");
        play(&server, r#"
            a connect {"user":"a","pass":"a"}
            a> SUB foo 1
            a fence
            a> CONNECT {"verbose":false,"user":"b","pass":"b"}
            a fence
            p connect {"user":"a","pass":"a"}
            p> PUB foo 2
            p> hi
            p fence
            q connect {"user":"b","pass":"b"}
            q> PUB foo 2
            q> hi
            q fence
            a fence
        "#);
    }

    /// CORE-09: with authorization nothing but CONNECT may come first.
    fn commands_before_connect_are_refused_with_authorization(kind: Kind) {
        let server = Server::start(kind, "authorization { user: u, password: p }");
        for first in ["SUB foo 1", "PING", "PUB foo 0\r\n", "UNSUB 1", "PONG"] {
            play(&server, &format!("a> {}\na< -ERR 'Authorization Violation'\na closed", first.replace("\r\n", "\\r\\n")));
        }
    }

    /// CORE-09: with a user for those who don't log in, anything may come first.
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

    /// CORE-11: verbs in any case, spaces and tabs, arguments trimmed, bare LF on control lines.
    fn verbs_and_white_space_are_read_tolerantly(kind: Kind) {
        play(&plain(kind), r#"
            a>> connect {"verbose":false}\r\n
            a>> ping\r\n
            a< PONG
            a>> sUb\tfoo\t\t 1 \r\n
            a>> pub   foo\t 2  \r\nhi\r\n
            a< MSG foo 1 2
            a< hi
            a>> PuB\tfoo\treply\t2\r\nhi\r\n
            a< MSG foo 1 reply 2
            a< hi
            a>> unsub 1 \r\n
            a>> pub foo 0\r\n\r\n
            a fence
            a>> sub bar 2\nPING\n
            a< PONG
            a>> PUB bar 2\nhi\r\n
            a< MSG bar 2 2
            a< hi
            a>> ping \t \r\n
            a< PONG
            a>> UnSub 2\n
            a>> CoNNecT {"verbose":false,"headers":true}\r\n
            a>> sub\tbar\tq\t3\r\n
            a>> hpub\tbar  12\t14\r\nNATS/1.0\r\n\r\nhi\r\n
            a< HMSG bar 3 12 14
            a< NATS/1.0
            a< 
            a< hi
            a> PONG
            a> +OK
            a fence
        "#);
    }

    /// CORE-12: the bytes may come in any pieces.
    fn any_split_of_the_bytes_is_read_alike(kind: Kind) {
        let server = plain(kind);
        let talk = "CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB foo.* q 1\r\nSUB foo.> 22\r\nPUB foo.a reply.to 11\r\nhello\r\nmore\r\n\
            HPUB foo.b 22 26\r\nNATS/1.0\r\nKey: val\r\n\r\nbody\r\nUNSUB 1\r\nPUB foo.c 0\r\n\r\nPING\r\n";
        let mut heard = Vec::new();
        for piece in [talk.len(), 1, 2, 3, 7, 19] {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            for part in talk.as_bytes().chunks(piece) {
                wire.send_bytes(part);
            }
            let mut lines = Vec::new();
            while lines.last().is_none_or(|line| line != "PONG") {
                lines.push(wire.line());
            }
            // A message goes to the plain subscription and the queue in any order: compare as sets of frames.
            heard.push(frames(&lines));
        }
        assert_eq!(heard[0], [
            "HMSG foo.b 1 22 26 NATS/1.0 Key: val  body", "HMSG foo.b 22 22 26 NATS/1.0 Key: val  body",
            "MSG foo.a 1 reply.to 11 hello more", "MSG foo.a 22 reply.to 11 hello more", "MSG foo.c 22 0 ", "PONG",
        ]);
        assert!(heard.iter().all(|other| *other == heard[0]), "{heard:?}");
    }

    /// CORE-13: PUB with and without reply, empty payload, payload with line ends.
    fn pub_in_all_its_forms(kind: Kind) {
        play(&plain(kind), r"
            a connect
            a> SUB > 1
            a> PUB foo 5
            a> hello
            a< MSG foo 1 5
            a< hello
            a> PUB foo reply 5
            a> hello
            a< MSG foo 1 reply 5
            a< hello
            a> PUB foo 0
            a> 
            a< MSG foo 1 0
            a< 
            a> PUB foo r 0
            a> 
            a< MSG foo 1 r 0
            a< 
            a>> PUB foo 6\r\na\r\nb\r\n\r\n
            a< MSG foo 1 6
            a< a
            a< b
            a< 
            a>> PUB foo 3\r\n\0\xff\x0d\r\n
            a< MSG foo 1 3
            a< \0<*>
            # the size is handed on as it was written
            a> PUB foo 0005
            a> hello
            a< MSG foo 1 0005
            a< hello
            a fence
        ");
    }

    /// CORE-13, CORE-18, CORE-22: arguments that cannot be read close the connection without a word; a verb
    /// without the space that must follow it is an unknown verb.
    fn unreadable_arguments_close(kind: Kind) {
        let server = plain(kind);
        for (line, answer) in [
            ("PUB foo", ""), ("PUB foo bar baz 1", ""), ("PUB foo x", ""), ("PUB foo -1", ""), ("PUB foo 1x", ""), ("PUB foo 1.5", ""),
            ("PUB foo +1", ""), ("PUB ", ""), ("SUB ", ""), ("SUB foo", ""), ("SUB foo q 1 2", ""), ("UNSUB ", ""), ("UNSUB 1 2 3", ""),
            ("HPUB foo 5", ""), ("HPUB foo a b 1 1", ""), ("INFO x", ""), ("INFO", ""),
            ("PUB", UNKNOWN), ("SUB", UNKNOWN), ("UNSUB", UNKNOWN), ("HPUB", UNKNOWN),
        ] {
            let mut wire = Wire::client_with(&server, &json!({"name": line}));
            wire.send(&format!("{line}\r\n"));
            if !answer.is_empty() {
                wire.expect(answer);
            }
            wire.expect_closed();
            assert_eq!(server.closed_connection(line)["reason"], "Protocol Violation", "{line}");
        }
    }

    /// CORE-14: HPUB with header only, with a body, with a reply.
    fn hpub_in_all_its_forms(kind: Kind) {
        play(&plain(kind), r#"
            a connect {"headers":true}
            a> SUB foo 1
            a>> HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n
            a< HMSG foo 1 12 12
            a< NATS/1.0
            a< 
            a< 
            a>> HPUB foo 22 24\r\nNATS/1.0\r\nKey: val\r\n\r\nhi\r\n
            a< HMSG foo 1 22 24
            a< NATS/1.0
            a< Key: val
            a< 
            a< hi
            a>> HPUB foo reply 22 24\r\nNATS/1.0\r\nKey: val\r\n\r\nhi\r\n
            a< HMSG foo 1 reply 22 24
            a< NATS/1.0
            a< Key: val
            a< 
            a< hi
            a>> HPUB foo 12 14\r\nnot checked!hi\r\n
            a< HMSG foo 1 12 14
            a< not checked!hi
            a fence
        "#);
    }

    /// CORE-14: sizes of HPUB that make no sense.
    fn hpub_with_bad_sizes_closes(kind: Kind) {
        let server = plain(kind);
        for sizes in ["10 5", "-1 5", "x 5", "5 x", "5 -5", "5", "99999999999999999999 5"] {
            let mut wire = Wire::client_with(&server, &json!({"headers": true, "name": sizes}));
            wire.send(&format!("HPUB foo {sizes}\r\nNATS/1.0\r\n\r\n"));
            wire.expect_closed();
        }
        assert_eq!(server.closed_connection("10 5")["reason"], "Protocol Violation");
    }

    /// CORE-14: a client that did not ask for headers may not publish them.
    fn hpub_from_a_client_without_headers_closes(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::client_with(&server, &json!({"name": "headless"}));
        wire.send("HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n");
        wire.expect_closed();
        assert_eq!(server.closed_connection("headless")["reason"], "Protocol Violation");
    }

    /// CORE-15: a server without headers closes on HPUB.
    fn server_without_headers_closes_on_hpub(kind: Kind) {
        let server = Server::start(kind, "no_header_support: true");
        let mut wire = Wire::client_with(&server, &json!({"headers": true, "name": "with headers"}));
        wire.send("HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n");
        wire.expect_closed();
        assert_eq!(server.closed_connection("with headers")["reason"], "Protocol Violation");
    }

    /// CORE-16: the sid comes back as the client wrote it.
    fn sids_are_text(kind: Kind) {
        play(&plain(kind), r"
            a connect
            a> SUB foo abc-DEF_1
            a> SUB bar 007
            a> PUB foo 1
            a> x
            a< MSG foo abc-DEF_1 1
            a< x
            a> PUB bar r 1
            a> x
            a< MSG bar 007 r 1
            a< x
        ");
    }

    /// CORE-17: headers reach only those who asked for them, byte by byte as published.
    fn headers_are_stripped_or_kept_verbatim(kind: Kind) {
        play(&plain(kind), r#"
            h connect {"headers":true}
            h> SUB foo 1
            h fence
            n connect {"headers":false}
            n> SUB foo 1
            n fence
            p connect {"headers":true}
            p>> HPUB foo r 51 53\r\nNATS/1.0 123 Odd\r\nb: 1\r\nA:2\r\nb:  1 \r\nB: \xc3\xa4\r\n: x\r\n\r\nhi\r\n
            p fence
            h< HMSG foo 1 r 51 53
            h< NATS/1.0 123 Odd
            h< b: 1
            h< A:2
            h< b:  1\x20
            h< B: \xc3\xa4
            h< : x
            h< 
            h< hi
            n< MSG foo 1 r 2
            n< hi
        "#);
    }

    /// CORE-18: the second subscription of a sid is ignored, and said to be fine.
    fn repeated_sid_is_ignored(kind: Kind) {
        play(&plain(kind), r#"
            a> CONNECT {"verbose":true,"pedantic":false}
            a< +OK
            a> SUB foo 1
            a< +OK
            a> SUB bar 1
            a< +OK
            a> SUB foo q 1
            a< +OK
            a> PUB bar 1
            a> x
            a< +OK
            a> PUB foo 1
            a> x
            a< +OK
            a< MSG foo 1 1
            a< x
            a fence
        "#);
    }

    /// CORE-19: UNSUB at once, after a number of messages, and after the fact.
    fn unsub_with_and_without_max(kind: Kind) {
        play(&plain(kind), r"
            a connect
            # at once
            a> SUB foo 1
            a> UNSUB 1
            a> PUB foo 1
            a> x
            a fence
            # two more
            a> SUB foo 2
            a> UNSUB 2 2
            a>> PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\n
            a< MSG foo 2 1
            a< 1
            a< MSG foo 2 1
            a< 2
            a fence
            # the maximum counts from the start of the subscription
            a> SUB foo 3
            a>> PUB foo 1\r\n1\r\n
            a< MSG foo 3 1
            a< 1
            a> UNSUB 3 2
            a>> PUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\n
            a< MSG foo 3 1
            a< 2
            a fence
            # already reached: gone at once
            a> SUB foo 4
            a>> PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\n
            a< MSG foo 4 1
            a< 1
            a< MSG foo 4 1
            a< 2
            a> UNSUB 4 1
            a>> PUB foo 1\r\n3\r\n
            a fence
            # a later plain UNSUB ends it early
            a> SUB foo 5
            a> UNSUB 5 10
            a> UNSUB 5
            a>> PUB foo 1\r\n1\r\n
            a fence
            # unknown sid
            a> UNSUB nobody
            a> UNSUB nobody 5
            a fence
            # after the end the sid is free again
            a> SUB foo 2
            a>> PUB foo 1\r\n1\r\n
            a< MSG foo 2 1
            a< 1
            a fence
        ");
    }

    /// CORE-19: numbers of UNSUB that make no sense count as none.
    fn unsub_with_odd_max(kind: Kind) {
        play(&plain(kind), r"
            a connect
            a> SUB foo 1
            a> UNSUB 1 0
            a>> PUB foo 1\r\n1\r\n
            a fence
            a> SUB foo 2
            a> UNSUB 2 x
            a>> PUB foo 1\r\n1\r\n
            a fence
            a> SUB foo 3
            a> UNSUB 3 -4
            a>> PUB foo 1\r\n1\r\n
            a fence
        ");
    }

    /// CORE-21: PONG keeps its place among what was sent before.
    fn pong_keeps_its_place(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::client(&server);
        wire.send("SUB foo 1\r\n");
        let mut talk = String::new();
        let mut expected = String::new();
        for number in 0..200 {
            talk.push_str(&format!("PUB foo 3\r\n{number:03}\r\nPING\r\n"));
            expected.push_str(&format!("MSG foo 1 3\r\n{number:03}\r\nPONG\r\n"));
        }
        wire.send(&talk);
        let heard = wire.bytes(expected.len());
        // A message may come after the PONG of its own publish but the order within each kind is kept.
        let (mut messages, mut pongs) = (Vec::new(), 0);
        for line in String::from_utf8(heard).expect("ASCII").lines() {
            match line {
                "PONG" => pongs += 1,
                _ if line.len() == 3 => messages.push(line.parse::<u32>().expect("a number")),
                _ => assert_eq!(line, "MSG foo 1 3"),
            }
        }
        assert_eq!((messages, pongs), ((0..200).collect(), 200));
    }

    /// CORE-22: unknown verbs close.
    fn unknown_verbs_close(kind: Kind) {
        let server = plain(kind);
        for line in ["FOO", "PUBX foo 1", "SUBSCRIBE foo 1", "GET / HTTP/1.1", "", "\\x16\\x03\\x01"] {
            play(&server, &format!("a connect {{\"name\":\"unknown\"}}\na> {line}\na< -ERR 'Unknown Protocol Operation'\na closed"));
        }
        assert_eq!(server.closed_connection("unknown")["reason"], "Protocol Violation");
    }

    /// CORE-23: what servers say to each other is no client's business; the payload ends with CRLF.
    fn server_verbs_and_bad_payload_ends_close(kind: Kind) {
        let server = plain(kind);
        for line in [
            "RS+ $G foo", "RS- $G foo", "LS+ foo", "LS- foo", "A+ $G", "A- $G", "RMSG $G foo 0", "LMSG foo 0", "MSG foo 1 0", "HMSG foo 1 0 0",
            "PUB foo 2\\r\\nhello", "PUB foo 5\\r\\nhi\\r\\nPI", "PUB foo 2\\r\\nhi\\n", "PUB foo 2\\r\\nhi\\r\\r",
        ] {
            play(&server, &format!("a connect\na> {line}\na< -ERR 'Unknown Protocol Operation'\na closed"));
        }
    }

    /// CORE-23: INFO from a client is read and ignored.
    fn info_from_a_client(kind: Kind) {
        play(&plain(kind), r"
            a connect
            a> INFO {}
            a fence
        ");
    }
}

/// Joins the lines that belong to one frame and sorts the frames.
fn frames(lines: &[String]) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    for line in lines {
        let head = ["MSG ", "HMSG ", "PONG"].iter().any(|verb| line.starts_with(verb));
        match frames.last_mut() {
            Some(frame) if !head => *frame = format!("{frame} {line}"),
            _ => frames.push(line.clone()),
        }
    }
    frames.sort();
    frames
}
