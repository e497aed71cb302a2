//! What one remote cluster wants: the set of its interest, by account, subject and queue. Owned by the
//! task of the link that it came over, and gone with it. Not here: the index over everybody's.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use gannet_subject::{Entry, IntoIter, Spread};

use crate::sub::Sub;

/// The interest learned over one link.
#[derive(Debug, Default)]
pub struct RemoteInterest {
    by_account: BTreeMap<String, InterestSet>,
}

impl RemoteInterest {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.by_account.values().map(|set| set.table.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_account.values().all(|set| set.table.is_empty())
    }

    /// The set of one account, made if need be; `seed` keys it.
    pub(crate) fn account(&mut self, name: &str, seed: u64) -> &mut InterestSet {
        if !self.by_account.contains_key(name) {
            self.by_account.insert(name.into(), InterestSet::new(seed));
        }
        self.by_account.get_mut(name).expect("it was just seen to")
    }

    /// The set of one account.
    pub(crate) fn known_account(&mut self, name: &str) -> Option<&mut InterestSet> {
        self.by_account.get_mut(name)
    }

    /// Takes one account's out.
    pub(crate) fn split_off(&mut self, name: &str) -> RemoteInterest {
        let taken = self.by_account.remove_entry(name);
        RemoteInterest {
            by_account: taken.into_iter().collect(),
        }
    }

    /// Takes the entries out whose subjects are meant.
    pub(crate) fn split_where(
        &mut self,
        seed: u64,
        is_meant: impl Fn(&[u8]) -> bool,
    ) -> RemoteInterest {
        let mut taken = RemoteInterest::default();
        for (name, set) in &mut self.by_account {
            for sub in set.table.extract(|sub| is_meant(sub.subject())) {
                taken.account(name, seed).insert(sub);
            }
        }
        taken
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> BTreeMap<String, InterestSet> {
        core::mem::take(&mut self.by_account)
    }
}

/// Interest of one remote in one account. An entry is found by its subject and queue, which its
/// subscription holds: the set itself costs a pointer each.
#[derive(Debug)]
pub(crate) struct InterestSet {
    table: Spread<Sub>,
    hasher: FixedState,
}

fn hash(hasher: &FixedState, subject: &[u8], queue: Option<&[u8]>) -> u64 {
    let mut h = hasher.build_hasher();
    h.write(subject);
    if let Some(queue) = queue {
        // No subject holds a space.
        h.write_u8(b' ');
        h.write(queue);
    }
    h.finish()
}

fn is(sub: &Sub, subject: &[u8], queue: Option<&[u8]>) -> bool {
    sub.subject() == subject && sub.queue() == queue
}

impl InterestSet {
    fn new(seed: u64) -> InterestSet {
        InterestSet {
            table: Spread::default(),
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(crate) fn get(&self, subject: &[u8], queue: Option<&[u8]>) -> Option<&Sub> {
        let key = hash(&self.hasher, subject, queue);
        self.table.get(key, |sub| is(sub, subject, queue))
    }

    /// Adds an entry that is not in the set.
    pub(crate) fn insert(&mut self, sub: Sub) {
        let InterestSet { table, hasher } = self;
        let key = hash(hasher, sub.subject(), sub.queue());
        table.insert(key, sub, |sub| hash(hasher, sub.subject(), sub.queue()));
    }

    pub(crate) fn remove(&mut self, subject: &[u8], queue: Option<&[u8]>) -> Option<Sub> {
        let InterestSet { table, hasher } = self;
        table.remove(
            hash(hasher, subject, queue),
            |sub| is(sub, subject, queue),
            |sub| hash(hasher, sub.subject(), sub.queue()),
        )
    }

    pub(crate) fn into_subs(self) -> IntoIter<Sub> {
        self.table.into_iter()
    }
}
