//! Bytes that are no operation between servers: what the peer is told, and what the log says, in the
//! reference server's words.

use alloc::string::String;

use crate::quote::quote;

/// Bytes that are no operation. The connection ends. The `Display` text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No verb of the protocol, or a payload that does not end where it should.
    #[error("{link} parser ERROR, state={state}, i={at}: proto='{near}...'")]
    UnknownOperation {
        /// The kind of link, as the reference server's log has it.
        link: &'static str,
        /// The reference parser's number for the position in its grammar.
        state: u8,
        /// Where in the buffer the unexpected byte is.
        at: usize,
        /// The bytes from there on, quoted and cut.
        near: String,
        /// First byte of the operation.
        first: u8,
    },
    /// A verb with arguments that make no sense. The peer is told nothing.
    #[error("{0}")]
    BadArguments(String),
    /// The control line is over its limit.
    #[error("maximum control line exceeded")]
    ControlLine,
    /// The payload is over the limit. The reference server has no such limit on this kind of link.
    #[error("maximum payload exceeded: {size} vs {max}")]
    Payload {
        /// Size announced.
        size: usize,
        /// Largest size allowed.
        max: usize,
    },
}

impl DecodeError {
    /// The text of the `-ERR` that the peer gets, if it gets one.
    pub fn peer_text(&self) -> Option<&'static str> {
        match self {
            DecodeError::UnknownOperation { .. } => Some("Unknown Protocol Operation"),
            DecodeError::BadArguments(_) => None,
            DecodeError::ControlLine => Some("maximum control line exceeded"),
            DecodeError::Payload { .. } => Some("Maximum Payload Violation"),
        }
    }

    #[cold]
    pub(crate) fn unknown(link: &'static str, buf: &[u8], at: usize, state: u8) -> DecodeError {
        DecodeError::UnknownOperation {
            link,
            state,
            at,
            near: quote(buf.get(at..).unwrap_or_default()),
            first: buf.first().copied().unwrap_or_default(),
        }
    }

    /// `text: 'arguments'`.
    #[cold]
    pub(crate) fn arguments(text: &str, args: &[u8]) -> DecodeError {
        let args = String::from_utf8_lossy(args);
        DecodeError::BadArguments(alloc::format!("{text}: '{args}'"))
    }
}
