//! The choice of a compression from what both sides say, and of a level from the distance. Not here: the
//! stream (`gannet_wire::s2`).

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use gannet_config::{Compression, RttThresholds, quoted};
use gannet_wire::s2::Mode;

/// How a connection is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum InUse {
    /// That has not been settled yet.
    #[default]
    Unsettled,
    /// One of the two has never heard of it.
    NotSupported,
    /// Not at all.
    Off,
    /// So.
    On(Mode),
}

impl InUse {
    /// The word for it in INFO and monitoring.
    pub(super) fn text(self) -> &'static str {
        match self {
            InUse::Unsettled => "",
            InUse::NotSupported => "not supported",
            InUse::Off => "off",
            InUse::On(Mode::Uncompressed) => "s2_uncompressed",
            InUse::On(Mode::Fast) => "s2_fast",
            InUse::On(Mode::Better) => "s2_better",
            InUse::On(Mode::Best) => "s2_best",
        }
    }
}

/// The configured mode as INFO says it; empty if it must not.
pub(super) fn configured(own: &Compression) -> &'static str {
    match own {
        Compression::NotSupported => "",
        Compression::Off => "off",
        Compression::Accept => "accept",
        Compression::Fast => "s2_fast",
        Compression::Better => "s2_better",
        Compression::Best => "s2_best",
        Compression::Auto(_) => "s2_auto",
    }
}

/// What the INFO that follows the choice says.
pub(super) fn chosen(own: &Compression, in_use: InUse) -> &'static str {
    match own {
        Compression::Auto(_) => "s2_auto",
        Compression::NotSupported => "",
        _ => in_use.text(),
    }
}

/// Whether this side looks at what the peer says.
pub(super) fn is_negotiated(own: &Compression) -> bool {
    !matches!(own, Compression::NotSupported | Compression::Off)
}

/// What comes out if the peer's INFO says `theirs`, and it is `rtt` away.
///
/// # Errors
///
/// If it says something unheard of: the text for it.
pub(super) fn choose(own: &Compression, theirs: &str, rtt: Duration) -> Result<InUse, String> {
    let is_s2 = |word: &str| {
        matches!(
            word,
            "s2_auto" | "s2_uncompressed" | "s2_fast" | "s2_better" | "s2_best"
        )
    };
    let ours = match own {
        Compression::NotSupported => return Ok(InUse::NotSupported),
        Compression::Off if theirs.is_empty() => return Ok(InUse::NotSupported),
        Compression::Off => return Ok(InUse::Off),
        Compression::Accept => None,
        Compression::Fast => Some(Mode::Fast),
        Compression::Better => Some(Mode::Better),
        Compression::Best => Some(Mode::Best),
        Compression::Auto(thresholds) => Some(level(thresholds, rtt)),
    };
    match (theirs, ours) {
        ("" | "not supported", _) => Ok(InUse::NotSupported),
        ("off", _) | ("accept", None) => Ok(InUse::Off),
        ("accept", Some(mode)) => Ok(InUse::On(mode)),
        (word, Some(mode)) if is_s2(word) => Ok(InUse::On(mode)),
        ("s2_auto" | "s2_fast", None) => Ok(InUse::On(Mode::Fast)),
        ("s2_uncompressed", None) => Ok(InUse::On(Mode::Uncompressed)),
        ("s2_better", None) => Ok(InUse::On(Mode::Better)),
        ("s2_best", None) => Ok(InUse::On(Mode::Best)),
        (other, _) => Err(format!(
            "unsupported route compression mode {}",
            quoted(other)
        )),
    }
}

/// The level for a peer that is `rtt` away.
pub(super) fn level(thresholds: &RttThresholds, rtt: Duration) -> Mode {
    let list = thresholds.as_slice();
    // A threshold of zero takes its level out, so nobody is that near.
    let rtt = rtt.max(Duration::from_nanos(1));
    let beyond = if list.len() >= 3 {
        3
    } else {
        list.len().saturating_sub(1)
    };
    match list.iter().position(|upto| rtt <= *upto).unwrap_or(beyond) {
        0 => Mode::Uncompressed,
        1 => Mode::Fast,
        2 => Mode::Better,
        _ => Mode::Best,
    }
}
