//! The shortcuts for nearly all traffic: a whole `PUB` or `HPUB` in its usual spacing, in one pass over
//! its line. Not here: everything else that a client may send (`decode`), which sees in these bytes
//! just what the shortcuts see.

use super::decode::{Limits, Publish};
use crate::again::{message_again, sizes};
use crate::scan::{ends_line, space_or_control};

/// Finds a whole `PUB` or `HPUB` in upper case with single spaces and CR LF at the start of `buf`, within
/// the limits; answers it and its length. `None` says nothing about the bytes but that
/// [`decode`](super::decode()) must look.
#[inline]
pub fn decode_plain_publish<'a>(buf: &'a [u8], limits: &Limits) -> Option<(Publish<'a>, usize)> {
    let verb = match buf {
        [b'P', b'U', b'B', b' ', ..] => 4,
        [b'H', b'P', b'U', b'B', b' ', ..] => 5,
        _ => return None,
    };
    let (subject, end) = word(buf, verb)?;
    arguments(buf, verb, subject, end + 1, limits)
}

/// Finds one more message without a reply that begins as the last one did: `start` is that one's line from its verb to the
/// space after its subject. Publishers send long runs of them, and nothing has to be looked at twice.
#[inline]
pub fn decode_publish_again<'a>(
    buf: &'a [u8],
    start: &[u8],
    limits: &Limits,
) -> Option<(Publish<'a>, usize)> {
    let verb = if start.first() == Some(&b'H') { 5 } else { 4 };
    let subject = buf.get(verb..start.len() - 1)?;
    let again = message_again(buf, start, verb == 5, limits.payload)?;
    if again.line_len - verb > limits.control_line {
        return None;
    }
    let publish = Publish {
        subject,
        reply: &subject[..0],
        header_len: again.header_len,
        payload: again.payload,
        tail: again.tail,
    };
    Some((publish, again.used))
}

/// What follows the subject: `[reply ][header_len ]size\r\n<payload>\r\n`, from `at` on.
#[inline(always)]
fn arguments<'a>(
    buf: &'a [u8],
    verb: usize,
    subject: &'a [u8],
    at: usize,
    limits: &Limits,
) -> Option<(Publish<'a>, usize)> {
    let headers = verb == 5;
    let mut reply = &buf[at - 1..at - 1];
    let mut sizes_at = at;
    let (header_len, size, line_end) = match sizes(buf, sizes_at, headers) {
        Some(found) => found,
        None => {
            let (found, end) = word(buf, at)?;
            reply = found;
            sizes_at = end + 1;
            sizes(buf, sizes_at, headers)?
        }
    };
    let end = line_end + 2 + size;
    if !ends_line(buf, end) || size > limits.payload || line_end - verb > limits.control_line {
        return None;
    }
    let publish = Publish {
        subject,
        reply,
        header_len,
        payload: &buf[line_end + 2..end],
        tail: &buf[sizes_at..end + 2],
    };
    Some((publish, end + 2))
}

/// A word that begins at `at` and ends at a space; answers it and where the space is.
#[inline(always)]
fn word(buf: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let len = space_or_control(buf.get(at..)?)?;
    (len > 0 && buf[at + len] == b' ').then(|| (&buf[at..at + len], at + len))
}
