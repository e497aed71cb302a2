//! What all line protocols of the family share: finding a verb, a line, its arguments, a size.
//! Not here: the verbs themselves.

/// Longest decimal size accepted: up to 999,999,999 bytes, as the reference server has it.
pub(crate) const SIZE_DIGITS: usize = 9;

/// Result of looking for a verb.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// The verb at this position of the table.
    Is(usize),
    /// So far the bytes are the beginning of one.
    Incomplete,
    /// No verb begins so.
    Unknown,
}

/// Finds which of `verbs` (upper case, with whether white space must follow) the buffer begins with,
/// in any case.
pub(crate) fn verb(buf: &[u8], verbs: &[(&[u8], bool)]) -> Verb {
    let mut possible = false;
    for (at, (name, wants_space)) in verbs.iter().enumerate() {
        let have = &buf[..buf.len().min(name.len())];
        if !name[..have.len()].eq_ignore_ascii_case(have) {
            continue;
        }
        match buf.get(name.len()) {
            None => possible = true,
            Some(b' ' | b'\t') => return Verb::Is(at),
            Some(_) if !wants_space => return Verb::Is(at),
            Some(_) => {}
        }
    }
    if possible {
        Verb::Incomplete
    } else {
        Verb::Unknown
    }
}

/// Result of looking for the end of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A whole line: its text without line end and outer white space, and the bytes up to and
    /// including the line end.
    Whole { text: &'a [u8], used: usize },
    /// No line end yet.
    Incomplete,
    /// More than the limit.
    TooLong,
}

/// Finds the end of the line that `buf` starts with; a bare LF ends it too. White space in front counts
/// towards the limit like the rest, so that a line is as long in pieces as it is whole.
#[inline]
pub(crate) fn line(buf: &[u8], limit: usize) -> Line<'_> {
    match memchr::memchr(b'\n', buf) {
        Some(end) => {
            let text = match &buf[..end] {
                [text @ .., b'\r'] => text,
                text => text,
            };
            let text = match text.first() {
                Some(b' ' | b'\t') => {
                    let words = text.iter().position(|b| !matches!(b, b' ' | b'\t'));
                    &text[words.unwrap_or(text.len())..]
                }
                _ => text,
            };
            if text.len() > limit || end > limit.saturating_add(2) {
                return Line::TooLong;
            }
            Line::Whole {
                text,
                used: end + 1,
            }
        }
        None if buf.len() > limit.saturating_add(2) => Line::TooLong,
        None => Line::Incomplete,
    }
}

/// Position of the first byte that ends a word: a space or below. Eight bytes at a time, since words are
/// too short for a call to pay.
#[inline(always)]
pub(crate) fn space_or_control(buf: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(eight) = buf.get(at..).and_then(<[u8]>::first_chunk) {
        let x = u64::from_le_bytes(*eight);
        // The top bit of each byte below 0x21; a borrow can only spoil bytes after the first such one.
        let found = x.wrapping_sub(ONES * 0x21) & !x & TOPS;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = buf[at..].iter().position(|&b| b <= b' ')?;
    Some(at + rest)
}

/// A number that begins at `at`; answers it and where its digits end.
#[inline(always)]
pub(crate) fn number(buf: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut n = 0;
    let mut i = at;
    loop {
        let digit = buf.get(i)?.wrapping_sub(b'0');
        if digit > 9 {
            return (i > at).then_some((n, i));
        }
        if i - at == SIZE_DIGITS {
            return None;
        }
        n = n * 10 + usize::from(digit);
        i += 1;
    }
}

/// Whether a line ends at `at` with CR LF.
#[inline(always)]
pub(crate) fn ends_line(buf: &[u8], at: usize) -> bool {
    buf.get(at..at + 2) == Some(b"\r\n")
}

/// Splits at spaces, tabs and CRs, as the reference server does where no message follows. Answers the
/// arguments and their number; `None` if there are more than `N`.
pub(crate) fn split_args<const N: usize>(text: &[u8]) -> Option<([&[u8]; N], usize)> {
    split(text, |b| matches!(b, b' ' | b'\t' | b'\r'))
}

/// As [`split_args`], but a CR is part of a word, as the reference server has it in front of a message.
pub(crate) fn split_words<const N: usize>(text: &[u8]) -> Option<([&[u8]; N], usize)> {
    split(text, |b| matches!(b, b' ' | b'\t'))
}

fn split<const N: usize>(
    text: &[u8],
    is_space: impl Fn(&u8) -> bool,
) -> Option<([&[u8]; N], usize)> {
    let mut args: [&[u8]; N] = [&text[..0]; N];
    let mut count = 0;
    for arg in text.split(is_space).filter(|arg| !arg.is_empty()) {
        *args.get_mut(count)? = arg;
        count += 1;
    }
    Some((args, count))
}

/// Reads a decimal size.
#[inline]
pub(crate) fn parse_size(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > SIZE_DIGITS {
        return None;
    }
    let mut n = 0usize;
    for &b in text {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + usize::from(digit);
    }
    Some(n)
}
