//! How links are compressed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::text::duration::format_duration;
use crate::text::quote::quoted;

/// `compression` as it was written. What it means is found out by [`CompressionOptions::resolve`], since
/// the reference server, too, looks at it only when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompressionOptions {
    /// `mode`, as written; empty if there is none.
    pub mode: String,
    /// `rtt_thresholds`, in nanoseconds.
    pub rtt_thresholds: Vec<i64>,
}

/// How a link is compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `not_supported`: as by a server that has never heard of it.
    NotSupported,
    /// `off`.
    Off,
    /// `accept`: as the other side wishes, and not if both leave it to the other.
    Accept,
    /// `s2_fast`.
    Fast,
    /// `s2_better`.
    Better,
    /// `s2_best`.
    Best,
    /// `s2_auto`: by the round-trip time of the link.
    Auto(RttThresholds),
}

/// Round-trip times up to which a link is not compressed at all, fast, better; beyond the last, best.
/// A zero takes its level out. One to four of them, the last one not zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RttThresholds(Vec<Duration>);

impl RttThresholds {
    /// The thresholds, lowest level first.
    pub fn as_slice(&self) -> &[Duration] {
        &self.0
    }
}

impl Default for RttThresholds {
    fn default() -> RttThresholds {
        RttThresholds([10, 50, 100].map(Duration::from_millis).into())
    }
}

impl CompressionOptions {
    /// What the mode means for routes, or the reference's words for why it means nothing.
    pub fn resolve(&self) -> Result<Compression, String> {
        let lower = self.mode.to_lowercase();
        Ok(match lower.as_str() {
            "" | "accept" => Compression::Accept,
            "not supported" | "not_supported" => Compression::NotSupported,
            "disabled" | "off" | "false" => Compression::Off,
            "on" | "enabled" | "true" | "fast" | "s2_fast" => Compression::Fast,
            "better" | "s2_better" => Compression::Better,
            "best" | "s2_best" => Compression::Best,
            "auto" | "s2_auto" => Compression::Auto(self.thresholds()?),
            _ => {
                return Err(format!(
                    "unsupported compression mode {}",
                    quoted(&self.mode)
                ));
            }
        })
    }

    fn thresholds(&self) -> Result<RttThresholds, String> {
        if self.rtt_thresholds.is_empty() {
            return Ok(RttThresholds::default());
        }
        let mut thresholds: Vec<Duration> = Vec::new();
        for nanos in &self.rtt_thresholds {
            let threshold = Duration::from_nanos(u64::try_from(*nanos).unwrap_or(0));
            if !threshold.is_zero() && thresholds.iter().any(|lower| threshold < *lower) {
                let shown = self.shown_thresholds();
                return Err(format!(
                    "RTT threshold values {shown} should be in ascending order"
                ));
            }
            thresholds.push(threshold);
        }
        while thresholds.last().is_some_and(Duration::is_zero) {
            thresholds.pop();
        }
        let mode = quoted(&self.mode);
        match thresholds.len() {
            0 => Err(format!(
                "compression mode {mode} requires at least one RTT threshold"
            )),
            1..=4 => Ok(RttThresholds(thresholds)),
            _ => Err(format!(
                "compression mode {mode} should have no more than 4 RTT thresholds: {}",
                self.shown_thresholds()
            )),
        }
    }

    fn shown_thresholds(&self) -> String {
        let shown: Vec<String> = self
            .rtt_thresholds
            .iter()
            .map(|nanos| format_duration(*nanos))
            .collect();
        format!("[{}]", shown.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Compression, CompressionOptions, RttThresholds};
    use core::time::Duration;
    use std::string::{String, ToString};

    fn resolved(mode: &str, millis: &[i64]) -> Result<Compression, String> {
        CompressionOptions {
            mode: mode.to_string(),
            rtt_thresholds: millis.iter().map(|ms| ms * 1_000_000).collect(),
        }
        .resolve()
    }

    #[test]
    fn every_spelling_means_its_mode() {
        let auto = Compression::Auto(RttThresholds::default());
        for (spellings, wanted) in [
            ("not supported,not_supported", Compression::NotSupported),
            ("off,disabled,false,OFF", Compression::Off),
            (",accept,Accept", Compression::Accept),
            ("on,enabled,true,fast,s2_fast", Compression::Fast),
            ("better,s2_better", Compression::Better),
            ("best,S2_Best", Compression::Best),
            ("auto,s2_auto", auto),
        ] {
            for mode in spellings.split(',') {
                assert_eq!(resolved(mode, &[]), Ok(wanted.clone()), "{mode}");
            }
        }
        assert_eq!(
            resolved("S3", &[]),
            Err("unsupported compression mode \"S3\"".into())
        );
    }

    #[test]
    fn thresholds_are_put_right_or_refused() {
        let good = |millis: &[u64]| {
            let list = millis.iter().map(|ms| Duration::from_millis(*ms)).collect();
            Ok(Compression::Auto(RttThresholds(list)))
        };
        let bad = |text: &str| Err(text.to_string());
        for (millis, wanted) in [
            (&[5][..], good(&[5])),
            (&[0, 10, 0, 20, 0, 0], good(&[0, 10, 0, 20])),
            (&[-3, 10], good(&[0, 10])),
            (&[5, 5], good(&[5, 5])),
            (
                &[10, 5],
                bad("RTT threshold values [10ms 5ms] should be in ascending order"),
            ),
            (
                &[0, -1],
                bad("compression mode \"auto\" requires at least one RTT threshold"),
            ),
            (
                &[1, 2, 3, 4, 5],
                bad(
                    "compression mode \"auto\" should have no more than 4 RTT thresholds: \
                     [1ms 2ms 3ms 4ms 5ms]",
                ),
            ),
        ] {
            assert_eq!(resolved("auto", millis), wanted, "{millis:?}");
        }
    }
}
