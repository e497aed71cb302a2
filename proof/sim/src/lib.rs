//! Whole super-clusters on one thread, from one seed.
//!
//! [`run_seed`] builds a super-cluster of complete servers (`gannet_node` on `gannet_rt`'s simulated world),
//! lets clients work in it while things break, and judges what they saw. Everything is drawn from the seed, so
//! a failure is found again with the seed. [`Story`] tells one particular case in sentences instead.
//!
//! What lives here: topologies, workload, faults, the oracle, one file per checker. What does not: hooks in
//! the servers. Only what a client or an
//! operator could see, and what the simulated machines hold, is judged.

mod arena;
mod check;
mod client;
mod dice;
mod faults;
mod inspect;
mod journal;
pub mod oracle;
mod outcome;
mod phases;
mod reloads;
mod run;
mod story;
mod tls;
mod topology;
mod workload;
mod world;

pub use faults::FaultKind;
pub use outcome::{Config, Failure, FailureKind, Outcome};
pub use reloads::ReloadKind;
pub use run::run_seed;
pub use story::{Letter, Story, Town, Who};
pub use topology::Remotes;
