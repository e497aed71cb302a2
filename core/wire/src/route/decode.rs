//! Decoder of a route. It works in place: an operation borrows from the read buffer, nothing is copied
//! or allocated, nothing is kept between calls; an operation that is not there in full yet is looked at
//! again when more bytes have come.

use super::control::control;
use super::message::{Kind, message};
use super::{DecodeError, Limits};
use crate::queues::Queues;

/// What both sides agreed on when the connection was made, as far as it changes the form of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<'a> {
    /// The account that has this route to itself: lines do not name it, operations do. Until the INFO
    /// with `route_account` has come, and always on pooled routes, `None`.
    pub account: Option<&'a [u8]>,
    /// `LS-` names the cluster of origin: the peer said `lnocu`.
    pub unsub_origin: bool,
}

/// What one call found at the start of the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A whole operation, `used` bytes long.
    Op {
        /// The operation.
        op: RouteOp<'a>,
        /// Bytes it took up.
        used: usize,
    },
    /// Not a whole operation yet.
    Incomplete {
        /// Bytes, counted from the start of the buffer, that the operation has at least.
        need: usize,
    },
}

/// One operation on a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteOp<'a> {
    /// `RMSG`, `HMSG` or `LMSG`: a message.
    Message(Message<'a>),
    /// `RS+` or `LS+`: there is interest now, or its weight has changed.
    Interest(Interest<'a>),
    /// `RS-` or `LS-`: there is no such interest any more.
    NoInterest(Interest<'a>),
    /// `INFO` with its JSON text.
    Info(&'a [u8]),
    /// `CONNECT` with its JSON text.
    Connect(&'a [u8]),
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
    /// `+OK`.
    Ok,
    /// `-ERR` with its text, quotes included.
    Err(&'a [u8]),
    /// A line that can be read but means nothing on a route: `A+`, `A-` (of gateways) and `SUB` (of
    /// clients).
    Nothing,
}

/// A message from one server of the cluster to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Name of the cluster of leaf nodes that the message came from, if the line says so (`LMSG`).
    pub origin: Option<&'a [u8]>,
    /// Name of the account.
    pub account: &'a [u8],
    /// Subject, not yet checked.
    pub subject: &'a [u8],
    /// Reply subject as it came; empty if there is none.
    pub reply: &'a [u8],
    /// The queue groups, one member of each of which gets the message.
    pub queues: Queues<'a>,
    /// Length of the header block at the start of `payload`; `None` if the line names none (`RMSG`) or
    /// is an `LMSG` without headers.
    pub header_len: Option<usize>,
    /// Header block and body, without the line end after them.
    pub payload: &'a [u8],
    /// The bytes from the sizes on, up to and including the line end after the payload, just as a
    /// delivery to a client repeats them: `[header_len ]size\r\n<payload>\r\n`. Empty if the sender's
    /// own spacing was unusual; the delivery must then be written from the parts.
    pub tail: &'a [u8],
}

/// Interest of a server in a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest<'a> {
    /// Name of the cluster of leaf nodes that the interest comes from, if the line says so. `None` for
    /// `RS+` and `RS-`.
    pub origin: Option<&'a [u8]>,
    /// Whether the line was `LS+` or `LS-`. An `LS-` of an old peer has no origin: it ends the interest
    /// of whichever origin.
    pub leaf: bool,
    /// Name of the account.
    pub account: &'a [u8],
    /// Subject or pattern, not yet checked.
    pub subject: &'a [u8],
    /// Name of the queue group, if it is a queue subscription.
    pub queue: Option<&'a [u8]>,
    /// Members of the queue group that the server has; 0 where there is none, or none that can be read.
    pub weight: u32,
}

/// Finds the operation at the start of `buf`.
///
/// # Errors
///
/// If no operation begins so; the connection must end.
#[inline]
pub fn decode<'a>(
    buf: &'a [u8],
    form: &Form<'a>,
    limits: &Limits,
) -> Result<Decoded<'a>, DecodeError> {
    let [a, b, c, d, b' ' | b'\t', ..] = buf else {
        return control(buf, form, limits);
    };
    match [a | 0x20, b | 0x20, c | 0x20, d | 0x20] {
        [b'r', b'm', b's', b'g'] => message(buf, Kind::Plain, form, limits),
        [b'h', b'm', b's', b'g'] => message(buf, Kind::Headers, form, limits),
        [b'l', b'm', b's', b'g'] => message(buf, Kind::Origin, form, limits),
        _ => control(buf, form, limits),
    }
}

/// A line that is not there in full: one more byte at least.
pub(super) fn incomplete<'a>(buf: &[u8]) -> Decoded<'a> {
    Decoded::Incomplete {
        need: buf.len() + 1,
    }
}
