//! Who may connect: clients and servers.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::secret::Secret;

/// How long a peer may take to say who it is, by default.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Who may connect as a client. With several of the three set (flags can do that), users come
/// before the token, and the token before the single user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthOptions {
    /// `user`: the single user's name.
    pub user: Option<String>,
    /// `password` of the single user, plain or bcrypt.
    pub password: Secret,
    /// `token`, plain or bcrypt.
    pub token: Option<Secret>,
    /// `users`: present, even if empty, if the list was.
    pub users: Option<Vec<User>>,
    /// `no_auth_user`: the one of `users` that a client is which shows no credentials.
    pub no_auth_user: Option<String>,
    /// `timeout`: how long a client may take to send its credentials. Use
    /// [`Options::auth_timeout`](super::Options::auth_timeout).
    pub timeout: Option<Duration>,
}

impl AuthOptions {
    /// Whether a client must say who it is.
    pub fn required(&self) -> bool {
        let users = self.users.as_ref().is_some_and(|users| !users.is_empty());
        users || self.token.is_some() || self.user.is_some()
    }
}

/// One entry of `users`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `user`.
    pub name: String,
    /// `password`, plain or bcrypt; empty if there is none.
    pub password: Secret,
}

/// What servers tell each other at one kind of link.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkAuth {
    /// `user`: demanded of whoever connects, and sent where a URL has none of its own.
    pub user: Option<String>,
    /// `password`, plain or bcrypt.
    pub password: Secret,
    /// `timeout`: how long a peer may take to send its credentials.
    pub timeout: Duration,
}

impl Default for LinkAuth {
    fn default() -> LinkAuth {
        LinkAuth {
            user: None,
            password: Secret::default(),
            timeout: TIMEOUT,
        }
    }
}
