//! What an operator's claims say. Not here: what follows from several of them together (`crate::operator`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_units::WallTime;
use serde::Deserialize;

use super::data::ClaimsData;
use super::issues::Issues;
use super::keys::{KeyKind, is_public_key};
use super::token::{DecodeError, Token, check_issuer};

/// What an operator says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OperatorClaims {
    /// What all claims have.
    #[serde(flatten)]
    pub data: ClaimsData,
    /// The rest.
    pub nats: Operator,
}

/// What only operators say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Operator {
    /// Other keys of the operator.
    pub signing_keys: Vec<String>,
    /// Where tools find accounts.
    pub account_server_url: String,
    /// Where tools find servers.
    pub operator_service_urls: Vec<String>,
    /// The system account's public key.
    pub system_account: String,
    /// The oldest server that will do.
    pub assert_server_version: String,
    /// The operator's own key signs no accounts.
    pub strict_signing_key_usage: bool,
    /// Words for people.
    pub tags: Vec<String>,
}

impl OperatorClaims {
    /// Reads a token and verifies its signature.
    ///
    /// # Errors
    /// If it is none, is not signed by its issuer, or is of another kind.
    pub fn decode(token: &str) -> Result<OperatorClaims, DecodeError> {
        let claims: OperatorClaims = Token::read(token)?.of_kind("operator")?.claims()?;
        check_issuer(&claims.data.issuer, &[KeyKind::Operator])?;
        Ok(claims)
    }

    /// The keys whose signature under an account is trusted.
    pub fn trusted_keys(&self) -> impl Iterator<Item = &str> {
        let own = (!self.nats.strict_signing_key_usage).then_some(self.data.subject.as_str());
        own.into_iter()
            .chain(self.nats.signing_keys.iter().map(String::as_str))
    }

    /// What is wrong with the claims.
    pub fn issues(&self, now: WallTime) -> Issues {
        let mut issues = Issues::default();
        self.data.check(now, &mut issues);
        for key in &self.nats.signing_keys {
            if !is_public_key(key, KeyKind::Operator) {
                issues.error(format!("{key} is not an operator public key"));
            }
        }
        let system = &self.nats.system_account;
        if !system.is_empty() && !is_public_key(system, KeyKind::Account) {
            issues.error(format!("{system} is not an account public key"));
        }
        issues
    }
}
