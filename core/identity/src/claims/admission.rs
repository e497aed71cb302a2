//! Whether an account takes a user that shows its claims, and as what.
//!
//! What lives here: the rules, in the order of the reference server, with its words for the log. What does not:
//! whether the account itself counts (`crate::operator`), and the answer of an auth callout.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use gannet_config::{ConnectionType, Permissions};
use gannet_units::WallTime;
use thiserror::Error;

use super::account::AccountClaims;
use super::keys::verifies;
use super::limits::bound;
use super::sources;
use super::template::{self, TemplateError, Values};
use super::times::{Stay, Zones, stay};
use super::token::DecodeError;
use super::user::{UserClaims, UserLimits};

/// Who comes, and what it has shown besides its claims.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// By what kind of connection.
    pub connection: ConnectionType,
    /// From where; `None` if that is not known.
    pub host: Option<IpAddr>,
    /// What it was to sign.
    pub nonce: &'a str,
    /// Its signature of that, in base64 of either kind; empty if there is none.
    pub signature: &'a str,
    /// It came through a trusted proxy.
    pub proxied: bool,
}

/// As what a user is let in.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// Its public key.
    pub user: String,
    /// The account's public key.
    pub account: String,
    /// The name in its claims.
    pub name: String,
    /// The tags in its claims.
    pub tags: Vec<String>,
    /// What it may do; everything, if there are none.
    pub permissions: Option<Permissions>,
    /// The permissions are the account's default ones, and go with those.
    pub has_default_permissions: bool,
    /// Subscriptions; `None` is any number.
    pub subscriptions: Option<u32>,
    /// Bytes of a message; `None` is any number.
    pub payload: Option<u32>,
    /// When it has to go.
    pub until: Option<WallTime>,
    /// When its claims were issued, in seconds since 1970.
    pub issued_at: i64,
    /// The account's signing key that signed for it.
    pub signing_key: Option<String>,
    /// It has not signed.
    pub bearer: bool,
}

/// Why a user is not let in. The texts are those of the reference server's log; the user is told none of them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nothing was shown.
    #[error("Authentication requires a user JWT")]
    Missing,
    /// What was shown is no user's JWT.
    #[error("User JWT not valid: {0}")]
    Invalid(DecodeError),
    /// The claims are not sound, or it is not their time.
    #[error("User JWT no longer valid: {0}")]
    Issues(String),
    /// It did not come through a trusted proxy.
    #[error("proxy connection required")]
    ProxyRequired,
    /// Only some accounts may be used, and this is none of them.
    #[error("Account {0} not listed as operator pinned account")]
    NotPinned(String),
    /// There is no such account, or it cannot be found now.
    #[error("Account JWT lookup error: {0}")]
    Account(String),
    /// The account is another operator's.
    #[error("Account JWT not signed by trusted operator")]
    Untrusted,
    /// The issuer does not sign for the account.
    #[error("User JWT issuer is not known")]
    Issuer,
    /// Signed by a key with a scope, and has permissions or limits of its own.
    #[error("User JWT is not valid: scoped users require no permissions or limits set")]
    NotEmpty,
    /// The scope says nothing about this user.
    #[error("User JWT generated invalid permissions")]
    Template(TemplateError),
    /// The account's time is over.
    #[error("Account JWT has expired")]
    AccountExpired,
    /// The account demands signatures.
    #[error("Account does not allow bearer tokens")]
    Bearer,
    /// None of its types of connection is known here.
    #[error("invalid connection types")]
    ConnectionTypes,
    /// It may not come by this kind of connection.
    #[error("Connection type not allowed")]
    ConnectionType,
    /// It has not signed.
    #[error("Signature missing")]
    SignatureMissing,
    /// Its signature is no base64.
    #[error("Signature not valid base64")]
    SignatureNotBase64,
    /// Its signature is not one of its own key.
    #[error("Signature not verified")]
    Signature,
    /// Its claims were revoked.
    #[error("User authentication revoked")]
    Revoked,
    /// It may not come from there.
    #[error("Bad src Ip {0}")]
    Source(String),
    /// It may not come at this time of day.
    #[error("Outside connect times")]
    Times,
}

impl UserClaims {
    /// What a user has shown, if it is worth looking for its account.
    ///
    /// # Errors
    /// If it is not.
    pub fn shown(jwt: &str, proxied: bool, now: WallTime) -> Result<UserClaims, Refusal> {
        if jwt.is_empty() {
            return Err(Refusal::Missing);
        }
        let claims = UserClaims::decode(jwt).map_err(Refusal::Invalid)?;
        if claims.nats.limits.proxy_required && !proxied {
            return Err(Refusal::ProxyRequired);
        }
        let issues = claims.issues(now);
        if issues.is_blocking(true) {
            let first = issues
                .iter()
                .find(|issue| issue.blocking || issue.time_check);
            return Err(Refusal::Issues(
                first.map(|issue| issue.text.clone()).unwrap_or_default(),
            ));
        }
        Ok(claims)
    }

    fn has_no_limits(&self) -> bool {
        self.nats.limits == UserLimits::default()
    }
}

impl AccountClaims {
    /// As what the account lets `user` in. With `strict`, its own key signs for nobody.
    ///
    /// # Errors
    /// If it does not.
    pub fn admit(
        &self,
        user: &UserClaims,
        visitor: &Visitor<'_>,
        strict: bool,
        now: WallTime,
        zones: &dyn Zones,
    ) -> Result<Admitted, Refusal> {
        let limits = self.limits_of(user, strict)?;
        if limits.proxy_required && !visitor.proxied {
            return Err(Refusal::ProxyRequired);
        }
        if self.is_expired(now) {
            return Err(Refusal::AccountExpired);
        }
        if limits.bearer_token && self.nats.limits.disallow_bearer {
            return Err(Refusal::Bearer);
        }
        check_connection(&limits, visitor.connection)?;
        if !limits.bearer_token {
            check_signature(&user.data.subject, visitor)?;
        }
        if self.revokes(&user.data.subject, user.data.issued_at) {
            return Err(Refusal::Revoked);
        }
        check_source(&limits, visitor.host)?;
        let stay = stay(&limits.times, &limits.times_location, now, zones);
        let until = match stay {
            Stay::No => return Err(Refusal::Times),
            Stay::Forever => user.end(),
            Stay::For(long) => Some(user.end().map_or(now + long, |end| end.min(now + long))),
        };
        Ok(self.admitted(user, &limits, until))
    }

    /// Whether the account's time is over.
    pub fn is_expired(&self, now: WallTime) -> bool {
        self.end().is_some_and(|end| end <= now)
    }

    /// When the account's time is over.
    pub fn end(&self) -> Option<WallTime> {
        self.data.end()
    }

    /// Whether claims for that key, issued at that time, no longer count.
    pub fn revokes(&self, key: &str, issued_at: i64) -> bool {
        self.nats.revocations.revokes(key, issued_at)
    }

    /// What the user may do by its own claims, or by the scope of the key that has signed them.
    fn limits_of(&self, user: &UserClaims, strict: bool) -> Result<UserLimits, Refusal> {
        let issuer = &user.data.issuer;
        let Some(scope) = self.nats.signing_keys.0.get(issuer) else {
            let own = *issuer == self.data.subject && !strict;
            return own.then(|| user.nats.limits.clone()).ok_or(Refusal::Issuer);
        };
        let Some(scope) = scope else {
            return Ok(user.nats.limits.clone());
        };
        if !user.has_no_limits() {
            return Err(Refusal::NotEmpty);
        }
        let values = Values {
            name: &user.data.name,
            subject: &user.data.subject,
            tags: &user.nats.tags,
            account_name: &self.data.name,
            account_subject: &user.nats.issuer_account,
            account_tags: &self.nats.tags,
        };
        template::fill(&scope.template, &values).map_err(Refusal::Template)
    }

    fn admitted(
        &self,
        user: &UserClaims,
        limits: &UserLimits,
        until: Option<WallTime>,
    ) -> Admitted {
        let own = limits.permissions.to_options();
        let has_default_permissions = own.is_none();
        Admitted {
            user: user.data.subject.clone(),
            account: self.data.subject.clone(),
            name: user.data.name.clone(),
            tags: user.nats.tags.clone(),
            permissions: own.or_else(|| self.nats.default_permissions.to_options()),
            has_default_permissions,
            subscriptions: bound(limits.subs),
            payload: bound(limits.payload),
            until,
            issued_at: user.data.issued_at,
            signing_key: (!user.nats.issuer_account.is_empty()).then(|| user.data.issuer.clone()),
            bearer: limits.bearer_token,
        }
    }
}

impl UserClaims {
    fn end(&self) -> Option<WallTime> {
        self.data.end()
    }
}

fn check_connection(limits: &UserLimits, connection: ConnectionType) -> Result<(), Refusal> {
    let named = &limits.allowed_connection_types;
    if named.is_empty() {
        return Ok(());
    }
    let mut known = named
        .iter()
        .filter_map(|name| ConnectionType::named(name))
        .peekable();
    if known.peek().is_none() {
        return Err(Refusal::ConnectionTypes);
    }
    if known.any(|allowed| allowed == connection) {
        Ok(())
    } else {
        Err(Refusal::ConnectionType)
    }
}

fn check_signature(user: &str, visitor: &Visitor<'_>) -> Result<(), Refusal> {
    if visitor.signature.is_empty() {
        return Err(Refusal::SignatureMissing);
    }
    let text = visitor.signature.as_bytes();
    let signature = (BASE64URL_NOPAD.decode(text))
        .or_else(|_| BASE64.decode(text))
        .map_err(|_| Refusal::SignatureNotBase64)?;
    if verifies(user, visitor.nonce.as_bytes(), &signature) {
        Ok(())
    } else {
        Err(Refusal::Signature)
    }
}

fn check_source(limits: &UserLimits, host: Option<IpAddr>) -> Result<(), Refusal> {
    if limits.src.is_empty() || host.is_some_and(|host| sources::contain(&limits.src, host)) {
        return Ok(());
    }
    let host = host.map(|host| host.to_string());
    Err(Refusal::Source(host.unwrap_or_default()))
}

impl super::ClaimsData {
    /// When the claims end.
    fn end(&self) -> Option<WallTime> {
        let expires = u64::try_from(self.expires)
            .ok()
            .filter(|expires| *expires > 0)?;
        Some(WallTime::from_unix_nanos(0) + Duration::from_secs(expires))
    }
}
