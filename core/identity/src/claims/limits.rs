//! Limits of accounts and users: -1 is none.

use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::Deserialize;

use super::issues::Issues;

/// No limit.
pub(super) const NO_LIMIT: i64 = -1;

/// What an operator grants an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OperatorLimits {
    /// Subscriptions of each connection.
    pub subs: i64,
    /// Bytes in all; nothing goes by it.
    pub data: i64,
    /// Bytes of a message.
    pub payload: i64,
    /// Entries of `imports`.
    pub imports: i64,
    /// Entries of `exports`.
    pub exports: i64,
    /// Whether exports may have wildcards.
    #[serde(rename = "wildcards")]
    pub wildcard_exports: bool,
    /// Users must sign.
    pub disallow_bearer: bool,
    /// Connections at one time.
    pub conn: i64,
    /// Leaf nodes at one time.
    pub leaf: i64,
    /// Without tiers.
    #[serde(flatten)]
    pub jetstream: JetStreamLimits,
    /// `R1`, `R3`…
    pub tiered_limits: BTreeMap<String, JetStreamLimits>,
}

/// Limits of what is stored; 0 bytes of both kinds is none at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct JetStreamLimits {
    /// Bytes in memory.
    pub mem_storage: i64,
    /// Bytes on disk.
    pub disk_storage: i64,
    /// Streams.
    pub streams: i64,
    /// Consumers.
    pub consumer: i64,
    /// Unacknowledged messages of a stream.
    pub max_ack_pending: i64,
    /// Bytes of a stream in memory.
    pub mem_max_stream_bytes: i64,
    /// Bytes of a stream on disk.
    pub disk_max_stream_bytes: i64,
    /// Streams must say how large they are.
    pub max_bytes_required: bool,
}

impl JetStreamLimits {
    fn stores(&self) -> bool {
        self.mem_storage != 0 || self.disk_storage != 0
    }
}

impl OperatorLimits {
    /// Whether the account may store anything.
    pub fn is_jetstream_enabled(&self) -> bool {
        if self.tiered_limits.is_empty() {
            self.jetstream.stores()
        } else {
            self.tiered_limits.values().any(JetStreamLimits::stores)
        }
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        *self == OperatorLimits::default()
    }

    pub(super) fn check(&self, issues: &mut Issues) {
        if self.tiered_limits.is_empty() {
            return;
        }
        if self.jetstream != JetStreamLimits::default() {
            issues.error("JetStream Limits and tiered JetStream Limits are mutually exclusive");
        }
        if self.tiered_limits.contains_key("") {
            issues.error("Tiered JetStream Limits can not contain a blank \"\" tier name");
        }
    }
}

/// A limit as options have it. The reference server keeps limits in 32 bits with a sign.
pub(super) fn bound(limit: i64) -> Option<u32> {
    u32::try_from(limit.min(i64::from(i32::MAX))).ok()
}
