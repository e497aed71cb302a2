//! Who may connect: clients and servers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::account::GLOBAL_ACCOUNT;
use super::permissions::Permissions;
use crate::secret::Secret;

/// How long a peer may take to say who it is, by default.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Who may connect as a client. With several of the three set (flags can do that), users come
/// before the token, and the token before the single user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthOptions {
    /// Whether the file has such a block, even if it says nothing. See [`Options::opens_global_account`](super::Options::opens_global_account).
    pub is_given: bool,
    /// `user`: the single user's name.
    pub user: Option<String>,
    /// `password` of the single user, plain or bcrypt.
    pub password: Secret,
    /// `token`, plain or bcrypt.
    pub token: Option<Secret>,
    /// `users`: present, even if empty, if the list was, or if an account has users; those of accounts are
    /// among them.
    pub users: Option<Vec<User>>,
    /// `default_permissions` of users outside of accounts that have none of their own. (What reads a file has
    /// given them to those users already.)
    pub default_permissions: Option<Permissions>,
    /// `auth_callout`: clients ask who decides whom to let in.
    pub callout: Option<CalloutOptions>,
    /// `proxy_required`: everybody must come through a trusted proxy.
    pub proxy_required: bool,
    /// `no_auth_user`: the one of `users`, by name or nkey, that a client is which shows no credentials.
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

/// One entry of `users`, known by a name or by an nkey.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `user`; empty if there is an nkey.
    pub name: String,
    /// `password`, plain or bcrypt; empty if there is none.
    pub password: Secret,
    /// `nkey`: the public key whose owner this is.
    pub nkey: Option<String>,
    /// The account; the global one if there is none.
    pub account: Option<String>,
    /// `permissions`, or the defaults of the account or of `authorization`; everything is allowed if there are
    /// none.
    pub permissions: Option<Permissions>,
    /// `allowed_connection_types`; all if there are none, or if the list is empty.
    pub connection_types: Option<Vec<ConnectionType>>,
    /// `proxy_required`: this user must come through a trusted proxy.
    pub proxy_required: bool,
}

impl User {
    /// What no other user has as well: the nkey or the name.
    pub fn id(&self) -> &str {
        self.nkey.as_deref().unwrap_or(&self.name)
    }
}

/// By what kind of connection a user comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionType {
    /// `STANDARD`: TCP, encrypted or not.
    Standard,
    /// `WEBSOCKET`.
    Websocket,
    /// `LEAFNODE`.
    LeafNode,
    /// `LEAFNODE_WS`: a leaf node by WebSocket.
    LeafNodeWebsocket,
    /// `MQTT`.
    Mqtt,
    /// `MQTT_WS`: MQTT by WebSocket.
    MqttWebsocket,
    /// `IN_PROCESS`: within the server's own process.
    InProcess,
}

impl ConnectionType {
    const NAMES: [(ConnectionType, &'static str); 7] = [
        (ConnectionType::Standard, "STANDARD"),
        (ConnectionType::Websocket, "WEBSOCKET"),
        (ConnectionType::LeafNode, "LEAFNODE"),
        (ConnectionType::LeafNodeWebsocket, "LEAFNODE_WS"),
        (ConnectionType::Mqtt, "MQTT"),
        (ConnectionType::MqttWebsocket, "MQTT_WS"),
        (ConnectionType::InProcess, "IN_PROCESS"),
    ];

    /// The type of this name, in large or small letters.
    pub fn named(name: &str) -> Option<ConnectionType> {
        let mut names = Self::NAMES.iter();
        let (found, _) = names.find(|(_, known)| known.eq_ignore_ascii_case(name))?;
        Some(*found)
    }

    /// Its name, as configurations and JWTs have it.
    pub fn name(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(known, _)| *known == self)
            .map_or("", |(_, name)| name)
    }
}

/// `auth_callout`: a service that decides who may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalloutOptions {
    /// `issuer`: the public key of the account in whose name the service signs.
    pub issuer: String,
    /// `account` in which the service listens.
    pub account: String,
    /// `auth_users`: the service's own users, by name or nkey, of whom it is not asked.
    pub auth_users: Vec<String>,
    /// `xkey`: the service's public curve key; requests are encrypted for it.
    pub xkey: Option<String>,
    /// `allowed_accounts`: those that users can be placed in; all if empty.
    pub allowed_accounts: Vec<String>,
}

impl Default for CalloutOptions {
    fn default() -> CalloutOptions {
        CalloutOptions {
            issuer: String::new(),
            account: GLOBAL_ACCOUNT.to_string(),
            auth_users: Vec::new(),
            xkey: None,
            allowed_accounts: Vec::new(),
        }
    }
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
