//! What a configuration can say that no part of the server acts on yet. A server refuses it by name, rather than start
//! and do something else than it was told; checking a file with `-t` does not.

use alloc::string::ToString;

use super::{ExportKind, Options, User};
use crate::error::{ConfigError, Problem};

/// A key, the part of the server that it belongs to, and whether something is said with it.
struct Unbuilt(&'static str, &'static str, fn(&Options) -> bool);

/// Whoever builds a part takes its lines out.
const UNBUILT: &[Unbuilt] = &[
    Unbuilt("auth_callout", "auth callout", |o| o.auth.callout.is_some()),
    Unbuilt("proxy_required", "trusted proxies", |o| {
        o.auth.proxy_required || any_user(o, |user| user.proxy_required)
    }),
    Unbuilt("latency", "service latency", |o| {
        let mut exports = o.accounts.iter().flat_map(|account| &account.exports);
        exports.any(
            |export| matches!(&export.kind, ExportKind::Service(service) if service.latency.is_some()),
        )
    }),
];

fn any_user(options: &Options, is_so: fn(&User) -> bool) -> bool {
    options.auth.users.iter().flatten().any(is_so)
}

impl Options {
    pub(super) fn validate_built(&self) -> Result<(), ConfigError> {
        let said = UNBUILT.iter().find(|Unbuilt(_, _, is_said)| is_said(self));
        let Some(Unbuilt(key, feature, _)) = said else {
            return Ok(());
        };
        let key = key.to_string();
        let problem = Problem::NotYet { key, feature };
        Err(ConfigError::Conflict(problem.to_string()))
    }
}
