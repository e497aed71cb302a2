//! Revocations: public keys, or all, with the time up to which what was issued to them no longer counts.

use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::Deserialize;

/// Keys with times in seconds since 1970; `*` is everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Revocations(pub BTreeMap<String, i64>);

impl Revocations {
    /// Whether claims for `key` that were issued at that time are revoked.
    pub fn revokes(&self, key: &str, issued_at: i64) -> bool {
        let revoked = |key| self.0.get(key).is_some_and(|time| *time >= issued_at);
        revoked(key) || revoked("*")
    }
}

#[cfg(test)]
mod tests {
    use super::Revocations;

    #[test]
    fn what_was_issued_until_then_is_revoked() {
        let one = Revocations([("U".into(), 10)].into());
        let all = Revocations([("*".into(), 10), ("U".into(), 5)].into());
        for (list, key, issued_at, wanted) in [
            (&one, "U", 9, true),
            (&one, "U", 10, true),
            (&one, "U", 11, false),
            (&one, "V", 9, false),
            (&all, "U", 10, true),
            (&all, "V", 10, true),
            (&all, "U", 11, false),
        ] {
            assert_eq!(list.revokes(key, issued_at), wanted, "{key} {issued_at}");
        }
    }
}
