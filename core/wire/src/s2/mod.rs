//! The compression of routes and leaf nodes: S2 in its framing format, chunks of a type, a 24-bit length
//! and a masked CRC-32C. [`Writer`] makes whole streams of batches, [`Reader`] takes a stream in pieces
//! of any size.
//!
//! The blocks inside the chunks are the work of a crate. Not here: when a connection switches to
//! compression, and who chooses the [`Mode`].

mod frame;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Reader, S2Error};
pub use writer::{Mode, Writer};
