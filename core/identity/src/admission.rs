//! What a client shows of itself, and the answer to it. Not here: how the answer is found.
//!
//! Whatever decides on clients answers with a [`Decision`]: the configured users do
//! ([`Authenticator`](crate::Authenticator)), and so may others that know users by other means.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use gannet_config::ConnectionType;
use gannet_units::WallTime;

use crate::certificate::CertificateNames;
use crate::claims::{KeyKind, is_public_key};
use crate::password::PasswordCheck;
use crate::rights::Rights;

/// What a client shows of itself. All but the connection's type may be empty.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Token.
    pub token: &'a str,
    /// Public nkey.
    pub nkey: &'a str,
    /// Signature of the nonce with the nkey, or with that of the JWT.
    pub sig: &'a str,
    /// User JWT.
    pub jwt: &'a str,
    /// A proxy's signature of the nonce.
    pub proxy_sig: &'a str,
    /// What was to be signed: chosen by the server, and told in INFO.
    pub nonce: &'a str,
    /// The certificate that the connection was encrypted with at the client's side.
    pub certificate: Option<CertificateNames<'a>>,
    /// How it is connected.
    pub connection: ConnectionType,
}

impl Default for Credentials<'_> {
    fn default() -> Self {
        Credentials {
            user: "",
            password: "",
            token: "",
            nkey: "",
            sig: "",
            jwt: "",
            proxy_sig: "",
            nonce: "",
            certificate: None,
            connection: ConnectionType::Standard,
        }
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("nkey", &self.nkey)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// As whom somebody is known, or wants to be. Never a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// This user.
    User(String),
    /// The owner of this public nkey.
    Nkey(String),
    /// The owner of this public nkey, by a JWT.
    Jwt(String),
    /// Somebody who has the token.
    Token,
}

impl Who {
    /// As whom somebody shows up. What is no public key of a user may be the secret one, by mistake.
    pub fn of(given: &Credentials<'_>) -> Who {
        if !given.nkey.is_empty() {
            if is_public_key(given.nkey, KeyKind::User) {
                Who::Nkey(given.nkey.to_string())
            } else {
                Who::Nobody
            }
        } else if !given.user.is_empty() {
            Who::User(given.user.to_string())
        } else if given.jwt.is_empty() && !given.token.is_empty() {
            Who::Token
        } else {
            Who::Nobody
        }
    }

    /// The name that monitoring shows; empty for nobody.
    pub fn name(&self) -> &str {
        match self {
            Who::Nobody => "",
            Who::User(name) | Who::Nkey(name) | Who::Jwt(name) => name,
            Who::Token => "[REDACTED]",
        }
    }

    /// How lines of the log name somebody who has been let in: `user:x`.
    pub fn label(&self) -> String {
        match self {
            Who::Nobody => String::new(),
            Who::User(name) => format!("user:{name}"),
            Who::Nkey(key) => format!("nkey:{key}"),
            Who::Jwt(key) => format!("jwt:{key}"),
            Who::Token => "token".into(),
        }
    }
}

/// How messages name somebody: `User "x"`. Nothing for nobody.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Nobody => Ok(()),
            Who::User(name) => write!(f, "User {name:?}"),
            Who::Nkey(key) => write!(f, "Nkey {key:?}"),
            Who::Jwt(key) => write!(f, "JWT User {key:?}"),
            Who::Token => f.write_str("Token \"[REDACTED]\""),
        }
    }
}

/// As what a client is let in.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Its user.
    pub who: Who,
    /// The account's name; the global account if there is none.
    pub account: Option<Arc<str>>,
    /// What it may do; everything, if there are none.
    pub rights: Option<Arc<Rights>>,
    /// Its own bounds, besides those of the account and the server.
    pub limits: UserLimits,
    /// When it has to go.
    pub until: Option<WallTime>,
    /// The public nkey of the trusted proxy that it came through.
    pub proxy: Option<Arc<str>>,
}

/// Bounds of one user's connections; `None` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserLimits {
    /// Subscriptions of a connection.
    pub subscriptions: Option<u32>,
    /// Bytes of a message.
    pub payload: Option<u32>,
}

/// Why a client is not let in. It is told none of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// There is no such user, or what was shown for it is wrong.
    Credentials,
    /// The user may not come by connections of this type.
    ConnectionType,
    /// An nkey was shown and nothing signed with it.
    SignatureMissing,
    /// The signature is no base64.
    SignatureNotBase64,
    /// The signature is not that of the nkey's owner.
    SignatureWrong,
    /// Users are those that certificates name, and none was shown.
    CertificateMissing,
    /// No user has a name that is in the certificate.
    CertificateUnknown,
    /// The proxy that it came through is not trusted.
    ProxyNotTrusted,
    /// It did not come through a proxy, and had to.
    ProxyRequired,
}

impl Denial {
    /// More about it for whoever looks for the reason, beyond that somebody was not let in.
    pub fn detail(self) -> Option<&'static str> {
        Some(match self {
            Denial::Credentials => return None,
            Denial::ConnectionType => "Connection type not allowed",
            Denial::SignatureMissing => "Signature missing",
            Denial::SignatureNotBase64 => "Signature not valid base64",
            Denial::SignatureWrong => "Signature not verified",
            Denial::CertificateMissing => "User required in cert, no peer certificates found",
            Denial::CertificateUnknown => "User in cert not found",
            Denial::ProxyNotTrusted => "proxy is not trusted",
            Denial::ProxyRequired => "proxy connection required",
        })
    }
}

/// The answer to credentials.
#[derive(Debug)]
pub enum Decision {
    /// Welcome.
    Allow(Box<Admission>),
    /// No.
    Deny(Denial),
    /// It depends on slow work: welcome as such if it says yes.
    Check {
        /// The work.
        check: PasswordCheck,
        /// As what the client is let in then.
        admission: Box<Admission>,
    },
}
