//! What a user's claims say, and whether that is sound. Not here: whether an account takes them (`admission`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_units::WallTime;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::data::ClaimsData;
use super::issues::Issues;
use super::keys::{KeyKind, is_public_key};
use super::limits::NO_LIMIT;
use super::permissions::PermissionClaims;
use super::sources;
use super::times::TimeRange;
use super::token::{DecodeError, Token, check_issuer};

/// What an account says of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserClaims {
    /// What all claims have.
    #[serde(flatten)]
    pub data: ClaimsData,
    /// The rest.
    pub nats: User,
}

/// What is said of users only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct User {
    /// What the user may do; nothing at all if a scoped key has signed.
    #[serde(flatten)]
    pub limits: UserLimits,
    /// The account, if one of its signing keys has signed.
    pub issuer_account: String,
    /// Words, some of them with values: `key:value`.
    pub tags: Vec<String>,
}

/// What a user may do, how and from where. The template of a scope says the same things.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserLimits {
    /// Subjects.
    #[serde(flatten)]
    pub permissions: PermissionClaims,
    /// Networks that the user may come from; any if empty.
    #[serde(deserialize_with = "networks")]
    pub src: Vec<String>,
    /// Times of day that the user may be connected at; any if empty.
    pub times: Vec<TimeRange>,
    /// The zone they are in; the server's if empty.
    pub times_location: String,
    /// Subscriptions; -1 is any number.
    pub subs: i64,
    /// Bytes in all; nothing goes by it.
    pub data: i64,
    /// Bytes of a message; -1 is any number.
    pub payload: i64,
    /// The token alone will do, without a signature.
    pub bearer_token: bool,
    /// The user must come through a trusted proxy.
    pub proxy_required: bool,
    /// Any if empty.
    pub allowed_connection_types: Vec<String>,
}

/// A list, or the old form of one: texts with commas between them.
fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::String(list) => Ok((list.to_lowercase().split(','))
            .map(|one| one.trim().into())
            .filter(|one: &String| !one.is_empty())
            .collect()),
        list => Vec::deserialize(list).map_err(D::Error::custom),
    }
}

/// Version 1, where the account stands outside and a limit that is not said is none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct First {
    issuer_account: String,
    tags: Vec<String>,
    nats: FirstLimits,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FirstLimits {
    subs: Option<i64>,
    payload: Option<i64>,
}

impl UserClaims {
    /// Reads a token and verifies its signature. Whether its issuer is an account that counts is another
    /// question.
    ///
    /// # Errors
    /// If it is none, is not signed by its issuer, or is of another kind.
    pub fn decode(token: &str) -> Result<UserClaims, DecodeError> {
        let token = Token::read(token)?.of_kind("user")?;
        let mut claims: UserClaims;
        if token.version == 1 {
            let first: First = token.clone().claims()?;
            claims = token.claims()?;
            claims.nats.issuer_account = first.issuer_account;
            claims.nats.tags = first.tags;
            let limits = &mut claims.nats.limits;
            limits.subs = first.nats.subs.unwrap_or(NO_LIMIT);
            limits.payload = first.nats.payload.unwrap_or(NO_LIMIT);
            limits.allowed_connection_types = Vec::new();
            limits.proxy_required = false;
        } else {
            claims = token.claims()?;
        }
        check_issuer(&claims.data.issuer, &[KeyKind::Account])?;
        Ok(claims)
    }

    /// The account that the user says to be of.
    pub fn account(&self) -> &str {
        if self.nats.issuer_account.is_empty() {
            &self.data.issuer
        } else {
            &self.nats.issuer_account
        }
    }

    /// What is wrong with the claims. Zones of time are for the caller to know.
    pub fn issues(&self, now: WallTime) -> Issues {
        let mut issues = Issues::default();
        self.data.check(now, &mut issues);
        self.nats.limits.check(&mut issues);
        let account = &self.nats.issuer_account;
        if !account.is_empty() && !is_public_key(account, KeyKind::Account) {
            issues.error("account_id is not an account public key");
        }
        issues
    }
}

impl UserLimits {
    fn check(&self, issues: &mut Issues) {
        self.permissions.check(issues);
        for network in &self.src {
            if sources::parse(network).is_none() {
                issues.error(format!("invalid cidr {network:?} in user src limits"));
            }
        }
        for range in &self.times {
            range.check(issues);
        }
    }
}
