//! Which links should exist, and when to dial: one reconciler per kind of link.
//!
//! What is wanted is data; a reconciler is told what happens and says what to do next, until what
//! exists is what is wanted. Giving up is a decision made in one place. Not here: the conversation on a
//! link, sockets, name resolution.

pub(crate) mod chance;
pub mod gateways;
pub mod routes;
mod server_names;

pub use server_names::ServerNames;
