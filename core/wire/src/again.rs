//! One more message like the last: publishers and links send long runs on one subject, and what begins
//! just as the message before need not be taken apart again. Not here: the first of a run.

use crate::scan::{ends_line, number};

/// A message without a reply, as far as it differs from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again<'a> {
    /// Length of the header block at the start of `payload`; `None` if it has none.
    pub header_len: Option<usize>,
    /// Header block and body, without the line end after them.
    pub payload: &'a [u8],
    /// The bytes from the sizes to the line end after the payload, as a delivery repeats them.
    pub tail: &'a [u8],
    /// Length of the message's first line, without its line end.
    pub line_len: usize,
    /// Length of the whole message.
    pub used: usize,
}

/// Finds one more message at the start of `buf` that begins with `start`, the line of the last one up to
/// its sizes. With `headers`, there are two sizes. `None` says nothing about the bytes but that the
/// decoder must look; a payload over `max_payload` is left to it, too.
#[inline]
pub fn message_again<'a>(
    buf: &'a [u8],
    start: &[u8],
    headers: bool,
    max_payload: usize,
) -> Option<Again<'a>> {
    if !buf.starts_with(start) {
        return None;
    }
    let (header_len, size, line_len) = sizes(buf, start.len(), headers)?;
    let end = line_len + 2 + size;
    if size > max_payload || !ends_line(buf, end) {
        return None;
    }
    Some(Again {
        header_len,
        payload: &buf[line_len + 2..end],
        tail: &buf[start.len()..end + 2],
        line_len,
        used: end + 2,
    })
}

/// `[header_len ]size\r\n` from `at` on, and where its CR is.
#[inline(always)]
pub(crate) fn sizes(buf: &[u8], at: usize, headers: bool) -> Option<(Option<usize>, usize, usize)> {
    if !headers {
        let (size, end) = number(buf, at)?;
        return ends_line(buf, end).then_some((None, size, end));
    }
    let (header_len, end) = number(buf, at)?;
    if buf.get(end) != Some(&b' ') {
        return None;
    }
    let (size, end) = number(buf, end + 1)?;
    let usual = ends_line(buf, end) && header_len > 0 && header_len <= size;
    usual.then_some((Some(header_len), size, end))
}
