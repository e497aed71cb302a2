//! The client protocol, verb by verb (rows CORE-11 to CORE-23).

use std::sync::atomic::{AtomicBool, Ordering};

use gannet_acceptance::{Kind, Server, Wire, both, play};
use serde_json::json;

const UNKNOWN: &str = "-ERR 'Unknown Protocol Operation'";

fn plain(kind: Kind) -> Server {
    Server::start(kind, "server_name: S1")
}

both! {
    /// CORE-11: verbs in any case, spaces and tabs, arguments trimmed, bare LF on control lines.
    #[test]
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
    #[test]
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
    #[test]
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
    #[test]
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
    #[test]
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
    #[test]
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
    #[test]
    fn hpub_from_a_client_without_headers_closes(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::client_with(&server, &json!({"name": "headless"}));
        wire.send("HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n");
        wire.expect_closed();
        assert_eq!(server.closed_connection("headless")["reason"], "Protocol Violation");
    }

    /// CORE-15: a server without headers closes on HPUB.
    #[test]
    fn server_without_headers_closes_on_hpub(kind: Kind) {
        let server = Server::start(kind, "no_header_support: true");
        let mut wire = Wire::client_with(&server, &json!({"headers": true, "name": "with headers"}));
        wire.send("HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n");
        wire.expect_closed();
        assert_eq!(server.closed_connection("with headers")["reason"], "Protocol Violation");
    }

    /// CORE-16: the sid comes back as the client wrote it.
    #[test]
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
    #[test]
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
    #[test]
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
    #[test]
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

    /// CORE-19: after a PONG that follows an UNSUB nothing comes for it any more, however busy publishers are.
    #[test]
    fn nothing_comes_for_what_has_ended(kind: Kind) {
        let server = Server::start(kind, "");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut publisher = Wire::client(&server);
                    while !is_over.load(Ordering::Relaxed) {
                        publisher.send(&"PUB foo 1\r\nx\r\n".repeat(20));
                        publisher.fence();
                    }
                });
            }
            let mut wire = Wire::client(&server);
            let mut late = 0;
            for sid in 0..1000 {
                wire.send(&format!("SUB foo {sid}\r\n"));
                let own = format!("MSG foo {sid} 1");
                while wire.line() != own {
                    late += 1;
                    wire.line();
                }
                wire.line();
                wire.send(&format!("UNSUB {sid}\r\nPING\r\n"));
                while wire.line() != "PONG" {}
            }
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(late, 0);
        });
    }

    /// CORE-19: numbers of UNSUB that make no sense count as none.
    #[test]
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
    #[test]
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
    #[test]
    fn unknown_verbs_close(kind: Kind) {
        let server = plain(kind);
        for line in ["FOO", "PUBX foo 1", "SUBSCRIBE foo 1", "GET / HTTP/1.1", "", "\\x16\\x03\\x01"] {
            play(&server, &format!("a connect {{\"name\":\"unknown\"}}\na> {line}\na< -ERR 'Unknown Protocol Operation'\na closed"));
        }
        assert_eq!(server.closed_connection("unknown")["reason"], "Protocol Violation");
    }

    /// CORE-23: what servers say to each other is no client's business; the payload ends with CRLF.
    #[test]
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
    #[test]
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
        let head = ["MSG ", "HMSG ", "PONG"]
            .iter()
            .any(|verb| line.starts_with(verb));
        match frames.last_mut() {
            Some(frame) if !head => *frame = format!("{frame} {line}"),
            _ => frames.push(line.clone()),
        }
    }
    frames.sort();
    frames
}
