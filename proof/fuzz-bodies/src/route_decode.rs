//! The decoder of links within a cluster: the same operations however the bytes are cut, and operations
//! written down again are what it finds.

use gannet_wire::route::{
    DecodeError, Decoded, Form, Interest, Limits, Message, RouteOp, decode, encode,
};
use gannet_wire::server_info::{ServerConnect, ServerInfo};

use crate::feed::{Found, in_any_pieces};

/// The usual form and limits; an account's own route and limits that short inputs reach (a line may be
/// 16 times the control line); an old peer.
const KINDS: [(Form<'static>, Limits); 3] = [
    (
        Form {
            account: None,
            unsub_origin: true,
        },
        Limits {
            control_line: 4096,
            payload: Limits::ANY_PAYLOAD,
        },
    ),
    (
        Form {
            account: Some(b"own"),
            unsub_origin: true,
        },
        Limits {
            control_line: 2,
            payload: 12,
        },
    ),
    (
        Form {
            account: None,
            unsub_origin: false,
        },
        Limits {
            control_line: 4096,
            payload: 1024,
        },
    ),
];

const ROOMY: Limits = Limits {
    control_line: usize::MAX,
    payload: Limits::ANY_PAYLOAD,
};

/// Decodes the bytes as what another server of the cluster sent.
pub fn route_decode(bytes: &[u8]) {
    for (form, limits) in &KINDS {
        in_any_pieces(bytes, |there| one(there, form, limits));
    }
}

fn one(there: &[u8], form: &Form<'_>, limits: &Limits) -> Found<String> {
    match decode(there, form, limits) {
        Ok(Decoded::Incomplete { need }) => Found::Need(need),
        Ok(Decoded::Op { op, used }) => {
            check(&op, form, limits);
            Found::Op(format!("{op:?}"), used)
        }
        Err(error) => {
            assert!(
                !error.to_string().contains('\n'),
                "a line of the log stays one line: {error}"
            );
            Found::Error(kind(&error))
        }
    }
}

/// What is the same wherever the bytes were cut: the text also quotes what was there to be quoted.
fn kind(error: &DecodeError) -> String {
    match error {
        DecodeError::UnknownOperation { state, at, .. } => {
            format!("unknown operation in state {state} at {at}")
        }
        other => other.to_string(),
    }
}

fn check(op: &RouteOp<'_>, form: &Form<'_>, limits: &Limits) {
    match op {
        RouteOp::Message(message) => check_message(message, form, limits),
        RouteOp::Interest(interest) | RouteOp::NoInterest(interest) => {
            check_interest(op, interest, form);
        }
        RouteOp::Info(json) => drop(ServerInfo::parse(json)),
        RouteOp::Connect(json) => drop(ServerConnect::parse(json)),
        RouteOp::Ping | RouteOp::Pong | RouteOp::Ok | RouteOp::Err(_) | RouteOp::Nothing => {}
    }
}

/// The account as a line names it.
fn named<'a>(account: &'a [u8], form: &Form<'a>) -> Option<&'a [u8]> {
    assert!(form.account.is_none_or(|own| own == account));
    form.account.is_none().then_some(account)
}

fn check_message(message: &Message<'_>, form: &Form<'_>, limits: &Limits) {
    assert!(message.payload.len() <= limits.payload);
    assert!(
        message
            .header_len
            .is_none_or(|len| len <= message.payload.len())
    );
    let head = encode::Head {
        origin: message.origin,
        account: named(message.account, form),
        subject: message.subject,
        reply: message.reply,
        header_len: message.header_len,
        size: message.payload.len(),
    };
    let mut line = Vec::new();
    encode::message(&mut line, &head, message.queues.iter());
    line.extend_from_slice(message.payload);
    line.extend_from_slice(b"\r\n");
    let again = match decode(&line, form, &ROOMY) {
        Ok(Decoded::Op {
            op: RouteOp::Message(again),
            used,
        }) if used == line.len() => again,
        other => panic!("{message:?} was written so that it is {other:?}"),
    };
    assert!(
        line.ends_with(again.tail) && !again.tail.is_empty(),
        "a tidy line can be repeated: {again:?}"
    );
    assert!(again.queues.iter().eq(message.queues.iter()));
    // The spacing of the original may have been unusual, and with it queues and tail.
    let same = Message {
        queues: message.queues,
        tail: message.tail,
        ..again
    };
    assert_eq!(&same, message);
}

fn check_interest(op: &RouteOp<'_>, interest: &Interest<'_>, form: &Form<'_>) {
    // An old peer's `LS-` has no origin, but is one of some origin.
    let origin = interest.leaf.then(|| interest.origin.unwrap_or(b"some"));
    let line = encode::Interest {
        origin,
        account: named(interest.account, form),
        subject: interest.subject,
        queue: interest.queue.map(|queue| (queue, interest.weight)),
    };
    let mut out = Vec::new();
    match op {
        RouteOp::Interest(_) => encode::interest(&mut out, &line),
        _ => encode::no_interest(&mut out, &line, interest.origin.is_some()),
    }
    let same = |again: &Interest<'_>| {
        Interest {
            weight: interest.weight,
            ..*again
        } == *interest
            && again.weight.max(1) == interest.weight.max(1)
    };
    match (op, decode(&out, form, &ROOMY)) {
        (
            RouteOp::Interest(_),
            Ok(Decoded::Op {
                op: RouteOp::Interest(again),
                ..
            }),
        ) if same(&again) => {}
        (
            RouteOp::NoInterest(_),
            Ok(Decoded::Op {
                op: RouteOp::NoInterest(again),
                ..
            }),
        ) if same(&again) => {}
        (_, other) => panic!("{op:?} was written so that it is {other:?}"),
    }
}
