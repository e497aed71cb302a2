//! The conversation with one client: what may come when, what is answered, when to ping, when to end.
//! Not here: bytes (`gannet_wire::client`), matching and delivery (`gannet_broker`), whether
//! credentials are right (`gannet_identity`).

mod patience;
mod permits;
mod session;

pub use patience::{Backlog, Patience, Progress, Verdict};
pub use permits::{Bounds, Violation};
pub use session::{Answer, ClientLimits, ClientSession, ClientState, Refused, Step, label};
