//! The operations between servers that carry a payload: `RMSG`, `HMSG`, `LMSG`.

use super::words::{first, is_space, last, line, words};
use super::{DecodeError, Decoded, Limits};
use crate::queues::Queues;
use crate::scan::parse_size;

/// A message from one server to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Name of the cluster of leaf nodes that the message came from, if the line says so (`LMSG`, on
    /// routes).
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

/// Which of the verbs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `RMSG`: no headers.
    Plain,
    /// `HMSG`: with headers.
    Headers,
    /// `LMSG`: names the cluster of origin, and always the length of the headers, 0 if there are none.
    Origin,
}

impl Kind {
    /// What the reference server's error texts begin with.
    fn name(self) -> &'static str {
        match self {
            Kind::Plain => "processRoutedMsgArgs",
            Kind::Headers => "processRoutedHeaderMsgArgs",
            Kind::Origin => "processRoutedOriginClusterMsgArgs",
        }
    }

    fn sizes(self) -> usize {
        if self == Kind::Plain { 1 } else { 2 }
    }
}

/// The words of a message's line.
struct Head<'a> {
    origin: Option<&'a [u8]>,
    account: &'a [u8],
    subject: &'a [u8],
    reply: &'a [u8],
    queues: Queues<'a>,
    header_len: Option<usize>,
    size: usize,
    /// The sizes that a delivery repeats, `[header_len ]size`; empty if their spacing was unusual.
    sizes: &'a [u8],
}

/// Reads the message at the start of `buf`, whose verb, of four letters, is known. `link` is for error
/// texts; `account` is the one that has the link to itself: the line does not name it then.
#[inline]
pub(crate) fn message<'a, Op>(
    link: &'static str,
    buf: &'a [u8],
    kind: Kind,
    account: Option<&'a [u8]>,
    limits: &Limits,
    into: impl FnOnce(Message<'a>) -> Op,
) -> Result<Decoded<Op>, DecodeError> {
    let (head, start) = match usual(buf, kind, account, limits) {
        Some(found) => found,
        None => match line(buf, 4, limits)? {
            None => return Ok(Decoded::more(buf)),
            Some((args, start)) => (any(args, kind, account)?, start),
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
        Some([b'\r', _, ..]) => return Err(DecodeError::unknown(link, buf, end + 1, 42)),
        Some([b, ..]) if *b != b'\r' => return Err(DecodeError::unknown(link, buf, end, 41)),
        _ => return Ok(Decoded::Incomplete { need: end + 2 }),
    };
    // A delivery can repeat the bytes from the sizes on if nothing but CRLF stands between.
    let sizes_at = start.saturating_sub(2 + head.sizes.len());
    let reusable = !head.sizes.is_empty()
        && buf[sizes_at..start]
            .strip_suffix(b"\r\n")
            .is_some_and(|sizes| sizes == head.sizes);
    let tail = if reusable { &buf[sizes_at..used] } else { &[] };
    let op = into(Message {
        origin: head.origin,
        account: head.account,
        subject: head.subject,
        reply: head.reply,
        queues: head.queues,
        header_len: head.header_len,
        payload,
        tail,
    });
    Ok(Decoded::Op { op, used })
}

/// Words that the short way through a message's line can hold: three queue groups with origin, reply
/// and headers.
const USUAL_WORDS: usize = 10;

/// Reads the line of a message as all known servers write it, in one pass: single spaces, CRLF, few
/// queue groups. `None` if it is not like that, wrong or not there in full; the long way then tells.
#[inline]
fn usual<'a>(
    buf: &'a [u8],
    kind: Kind,
    account: Option<&'a [u8]>,
    limits: &Limits,
) -> Option<(Head<'a>, usize)> {
    let args = &buf[5..];
    let mut starts = [0usize; USUAL_WORDS];
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
    // A word ends one before the next one, or at the end of the line.
    let word = |n: usize| match starts[..count].get(n + 1) {
        Some(next) => &args[starts[n]..next - 1],
        None => &args[starts[n]..end],
    };
    let mut lead = 0;
    let mut next_lead = || {
        lead += 1;
        lead - 1
    };
    let origin_at = (kind == Kind::Origin).then(&mut next_lead);
    let account_at = account.is_none().then(&mut next_lead);
    let subject_at = next_lead();
    if end > limits.line() || count < lead + kind.sizes() {
        return None;
    }
    let size = parse_size(word(count - 1))?;
    let mut sizes_from = count - kind.sizes();
    let (reply, queues) = middle(
        args[starts[lead]..starts[sizes_from]]
            .strip_suffix(b" ")
            .unwrap_or_default(),
    )?;
    let mut header_len = None;
    if kind != Kind::Plain {
        let len = parse_size(word(sizes_from))?;
        if len > size {
            return None;
        }
        if kind == Kind::Origin && len == 0 {
            sizes_from += 1;
        } else {
            header_len = Some(len);
        }
    }
    let head = Head {
        origin: origin_at.map(word),
        account: account_at.map_or(account.unwrap_or_default(), word),
        subject: word(subject_at),
        reply,
        queues,
        header_len,
        size,
        sizes: &args[starts[sizes_from]..end],
    };
    Some((head, 5 + end + 2))
}

/// Reads the line of a message in any spacing:
/// `[origin] [account] subject [reply | + reply queue.. | "|" queue..] [header_len] size`.
fn any<'a>(args: &'a [u8], kind: Kind, account: Option<&'a [u8]>) -> Result<Head<'a>, DecodeError> {
    let wrong = |what: &str, shown: &[u8]| {
        let text = alloc::format!("{} {what}", kind.name());
        Err(DecodeError::arguments(&text, shown))
    };
    let (origin, rest) = if kind == Kind::Origin {
        let (origin, rest) = first(args);
        (Some(origin), rest)
    } else {
        (None, args)
    };
    let (named, rest) = match account {
        Some(account) => (account, rest),
        None => first(rest),
    };
    let (subject, rest) = first(rest);
    if words(rest).take(kind.sizes()).count() < kind.sizes() {
        return wrong("Parse Error", &listed(args, kind, account));
    }
    let (before, size_text) = last(rest);
    let (before, header_text) = match kind {
        Kind::Plain => (before, &b""[..]),
        _ => last(before),
    };
    let Some((reply, queues)) = middle(before) else {
        return wrong("Bad or Missing Reply Indicator", first(before).0);
    };
    let header_len = match kind {
        Kind::Plain => None,
        _ => match parse_size(header_text) {
            None => return wrong("Bad or Missing Header Size", args),
            len => len,
        },
    };
    let Some(size) = parse_size(size_text) else {
        return wrong("Bad or Missing Size", &listed(args, kind, account));
    };
    if header_len.is_some_and(|len| len > size) {
        return wrong("Header Size larger then TotalSize", args);
    }
    let header_len = header_len.filter(|&len| kind != Kind::Origin || len > 0);
    let sizes = match header_len {
        None => size_text,
        Some(_) => adjacent(rest, header_text, size_text),
    };
    Ok(Head {
        origin,
        account: named,
        subject,
        reply,
        queues,
        header_len,
        size,
        sizes,
    })
}

/// Both sizes at the end of `rest` if just a space is between them: any other separator is not the form
/// that a delivery has.
fn adjacent<'a>(rest: &'a [u8], header_text: &[u8], size_text: &[u8]) -> &'a [u8] {
    let both = rest.len() - (header_text.len() + 1 + size_text.len());
    match rest.get(both..) {
        Some(both) if both.starts_with(header_text) && both[header_text.len()] == b' ' => both,
        _ => &[],
    }
}

/// `[a b c]`: the words as the reference server lists them, the account of a dedicated route included.
#[cold]
fn listed(args: &[u8], kind: Kind, account: Option<&[u8]>) -> alloc::vec::Vec<u8> {
    let mut list: alloc::vec::Vec<&[u8]> = words(args).collect();
    if let Some(account) = account {
        match kind {
            Kind::Origin if list.len() <= 2 => {}
            Kind::Origin => list.insert(1, account),
            _ => list.insert(0, account),
        }
    }
    let mut out = alloc::vec![b'['];
    out.extend_from_slice(&list.join(&b' '));
    out.push(b']');
    out
}

/// What stands between subject and sizes: nothing, a reply, or an indicator with a reply (`+`) or
/// without (`|`) and names of queue groups. `None` if it is neither.
#[inline]
fn middle(middle: &[u8]) -> Option<(&[u8], Queues<'_>)> {
    if !middle.iter().any(|&b| is_space(b)) {
        return Some((middle, Queues::default()));
    }
    let (indicator, rest) = first(middle);
    match indicator {
        b"+" => {
            let (reply, queues) = first(rest);
            Some((reply, Queues(queues)))
        }
        b"|" => Some((&[], Queues(rest))),
        _ => None,
    }
}
