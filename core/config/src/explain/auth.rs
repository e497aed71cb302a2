//! Settings of who may connect. Secrets are only said to be there.

use core::time::Duration;

use super::{Settings, Shown};
use crate::options::{AuthOptions, LinkAuth, User};
use crate::secret::Secret;

impl Settings<'_> {
    pub(super) fn auth(&mut self, auth: &AuthOptions, timeout: Duration) {
        let AuthOptions {
            user,
            password,
            token,
            users,
            no_auth_user,
            // What reads files does not know these yet.
            default_permissions: _,
            callout: _,
            proxy_required: _,
            // The given one is what counts if this is none.
            timeout: _,
        } = auth;
        self.block("authorization", |s| {
            s.put("user", user);
            s.put("password", secret(password));
            s.put("token", token.as_ref().map_or(Shown::Unset, secret));
            match users {
                Some(users) => s.blocks("users", users, |s, user: &User| {
                    s.put("user", &user.name);
                    s.put("password", secret(&user.password));
                }),
                None => s.put("users", Shown::Unset),
            }
            s.put("timeout", timeout);
        });
        self.put("no_auth_user", no_auth_user);
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
