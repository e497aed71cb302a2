//! Interest of a link that has ended, taken out of the accounts in parts, so that nobody waits for a
//! million subjects to go.

use alloc::collections::btree_map;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use gannet_subject::IntoIter;
use smallvec::SmallVec;

use crate::account::Account;
use crate::broker::Broker;
use crate::remote_interest::{InterestSet, RemoteInterest};
use crate::sub::Sub;

/// Entries taken out in one step.
const PART: usize = 256;
/// Entries removed under one lock: so few that who wants to publish meanwhile waits without going to sleep.
const AT_ONCE: usize = 16;

/// What a link has left behind.
#[must_use = "what is not stepped through stays in the accounts"]
pub struct Forgetting {
    accounts: btree_map::IntoIter<String, InterestSet>,
    current: Option<(Arc<Account>, IntoIter<Sub>)>,
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
            if !forget_some(account, subs) {
                self.current = None;
            }
            return true;
        }
        let Some((name, set)) = self.accounts.next() else {
            return false;
        };
        self.current = broker
            .account(&name)
            .map(|account| (account, set.into_subs()));
        true
    }

    /// Takes everything out at once.
    pub fn finish(mut self, broker: &Broker) {
        while self.step(broker) {}
    }
}

/// Takes out a part of what is left of an account. Answers whether there is more.
fn forget_some(account: &Account, subs: &mut IntoIter<Sub>) -> bool {
    let mut is_more = true;
    for _ in 0..PART / AT_ONCE {
        // They go back to the allocator with the account unlocked.
        let some: SmallVec<[Sub; AT_ONCE]> = subs.take(AT_ONCE).collect();
        account.remove_all(&some);
        is_more = some.len() == AT_ONCE;
        if !is_more {
            break;
        }
    }
    account.touch();
    is_more
}

impl fmt::Debug for Forgetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forgetting").finish_non_exhaustive()
    }
}
