//! The index's table of literal subjects: one hash probe from subject to group.
//! Not here: wildcards.

use alloc::boxed::Box;
use core::hash::{BuildHasher, Hasher};
use core::mem;

use foldhash::fast::FixedState;

use crate::group::{Counts, Group};
use crate::index::Entry;
use crate::spread::{Place, Spread};

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

    /// Removes an entry. Answers how many are left on its exact (subject, queue), and whether there is none
    /// left at all, for which the slot must go; `None` if the entry was not there.
    fn remove(&mut self, entry: &S) -> Option<(Counts, bool)> {
        match self {
            Slot::One(have) => have.same(entry).then(|| (Counts::default(), true)),
            Slot::Many(group) => {
                let left = group.remove(entry)?;
                group.shrink();
                let is_over = group.is_empty();
                if let Some(sole) = group.sole().cloned() {
                    *self = Slot::One(sole);
                }
                Some((left, is_over))
            }
        }
    }

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

#[inline]
fn hash(hasher: &FixedState, subject: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(subject);
    hasher.finish()
}

/// The table.
#[derive(Debug)]
pub(crate) struct Literals<S> {
    table: Spread<Slot<S>>,
    hasher: FixedState,
}

impl<S: Entry> Literals<S> {
    pub(crate) fn new(seed: u64) -> Self {
        Literals {
            table: Spread::default(),
            hasher: FixedState::with_seed(seed),
        }
    }

    #[inline]
    pub(crate) fn get(&self, subject: &[u8]) -> Option<Found<'_, S>> {
        let slot = self.table.get(hash(&self.hasher, subject), |slot| {
            slot.subject() == subject
        })?;
        Some(match slot {
            Slot::One(entry) => Found::One(entry),
            Slot::Many(group) => Found::Many(group),
        })
    }

    pub(crate) fn insert(&mut self, entry: S) -> Counts {
        let Literals { table, hasher } = self;
        let key = hash(hasher, entry.subject());
        let Some(slot) = table.get_mut(key, |slot| slot.subject() == entry.subject()) else {
            let counts = Counts::one(entry.class());
            entry.set_slot(0);
            table.insert(key, Slot::One(entry), |slot| hash(hasher, slot.subject()));
            return counts;
        };
        if let Slot::One(_) = slot {
            let Slot::One(first) = mem::replace(slot, Slot::Many(Box::default())) else {
                unreachable!("matched above")
            };
            let Slot::Many(group) = slot else {
                unreachable!("just put there")
            };
            group.insert(first);
        }
        match slot {
            Slot::One(_) => unreachable!("made a group above"),
            Slot::Many(group) => group.insert(entry),
        }
    }

    pub(crate) fn remove(&mut self, entry: &S) -> Option<Counts> {
        let Literals { table, hasher } = self;
        let key = hash(hasher, entry.subject());
        let mut left = None;
        table.remove_if(
            key,
            |slot| slot.subject() == entry.subject(),
            |slot| {
                left = slot.remove(entry);
                left.is_some_and(|(_, is_over)| is_over)
            },
            |slot| hash(hasher, slot.subject()),
        );
        left.map(|(counts, _)| counts)
    }

    /// Visits the subjects from `place` on, about `most` places of the table; answers where to go on, `None`
    /// at the end. A subject that was there all the time is visited at least once.
    pub(crate) fn visit_some<'a>(
        &'a self,
        place: Place,
        most: usize,
        f: &mut impl FnMut(&'a [u8], Option<&'a [u8]>, Counts),
    ) -> Option<Place> {
        self.table.visit_some(place, most, |slot| slot.visit(f))
    }

    /// Visits all entries in the way of [`Literals::visit_some`].
    pub(crate) fn visit_entries<'a>(
        &'a self,
        place: Place,
        most: usize,
        f: &mut impl FnMut(&'a S),
    ) -> Option<Place> {
        self.table.visit_some(place, most, |slot| match slot {
            Slot::One(entry) => f(entry),
            Slot::Many(group) => group.for_each(f),
        })
    }

    pub(crate) fn contains(&self, entry: &S) -> bool {
        match self.get(entry.subject()) {
            None => false,
            Some(Found::One(have)) => have.same(entry),
            Some(Found::Many(group)) => group.contains(entry),
        }
    }

    pub(crate) fn for_each<'a>(&'a self, f: &mut impl FnMut(&'a S)) {
        for slot in self.table.iter() {
            match slot {
                Slot::One(entry) => f(entry),
                Slot::Many(group) => group.for_each(f),
            }
        }
    }
}
