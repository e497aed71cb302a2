//! One connection's conversation, per kind of peer, without I/O: bytes and moments in, steps out.
//!
//! What lives here: what may come when, what is answered, deadlines, keep-alive; which links should
//! exist; what a trace shows of a conversation. What does not: matching and delivery (`gannet_broker`), the byte format (`gannet_wire`).
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod client;
pub mod gateway;
pub mod keepalive;
pub mod link_auth;
pub mod patience;
mod reason;
pub mod route;
pub mod topology;
pub mod trace;

pub use reason::CloseReason;
