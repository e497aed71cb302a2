//! What the lines between servers have in common, of one cluster or of several: words, verbs, messages
//! with their payload. Not here: which operations each kind of link has (`crate::route`,
//! `crate::gateway`).

mod error;
mod message;
mod verbs;
mod words;

pub use crate::queues::Queues;
pub use error::DecodeError;
pub use message::Message;
pub(crate) use message::{Kind, message};
pub(crate) use verbs::{Row, read, row};
pub(crate) use words::{first, words};

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

    /// The longest line without its verb, in bytes.
    #[inline]
    pub(crate) fn line(&self) -> usize {
        self.control_line.saturating_mul(CONTROL_LINE_FACTOR)
    }
}

/// What one call found at the start of the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<Op> {
    /// A whole operation, `used` bytes long.
    Op {
        /// The operation.
        op: Op,
        /// Bytes it took up.
        used: usize,
    },
    /// Not a whole operation yet.
    Incomplete {
        /// Bytes, counted from the start of the buffer, that the operation has at least.
        need: usize,
    },
}

impl<Op> Decoded<Op> {
    /// A line that is not there in full: one more byte at least.
    pub(crate) fn more(buf: &[u8]) -> Decoded<Op> {
        Decoded::Incomplete {
            need: buf.len() + 1,
        }
    }
}
