//! The decoder of the client protocol, row by row (CORE-11 to CORE-26 of the feature list), and what must
//! hold for any bytes. Expectations were checked against the reference server 2.15.1.

use gannet_wire::client::{
    ClientConnect, ClientOp, Decoded, Limits, Publish, decode, decode_plain_publish,
    decode_publish_again, encode,
};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    control_line: 64,
    payload: 32,
};

/// An operation as a short text: the verb, its words, and for messages what is delivered.
fn shown(op: &ClientOp<'_>) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match op {
        ClientOp::Publish(p) => {
            let reply = if p.reply.is_empty() {
                String::new()
            } else {
                format!(" reply {}", text(p.reply))
            };
            let headers = p
                .header_len
                .map_or(String::new(), |len| format!(" headers {len}"));
            let spaced = if p.tail.is_empty() { " untidy" } else { "" };
            format!(
                "publish {}{reply}{headers} \"{}\"{spaced}",
                text(p.subject),
                text(p.payload)
            )
        }
        ClientOp::Subscribe {
            subject,
            queue: None,
            sid,
        } => format!("subscribe {} as {}", text(subject), text(sid)),
        ClientOp::Subscribe {
            subject,
            queue: Some(queue),
            sid,
        } => {
            format!(
                "subscribe {} in {} as {}",
                text(subject),
                text(queue),
                text(sid)
            )
        }
        ClientOp::Unsubscribe { sid, max: None } => format!("unsubscribe {}", text(sid)),
        ClientOp::Unsubscribe {
            sid,
            max: Some(max),
        } => format!("unsubscribe {} after {max}", text(sid)),
        ClientOp::Ping => "ping".into(),
        ClientOp::Pong => "pong".into(),
        ClientOp::Connect(json) => format!("connect {}", text(json)),
        ClientOp::Info(json) => format!("info {}", text(json)),
        ClientOp::Ok => "ok".into(),
        ClientOp::Err(what) => format!("err {}", text(what)),
    }
}

/// Everything in `bytes`, given in pieces that end at `cuts` and at the end: operations, then `…n` if
/// `n` more bytes at least are needed, or `!` and the error.
fn read(bytes: &[u8], cuts: &[usize], limits: &Limits) -> Vec<String> {
    let (mut seen, mut at, mut open) = (Vec::new(), 0, None);
    for &cut in cuts.iter().chain([&bytes.len()]) {
        while at < cut {
            let there = &bytes[at..cut];
            match decode(there, limits) {
                Ok(Decoded::Op { op, used }) => {
                    assert!(
                        (1..=there.len()).contains(&used),
                        "{used} of {} bytes used",
                        there.len()
                    );
                    seen.push(shown(&op));
                    (at, open) = (at + used, None);
                }
                Ok(Decoded::Incomplete { need }) => {
                    assert!(
                        need > there.len(),
                        "{need} bytes needed, {} there",
                        there.len()
                    );
                    open = Some(need - there.len());
                    break;
                }
                Err(error) => {
                    seen.push(format!("! {error}"));
                    return seen;
                }
            }
        }
    }
    seen.extend(open.map(|missing| format!("…{missing}")));
    seen
}

/// Each input with all it must be read as, whole and cut at every place.
fn check(rows: &[(&[u8], &[&str])]) {
    for (bytes, wanted) in rows {
        assert_eq!(
            read(bytes, &[], &LIMITS),
            *wanted,
            "{}",
            bytes.escape_ascii()
        );
        for cut in 0..=bytes.len() {
            assert_eq!(
                read(bytes, &[cut], &LIMITS),
                *wanted,
                "{} cut at {cut}",
                bytes.escape_ascii()
            );
        }
        let every: Vec<usize> = (1..=bytes.len()).collect();
        assert_eq!(
            read(bytes, &every, &LIMITS),
            *wanted,
            "{} byte by byte",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn core_11_verbs_have_any_case_and_words_any_white_space() {
    check(&[
        (b"ping\r\nPiNg\r\npong\r\n", &["ping", "ping", "pong"]),
        (
            b"connect {}\r\nsub a 1\r\nunsub 1\r\n",
            &["connect {}", "subscribe a as 1", "unsubscribe 1"],
        ),
        (
            b"pub a 1\r\nx\r\nhPUB a 0 1\r\nx\r\n",
            &["publish a \"x\"", "publish a headers 0 \"x\""],
        ),
        (
            b"info {}\r\n+ok\r\n-err 'x'\r\n",
            &["info {}", "ok", "err \\'x\\'"],
        ),
        (b"SUB\ta\tq\t1\r\n", &["subscribe a in q as 1"]),
        (b"SUB   a   q \t 1 \t \r\n", &["subscribe a in q as 1"]),
        (
            b"PUB\ta\t1\r\nx\r\nPUB  a   1  \r\nx\r\n",
            &["publish a \"x\" untidy", "publish a \"x\" untidy"],
        ),
        (
            b"PING\nSUB a 1\nPUB a 1\nx\r\n",
            &["ping", "subscribe a as 1", "publish a \"x\" untidy"],
        ),
        (
            b"PING some more\r\nPONGfoo\r\n+OKbar\r\n",
            &["ping", "pong", "ok"],
        ),
        (b"SUB a 1\r\r\n", &["subscribe a as 1"]),
        (
            b"CONNECT{}\r\nINFO{}\r\nCONNECTED\r\n",
            &["connect {}", "info {}", "connect ED"],
        ),
        (b"CONNECT\r\nINFO \t \r\n", &["connect ", "info "]),
    ]);
}

#[test]
fn core_12_an_operation_waits_for_all_of_its_bytes() {
    check(&[
        (b"PING\r\nPI", &["ping", "…1"]),
        (b"PUB a 5\r\nhe", &["…5"]),
        (b"PUB a 5\r\nhello", &["…2"]),
        (b"PUB a 5\r\nhello\r", &["…1"]),
        (b"HPUB a 12 15\r\nNATS/1.0\r\n\r\n", &["…5"]),
        (b"UNSU", &["…1"]),
        (b"SUB a 1\r", &["…1"]),
    ]);
}

#[test]
fn core_13_pub_with_and_without_reply_and_payload() {
    check(&[
        (b"PUB foo 5\r\nhello\r\n", &["publish foo \"hello\""]),
        (
            b"PUB foo bar 5\r\nhello\r\n",
            &["publish foo reply bar \"hello\""],
        ),
        (b"PUB foo 0\r\n\r\n", &["publish foo \"\""]),
        (
            b"PUB foo bar 00\r\n\r\nPING\r\n",
            &["publish foo reply bar \"\"", "ping"],
        ),
        (
            b"PUB foo 7 2\r\n\r\n\r\n",
            &["publish foo reply 7 \"\\r\\n\""],
        ),
        (b"PUB foo\r\n", &["! processPub Parse Error"]),
        (b"PUB \r\n", &["! processPub Parse Error"]),
        (b"PUB a b c 2\r\nhi\r\n", &["! processPub Parse Error"]),
        (b"PUB a -1\r\n", &["! processPub Bad or Missing Size"]),
        (b"PUB a x\r\n", &["! processPub Bad or Missing Size"]),
        (b"PUB a 1x\r\n", &["! processPub Bad or Missing Size"]),
    ]);
}

#[test]
fn core_13_a_cr_within_a_line_is_part_of_a_published_subject_and_parts_the_words_of_others() {
    check(&[
        (b"PUB a\rb 1\r\nx\r\n", &["publish a\\rb \"x\""]),
        (b"PUB a\rb\t1\r\nx\r\n", &["publish a\\rb \"x\" untidy"]),
        (b"PUB a 1\r\r\nx\r\n", &["! processPub Bad or Missing Size"]),
        (b"SUB a\rq 1\r\n", &["subscribe a in q as 1"]),
    ]);
}

#[test]
fn core_14_hpub_and_its_sizes() {
    check(&[
        (
            b"HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
            &["publish a headers 12 \"NATS/1.0\\r\\n\\r\\nhi\""],
        ),
        (
            b"HPUB a r 12 12\r\nNATS/1.0\r\n\r\n\r\n",
            &["publish a reply r headers 12 \"NATS/1.0\\r\\n\\r\\n\""],
        ),
        (
            b"HPUB a 1\t1\r\nx\r\n",
            &["publish a headers 1 \"x\" untidy"],
        ),
        (
            b"HPUB a 15 14\r\n",
            &["! processHeaderPub Header Size larger then TotalSize"],
        ),
        (
            b"HPUB a -1 14\r\n",
            &["! processHeaderPub Bad or Missing Header Size"],
        ),
        (
            b"HPUB a x 14\r\n",
            &["! processHeaderPub Bad or Missing Header Size"],
        ),
        (b"HPUB a 12 x\r\n", &["! processPub Bad or Missing Size"]),
        (b"HPUB a 14\r\n", &["! processHeaderPub Parse Error"]),
        (b"HPUB a b c 1 2\r\n", &["! processHeaderPub Parse Error"]),
    ]);
}

#[test]
fn core_16_a_delivery_repeats_the_sizes_and_the_payload_as_they_came() {
    let cases: [(&[u8], &[u8]); 4] = [
        (b"PUB a 5\r\nhello\r\n", b"5\r\nhello\r\n"),
        (b"PUB a r 007\r\n1234567\r\n", b"007\r\n1234567\r\n"),
        (b"HPUB a 2 4\r\nhead\r\n", b"2 4\r\nhead\r\n"),
        (b"PUB a\t1\r\nx\r\n", b""),
    ];
    for (bytes, tail) in cases {
        let Ok(Decoded::Op {
            op: ClientOp::Publish(publish),
            ..
        }) = decode(bytes, &LIMITS)
        else {
            panic!("{} is a message", bytes.escape_ascii())
        };
        assert_eq!(publish.tail, tail, "{}", bytes.escape_ascii());
    }
    let mut out = Vec::new();
    encode::delivery_prefix(&mut out, false, b"a.b", b"17");
    encode::tail(&mut out, None, b"hello");
    encode::delivery_prefix(&mut out, true, b"a.b", b"17");
    encode::tail(&mut out, Some(12), b"NATS/1.0\r\n\r\nhi");
    encode::no_responders(&mut out, b"_INBOX.1", b"9", b"who");
    let wanted = "MSG a.b 17 5\r\nhello\r\nHMSG a.b 17 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
                  HMSG _INBOX.1 9 35 35\r\nNATS/1.0 503\r\nNats-Subject: who\r\n\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&out), wanted);
}

#[test]
fn core_18_sub_with_and_without_queue() {
    check(&[
        (b"SUB foo 1\r\n", &["subscribe foo as 1"]),
        (
            b"SUB foo.* workers 1a\r\n",
            &["subscribe foo.* in workers as 1a"],
        ),
        (b"SUB foo\r\n", &["! processSub Parse Error"]),
        (b"SUB \r\n", &["! processSub Parse Error"]),
        (b"SUB a b c d\r\n", &["! processSub Parse Error"]),
        (b"SUB a b c d e\r\n", &["! processSub Parse Error"]),
        (b"SUB\r\n", &["! Unknown Protocol Operation"]),
    ]);
}

#[test]
fn core_19_unsub_with_and_without_max() {
    check(&[
        (b"UNSUB 1\r\n", &["unsubscribe 1"]),
        (b"UNSUB 1 5\r\n", &["unsubscribe 1 after 5"]),
        (b"UNSUB 1 999999999\r\n", &["unsubscribe 1 after 999999999"]),
        (
            b"UNSUB 1 0\r\nUNSUB 1 x\r\nUNSUB 1 -3\r\n",
            &["unsubscribe 1", "unsubscribe 1", "unsubscribe 1"],
        ),
        (b"UNSUB 1 9999999999\r\n", &["unsubscribe 1"]),
        (b"UNSUB \r\n", &["! processUnsub Parse Error"]),
        (b"UNSUB 1 2 3\r\n", &["! processUnsub Parse Error"]),
    ]);
}

#[test]
fn core_21_a_ping_stays_where_it_was_sent() {
    check(&[(
        b"PUB a 1\r\nx\r\nPING\r\nPUB a 1\r\ny\r\n",
        &["publish a \"x\"", "ping", "publish a \"y\""],
    )]);
}

#[test]
fn core_22_an_unknown_verb_is_no_operation() {
    let unknown: &[&str] = &["! Unknown Protocol Operation"];
    for bytes in [
        &b"FOO\r\n"[..],
        b"\r\n",
        b" PING\r\n",
        b"PUBLISH a 1\r\n",
        b"PUB\r\n",
        b"PINX",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"\x00",
        b"-ERR\r\n",
        b"+NO\r\n",
        b"UNSUBSCRIBE 1\r\n",
    ] {
        check(&[(bytes, unknown)]);
    }
}

#[test]
fn core_23_verbs_of_links_and_badly_ended_payloads_are_no_operations() {
    let unknown: &[&str] = &["! Unknown Protocol Operation"];
    for bytes in [
        &b"RS+ $G a\r\n"[..],
        b"RS- $G a\r\n",
        b"LS+ a\r\n",
        b"A+ $G\r\n",
        b"RMSG $G a 1\r\nx\r\n",
        b"LMSG a 1\r\nx\r\n",
        b"MSG a 1 1\r\nx\r\n",
        b"HMSG a 1 0 1\r\nx\r\n",
        b"PUB a 2\r\nhixx\r\n",
        b"PUB a 2\r\nhi\n",
        b"PUB a 2\r\nhi\r\r",
        b"PUB a 1\r\nhi\r\n",
        b"HPUB a 0 2\r\nhi?\r\n",
    ] {
        check(&[(bytes, unknown)]);
    }
}

#[test]
fn core_24_a_control_line_is_bounded_whole_and_in_pieces() {
    let line = |len: usize| [b"SUB ".as_slice(), &vec![b'a'; len - 2], b" 1\r\n"].concat();
    let ok = format!("subscribe {} as 1", "a".repeat(62));
    check(&[
        (&line(64), &[ok.as_str()]),
        (&line(65), &["! maximum control line exceeded"]),
        (&line(64)[..67], &["…1"]),
        (&[b'a'; 1000], &["! Unknown Protocol Operation"]),
        (
            &[b"SUB ".as_slice(), &[b'a'; 67]].concat(),
            &["! maximum control line exceeded"],
        ),
        (
            &[b"SUB ".as_slice(), &[b' '; 67]].concat(),
            &["! maximum control line exceeded"],
        ),
        (
            &[b"SUB ".as_slice(), &[b' '; 100], b"a 1\r\n"].concat(),
            &["! maximum control line exceeded"],
        ),
        (
            &[b"SUB a 1".as_slice(), &[b' '; 100], b"\r\n"].concat(),
            &["! maximum control line exceeded"],
        ),
        (
            &[b"PING ".as_slice(), &[b'x'; 100], b"\r\n"].concat(),
            &["! maximum control line exceeded"],
        ),
        (
            &[b"PUB ".as_slice(), &[b'a'; 100], b" 1\r\nx\r\n"].concat(),
            &["! maximum control line exceeded"],
        ),
        (
            &[b"CONNECT {".as_slice(), &[b' '; 100], b"}\r\n"].concat(),
            &["! maximum control line exceeded"],
        ),
    ]);
}

#[test]
fn core_25_a_payload_is_bounded_before_it_is_read() {
    let full = [b"PUB a 32\r\n".as_slice(), &[b'x'; 32], b"\r\n"].concat();
    let ok = format!("publish a \"{}\"", "x".repeat(32));
    check(&[
        (&full, &[ok.as_str()]),
        (b"PUB a 33\r\n", &["! Maximum Payload Violation"]),
        (b"HPUB a 1 33\r\n", &["! Maximum Payload Violation"]),
        (b"HPUB a 33 33\r\n", &["! Maximum Payload Violation"]),
        (b"PUB a 999999999\r\n", &["! Maximum Payload Violation"]),
    ]);
}

#[test]
fn core_26_a_size_that_no_number_holds_is_refused() {
    check(&[
        (
            b"PUB foo 1000000000\r\n",
            &["! processPub Bad or Missing Size"],
        ),
        (
            b"PUB foo 99999999999999999999\r\n",
            &["! processPub Bad or Missing Size"],
        ),
        (
            b"PUB foo 18446744073709551617\r\n",
            &["! processPub Bad or Missing Size"],
        ),
        (
            b"HPUB foo 99999999999999999999 1\r\n",
            &["! processHeaderPub Bad or Missing Header Size"],
        ),
        (
            b"HPUB foo 1 99999999999999999999\r\n",
            &["! processPub Bad or Missing Size"],
        ),
    ]);
}

#[test]
fn connect_is_read_as_forgivingly_as_the_reference_does() {
    let read = |json: &str| ClientConnect::parse(json.as_bytes()).map_err(|e| e.to_string());
    let flags =
        |json: &str| read(json).map(|c| (c.verbose, c.pedantic, c.echo, c.protocol, c.name));
    let plain = (true, true, true, 0, String::new());
    assert_eq!(flags("{}"), Ok(plain.clone()));
    assert_eq!(flags("null"), Ok(plain.clone()));
    assert_eq!(
        flags(r#"{"name":null,"verbose":null,"protocol":null}"#),
        Ok(plain.clone())
    );
    assert_eq!(flags(r#"{"from_the_future":{"a":[1]}}"#), Ok(plain));
    let all = (false, false, false, 1, "x".to_owned());
    assert_eq!(
        flags(
            r#"{"Verbose":false,"PEDANTIC":false,"echo":true,"echo":false,"protocol":1,"name":"x"}"#
        ),
        Ok(all)
    );
    let lossy = ClientConnect::parse(b"{\"name\":\"\xff\"}").map(|c| c.name);
    assert_eq!(lossy, Ok("\u{fffd}".to_owned()));
}

#[test]
fn what_another_connect_leaves_out_stays_as_it_was() {
    let mut connect = ClientConnect::default();
    let steps: [(&str, &str); 6] = [
        ("{}", "{}"),
        (
            r#"{"user":"u","pass":"p\"w","name":"n","echo":false,"verbose":true,"protocol":1}"#,
            r#"{"user":"u","pass":"p\"w","name":"n","echo":false,"protocol":1}"#,
        ),
        (
            "null",
            r#"{"user":"u","pass":"p\"w","name":"n","echo":false,"protocol":1}"#,
        ),
        (
            r#"{"name":null,"echo":null,"user":"v","headers":true}"#,
            r#"{"user":"v","pass":"p\"w","name":"n","echo":false,"headers":true,"protocol":1}"#,
        ),
        (
            r#"{"name":"","pass":"","echo":true,"protocol":0}"#,
            r#"{"user":"v","headers":true}"#,
        ),
        (
            r#"{"auth_token":"a","nkey":"b","jwt":"c","sig":"d","lang":"e","version":"f","account":"g",
               "pedantic":false,"tls_required":true,"new_account":true,"no_responders":true}"#,
            concat!(
                r#"{"auth_token":"a","user":"v","nkey":"b","jwt":"c","sig":"d","lang":"e","version":"f","#,
                r#""account":"g","pedantic":false,"tls_required":true,"new_account":true,"headers":true,"#,
                r#""no_responders":true}"#
            ),
        ),
    ];
    for (said, known) in steps {
        assert_eq!(connect.update(said.as_bytes()), Ok(()), "{said}");
        let json = connect.encode();
        assert_eq!(String::from_utf8_lossy(&json), known, "after {said}");
        let again = ClientConnect::parse(&json).map(|connect| connect.encode());
        assert_eq!(again, Ok(json), "{said}");
    }
}

#[test]
fn a_connect_that_cannot_be_read_is_refused_without_quoting_it() {
    let cases = [
        ("", "unexpected end of JSON input (column 0)"),
        ("{\"verbose\":", "unexpected end of JSON input (column 11)"),
        ("{} x", "invalid JSON input (column 4)"),
        ("[]", "JSON value of the wrong type (column 0)"),
        (
            r#"{"pass":12345}"#,
            "JSON value of the wrong type (column 13)",
        ),
        (
            r#"{"verbose":"s3cret"}"#,
            "JSON value of the wrong type (column 19)",
        ),
        (
            r#"{"protocol":1.0}"#,
            "JSON value of the wrong type (column 15)",
        ),
    ];
    for (json, wanted) in cases {
        let error = ClientConnect::parse(json.as_bytes())
            .map(|_| ())
            .map_err(|e| e.to_string());
        assert_eq!(
            error,
            Err(format!("CONNECT options are not valid JSON: {wanted}")),
            "{json}"
        );
    }
    let connect = ClientConnect::parse(
        br#"{"user":"u","pass":"s3cret","auth_token":"s3cret","jwt":"s3cret"}"#,
    );
    assert!(!format!("{connect:?}").contains("s3cret"));
}

// --- what holds for any bytes ---

/// An operation that owns its words.
#[derive(Clone, Debug)]
enum Sent {
    Publish {
        subject: String,
        reply: Option<String>,
        header: Option<usize>,
        payload: Vec<u8>,
    },
    Subscribe {
        subject: String,
        queue: Option<String>,
        sid: String,
    },
    Unsubscribe {
        sid: String,
        max: Option<u32>,
    },
    Ping,
    Pong,
    Connect(String),
}

impl Sent {
    fn write(&self, out: &mut Vec<u8>) {
        let line = match self {
            Sent::Publish {
                subject,
                reply,
                header,
                payload,
            } => {
                let verb = if header.is_some() { "HPUB" } else { "PUB" };
                let reply = reply
                    .as_ref()
                    .map_or(String::new(), |reply| format!("{reply} "));
                out.extend_from_slice(format!("{verb} {subject} {reply}").as_bytes());
                encode::tail(out, *header, payload);
                return;
            }
            Sent::Subscribe {
                subject,
                queue: None,
                sid,
            } => format!("SUB {subject} {sid}\r\n"),
            Sent::Subscribe {
                subject,
                queue: Some(queue),
                sid,
            } => format!("SUB {subject} {queue} {sid}\r\n"),
            Sent::Unsubscribe { sid, max: None } => format!("UNSUB {sid}\r\n"),
            Sent::Unsubscribe {
                sid,
                max: Some(max),
            } => format!("UNSUB {sid} {max}\r\n"),
            Sent::Ping => "PING\r\n".into(),
            Sent::Pong => "PONG\r\n".into(),
            Sent::Connect(json) => format!("CONNECT {json}\r\n"),
        };
        out.extend_from_slice(line.as_bytes());
    }

    fn shown(&self) -> String {
        let op = match self {
            Sent::Publish {
                subject,
                reply,
                header,
                payload,
            } => ClientOp::Publish(Publish {
                subject: subject.as_bytes(),
                reply: reply.as_deref().unwrap_or_default().as_bytes(),
                header_len: *header,
                payload,
                tail: b"tidy",
            }),
            Sent::Subscribe {
                subject,
                queue,
                sid,
            } => ClientOp::Subscribe {
                subject: subject.as_bytes(),
                queue: queue.as_deref().map(str::as_bytes),
                sid: sid.as_bytes(),
            },
            Sent::Unsubscribe { sid, max } => ClientOp::Unsubscribe {
                sid: sid.as_bytes(),
                max: max.map(u64::from),
            },
            Sent::Ping => ClientOp::Ping,
            Sent::Pong => ClientOp::Pong,
            Sent::Connect(json) => ClientOp::Connect(json.as_bytes()),
        };
        shown(&op)
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let word = || "[!-~]{1,8}";
    let payload = prop::collection::vec(any::<u8>(), 0..=32);
    prop_oneof![
        4 => (word(), prop::option::of(word()), payload, prop::option::of(0usize..=32)).prop_map(
            |(subject, reply, payload, header)| {
                let header = header.map(|len| len.min(payload.len()));
                Sent::Publish { subject, reply, header, payload }
            }
        ),
        2 => (word(), prop::option::of(word()), word())
            .prop_map(|(subject, queue, sid)| Sent::Subscribe { subject, queue, sid }),
        1 => (word(), prop::option::of(1u32..=999_999_999)).prop_map(|(sid, max)| Sent::Unsubscribe { sid, max }),
        1 => Just(Sent::Ping),
        1 => Just(Sent::Pong),
        1 => "\\{[ -~]{0,20}\\}".prop_map(Sent::Connect),
    ]
}

/// Bytes that look like the protocol more often than chance alone would have them.
fn nearly_protocol() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: [&str; 20] = [
        "PUB ",
        "HPUB ",
        "SUB ",
        "UNSUB ",
        "PING",
        "PONG",
        "CONNECT ",
        "INFO ",
        "+OK",
        "-ERR ",
        "\r\n",
        "\n",
        " ",
        "\t",
        "\r",
        "0",
        "1",
        "31",
        "999999999",
        "a",
    ];
    let word = prop::sample::select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec());
    let noise = prop::collection::vec(any::<u8>(), 0..3);
    prop::collection::vec(prop_oneof![5 => word, 1 => noise], 0..24)
        .prop_map(|parts| parts.concat())
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..6)
}

fn places(cuts: &[prop::sample::Index], len: usize) -> Vec<usize> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
    places.sort_unstable();
    places
}

proptest! {
    #[test]
    fn what_was_written_is_read_however_it_is_cut(ops in prop::collection::vec(sent(), 0..12), cuts in cuts()) {
        let mut bytes = Vec::new();
        for op in &ops {
            op.write(&mut bytes);
        }
        let wanted: Vec<String> = ops.iter().map(Sent::shown).collect();
        prop_assert_eq!(read(&bytes, &places(&cuts, bytes.len()), &LIMITS), wanted);
    }

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(bytes in nearly_protocol(), cuts in cuts()) {
        let whole = read(&bytes, &[], &LIMITS);
        prop_assert_eq!(read(&bytes, &places(&cuts, bytes.len()), &LIMITS), whole);
    }

    #[test]
    fn the_shortcut_for_messages_sees_what_the_decoder_sees(bytes in nearly_protocol()) {
        if let Some((publish, used)) = decode_plain_publish(&bytes, &LIMITS) {
            prop_assert_eq!(decode(&bytes, &LIMITS), Ok(Decoded::Op { op: ClientOp::Publish(publish), used }));
        }
    }

    #[test]
    fn the_shortcut_takes_every_ordinary_message(
        subject in "[!-~]{1,20}", reply in prop::option::of("[!-/:-~][!-~]{0,17}"),
        header in prop::option::of(1..=10usize),
        payload in prop::collection::vec(any::<u8>(), 10..=32),
    ) {
        let op = Sent::Publish { subject, reply, header, payload };
        let mut bytes = Vec::new();
        op.write(&mut bytes);
        let found = decode_plain_publish(&bytes, &LIMITS).map(|(publish, used)| (shown(&ClientOp::Publish(publish)), used));
        prop_assert_eq!(found, Some((op.shown(), bytes.len())));
    }

    #[test]
    fn a_message_like_the_last_one_is_seen_as_the_decoder_sees_it(
        first in nearly_protocol(), second in nearly_protocol(), same in any::<bool>(), junk in "[ -~\r\n]{0,12}",
    ) {
        if let Some((publish, used)) = decode_plain_publish(&first, &LIMITS) {
            let verb = if publish.header_len.is_some() { 5 } else { 4 };
            let start = &first[..verb + publish.subject.len() + 1];
            let mut next = if same { first[..used].to_vec() } else { second };
            if !junk.is_empty() && same {
                next = [start, junk.as_bytes()].concat();
            }
            match decode_publish_again(&next, start, &LIMITS) {
                Some((publish, used)) => prop_assert_eq!(
                    decode(&next, &LIMITS),
                    Ok(Decoded::Op { op: ClientOp::Publish(publish), used })
                ),
                None => prop_assert!(!same || !junk.is_empty()),
            }
        }
    }
}
