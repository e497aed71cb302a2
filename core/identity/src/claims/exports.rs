//! What an account's claims offer to other accounts. Not here: the options that follow (`convert`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::issues::Issues;
use super::revocations::Revocations;
use super::subjects;

/// Messages, or answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportType {
    /// Not said.
    #[default]
    #[serde(skip)]
    Unknown,
    /// Messages.
    Stream,
    /// Answers.
    Service,
}

impl ExportType {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            ExportType::Unknown => "unknown",
            ExportType::Stream => "stream",
            ExportType::Service => "service",
        }
    }
}

/// One entry of `exports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ExportClaims {
    /// For people.
    pub name: String,
    /// Which subjects.
    pub subject: String,
    /// What they are.
    pub r#type: ExportType,
    /// Importers must show an activation token.
    pub token_req: bool,
    /// Importers whose tokens no longer count.
    pub revocations: Revocations,
    /// `Singleton`, `Stream`, `Chunked`; the first if empty.
    pub response_type: String,
    /// Nanoseconds.
    pub response_threshold: i64,
    /// Which requests are measured.
    pub service_latency: Option<LatencyClaims>,
    /// The importer's key must stand there, counted from 1; 0 is nowhere.
    pub account_token_position: u64,
    /// Traces may go on into the service's account.
    pub allow_trace: bool,
    /// For people.
    pub description: String,
    /// For people.
    pub info_url: String,
}

/// Which requests to a service are measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LatencyClaims {
    /// Of a hundred; 0 is those whose headers ask for it.
    #[serde(deserialize_with = "sampling")]
    pub sampling: i64,
    /// Where the figures go.
    pub results: String,
}

fn sampling<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    match Value::deserialize(from)? {
        Value::String(word) if word.eq_ignore_ascii_case("headers") => Ok(0),
        other => (other.as_i64()).ok_or_else(|| D::Error::custom("unknown sampling rate")),
    }
}

impl LatencyClaims {
    fn check(&self, issues: &mut Issues) {
        if !(0..=100).contains(&self.sampling) {
            issues.error("sampling percentage needs to be between 1-100");
        }
        subjects::check(&self.results, issues);
        if subjects::has_wildcard(&self.results) {
            issues.error("results subject can not contain wildcards");
        }
    }
}

impl ExportClaims {
    fn check(&self, issues: &mut Issues) {
        let response = self.response_type.as_str();
        match self.r#type {
            ExportType::Unknown => issues.error("invalid export type: \"unknown\""),
            ExportType::Service => {
                if !matches!(response, "" | "Singleton" | "Stream" | "Chunked") {
                    issues.error(format!("invalid response type for service: {response:?}"));
                }
            }
            ExportType::Stream => {
                if !response.is_empty() {
                    issues.error(format!("invalid response type for stream: {response:?}"));
                }
                if self.allow_trace {
                    issues.error("AllowTrace only valid for service export");
                }
            }
        }
        let is_service = self.r#type == ExportType::Service;
        if let Some(latency) = &self.service_latency {
            if !is_service {
                issues.error("latency tracking only permitted for services");
            }
            latency.check(issues);
        }
        if self.response_threshold < 0 {
            issues.error("negative response threshold is invalid");
        } else if self.response_threshold > 0 && !is_service {
            issues.error("response threshold only valid for services");
        }
        subjects::check(&self.subject, issues);
        self.check_position(issues);
        check_info(&self.description, &self.info_url, issues);
    }

    fn check_position(&self, issues: &mut Issues) {
        let (position, subject) = (self.account_token_position, &self.subject);
        if position == 0 {
            return;
        }
        if !subjects::has_wildcard(subject) {
            issues.error(format!(
                "Account Token Position can only be used with wildcard subjects: {subject}"
            ));
            return;
        }
        let at = usize::try_from(position - 1).unwrap_or(usize::MAX);
        match subject.split('.').nth(at) {
            Some("*") => {}
            Some(token) => issues.error(format!(
                "Account Token Position {position} matches '{token}' but must match a * in: {subject}"
            )),
            None => issues.error(format!(
                "Account Token Position {position} exceeds length of subject '{subject}'"
            )),
        }
    }
}

/// Notes what is wrong with the exports of an account.
pub(super) fn check(exports: &[ExportClaims], issues: &mut Issues) {
    for export in exports {
        export.check(issues);
    }
    for kind in [ExportType::Service, ExportType::Stream] {
        let subjects: Vec<&str> = (exports.iter())
            .filter(|export| {
                (export.r#type == ExportType::Service) == (kind == ExportType::Service)
            })
            .map(|export| export.subject.as_str())
            .collect();
        check_overlaps(kind, &subjects, issues);
    }
}

/// Notes which subject lies in which other one; each wider one once.
fn check_overlaps(kind: ExportType, subjects: &[&str], issues: &mut Issues) {
    let wider = subjects::overlaps(subjects);
    for (wide, narrow) in wider {
        issues.error(format!(
            "{} export subject {wide:?} already exports {narrow:?}",
            kind.name()
        ));
    }
}

/// The longest description and URL.
const MAX_INFO: usize = 8 * 1024;

/// Notes what is wrong with what is said for people.
pub(super) fn check_info(description: &str, url: &str, issues: &mut Issues) {
    if description.len() > MAX_INFO {
        issues.error("Description is too long");
    }
    if url.is_empty() {
        return;
    }
    if url.len() > MAX_INFO {
        issues.error("Info URL is too long");
    }
    let host = url.split_once("://").map(|(scheme, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        (scheme, authority)
    });
    if !host.is_some_and(|(scheme, authority)| !scheme.is_empty() && !authority.is_empty()) {
        issues.error("error parsing info url: no hostname or scheme");
    }
}
