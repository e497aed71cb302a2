//! What a trace shows of what a peer says. It cuts the bytes into operations as the decoders do, but knows
//! only where each one ends: what is wrong with one is the decoders' to say.

use alloc::format;

use gannet_wire::redacted;

use super::{Say, Shown, one_line, sizes};

/// Who is speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A client.
    Client,
    /// Another server of this cluster.
    Route,
    /// A server of another cluster.
    Gateway,
}

/// What is shown of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Its verb.
    Verb,
    /// Its line.
    Line,
    /// Its line without secrets.
    Redacted,
    /// Its line, and the message behind it, which may begin with headers.
    Message { headers: bool },
    /// Nothing: it is the other side's business.
    Silent,
}

use Form::{Line, Message, Redacted, Silent, Verb};

const PLAIN: Form = Message { headers: false };
const HEADED: Form = Message { headers: true };

/// Verbs; `true` where something must stand between a verb and what follows it.
type Verbs = &'static [(&'static str, bool, Form)];

const COMMON: Verbs = &[
    ("PING", false, Verb),
    ("PONG", false, Verb),
    ("CONNECT", false, Redacted),
    ("INFO", false, Silent),
    ("+OK", false, Silent),
    ("-ERR", true, Silent),
];
const CLIENT: Verbs = &[
    ("PUB", true, PLAIN),
    ("HPUB", true, HEADED),
    ("SUB", true, Line),
    ("UNSUB", true, Line),
];
const ROUTE: Verbs = &[
    ("RMSG", true, PLAIN),
    ("HMSG", true, HEADED),
    ("LMSG", true, PLAIN),
    ("RS+", true, Line),
    ("RS-", true, Line),
    ("LS+", true, Line),
    ("LS-", true, Line),
];
const GATEWAY: Verbs = &[
    ("RMSG", true, PLAIN),
    ("HMSG", true, HEADED),
    ("RS+", true, Line),
    ("RS-", true, Line),
    ("A+", true, Line),
    ("A-", true, Line),
];

/// An operation whose line is there.
struct Found<'a> {
    verb: &'static str,
    form: Form,
    args: &'a [u8],
    /// Bytes of the line, with its end.
    line_len: usize,
}

/// What one peer says.
#[derive(Clone, Debug)]
pub struct Incoming {
    speaker: Speaker,
    /// Arguments that are longer break a bound, and are not shown.
    longest_line: usize,
    shown: Shown,
    /// The line of the operation at the start of the bytes has been shown; the message behind it is awaited.
    line_is_told: bool,
}

impl Incoming {
    /// What `speaker` says; a line of more than `longest_line` bytes breaks a bound.
    pub fn new(speaker: Speaker, longest_line: usize, shown: Shown) -> Incoming {
        Incoming {
            speaker,
            longest_line,
            shown,
            line_is_told: false,
        }
    }

    /// Shows what is new of the operation at the start of `buf`. Answers its length if all of it is there;
    /// it must be performed before the next call then.
    pub fn show(&mut self, buf: &[u8], say: Say<'_>) -> Option<usize> {
        let found = self.find(buf)?;
        if !self.line_is_told {
            tell_line(&found, say);
        }
        let Message { headers } = found.form else {
            return Some(found.line_len);
        };
        self.line_is_told = true;
        let (header_len, size) = sizes(found.args, headers)?;
        let message = buf[found.line_len..].get(..size)?;
        let len = found.line_len + size + 2;
        if buf.get(len - 2..len)? != b"\r\n" {
            return None;
        }
        self.line_is_told = false;
        if let Some(line) = self.shown.message("<<-", header_len, message) {
            say(&line);
        }
        Some(len)
    }

    fn find<'a>(&self, buf: &'a [u8]) -> Option<Found<'a>> {
        let own = match self.speaker {
            Speaker::Client => CLIENT,
            Speaker::Route => ROUTE,
            Speaker::Gateway => GATEWAY,
        };
        let starts = |verb: &str| {
            let start = buf.get(..verb.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(verb.as_bytes()))
        };
        let is_space = |at: usize| matches!(buf.get(at), Some(b' ' | b'\t'));
        let &(verb, _, form) = own
            .iter()
            .chain(COMMON)
            .find(|(verb, spaced, _)| starts(verb) && (!spaced || is_space(verb.len())))?;
        let line_len = buf.iter().position(|&byte| byte == b'\n')? + 1;
        let args = &buf[verb.len()..line_len - 1];
        let args = args.strip_suffix(b"\r").unwrap_or(args);
        let start = args.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
        let args = &args[start.unwrap_or(args.len())..];
        (args.len() <= self.longest_line).then_some(Found {
            verb,
            form,
            args,
            line_len,
        })
    }
}

fn tell_line(found: &Found<'_>, say: Say<'_>) {
    let Found {
        verb, form, args, ..
    } = found;
    match form {
        Silent => {}
        Verb => say(&format!("<<- [{verb}]")),
        Line | Message { .. } => say(&format!("<<- [{verb} {}]", one_line(args))),
        Redacted => say(&format!("<<- [{verb} {}]", redacted(args))),
    }
}
