//! What the server says about itself: one file per endpoint, snapshot in, JSON out.
//!
//! What lives here: the paths, the query options with the reference server's refusals, the
//! selection, sorting and paging of what is reported, and the exact JSON. What does not: HTTP
//! itself, locks, clocks. The caller parses nothing; it asks [`request`], gathers what the
//! answer names, renders it and hands the [`Response`] to its HTTP library:
//!
//! ```
//! use gannet_monitor::{Request, healthz, request};
//!
//! let response = match request("", "/healthz", "details=1") {
//!     Ok(Request::Healthz(options)) => healthz::check(&options, &healthz::Snapshot::default()).response(),
//!     Ok(_) => unreachable!("the path names another endpoint"),
//!     Err(refused) => refused.response,
//! };
//! assert_eq!(response.body, br#"{"status":"ok"}"#);
//! ```
//!
//! Formats are those of the reference server's monitoring port, version 2.15.1.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod client_info;
mod conn;
pub mod connz;
mod endpoint;
pub mod format;
pub mod gatewayz;
pub mod healthz;
mod json;
pub mod process;
mod query;
pub mod reloadz;
mod request;
mod response;
pub mod root;
pub mod routez;
mod sub;
pub mod subsz;
pub mod varz;

pub use client_info::ClientInfo;
pub use conn::{ClientType, Closed, ConnInfo, ConnKind, PeerCertificate};
pub use endpoint::{Endpoint, RequestCounts, normalize_base, redirect, route};
pub use query::{BadValue, Subscriptions};
pub use request::{Refused, Request, request};
pub use response::Response;
pub use sub::SubInfo;
