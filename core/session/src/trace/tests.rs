//! The wanted lines are those of the reference server's log, but where a case says why not.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Incoming, Outgoing, Shown, Speaker, subscription_deleted};

/// The lines of a trace of `bytes`, which come in pieces of `piece` bytes, until something is no operation.
fn heard(speaker: Speaker, shown: Shown, bytes: &[u8], piece: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut incoming = Incoming::new(speaker, 60, shown);
    let mut buffer: Vec<u8> = Vec::new();
    for part in bytes.chunks(piece) {
        buffer.extend_from_slice(part);
        while let Some(used) = incoming.show(&buffer, &mut |line| lines.push(line.to_string())) {
            buffer.drain(..used);
        }
    }
    lines
}

fn said(shown: Shown, bytes: &[u8], piece: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut outgoing = Outgoing::new(shown);
    for part in bytes.chunks(piece) {
        outgoing.show(part, &mut |line| lines.push(line.to_string()));
    }
    lines
}

const ALL: Shown = Shown {
    bytes: None,
    headers_only: false,
};

#[test]
fn what_clients_say_is_shown_however_it_comes() {
    let bytes = b"CONNECT {\"pass\":\"p\",\"name\":\"n\"}\r\nping x\r\nPONG\r\nSUB foo  q 1\r\nUNSUB 1 5\r\n\
        pub \tfoo\tbar 5\r\nhello\r\nPUB foo 0\r\n\r\nHPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\nINFO {}\r\n+OK\r\n-ERR 'x'\r\n\
        SUB a\x1b\r 2\nPUB foo\r\nPUB foo 1\r\nx\r\n";
    let wanted = [
        r#"<<- [CONNECT {"pass":"[REDACTED]","name":"n"}]"#,
        "<<- [PING]",
        "<<- [PONG]",
        "<<- [SUB foo  q 1]",
        "<<- [UNSUB 1 5]",
        "<<- [PUB foo\tbar 5]",
        r#"<<- MSG_PAYLOAD: ["hello"]"#,
        "<<- [PUB foo 0]",
        "<<- [HPUB foo 12 14]",
        r#"<<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]"#,
        // The reference server writes control characters as they are.
        r"<<- [SUB a\u{1b}\r 2]",
        "<<- [PUB foo]",
    ];
    for piece in 1..bytes.len() {
        assert_eq!(
            heard(Speaker::Client, ALL, bytes, piece),
            wanted,
            "in pieces of {piece}"
        );
    }
}

#[test]
fn what_is_no_operation_of_the_speaker_is_not_shown() {
    let long = [b"SUB ".as_slice(), &[b'a'; 61], b"\r\n"].concat();
    let cases: [(Speaker, &[u8], &[&str]); 7] = [
        (Speaker::Client, b"RMSG $G foo 1\r\nx\r\n", &[]),
        (Speaker::Client, b"FOO\r\nPING\r\n", &[]),
        (Speaker::Client, b"PUBfoo 1\r\n", &[]),
        (Speaker::Client, &long, &[]),
        (
            Speaker::Client,
            b"PUB foo 1\r\nxyz\r\n",
            &["<<- [PUB foo 1]"],
        ),
        (Speaker::Route, b"A+ $G\r\n", &[]),
        (Speaker::Gateway, b"LS+ a $G foo\r\n", &[]),
    ];
    for (speaker, bytes, wanted) in cases {
        assert_eq!(heard(speaker, ALL, bytes, bytes.len()), wanted);
    }
}

#[test]
fn what_servers_say_is_shown() {
    let bytes = b"INFO {\"server_id\":\"N\"}\r\nRS+ $G foo\r\nRS+ $G bar q 1\r\nLS- l $G foo\r\nRMSG $G bar + rep q 2\r\nhi\r\n\
        HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\nLMSG l $G foo 1\r\nx\r\nRS- $G foo\r\n";
    let wanted = [
        "<<- [RS+ $G foo]",
        "<<- [RS+ $G bar q 1]",
        "<<- [LS- l $G foo]",
        "<<- [RMSG $G bar + rep q 2]",
        r#"<<- MSG_PAYLOAD: ["hi"]"#,
        "<<- [HMSG $G foo 12 14]",
        r#"<<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]"#,
        "<<- [LMSG l $G foo 1]",
        r#"<<- MSG_PAYLOAD: ["x"]"#,
        "<<- [RS- $G foo]",
    ];
    assert_eq!(heard(Speaker::Route, ALL, bytes, 7), wanted);
    let bytes = b"A+ $G\r\nA- acc\r\nRMSG $G foo 0\r\n\r\n";
    let wanted = ["<<- [A+ $G]", "<<- [A- acc]", "<<- [RMSG $G foo 0]"];
    assert_eq!(heard(Speaker::Gateway, ALL, bytes, 3), wanted);
}

#[test]
fn what_we_say_is_shown_however_it_leaves() {
    let bytes = b"INFO {\"server_id\":\"N\"}\r\nCONNECT {\"pass\":\"p\"}\r\n+OK\r\nPONG\r\nPING\r\n-ERR 'Invalid Subject'\r\n\
        MSG foo 1 rep 5\r\nhello\r\nMSG foo 1 0\r\n\r\nHMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nRMSG $G bar | q 1\r\n\n\r\n\
        RS+ $G foo\r\nA- acc\r\nMSG foo 1 9\r\nnot a";
    let wanted = [
        "->> [OK]",
        "->> [PONG]",
        "->> [PING]",
        "->> [-ERR Invalid Subject]",
        "->> [MSG foo 1 rep 5]",
        r#"->> MSG_PAYLOAD: ["hello"]"#,
        "->> [MSG foo 1 0]",
        "->> [HMSG foo 1 12 14]",
        r#"->> MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]"#,
        "->> [RMSG $G bar | q 1]",
        r#"->> MSG_PAYLOAD: ["\n"]"#,
        "->> [RS+ $G foo]",
        "->> [A- acc]",
    ];
    for piece in 1..=bytes.len() {
        assert_eq!(said(ALL, bytes, piece), wanted, "in pieces of {piece}");
    }
}

#[test]
fn messages_are_shown_as_far_as_is_wanted() {
    let bytes = b"PUB foo 5\r\nhello\r\nPUB foo 4\r\nabcd\r\nHPUB foo 22 24\r\nNATS/1.0\r\nA: hello\r\n\r\nhi\r\nHPUB foo 2 3\r\nhix\r\n";
    let payloads = |bytes_shown, headers_only| -> Vec<String> {
        let shown = Shown {
            bytes: bytes_shown,
            headers_only,
        };
        let lines = heard(Speaker::Client, shown, bytes, bytes.len());
        let payload = |line: &String| Some(line.split_once("MSG_PAYLOAD: ")?.1.to_string());
        lines.iter().filter_map(payload).collect()
    };
    assert_eq!(
        payloads(Some(4), false),
        [
            r#"["hell..."]"#,
            r#"["abcd"]"#,
            r#"["NATS..."]"#,
            r#"["hix"]"#
        ]
    );
    assert_eq!(payloads(None, true), [r#"["NATS/1.0\r\nA: hello"]"#]);
    assert_eq!(payloads(Some(6), true), [r#"["NATS/1..."]"#]);
    assert_eq!(payloads(Some(18), true), [r#"["NATS/1.0\r\nA: hello"]"#]);
}

#[test]
fn subscriptions_that_go_are_shown() {
    assert_eq!(subscription_deleted(b"7"), "<-> [DELSUB 7]");
}
