//! The client protocol: bytes from a client to operations ([`decode`]), and the lines a server
//! writes back ([`encode`]).
//!
//! Not here: what an operation means, and whether its sender may perform it.

mod connect;
mod decode;
pub mod encode;
mod info;
mod plain;

pub use connect::{ClientConnect, ConnectError};
pub use decode::{ClientOp, DecodeError, Decoded, Limits, Publish, decode};
pub use info::ClientInfo;
pub use plain::{decode_plain_publish, decode_publish_again};
