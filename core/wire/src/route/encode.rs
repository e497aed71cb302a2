//! Lines of a route. Each function appends to a buffer of the caller's, which grows as needed
//! (`Vec<u8>` or `BytesMut`).

use bytes::BufMut;

use crate::gateway::encode::decimal;
pub use crate::gateway::encode::{PING, PONG, connect, err, info};

/// Interest of this server in a subject, and how to spell it for the peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interest<'a> {
    /// The cluster of leaf nodes that the interest comes from: `LS+` and `LS-` instead of `RS+` and
    /// `RS-`. Leave it out for a peer that did not say `lnoc`.
    pub origin: Option<&'a [u8]>,
    /// Name of the account; `None` on the account's own route.
    pub account: Option<&'a [u8]>,
    /// Subject or pattern.
    pub subject: &'a [u8],
    /// Name of the queue group and how many members it has here, if it is a queue subscription. A
    /// weight of 0 is written as 1, since `RS-` says that there is none.
    pub queue: Option<(&'a [u8], u32)>,
}

/// Appends `RS+ [account] subject [queue weight]`, or `LS+ origin [account] subject [queue weight]`. It
/// also tells a new weight.
pub fn interest(out: &mut impl BufMut, interest: &Interest<'_>) {
    words(out, interest, b"RS+ ", b"LS+ ", true);
    if let Some((_, weight)) = interest.queue {
        out.put_slice(b" ");
        decimal(out, usize::try_from(weight.max(1)).unwrap_or(usize::MAX));
    }
    out.put_slice(b"\r\n");
}

/// Appends `RS- [account] subject [queue]`, or `LS- [origin] [account] subject [queue]`. The origin is
/// left out if `origin_in_unsub` is false: the peer did not say `lnocu`.
pub fn no_interest(out: &mut impl BufMut, interest: &Interest<'_>, origin_in_unsub: bool) {
    words(out, interest, b"RS- ", b"LS- ", origin_in_unsub);
    out.put_slice(b"\r\n");
}

fn words(
    out: &mut impl BufMut,
    interest: &Interest<'_>,
    plain: &[u8],
    leaf: &[u8],
    tell_origin: bool,
) {
    out.put_slice(if interest.origin.is_some() {
        leaf
    } else {
        plain
    });
    let origin = interest.origin.filter(|_| tell_origin);
    for word in [origin, interest.account].into_iter().flatten() {
        out.put_slice(word);
        out.put_slice(b" ");
    }
    out.put_slice(interest.subject);
    if let Some((queue, _)) = interest.queue {
        out.put_slice(b" ");
        out.put_slice(queue);
    }
}

/// A message as its first line names it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// The cluster of leaf nodes that the message came from: `LMSG`. Leave it out for a peer that did
    /// not say `lnoc`.
    pub origin: Option<&'a [u8]>,
    /// Name of the account; `None` on the account's own route.
    pub account: Option<&'a [u8]>,
    /// Subject.
    pub subject: &'a [u8],
    /// Reply subject; empty if there is none.
    pub reply: &'a [u8],
    /// Length of the header block; `None` if there is none, or the peer takes none (the block itself
    /// must then be left out, too).
    pub header_len: Option<usize>,
    /// Length of header block and body.
    pub size: usize,
}

/// Appends the first line of a message, `RMSG`, `HMSG` or `LMSG`; the payload and a CRLF must follow.
pub fn message<'q>(
    out: &mut impl BufMut,
    head: &Head<'_>,
    queues: impl IntoIterator<Item = &'q [u8]>,
) {
    prefix(out, head, queues);
    match (head.origin, head.header_len) {
        (None, None) => {}
        (_, len) => {
            decimal(out, len.unwrap_or_default());
            out.put_slice(b" ");
        }
    }
    decimal(out, head.size);
    out.put_slice(b"\r\n");
}

/// Appends a message's line up to the sizes: what all messages of one subject and reply to one route
/// have in common. The sizes in `head` are not looked at, but for whether there are headers.
pub fn prefix<'q>(
    out: &mut impl BufMut,
    head: &Head<'_>,
    queues: impl IntoIterator<Item = &'q [u8]>,
) {
    out.put_slice(match (head.origin, head.header_len) {
        (Some(_), _) => b"LMSG ",
        (None, Some(_)) => b"HMSG ",
        (None, None) => b"RMSG ",
    });
    for word in [head.origin, head.account].into_iter().flatten() {
        out.put_slice(word);
        out.put_slice(b" ");
    }
    out.put_slice(head.subject);
    out.put_slice(b" ");
    let mut queues = queues.into_iter().peekable();
    let has_reply = !head.reply.is_empty();
    if queues.peek().is_some() {
        out.put_slice(if has_reply { b"+ " } else { b"| " });
    }
    if has_reply {
        out.put_slice(head.reply);
        out.put_slice(b" ");
    }
    for queue in queues {
        out.put_slice(queue);
        out.put_slice(b" ");
    }
}
