//! How accounts come to share otherwise than before, while messages flow. Not here: which imports are
//! carried out (`evaluate`), and what a change of streams means for subscriptions (`shadows`).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::AccountOptions;
use gannet_units::{Moment, WallTime};

use super::Shares;
use super::evaluate::{Drafts, RefusedImport};
use crate::account::Account;
use crate::broker::Broker;
use crate::shadows::Recast;

/// What a change of accounts came to.
#[derive(Debug)]
#[must_use = "subscriptions get what is new, and keep what is over, until it is stepped through"]
pub struct Defined {
    /// Imports that are not carried out.
    pub refused: Vec<RefusedImport>,
    recast: Recast,
}

impl Defined {
    /// Does a part of what the change means for subscriptions that there are. Answers whether there is more.
    pub fn step(&mut self, now: Moment) -> bool {
        self.recast.step(now)
    }

    /// Does all of it at once.
    pub fn finish(mut self, now: Moment) -> Vec<RefusedImport> {
        while self.step(now) {}
        self.refused
    }
}

impl Broker {
    /// These are the accounts from now on. Others share nothing any more, but stay: links may have made them
    /// known, and clients may still be in them.
    pub fn define_accounts(&self, accounts: &[AccountOptions], now: WallTime) -> Defined {
        let defining = self.defining.lock();
        for options in accounts {
            self.account_to_define(&options.name);
        }
        let list = self.accounts.read().clone();
        let named: BTreeSet<&str> = accounts.iter().map(|a| &*a.name).collect();
        let mut drafts = Drafts::new(&list, now);
        for options in accounts {
            let own = Shares::own(options, &self.options().cluster);
            drafts.add(&options.name, own, options.imports.clone());
        }
        for (name, account) in &list {
            let is_over = !named.contains(&**name);
            account.set_defined(!is_over);
            if is_over && account.shares().is_some() {
                drafts.add(name, Shares::default(), Vec::new());
            }
        }
        let defined = Self::share(drafts);
        drop(defining);
        defined
    }

    /// This account is so from now on, whatever it was before; the others stay as they are.
    pub fn define_account(&self, options: &AccountOptions, now: WallTime) -> Defined {
        let defining = self.defining.lock();
        self.account_to_define(&options.name).set_defined(true);
        let list = self.accounts.read().clone();
        let mut drafts = Drafts::new(&list, now);
        let own = Shares::own(options, &self.options().cluster);
        drafts.add(&options.name, own, options.imports.clone());
        for (name, account) in list.iter().filter(|(name, _)| ***name != *options.name) {
            if let Some(shares) = account.shares().filter(|s| s.import_from(&options.name)) {
                drafts.add(name, shares.own_again(), shares.imports());
            }
        }
        let defined = Self::share(drafts);
        drop(defining);
        defined
    }

    /// The account shares nothing any more. It stays, as an account that links may have made known.
    pub fn undefine_account(&self, name: &str, now: WallTime) -> Defined {
        let options = AccountOptions {
            name: String::from(name),
            ..AccountOptions::default()
        };
        let defined = self.define_account(&options, now);
        if let Some(account) = self.account(name) {
            account.set_defined(false);
        }
        defined
    }

    /// Looks at all imports again whose activations end: at the time that [`Broker::next_review`] names.
    pub fn review_imports(&self, now: WallTime) -> Defined {
        let defining = self.defining.lock();
        let list = self.accounts.read().clone();
        let mut drafts = Drafts::new(&list, now);
        for (name, account) in &list {
            if let Some(shares) = account.shares().filter(|s| s.expires().is_some()) {
                drafts.add(name, shares.own_again(), shares.imports());
            }
        }
        let defined = Self::share(drafts);
        drop(defining);
        defined
    }

    /// When the first activation of an import ends.
    pub fn next_review(&self) -> Option<WallTime> {
        let ends = |account: &Arc<Account>| account.shares().and_then(|shares| shares.expires());
        let seconds = self.accounts.read().values().filter_map(ends).min()?;
        let since_epoch = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Some(WallTime::from_unix_nanos(0) + since_epoch)
    }

    fn share(drafts: Drafts<'_>) -> Defined {
        let (accounts, refused) = drafts.evaluate();
        let change = |(account, shares): (Arc<Account>, Shares)| {
            let shares = (!shares.is_empty()).then_some(shares);
            account.set_shares(shares).then_some(account)
        };
        let recast = Recast {
            accounts: accounts.into_iter().filter_map(change).collect(),
            cursor: None,
        };
        Defined { refused, recast }
    }
}

impl Shares {
    fn import_from(&self, exporter: &str) -> bool {
        let mut all = self.allowed().chain(&self.refused);
        all.any(|import| import.account == exporter)
    }

    /// When the first activation of an import that is carried out ends, in seconds since 1970.
    fn expires(&self) -> Option<i64> {
        let activations = self.allowed().filter_map(|i| i.activation.as_ref());
        activations.filter_map(|shown| shown.expires).min()
    }
}
