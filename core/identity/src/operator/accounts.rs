//! The accounts that are known by their claims.
//!
//! What lives here: which claims of an account count, who is asked for, and what follows from claims that come,
//! change and end. What does not: asking, keeping tokens, and carrying out what follows.
//!
//! Of two claims about one account, those count that were issued last; in the same second, those that came last.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{AccountOptions, Secret};
use gannet_units::{Moment, WallTime};
use thiserror::Error;

use super::trust::{Trust, Untrusted};
use crate::claims::AccountClaims;

/// How long a resolver may take to find an account, where it has no time of its own.
pub const FETCH_TIMEOUT: Duration = Duration::from_millis(1900);
/// An account that was not found is asked for again by those who need it, but not at once.
const PAUSE: Duration = Duration::from_secs(1);
/// So many accounts are asked for at one time; whoever names more is not believed.
const MAX_FETCHES: usize = 1024;

/// The time, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For deadlines.
    pub moment: Moment,
    /// For what claims say.
    pub wall: WallTime,
}

/// What there is of an account.
#[derive(Clone, Debug)]
pub enum Found {
    /// The claims that count.
    Account(Arc<AccountClaims>),
    /// It is being asked for: [`Output::Settled`] tells when that has come to an end.
    Asked,
    /// Its time is over, and nobody has newer claims.
    Expired,
    /// There is none, as far as can be known now.
    Missing,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask the resolver for an account; the answer is [`Accounts::fetched`].
    Fetch(String),
    /// Nobody needs to wait for that account any longer.
    Settled(String),
    /// The account is as these say from now on.
    Apply(Box<AccountOptions>),
    /// Its users are to be looked at again: `before` are the claims they were let in by.
    Judge {
        /// The account.
        account: String,
        /// What counted before.
        before: Arc<AccountClaims>,
        /// What counts now.
        now: Arc<AccountClaims>,
    },
    /// The account's time is over, or it was removed: its connections end.
    Expire(String),
}

/// Why claims were not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// They do not count.
    #[error("{0}")]
    Untrusted(#[from] Untrusted),
    /// Newer ones are known.
    #[error("newer claims of the account are known")]
    Older,
}

#[derive(Debug)]
struct Known {
    jwt: Secret,
    claims: Arc<AccountClaims>,
    expired: bool,
    /// When an activation token of its imports ends.
    activation_end: Option<i64>,
}

/// All accounts that anybody has needed so far.
#[derive(Debug, Default)]
pub struct Accounts {
    trust: Trust,
    known: BTreeMap<String, Known>,
    /// Those asked for, with the end of patience.
    asked: BTreeMap<String, Moment>,
    /// Those not found, with the time from which on they may be asked for again.
    missing: BTreeMap<String, Moment>,
    /// Exporters, with those who import from them.
    importers: BTreeMap<String, BTreeSet<String>>,
    patience: Duration,
}

impl Accounts {
    /// No account yet; each may take as long as `patience` to be found.
    pub fn new(trust: Trust, patience: Duration) -> Accounts {
        Accounts {
            trust,
            patience,
            ..Accounts::default()
        }
    }

    /// Whose word counts.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The token of an account that is known.
    pub fn jwt(&self, account: &str) -> Option<&Secret> {
        self.known.get(account).map(|known| &known.jwt)
    }

    /// The names of all that are known.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// Finds an account, and asks for it if it is not known or its time is over.
    pub fn find(&mut self, account: &str, now: Now, out: &mut Vec<Output>) -> Found {
        let expired = match self.known.get(account) {
            Some(known) if !known.expired && !known.claims.is_expired(now.wall) => {
                return Found::Account(known.claims.clone());
            }
            known => known.is_some(),
        };
        if self.ask(account, now, out) {
            Found::Asked
        } else if expired {
            Found::Expired
        } else {
            Found::Missing
        }
    }

    /// Whether the account is being asked for from now on, if it was not already.
    fn ask(&mut self, account: &str, now: Now, out: &mut Vec<Output>) -> bool {
        if self.asked.contains_key(account) {
            return true;
        }
        let too_soon = self
            .missing
            .get(account)
            .is_some_and(|then| now.moment < *then);
        if too_soon || self.asked.len() >= MAX_FETCHES {
            return false;
        }
        self.asked
            .insert(account.into(), now.moment + self.patience);
        out.push(Output::Fetch(account.into()));
        true
    }

    /// The resolver's answer: a token, or that there is none.
    pub fn fetched(
        &mut self,
        account: &str,
        jwt: Option<&str>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Result<(), UpdateError> {
        self.asked.remove(account);
        let taken = jwt.map(|jwt| self.take(account, jwt, now, out));
        if self.known.get(account).is_none_or(|known| known.expired) {
            self.note_missing(account, now);
        }
        out.push(Output::Settled(account.into()));
        taken.unwrap_or(Ok(()))
    }

    /// Claims that somebody has pushed, about an account that may not be known yet.
    ///
    /// # Errors
    /// If they do not count.
    pub fn update(
        &mut self,
        account: &str,
        jwt: &str,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Result<(), UpdateError> {
        self.take(account, jwt, now, out)
    }

    /// Whether that account is known, be its time over or not.
    pub fn knows(&self, account: &str) -> bool {
        self.known.contains_key(account)
    }

    /// An account was deleted; whatever claims come next are those that count.
    pub fn remove(&mut self, account: &str, out: &mut Vec<Output>) {
        if let Some(known) = self.known.remove(account) {
            self.note_imports(account, Some(&known.claims), &AccountClaims::default());
            out.push(Output::Expire(account.into()));
        }
    }

    fn take(
        &mut self,
        account: &str,
        jwt: &str,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Result<(), UpdateError> {
        let before = self.known.get(account);
        if before.is_some_and(|known| !known.expired && known.jwt.expose() == jwt) {
            return Ok(());
        }
        let claims = Arc::new(self.trust.verify(account, jwt, now.wall)?);
        let before = before.map(|known| known.claims.clone());
        let newest = before.as_ref().map(|before| before.data.issued_at);
        if newest.is_some_and(|newest| newest > claims.data.issued_at) {
            return Err(UpdateError::Older);
        }
        self.missing.remove(account);
        self.note_imports(account, before.as_deref(), &claims);
        let known = Known {
            jwt: Secret::new(jwt),
            claims: claims.clone(),
            expired: false,
            activation_end: None,
        };
        self.known.insert(account.into(), known);
        self.apply(account, now, out);
        for import in &claims.nats.imports {
            if !self.known.contains_key(&import.account) {
                self.ask(&import.account, now, out);
            }
        }
        if let Some(before) = before {
            out.push(Output::Judge {
                account: account.into(),
                before,
                now: claims,
            });
        }
        // Who signs for this account decides on the tokens of those who import from it.
        let importers = self.importers.get(account).cloned().unwrap_or_default();
        for importer in importers.iter().filter(|importer| *importer != account) {
            self.apply(importer, now, out);
        }
        Ok(())
    }

    fn note_imports(&mut self, account: &str, before: Option<&AccountClaims>, now: &AccountClaims) {
        for import in before.iter().flat_map(|before| &before.nats.imports) {
            if let Some(importers) = self.importers.get_mut(&import.account) {
                importers.remove(account);
                if importers.is_empty() {
                    self.importers.remove(&import.account);
                }
            }
        }
        for import in &now.nats.imports {
            let importers = self.importers.entry(import.account.clone()).or_default();
            importers.insert(account.into());
        }
    }

    fn note_missing(&mut self, account: &str, now: Now) {
        self.missing.retain(|_, then| now.moment < *then);
        if self.missing.len() < MAX_FETCHES {
            self.missing.insert(account.into(), now.moment + PAUSE);
        }
    }

    /// Tells what the account is like.
    fn apply(&mut self, account: &str, now: Now, out: &mut Vec<Output>) {
        let Some(known) = self.known.get(account).filter(|known| !known.expired) else {
            return;
        };
        let exporter = |name: &str| self.known.get(name).map(|known| &*known.claims);
        let options = known.claims.to_options(now.wall, exporter);
        let activation_end = known.claims.next_activation_end(now.wall);
        out.push(Output::Apply(Box::new(options)));
        if let Some(known) = self.known.get_mut(account) {
            known.activation_end = activation_end;
        }
    }

    /// When the next account or activation token ends.
    pub fn next_end(&self) -> Option<WallTime> {
        let ends = self.known.values().filter(|known| !known.expired);
        ends.filter_map(|known| earliest(known.claims.end(), known.activation_end.map(at)))
            .min()
    }

    /// When patience with the resolver ends.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.asked.values().min().copied()
    }

    /// What has come to an end by now.
    pub fn advance(&mut self, now: Now, out: &mut Vec<Output>) {
        let overdue = self.asked.iter().filter(|(_, end)| **end <= now.moment);
        let overdue: Vec<String> = overdue.map(|(account, _)| account.clone()).collect();
        for account in overdue {
            self.asked.remove(&account);
            self.note_missing(&account, now);
            out.push(Output::Settled(account));
        }
        let mut tokens = Vec::new();
        for (account, known) in self.known.iter_mut().filter(|(_, known)| !known.expired) {
            if known.claims.is_expired(now.wall) {
                known.expired = true;
                out.push(Output::Expire(account.clone()));
            } else if known.activation_end.is_some_and(|end| at(end) <= now.wall) {
                tokens.push(account.clone());
            }
        }
        for account in tokens {
            self.apply(&account, now, out);
        }
    }
}

fn earliest(a: Option<WallTime>, b: Option<WallTime>) -> Option<WallTime> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// So many seconds after 1970.
fn at(seconds: i64) -> WallTime {
    WallTime::from_unix_nanos(seconds.saturating_mul(1_000_000_000))
}
