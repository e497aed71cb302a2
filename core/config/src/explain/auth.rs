//! Settings of who may connect. Secrets are only said to be there.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Settings, Shown};
use crate::options::{AuthOptions, CalloutOptions, ConnectionType, LinkAuth, User};
use crate::secret::Secret;

impl Settings<'_> {
    pub(super) fn auth(&mut self, auth: &AuthOptions, timeout: Duration, is_open: bool) {
        let AuthOptions {
            // What it says is said by its being there.
            is_given: _,
            user,
            password,
            token,
            users,
            default_permissions,
            callout,
            proxy_required,
            no_auth_user,
            // The given one is what counts if this is none.
            timeout: _,
        } = auth;
        let is_open = is_open && user.is_none() && token.is_none();
        if is_open {
            // Any block, even an empty one, would close it.
            self.put("authorization", Shown::Unset);
            return self.put("no_auth_user", no_auth_user);
        }
        self.block("authorization", |s| {
            s.put("user", user);
            s.put("password", secret(password));
            s.put("token", token.as_ref().map_or(Shown::Unset, secret));
            let all = users.as_ref().map(|users| users.as_slice());
            let own: Vec<&User> = all.iter().flat_map(|users| *users).collect();
            let own: Vec<&User> = own.into_iter().filter(|u| u.account.is_none()).collect();
            match all {
                // Those of accounts are said there, and need no list here.
                Some(all) if !own.is_empty() || all.is_empty() => s.users(&own),
                _ => s.put("users", Shown::Unset),
            }
            s.permissions("default_permissions", default_permissions.as_ref());
            s.callout(callout.as_ref());
            s.put("proxy_required", proxy_required.then_some(true));
            s.put("timeout", timeout);
        });
        self.put("no_auth_user", no_auth_user);
    }

    /// The list of those who are in the same account.
    pub(super) fn users(&mut self, users: &[&User]) {
        self.blocks("users", users, |s, user| {
            let User {
                name,
                password,
                nkey,
                // It is the block that this one is in.
                account: _,
                permissions,
                connection_types,
                proxy_required,
            } = user;
            s.put("user", Some(name).filter(|name| !name.is_empty()));
            s.put("password", secret(password));
            s.put("nkey", nkey);
            s.permissions("permissions", permissions.as_ref());
            let types = connection_types.as_ref().map(|types| {
                let names = types.iter().copied().map(ConnectionType::name);
                Shown::List(names.map(Into::into).collect())
            });
            s.put("allowed_connection_types", types);
            s.put("proxy_required", proxy_required.then_some(true));
        });
    }

    fn callout(&mut self, callout: Option<&CalloutOptions>) {
        let Some(callout) = callout else {
            return self.put("auth_callout", Shown::Unset);
        };
        let CalloutOptions {
            issuer,
            account,
            auth_users,
            xkey,
            allowed_accounts,
        } = callout;
        self.block("auth_callout", |s| {
            s.put("issuer", issuer);
            s.put("account", account);
            s.put("auth_users", auth_users);
            s.put("xkey", xkey);
            s.put("allowed_accounts", allowed_accounts);
        });
    }

    pub(super) fn link_auth(&mut self, auth: &LinkAuth) {
        let LinkAuth {
            user,
            password,
            timeout,
        } = auth;
        self.block("authorization", |s| {
            s.put("user", user);
            s.put("password", secret(password));
            s.put("timeout", *timeout);
        });
    }
}

fn secret(secret: &Secret) -> Shown {
    if secret.is_empty() {
        Shown::Unset
    } else {
        Shown::Secret(secret.clone())
    }
}
