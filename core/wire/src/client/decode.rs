//! Decoder of what a client sends. It works in place: an operation borrows from the read buffer,
//! nothing is copied, nothing is kept between calls; an operation that is not there in full yet is
//! looked at again when more bytes have come.

use crate::scan::{Line, Verb, line, parse_size, split_args, split_words};

/// What one call found at the start of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A whole operation, `used` bytes long.
    Op {
        /// The operation.
        op: ClientOp<'a>,
        /// Bytes it took up.
        used: usize,
    },
    /// Not a whole operation yet.
    Incomplete {
        /// Bytes, counted from the start of the buffer, that the operation has at least.
        need: usize,
    },
}

/// One operation of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientOp<'a> {
    /// `PUB` or `HPUB`.
    Publish(Publish<'a>),
    /// `SUB subject [queue] sid`.
    Subscribe {
        /// Subject or pattern, not yet checked.
        subject: &'a [u8],
        /// Name of the queue group to join.
        queue: Option<&'a [u8]>,
        /// The client's own name for the subscription.
        sid: &'a [u8],
    },
    /// `UNSUB sid [max]`.
    Unsubscribe {
        /// The subscription.
        sid: &'a [u8],
        /// Messages after which it ends; at once if there is none.
        max: Option<u64>,
    },
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
    /// `CONNECT` with its JSON text.
    Connect(&'a [u8]),
    /// `INFO` with its JSON text; means nothing to a server's client port.
    Info(&'a [u8]),
    /// `+OK`.
    Ok,
    /// `-ERR` with its text.
    Err(&'a [u8]),
}

/// A message as a client publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Subject, not yet checked.
    pub subject: &'a [u8],
    /// Reply subject; empty if there is none.
    pub reply: &'a [u8],
    /// Length of the header block at the start of `payload`; `None` for a `PUB`.
    pub header_len: Option<usize>,
    /// Header block and body, without the line end after them.
    pub payload: &'a [u8],
    /// The bytes from the sizes on, up to and including the line end after the payload, just as a
    /// delivery repeats them: `[header_len ]size\r\n<payload>\r\n`. Empty if the sender's own spacing
    /// was unusual; the delivery must then be written from the parts.
    pub tail: &'a [u8],
}

/// Bounds that the decoder keeps.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest control line, without its verb, in bytes (`max_control_line`).
    pub control_line: usize,
    /// Largest payload, in bytes (`max_payload`).
    pub payload: usize,
}

/// Bytes that are no operation. The connection ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No verb of the protocol, or a payload that does not end where it should. The peer is told
    /// `Unknown Protocol Operation`.
    #[error("Unknown Protocol Operation")]
    UnknownOperation,
    /// A verb with arguments that make no sense. The connection ends without a word to the peer.
    #[error("{0}")]
    BadArguments(&'static str),
    /// The control line is over its limit.
    #[error("maximum control line exceeded")]
    ControlLine,
    /// The payload is over its limit.
    #[error("Maximum Payload Violation")]
    Payload,
}

/// Finds the operation at the start of `buf`.
#[inline]
pub fn decode<'a>(buf: &'a [u8], limits: &Limits) -> Result<Decoded<'a>, DecodeError> {
    if let [
        b'P' | b'p',
        b'U' | b'u',
        b'B' | b'b',
        b' ' | b'\t',
        rest @ ..,
    ] = buf
    {
        return publish(buf, rest, 4, false, limits);
    }
    if let [
        b'H' | b'h',
        b'P' | b'p',
        b'U' | b'u',
        b'B' | b'b',
        b' ' | b'\t',
        rest @ ..,
    ] = buf
    {
        return publish(buf, rest, 5, true, limits);
    }
    control(buf, limits)
}

/// The verbs that carry no payload.
fn control<'a>(buf: &'a [u8], limits: &Limits) -> Result<Decoded<'a>, DecodeError> {
    const VERBS: [(&[u8], bool); 10] = [
        (b"PING", false),
        (b"PONG", false),
        (b"SUB", true),
        (b"UNSUB", true),
        (b"CONNECT", false),
        (b"INFO", false),
        (b"+OK", false),
        (b"-ERR", true),
        (b"PUB", true),
        (b"HPUB", true),
    ];
    let (at, verb_len) = match crate::scan::verb(buf, &VERBS) {
        Verb::Is(at) => (at, VERBS[at].0.len()),
        Verb::Incomplete => {
            return Ok(Decoded::Incomplete {
                need: buf.len() + 1,
            });
        }
        Verb::Unknown => return Err(DecodeError::UnknownOperation),
    };
    let (args, used) = match line(&buf[verb_len..], limits.control_line) {
        Line::Whole { text, used } => (text, verb_len + used),
        Line::Incomplete => {
            return Ok(Decoded::Incomplete {
                need: buf.len() + 1,
            });
        }
        Line::TooLong => return Err(DecodeError::ControlLine),
    };
    let op = match at {
        0 => ClientOp::Ping,
        1 => ClientOp::Pong,
        2 => subscribe(args)?,
        3 => unsubscribe(args)?,
        4 => ClientOp::Connect(args),
        5 => ClientOp::Info(args),
        6 => ClientOp::Ok,
        7 => ClientOp::Err(args),
        _ => return Err(DecodeError::UnknownOperation),
    };
    Ok(Decoded::Op { op, used })
}

fn subscribe(args: &[u8]) -> Result<ClientOp<'_>, DecodeError> {
    match split_args::<4>(args) {
        Some(([subject, sid, ..], 2)) => Ok(ClientOp::Subscribe {
            subject,
            queue: None,
            sid,
        }),
        Some(([subject, queue, sid, _], 3)) => Ok(ClientOp::Subscribe {
            subject,
            queue: Some(queue),
            sid,
        }),
        _ => Err(DecodeError::BadArguments("processSub Parse Error")),
    }
}

fn unsubscribe(args: &[u8]) -> Result<ClientOp<'_>, DecodeError> {
    match split_args::<3>(args) {
        Some(([sid, ..], 1)) => Ok(ClientOp::Unsubscribe { sid, max: None }),
        Some(([sid, max, _], 2)) => Ok(ClientOp::Unsubscribe {
            sid,
            max: parse_size(max).map(|n| n as u64).filter(|&n| n > 0),
        }),
        _ => Err(DecodeError::BadArguments("processUnsub Parse Error")),
    }
}

/// The arguments of a publish line.
struct Head<'a> {
    subject: &'a [u8],
    reply: &'a [u8],
    header: Option<&'a [u8]>,
    size: &'a [u8],
    /// Whether single spaces, and nothing else, stand between the arguments.
    tidy: bool,
}

/// The usual spacing, without a loop over the bytes; `None` sends the caller to [`untidy_head`].
#[inline]
fn tidy_head(args: &[u8], with_header: bool) -> Option<Head<'_>> {
    let mut rest = args;
    let mut next = || {
        let at = memchr::memchr(b' ', rest);
        let (arg, left) = match at {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = left;
        arg
    };
    let subject = next();
    let second = next();
    let third = next();
    let (reply, header, size) = match (with_header, third.is_empty()) {
        (false, true) => (&args[..0], None, second),
        (false, false) => (second, None, third),
        (true, _) => {
            let fourth = next();
            if fourth.is_empty() {
                (&args[..0], Some(second), third)
            } else {
                (second, Some(third), fourth)
            }
        }
    };
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let tidy = rest.is_empty()
        && !subject.is_empty()
        && digits(size)
        && header.is_none_or(digits)
        && args.last() != Some(&b' ')
        && memchr::memchr(b'\t', args).is_none();
    tidy.then_some(Head {
        subject,
        reply,
        header,
        size,
        tidy: true,
    })
}

#[cold]
fn untidy_head(args: &[u8], with_header: bool) -> Result<Head<'_>, DecodeError> {
    let head = |subject, reply, header, size| {
        Ok(Head {
            subject,
            reply,
            header,
            size,
            tidy: false,
        })
    };
    let none = &args[..0];
    match (with_header, split_words::<5>(args)) {
        (false, Some(([subject, size, ..], 2))) => head(subject, none, None, size),
        (false, Some(([subject, reply, size, ..], 3))) => head(subject, reply, None, size),
        (true, Some(([subject, header, size, ..], 3))) => head(subject, none, Some(header), size),
        (true, Some(([subject, reply, header, size, _], 4))) => {
            head(subject, reply, Some(header), size)
        }
        (false, _) => Err(DecodeError::BadArguments("processPub Parse Error")),
        (true, _) => Err(DecodeError::BadArguments("processHeaderPub Parse Error")),
    }
}

#[inline]
fn publish<'a>(
    buf: &'a [u8],
    rest: &'a [u8],
    verb_len: usize,
    with_header: bool,
    limits: &Limits,
) -> Result<Decoded<'a>, DecodeError> {
    let (args, line_len) = match line(rest, limits.control_line) {
        Line::Whole { text, used } => (text, verb_len + used),
        Line::Incomplete => {
            return Ok(Decoded::Incomplete {
                need: buf.len() + 1,
            });
        }
        Line::TooLong => return Err(DecodeError::ControlLine),
    };
    let head = match tidy_head(args, with_header) {
        Some(head) => head,
        None => untidy_head(args, with_header)?,
    };
    let size =
        parse_size(head.size).ok_or(DecodeError::BadArguments("processPub Bad or Missing Size"))?;
    let header_len = match head.header {
        None => None,
        Some(text) => match parse_size(text) {
            Some(len) if len <= size => Some(len),
            Some(_) => {
                return Err(DecodeError::BadArguments(
                    "processHeaderPub Header Size larger then TotalSize",
                ));
            }
            None => {
                return Err(DecodeError::BadArguments(
                    "processHeaderPub Bad or Missing Header Size",
                ));
            }
        },
    };
    if size > limits.payload {
        return Err(DecodeError::Payload);
    }
    let end = line_len + size;
    // A payload that does not end in CR LF is refused as soon as that can be seen.
    if buf.get(end).is_some_and(|&b| b != b'\r') || buf.get(end + 1).is_some_and(|&b| b != b'\n') {
        return Err(DecodeError::UnknownOperation);
    }
    let used = end + 2;
    if buf.len() < used {
        return Ok(Decoded::Incomplete { need: used });
    }
    // The sizes start as far before the end of the line as they are long: nothing stands after them
    // but the line end, which must be CR LF to be repeated as it is.
    let sizes_len = head.size.len() + head.header.map_or(0, |h| h.len() + 1) + 2;
    let tail = if head.tidy && buf[line_len - 2] == b'\r' {
        &buf[line_len - sizes_len..used]
    } else {
        &buf[..0]
    };
    let op = Publish {
        subject: head.subject,
        reply: head.reply,
        header_len,
        payload: &buf[line_len..end],
        tail,
    };
    Ok(Decoded::Op {
        op: ClientOp::Publish(op),
        used,
    })
}
