//! Whole super-clusters of several servers a cluster, any mix of programs: drawn or planned, started, judged by what
//! the servers' own monitoring says about links and interest, and put under a workload that counts every message.
//!
//! Not here: tests ([`crate::mesh`] is what they are made of), and super-clusters of one server a cluster
//! ([`crate::supercluster`]).

pub mod client;
mod interest;
mod links;
pub mod plan;
mod running;
pub mod stream;
mod traffic;
mod trial;
mod workload;

pub use client::Client;
pub use interest::Interest;
pub use plan::{ClusterPlan, Knows, Make, Plan};
pub use running::{Mesh, Node, Settings};
pub use stream::Stream;
pub use trial::{Summary, trial};
pub use workload::Workload;

use crate::wait::within;
use std::time::Duration;

/// How long a mesh may take to come to a state. Several attempts a second apart may be needed, on a machine that is
/// busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// [`crate::eventually`] with the patience that meshes need.
///
/// # Panics
/// With `what` and the last answer of `probe` when the time is over.
pub(crate) fn settled<T>(what: &str, probe: impl FnMut() -> Result<T, String>) -> T {
    within(PATIENCE, probe)
        .unwrap_or_else(|last| panic!("waited {PATIENCE:?} for {what}; last seen: {last}"))
}
