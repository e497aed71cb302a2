//! The operations of a route that carry no payload.

use super::decode::{Decoded, Form, Interest, LINK, RouteOp};
use super::{DecodeError, Limits};
use crate::link::{Row, first, read, row, words};
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
    LeafInterest,
    NoInterest,
    NoLeafInterest,
    Message,
    /// A verb of other kinds of connections that means nothing here.
    Nothing,
    /// A client's message, which has a payload that nobody wants.
    Publish,
}

const VERBS: [Row<Verb>; 19] = [
    row(b"RS+", true, &[57, 58, 45], Verb::Interest),
    row(b"RS-", true, &[57, 58, 63], Verb::NoInterest),
    row(b"LS+", true, &[55, 56, 45], Verb::LeafInterest),
    row(b"LS-", true, &[55, 56, 63], Verb::NoLeafInterest),
    row(b"PING", false, &[29, 34, 35, 36], Verb::Ping),
    row(b"PONG", false, &[29, 37, 38, 39], Verb::Pong),
    row(b"INFO", false, &[71, 72, 73, 74], Verb::Info),
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
    row(b"LMSG", true, &[55, 66, 67, 68], Verb::Message),
    row(b"A+", true, &[48, 49], Verb::Nothing),
    row(b"A-", true, &[48, 52], Verb::Nothing),
    row(b"SUB", true, &[43, 44, 45], Verb::Nothing),
    row(b"UNSUB", true, &[59, 60, 61, 62, 63], Verb::NoInterest),
    row(b"PUB", true, &[29, 30, 31], Verb::Publish),
    row(b"HPUB", true, &[18, 19, 20, 21], Verb::Publish),
];

pub(super) fn control<'a>(
    buf: &'a [u8],
    form: &Form<'a>,
    limits: &Limits,
) -> Result<Decoded<'a>, DecodeError> {
    let Some(line) = read(LINK, &VERBS, buf, limits)? else {
        return Ok(Decoded::more(buf));
    };
    let (args, used) = (line.args, line.used);
    let op = match line.verb {
        Verb::Info => RouteOp::Info(args),
        Verb::Connect => RouteOp::Connect(args),
        Verb::Ping => RouteOp::Ping,
        Verb::Pong => RouteOp::Pong,
        Verb::Ok => RouteOp::Ok,
        Verb::Err => RouteOp::Err(args),
        Verb::Interest => RouteOp::Interest(interest(args, false, form)?),
        Verb::LeafInterest => RouteOp::Interest(interest(args, true, form)?),
        Verb::NoInterest => RouteOp::NoInterest(no_interest(args, false, form)?),
        Verb::NoLeafInterest => RouteOp::NoInterest(no_interest(args, true, form)?),
        Verb::Nothing => RouteOp::Nothing,
        // A message's verb with white space after it does not come here.
        Verb::Message => return Ok(Decoded::more(buf)),
        Verb::Publish => {
            let text = "A client's operation on a route";
            return Err(DecodeError::arguments(text, args));
        }
    };
    Ok(Decoded::Op { op, used })
}

/// Reads the words in front of queue and weight: `[origin] [account] subject`. `None` if there are not
/// as many.
fn target<'a>(
    args: &'a [u8],
    has_origin: bool,
    leaf: bool,
    form: &Form<'a>,
) -> Option<(Interest<'a>, &'a [u8])> {
    let (origin, rest) = match has_origin {
        true => first(args),
        false => (&b""[..], args),
    };
    let (account, rest) = match form.account {
        Some(account) => (account, rest),
        None => first(rest),
    };
    let (subject, rest) = first(rest);
    let interest = Interest {
        origin: has_origin.then_some(origin),
        leaf,
        account,
        subject,
        queue: None,
        weight: 0,
    };
    (!subject.is_empty()).then_some((interest, rest))
}

/// `[origin] [account] subject [queue weight]`
fn interest<'a>(args: &'a [u8], leaf: bool, form: &Form<'a>) -> Result<Interest<'a>, DecodeError> {
    let found = target(args, leaf, leaf, form);
    if let Some((interest, rest)) = found {
        let (queue, rest) = first(rest);
        let (weight, rest) = first(rest);
        match (queue, weight, rest) {
            (b"", ..) => return Ok(interest),
            (queue, weight, b"") if !weight.is_empty() => {
                let weight = parse_size(weight).and_then(|n| u32::try_from(n).ok());
                return Ok(Interest {
                    queue: Some(queue),
                    weight: weight.unwrap_or_default(),
                    ..interest
                });
            }
            _ => {}
        }
    }
    let mut shown = alloc::vec![if leaf { b'L' } else { b'R' }, b' '];
    shown.extend_from_slice(args);
    Err(DecodeError::arguments(
        "processRemoteSub Parse Error",
        &shown,
    ))
}

/// `[origin] [account] subject [queue]`
fn no_interest<'a>(
    args: &'a [u8],
    leaf: bool,
    form: &Form<'a>,
) -> Result<Interest<'a>, DecodeError> {
    if let Some((interest, rest)) = target(args, leaf && form.unsub_origin, leaf, form) {
        let mut rest = words(rest);
        let queue = rest.next();
        if rest.next().is_none() {
            return Ok(Interest { queue, ..interest });
        }
    }
    let text = "processRemoteUnsub parse error";
    Err(DecodeError::arguments(text, args))
}
