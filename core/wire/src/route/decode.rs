//! Decoder of a route. It works in place: an operation borrows from the read buffer, nothing is copied
//! or allocated, nothing is kept between calls; an operation that is not there in full yet is looked at
//! again when more bytes have come.

use super::control::control;
use super::{DecodeError, Limits};
use crate::link::{self, Kind, Message};

/// What the reference server's log calls this kind of link.
pub(super) const LINK: &str = "Router";

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
pub type Decoded<'a> = link::Decoded<RouteOp<'a>>;

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
    let kind = match [a | 0x20, b | 0x20, c | 0x20, d | 0x20] {
        [b'r', b'm', b's', b'g'] => Kind::Plain,
        [b'h', b'm', b's', b'g'] => Kind::Headers,
        [b'l', b'm', b's', b'g'] => Kind::Origin,
        _ => return control(buf, form, limits),
    };
    link::message(LINK, buf, kind, form.account, limits, RouteOp::Message)
}
