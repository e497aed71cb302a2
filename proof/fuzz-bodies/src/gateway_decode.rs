//! The decoder of links between clusters: the same operations however the bytes are cut, and messages
//! written down again are what it finds.

use gannet_wire::gateway::{
    DecodeError, Decoded, GatewayOp, Interest, Limits, Message, decode, encode,
};
use gannet_wire::server_info::{ServerConnect, ServerInfo};

use crate::feed::{Found, in_any_pieces};

/// The usual limits, and ones that short inputs reach (a line may be 16 times the control line).
const LIMITS: [Limits; 2] = [
    Limits {
        control_line: 4096,
        payload: Limits::ANY_PAYLOAD,
    },
    Limits {
        control_line: 2,
        payload: 12,
    },
];

/// Decodes the bytes as what a server of another cluster sent.
pub fn gateway_decode(bytes: &[u8]) {
    for limits in &LIMITS {
        in_any_pieces(bytes, |there| one(there, limits));
    }
}

fn one(there: &[u8], limits: &Limits) -> Found<String> {
    match decode(there, limits) {
        Ok(Decoded::Incomplete { need }) => Found::Need(need),
        Ok(Decoded::Op { op, used }) => {
            check(&op, limits);
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

fn check(op: &GatewayOp<'_>, limits: &Limits) {
    match op {
        GatewayOp::Message(message) => check_message(message, limits),
        GatewayOp::Interest(interest) => check_interest(op, interest, encode::interest),
        GatewayOp::NoInterest(interest) => check_interest(op, interest, encode::no_interest),
        GatewayOp::AccountInterest(account) => check_account(op, account, encode::account_interest),
        GatewayOp::NoAccountInterest(account) => {
            check_account(op, account, encode::no_account_interest)
        }
        GatewayOp::Info(json) => drop(ServerInfo::parse(json)),
        GatewayOp::Connect(json) => drop(ServerConnect::parse(json)),
        GatewayOp::Ping | GatewayOp::Pong | GatewayOp::Ok | GatewayOp::Err(_) => {}
    }
}

const ROOMY: Limits = Limits {
    control_line: usize::MAX,
    payload: Limits::ANY_PAYLOAD,
};

fn check_message(message: &Message<'_>, limits: &Limits) {
    assert!(message.payload.len() <= limits.payload);
    assert!(
        message
            .header_len
            .is_none_or(|len| len <= message.payload.len())
    );
    let head = encode::Head {
        account: message.account,
        subject: message.subject,
        reply_prefix: b"",
        reply: message.reply,
        header_len: message.header_len,
        size: message.payload.len(),
    };
    let mut line = Vec::new();
    encode::message(&mut line, &head, message.queues.iter());
    line.extend_from_slice(message.payload);
    line.extend_from_slice(b"\r\n");
    let again = match decode(&line, &ROOMY) {
        Ok(Decoded::Op {
            op: GatewayOp::Message(again),
            used,
        }) if used == line.len() => again,
        other => panic!("{message:?} was written so that it is {other:?}"),
    };
    let parts = |m: &Message<'_>| {
        let queues: Vec<Vec<u8>> = m.queues.iter().map(<[u8]>::to_vec).collect();
        (
            m.account.to_vec(),
            m.subject.to_vec(),
            m.reply.to_vec(),
            queues,
            m.header_len,
            m.payload.to_vec(),
        )
    };
    assert_eq!(parts(&again), parts(message));
}

type WriteInterest = fn(&mut Vec<u8>, &[u8], &[u8], Option<&[u8]>);

fn check_interest(op: &GatewayOp<'_>, interest: &Interest<'_>, write: WriteInterest) {
    let mut line = Vec::new();
    write(
        &mut line,
        interest.account,
        interest.subject,
        interest.queue,
    );
    let same = |again: &Interest<'_>| {
        (again.account, again.subject, again.queue)
            == (interest.account, interest.subject, interest.queue)
    };
    match (op, decode(&line, &ROOMY)) {
        (
            GatewayOp::Interest(_),
            Ok(Decoded::Op {
                op: GatewayOp::Interest(again),
                ..
            }),
        ) if same(&again) => {}
        (
            GatewayOp::NoInterest(_),
            Ok(Decoded::Op {
                op: GatewayOp::NoInterest(again),
                ..
            }),
        ) if same(&again) => {}
        (_, other) => panic!("{op:?} was written so that it is {other:?}"),
    }
}

fn check_account(op: &GatewayOp<'_>, account: &[u8], write: fn(&mut Vec<u8>, &[u8])) {
    let mut line = Vec::new();
    write(&mut line, account);
    match decode(&line, &ROOMY) {
        Ok(Decoded::Op { op: again, .. }) => assert_eq!(&again, op),
        other => panic!("{op:?} was written so that it is {other:?}"),
    }
}
