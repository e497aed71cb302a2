//! Who is this, and what may they do.
//!
//! What lives here: credentials and the decision on them. What does not: sockets, resolvers, the
//! state of accounts. Slow work (bcrypt) is handed to the caller to run elsewhere.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod certificate;
mod expiry;
mod ocsp;
mod password;
mod rights;
mod server_id;
mod users;

pub use certificate::{CertificateNames, LinkRule, NameKind};
pub use expiry::ExpiryStep;
pub use ocsp::{OcspStanding, OcspStatus, PeerFinding, PeerVerdict, Untimely};
pub use password::{PasswordCheck, is_hashed, same_secret};
pub use rights::{Action, Reason, Rights};
pub use server_id::server_id;
pub use users::{Authenticator, Credentials, Decision, TOKEN_USER};
