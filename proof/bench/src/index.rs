//! Interest: subscriptions that come and go, and looking for them. Not here: what they are sent.

use std::hint::black_box;

use gannet_broker::{PeerKind, Sub};
use gannet_subject::{Group, Index, MatchSink};

use crate::room::{BATCH, Room};

/// Entries that an index has all the time.
const ENTRIES: usize = 10_000;

fn literal(vehicle: usize) -> String {
    format!("fleet.v{vehicle}.engine.speed")
}

fn pattern(vehicle: usize) -> String {
    format!("fleet.v{vehicle}.*.speed")
}

/// Counts what is found.
struct Counted(usize);

impl<'a> MatchSink<'a, Sub> for Counted {
    fn one(&mut self, entry: &'a Sub) {
        black_box(entry);
        self.0 += 1;
    }

    fn group(&mut self, group: &'a Group<Sub>) {
        let members = group.queues().iter().map(|queue| queue.members().len());
        self.0 += black_box(group).plain().len() + members.sum::<usize>();
    }
}

/// An index of [`ENTRIES`] entries, and a batch of further ones that are not in it.
fn index_of(subject: fn(usize) -> String) -> (Index<Sub>, Vec<Sub>) {
    let mut room = Room::new();
    let peer = room.peer(PeerKind::Client);
    let mut index = Index::new(7);
    for n in 0..ENTRIES {
        index.insert(room.sub(&peer, &subject(n), None));
    }
    let more = (ENTRIES..ENTRIES + BATCH).map(|n| room.sub(&peer, &subject(n), None));
    (index, more.collect())
}

/// Inserts and removes `n` entries in all; answers how many were there to remove.
fn pairs(
    n: usize,
    entries: &[Sub],
    mut insert: impl FnMut(Sub),
    mut remove: impl FnMut(&Sub) -> bool,
) -> usize {
    let (mut left, mut removed) = (n, 0);
    while left > 0 {
        let batch = &black_box(entries)[..entries.len().min(left)];
        batch.iter().for_each(|entry| insert(entry.clone()));
        removed += batch.iter().filter(|entry| remove(entry)).count();
        left -= batch.len();
    }
    removed
}

fn index_pairs(n: usize, subject: fn(usize) -> String) -> usize {
    let (index, entries) = index_of(subject);
    let index = std::cell::RefCell::new(index);
    let insert = |entry| {
        black_box(index.borrow_mut().insert(entry));
    };
    pairs(n, &entries, insert, |entry| {
        index.borrow_mut().remove(entry).is_some()
    })
}

/// A literal subject in and out of an index of many.
pub(crate) fn literal_pairs(n: usize) -> usize {
    index_pairs(n, literal)
}

/// A pattern in and out of an index of many.
pub(crate) fn pattern_pairs(n: usize) -> usize {
    index_pairs(n, pattern)
}

/// The same literal subjects through an account, with its lock and its generation.
pub(crate) fn account_pairs(n: usize) -> usize {
    let mut room = Room::new();
    let peer = room.peer(PeerKind::Client);
    let account = room.broker.global();
    for n in 0..ENTRIES {
        account.subscribe(room.sub(&peer, &literal(n), None), room.now);
    }
    let entries: Vec<Sub> = (ENTRIES..ENTRIES + BATCH)
        .map(|n| room.sub(&peer, &literal(n), None))
        .collect();
    let insert = |entry| {
        black_box(account.subscribe(entry, room.now));
    };
    pairs(n, &entries, insert, |entry| {
        account.unsubscribe(entry).is_some()
    })
}

/// Looks `n` times for one of a batch of subjects; answers how many entries were found in all.
fn find(n: usize, entries: fn(usize) -> String, wanted: impl Fn(usize) -> String) -> usize {
    let (index, _) = index_of(entries);
    // Spread over the index by a step that shares no factor with its size.
    let wanted: Vec<String> = (0..BATCH).map(|at| wanted(at * 7919 % ENTRIES)).collect();
    let mut found = Counted(0);
    for subject in wanted.iter().cycle().take(n) {
        black_box(&index).find(black_box(subject.as_bytes()), &mut found);
    }
    found.0
}

/// A literal subject that one of many literal subscriptions wants.
pub(crate) fn find_literal(n: usize) -> usize {
    find(n, literal, literal)
}

/// A subject that one of many patterns matches.
pub(crate) fn find_wildcard(n: usize) -> usize {
    find(n, pattern, literal)
}

/// A subject that every pattern refuses, one of them only at the last token.
pub(crate) fn find_nothing(n: usize) -> usize {
    find(n, pattern, |vehicle| {
        format!("fleet.v{vehicle}.engine.torque")
    })
}
