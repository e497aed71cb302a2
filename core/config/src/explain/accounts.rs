//! Settings of accounts: one block for each, with its users.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Settings, Shown};
use crate::options::{
    Access, AccountLimits, AccountOptions, Export, ExportKind, GLOBAL_ACCOUNT, Import, ImportKind,
    LatencyOptions, Options, ResponseType, Sampling, ServiceExport, User,
};

impl Settings<'_> {
    pub(super) fn accounts(&mut self, options: &Options) {
        let mut users: BTreeMap<&str, Vec<&User>> = BTreeMap::new();
        for user in options.auth.users.iter().flatten() {
            if let Some(account) = &user.account {
                users.entry(account).or_default().push(user);
            }
        }
        // What the global account has is said at the top of the file.
        let named = options.accounts.iter();
        let mut named = named
            .filter(|account| account.name != GLOBAL_ACCOUNT)
            .peekable();
        if named.peek().is_none() {
            return self.put("accounts", Shown::Unset);
        }
        self.block("accounts", |s| {
            for account in named {
                let users = users.get(account.name.as_str());
                s.account(account, users.map_or(&[], |users| users));
            }
        });
    }

    fn account(&mut self, account: &AccountOptions, users: &[&User]) {
        let AccountOptions {
            name,
            nkey,
            exports,
            imports,
            mappings,
            limits,
            default_permissions,
        } = account;
        let bare = AccountOptions {
            name: name.clone(),
            ..AccountOptions::default()
        };
        if users.is_empty() && *account == bare {
            return self.put(name, Shown::Map(BTreeMap::new()));
        }
        self.block(name, |s| {
            s.put("nkey", nkey);
            s.permissions("default_permissions", default_permissions.as_ref());
            if !users.is_empty() {
                s.users(users);
            }
            if !exports.is_empty() {
                s.blocks("exports", exports, Self::export);
            }
            if !imports.is_empty() {
                s.blocks("imports", imports, Self::import);
            }
            if !mappings.is_empty() {
                s.mappings(mappings);
            }
            s.account_limits(limits);
        });
    }

    fn export(&mut self, export: &Export) {
        let Export {
            subject,
            access,
            kind,
        } = export;
        match kind {
            ExportKind::Stream => self.put("stream", subject),
            ExportKind::Service(_) => self.put("service", subject),
        }
        match access {
            Access::Public => {}
            Access::Accounts(accounts) => self.put("accounts", accounts),
            Access::TokenPosition(position) => self.put("account_token_position", *position),
            // JWTs alone have these.
            Access::Activated { .. } => {}
        }
        let ExportKind::Service(service) = kind else {
            return;
        };
        let ServiceExport {
            response,
            threshold,
            latency,
            allow_trace,
        } = service;
        let response = match response {
            ResponseType::Singleton => "singleton",
            ResponseType::Stream => "stream",
            ResponseType::Chunked => "chunked",
        };
        self.put(
            "response_type",
            Some(response).filter(|r| *r != "singleton"),
        );
        self.put("response_threshold", *threshold);
        if let Some(LatencyOptions { subject, sampling }) = latency {
            self.block("latency", |s| {
                s.put("subject", subject);
                s.put(
                    "sampling",
                    match sampling {
                        Sampling::Headers => "headers".into(),
                        Sampling::Percent(percent) => Shown::from(u32::from(*percent)),
                    },
                );
            });
        }
        self.put("allow_trace", allow_trace.then_some(true));
    }

    fn import(&mut self, import: &Import) {
        let Import {
            account,
            subject,
            kind,
            // JWTs alone have these.
            activation: _,
        } = import;
        let (key, to) = match kind {
            ImportKind::Stream { to, .. } => ("stream", to),
            ImportKind::Service { to, .. } => ("service", to),
        };
        self.block(key, |s| {
            s.put("account", account);
            s.put("subject", subject);
        });
        self.put("to", Some(to).filter(|to| !to.is_empty()));
        match kind {
            ImportKind::Stream { allow_trace, .. } => {
                self.put("allow_trace", allow_trace.then_some(true));
            }
            ImportKind::Service { share, .. } => self.put("share", share.then_some(true)),
        }
    }

    fn account_limits(&mut self, limits: &AccountLimits) {
        let AccountLimits {
            connections,
            leaf_nodes,
            subscriptions,
            payload,
        } = limits;
        if *limits == AccountLimits::default() {
            return;
        }
        self.block("limits", |s| {
            s.put("max_connections", *connections);
            s.put("max_leafnodes", *leaf_nodes);
            s.put("max_subscriptions", *subscriptions);
            s.put("max_payload", *payload);
        });
    }
}
