//! Transcripts and properties of the gateway codec.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::encode::{self, Head};
use super::{DecodeError, Decoded, GatewayOp, Interest, Limits, Message, decode};
use crate::server_info::{ServerConnect, ServerInfo};

const LIMITS: Limits = Limits {
    control_line: 4096,
    payload: 1024 * 1024,
};

/// Every operation of `bytes` in a readable form, and the error that ended it.
fn transcript(bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match decode(rest, &LIMITS) {
            Ok(Decoded::Op { op, used }) => {
                lines.push(show(&op));
                rest = &rest[used..];
            }
            Ok(Decoded::Incomplete { need }) => {
                lines.push(format!("needs {}", need - rest.len()));
                break;
            }
            Err(e) => {
                lines.push(format!("{e} | {:?}", e.peer_text()));
                break;
            }
        }
    }
    lines
}

fn show(op: &GatewayOp<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_string();
    match op {
        GatewayOp::Message(m) => {
            let queues: Vec<String> = m.queues.iter().map(text).collect();
            format!(
                "message {} {} reply={} queues={} header={:?} {:?} tail={:?}",
                text(m.account),
                text(m.subject),
                text(m.reply),
                queues.join(","),
                m.header_len,
                text(m.payload),
                text(m.tail)
            )
        }
        GatewayOp::Interest(i) => format!(
            "+ {} {} {:?} {}",
            text(i.account),
            text(i.subject),
            i.queue.map(text),
            i.weight
        ),
        GatewayOp::NoInterest(i) => format!(
            "- {} {} {:?}",
            text(i.account),
            text(i.subject),
            i.queue.map(text)
        ),
        GatewayOp::AccountInterest(a) => format!("account+ {}", text(a)),
        GatewayOp::NoAccountInterest(a) => format!("account- {}", text(a)),
        GatewayOp::Info(json) => format!("info {}", text(json)),
        GatewayOp::Connect(json) => format!("connect {}", text(json)),
        GatewayOp::Err(e) => format!("err {}", text(e)),
        GatewayOp::Ping => "ping".to_string(),
        GatewayOp::Pong => "pong".to_string(),
        GatewayOp::Ok => "ok".to_string(),
    }
}

#[test]
fn what_go_servers_send_is_understood() {
    let bytes = b"RS+ ACC foo.*\r\nRS+ ACC q.x grp 1\r\nRS- ACC foo.*\r\nRS- ACC q.x grp\r\nA- ACC\r\nA+ ACC\r\n\
        PING\r\nPONG\r\n+OK\r\n-ERR 'Authorization Violation'\r\nINFO {\"a\":1}\r\nCONNECT {}\r\n\
        RMSG ACC foo.1 5\r\nhello\r\nRMSG ACC q.x | grp 4\r\nwork\r\n\
        HMSG ACC foo.1 18 20\r\nNATS/1.0\r\nK: V\r\n\r\nhd\r\nRMSG ACC foo.2 some.reply 1\r\nr\r\n\
        RMSG ACC q.x + some.reply grp other 2\r\nwr\r\nHMSG ACC q.x | grp 18 20\r\nNATS/1.0\r\nK: V\r\n\r\nwh\r\n\
        HMSG ACC q.x + some.reply grp 18 21\r\nNATS/1.0\r\nK: V\r\n\r\nwrh\r\nHMSG ACC s rep 12 12\r\nNATS/1.0\r\n\r\n\r\n";
    assert_eq!(
        transcript(bytes),
        [
            "+ ACC foo.* None 0",
            "+ ACC q.x Some(\"grp\") 1",
            "- ACC foo.* None",
            "- ACC q.x Some(\"grp\")",
            "account- ACC",
            "account+ ACC",
            "ping",
            "pong",
            "ok",
            "err 'Authorization Violation'",
            "info {\"a\":1}",
            "connect {}",
            "message ACC foo.1 reply= queues= header=None \"hello\" tail=\"5\\r\\nhello\\r\\n\"",
            "message ACC q.x reply= queues=grp header=None \"work\" tail=\"4\\r\\nwork\\r\\n\"",
            "message ACC foo.1 reply= queues= header=Some(18) \"NATS/1.0\\r\\nK: V\\r\\n\\r\\nhd\" tail=\"18 20\\r\\nNATS/1.0\\r\\nK: V\\r\\n\\r\\nhd\\r\\n\"",
            "message ACC foo.2 reply=some.reply queues= header=None \"r\" tail=\"1\\r\\nr\\r\\n\"",
            "message ACC q.x reply=some.reply queues=grp,other header=None \"wr\" tail=\"2\\r\\nwr\\r\\n\"",
            "message ACC q.x reply= queues=grp header=Some(18) \"NATS/1.0\\r\\nK: V\\r\\n\\r\\nwh\" tail=\"18 20\\r\\nNATS/1.0\\r\\nK: V\\r\\n\\r\\nwh\\r\\n\"",
            "message ACC q.x reply=some.reply queues=grp header=Some(18) \"NATS/1.0\\r\\nK: V\\r\\n\\r\\nwrh\" tail=\"18 21\\r\\nNATS/1.0\\r\\nK: V\\r\\n\\r\\nwrh\\r\\n\"",
            "message ACC s reply=rep queues= header=Some(12) \"NATS/1.0\\r\\n\\r\\n\" tail=\"12 12\\r\\nNATS/1.0\\r\\n\\r\\n\\r\\n\"",
        ]
    );
}

#[test]
fn loose_spelling_is_understood_as_the_reference_does() {
    let bytes = b"ping\nPing \t\r\nrs+  ACC\tfoo \r\na- ACC\nrmsg \tACC  foo \t rep  2 \r\nhi\r\nInfo{}\r\nHMSG A s  1  2\r\nxx\r\n\
        RMSG A s | 1\r\nx\r\nRMSG A s + rep 1\r\nx\r\nRMSG A s 001\nx\r\n";
    assert_eq!(
        transcript(bytes),
        [
            "ping",
            "ping",
            "+ ACC foo None 0",
            "account- ACC",
            "message ACC foo reply=rep queues= header=None \"hi\" tail=\"\"",
            "info {}",
            "message A s reply= queues= header=Some(1) \"xx\" tail=\"\"",
            "message A s reply=| queues= header=None \"x\" tail=\"1\\r\\nx\\r\\n\"",
            "message A s reply=rep queues= header=None \"x\" tail=\"1\\r\\nx\\r\\n\"",
            "message A s reply= queues= header=None \"x\" tail=\"\"",
        ]
    );
}

#[test]
fn nonsense_is_refused_in_the_reference_servers_words() {
    for (bytes, expect) in [
        (
            &b"LS+ ACC foo\r\n"[..],
            r#"Gateway parser ERROR, state=0, i=0: proto='"LS+ ACC foo\r"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"RMSG ACC foo 2\r\nhiXX\r\n",
            r#"Gateway parser ERROR, state=41, i=18: proto='"XX\r"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"RMSG ACC foo 2\r\nhi\rX\r\n",
            r#"Gateway parser ERROR, state=42, i=19: proto='"X\r"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"RQSG ACC foo 2\r\n",
            r#"Gateway parser ERROR, state=57, i=1: proto='"QSG ACC foo 2\r"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"RMSGX\r\n",
            r#"Gateway parser ERROR, state=68, i=4: proto='"X\r"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"CONNECY {\"pass\":\"s3cret\",\"user\":1}\r\n",
            r#"Gateway parser ERROR, state=15, i=6: proto='"Y "...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a-very-long-host-name\r\n",
            r#"Gateway parser ERROR, state=0, i=0: proto='"GET / HTTP/1.1\r\nHost: a-very-lon"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"RMSG ACC foo\r\n",
            "processRoutedMsgArgs Parse Error: '[ACC foo]' | None",
        ),
        (
            b"RMSG \r\n",
            "processRoutedMsgArgs Parse Error: '[]' | None",
        ),
        (
            b"RMSG ACC foo bar q 2\r\nhi\r\n",
            "processRoutedMsgArgs Bad or Missing Reply Indicator: 'bar' | None",
        ),
        (
            b"RMSG ACC foo x\r\n",
            "processRoutedMsgArgs Bad or Missing Size: '[ACC foo x]' | None",
        ),
        (
            b"RMSG ACC foo -1\r\n",
            "processRoutedMsgArgs Bad or Missing Size: '[ACC foo -1]' | None",
        ),
        (
            b"RMSG ACC foo 99999999999999999999\r\n",
            "processRoutedMsgArgs Bad or Missing Size: '[ACC foo 99999999999999999999]' | None",
        ),
        (
            b"HMSG ACC foo 3\r\n",
            "processRoutedHeaderMsgArgs Parse Error: '[ACC foo 3]' | None",
        ),
        (
            b"HMSG ACC foo 9 3\r\nabc\r\n",
            "processRoutedHeaderMsgArgs Header Size larger then TotalSize: 'ACC foo 9 3' | None",
        ),
        (
            b"HMSG ACC foo x 3\r\nabc\r\n",
            "processRoutedHeaderMsgArgs Bad or Missing Header Size: 'ACC foo x 3' | None",
        ),
        (
            b"HMSG ACC foo 3 x\r\nabc\r\n",
            "processRoutedHeaderMsgArgs Bad or Missing Size: '[ACC foo 3 x]' | None",
        ),
        (
            b"RS+ ACC foo q\r\n",
            "processGatewaySubjectSub Parse Error: 'ACC foo q' | None",
        ),
        (
            b"RS+ ACC\r\n",
            "processGatewaySubjectSub Parse Error: 'ACC' | None",
        ),
        (
            b"RS+ ACC foo q 1 x\r\n",
            "processGatewaySubjectSub Parse Error: 'ACC foo q 1 x' | None",
        ),
        (
            b"RS- ACC\r\n",
            "processGatewaySubjectUnsub parse error: 'ACC' | None",
        ),
        (
            b"RS- ACC foo q 1\r\n",
            "processGatewaySubjectUnsub parse error: 'ACC foo q 1' | None",
        ),
        (
            b"sub foo 1\r\n",
            "A client's operation on a gateway connection: 'foo 1' | None",
        ),
        (
            b"HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n",
            "A client's operation on a gateway connection: 'foo 12 12' | None",
        ),
        (
            b"UNSUX 1\r\n",
            r#"Gateway parser ERROR, state=62, i=4: proto='"X 1\r"...' | Some("Unknown Protocol Operation")"#,
        ),
        (
            b"RMSG ACC foo 1048577\r\n",
            "maximum payload exceeded: 1048577 vs 1048576 | Some(\"Maximum Payload Violation\")",
        ),
    ] {
        assert_eq!(
            transcript(bytes),
            [expect],
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_control_line_may_be_sixteen_times_as_long_as_a_clients() {
    let longest = [&b"A+ "[..], &[b'x'; 16 * 4096], b"\r\n"].concat();
    assert!(matches!(decode(&longest, &LIMITS), Ok(Decoded::Op { .. })));
    let longer = [&b"A+ "[..], &[b'x'; 16 * 4096 + 1], b"\r\n"].concat();
    assert_eq!(decode(&longer, &LIMITS), Err(DecodeError::ControlLine));
    // An end that never comes is not waited for.
    let endless = [&b"RS+ "[..], &[b'x'; 16 * 4096 + 8]].concat();
    assert_eq!(decode(&endless, &LIMITS), Err(DecodeError::ControlLine));
}

#[test]
fn the_need_of_a_message_is_its_whole_length() {
    let start = b"RMSG ACC foo 1000\r\nhi";
    assert_eq!(
        decode(start, &LIMITS),
        Ok(Decoded::Incomplete {
            need: 19 + 1000 + 2
        })
    );
    assert_eq!(
        decode(b"RMSG ACC foo 10", &LIMITS),
        Ok(Decoded::Incomplete { need: 16 })
    );
    assert_eq!(decode(b"R", &LIMITS), Ok(Decoded::Incomplete { need: 2 }));
    let any = Limits {
        payload: Limits::ANY_PAYLOAD,
        ..LIMITS
    };
    assert_eq!(
        decode(b"RMSG A s 999999999\r\n", &any),
        Ok(Decoded::Incomplete {
            need: 20 + 999_999_999 + 2
        })
    );
}

#[test]
fn encoded_lines_are_those_of_go_servers() {
    let mut out = Vec::new();
    encode::interest(&mut out, b"ACC", b"foo.*", None);
    encode::interest(&mut out, b"ACC", b"q.x", Some(b"grp"));
    encode::no_interest(&mut out, b"ACC", b"q.x", Some(b"grp"));
    encode::no_interest(&mut out, b"ACC", b"foo.*", None);
    encode::account_interest(&mut out, b"ACC");
    encode::no_account_interest(&mut out, b"ACC");
    encode::err(&mut out, "Stale Connection");
    encode::connect(
        &mut out,
        &ServerConnect {
            gateway: "A".to_string(),
            ..ServerConnect::default()
        },
    );
    encode::info(&mut out, &ServerInfo::interest_switch("B", b"ACC", true));
    let head = Head {
        account: b"ACC",
        subject: b"q.x",
        reply_prefix: b"_GR_.c.s.",
        reply: b"in.1",
        size: 2,
        ..Head::default()
    };
    encode::message(&mut out, &head, []);
    encode::message(
        &mut out,
        &Head {
            header_len: Some(12),
            size: 14,
            ..head
        },
        [&b"grp"[..], b"other"],
    );
    encode::message(
        &mut out,
        &Head {
            reply: b"",
            size: 0,
            ..head
        },
        [&b"grp"[..]],
    );
    assert_eq!(
        String::from_utf8_lossy(&out),
        "RS+ ACC foo.*\r\nRS+ ACC q.x grp 1\r\nRS- ACC q.x grp\r\nRS- ACC foo.*\r\nA+ ACC\r\nA- ACC\r\n\
        -ERR 'Stale Connection'\r\nCONNECT {\"echo\":false,\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\
        \"headers\":false,\"name\":\"\",\"cluster\":\"\",\"gateway\":\"A\"}\r\n\
        INFO {\"server_id\":\"\",\"server_name\":\"\",\"version\":\"\",\"proto\":0,\"go\":\"\",\"host\":\"\",\"port\":0,\
        \"headers\":false,\"max_payload\":0,\"gateway\":\"B\",\"gateway_cmd\":3,\"gateway_cmd_payload\":\"QUND\"}\r\n\
        RMSG ACC q.x _GR_.c.s.in.1 2\r\nHMSG ACC q.x + _GR_.c.s.in.1 grp other 12 14\r\nRMSG ACC q.x | grp 0\r\n"
    );
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    // A lone `+` or `|` as a reply cannot be told from an indicator when queues follow.
    proptest::string::string_regex("[a-zA-Z0-9_$*>.]{1,12}")
        .unwrap()
        .prop_map(String::into_bytes)
}

/// One operation: what it is, and its bytes.
fn operation() -> impl Strategy<Value = (String, Vec<u8>)> {
    let interest = (word(), word(), proptest::option::of(word()), any::<bool>()).prop_map(
        |(account, subject, queue, on)| {
            let mut out = Vec::new();
            let mut interest = Interest {
                account: &account,
                subject: &subject,
                queue: queue.as_deref(),
                weight: 0,
            };
            let op = if on {
                encode::interest(&mut out, &account, &subject, queue.as_deref());
                interest.weight = u32::from(queue.is_some());
                GatewayOp::Interest(interest)
            } else {
                encode::no_interest(&mut out, &account, &subject, queue.as_deref());
                GatewayOp::NoInterest(interest)
            };
            (show(&op), out)
        },
    );
    let message = (
        word(),
        word(),
        proptest::option::of(word()),
        proptest::collection::vec(word(), 0..3),
        any::<bool>(),
        proptest::collection::vec(any::<u8>(), 0..40),
    )
        .prop_map(|(account, subject, reply, queues, headers, payload)| {
            let header_len = headers.then_some(payload.len() / 2);
            let reply = reply.unwrap_or_default();
            let head = Head {
                account: &account,
                subject: &subject,
                reply: &reply,
                header_len,
                size: payload.len(),
                ..Head::default()
            };
            let mut out = Vec::new();
            encode::message(&mut out, &head, queues.iter().map(Vec::as_slice));
            let size = payload.len();
            let sizes = header_len.map_or(format!("{size}\r\n"), |len| format!("{len} {size}\r\n"));
            let tail = [sizes.as_bytes(), &payload, b"\r\n"].concat();
            out.extend_from_slice(&payload);
            out.extend_from_slice(b"\r\n");
            let expect = show(&GatewayOp::Message(Message {
                origin: None,
                account: &account,
                subject: &subject,
                reply: &reply,
                queues: Default::default(),
                header_len,
                payload: &payload,
                tail: &tail,
            }));
            let names: Vec<_> = queues.iter().map(|q| String::from_utf8_lossy(q)).collect();
            (
                expect.replacen("queues=", &format!("queues={}", names.join(",")), 1),
                out,
            )
        });
    let other = prop_oneof![
        Just(("ping".to_string(), encode::PING.to_vec())),
        Just(("pong".to_string(), encode::PONG.to_vec())),
        Just(("account+ A".to_string(), b"A+ A\r\n".to_vec())),
        Just(("err 'x'".to_string(), b"-ERR 'x'\r\n".to_vec())),
        Just((
            "info {\"a\": 1}".to_string(),
            b"INFO {\"a\": 1}\r\n".to_vec()
        )),
    ];
    prop_oneof![3 => interest, 3 => message, 1 => other]
}

/// Feeds `bytes` in pieces ending at `cuts`, as a reader does, and answers what was decoded.
fn in_pieces(bytes: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut lines = Vec::new();
    let (mut from, mut need) = (0, 0);
    for end in ends {
        while from < end && end - from >= need {
            match decode(&bytes[from..end], &LIMITS) {
                Ok(Decoded::Op { op, used }) => {
                    lines.push(show(&op));
                    (from, need) = (from + used, 0);
                }
                Ok(Decoded::Incomplete { need: n }) => {
                    assert!(n > end - from, "what is needed is more than what is there");
                    need = n;
                }
                Err(e) => {
                    lines.push(format!("{e:?}"));
                    return lines;
                }
            }
        }
    }
    lines
}

const PIECES: &[&[u8]] = &[
    b"RMSG ",
    b"HMSG ",
    b"RS+ ",
    b"RS- ",
    b"A+ ",
    b"A- ",
    b"PING\r\n",
    b"INFO ",
    b"-ERR ",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"+ ",
    b"| ",
    b"2",
    b"0",
    b"12 14",
    b"foo",
    b"ACC ",
    b"CONNECT",
    b"LS+",
    b"999999999 ",
];

proptest! {
    #[test]
    fn encoding_then_decoding_in_any_pieces_gives_the_same_operations(
        ops in proptest::collection::vec(operation(), 1..12),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let (expect, bytes): (Vec<_>, Vec<_>) = ops.into_iter().unzip();
        prop_assert_eq!(in_pieces(&bytes.concat(), &cuts), expect);
    }

    #[test]
    fn any_bytes_decode_the_same_in_any_pieces_and_never_panic(
        words in proptest::collection::vec(prop_oneof![
            4 => proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
            1 => proptest::collection::vec(any::<u8>(), 0..4),
        ], 0..24),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let bytes = words.concat();
        let whole = in_pieces(&bytes, &[]);
        let pieces = in_pieces(&bytes, &cuts);
        // An error text quotes what the buffer happened to hold.
        let kinds = |lines: &[String]| lines.iter().map(|l| l.split(" {").next().unwrap_or_default().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(kinds(&pieces), kinds(&whole));
    }
}
