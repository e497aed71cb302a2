//! Subjects, wildcards and the subscription index.
//!
//! What lives here: token rules, pattern matching, [`Transform`], which makes one subject of another, and
//! [`Index`], the structure that answers "who wants this subject". What does not: accounts, permissions, connections; an index holds
//! any [`Entry`] and knows nothing about who is behind it.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod group;
mod index;
mod intersection;
mod literals;
mod spread;
mod transform;
mod trie;
mod validity;

pub use group::{Class, Counts, Group, QueueGroup};
pub use index::{Cursor, Entry, Index, MatchSink, Stats};
pub use intersection::intersection;
pub use spread::{IntoIter, Spread};
pub use transform::{Transform, TransformError, takes, with_numbers, with_wildcards};
pub use validity::{
    InvalidSubject, covers, has_wildcard, is_valid_literal, is_valid_pattern, matches, overlaps,
    token_count, tokens,
};
