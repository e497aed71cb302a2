//! The operations of a gateway link that carry no payload.

use super::decode::{Decoded, GatewayOp, Interest, LINK};
use super::{DecodeError, Limits};
use crate::link::{Row, first, read, row};
use crate::scan::parse_size;

/// A verb without payload.
#[derive(Clone, Copy)]
enum Verb {
    Info,
    Connect,
    Ping,
    Pong,
    Ok,
    Err,
    Interest,
    NoInterest,
    AccountInterest,
    NoAccountInterest,
    Message,
    /// A verb of clients: it can be read, but means nothing here. The reference ends the link without a word.
    Client,
}

const VERBS: [Row<Verb>; 16] = [
    row(b"RS+", true, &[57, 58, 45], Verb::Interest),
    row(b"RS-", true, &[57, 58, 63], Verb::NoInterest),
    row(b"PING", false, &[29, 34, 35, 36], Verb::Ping),
    row(b"PONG", false, &[29, 37, 38, 39], Verb::Pong),
    row(b"INFO", false, &[71, 72, 73, 74], Verb::Info),
    row(b"A+", true, &[48, 49], Verb::AccountInterest),
    row(b"A-", true, &[48, 52], Verb::NoAccountInterest),
    row(
        b"CONNECT",
        false,
        &[10, 11, 12, 13, 14, 15, 16],
        Verb::Connect,
    ),
    row(b"+OK", false, &[1, 2, 3], Verb::Ok),
    row(b"-ERR", true, &[4, 5, 6, 7], Verb::Err),
    row(b"RMSG", true, &[57, 66, 67, 68], Verb::Message),
    row(b"HMSG", true, &[18, 24, 25, 26], Verb::Message),
    row(b"SUB", true, &[43, 44, 45], Verb::Client),
    row(b"UNSUB", true, &[59, 60, 61, 62, 63], Verb::Client),
    row(b"PUB", true, &[29, 30, 31], Verb::Client),
    row(b"HPUB", true, &[18, 19, 20, 21], Verb::Client),
];

pub(super) fn control<'a>(buf: &'a [u8], limits: &Limits) -> Result<Decoded<'a>, DecodeError> {
    let Some(line) = read(LINK, &VERBS, buf, limits)? else {
        return Ok(Decoded::more(buf));
    };
    let (args, used) = (line.args, line.used);
    let op = match line.verb {
        Verb::Info => GatewayOp::Info(args),
        Verb::Connect => GatewayOp::Connect(args),
        Verb::Ping => GatewayOp::Ping,
        Verb::Pong => GatewayOp::Pong,
        Verb::Ok => GatewayOp::Ok,
        Verb::Err => GatewayOp::Err(args),
        Verb::Interest => GatewayOp::Interest(interest(args)?),
        Verb::NoInterest => GatewayOp::NoInterest(no_interest(args)?),
        Verb::AccountInterest => GatewayOp::AccountInterest(args),
        Verb::NoAccountInterest => GatewayOp::NoAccountInterest(args),
        // A message's verb with white space after it does not come here.
        Verb::Message => return Ok(Decoded::more(buf)),
        Verb::Client => {
            let text = "A client's operation on a gateway connection";
            return Err(DecodeError::arguments(text, args));
        }
    };
    Ok(Decoded::Op { op, used })
}

/// `account subject [queue weight]`
fn interest(args: &[u8]) -> Result<Interest<'_>, DecodeError> {
    let (account, rest) = first(args);
    let (subject, rest) = first(rest);
    let (queue, rest) = first(rest);
    let (weight, rest) = first(rest);
    let of_queue = !queue.is_empty();
    if subject.is_empty() || of_queue == weight.is_empty() || !rest.is_empty() {
        return Err(DecodeError::arguments(
            "processGatewaySubjectSub Parse Error",
            args,
        ));
    }
    let weight = parse_size(weight)
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or_default();
    Ok(Interest {
        account,
        subject,
        queue: of_queue.then_some(queue),
        weight,
    })
}

/// `account subject [queue]`
fn no_interest(args: &[u8]) -> Result<Interest<'_>, DecodeError> {
    let (account, rest) = first(args);
    let (subject, rest) = first(rest);
    let (queue, rest) = first(rest);
    if subject.is_empty() || !rest.is_empty() {
        return Err(DecodeError::arguments(
            "processGatewaySubjectUnsub parse error",
            args,
        ));
    }
    Ok(Interest {
        account,
        subject,
        queue: (!queue.is_empty()).then_some(queue),
        weight: 0,
    })
}
