//! Any pieces, any bytes, any operation.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::encode::{self, Head};
use super::super::{Decoded, Form, Interest, Message, Queues, RouteOp, decode};
use super::{LIMITS, show};

/// What a message is made of.
#[derive(Clone, Debug)]
struct Parts {
    origin: Option<Vec<u8>>,
    account: Vec<u8>,
    subject: Vec<u8>,
    reply: Option<Vec<u8>>,
    queues: Vec<Vec<u8>>,
    headers: bool,
    payload: Vec<u8>,
}

/// What is sent.
#[derive(Clone, Debug)]
enum Sent {
    Message(Parts),
    Interest(Parts, u32, bool),
    Other(&'static [u8], &'static str),
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    // A lone `+` or `|` as a reply cannot be told from an indicator when queues follow.
    "[a-zA-Z0-9_$*>.]{1,12}".prop_map(String::into_bytes)
}

fn parts() -> impl Strategy<Value = Parts> {
    let names = (
        proptest::option::of(word()),
        word(),
        word(),
        proptest::option::of(word()),
        proptest::collection::vec(word(), 0..5),
    );
    let payload = proptest::collection::vec(any::<u8>(), 0..40);
    (names, any::<bool>(), payload).prop_map(|(names, headers, payload)| Parts {
        origin: names.0,
        account: names.1,
        subject: names.2,
        reply: names.3,
        queues: names.4,
        headers,
        payload,
    })
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        3 => parts().prop_map(Sent::Message),
        3 => (parts(), 1..1000u32, any::<bool>()).prop_map(|(p, w, on)| Sent::Interest(p, w, on)),
        1 => Just(Sent::Other(encode::PING, "ping")),
        1 => Just(Sent::Other(b"A+ x\r\n", "nothing")),
        1 => Just(Sent::Other(b"INFO {\"a\": 1} \r\n", "info {\"a\": 1}")),
    ]
}

/// The route of an account, or not; with a peer that wants the origin in `LS-`, or not.
fn forms() -> impl Strategy<Value = (Option<Vec<u8>>, bool)> {
    (proptest::option::of(word()), any::<bool>())
}

/// Appends what is sent, and answers what must be read.
fn write(sent: &Sent, form: &Form<'_>, out: &mut Vec<u8>) -> String {
    let (parts, interest) = match sent {
        Sent::Other(bytes, shown) => {
            out.extend_from_slice(bytes);
            return (*shown).to_string();
        }
        Sent::Message(parts) => (parts, None),
        Sent::Interest(parts, weight, on) => (parts, Some((*weight, *on))),
    };
    let account = form.account.unwrap_or(&parts.account);
    let named = form.account.is_none().then_some(account);
    match interest {
        None => write_message(parts, account, named, out),
        Some((weight, on)) => {
            let queue = parts.queues.first().map(Vec::as_slice);
            let line = encode::Interest {
                origin: parts.origin.as_deref(),
                account: named,
                subject: &parts.subject,
                queue: queue.map(|queue| (queue, weight)),
            };
            let tells_origin = on || form.unsub_origin;
            let read = Interest {
                origin: line.origin.filter(|_| tells_origin),
                leaf: line.origin.is_some(),
                account,
                subject: line.subject,
                queue,
                weight: if on && queue.is_some() { weight } else { 0 },
            };
            if on {
                encode::interest(out, &line);
                show(&RouteOp::Interest(read))
            } else {
                encode::no_interest(out, &line, form.unsub_origin);
                show(&RouteOp::NoInterest(read))
            }
        }
    }
}

fn write_message(parts: &Parts, account: &[u8], named: Option<&[u8]>, out: &mut Vec<u8>) -> String {
    let size = parts.payload.len();
    let header_len = parts.headers.then_some(size / 2);
    let reply = parts.reply.as_deref().unwrap_or_default();
    let head = Head {
        origin: parts.origin.as_deref(),
        account: named,
        subject: &parts.subject,
        reply,
        header_len,
        size,
    };
    encode::message(out, &head, parts.queues.iter().map(Vec::as_slice));
    out.extend_from_slice(&parts.payload);
    out.extend_from_slice(b"\r\n");
    // A line with an origin cannot tell an empty header block from none.
    let header_len = header_len.filter(|&len| len > 0 || head.origin.is_none());
    let sizes = header_len.map_or(format!("{size}\r\n"), |len| format!("{len} {size}\r\n"));
    let tail = [sizes.as_bytes(), &parts.payload, b"\r\n"].concat();
    let queues = parts.queues.join(&b' ');
    show(&RouteOp::Message(Message {
        origin: head.origin,
        account,
        subject: head.subject,
        reply,
        queues: Queues(&queues),
        header_len,
        payload: &parts.payload,
        tail: &tail,
    }))
}

/// Feeds `bytes` in pieces ending at `cuts`, as a reader does, and answers what was decoded.
fn in_pieces(bytes: &[u8], form: &Form<'_>, cuts: &[usize]) -> Vec<String> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut lines = Vec::new();
    let (mut from, mut need) = (0, 0);
    for end in ends {
        while from < end && end - from >= need {
            match decode(&bytes[from..end], form, &LIMITS) {
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
    b"LMSG ",
    b"RS+ ",
    b"RS- ",
    b"LS+ ",
    b"LS- ",
    b"A+ ",
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
    b"PUB ",
    b"UNSUB ",
    b"999999999 ",
];

proptest! {
    #[test]
    fn encoding_then_decoding_in_any_pieces_gives_the_same_operations(
        sent in proptest::collection::vec(sent(), 1..12),
        (account, unsub_origin) in forms(),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let form = Form { account: account.as_deref(), unsub_origin };
        let mut bytes = Vec::new();
        let expect: Vec<String> = sent.iter().map(|sent| write(sent, &form, &mut bytes)).collect();
        prop_assert_eq!(in_pieces(&bytes, &form, &cuts), expect.clone());
        let drip: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(in_pieces(&bytes, &form, &drip), expect);
    }

    #[test]
    fn the_usual_spelling_takes_the_short_way_to_the_same_message(
        parts in parts(),
        (account, unsub_origin) in forms(),
    ) {
        let form = Form { account: account.as_deref(), unsub_origin };
        let mut usual = Vec::new();
        write(&Sent::Message(parts), &form, &mut usual);
        // A second space after the verb is unusual and means nothing.
        let mut unusual = usual.clone();
        unusual.insert(4, b' ');
        let (short, long) = (decode(&usual, &form, &LIMITS), decode(&unusual, &form, &LIMITS));
        match (short, long) {
            (Ok(Decoded::Op { op: short, used }), Ok(Decoded::Op { op: long, used: more })) => {
                prop_assert_eq!((short, used), (long, more - 1));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_bytes_decode_the_same_in_any_pieces_and_never_panic(
        words in proptest::collection::vec(prop_oneof![
            4 => proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
            1 => proptest::collection::vec(any::<u8>(), 0..4),
        ], 0..24),
        (account, unsub_origin) in forms(),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let form = Form { account: account.as_deref(), unsub_origin };
        let bytes = words.concat();
        let whole = in_pieces(&bytes, &form, &[]);
        let pieces = in_pieces(&bytes, &form, &cuts);
        // An error text quotes what the buffer happened to hold.
        let kinds = |lines: &[String]| lines.iter().map(|l| l.split(" {").next().unwrap_or_default().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(kinds(&pieces), kinds(&whole));
    }
}
