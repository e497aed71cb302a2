//! Lines of Go servers 2.15.1, as they were captured, and lines that they refuse.

use alloc::vec::Vec;

use super::super::encode::{self, Head};
use super::super::{DecodeError, Decoded, Form, Limits, decode};
use super::{DEDICATED, LIMITS, POOLED, text, transcript};
use crate::server_info::ServerConnect;

/// A publisher on one side; plain and queue subscribers on the other, which later leave.
const CAPTURED: &[u8] = b"RS+ A foo\r\nRS+ A bar.* q 1\r\nRS+ A bar.* q 2\r\n\
    RMSG A foo 5\r\nhello\r\nRMSG A foo rep.1 5\r\nhello\r\nRMSG A bar.1 | q 2\r\nhi\r\n\
    RMSG A bar.2 + rep.2 q 2\r\nhi\r\nHMSG A foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
    HMSG A bar.3 + rep.3 q 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHMSG A foo rep.3 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
    HMSG A bar.3 | q 12 12\r\nNATS/1.0\r\n\r\n\r\nRMSG A foo 0\r\n\r\nRMSG A foo | q1 q2 1\r\nx\r\n\
    RMSG A foo + re q1 q2 1\r\nx\r\nRS- A foo\r\nRS+ A bar.* q 1\r\nRS- A bar.* q\r\nPING\r\nPONG\r\n";

/// The same on the account's own route.
const CAPTURED_DEDICATED: &[u8] = b"RS+ foo\r\nRS+ bar.* q 1\r\nRS+ bar.* q 2\r\n\
    RMSG foo 5\r\nhello\r\nRMSG foo rep.1 5\r\nhello\r\nRMSG bar.1 | q 2\r\nhi\r\n\
    RMSG bar.2 + rep.2 q 2\r\nhi\r\nHMSG foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
    HMSG bar.3 + rep.3 q 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHMSG foo rep.3 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
    HMSG bar.3 | q 12 12\r\nNATS/1.0\r\n\r\n\r\nRMSG foo 0\r\n\r\nRMSG foo | q1 q2 1\r\nx\r\n\
    RMSG foo + re q1 q2 1\r\nx\r\nRS- foo\r\nRS+ bar.* q 1\r\nRS- bar.* q\r\nPING\r\nPONG\r\n";

fn expected(account: &str) -> Vec<alloc::string::String> {
    [
        "+ {A} foo  0",
        "+ {A} bar.* q 1",
        "+ {A} bar.* q 2",
        r#"message {A} foo reply= queues= header=None "hello" tail="5\r\nhello\r\n""#,
        r#"message {A} foo reply=rep.1 queues= header=None "hello" tail="5\r\nhello\r\n""#,
        r#"message {A} bar.1 reply= queues=q header=None "hi" tail="2\r\nhi\r\n""#,
        r#"message {A} bar.2 reply=rep.2 queues=q header=None "hi" tail="2\r\nhi\r\n""#,
        r#"message {A} foo reply= queues= header=Some(12) "NATS/1.0\r\n\r\nhi" tail="12 14\r\nNATS/1.0\r\n\r\nhi\r\n""#,
        r#"message {A} bar.3 reply=rep.3 queues=q header=Some(12) "NATS/1.0\r\n\r\nhi" tail="12 14\r\nNATS/1.0\r\n\r\nhi\r\n""#,
        r#"message {A} foo reply=rep.3 queues= header=Some(12) "NATS/1.0\r\n\r\nhi" tail="12 14\r\nNATS/1.0\r\n\r\nhi\r\n""#,
        r#"message {A} bar.3 reply= queues=q header=Some(12) "NATS/1.0\r\n\r\n" tail="12 12\r\nNATS/1.0\r\n\r\n\r\n""#,
        r#"message {A} foo reply= queues= header=None "" tail="0\r\n\r\n""#,
        r#"message {A} foo reply= queues=q1,q2 header=None "x" tail="1\r\nx\r\n""#,
        r#"message {A} foo reply=re queues=q1,q2 header=None "x" tail="1\r\nx\r\n""#,
        "- {A} foo  0",
        "+ {A} bar.* q 1",
        "- {A} bar.* q 0",
        "ping",
        "pong",
    ]
    .map(|line| line.replace("{A}", account))
    .to_vec()
}

#[test]
fn interest_and_messages_of_a_pooled_route_are_understood() {
    assert_eq!(transcript(CAPTURED, &POOLED), expected("A"));
}

#[test]
fn a_dedicated_route_leaves_the_account_out_and_operations_name_it() {
    assert_eq!(transcript(CAPTURED_DEDICATED, &DEDICATED), expected("P"));
}

#[test]
fn lines_with_the_origin_of_leaf_nodes_are_understood() {
    let captured = b"LS+ LC $G lf\r\nLS+ LC $G lq grp 1\r\nLS+ LC $G lq grp 2\r\n\
        LMSG LC $G yy 0 2\r\nhi\r\nLMSG LC $G yq + rr g 0 2\r\nhi\r\n\
        LMSG LC $G yy 12 14\r\nNATS/1.0\r\n\r\nhi\r\nLMSG LC $G yq | g 0 2\r\nhi\r\n\
        LS+ LC $G lq grp 1\r\nLS- LC $G lf\r\nLS- LC $G lq grp\r\n";
    assert_eq!(
        transcript(captured, &POOLED),
        [
            "+ leaf from LC $G lf  0",
            "+ leaf from LC $G lq grp 1",
            "+ leaf from LC $G lq grp 2",
            r#"message from LC $G yy reply= queues= header=None "hi" tail="2\r\nhi\r\n""#,
            r#"message from LC $G yq reply=rr queues=g header=None "hi" tail="2\r\nhi\r\n""#,
            r#"message from LC $G yy reply= queues= header=Some(12) "NATS/1.0\r\n\r\nhi" tail="12 14\r\nNATS/1.0\r\n\r\nhi\r\n""#,
            r#"message from LC $G yq reply= queues=g header=None "hi" tail="2\r\nhi\r\n""#,
            "+ leaf from LC $G lq grp 1",
            "- leaf from LC $G lf  0",
            "- leaf from LC $G lq grp 0",
        ]
    );
    let dedicated = b"LS+ LC lf\r\nLS+ LC lq grp 2\r\nLS- LC lq grp\r\nLMSG LC yy 0 2\r\nhi\r\n\
        LMSG LC yq + rr g h 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
    assert_eq!(
        transcript(dedicated, &DEDICATED),
        [
            "+ leaf from LC P lf  0",
            "+ leaf from LC P lq grp 2",
            "- leaf from LC P lq grp 0",
            r#"message from LC P yy reply= queues= header=None "hi" tail="2\r\nhi\r\n""#,
            r#"message from LC P yq reply=rr queues=g,h header=Some(12) "NATS/1.0\r\n\r\nhi" tail="12 14\r\nNATS/1.0\r\n\r\nhi\r\n""#,
        ]
    );
}

#[test]
fn an_old_peer_ends_interest_of_leaf_nodes_without_their_origin() {
    let old = Form {
        unsub_origin: false,
        ..POOLED
    };
    assert_eq!(
        transcript(
            b"LS+ LC $G lq grp 2\r\nLS- $G lq grp\r\nLS- $G lf\r\n",
            &old
        ),
        [
            "+ leaf from LC $G lq grp 2",
            "- leaf $G lq grp 0",
            "- leaf $G lf  0",
        ]
    );
}

#[test]
fn loose_spelling_is_understood_as_the_reference_does() {
    let bytes = b"ping\nPing \t\r\nrs+  ACC\tfoo \r\nls- o ACC foo\nrmsg \tACC  foo \t rep  2 \r\nhi\r\n\
        Info{}\r\nHMSG A s  1  2\r\nxx\r\nRMSG A s | 1\r\nx\r\nRMSG A s + rep 1\r\nx\r\nRMSG A s 001\nx\r\n\
        LMSG o A s  00  1\r\nx\r\nINFO {\"a\":1} \r\n+OK\r\n-ERR 'Authorization Violation'\r\nCONNECT {}\r\n\
        A+ ACC\r\nA- ACC\r\nSUB foo 1\r\nUNSUB A foo\r\nRS+ A foo q 0\r\nRS+ A foo q x\r\n";
    assert_eq!(
        transcript(bytes, &POOLED),
        [
            "ping",
            "ping",
            "+ ACC foo  0",
            "- leaf from o ACC foo  0",
            r#"message ACC foo reply=rep queues= header=None "hi" tail="""#,
            "info {}",
            r#"message A s reply= queues= header=Some(1) "xx" tail="""#,
            r#"message A s reply=| queues= header=None "x" tail="1\r\nx\r\n""#,
            r#"message A s reply=rep queues= header=None "x" tail="1\r\nx\r\n""#,
            r#"message A s reply= queues= header=None "x" tail="""#,
            r#"message from o A s reply= queues= header=None "x" tail="1\r\nx\r\n""#,
            r#"info {"a":1}"#,
            "ok",
            "err 'Authorization Violation'",
            "connect {}",
            "nothing",
            "nothing",
            "nothing",
            "- A foo  0",
            "+ A foo q 0",
            "+ A foo q 0",
        ]
    );
}

/// As a Go server 2.15.1 logged and answered them.
#[test]
fn what_is_refused_is_refused_with_the_references_words() {
    let unknown = |at: &str| alloc::format!("{at} | Some(\"Unknown Protocol Operation\")");
    let cases: [(&[u8], &str); 27] = [
        (b"RMSG $G\r\n", "processRoutedMsgArgs Parse Error: '[$G]'"),
        (
            b"RMSG $G foo x\r\n",
            "processRoutedMsgArgs Bad or Missing Size: '[$G foo x]'",
        ),
        (
            b"RMSG $G foo a b c 1\r\nx\r\n",
            "processRoutedMsgArgs Bad or Missing Reply Indicator: 'a'",
        ),
        (
            b"RMSG $G foo bar 9999999999\r\n",
            "processRoutedMsgArgs Bad or Missing Size: '[$G foo bar 9999999999]'",
        ),
        (
            b"HMSG $G foo 5\r\n",
            "processRoutedHeaderMsgArgs Parse Error: '[$G foo 5]'",
        ),
        (
            b"HMSG $G foo x 5\r\n",
            "processRoutedHeaderMsgArgs Bad or Missing Header Size: '$G foo x 5'",
        ),
        (
            b"HMSG $G foo 9 5\r\n",
            "processRoutedHeaderMsgArgs Header Size larger then TotalSize: '$G foo 9 5'",
        ),
        (
            b"HMSG $G foo 9 x\r\n",
            "processRoutedHeaderMsgArgs Bad or Missing Size: '[$G foo 9 x]'",
        ),
        (
            b"LMSG o $G foo 5\r\n",
            "processRoutedOriginClusterMsgArgs Parse Error: '[o $G foo 5]'",
        ),
        (
            b"LMSG o $G foo q 5 r t 5\r\n",
            "processRoutedOriginClusterMsgArgs Bad or Missing Reply Indicator: 'q'",
        ),
        (
            b"LMSG o $G foo x 5\r\n",
            "processRoutedOriginClusterMsgArgs Bad or Missing Header Size: 'o $G foo x 5'",
        ),
        (b"RS+ $G\r\n", "processRemoteSub Parse Error: 'R $G'"),
        (
            b"RS+ $G foo q\r\n",
            "processRemoteSub Parse Error: 'R $G foo q'",
        ),
        (
            b"RS+ $G foo q 1 2\r\n",
            "processRemoteSub Parse Error: 'R $G foo q 1 2'",
        ),
        (b"LS+ o $G\r\n", "processRemoteSub Parse Error: 'L o $G'"),
        (b"LS+ $G\r\n", "processRemoteSub Parse Error: 'L $G'"),
        (b"RS- $G\r\n", "processRemoteUnsub parse error: '$G'"),
        (
            b"RS- $G foo q r\r\n",
            "processRemoteUnsub parse error: '$G foo q r'",
        ),
        (
            b"LS- $G foo\r\n",
            "processRemoteUnsub parse error: '$G foo'",
        ),
        (
            b"LS- o $G foo q r\r\n",
            "processRemoteUnsub parse error: 'o $G foo q r'",
        ),
        (
            b"FOO\r\n",
            r#"Router parser ERROR, state=0, i=0: proto='"FOO\r"...'"#,
        ),
        (
            b"RX\r\n",
            r#"Router parser ERROR, state=57, i=1: proto='"X\r"...'"#,
        ),
        (
            b"LX\r\n",
            r#"Router parser ERROR, state=55, i=1: proto='"X\r"...'"#,
        ),
        (
            b"LSx\r\n",
            r#"Router parser ERROR, state=56, i=2: proto='"x\r"...'"#,
        ),
        (
            b"LMX\r\n",
            r#"Router parser ERROR, state=66, i=2: proto='"X\r"...'"#,
        ),
        (
            b"RMSG $G foo 2\r\nhixx\r\n",
            r#"Router parser ERROR, state=41, i=17: proto='"xx\r"...'"#,
        ),
        (
            b"RMSG $G foo 2\r\nhi\rx\r\n",
            r#"Router parser ERROR, state=42, i=18: proto='"x\r"...'"#,
        ),
    ];
    for (bytes, log) in cases {
        let expect = match log.starts_with("Router") {
            true => unknown(log),
            false => alloc::format!("{log} | None"),
        };
        assert_eq!(transcript(bytes, &POOLED), [expect], "{}", text(bytes));
    }
}

#[test]
fn refusals_on_a_dedicated_route_list_its_account() {
    let cases: [(&[u8], &str); 8] = [
        (
            b"RMSG foo\r\n",
            "processRoutedMsgArgs Parse Error: '[P foo]'",
        ),
        (
            b"HMSG foo 1 x\r\n",
            "processRoutedHeaderMsgArgs Bad or Missing Size: '[P foo 1 x]'",
        ),
        (
            b"HMSG foo x 1\r\n",
            "processRoutedHeaderMsgArgs Bad or Missing Header Size: 'foo x 1'",
        ),
        (
            b"LMSG o foo 1\r\n",
            "processRoutedOriginClusterMsgArgs Parse Error: '[o P foo 1]'",
        ),
        (
            b"LMSG o foo\r\n",
            "processRoutedOriginClusterMsgArgs Parse Error: '[o foo]'",
        ),
        (
            b"LMSG o foo 1 x\r\n",
            "processRoutedOriginClusterMsgArgs Bad or Missing Size: '[o P foo 1 x]'",
        ),
        (b"RS+ P foo\r\n", "processRemoteSub Parse Error: 'R P foo'"),
        (
            b"PUB foo 2\r\nhi\r\n",
            "A client's operation on a route: 'foo 2'",
        ),
    ];
    for (bytes, log) in cases {
        let expect = alloc::format!("{log} | None");
        assert_eq!(transcript(bytes, &DEDICATED), [expect], "{}", text(bytes));
    }
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_comes() {
    assert_eq!(
        transcript(b"RMSG A foo 1048577\r\n", &POOLED),
        ["maximum payload exceeded: 1048577 vs 1048576 | Some(\"Maximum Payload Violation\")"]
    );
}

#[test]
fn a_control_line_may_be_sixteen_times_as_long_as_a_clients() {
    let subject = |len: usize| [&b"RS+ A "[..], &alloc::vec![b'x'; len - 2], b"\r\n"].concat();
    let longest = subject(16 * 4096);
    assert!(matches!(
        decode(&longest, &POOLED, &LIMITS),
        Ok(Decoded::Op { .. })
    ));
    let longer = subject(16 * 4096 + 1);
    assert_eq!(
        decode(&longer, &POOLED, &LIMITS),
        Err(DecodeError::ControlLine)
    );
    // An end that never comes is not waited for.
    let endless = [&b"RMSG "[..], &[b'x'; 16 * 4096 + 8]].concat();
    assert_eq!(
        decode(&endless, &POOLED, &LIMITS),
        Err(DecodeError::ControlLine)
    );
}

#[test]
fn the_need_of_a_message_is_its_whole_length() {
    let need = |bytes: &[u8], limits| match decode(bytes, &POOLED, limits) {
        Ok(Decoded::Incomplete { need }) => need,
        other => panic!("{other:?}"),
    };
    assert_eq!(need(b"RMSG ACC foo 1000\r\nhi", &LIMITS), 19 + 1000 + 2);
    assert_eq!(need(b"LMSG o A foo 0 1000\r\nhi", &LIMITS), 21 + 1000 + 2);
    assert_eq!(need(b"RMSG ACC foo 10", &LIMITS), 16);
    assert_eq!(need(b"L", &LIMITS), 2);
    let any = Limits {
        payload: Limits::ANY_PAYLOAD,
        ..LIMITS
    };
    assert_eq!(need(b"RMSG A s 999999999\r\n", &any), 20 + 999_999_999 + 2);
}

/// Everything in `CAPTURED` or `CAPTURED_DEDICATED`, written by the encoders.
fn written(account: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let foo = encode::Interest {
        account,
        subject: b"foo",
        ..encode::Interest::default()
    };
    let bar = |weight| encode::Interest {
        subject: b"bar.*",
        queue: Some((b"q", weight)),
        ..foo
    };
    encode::interest(&mut out, &foo);
    encode::interest(&mut out, &bar(1));
    encode::interest(&mut out, &bar(2));
    let mut message = |subject: &[u8], reply: &[u8], queues: &[&[u8]], headers, body: &str| {
        let block = if headers { "NATS/1.0\r\n\r\n" } else { "" };
        let head = Head {
            origin: None,
            account,
            subject,
            reply,
            header_len: headers.then_some(block.len()),
            size: block.len() + body.len(),
        };
        encode::message(&mut out, &head, queues.iter().copied());
        out.extend_from_slice(block.as_bytes());
        out.extend_from_slice(body.as_bytes());
        out.extend_from_slice(b"\r\n");
    };
    message(b"foo", b"", &[], false, "hello");
    message(b"foo", b"rep.1", &[], false, "hello");
    message(b"bar.1", b"", &[b"q"], false, "hi");
    message(b"bar.2", b"rep.2", &[b"q"], false, "hi");
    message(b"foo", b"", &[], true, "hi");
    message(b"bar.3", b"rep.3", &[b"q"], true, "hi");
    message(b"foo", b"rep.3", &[], true, "hi");
    message(b"bar.3", b"", &[b"q"], true, "");
    message(b"foo", b"", &[], false, "");
    message(b"foo", b"", &[b"q1", b"q2"], false, "x");
    message(b"foo", b"re", &[b"q1", b"q2"], false, "x");
    encode::no_interest(&mut out, &foo, true);
    encode::interest(&mut out, &bar(1));
    encode::no_interest(&mut out, &bar(0), true);
    out.extend_from_slice(encode::PING);
    out.extend_from_slice(encode::PONG);
    out
}

#[test]
fn encoded_lines_are_byte_for_byte_those_of_go_servers() {
    assert_eq!(text(&written(Some(b"A"))), text(CAPTURED));
    assert_eq!(text(&written(None)), text(CAPTURED_DEDICATED));
}

#[test]
fn encoded_lines_with_an_origin_are_those_of_go_servers() {
    let mut out = Vec::new();
    let lq = encode::Interest {
        origin: Some(b"LC"),
        account: Some(b"$G"),
        subject: b"lq",
        queue: Some((b"grp", 2)),
    };
    encode::interest(&mut out, &lq);
    encode::no_interest(&mut out, &lq, true);
    encode::no_interest(&mut out, &lq, false);
    let head = Head {
        origin: Some(b"LC"),
        account: Some(b"$G"),
        subject: b"yq",
        reply: b"rr",
        header_len: None,
        size: 2,
    };
    encode::message(&mut out, &head, [&b"g"[..]]);
    let headers = Head {
        reply: b"",
        header_len: Some(12),
        size: 14,
        ..head
    };
    encode::message(&mut out, &headers, []);
    encode::prefix(&mut out, &headers, []);
    encode::err(&mut out, "No route for account \"P\"");
    encode::connect(&mut out, &ServerConnect::default());
    assert_eq!(
        text(&out),
        "LS+ LC $G lq grp 2\r\nLS- LC $G lq grp\r\nLS- $G lq grp\r\nLMSG LC $G yq + rr g 0 2\r\n\
        LMSG LC $G yq 12 14\r\nLMSG LC $G yq -ERR 'No route for account \"P\"'\r\n\
        CONNECT {\"echo\":false,\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\
        \"headers\":false,\"name\":\"\",\"cluster\":\"\"}\r\n"
    );
}
