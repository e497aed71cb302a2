//! Reading: from a full read buffer to operations. Not here: what becomes of them.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gannet_session::client::{Answer, Bounds, ClientLimits, ClientSession};
use gannet_units::Moment;
use gannet_wire::client::{
    ClientOp, Decoded, Limits, decode, decode_plain_publish, decode_publish_again,
};
use gannet_wire::gateway;

use crate::room::{BATCH, SUBJECT};

/// The header block of messages that have one.
pub(crate) const HEADERS: &str = "NATS/1.0\r\nTrace: 4bf92f3577b34da6\r\n\r\n";

const LIMITS: Limits = Limits {
    control_line: 4096,
    payload: 1 << 20,
};

/// A read buffer: `line`, which ends with the sizes, and the payload, as many times as a batch has
/// messages.
pub(crate) fn read_buffer(line: &str, payload: &str) -> Vec<u8> {
    format!("{line}\r\n{payload}\r\n")
        .repeat(BATCH)
        .into_bytes()
}

/// Reads `n` operations; `next` answers how long the one at the start is, and how long its payload.
fn read(n: usize, buffer: &[u8], mut next: impl FnMut(&[u8]) -> Option<(usize, usize)>) -> usize {
    let mut payloads = 0;
    let mut left = &buffer[..0];
    for _ in 0..n {
        if left.is_empty() {
            left = black_box(buffer);
        }
        let Some((used, payload)) = next(left) else {
            return payloads;
        };
        payloads += payload;
        left = &left[used..];
    }
    payloads
}

/// The way of nearly all messages of clients.
pub(crate) fn plain_pub<const SIZE: usize>(n: usize) -> usize {
    let buffer = read_buffer(&format!("PUB {SUBJECT} {SIZE}"), &"x".repeat(SIZE));
    read(n, &buffer, |bytes| {
        let (publish, used) = decode_plain_publish(bytes, &LIMITS)?;
        Some((used, black_box(&publish).payload.len()))
    })
}

/// Messages on the subject of the one before.
pub(crate) fn pub_again<const SIZE: usize>(n: usize) -> usize {
    let buffer = read_buffer(&format!("PUB {SUBJECT} {SIZE}"), &"x".repeat(SIZE));
    let start = format!("PUB {SUBJECT} ");
    read(n, &buffer, |bytes| {
        let (publish, used) = decode_publish_again(bytes, black_box(start.as_bytes()), &LIMITS)?;
        Some((used, black_box(&publish).payload.len()))
    })
}

fn any(n: usize, buffer: &[u8]) -> usize {
    read(n, buffer, |bytes| match decode(bytes, &LIMITS) {
        Ok(Decoded::Op {
            op: ClientOp::Publish(publish),
            used,
        }) => Some((used, black_box(&publish).payload.len())),
        _ => None,
    })
}

/// The same messages through the decoder of every operation.
pub(crate) fn any_pub<const SIZE: usize>(n: usize) -> usize {
    any(
        n,
        &read_buffer(&format!("PUB {SUBJECT} {SIZE}"), &"x".repeat(SIZE)),
    )
}

/// Messages with headers.
pub(crate) fn any_hpub<const SIZE: usize>(n: usize) -> usize {
    let (header, total) = (HEADERS.len(), HEADERS.len() + SIZE);
    let payload = format!("{HEADERS}{}", "x".repeat(SIZE));
    any(
        n,
        &read_buffer(&format!("HPUB {SUBJECT} {header} {total}"), &payload),
    )
}

/// Messages of another cluster.
pub(crate) fn rmsg<const SIZE: usize>(n: usize) -> usize {
    let limits = gateway::Limits {
        control_line: LIMITS.control_line,
        payload: gateway::Limits::ANY_PAYLOAD,
    };
    let buffer = read_buffer(&format!("RMSG $G {SUBJECT} {SIZE}"), &"x".repeat(SIZE));
    read(n, &buffer, |bytes| match gateway::decode(bytes, &limits) {
        Ok(gateway::Decoded::Op {
            op: gateway::GatewayOp::Message(message),
            used,
        }) => Some((used, black_box(&message).payload.len())),
        _ => None,
    })
}

/// A conversation in which the client may publish.
pub(crate) fn ready_session() -> ClientSession {
    let limits = ClientLimits {
        control_line: LIMITS.control_line,
        payload: LIMITS.payload,
        subscriptions: 0,
        subject_tokens: 0,
        ping_interval: Duration::from_secs(120),
        pings_out: 2,
        headers: true,
        auth_timeout: None,
        may_be_nobody: false,
    };
    let mut session = ClientSession::new(Arc::new(limits), Moment::START, 1);
    let connect = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1}\r\n";
    let mut said = Vec::new();
    session.step(connect, Moment::START, &mut said);
    let answer = Answer::Admitted {
        rights: None,
        bounds: Bounds::default(),
        until: Moment::NEVER,
    };
    session.authenticated(answer, &mut said);
    session
}

fn session(n: usize, buffer: &[u8]) -> usize {
    let session = black_box(ready_session());
    read(n, buffer, |bytes| {
        let (publish, used) = session.plain_publish(bytes)?;
        Some((used, black_box(&publish).payload.len()))
    })
}

/// Messages that the session has a look at.
pub(crate) fn session_pub<const SIZE: usize>(n: usize) -> usize {
    session(
        n,
        &read_buffer(&format!("PUB {SUBJECT} {SIZE}"), &"x".repeat(SIZE)),
    )
}

/// The same with a reply subject.
pub(crate) fn session_request<const SIZE: usize>(n: usize) -> usize {
    let line = format!("PUB {SUBJECT} _INBOX.jyBLJCP8XoBGCZN6vBsJYd.4f {SIZE}");
    session(n, &read_buffer(&line, &"x".repeat(SIZE)))
}
