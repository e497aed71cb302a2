//! The conversation on one link between two clusters, from the dial to the close, as a state machine
//! without I/O.
//!
//! A link carries messages from its dialler to its acceptor, and interest back. The acceptor speaks
//! first:
//!
//! ```text
//! dialler                                acceptor
//!                                        INFO
//! CONNECT, INFO                                        (dialler: registered)
//!                                        RS+ .. queues (acceptor: registered)
//!                                        INFO cmd 1    for every other cluster it knows
//!                                        INFO cmd 2, RS+ .., INFO cmd 3   per account
//! RMSG, HMSG ..                          RS+, RS- ..
//! PING / PONG                            PING / PONG
//! ```
//!
//! Where links are encrypted, that happens before the first word: INFO and CONNECT travel inside.
//!
//! How its owner drives a [`Link`]:
//!
//! 1. [`Link::dial`] or [`Link::accept`]; carry out the outputs in order. If [`Link::is_securing`],
//!    encrypt the connection, then [`Link::secured`].
//! 2. Decode what comes with [`Link::limits`]. While [`Link::is_waiting`], read nothing. An operation
//!    that the link [accepts](Link::accepts) is traffic and goes to the switchboard; every other one
//!    goes to [`Link::handle`]; bytes that are none go to [`Link::undecodable`].
//! 3. At [`Link::next_deadline`], call [`Link::tick`].
//! 4. When the connection ends for a reason of its own, call [`Link::close`].
//!
//! Not here: matching, delivery and who has interest in what (`gannet_broker`), and which links should
//! exist (`crate::topology`).

mod acceptor;
mod dialler;
mod link;
mod output;
mod refusals;
mod registered;
mod settings;
#[cfg(test)]
mod tests;

pub use link::Link;
pub use output::{Direction, Level, Log, Output, RemoteServer};
pub use refusals::Refusals;
pub use settings::{Context, Neighbours, Settings};
