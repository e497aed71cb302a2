//! One running server: accept loops, connection loops, dialers, monitoring, life cycle.
//!
//! What lives here: what moves bytes and time between the world (`gannet_rt`) and the cores. What does
//! not: protocol decisions; if a loop here contains a rule, the rule belongs in core.
//!
//! [`Server`] is also the embedding API: many servers run in one process, each with everything it has
//! hanging off its handle.

mod accept;
mod addresses;
mod answers;
mod ask;
mod buffers;
mod bulk;
mod certificates;
mod channel;
mod client;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
mod face;
mod gateway;
mod host;
mod info;
mod input;
mod lifecycle;
mod link;
mod live;
mod log;
mod monitor;
mod ocsp;
mod panics;
mod pinned;
mod preview;
mod refusal;
mod registry;
mod reload;
mod route;
mod server;
mod shared;
mod sink;
mod throttle;
mod tls;
mod trace;
mod transport;
mod upkeep;

pub use ask::{Answer, ask};
pub use gannet_broker::PeerKind;
pub use gannet_session::CloseReason;
pub use gateway::GatewayLink;
pub use host::{Configuration, Host};
pub use log::{About, Form, Level, Line, LogWriter, Logger, Subsystem, local_zone};
pub use preview::{Ending, Preview, Then};
pub use reload::ReloadError;
pub use route::RouteLink;
pub use server::{Server, StartError};
pub use tls::check_tls;
