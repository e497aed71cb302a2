//! What all claims have in common. Not here: what is particular to a kind.

use alloc::string::String;

use gannet_units::WallTime;
use serde::Deserialize;

use super::issues::Issues;

/// Who says what of whom, and for how long. Times are in seconds since 1970; 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ClaimsData {
    /// For whom the claims are.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When they end.
    #[serde(rename = "exp")]
    pub expires: i64,
    /// A hash of the claims.
    #[serde(rename = "jti")]
    pub id: String,
    /// When they were issued.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// The public key that signed them.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// A name for people.
    pub name: String,
    /// When they begin.
    #[serde(rename = "nbf")]
    pub not_before: i64,
    /// The public key that they are about.
    #[serde(rename = "sub")]
    pub subject: String,
}

impl ClaimsData {
    /// Notes where the time is not right.
    pub(super) fn check(&self, now: WallTime, issues: &mut Issues) {
        let now = seconds(now);
        if self.expires > 0 && now > self.expires {
            issues.time_check("claim is expired");
        }
        if self.not_before > 0 && self.not_before > now {
            issues.time_check("claim is not yet valid");
        }
    }
}

/// Whole seconds since 1970.
pub(super) fn seconds(time: WallTime) -> i64 {
    time.as_unix_nanos().div_euclid(1_000_000_000)
}
