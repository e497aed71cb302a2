//! What an account takes from others, made ready for messages. Not here: whether it may (`exports`, `cycles`).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Weak;
use alloc::vec::Vec;
use core::fmt;

use gannet_config::{Import, ImportKind};
use gannet_subject::{
    Transform, TransformError, has_wildcard, intersection, is_valid_pattern, with_numbers,
};

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
    /// One subject cannot be made of the other, in these words.
    Transform(String),
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
            Refusal::Transform(text) => f.write_str(text),
            Refusal::InvalidSubject => f.write_str("invalid subject"),
        }
    }
}

/// How subjects of the one side become those of the other.
#[derive(Debug)]
enum Way {
    /// They are the same.
    Same,
    /// All become one, that of the other side.
    One,
    /// By their wildcards.
    Transform(Box<Transform>),
}

/// A stream of another account.
#[derive(Debug)]
pub(crate) struct StreamImport {
    /// As configured.
    pub(crate) source: Import,
    pub(crate) importer: Weak<Account>,
    pub(crate) exporter: Weak<Account>,
    /// The subject here, as a pattern.
    pub(crate) local: Box<[u8]>,
    /// From there to here.
    way: Way,
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
    /// From here to there.
    way: Way,
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
    pub(crate) fn new(
        source: Import,
        importer: Weak<Account>,
        exporter: Weak<Account>,
    ) -> Result<StreamImport, Refusal> {
        let (to, from) = (local_subject(&source), &*source.subject);
        let local = pattern(to);
        check(&local)?;
        check(from.as_bytes())?;
        let way = if to == from {
            Way::Same
        } else if has_wildcard(from.as_bytes()) {
            let transform = Transform::import(from, &with_numbers(to));
            Way::Transform(Box::new(
                transform.map_err(|why| refused("stream", from, to, &why))?,
            ))
        } else {
            Way::One
        };
        Ok(StreamImport {
            source,
            importer,
            exporter,
            local,
            way,
        })
    }

    /// The pattern in the exporting account that a subscription to `subject` here asks for; `None` if it asks
    /// for nothing of this stream.
    pub(crate) fn asked_by(&self, subject: &[u8]) -> Option<Vec<u8>> {
        let both = intersection(subject, &self.local)?;
        match &self.way {
            Way::Same => Some(both),
            Way::One => Some(self.source.subject.clone().into_bytes()),
            Way::Transform(transform) => {
                let mut asked = Vec::new();
                let is_made = transform.inverse()?.apply(&both, &mut |_| 0, &mut asked);
                is_made.then_some(asked)
            }
        }
    }

    /// The subject here of a message on `subject` there.
    pub(crate) fn delivered_as<'a>(&'a self, subject: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.way {
            Way::Same => Cow::Borrowed(subject),
            Way::One => Cow::Borrowed(&*self.local),
            Way::Transform(transform) => {
                let mut made = Vec::new();
                transform.apply(subject, &mut |_| 0, &mut made);
                Cow::Owned(made)
            }
        }
    }
}

impl ServiceImport {
    pub(crate) fn new(source: Import, exporter: Weak<Account>) -> Result<ServiceImport, Refusal> {
        let (from, to) = (local_subject(&source), &*source.subject);
        let local = pattern(from);
        let remote = pattern(to);
        check(&local)?;
        check(&remote)?;
        let way = if from == to {
            Way::Same
        } else if has_wildcard(to.as_bytes()) {
            let remote = str::from_utf8(&remote).unwrap_or_default();
            let transform = Transform::import(remote, &with_numbers(from))
                .map_err(|why| refused("service", from, remote, &why))?;
            // It can be undone, as all that are good for an import.
            transform
                .inverse()
                .map_or(Way::One, |back| Way::Transform(Box::new(back)))
        } else {
            Way::One
        };
        Ok(ServiceImport {
            source,
            exporter,
            local,
            remote,
            way,
        })
    }
}

impl ServiceImport {
    /// The subject there of a request on `subject` here.
    pub(crate) fn requested_as<'a>(&'a self, subject: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.way {
            Way::Same => Cow::Borrowed(subject),
            // As configured: there is no wildcard in it that anything could stand for.
            Way::One => Cow::Borrowed(self.source.subject.as_bytes()),
            Way::Transform(transform) => {
                let mut made = Vec::new();
                transform.apply(subject, &mut |_| 0, &mut made);
                Cow::Owned(made)
            }
        }
    }
}

fn refused(kind: &str, from: &str, to: &str, why: &TransformError) -> Refusal {
    Refusal::Transform(format!(
        "failed to create mapping transform for {kind} import subject from {from:?} to {to:?}: {why}"
    ))
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
