//! What becomes of users who are connected when their account's claims change.

use crate::claims::{AccountClaims, Admitted};

/// How a connected user stands by its account's new claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As before.
    Stays,
    /// It has the account's default permissions, and those have changed.
    NewDefaults,
    /// Its claims were revoked.
    Revoked,
    /// It would not be let in any more: it has not signed, or who signed for it no longer does, or not with the
    /// same scope.
    Refused,
}

impl AccountClaims {
    /// How `user` stands, who was let in by the claims `before`. With `strict`, the account's own key signs for nobody.
    pub fn standing(&self, user: &Admitted, before: &AccountClaims, strict: bool) -> Standing {
        if user.bearer && self.nats.limits.disallow_bearer {
            return Standing::Refused;
        }
        if self.revokes(&user.user, user.issued_at) {
            return Standing::Revoked;
        }
        if let Some(key) = &user.signing_key {
            let scope = |claims: &AccountClaims| claims.nats.signing_keys.0.get(key).cloned();
            let own = *key == self.data.subject && !strict;
            let now = scope(self);
            if !own && (now.is_none() || now != scope(before)) {
                return Standing::Refused;
            }
        }
        let changed = self.nats.default_permissions != before.nats.default_permissions;
        if changed && user.has_default_permissions {
            return Standing::NewDefaults;
        }
        Standing::Stays
    }
}
