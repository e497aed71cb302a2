//! Moments, wall time, byte counts and identifiers: the newtypes every room speaks.
//!
//! What lives here: the words that more than one room needs. What does not: behaviour, and
//! anything only one room needs. Time is minted by `gannet_rt` alone; cores compare and add.
#![no_std]
#![warn(missing_docs)]

mod id;
mod size;
mod time;

pub use id::{AccountId, ConnId};
pub use size::ByteCount;
pub use time::{Moment, WallTime};
