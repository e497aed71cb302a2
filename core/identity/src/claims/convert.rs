//! What an account's claims mean as options, which the broker goes by. Not here: which claims of an account
//! count, and its users.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{
    Access, AccountLimits, AccountOptions, Activation, Export, ExportKind, Import, ImportKind,
    LatencyOptions, ResponseType, Sampling, ServiceExport,
};
use gannet_units::WallTime;
use thiserror::Error;

use super::account::AccountClaims;
use super::activation::ActivationClaims;
use super::data::seconds;
use super::exports::{ExportClaims, ExportType};
use super::imports::ImportClaims;
use super::issues::Issues;
use super::limits::bound;
use super::mappings;

/// Why an activation token is no good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportRefusal {
    /// It says something else than the import, or is no token.
    #[error("activation token is not valid for the import")]
    Invalid,
    /// Its time is over, or has not come.
    #[error("activation token is expired or not yet valid")]
    Time,
    /// None of the exporter's keys has signed it.
    #[error("activation token is not signed by the exporting account")]
    Issuer,
}

/// What the activation token of `import` is worth, if it has one. Whether it was revoked is for the exporter to
/// say, whose claims are `exporter`.
///
/// # Errors
/// If it is worth nothing.
pub fn activation_of(
    import: &ImportClaims,
    importer: &str,
    exporter: Option<&AccountClaims>,
    now: WallTime,
) -> Result<Option<Activation>, ImportRefusal> {
    if import.token.is_empty() {
        return Ok(None);
    }
    let mut issues = Issues::default();
    import.check(importer, &mut issues);
    if issues.is_blocking(false) {
        return Err(ImportRefusal::Invalid);
    }
    let token = ActivationClaims::decode(import.token.expose());
    let token = token.map_err(|_| ImportRefusal::Invalid)?;
    if !token.issuer_account.is_empty() {
        let signs = |exporter: &AccountClaims| exporter.is_signing_key(&token.data.issuer);
        if token.issuer_account != import.account || !exporter.is_some_and(signs) {
            return Err(ImportRefusal::Issuer);
        }
    }
    let over = token.data.expires != 0 && token.data.expires <= seconds(now);
    if over || token.issues(now).is_blocking(true) {
        return Err(ImportRefusal::Time);
    }
    Ok(Some(Activation {
        issued: token.data.issued_at,
        expires: (token.data.expires != 0).then_some(token.data.expires),
    }))
}

impl AccountClaims {
    /// The account as options have it. `exporter` finds the claims of the accounts that it imports from; a token that
    /// is worth nothing counts as none.
    pub fn to_options<'a>(
        &self,
        now: WallTime,
        exporter: impl Fn(&str) -> Option<&'a AccountClaims>,
    ) -> AccountOptions {
        let importer = &self.data.subject;
        let import = |import: &ImportClaims| {
            let exporter = exporter(&import.account);
            let activation = activation_of(import, importer, exporter, now);
            import.to_option(activation.unwrap_or_default())
        };
        let limits = &self.nats.limits;
        AccountOptions {
            name: importer.clone(),
            exports: (self.nats.exports.iter())
                .filter_map(ExportClaims::to_option)
                .collect(),
            imports: self.nats.imports.iter().filter_map(import).collect(),
            mappings: mappings::to_options(&self.nats.mappings),
            limits: AccountLimits {
                connections: bound(limits.conn),
                leaf_nodes: bound(limits.leaf),
                subscriptions: bound(limits.subs),
                payload: bound(limits.payload),
            },
            default_permissions: self.nats.default_permissions.to_options(),
            ..AccountOptions::default()
        }
    }

    /// When the first of the activation tokens of its imports ends, after `now`.
    pub fn next_activation_end(&self, now: WallTime) -> Option<i64> {
        let end = |import: &ImportClaims| {
            let token = ActivationClaims::decode(import.token.expose()).ok()?;
            let end = token.data.expires;
            (end > seconds(now)).then_some(end)
        };
        let with_token = |import: &&ImportClaims| !import.token.is_empty();
        (self.nats.imports.iter())
            .filter(with_token)
            .filter_map(end)
            .min()
    }

    /// Whether it is one of the account's signing keys, with a scope or without.
    pub(crate) fn is_signing_key(&self, key: &str) -> bool {
        self.nats.signing_keys.0.contains_key(key)
    }
}

impl ImportClaims {
    fn to_option(&self, activation: Option<Activation>) -> Option<Import> {
        let kind = match self.r#type {
            ExportType::Unknown => return None,
            ExportType::Stream => ImportKind::Stream {
                to: self.stream_subject(),
                allow_trace: self.allow_trace,
            },
            ExportType::Service if self.local_subject.is_empty() => ImportKind::Service {
                to: self.subject.clone(),
                share: self.share,
            },
            ExportType::Service => ImportKind::Service {
                to: self.local_subject.clone(),
                share: self.share,
            },
        };
        Some(Import {
            account: self.account.clone(),
            subject: self.exported().to_string(),
            kind,
            activation,
        })
    }

    /// The importer's subject of a stream; `to` is a prefix.
    fn stream_subject(&self) -> String {
        if !self.local_subject.is_empty() {
            return self.local_subject.clone();
        }
        match self.to.strip_suffix('.').unwrap_or(&self.to) {
            "" => String::new(),
            prefix => alloc::format!("{prefix}.{}", self.subject),
        }
    }
}

impl ExportClaims {
    fn to_option(&self) -> Option<Export> {
        let kind = match self.r#type {
            ExportType::Unknown => return None,
            ExportType::Stream => ExportKind::Stream,
            ExportType::Service => ExportKind::Service(self.service()),
        };
        Some(Export {
            subject: self.subject.clone(),
            access: self.access(),
            kind,
        })
    }

    /// With a position, the reference server asks for no token.
    fn access(&self) -> Access {
        match u32::try_from(self.account_token_position) {
            Ok(0) if self.token_req => Access::Activated {
                revoked: self.revoked(),
                token_position: None,
            },
            Ok(0) => Access::Public,
            Ok(position) => Access::TokenPosition(position),
            // No subject is as long as that.
            Err(_) => Access::TokenPosition(u32::MAX),
        }
    }

    fn revoked(&self) -> Vec<(String, i64)> {
        let entries = self.revocations.0.iter();
        entries.map(|(key, time)| (key.clone(), *time)).collect()
    }

    fn service(&self) -> ServiceExport {
        let threshold = u64::try_from(self.response_threshold).unwrap_or(0);
        ServiceExport {
            response: match self.response_type.as_str() {
                "Stream" => ResponseType::Stream,
                "Chunked" => ResponseType::Chunked,
                _ => ResponseType::Singleton,
            },
            threshold: (threshold > 0).then(|| Duration::from_nanos(threshold)),
            latency: self.service_latency.as_ref().map(|latency| LatencyOptions {
                subject: latency.results.clone(),
                sampling: match u8::try_from(latency.sampling) {
                    Ok(0) | Err(_) => Sampling::Headers,
                    Ok(percent) => Sampling::Percent(percent.min(100)),
                },
            }),
            allow_trace: self.allow_trace,
        }
    }
}
