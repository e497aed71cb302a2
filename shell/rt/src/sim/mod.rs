//! The simulated world: one thread, virtual time, everything drawn from one seed.
//!
//! [`Sim`] owns the world and moves it: it picks a ready task at random (from the seed), polls it,
//! and when nothing is ready jumps to the next event. [`SimHost`] is one machine with a process on
//! it; its [`crate::Rt`] is what the code under test gets. [`Net`] is the hand that breaks things.
//! Every event is folded into a trace hash: the same seed gives the same hash, or something reached
//! around the door.
//!
//! What lives here: the executor and the models of clock, network, names and files. What does not:
//! which faults happen when, and what must hold (that is `proof/sim`).
//!
//! Inside, everything is one `World` under one lock, held for one operation at a time and
//! never while foreign code runs: wakers are called and futures are dropped after it is released.

mod clock;
mod config;
mod dial;
mod exec;
mod host;
mod net;
mod packet;
mod rng;
mod rt;
mod socket;
mod task;
mod trace;
mod world;

pub use config::{Dns, Link, NetConfig};
pub use exec::{Sim, Stopped};
pub use host::{HostUsage, SimHost};
pub use net::Net;

pub(crate) use rt::{SimListener, SimRt, SimSleep, SimStream};
pub(crate) use task::SimTask;
