//! Decoder of a gateway link. It works in place: an operation borrows from the read buffer, nothing is
//! copied or allocated, nothing is kept between calls; an operation that is not there in full yet is
//! looked at again when more bytes have come.

use super::control::control;
use super::{DecodeError, Limits};
use crate::link::{self, Kind, Message};

/// What the reference server's log calls this kind of link.
pub(super) const LINK: &str = "Gateway";

/// What one call found at the start of the buffer.
pub type Decoded<'a> = link::Decoded<GatewayOp<'a>>;

/// One operation on a gateway link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayOp<'a> {
    /// `RMSG` or `HMSG`: a message, from the dialler to the acceptor.
    Message(Message<'a>),
    /// `RS+`: from the acceptor, there is interest now.
    Interest(Interest<'a>),
    /// `RS-`: from the acceptor, there is no such interest any more, or none at all.
    NoInterest(Interest<'a>),
    /// `A+`: from the acceptor, the account has interest again.
    AccountInterest(&'a [u8]),
    /// `A-`: from the acceptor, the account has no interest at all.
    NoAccountInterest(&'a [u8]),
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
}

/// Interest of a cluster in a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest<'a> {
    /// Name of the account.
    pub account: &'a [u8],
    /// Subject or pattern, not yet checked.
    pub subject: &'a [u8],
    /// Name of the queue group, if it is a queue subscription.
    pub queue: Option<&'a [u8]>,
    /// The weight sent with a queue group: 1 from all known servers, which ignore it; 0 where there is
    /// none.
    pub weight: u32,
}

/// Finds the operation at the start of `buf`.
///
/// # Errors
///
/// If no operation begins so; the connection must end.
#[inline]
pub fn decode<'a>(buf: &'a [u8], limits: &Limits) -> Result<Decoded<'a>, DecodeError> {
    let [a, b, c, d, b' ' | b'\t', ..] = buf else {
        return control(buf, limits);
    };
    let kind = match [a | 0x20, b | 0x20, c | 0x20, d | 0x20] {
        [b'r', b'm', b's', b'g'] => Kind::Plain,
        [b'h', b'm', b's', b'g'] => Kind::Headers,
        _ => return control(buf, limits),
    };
    link::message(LINK, buf, kind, None, limits, GatewayOp::Message)
}
