//! The only door to the world: time, entropy, tasks, network, files, signals; real and simulated.
//!
//! Every outside thing is one type with two variants inside, real (tokio and the operating system)
//! and simulated ([`sim`]: one thread, virtual time, everything drawn from a seed). Callers hold an
//! [`Rt`] and never learn which of the two they run on.
//!
//! What lives here: the door and the simulated world behind it. What does not: any word of the NATS
//! protocols, any policy (when to retry, what to do with an error), any choice of what to simulate.
//!
//! Code meant to run in the simulator must not reach around the door, must not use unordered maps
//! with a random hasher, and must poll alternatives in a fixed order ([`future::race`] does).
#![warn(missing_docs)]
// The bans of clippy.toml tell everybody else to come to this crate; here is where they end.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod fs;
pub mod future;
pub mod io;
mod net;
pub mod outlet;
pub mod process;
mod real;
mod rt;
pub mod signal;
pub mod sim;
pub mod supervisor;
pub mod sync;
mod task;
mod time;
pub mod tls;
pub mod unix;
pub mod zone;

pub use net::{IoStream, Listener, Stream};
pub use real::Runtime;
pub use rt::Rt;
pub use task::{Joined, Task};
pub use time::{Elapsed, Sleep};
