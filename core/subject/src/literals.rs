//! The index's table of literal subjects: one hash probe from subject to group.
//! Not here: wildcards.

use alloc::boxed::Box;
use alloc::vec::Vec;
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

impl<S: Entry> Slot<S> {
    fn visit<'a>(&'a self, f: &mut impl FnMut(&'a [u8], Option<&'a [u8]>, Counts)) {
        match self {
            Slot::One(entry) => f(entry.subject(), entry.queue(), Counts::one(entry.class())),
            Slot::Many(group) => group.for_each_subject(f),
        }
    }
}

/// What a literal subject's entries are.
pub(crate) enum Found<'a, S> {
    One(&'a S),
    Many(&'a Group<S>),
}

/// From so many subjects in one table on, the subjects are spread over [`SPREAD`] tables: a table that
/// grows moves all it has while everybody waits, which must not be a million subjects.
const SPREAD_FROM: usize = 16 * 1024;
/// Tables of an index with many subjects; a power of two.
const SPREAD: usize = 64;

/// The tables: one, or [`SPREAD`] of them, chosen by bits of the hash that a table does not look at.
#[derive(Debug)]
pub(crate) struct Literals<S> {
    tables: Vec<HashTable<Slot<S>>>,
    hasher: FixedState,
}

/// How far a visit of all subjects has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many tables there were.
    tables: usize,
    /// The table that is being visited, how many buckets it had, and the next of them.
    table: usize,
    buckets: usize,
    bucket: usize,
}

impl<S: Entry> Literals<S> {
    pub(crate) fn new(seed: u64) -> Self {
        Literals {
            tables: alloc::vec![HashTable::new()],
            hasher: FixedState::with_seed(seed),
        }
    }

    #[inline]
    fn hash(&self, subject: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(subject);
        hasher.finish()
    }

    /// Which table holds subjects of this hash.
    #[inline]
    fn table_of(&self, hash: u64) -> usize {
        // A table takes the lowest bits for the bucket and the highest seven for its tags.
        (hash >> 48) as usize & (self.tables.len() - 1)
    }

    #[inline]
    pub(crate) fn get(&self, subject: &[u8]) -> Option<Found<'_, S>> {
        let hash = self.hash(subject);
        self.tables[self.table_of(hash)]
            .find(hash, |slot| slot.subject() == subject)
            .map(|slot| match slot {
                Slot::One(entry) => Found::One(entry),
                Slot::Many(group) => Found::Many(group),
            })
    }

    pub(crate) fn insert(&mut self, entry: S) -> Counts {
        let hash = self.hash(entry.subject());
        if self.tables.len() == 1 && self.tables[0].len() >= SPREAD_FROM {
            self.spread();
        }
        let at = self.table_of(hash);
        let Literals { tables, hasher } = self;
        let table = &mut tables[at];
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
        let at = self.table_of(hash);
        let mut found = self.tables[at]
            .find_entry(hash, |slot| slot.subject() == entry.subject())
            .ok()?;
        match found.get_mut() {
            Slot::One(have) => {
                if !have.same(entry) {
                    return None;
                }
                found.remove();
                self.shrink(at);
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
                        self.shrink(at);
                    }
                    None => {}
                }
                Some(left)
            }
        }
    }

    /// Spreads the subjects over many tables.
    #[cold]
    fn spread(&mut self) {
        let mut many = Vec::new();
        many.resize_with(SPREAD, HashTable::new);
        let old = mem::replace(&mut self.tables, many);
        for slot in old.into_iter().flatten() {
            let hash = self.hash(slot.subject());
            let at = self.table_of(hash);
            let Literals { tables, hasher } = self;
            tables[at].insert_unique(hash, slot, |slot| {
                let mut h = hasher.build_hasher();
                h.write(slot.subject());
                h.finish()
            });
        }
    }

    /// Visits the subjects from `place` on, about `most` buckets of them; answers where to go on, `None` at
    /// the end. A table that was rebuilt since is begun anew: a subject that was there all the time is
    /// visited at least once.
    pub(crate) fn visit_some<'a>(
        &'a self,
        place: Place,
        most: usize,
        f: &mut impl FnMut(&'a [u8], Option<&'a [u8]>, Counts),
    ) -> Option<Place> {
        let mut at = place;
        if at.tables != self.tables.len() {
            at = Place {
                tables: self.tables.len(),
                ..Place::default()
            };
        }
        let mut left = most;
        while let Some(table) = self.tables.get(at.table) {
            if at.buckets != table.num_buckets() {
                at.buckets = table.num_buckets();
                at.bucket = 0;
            }
            while at.bucket < at.buckets {
                if left == 0 {
                    return Some(at);
                }
                left -= 1;
                if let Some(slot) = table.get_bucket(at.bucket) {
                    slot.visit(f);
                }
                at.bucket += 1;
            }
            (at.table, at.buckets, at.bucket) = (at.table + 1, 0, 0);
        }
        None
    }

    /// A table that has become mostly empty is rebuilt at its size, so that a million departed
    /// subscriptions give their memory back. Rebuilding at an eighth keeps the cost amortised.
    fn shrink(&mut self, at: usize) {
        let Literals { tables, hasher } = self;
        let table = &mut tables[at];
        let (len, capacity) = (table.len(), table.capacity());
        if capacity > 128 && len < capacity / 8 {
            table.shrink_to(len * 2, |slot| {
                let mut h = hasher.build_hasher();
                h.write(slot.subject());
                h.finish()
            });
        }
    }

    pub(crate) fn for_each<'a>(&'a self, f: &mut impl FnMut(&'a S)) {
        for slot in self.tables.iter().flatten() {
            match slot {
                Slot::One(entry) => f(entry),
                Slot::Many(group) => group.for_each(f),
            }
        }
    }
}
