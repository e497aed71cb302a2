//! The protocol between servers of different clusters: bytes of a gateway link, in either direction,
//! to operations ([`decode`]), and the lines that such a link carries ([`encode`]).
//!
//! The form of the lines is what Go servers 2.9 to 2.15 exchange. Not here: which side may send what,
//! what INFO and CONNECT contain (`crate::server_info`), mapped replies (`crate::reply_prefix`).

mod control;
mod decode;
pub mod encode;
#[cfg(test)]
mod tests;

pub use crate::link::{DecodeError, Limits, Message};
pub use crate::queues::Queues;
pub use decode::{Decoded, GatewayOp, Interest, decode};
