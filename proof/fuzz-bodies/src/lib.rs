//! What the fuzz targets check, as plain functions over hostile bytes: each panics if something is not
//! as it must be.
//!
//! The fuzz targets themselves (`proof/fuzz`, outside of the workspace, for cargo-fuzz) only call these.
//! The tests of this crate run them, too: over the saved corpus, and over mutations of it that a fixed
//! seed draws, so that every `cargo test` doubts the decoders a little.

mod client_decode;
mod client_session;
mod config;
pub mod corpus;
mod feed;
mod gateway_decode;
pub mod mutate;
mod proxy_decode;
mod route_decode;
mod s2_read;
mod server_info;
mod transform;

pub use client_decode::client_decode;
pub use client_session::client_session;
pub use config::config;
pub use gateway_decode::gateway_decode;
pub use proxy_decode::proxy_decode;
pub use route_decode::route_decode;
pub use s2_read::s2_read;
pub use server_info::server_info;
pub use transform::transform;

/// A name, also that of the corpus's folder, and what is done with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 9] = [
    ("client_decode", client_decode),
    ("client_session", client_session),
    ("gateway_decode", gateway_decode),
    ("proxy_decode", proxy_decode),
    ("route_decode", route_decode),
    ("s2_read", s2_read),
    ("server_info", server_info),
    ("config", config),
    ("transform", transform),
];
