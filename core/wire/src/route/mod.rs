//! The protocol between servers of one cluster: bytes of a route, in either direction, to operations
//! ([`decode`]), and the lines that such a link carries ([`encode`]).
//!
//! The form of the lines is what Go servers 2.9 to 2.15 exchange; `docs/routes.md` tells when they are
//! sent. Not here: which side may send what, what INFO and CONNECT contain (`crate::server_info`),
//! compression (`crate::s2`).

mod control;
mod decode;
pub mod encode;
mod pool;
#[cfg(test)]
mod tests;

pub use crate::link::{DecodeError, Limits, Message};
pub use crate::queues::Queues;
pub use decode::{Decoded, Form, Interest, RouteOp, decode};
pub use pool::pool_index;
