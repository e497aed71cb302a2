//! One running server: accept loops, connection loops, dialers, monitoring, life cycle.
//!
//! What lives here: what moves bytes and time between the world (`gannet_rt`) and the cores. What does
//! not: protocol decisions; if a loop here contains a rule, the rule belongs in core.
//!
//! [`Server`] is also the embedding API: many servers run in one process, each with everything it has
//! hanging off its handle.

mod accept;
mod buffers;
mod client;
mod gateway;
mod info;
mod input;
mod lifecycle;
mod log;
mod monitor;
mod panics;
mod refusal;
mod registry;
mod server;
mod shared;
mod sink;
mod transport;

pub use gateway::GatewayLink;
pub use log::{Level, LogOptions, LogWriter, Logger};
pub use server::{Server, StartError};
