//! Operator mode: whose word about accounts is trusted, and which accounts there are by that word.
//!
//! What lives here: the trusted keys, the accounts with the claims of theirs that count, and what follows when
//! claims come, change or end. What does not: where tokens come from and are kept, connections, clocks.

mod accounts;
mod standing;
mod trust;

pub use accounts::{Accounts, FETCH_TIMEOUT, Found, Now, Output, UpdateError};
pub use standing::Standing;
pub use trust::{Trust, Untrusted};
