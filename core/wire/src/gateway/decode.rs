//! Decoder of a gateway link. It works in place: an operation borrows from the read buffer, nothing is
//! copied or allocated, nothing is kept between calls; an operation that is not there in full yet is
//! looked at again when more bytes have come.

use memchr::memchr;

use super::control::control;
use super::error::DecodeError;
use crate::queues::Queues;
use crate::scan::parse_size;

/// How much longer a control line between servers may be than one of a client.
const CONTROL_LINE_FACTOR: usize = 16;

/// Bounds that the decoder keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `max_control_line` in bytes, as configured for clients: a line between servers, without its
    /// verb, may be 16 times as long.
    pub control_line: usize,
    /// Largest payload in bytes. The reference server takes what can be written in nine digits,
    /// whatever its own `max_payload`.
    pub payload: usize,
}

impl Limits {
    /// The longest payload that the protocol can announce.
    pub const ANY_PAYLOAD: usize = 999_999_999;

    fn line(&self) -> usize {
        self.control_line.saturating_mul(CONTROL_LINE_FACTOR)
    }
}

/// What one call found at the start of the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A whole operation, `used` bytes long.
    Op {
        /// The operation.
        op: GatewayOp<'a>,
        /// Bytes it took up.
        used: usize,
    },
    /// Not a whole operation yet.
    Incomplete {
        /// Bytes, counted from the start of the buffer, that the operation has at least.
        need: usize,
    },
}

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

/// A message from one cluster to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Name of the account.
    pub account: &'a [u8],
    /// Subject, not yet checked.
    pub subject: &'a [u8],
    /// Reply subject as it came, perhaps mapped; empty if there is none.
    pub reply: &'a [u8],
    /// The queue groups, one member of each of which gets the message.
    pub queues: Queues<'a>,
    /// Length of the header block at the start of `payload`; `None` for an `RMSG`.
    pub header_len: Option<usize>,
    /// Header block and body, without the line end after them.
    pub payload: &'a [u8],
    /// The bytes from the sizes on, up to and including the line end after the payload, just as a
    /// delivery to a client repeats them: `[header_len ]size\r\n<payload>\r\n`. Empty if the sender's
    /// own spacing was unusual; the delivery must then be written from the parts.
    pub tail: &'a [u8],
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
    match buf {
        [
            b'R' | b'r',
            b'M' | b'm',
            b'S' | b's',
            b'G' | b'g',
            b' ' | b'\t',
            ..,
        ] => message(buf, false, limits),
        [
            b'H' | b'h',
            b'M' | b'm',
            b'S' | b's',
            b'G' | b'g',
            b' ' | b'\t',
            ..,
        ] => message(buf, true, limits),
        _ => control(buf, limits),
    }
}

#[inline]
pub(super) fn is_space(b: u8) -> bool {
    b <= b' ' && matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Splits the first argument off `text`, which starts with it.
#[inline]
pub(super) fn first(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&b| is_space(b)).unwrap_or(text.len());
    (&text[..end], trim_start(&text[end..]))
}

/// Splits the last argument off `text`, which ends with it; answers what is before it, and it.
#[inline]
fn last(text: &[u8]) -> (&[u8], &[u8]) {
    let start = text
        .iter()
        .rposition(|&b| is_space(b))
        .map_or(0, |at| at + 1);
    (trim_end(&text[..start]), &text[start..])
}

#[inline]
fn trim_start(text: &[u8]) -> &[u8] {
    match text {
        [b, rest @ ..] if is_space(*b) => {
            &rest[rest.iter().take_while(|&&b| is_space(b)).count()..]
        }
        _ => text,
    }
}

#[inline]
fn trim_end(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .rposition(|&b| !is_space(b))
        .map_or(0, |at| at + 1);
    &text[..end]
}

/// Finds the line that starts at `from`: its text without outer white space, and where the next line
/// starts. `None` if its end has not come yet.
#[inline]
pub(super) fn line<'a>(
    buf: &'a [u8],
    from: usize,
    limits: &Limits,
) -> Result<Option<(&'a [u8], usize)>, DecodeError> {
    let rest = &buf[from..];
    let Some(end) = memchr(b'\n', rest) else {
        // Two more than the limit: white space after the verb, and a CR.
        let over = rest.len() > limits.line().saturating_add(2);
        return if over {
            Err(DecodeError::ControlLine)
        } else {
            Ok(None)
        };
    };
    let text = trim_start(trim_end(&rest[..end]));
    // The white space counts, too, so that a line is as long in pieces as it is whole.
    if text.len() > limits.line() || end > limits.line().saturating_add(2) {
        return Err(DecodeError::ControlLine);
    }
    Ok(Some((text, from + end + 1)))
}

/// A line that is not there in full: one more byte at least.
pub(super) fn incomplete<'a>(buf: &[u8]) -> Decoded<'a> {
    Decoded::Incomplete {
        need: buf.len() + 1,
    }
}

#[inline]
fn message<'a>(buf: &'a [u8], headers: bool, limits: &Limits) -> Result<Decoded<'a>, DecodeError> {
    let (head, start) = match usual_args(buf, headers, limits) {
        Some(found) => found,
        None => match line(buf, 4, limits)? {
            None => return Ok(incomplete(buf)),
            Some((args, start)) if headers => (header_args(args)?, start),
            Some((args, start)) => (plain_args(args)?, start),
        },
    };
    if head.size > limits.payload {
        return Err(DecodeError::Payload {
            size: head.size,
            max: limits.payload,
        });
    }
    let end = start + head.size;
    let (payload, used) = match buf.get(end..) {
        Some([b'\r', b'\n', ..]) => (&buf[start..end], end + 2),
        Some([b'\r', _, ..]) => return Err(DecodeError::unknown(buf, end + 1, 42)),
        Some([b, ..]) if *b != b'\r' => return Err(DecodeError::unknown(buf, end, 41)),
        _ => return Ok(Decoded::Incomplete { need: end + 2 }),
    };
    // A delivery can repeat the bytes from the sizes on if nothing but CRLF stands between.
    let sizes_at = start.saturating_sub(2 + head.sizes.len());
    let reusable = !head.sizes.is_empty()
        && buf[sizes_at..start]
            .strip_suffix(b"\r\n")
            .is_some_and(|sizes| sizes == head.sizes);
    let tail = if reusable { &buf[sizes_at..used] } else { &[] };
    let Head {
        account,
        subject,
        reply,
        queues,
        header_len,
        ..
    } = head;
    let op = GatewayOp::Message(Message {
        account,
        subject,
        reply,
        queues,
        header_len,
        payload,
        tail,
    });
    Ok(Decoded::Op { op, used })
}

/// The arguments of a message's line.
struct Head<'a> {
    account: &'a [u8],
    subject: &'a [u8],
    reply: &'a [u8],
    queues: Queues<'a>,
    header_len: Option<usize>,
    size: usize,
    /// The sizes as they came, `[header_len ]size`; empty if their spacing was unusual.
    sizes: &'a [u8],
}

/// Arguments that the short way through a message's line can hold: three queue groups with a reply and
/// headers.
const USUAL_ARGS: usize = 9;

/// Reads the line of a message as all known servers write it, in one pass: single spaces, CRLF, few
/// queue groups. `None` if it is not like that, wrong or not there in full; the long way then tells.
#[inline]
fn usual_args<'a>(buf: &'a [u8], headers: bool, limits: &Limits) -> Option<(Head<'a>, usize)> {
    let args = &buf[5..];
    let mut starts = [0usize; USUAL_ARGS];
    let mut count = 1;
    let mut at = 0;
    let end = loop {
        let b = *args.get(at)?;
        if b <= b' ' {
            if at == starts[count - 1] {
                return None;
            }
            match b {
                b' ' => {
                    *starts.get_mut(count)? = at + 1;
                    count += 1;
                }
                b'\r' if args.get(at + 1) == Some(&b'\n') => break at,
                b'\t' | b'\r' | b'\n' => return None,
                _ => {}
            }
        }
        at += 1;
    };
    let sizes_count = if headers { 2 } else { 1 };
    if end > limits.line() || count < 2 + sizes_count {
        return None;
    }
    let arg = |n: usize| {
        &args[starts[n]..if n + 1 < count {
            starts[n + 1] - 1
        } else {
            end
        }]
    };
    let size = parse_size(arg(count - 1))?;
    let header_len = if headers {
        Some(parse_size(arg(count - 2))?)
    } else {
        None
    };
    if header_len.is_some_and(|len| len > size) {
        return None;
    }
    let sizes_at = starts[count - sizes_count];
    let (reply, queues) = middle_args(
        args[starts[2]..sizes_at]
            .strip_suffix(b" ")
            .unwrap_or_default(),
    )?;
    let (account, subject, sizes) = (arg(0), arg(1), &args[sizes_at..end]);
    Some((
        Head {
            account,
            subject,
            reply,
            queues,
            header_len,
            size,
            sizes,
        },
        5 + end + 2,
    ))
}

/// `account subject [reply | + reply queue.. | "|" queue..] size`
#[inline]
fn plain_args(args: &[u8]) -> Result<Head<'_>, DecodeError> {
    let (account, rest) = first(args);
    let (subject, rest) = first(rest);
    if rest.is_empty() {
        return Err(DecodeError::argument_list(
            "processRoutedMsgArgs Parse Error",
            args,
        ));
    }
    let (middle, size_text) = last(rest);
    let Some((reply, queues)) = middle_args(middle) else {
        let text = "processRoutedMsgArgs Bad or Missing Reply Indicator";
        return Err(DecodeError::arguments(text, first(middle).0));
    };
    let Some(size) = parse_size(size_text) else {
        return Err(DecodeError::argument_list(
            "processRoutedMsgArgs Bad or Missing Size",
            args,
        ));
    };
    Ok(Head {
        account,
        subject,
        reply,
        queues,
        header_len: None,
        size,
        sizes: size_text,
    })
}

/// `account subject [reply | + reply queue.. | "|" queue..] header_len size`
#[inline]
fn header_args(args: &[u8]) -> Result<Head<'_>, DecodeError> {
    let (account, rest) = first(args);
    let (subject, rest) = first(rest);
    let (before, size_text) = last(rest);
    if before.is_empty() {
        return Err(DecodeError::argument_list(
            "processRoutedHeaderMsgArgs Parse Error",
            args,
        ));
    }
    let (middle, header_text) = last(before);
    let Some((reply, queues)) = middle_args(middle) else {
        let text = "processRoutedHeaderMsgArgs Bad or Missing Reply Indicator";
        return Err(DecodeError::arguments(text, first(middle).0));
    };
    let Some(header_len) = parse_size(header_text) else {
        return Err(DecodeError::arguments(
            "processRoutedHeaderMsgArgs Bad or Missing Header Size",
            args,
        ));
    };
    let Some(size) = parse_size(size_text) else {
        return Err(DecodeError::argument_list(
            "processRoutedHeaderMsgArgs Bad or Missing Size",
            args,
        ));
    };
    if header_len > size {
        let text = "processRoutedHeaderMsgArgs Header Size larger then TotalSize";
        return Err(DecodeError::arguments(text, args));
    }
    let both = &rest[rest.len() - (header_text.len() + 1 + size_text.len())..];
    // More than one separator between them is not the form that a delivery has.
    let single = both.starts_with(header_text) && both[header_text.len()] == b' ';
    let sizes = if single { both } else { &[] };
    Ok(Head {
        account,
        subject,
        reply,
        queues,
        header_len: Some(header_len),
        size,
        sizes,
    })
}

/// What stands between subject and sizes: nothing, a reply, or an indicator with a reply (`+`) or
/// without (`|`) and names of queue groups. `None` if it is neither.
#[inline]
fn middle_args(middle: &[u8]) -> Option<(&[u8], Queues<'_>)> {
    let (indicator, rest) = first(middle);
    if rest.is_empty() {
        return Some((indicator, Queues::default()));
    }
    match indicator {
        b"+" => {
            let (reply, queues) = first(rest);
            Some((reply, Queues(queues)))
        }
        b"|" => Some((&[], Queues(rest))),
        _ => None,
    }
}
