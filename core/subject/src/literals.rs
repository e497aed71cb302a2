//! The index's table of literal subjects: one hash probe from subject to group.
//! Not here: wildcards.

use alloc::boxed::Box;
use core::hash::{BuildHasher, Hasher};
use core::mem;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::group::{Counts, Group};
use crate::index::Entry;

/// Most subjects have one subscriber: it is kept in place, without a group around it.
#[derive(Debug)]
enum Slot<S> {
    One(S),
    Many(Box<Group<S>>),
}

impl<S: Entry> Slot<S> {
    fn subject(&self) -> &[u8] {
        match self {
            Slot::One(entry) => entry.subject(),
            Slot::Many(group) => {
                let entry = group
                    .plain()
                    .first()
                    .or_else(|| group.queues().first().and_then(|q| q.members().first()));
                entry.map_or(&[], Entry::subject)
            }
        }
    }
}

/// What a literal subject's entries are.
pub(crate) enum Found<'a, S> {
    One(&'a S),
    Many(&'a Group<S>),
}

#[derive(Debug)]
pub(crate) struct Literals<S> {
    table: HashTable<Slot<S>>,
    hasher: FixedState,
}

impl<S: Entry> Literals<S> {
    pub(crate) fn new(seed: u64) -> Self {
        Literals {
            table: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    #[inline]
    fn hash(&self, subject: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(subject);
        hasher.finish()
    }

    #[inline]
    pub(crate) fn get(&self, subject: &[u8]) -> Option<Found<'_, S>> {
        let hash = self.hash(subject);
        self.table
            .find(hash, |slot| slot.subject() == subject)
            .map(|slot| match slot {
                Slot::One(entry) => Found::One(entry),
                Slot::Many(group) => Found::Many(group),
            })
    }

    pub(crate) fn insert(&mut self, entry: S) -> Counts {
        let hash = self.hash(entry.subject());
        let Literals { table, hasher } = self;
        match table.find_mut(hash, |slot| slot.subject() == entry.subject()) {
            None => {
                let counts = Counts::one(entry.class());
                entry.set_slot(0);
                let rehash = |slot: &Slot<S>| {
                    let mut h = hasher.build_hasher();
                    h.write(slot.subject());
                    h.finish()
                };
                table.insert_unique(hash, Slot::One(entry), rehash);
                counts
            }
            Some(slot @ Slot::One(_)) => {
                let empty = Slot::Many(Box::default());
                let Slot::One(first) = mem::replace(slot, empty) else {
                    unreachable!("matched above")
                };
                let Slot::Many(group) = slot else {
                    unreachable!("just put there")
                };
                group.insert(first);
                group.insert(entry)
            }
            Some(Slot::Many(group)) => group.insert(entry),
        }
    }

    pub(crate) fn remove(&mut self, entry: &S) -> Option<Counts> {
        let hash = self.hash(entry.subject());
        let mut found = self
            .table
            .find_entry(hash, |slot| slot.subject() == entry.subject())
            .ok()?;
        match found.get_mut() {
            Slot::One(have) => {
                if !have.same(entry) {
                    return None;
                }
                found.remove();
                self.shrink();
                Some(Counts::default())
            }
            Slot::Many(group) => {
                let left = group.remove(entry)?;
                group.shrink();
                match group.sole() {
                    Some(sole) => {
                        let sole = sole.clone();
                        *found.get_mut() = Slot::One(sole);
                    }
                    None if group.is_empty() => {
                        found.remove();
                        self.shrink();
                    }
                    None => {}
                }
                Some(left)
            }
        }
    }

    /// A table that has become mostly empty is rebuilt at its size, so that a million departed
    /// subscriptions give their memory back. Rebuilding at an eighth keeps the cost amortised.
    fn shrink(&mut self) {
        let (len, capacity) = (self.table.len(), self.table.capacity());
        if capacity > 1024 && len < capacity / 8 {
            let Literals { table, hasher } = self;
            table.shrink_to(len * 2, |slot| {
                let mut h = hasher.build_hasher();
                h.write(slot.subject());
                h.finish()
            });
        }
    }

    pub(crate) fn for_each_subject<'a>(
        &'a self,
        f: &mut impl FnMut(&'a [u8], Option<&'a [u8]>, Counts),
    ) {
        for slot in &self.table {
            match slot {
                Slot::One(entry) => f(entry.subject(), entry.queue(), Counts::one(entry.class())),
                Slot::Many(group) => group.for_each_subject(f),
            }
        }
    }

    pub(crate) fn for_each<'a>(&'a self, f: &mut impl FnMut(&'a S)) {
        for slot in &self.table {
            match slot {
                Slot::One(entry) => f(entry),
                Slot::Many(group) => group.for_each(f),
            }
        }
    }
}
