//! What the reconciler wants done, and the lines of the log that go with a dial.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_config::{GatewayUrl, quoted};

use super::remote::address_of;
use crate::gateway::{Level, Log};

/// Number of an attempt, and of the link it leads to. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub(super) u64);

/// What becomes of a link that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the link to its cluster.
    Wanted,
    /// Its attempt was given up: another one was faster, or it took too long.
    Unwanted,
}

/// What the reconciler wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Try an address.
    Dial(Dial),
    /// Give up an attempt: it is not needed any more, or took too long. Do not report on it.
    Cancel(DialId),
    /// The remote was only heard of, and cannot be reached: it is forgotten.
    Forget {
        /// Its name.
        remote: String,
    },
    /// Tell every server that has linked to us, but those of that cluster itself, where its servers listen:
    /// they may have come before we knew.
    Tell {
        /// The cluster's name.
        remote: String,
        /// Addresses, as `host:port`, that were not told before.
        urls: Vec<String>,
    },
    /// Write a line to the log.
    Log(Log),
}

/// An attempt at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Its number.
    pub id: DialId,
    /// Name of the cluster that should be there.
    pub remote: String,
    /// Where to dial. A host with several IP addresses may be dialled at any of them.
    pub url: GatewayUrl,
    /// What the server's certificate must be for, if the link is encrypted.
    pub server_name: String,
    /// The remote is configured.
    pub is_configured: bool,
    /// Number of the round, from 1.
    pub attempt: u32,
    /// The log lines of this attempt are for everybody, not only for debugging.
    pub is_reported: bool,
}

impl Dial {
    /// The line to log when dialling IP address `at` (`ip:port`).
    pub fn starting(&self, at: &str) -> Log {
        let level = if self.is_reported {
            Level::Info
        } else {
            Level::Debug
        };
        Log {
            level,
            text: format!("Connecting to {}", self.what(at)),
        }
    }

    /// The line to log when that failed.
    pub fn failed(&self, at: &str, error: &str) -> Log {
        let level = if self.is_reported {
            Level::Error
        } else {
            Level::Debug
        };
        Log {
            level,
            text: format!("Error connecting to {}: {error}", self.what(at)),
        }
    }

    /// The line to log when the host has no IP address.
    pub fn unresolved(&self, error: &str) -> Log {
        let (kind, name, address) = (self.kind(), quoted(&self.remote), address_of(&self.url));
        let text = format!("Error getting IP for {kind} gateway {name} ({address}): {error}");
        Log {
            level: Level::Error,
            text,
        }
    }

    fn what(&self, at: &str) -> String {
        let (kind, name, address) = (self.kind(), quoted(&self.remote), address_of(&self.url));
        format!(
            "{kind} gateway {name} ({address}) at {at} (attempt {})",
            self.attempt
        )
    }

    fn kind(&self) -> &'static str {
        if self.is_configured {
            "explicit"
        } else {
            "implicit"
        }
    }
}
