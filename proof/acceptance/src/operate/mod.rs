//! A super-cluster in operation: servers are reloaded, ended and started again under full load, for as long as one
//! likes, and what must not be noticed is not.
//!
//! Here live the load that counts everything ([`flood`]) and the one that survives its servers ([`roamers`]), the
//! courses of events ([`reloads`], [`lifecycle`]), and what a process holds ([`holdings`]). The commands that run them
//! for long are in `cli/`, tests that run them briefly in `tests/`.

pub mod flood;
pub mod holdings;
pub mod lifecycle;
pub mod reloads;
pub mod roamers;

pub use flood::{Carried, Flood, Site};
