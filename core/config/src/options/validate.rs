//! Options that are each valid and contradict each other.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::ByteCount;

use super::{AuthOptions, ClusterOptions, GLOBAL_ACCOUNT, GatewayOptions, Options, SYSTEM_ACCOUNT};
use crate::error::ConfigError;
use crate::text::duration::format_duration;
use crate::text::quote::{quoted, quoted_list};

/// Payloads above this size are discouraged when the server starts.
const LARGE_PAYLOAD: ByteCount = ByteCount::mib(8);

impl Options {
    /// Checks what no single field can show, in the reference's order and words: what it refuses at
    /// start, after flags have been applied. `-t` doesn't ask this.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let duck = self.lame_duck;
        if duck.grace_period >= duck.duration {
            return conflict(format!(
                "lame duck grace period ({}) should be strictly lower than lame duck duration ({})",
                shown(duck.grace_period),
                shown(duck.duration)
            ));
        }
        let pending = self.limits.max_pending;
        if let Some(payload) = self.limits.max_payload
            && payload > pending
        {
            return conflict(format!(
                "max_payload ({payload}) cannot be higher than max_pending ({pending})"
            ));
        }
        if self
            .server_name
            .as_ref()
            .is_some_and(|name| name.contains(' '))
        {
            return conflict("server name cannot contain spaces");
        }
        self.auth.validate()?;
        if let Some(tls) = &self.tls
            && tls.ocsp_peer.is_some()
            && !tls.verify
        {
            return conflict(
                "OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled",
            );
        }
        if let Some(gateway) = &self.gateway {
            gateway.validate()?;
        }
        self.validate_system_account()?;
        self.validate_cluster()?;
        self.validate_built()
    }

    /// What should be said in the log when a server starts with these options.
    pub fn advice(&self) -> Vec<String> {
        let large = self
            .limits
            .max_payload
            .is_some_and(|limit| limit > LARGE_PAYLOAD);
        let advice = "Maximum payloads over 8.00 MB are generally discouraged \
                      and could lead to poor performance";
        if large {
            alloc::vec![advice.to_string()]
        } else {
            Vec::new()
        }
    }

    /// In operator mode its name is a key, and whether there is such an account is seen later.
    fn validate_system_account(&self) -> Result<(), ConfigError> {
        match self.system_account.as_deref() {
            Some(name)
                if self.operator.operators.is_empty()
                    && name != GLOBAL_ACCOUNT
                    && name != SYSTEM_ACCOUNT
                    && self.account(name).is_none() =>
            {
                conflict("error resolving system account: account missing")
            }
            _ => Ok(()),
        }
    }

    fn validate_cluster(&self) -> Result<(), ConfigError> {
        let cluster = &self.cluster;
        if cluster.name.as_ref().is_some_and(|name| name.contains(' ')) {
            return conflict("cluster name cannot contain spaces");
        }
        cluster
            .compression
            .resolve()
            .map_err(ConfigError::Conflict)?;
        if let (Some(name), Some(gateway)) = (&cluster.name, &self.gateway)
            && gateway.name != *name
        {
            return conflict("cluster name conflicts between cluster and gateway definitions");
        }
        if self.cluster_name() == Some(ClusterOptions::RESERVED_NAME) {
            return conflict("cluster name is reserved");
        }
        cluster.validate_accounts()
    }
}

impl AuthOptions {
    fn validate(&self) -> Result<(), ConfigError> {
        let Some(name) = &self.no_auth_user else {
            return Ok(());
        };
        let shown = format!("no_auth_user: \"{name}\"");
        let users = self.users.as_deref().unwrap_or_default();
        if users.is_empty() {
            conflict(format!("{shown} present, but users/nkeys are not defined"))
        } else if users.iter().all(|user| user.id() != name) {
            conflict(format!(
                "{shown} not present as user or nkey in authorization block or account configuration"
            ))
        } else {
            Ok(())
        }
    }
}

impl ClusterOptions {
    fn validate_accounts(&self) -> Result<(), ConfigError> {
        if self.accounts.is_empty() {
            return Ok(());
        }
        if self.pool_size.is_none() {
            return conflict("pool_size cannot be negative if pinned accounts are specified");
        }
        let mut seen = BTreeSet::new();
        match self.accounts.iter().find(|account| !seen.insert(*account)) {
            Some(twice) => {
                let all = quoted_list(&self.accounts);
                conflict(format!(
                    "found duplicate account name {} in pinned accounts list {all}",
                    quoted(twice),
                ))
            }
            None => Ok(()),
        }
    }
}

impl GatewayOptions {
    fn validate(&self) -> Result<(), ConfigError> {
        let name = &self.name;
        if name.is_empty() {
            return conflict("gateway has no name");
        }
        if name.contains(' ') {
            return conflict("gateway name cannot contain spaces");
        }
        if self.port.is_none() {
            return conflict(format!(
                "gateway \"{name}\" has no port specified (select -1 for random port)"
            ));
        }
        for (at, remote) in self.remotes.iter().enumerate() {
            if remote.name.is_empty() {
                return conflict(format!("gateway in the list {at} has no name"));
            }
            if remote.urls.is_empty() {
                return conflict(format!("gateway \"{}\" has no URL", remote.name));
            }
        }
        Ok(())
    }
}

fn conflict(text: impl Into<String>) -> Result<(), ConfigError> {
    Err(ConfigError::Conflict(text.into()))
}

fn shown(duration: Duration) -> String {
    format_duration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}
