//! The conversation on one connection between two servers of a cluster, from the dial to the close, as a
//! state machine without I/O. `docs/routes.md` tells what goes over the wire.
//!
//! ```text
//! dialler                        acceptor
//!                                INFO
//! CONNECT
//! INFO (plain, compression)                     only if they compress; from here on both do
//!                                INFO           (dialler: registered)
//! INFO (place in the pool)                      (acceptor: registered)
//! RS+ .., PING                   RS+ .., PONG
//! ```
//!
//! How its owner drives a [`Link`]:
//!
//! 1. [`Link::dial`] or [`Link::accept`]; carry out the outputs in order.
//! 2. Decode what comes with [`Link::form`] and [`Link::limits`]. While [`Link::is_waiting`], read
//!    nothing. An operation that the link [accepts](Link::accepts) is traffic and goes to the
//!    switchboard; every other one goes to [`Link::handle`]; bytes that are none go to
//!    [`Link::undecodable`].
//! 3. At [`Link::next_deadline`], call [`Link::tick`].
//! 4. When the connection ends for a reason of its own, call [`Link::close`].
//!
//! Which connection has which place, and who may come at all, is decided by the [`Neighbours`]. Every
//! call must therefore happen, and its outputs be carried out, under the lock that guards those.
//!
//! Not here: matching, delivery and who has interest in what (`gannet_broker`), the compressed stream
//! (`gannet_wire::s2`), and which connections should exist (`crate::topology`).

mod acceptor;
mod compression;
mod dialler;
mod introduction;
mod join;
mod link;
mod output;
mod registered;
mod settings;
mod standing;
#[cfg(test)]
mod tests;

pub use crate::gateway::{Level, Log};
pub use introduction::info_line;
pub use link::Link;
pub use output::{News, Output, RemoteServer};
pub use settings::{Context, Settings};
pub use standing::{
    Admission, Claim, ClusterName, Ending, Errand, Neighbours, Place, Refusal, RouteId,
};
