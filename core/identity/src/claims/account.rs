//! What an account's claims say, and whether that is sound. Not here: the options that follow (`convert`), and
//! what the account says about its users (`admission`).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_units::WallTime;
use serde::Deserialize;

use super::data::ClaimsData;
use super::exports::{self, ExportClaims};
use super::imports::{self, ImportClaims};
use super::issues::Issues;
use super::keys::{KeyKind, is_public_key};
use super::limits::{NO_LIMIT, OperatorLimits};
use super::mappings;
use super::permissions::PermissionClaims;
use super::revocations::Revocations;
use super::signing_keys::SigningKeys;
use super::token::{DecodeError, Token, check_issuer};
use super::{WeightedMapping, subjects};

/// What an operator says of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccountClaims {
    /// What all claims have.
    #[serde(flatten)]
    pub data: ClaimsData,
    /// The rest.
    pub nats: Account,
}

/// What is said of accounts only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Account {
    /// What it takes from others.
    pub imports: Vec<ImportClaims>,
    /// What it offers to others.
    pub exports: Vec<ExportClaims>,
    /// What it is granted.
    pub limits: OperatorLimits,
    /// Who signs for it.
    pub signing_keys: SigningKeys,
    /// Which users no longer count.
    pub revocations: Revocations,
    /// What users may do of whom nothing is said.
    pub default_permissions: PermissionClaims,
    /// Subjects that it renames.
    pub mappings: BTreeMap<String, Vec<WeightedMapping>>,
    /// Who judges its users in its place.
    pub authorization: Authorization,
    /// Where traces of messages go.
    pub trace: Option<Trace>,
    /// `system` or `owner`.
    pub cluster_traffic: String,
    /// For people.
    pub description: String,
    /// For people.
    pub info_url: String,
    /// Words, some of them with values: `key:value`.
    pub tags: Vec<String>,
}

/// Auth callout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Authorization {
    /// The users who are judged by their own claims: those of the service.
    pub auth_users: Vec<String>,
    /// Where the service may put users; `*` is anywhere.
    pub allowed_accounts: Vec<String>,
    /// The service's public key for encryption.
    pub xkey: String,
}

/// Where traces go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// A subject.
    pub dest: String,
    /// Of a hundred; 0 is all.
    pub sampling: i64,
}

impl AccountClaims {
    /// Reads a token and verifies its signature. Whether its issuer is trusted is another question.
    ///
    /// # Errors
    /// If it is none, is not signed by its issuer, or is of another kind.
    pub fn decode(token: &str) -> Result<AccountClaims, DecodeError> {
        let token = Token::read(token)?.of_kind("account")?;
        let first = token.version == 1;
        let mut claims: AccountClaims = token.claims()?;
        if first {
            claims.nats = claims.nats.of_first_version();
        }
        if !claims.nats.limits.tiered_limits.is_empty() {
            claims.nats.limits.jetstream = Default::default();
        }
        check_issuer(&claims.data.issuer, &[KeyKind::Account, KeyKind::Operator])?;
        Ok(claims)
    }

    /// What is wrong with the claims.
    pub fn issues(&self, now: WallTime) -> Issues {
        let mut issues = Issues::default();
        self.data.check(now, &mut issues);
        self.nats.check(&self.data.subject, &mut issues);
        let self_signed = is_public_key(&self.data.issuer, KeyKind::Account);
        if self_signed && !self.nats.limits.is_empty() {
            issues.warning("self-signed account JWTs shouldn't contain operator limits");
        }
        issues
    }

    /// Why the claims cannot be taken from somebody who hands them to the server, if they cannot. It is stricter
    /// than what is asked of claims that are there already.
    pub fn refusal(&self, now: WallTime) -> Option<String> {
        let issues = self.issues(now);
        if issues.is_blocking(false) {
            return Some(format!("validation errors: {}", issues.errors()));
        }
        mappings::refusal(&self.nats.mappings)
    }

    /// Whether users of the account are judged by a service.
    pub fn has_external_authorization(&self) -> bool {
        !self.nats.authorization.auth_users.is_empty()
    }
}

impl Account {
    /// Only with what version 1 knows.
    fn of_first_version(self) -> Account {
        Account {
            imports: self.imports,
            exports: self.exports,
            limits: OperatorLimits {
                jetstream: Default::default(),
                tiered_limits: BTreeMap::new(),
                ..self.limits
            },
            signing_keys: self.signing_keys,
            revocations: self.revocations,
            ..Account::default()
        }
    }

    fn check(&self, key: &str, issues: &mut Issues) {
        imports::check(&self.imports, key, issues);
        exports::check(&self.exports, issues);
        self.limits.check(issues);
        self.default_permissions.check(issues);
        mappings::check(&self.mappings, issues);
        self.authorization.check(issues);
        if let Some(trace) = &self.trace {
            trace.check(issues);
        }
        self.check_counts(issues);
        self.signing_keys.check(issues);
        exports::check_info(&self.description, &self.info_url, issues);
        let traffic = &self.cluster_traffic;
        if !matches!(traffic.as_str(), "" | "system" | "owner") {
            issues.error(format!("unknown cluster traffic option: {traffic:?}"));
        }
    }

    fn check_counts(&self, issues: &mut Issues) {
        let exceeds = |count: usize, limit: i64| {
            limit != NO_LIMIT && i64::try_from(count).is_ok_and(|count| count > limit)
        };
        let limits = &self.limits;
        if exceeds(self.imports.len(), limits.imports) {
            issues.error("the account contains more imports than allowed by the operator");
        }
        if exceeds(self.exports.len(), limits.exports) {
            issues.error("the account contains more exports than allowed by the operator");
        }
        if limits.exports == NO_LIMIT || limits.wildcard_exports {
            return;
        }
        for export in &self.exports {
            if subjects::has_wildcard(&export.subject) {
                issues.error(
                    "the account contains wildcard exports that are not allowed by the operator",
                );
            }
        }
    }
}

impl Authorization {
    fn check(&self, issues: &mut Issues) {
        if !self.allowed_accounts.is_empty() && self.auth_users.is_empty() {
            issues.error("External authorization cannot have accounts without users specified");
        }
        for user in &self.auth_users {
            if !is_public_key(user, KeyKind::User) {
                issues.error(format!("AuthUser {user:?} is not a valid user public key"));
            }
        }
        let several = self.allowed_accounts.len() > 1;
        for account in &self.allowed_accounts {
            if account == "*" {
                if several {
                    issues.error("AllowedAccounts can only be a list of accounts or \"*\"");
                }
            } else if !is_public_key(account, KeyKind::Account) {
                issues.error(format!(
                    "Account {account:?} is not a valid account public key"
                ));
            }
        }
        if !self.xkey.is_empty() && !is_public_key(&self.xkey, KeyKind::Curve) {
            issues.error(format!("XKey {:?} is not a valid public xkey", self.xkey));
        }
    }
}

impl Trace {
    fn check(&self, issues: &mut Issues) {
        let mut own = Issues::default();
        subjects::check(&self.dest, &mut own);
        if let Some(first) = own.iter().next() {
            issues.error(format!("the account Trace.Destination {}", first.text));
        }
        if subjects::has_wildcard(&self.dest) {
            issues.error(format!(
                "the account Trace.Destination subject {:?} is not a valid publish subject",
                self.dest
            ));
        }
        if !(0..=100).contains(&self.sampling) {
            issues.error(format!(
                "the account Trace.Sampling value '{}' is not valid, should be in the range [1..100]",
                self.sampling
            ));
        }
    }
}
