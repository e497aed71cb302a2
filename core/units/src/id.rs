//! Identifiers that more than one room passes on.

/// A connection's number on its server (`cid`, `rid` in monitoring): counts up from 1, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// An account's number on its server: counts up from 0 (the global account), never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);
