//! Whose word about accounts is trusted. Not here: the accounts.

use alloc::collections::BTreeSet;
use alloc::string::String;

use gannet_config::OperatorOptions;
use gannet_units::WallTime;
use thiserror::Error;

use crate::claims::{AccountClaims, DecodeError};

/// The keys of operators, and the accounts that one may be of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    keys: BTreeSet<String>,
    /// Signing keys of operators that sign with nothing else, and whose accounts have to do so as well.
    strict: BTreeSet<String>,
    /// Operators' own keys that sign no accounts.
    idle: BTreeSet<String>,
    pinned: BTreeSet<String>,
}

/// Why claims of an account do not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Untrusted {
    /// They are none.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// Another operator's, not sound, not of this time, or about another account.
    #[error("account validation failed")]
    Account,
}

impl Trust {
    /// By what is configured; the system account is one that clients may always be of.
    pub fn new(options: &OperatorOptions, system_account: Option<&str>) -> Trust {
        let strict = || (options.operators.iter()).filter(|one| one.claims.strict_signing_keys);
        let mut pinned = options.pinned_accounts.clone();
        if !pinned.is_empty() {
            pinned.extend(system_account.map(String::from));
        }
        Trust {
            keys: options.keys().map(String::from).collect(),
            strict: (strict().flat_map(|one| &one.claims.signing_keys).cloned()).collect(),
            idle: strict().map(|one| one.claims.subject.clone()).collect(),
            pinned,
        }
    }

    /// Whether clients may be of that account, if there is one.
    pub fn allows(&self, account: &str) -> bool {
        self.pinned.is_empty() || self.pinned.contains(account)
    }

    /// Whether an account that `issuer` has signed is a trusted one.
    pub fn trusts(&self, issuer: &str) -> bool {
        self.keys.contains(issuer)
    }

    /// Whether `issuer` is an operator whose own key signs no accounts.
    pub fn is_idle(&self, issuer: &str) -> bool {
        self.idle.contains(issuer)
    }

    /// Whether the account's own key signs nothing: it is an operator's that is strict.
    pub fn is_strict(&self, account: &AccountClaims) -> bool {
        self.strict.contains(&account.data.issuer)
    }

    /// The claims in a token, if they are of `account` and count now.
    ///
    /// # Errors
    /// If they are not.
    pub fn verify(
        &self,
        account: &str,
        jwt: &str,
        now: WallTime,
    ) -> Result<AccountClaims, Untrusted> {
        let claims = AccountClaims::decode(jwt)?;
        // What nobody trusted has signed is not worth a closer look.
        let trusted = claims.data.subject == account && self.trusts(&claims.data.issuer);
        if trusted && !claims.issues(now).is_blocking(true) {
            Ok(claims)
        } else {
            Err(Untrusted::Account)
        }
    }
}
