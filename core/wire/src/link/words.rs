//! Words of a line between servers: splitting, trimming, queue groups. Not here: what they mean.

use memchr::memchr;

use super::{DecodeError, Limits};

#[inline]
pub(crate) fn is_space(b: u8) -> bool {
    b <= b' ' && matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// The words of `text`.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&b| is_space(b)).filter(|word| !word.is_empty())
}

/// Splits the first word off `text`, which starts with it.
#[inline]
pub(crate) fn first(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&b| is_space(b)).unwrap_or(text.len());
    (&text[..end], trim_start(&text[end..]))
}

/// Splits the last word off `text`, which ends with it; answers what is before it, and it.
#[inline]
pub(crate) fn last(text: &[u8]) -> (&[u8], &[u8]) {
    let start = text
        .iter()
        .rposition(|&b| is_space(b))
        .map_or(0, |at| at + 1);
    (trim_end(&text[..start]), &text[start..])
}

#[inline]
fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&b| !is_space(b));
    &text[start.unwrap_or(text.len())..]
}

#[inline]
fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&b| !is_space(b));
    &text[..end.map_or(0, |at| at + 1)]
}

/// Finds the line that starts at `from`: its text without outer white space, and where the next line
/// starts. `None` if its end has not come yet.
#[inline]
pub(crate) fn line<'a>(
    buf: &'a [u8],
    from: usize,
    limits: &Limits,
) -> Result<Option<(&'a [u8], usize)>, DecodeError> {
    let limit = limits.line();
    let rest = &buf[from..];
    let Some(end) = memchr(b'\n', rest) else {
        // Two more than the limit: white space after the verb, and a CR.
        let over = rest.len() > limit.saturating_add(2);
        return if over {
            Err(DecodeError::ControlLine)
        } else {
            Ok(None)
        };
    };
    let text = trim_start(trim_end(&rest[..end]));
    // The white space counts, too, so that a line is as long in pieces as it is whole.
    if text.len() > limit || end > limit.saturating_add(2) {
        return Err(DecodeError::ControlLine);
    }
    Ok(Some((text, from + end + 1)))
}
