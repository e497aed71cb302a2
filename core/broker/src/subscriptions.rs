//! The subscriptions of one connection, by the id it gave them. Not here: the index over everybody's.

use core::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use gannet_subject::Spread;

use crate::sub::Sub;

/// A table of subscriptions by id.
#[derive(Debug)]
pub struct Subscriptions {
    table: Spread<Sub>,
    hasher: FixedState,
}

fn hash(hasher: &FixedState, sid: &[u8]) -> u64 {
    let mut h = hasher.build_hasher();
    h.write(sid);
    h.finish()
}

impl Subscriptions {
    /// An empty table, keyed by `seed`.
    pub fn new(seed: u64) -> Subscriptions {
        Subscriptions {
            table: Spread::default(),
            hasher: FixedState::with_seed(seed),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The subscription with this id.
    pub fn get(&self, sid: &[u8]) -> Option<&Sub> {
        self.table
            .get(hash(&self.hasher, sid), |sub| sub.sid() == sid)
    }

    /// Adds a subscription, whose id must not be in the table.
    pub fn insert(&mut self, sub: Sub) {
        let Subscriptions { table, hasher } = self;
        let key = hash(hasher, sub.sid());
        table.insert(key, sub, |sub| hash(hasher, sub.sid()));
    }

    /// Takes the subscription with this id out.
    pub fn remove(&mut self, sid: &[u8]) -> Option<Sub> {
        let Subscriptions { table, hasher } = self;
        table.remove(
            hash(hasher, sid),
            |sub| sub.sid() == sid,
            |sub| hash(hasher, sub.sid()),
        )
    }

    /// Takes all subscriptions out.
    pub fn drain(&mut self) -> impl Iterator<Item = Sub> + use<> {
        core::mem::take(&mut self.table).into_iter()
    }

    /// All subscriptions, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Sub> {
        self.table.iter()
    }
}
