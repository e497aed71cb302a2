//! A change that needs another start, and values as the reference server prints them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use gannet_units::ByteCount;

use crate::options::{Port, WriteTimeout};
use crate::text::duration::format_duration;

/// Why options cannot be taken over by a running server. Its text is the reference server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The option cannot change while the server runs.
    Unsupported {
        /// Its key; see [`KeyPath`](crate::KeyPath).
        key: &'static str,
        /// The reference server's name of it.
        option: &'static str,
        /// Its value now; never a secret.
        old: String,
        /// Its value in the new configuration.
        new: String,
    },
    /// The new value means nothing.
    Invalid {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        text: String,
    },
}

impl Refused {
    /// The key of the option, or of the block that cannot come or go.
    pub fn key(&self) -> &'static str {
        match self {
            Refused::Unsupported { key, .. } | Refused::Invalid { key, .. } => key,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unsupported {
                option, old, new, ..
            } => {
                write!(
                    f,
                    "config reload not supported for {option}: old={old}, new={new}"
                )
            }
            Refused::Invalid { text, .. } => f.write_str(text),
        }
    }
}

/// A value as the reference server prints it; what is not set is the zero of its kind.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown_as_displayed {
    ($($kind:ty),+) => {
        $(impl Shown for $kind {
            fn shown(&self) -> String {
                self.to_string()
            }
        })+
    };
}
shown_as_displayed!(String, bool, u32, i64, Port);

impl Shown for Duration {
    fn shown(&self) -> String {
        format_duration(i64::try_from(self.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl Shown for ByteCount {
    fn shown(&self) -> String {
        self.0.to_string()
    }
}

impl Shown for WriteTimeout {
    fn shown(&self) -> String {
        match self {
            WriteTimeout::Default => "",
            WriteTimeout::Close => "close",
            WriteTimeout::Retry => "retry",
        }
        .to_string()
    }
}

impl Shown for Option<String> {
    fn shown(&self) -> String {
        self.clone().unwrap_or_default()
    }
}

macro_rules! shown_or_zero {
    ($($kind:ty),+) => {
        $(impl Shown for Option<$kind> {
            fn shown(&self) -> String {
                self.as_ref().map_or_else(|| "0".to_string(), ToString::to_string)
            }
        })+
    };
}
shown_or_zero!(u8, u32, u64, Port);

impl Shown for Option<ByteCount> {
    fn shown(&self) -> String {
        self.map_or(0, |n| n.0).to_string()
    }
}

impl Shown for Vec<String> {
    fn shown(&self) -> String {
        format!("[{}]", self.join(" "))
    }
}

impl Shown for BTreeMap<String, bool> {
    fn shown(&self) -> String {
        let entries: Vec<String> = self.iter().map(|(k, v)| format!("{k}:{v}")).collect();
        format!("map[{}]", entries.join(" "))
    }
}
