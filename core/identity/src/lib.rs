//! Who is this, and what may they do.
//!
//! What lives here: credentials and the decision on them. What does not: sockets, resolvers, the
//! state of accounts. Slow work (bcrypt) is handed to the caller to run elsewhere.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod admission;
mod authenticator;
mod certificate;
pub mod claims;
mod distinguished_name;
mod expiry;
mod known;
mod ocsp;
pub mod operator;
mod password;
mod rights;
mod server_id;
mod signature;

pub use admission::{Admission, Credentials, Decision, Denial, UserLimits, Who};
pub use authenticator::Authenticator;
pub use certificate::{CertificateNames, LinkRule, NameKind};
pub use expiry::ExpiryStep;
pub use ocsp::{OcspStanding, OcspStatus, PeerFinding, PeerVerdict, Untimely};
pub use password::{PasswordCheck, is_hashed, same_secret};
pub use rights::{Action, Reason, Rights};
pub use server_id::server_id;
pub use signature::{NONCE_BYTES, nonce};
