//! Changes of who may connect: users, accounts, and those whose word counts for them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::refused::Shown;
use super::{Change, Diff, Refused};
use crate::options::{
    AccountOptions, AuthOptions, CalloutOptions, GLOBAL_ACCOUNT, OperatorOptions, Options,
    SYSTEM_ACCOUNT, User,
};

impl Diff {
    pub(super) fn auth(&mut self, old_options: &Options, options: &Options) {
        let old = &old_options.auth;
        let AuthOptions {
            is_given: _,
            user,
            password,
            token,
            users,
            default_permissions,
            callout,
            proxy_required,
            no_auth_user,
            // It depends on TLS.
            timeout: _,
        } = &options.auth;
        self.users(old_options, options);
        let defaults = &old.default_permissions;
        self.live(
            |_| Change::DefaultPermissions,
            defaults,
            default_permissions,
        );
        let remains = |name: &String| users.iter().flatten().any(|user| user.name == *name);
        if no_auth_user.is_some() || old.no_auth_user.as_ref().is_some_and(remains) {
            self.fixed(
                "no_auth_user",
                "NoAuthUser",
                &old.no_auth_user,
                no_auth_user,
            );
        }
        self.live(|_| Change::User, &old.user, user);
        self.live(|_| Change::Password, &old.password, password);
        self.live(|_| Change::Token, &old.token, token);
        self.fixed(
            "authorization.auth_callout",
            "AuthCallout",
            &old.callout,
            callout,
        );
        self.fixed(
            "authorization.proxy_required",
            "ProxyRequired",
            &old.proxy_required,
            proxy_required,
        );
        self.dropped_users(old, &options.auth);
        let timeout = old_options.auth_timeout();
        self.live(Change::AuthTimeout, &timeout, &options.auth_timeout());
    }

    /// Users and accounts change one by one, but the log has one line for each kind.
    fn users(&mut self, old: &Options, new: &Options) {
        let of = |is_wanted: fn(&&User) -> bool| {
            let wanted = |options: &Options| -> Vec<User> {
                let users = options.auth.users.iter().flatten();
                users.filter(is_wanted).cloned().collect()
            };
            wanted(old) != wanted(new)
        };
        let is_list_new = old.auth.users.is_some() != new.auth.users.is_some();
        let is_open = old.opens_global_account() != new.opens_global_account();
        if is_list_new || is_open || of(|user| user.account.is_none() && user.nkey.is_none()) {
            self.changes.push(Change::Users);
        }
        if of(|user| user.account.is_none() && user.nkey.is_some()) {
            self.changes.push(Change::Nkeys);
        }
        // The global account has nothing but mappings, which are told apart.
        let named = |options: &Options| -> Vec<AccountOptions> {
            let accounts = options.accounts.iter();
            let named = accounts.filter(|account| account.name != GLOBAL_ACCOUNT);
            named.cloned().collect()
        };
        if named(old) != named(new) || of(|user| user.account.is_some()) {
            self.changes.push(Change::Accounts);
        }
    }

    pub(super) fn system_account(&mut self, old: &Options, new: &Options) {
        // One that is called so in the file is as good as named.
        let old_name = old.system_account.as_deref();
        let old_name = old_name.or_else(|| old.account(SYSTEM_ACCOUNT).map(|_| SYSTEM_ACCOUNT));
        let old_name = old_name.map(ToString::to_string);
        if old_name.as_deref() != Some(SYSTEM_ACCOUNT) || new.system_account.is_some() {
            self.fixed(
                "system_account",
                "SystemAccount",
                &old_name,
                &new.system_account,
            );
        }
        self.fixed(
            "no_system_account",
            "NoSystemAccount",
            &old.no_system_account,
            &new.no_system_account,
        );
    }

    pub(super) fn operator(&mut self, old: &OperatorOptions, new: &OperatorOptions) {
        let OperatorOptions {
            operators,
            trusted_keys,
            resolver,
            resolver_tls,
            preload,
            pinned_accounts,
            default_sentinel,
        } = new;
        let keys = |options: &OperatorOptions| -> Vec<String> {
            let operators = options.operators.iter();
            operators.map(|o| o.claims.subject.clone()).collect()
        };
        if old.operators != *operators {
            self.refused.push(Refused::Unsupported {
                key: "operator",
                option: "TrustedOperators",
                old: keys(old).shown(),
                new: keys(new).shown(),
            });
        }
        self.fixed(
            "trusted_keys",
            "TrustedKeys",
            &old.trusted_keys,
            trusted_keys,
        );
        if old.resolver.is_some() == resolver.is_some() {
            self.live(|_| Change::Resolver, &old.resolver, resolver);
        } else {
            let text = "config reload does not support moving to or from an account resolver";
            let key = "resolver";
            let text = text.to_string();
            self.refused.push(Refused::Invalid { key, text });
        }
        // Certificates are read again, whether they are named otherwise or not.
        if old.resolver_tls.is_some() || resolver_tls.is_some() {
            self.changes.push(Change::ResolverTls);
        }
        self.live(|_| Change::Preload, &old.preload, preload);
        let pinned = &old.pinned_accounts;
        self.live(|_| Change::PinnedAccounts, pinned, pinned_accounts);
        let sentinel = &old.default_sentinel;
        self.live(|_| Change::DefaultSentinel, sentinel, default_sentinel);
    }

    pub(super) fn proxies(&mut self, old: &[String], new: &[String]) {
        let without = |all: &[String], others: &[String]| -> Vec<String> {
            let rest = all.iter().filter(|key| !others.contains(key));
            rest.cloned().collect()
        };
        let (removed, added) = (without(old, new), without(new, old));
        if !removed.is_empty() {
            self.changes.push(Change::ProxiesRemoved(removed.clone()));
            self.dropped.push(super::Dropped::ClientsThrough(removed));
        }
        if !added.is_empty() {
            self.changes.push(Change::ProxiesAdded(added));
        }
    }
}

impl Shown for Option<CalloutOptions> {
    fn shown(&self) -> String {
        let Some(callout) = self else {
            return "<nil>".to_string();
        };
        let CalloutOptions {
            issuer,
            account,
            auth_users,
            xkey,
            allowed_accounts,
        } = callout;
        let (users, xkey) = (auth_users.shown(), xkey.shown());
        let accounts = allowed_accounts.shown();
        format!("&{{{issuer} {account} {users} {xkey} {accounts}}}")
    }
}
