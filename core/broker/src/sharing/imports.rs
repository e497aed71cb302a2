//! What an account takes from others, made ready for messages. Not here: whether it may (`exports`, `cycles`).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Weak;
use alloc::vec::Vec;
use core::fmt;

use gannet_config::{Import, ImportKind};
use gannet_subject::is_valid_pattern;

use crate::account::Account;

/// Why an import is not carried out; its text is the reference server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The exporter does not offer the stream, or not to this account.
    StreamNotAuthorized,
    /// The exporter does not offer the service, or not to this account.
    ServiceNotAuthorized,
    /// The same stream is imported already.
    DuplicateStream,
    /// The same local subject stands for a service of that account already.
    DuplicateService {
        /// The local subject.
        local: String,
        /// The exporter.
        account: String,
        /// Its subject, as imported before.
        subject: String,
    },
    /// Messages would come back to where they were sent.
    Cycle,
    /// Whether they would is too much to find out.
    CycleDepth,
    /// A subject is none.
    InvalidSubject,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::StreamNotAuthorized => f.write_str("stream import not authorized"),
            Refusal::ServiceNotAuthorized => f.write_str("service import not authorized"),
            Refusal::DuplicateStream => f.write_str("stream import already exists"),
            Refusal::DuplicateService {
                local,
                account,
                subject,
            } => write!(
                f,
                "duplicate service import subject {local:?}, previously used in import for account \
                 {account:?}, subject {subject:?}"
            ),
            Refusal::Cycle => f.write_str("import forms a cycle"),
            Refusal::CycleDepth => f.write_str("search cycle depth exhausted"),
            Refusal::InvalidSubject => f.write_str("invalid subject"),
        }
    }
}

/// A stream of another account.
#[derive(Debug)]
pub(crate) struct StreamImport {
    /// As configured.
    pub(crate) source: Import,
    pub(crate) exporter: Weak<Account>,
    /// The subject here, as a pattern.
    pub(crate) local: Box<[u8]>,
}

/// A service of another account.
#[derive(Debug)]
pub(crate) struct ServiceImport {
    /// As configured.
    pub(crate) source: Import,
    pub(crate) exporter: Weak<Account>,
    /// The subject here, as a pattern.
    pub(crate) local: Box<[u8]>,
    /// The subject there, as a pattern.
    pub(crate) remote: Box<[u8]>,
}

impl PartialEq for StreamImport {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl PartialEq for ServiceImport {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl StreamImport {
    pub(crate) fn new(source: Import, exporter: Weak<Account>) -> Result<StreamImport, Refusal> {
        let local = pattern(local_subject(&source));
        check(&local)?;
        check(source.subject.as_bytes())?;
        Ok(StreamImport {
            source,
            exporter,
            local,
        })
    }
}

impl ServiceImport {
    pub(crate) fn new(source: Import, exporter: Weak<Account>) -> Result<ServiceImport, Refusal> {
        let local = pattern(local_subject(&source));
        let remote = pattern(&source.subject);
        check(&local)?;
        check(&remote)?;
        Ok(ServiceImport {
            source,
            exporter,
            local,
            remote,
        })
    }
}

fn check(subject: &[u8]) -> Result<(), Refusal> {
    is_valid_pattern(subject).map_err(|_| Refusal::InvalidSubject)
}

/// The subject in the importing account, as configured.
pub(crate) fn local_subject(import: &Import) -> &str {
    let (ImportKind::Stream { to, .. } | ImportKind::Service { to, .. }) = &import.kind;
    if to.is_empty() { &import.subject } else { to }
}

/// A configured subject as a pattern: what stands for a wildcard of the other side (`$1`) is one.
pub(crate) fn pattern(subject: &str) -> Box<[u8]> {
    let mut pattern = Vec::with_capacity(subject.len());
    for token in subject.split('.') {
        if !pattern.is_empty() {
            pattern.push(b'.');
        }
        let number = token.strip_prefix('$').and_then(|n| n.bytes().next());
        let token = match number {
            Some(b'1'..=b'9') => "*",
            _ => token,
        };
        pattern.extend_from_slice(token.as_bytes());
    }
    pattern.into()
}
