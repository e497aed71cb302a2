//! TLS over real and simulated sockets: who is let in, what the two sides learn, and that an encrypted
//! stream behaves as a plain one.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod handshake;
mod ocsp;
mod settings;
mod stream;
mod trust;
