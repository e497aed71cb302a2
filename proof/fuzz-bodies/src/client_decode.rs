//! The decoder of the client protocol: the same operations however the bytes are cut, and what it
//! found, written down again, is what it finds.

use gannet_wire::client::{
    ClientConnect, ClientOp, Decoded, Limits, Publish, decode, decode_plain_publish,
    decode_publish_again, encode,
};

use crate::feed::{Found, in_any_pieces};

/// The usual limits, and ones that short inputs reach.
const LIMITS: [Limits; 2] = [
    Limits {
        control_line: 4096,
        payload: 1024 * 1024,
    },
    Limits {
        control_line: 24,
        payload: 12,
    },
];

/// Decodes the bytes as what a client sent.
pub fn client_decode(bytes: &[u8]) {
    for limits in &LIMITS {
        in_any_pieces(bytes, |there| one(there, limits));
    }
}

/// One operation as text, checked on the way.
fn one(there: &[u8], limits: &Limits) -> Found<Vec<u8>> {
    let found = decode(there, limits);
    let plain = decode_plain_publish(there, limits);
    let mut shortcuts = vec![plain];
    if let Some((publish, _)) = plain {
        let verb = if publish.header_len.is_some() { 5 } else { 4 };
        let start = &there[..=verb + publish.subject.len()];
        shortcuts.push(decode_publish_again(there, start, limits));
    }
    for start in [&b"PUB a "[..], b"HPUB a "] {
        shortcuts.push(decode_publish_again(there, start, limits));
    }
    for (publish, used) in shortcuts.into_iter().flatten() {
        let same = Ok(Decoded::Op {
            op: ClientOp::Publish(publish),
            used,
        });
        assert_eq!(found, same, "the shortcut differs");
    }
    match found {
        Ok(Decoded::Incomplete { need }) => Found::Need(need),
        Err(error) => Found::Error(error.to_string()),
        Ok(Decoded::Op { op, used }) => {
            check(&op, limits);
            Found::Op(rewritten(&op), used)
        }
    }
}

fn check(op: &ClientOp<'_>, limits: &Limits) {
    let words: &[&[u8]] = match op {
        ClientOp::Publish(publish) => {
            check_publish(publish, limits);
            &[publish.subject]
        }
        ClientOp::Subscribe {
            subject,
            queue,
            sid,
        } => &[subject, queue.unwrap_or(b"-"), sid],
        ClientOp::Unsubscribe { sid, max } => {
            assert_ne!(*max, Some(0));
            &[sid]
        }
        ClientOp::Connect(json) | ClientOp::Info(json) => {
            let _ = ClientConnect::parse(json);
            &[]
        }
        ClientOp::Ping | ClientOp::Pong | ClientOp::Ok | ClientOp::Err(_) => &[],
    };
    for word in words {
        assert!(
            !word.is_empty() && !word.iter().any(|b| matches!(b, b' ' | b'\t' | b'\n')),
            "{word:?}"
        );
    }
}

fn check_publish(publish: &Publish<'_>, limits: &Limits) {
    assert!(publish.payload.len() <= limits.payload);
    assert!(
        publish
            .header_len
            .is_none_or(|len| len <= publish.payload.len())
    );
    if publish.tail.is_empty() {
        return;
    }
    // A delivery repeats the tail: it must say what the parts say. Leading zeros are repeated, too.
    let mut parts = Vec::new();
    encode::tail(&mut parts, publish.header_len, publish.payload);
    let sizes = |tail: &[u8]| -> Vec<usize> {
        let line = tail.split(|&b| b == b'\r').next().unwrap_or_default();
        let numbers = line.split(|&b| b == b' ');
        numbers
            .map(|n| n.iter().fold(0, |sum, d| sum * 10 + usize::from(d - b'0')))
            .collect()
    };
    assert_eq!(sizes(publish.tail), sizes(&parts));
    let rest = |tail: &[u8]| tail[tail.len() - publish.payload.len() - 4..].to_vec();
    assert_eq!(rest(publish.tail), rest(&parts));
}

/// The operation as a tidy client would send it. It must be read as the same one.
fn rewritten(op: &ClientOp<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    write(op, &mut line);
    let roomy = Limits {
        control_line: usize::MAX,
        payload: usize::MAX,
    };
    match (decode(&line, &roomy), op) {
        (
            Ok(Decoded::Op {
                op: ClientOp::Publish(again),
                used,
            }),
            ClientOp::Publish(op),
        ) => {
            // The spacing of the original may have been unusual, and with it the tail.
            assert_eq!(
                (Publish { tail: b"", ..again }, used),
                (Publish { tail: b"", ..*op }, line.len())
            );
        }
        (Ok(Decoded::Op { op: again, used }), op) => assert_eq!((&again, used), (op, line.len())),
        (other, op) => panic!("{op:?} was written so that it is {other:?}"),
    }
    line
}

fn write(op: &ClientOp<'_>, line: &mut Vec<u8>) {
    let mut words: Vec<&[u8]> = Vec::new();
    let number;
    match op {
        ClientOp::Publish(publish) => {
            words.push(if publish.header_len.is_some() {
                b"HPUB"
            } else {
                b"PUB"
            });
            words.push(publish.subject);
            if !publish.reply.is_empty() {
                words.push(publish.reply);
            }
            line.extend_from_slice(&words.join(&b' '));
            line.push(b' ');
            encode::tail(line, publish.header_len, publish.payload);
            return;
        }
        ClientOp::Subscribe {
            subject,
            queue,
            sid,
        } => {
            words.extend([b"SUB", *subject]);
            words.extend(queue);
            words.push(sid);
        }
        ClientOp::Unsubscribe { sid, max } => {
            words.extend([b"UNSUB", *sid]);
            number = max.map(|max| max.to_string());
            words.extend(number.as_ref().map(|n| n.as_bytes()));
        }
        ClientOp::Ping => words.push(b"PING"),
        ClientOp::Pong => words.push(b"PONG"),
        ClientOp::Ok => words.push(b"+OK"),
        ClientOp::Connect(json) => words.extend([b"CONNECT", *json]),
        ClientOp::Info(json) => words.extend([b"INFO", *json]),
        ClientOp::Err(text) => words.extend([b"-ERR", *text]),
    }
    line.extend_from_slice(&words.join(&b' '));
    line.extend_from_slice(b"\r\n");
}
