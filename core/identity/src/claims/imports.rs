//! What an account's claims take from other accounts. Not here: the options that follow (`convert`).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_config::Secret;
use serde::{Deserialize, Deserializer};

use super::activation::ActivationClaims;
use super::exports::ExportType;
use super::issues::Issues;
use super::subjects;

/// One entry of `imports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ImportClaims {
    /// For people.
    pub name: String,
    /// Of a stream, the exporter's subject; of a service, the importer's, unless `local_subject` is.
    pub subject: String,
    /// The exporter's public key.
    pub account: String,
    /// An activation token.
    #[serde(deserialize_with = "secret")]
    pub token: Secret,
    /// The old word for another subject: of a stream, the importer's; of a service, the exporter's.
    pub to: String,
    /// The importer's subject.
    pub local_subject: String,
    /// What is imported.
    pub r#type: ExportType,
    /// The service learns who asks.
    pub share: bool,
    /// Traces may go on into this account.
    pub allow_trace: bool,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::new)
}

impl ImportClaims {
    /// The exporter's subject.
    pub(super) fn exported(&self) -> &str {
        let old_service = self.r#type == ExportType::Service && !self.to.is_empty();
        if old_service && self.local_subject.is_empty() {
            &self.to
        } else {
            &self.subject
        }
    }

    /// Notes what is wrong with it in the claims of `account`.
    pub(super) fn check(&self, account: &str, issues: &mut Issues) {
        let is_service = self.r#type == ExportType::Service;
        if self.r#type == ExportType::Unknown {
            issues.error("invalid import type: \"unknown\"");
        }
        if is_service && self.allow_trace {
            issues.error("AllowTrace only valid for stream import");
        }
        if self.account.is_empty() {
            issues.error("account to import from is not specified");
        }
        if !self.to.is_empty() {
            issues.warning("the field to has been deprecated (use LocalSubject instead)");
        }
        subjects::check(&self.subject, issues);
        if !self.local_subject.is_empty() {
            subjects::check_renaming(&self.local_subject, &self.subject, issues);
            if !self.to.is_empty() {
                issues.error("Local Subject replaces To");
            }
        }
        if self.share && !is_service {
            issues.error(format!(
                "sharing information (for latency tracking) is only valid for services: {:?}",
                self.subject
            ));
        }
        if !self.token.is_empty() {
            self.check_token(account, issues);
        }
    }

    fn check_token(&self, account: &str, issues: &mut Issues) {
        let subject = &self.subject;
        let Ok(token) = ActivationClaims::decode(self.token.expose()) else {
            issues.error(format!(
                "import {subject:?} contains an invalid activation token"
            ));
            return;
        };
        if token.data.issuer != self.account && token.issuer_account != self.account {
            issues.error(format!(
                "activation token doesn't match account for import {subject:?}"
            ));
        }
        if token.data.subject != account {
            issues.error(format!(
                "activation token doesn't match account it is being included in, {subject:?}"
            ));
        }
        if token.import_type != self.r#type {
            issues.error(format!(
                "mismatch between token import type {} and type of import {}",
                token.import_type.name(),
                self.r#type.name()
            ));
        }
        token.check(issues);
        let is_service = self.r#type == ExportType::Service;
        let wanted = if is_service && !self.to.is_empty() {
            &self.to
        } else {
            subject
        };
        if !subjects::is_contained_in(wanted, &token.import_subject) {
            issues.error(format!(
                "activation token import subject {:?} doesn't match import {subject:?}",
                token.import_subject
            ));
        }
    }

    /// The subject that a service takes in the importing account.
    fn service_subject(&self) -> String {
        if !self.to.is_empty() {
            self.to.clone()
        } else if !self.local_subject.is_empty() {
            subjects::without_references(&self.local_subject)
        } else {
            self.subject.clone()
        }
    }
}

/// Notes what is wrong with the imports of `account`.
pub(super) fn check(imports: &[ImportClaims], account: &str, issues: &mut Issues) {
    let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for import in imports {
        if import.r#type == ExportType::Service {
            let of_exporter = services.entry(&import.account).or_default();
            of_exporter.push(import.service_subject());
        }
        import.check(account, issues);
    }
    for (exporter, subjects) in services {
        let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
        for (wide, narrow) in subjects::overlaps(&subjects) {
            issues.error(format!(
                "overlapping subject namespace for {narrow:?} and {wide:?} in same account {exporter:?}"
            ));
        }
    }
}
