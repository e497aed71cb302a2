//! Activation tokens: an account lets another one import something. Not here: whether one still counts, which
//! takes both accounts (`convert`).

use alloc::string::String;

use gannet_units::WallTime;
use serde::Deserialize;

use super::data::ClaimsData;
use super::exports::ExportType;
use super::issues::Issues;
use super::keys::{KeyKind, is_public_key};
use super::subjects;
use super::token::{DecodeError, Token, check_issuer};

/// What an activation token says; it is about the importing account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivationClaims {
    /// What all claims have.
    pub data: ClaimsData,
    /// What may be imported.
    pub import_subject: String,
    /// Of which kind.
    pub import_type: ExportType,
    /// The exporting account, if one of its signing keys has signed.
    pub issuer_account: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Second {
    #[serde(flatten)]
    data: ClaimsData,
    nats: SecondInner,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SecondInner {
    subject: String,
    kind: ExportType,
    issuer_account: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct First {
    #[serde(flatten)]
    data: ClaimsData,
    issuer_account: String,
    nats: FirstInner,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FirstInner {
    subject: String,
    r#type: ExportType,
}

impl ActivationClaims {
    /// Reads a token and verifies its signature.
    ///
    /// # Errors
    /// If it is none, is not signed by its issuer, or is of another kind.
    pub fn decode(token: &str) -> Result<ActivationClaims, DecodeError> {
        let token = Token::read(token)?.of_kind("activation")?;
        let claims = if token.version == 1 {
            let first: First = token.claims()?;
            ActivationClaims {
                data: first.data,
                import_subject: first.nats.subject,
                import_type: first.nats.r#type,
                issuer_account: first.issuer_account,
            }
        } else {
            let second: Second = token.claims()?;
            ActivationClaims {
                data: second.data,
                import_subject: second.nats.subject,
                import_type: second.nats.kind,
                issuer_account: second.nats.issuer_account,
            }
        };
        check_issuer(&claims.data.issuer, &[KeyKind::Account, KeyKind::Operator])?;
        Ok(claims)
    }

    /// What is wrong with the claims.
    pub fn issues(&self, now: WallTime) -> Issues {
        let mut issues = Issues::default();
        self.data.check(now, &mut issues);
        self.check(&mut issues);
        issues
    }

    /// Notes what is wrong with it, whatever the time.
    pub(super) fn check(&self, issues: &mut Issues) {
        if self.import_type == ExportType::Unknown {
            issues.error("invalid import type: \"unknown\"");
        }
        subjects::check(&self.import_subject, issues);
        let issuer = &self.issuer_account;
        if !issuer.is_empty() && !is_public_key(issuer, KeyKind::Account) {
            issues.error("account_id is not an account public key");
        }
    }
}
