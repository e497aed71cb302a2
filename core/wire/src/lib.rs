//! Bytes to operations and back, for every protocol Gannet speaks: one module per protocol, each a
//! decoder that works in place and an encoder that appends.
//!
//! What does not live here is meaning: a decoder never knows who is talking or whether it is
//! allowed.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod again;
pub mod client;
pub mod gateway;
pub mod link;
pub mod proxy;
mod queues;
mod quote;
mod redacted;
pub mod reply_prefix;
pub mod route;
pub mod s2;
mod scan;
pub mod server_info;

pub use again::{Again, message_again};
pub use redacted::redacted;
