//! What a trace shows of a conversation: the lines of the log for the operations of both sides, as the
//! reference server writes them. Not here: the operations' meaning, and the log.
//!
//! It reads the same bytes as the decoders, beside them, so that nothing on their way has to know of it.

mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;

use gannet_config::quoted_bytes;

pub use incoming::{Incoming, Speaker};
pub use outgoing::Outgoing;

/// Takes a line of a trace.
pub type Say<'a> = &'a mut dyn FnMut(&str);

/// What a trace shows of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Bytes of a message that are shown at most; all of them if there is no number.
    pub bytes: Option<usize>,
    /// Of a message only its headers.
    pub headers_only: bool,
}

impl Shown {
    /// The line for the headers and the payload of a message; there is none if nothing of it is shown.
    fn message(self, arrow: &str, header_len: usize, message: &[u8]) -> Option<String> {
        let message = match self.headers_only {
            false => message,
            // Without the empty line that ends them, and the end of the last one.
            true => message.get(..header_len.saturating_sub(4))?,
        };
        let most = self.bytes.unwrap_or(usize::MAX);
        let (part, dots) = match message.get(..most) {
            Some(part) if part.len() < message.len() => (part, "..."),
            _ => (message, ""),
        };
        if message.is_empty() {
            return None;
        }
        let quoted = quoted_bytes(part);
        let text = &quoted[1..quoted.len() - 1];
        Some(format!("{arrow} MSG_PAYLOAD: [\"{text}{dots}\"]"))
    }
}

/// The line for a subscription that is taken off.
pub fn subscription_deleted(sid: &[u8]) -> String {
    format!("<-> [DELSUB {}]", one_line(sid))
}

/// Bytes of a peer on a line of the log: what they write, but for what would move the cursor.
fn one_line(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// The sizes at the end of a message's line: that of its headers, if it has any, and that of all of it.
fn sizes(args: &[u8], has_headers: bool) -> Option<(usize, usize)> {
    let mut words = args
        .rsplit(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| !word.is_empty());
    let mut number = || {
        let word = core::str::from_utf8(words.next()?).ok()?;
        word.parse::<usize>().ok()
    };
    let total = number()?;
    let headers = if has_headers { number()? } else { 0 };
    (headers <= total).then_some((headers, total))
}
