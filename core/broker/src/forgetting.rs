//! Interest of a link that has ended, taken out of the accounts in parts, so that nobody waits for a
//! million subjects to go.

use alloc::collections::btree_map;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::account::Account;
use crate::broker::Broker;
use crate::remote_interest::{InterestSet, RemoteInterest};
use crate::sub::Sub;

/// Entries removed under one lock: short enough not to be noticed.
const PART: usize = 256;

/// What a link has left behind.
#[must_use = "what is not stepped through stays in the accounts"]
pub struct Forgetting {
    accounts: btree_map::IntoIter<String, InterestSet>,
    current: Option<(Arc<Account>, Vec<Sub>)>,
}

impl Forgetting {
    /// All of `interest`.
    pub fn new(mut interest: RemoteInterest) -> Forgetting {
        Forgetting {
            accounts: interest.take().into_iter(),
            current: None,
        }
    }

    /// Takes a part out, and announces what that changes. Answers whether there is more.
    pub fn step(&mut self, broker: &Broker) -> bool {
        if let Some((account, subs)) = &mut self.current {
            let from = subs.len().saturating_sub(PART);
            account.unsubscribe_all(subs.drain(from..));
            if subs.is_empty() {
                self.current = None;
            }
            return true;
        }
        let Some((name, set)) = self.accounts.next() else {
            return false;
        };
        self.current = broker
            .account(&name)
            .map(|account| (account, set.into_subs().collect()));
        true
    }

    /// Takes everything out at once.
    pub fn finish(mut self, broker: &Broker) {
        while self.step(broker) {}
    }
}

impl fmt::Debug for Forgetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forgetting").finish_non_exhaustive()
    }
}
