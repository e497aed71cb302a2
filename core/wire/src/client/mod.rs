//! The client protocol: bytes from a client to operations ([`decode`]), and the lines a server
//! writes back ([`encode`]).
//!
//! Not here: what an operation means, and whether its sender may perform it.

mod connect;
mod decode;
pub mod encode;
mod info;

pub use connect::{ClientConnect, ConnectError};
pub use decode::{ClientOp, DecodeError, Decoded, Limits, Publish, decode, decode_plain_publish};
pub use info::ClientInfo;
