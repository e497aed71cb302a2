//! The `authorization` block, at the top and inside `cluster` and `gateway`. Not here: the users in it (`users`) and
//! `auth_callout` (`callout`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::permissions;
use super::reader::{Field, Reader, shown};
use super::table::{Key, apply, works};
use crate::options::{AuthOptions, CalloutOptions, LinkAuth, Permissions, TlsOptions, User};
use crate::secret::Secret;
use crate::text::duration::parse_duration;
use crate::tree::Value;

/// What the block can say, whoever it is for.
#[derive(Default)]
pub(super) struct Block {
    user: Option<String>,
    password: Secret,
    token: Option<Secret>,
    timeout: Option<Duration>,
    users: Option<Vec<User>>,
    /// Those of links mean nothing, and are not read.
    has_callout: bool,
    callout: Option<CalloutOptions>,
    permissions: Option<Permissions>,
    proxy_required: bool,
}

/// What clients are told.
pub(super) const KEYS: &[Key<Block>] = &[
    works(&["user", "username"], set_user),
    works(&["password", "pass"], set_password),
    works(&["token"], set_token),
    works(&["timeout"], set_timeout),
    works(&["users"], |r, f, b| {
        b.users = r.users(f).or(b.users.take())
    }),
    works(
        &["default_permissions", "default_permission", "permissions"],
        |r, f, b| b.permissions = r.user_permissions(f).or(b.permissions.take()),
    ),
    works(&["auth_callout", "auth_hook"], |r, f, b| {
        b.callout = r.callout(f).or(b.callout.take());
    }),
    works(&["proxy_required"], |r, f, b| {
        b.proxy_required = r.bool(f).unwrap_or(b.proxy_required);
    }),
];

/// What other servers are told; permissions have a meaning in a cluster only.
pub(super) const LINK_KEYS: &[Key<Block>] = &[
    works(&["user", "username"], set_user),
    works(&["password", "pass"], set_password),
    works(&["token"], set_token),
    works(&["timeout"], set_timeout),
    works(&["users"], |r, f, b| {
        if matches!(f.node.value, Value::Array(_)) {
            b.users = Some(Vec::new());
        } else {
            r.users(f);
        }
    }),
    works(
        &["permissions", "default_permission", "default_permissions"],
        |r, f, b| {
            let permissions = r.permissions(f, permissions::CLUSTER_KEYS);
            b.permissions = permissions.or(b.permissions.take());
        },
    ),
    works(&["auth_callout", "auth_hook"], |_, _, b| {
        b.has_callout = true;
    }),
    works(&["proxy_required"], |_, _, _| {}),
];

fn set_user(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    if let Some(user) = reader.optional_text(field) {
        block.user = user;
    }
}

fn set_password(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    if let Some(password) = reader.text(field) {
        block.password = Secret::new(password);
    }
}

fn set_token(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    if let Some(token) = reader.optional_text(field) {
        block.token = token.map(Secret::new);
    }
}

fn set_timeout(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    let place = &field.node.place;
    let problem = "error parsing authorization config, 'timeout'";
    let seconds = match &field.node.value {
        Value::Integer(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        Value::Text(text) => match parse_duration(text) {
            Ok(nanos) => nanos as f64 / 1e9,
            Err(error) => return reader.invalid(place, format!("{problem} {error}")),
        },
        _ => return reader.invalid(place, format!("{problem} wrong type")),
    };
    if seconds > 60.0 {
        reader.warn(
            place,
            field.key,
            format!(
                "timeout of {} ({seconds:.6} seconds) is high, consider keeping it under 60 \
                 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example",
                shown(&field.node.value)
            ),
        );
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) => block.timeout = Some(timeout).filter(|t| !t.is_zero()),
        Err(_) => reader.invalid(place, format!("{problem} can not be negative or that high")),
    }
}

impl Reader<'_> {
    /// The top-level `authorization` block.
    pub(super) fn client_auth(&mut self, field: Field<'_>, auth: &mut AuthOptions) {
        let Some(map) = self.map(field) else { return };
        let mut block = Block::default();
        apply(map, KEYS, self, &mut block);
        let place = &field.node.place;
        let single = block.user.is_some() || !block.password.is_empty();
        let has_users = block.users.is_some() || !self.user_ids.is_empty();
        let problem = if single && block.token.is_some() {
            Some("Cannot have a user/pass and token")
        } else if has_users && block.user.is_some() {
            Some("Can not have a single user/pass and a users array")
        } else if has_users && block.token.is_some() {
            Some("Can not have a token and a users array")
        } else {
            None
        };
        if let Some(problem) = problem {
            return self.invalid(place, problem);
        }
        if let Some(users) = &mut block.users {
            self.give_defaults(users, "default_permissions", block.permissions.as_ref());
            if !self.are_new(place, users) {
                return;
            }
            auth.users.get_or_insert_default().append(users);
        }
        *auth = AuthOptions {
            is_given: true,
            user: block.user,
            password: block.password,
            token: block.token,
            users: auth.users.take(),
            default_permissions: block.permissions,
            callout: block.callout,
            proxy_required: block.proxy_required,
            no_auth_user: auth.no_auth_user.take(),
            timeout: block.timeout,
        };
    }

    /// The `authorization` block of links to other servers, which `whose` names in messages. Answers the
    /// permissions in it. A timeout that isn't set is zero; see [`settle_timeout`].
    pub(super) fn link_auth(
        &mut self,
        field: Field<'_>,
        whose: &str,
        auth: &mut LinkAuth,
    ) -> Option<Permissions> {
        let map = self.map(field)?;
        let mut block = Block::default();
        apply(map, LINK_KEYS, self, &mut block);
        let problem = if block.users.is_some() {
            "does not allow multiple users"
        } else if block.token.is_some() {
            "does not support tokens"
        } else if block.has_callout {
            "does not support callouts"
        } else {
            *auth = LinkAuth {
                user: block.user,
                password: block.password,
                timeout: block.timeout.unwrap_or(Duration::ZERO),
            };
            return block.permissions;
        };
        self.invalid(
            &field.node.place,
            format!("{whose} authorization {problem}"),
        );
        None
    }
}

/// Credentials for a block that has said nothing about its timeout yet.
pub(super) fn unsettled() -> LinkAuth {
    LinkAuth {
        timeout: Duration::ZERO,
        ..LinkAuth::default()
    }
}

/// Gives credentials that have no timeout theirs: who must shake hands first gets a second more than
/// that may take.
pub(super) fn settle_timeout(auth: &mut LinkAuth, tls: Option<&TlsOptions>) {
    if auth.timeout.is_zero() {
        auth.timeout = match tls {
            Some(tls) => tls.timeout().saturating_add(Duration::from_secs(1)),
            None => LinkAuth::default().timeout,
        };
    }
}
