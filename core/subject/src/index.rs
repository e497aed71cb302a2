//! The subscription index: who wants a subject. Literal subjects sit in one hash table, patterns in
//! a tree; a lookup is one probe of the first and one walk of the second. Insertion and removal cost
//! O(tokens). A generation number tells holders of cached answers when to ask again.

use crate::group::{Class, Counts, Group};
use crate::literals::{Found, Literals};
use crate::spread::Place;
use crate::trie::Trie;
use crate::validity::has_wildcard;

/// Something subscribed: the index stores clones of it (cheap ones: a reference-counted pointer).
pub trait Entry: Clone {
    /// The subject or pattern subscribed to; valid, and the same for the life of the entry.
    fn subject(&self) -> &[u8];
    /// The queue group's name, if the entry is a member of one; the same for its life.
    fn queue(&self) -> Option<&[u8]>;
    /// Where the interest comes from.
    fn class(&self) -> Class;
    /// Whether both are the same subscription (not merely equal ones).
    fn same(&self, other: &Self) -> bool;
    /// The position the index gave it; belongs to the index.
    fn slot(&self) -> u32;
    /// Stores the position; called by the index alone.
    fn set_slot(&self, slot: u32);
}

/// Takes the results of a lookup.
pub trait MatchSink<'a, S: 'a> {
    /// A single entry, plain or member of a queue group.
    fn one(&mut self, entry: &'a S);
    /// A group of entries on one exact subject or pattern.
    fn group(&mut self, group: &'a Group<S>);
}

/// Figures for monitoring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries in the index now.
    pub entries: u64,
    /// Insertions since the start.
    pub inserts: u64,
    /// Removals since the start.
    pub removes: u64,
}

/// How far a visit of an index has come; the default is its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(At);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Literals(Place),
    Patterns(usize),
}

impl Default for Cursor {
    fn default() -> Cursor {
        Cursor(At::Literals(Place::default()))
    }
}

/// The index over all subscriptions of one account.
#[derive(Debug)]
pub struct Index<S> {
    literals: Literals<S>,
    patterns: Trie<S>,
    stats: Stats,
}

impl<S: Entry> Index<S> {
    /// An empty index. `seed` keys its hash tables, so that nobody outside can aim at collisions.
    pub fn new(seed: u64) -> Self {
        Index {
            literals: Literals::new(seed),
            patterns: Trie::new(seed.rotate_left(32)),
            stats: Stats::default(),
        }
    }

    /// Adds an entry, which must not be in the index yet. Answers how many entries its exact
    /// (subject, queue) has now.
    pub fn insert(&mut self, entry: S) -> Counts {
        self.stats.entries += 1;
        self.stats.inserts += 1;
        if has_wildcard(entry.subject()) {
            self.patterns.insert(entry)
        } else {
            self.literals.insert(entry)
        }
    }

    /// Removes an entry. Answers how many are left on its exact (subject, queue), or `None` if it
    /// was not in the index.
    pub fn remove(&mut self, entry: &S) -> Option<Counts> {
        let left = if has_wildcard(entry.subject()) {
            self.patterns.remove(entry)
        } else {
            self.literals.remove(entry)
        }?;
        self.stats.entries -= 1;
        self.stats.removes += 1;
        Some(left)
    }

    /// Hands everything that wants the literal `subject` to `sink`.
    #[inline]
    pub fn find<'a>(&'a self, subject: &[u8], sink: &mut impl MatchSink<'a, S>) {
        match self.literals.get(subject) {
            None => {}
            Some(Found::One(entry)) => sink.one(entry),
            Some(Found::Many(group)) => sink.group(group),
        }
        if !self.patterns.is_empty() {
            self.patterns.find(subject, sink);
        }
    }

    /// Visits every entry, in no particular order.
    pub fn for_each<'a>(&'a self, mut f: impl FnMut(&'a S)) {
        self.literals.for_each(&mut f);
        self.patterns.for_each(&mut f);
    }

    /// Visits exact subjects and patterns, once outside of queue groups and once for each group on them, with
    /// how many entries each has; in no particular order. It begins at `cursor`, does about `most` steps,
    /// and answers where to go on, `None` at the end. The index may change in between: what was there all
    /// the time is visited at least once, seldom twice.
    pub fn visit_some<'a>(
        &'a self,
        cursor: Cursor,
        most: usize,
        mut f: impl FnMut(&'a [u8], Option<&'a [u8]>, Counts),
    ) -> Option<Cursor> {
        match cursor.0 {
            At::Literals(place) => match self.literals.visit_some(place, most, &mut f) {
                Some(place) => Some(Cursor(At::Literals(place))),
                None => Some(Cursor(At::Patterns(0))),
            },
            At::Patterns(from) => {
                let next = self.patterns.visit_some(from, most, &mut f)?;
                Some(Cursor(At::Patterns(next)))
            }
        }
    }

    /// Visits all entries in the way of [`Index::visit_some`].
    pub fn visit_entries<'a>(
        &'a self,
        cursor: Cursor,
        most: usize,
        mut f: impl FnMut(&'a S),
    ) -> Option<Cursor> {
        match cursor.0 {
            At::Literals(place) => match self.literals.visit_entries(place, most, &mut f) {
                Some(place) => Some(Cursor(At::Literals(place))),
                None => Some(Cursor(At::Patterns(0))),
            },
            At::Patterns(from) => {
                let next = self.patterns.visit_entries(from, most, &mut f)?;
                Some(Cursor(At::Patterns(next)))
            }
        }
    }

    /// Whether this very entry is in the index.
    pub fn contains(&self, entry: &S) -> bool {
        if has_wildcard(entry.subject()) {
            self.patterns.contains(entry)
        } else {
            self.literals.contains(entry)
        }
    }

    /// Figures for monitoring.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
