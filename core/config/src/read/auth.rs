//! The `authorization` block, at the top and inside `gateway`.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::permissions::Permissions;
use super::reader::{Field, Reader, shown};
use super::table::{Key, apply, not_yet, not_yet_unless_off, works};
use crate::options::{AuthOptions, LinkAuth, TlsOptions, User};
use crate::secret::Secret;
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::{Node, Value};

/// What the block can say, whoever it is for.
#[derive(Default)]
pub(super) struct Block {
    user: Option<String>,
    password: Secret,
    token: Option<Secret>,
    timeout: Option<Duration>,
    users: Option<Vec<User>>,
    callout: bool,
    permissions: Option<Permissions>,
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
    not_yet(
        &["default_permission", "default_permissions", "permissions"],
        "permissions",
    ),
    not_yet(&["auth_callout", "auth_hook"], "auth callout"),
    not_yet_unless_off(&["proxy_required"], "trusted proxies"),
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
        |r, f, b| b.permissions = r.permissions(f).or(b.permissions.take()),
    ),
    works(&["auth_callout", "auth_hook"], |_, _, b| b.callout = true),
    works(&["proxy_required"], |_, _, _| {}),
];

pub(super) const USER_KEYS: &[Key<User>] = &[
    works(&["user", "username"], |r, f, u| {
        if let Some(name) = r.text(f) {
            u.name = name;
        }
    }),
    works(&["password", "pass"], |r, f, u| {
        if let Some(password) = r.text(f) {
            u.password = Secret::new(password);
        }
    }),
    not_yet(&["nkey"], "nkeys"),
    not_yet(
        &["permission", "permissions", "authorization"],
        "permissions",
    ),
    not_yet(
        &["allowed_connection_types", "connection_types", "clients"],
        "connection types",
    ),
    not_yet_unless_off(&["proxy_required"], "trusted proxies"),
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
        let single = block.user.is_some() || !block.password.is_empty();
        let problem = if single && block.token.is_some() {
            Some("Cannot have a user/pass and token".into())
        } else if block.users.is_some() && block.user.is_some() {
            Some("Can not have a single user/pass and a users array".into())
        } else if block.users.is_some() && block.token.is_some() {
            Some("Can not have a token and a users array".into())
        } else {
            duplicate(block.users.as_deref().unwrap_or_default())
                .map(|name| format!("Duplicate user {} detected", quoted(name)))
        };
        if let Some(problem) = problem {
            return self.invalid(&field.node.place, problem);
        }
        *auth = AuthOptions {
            user: block.user,
            password: block.password,
            token: block.token,
            users: block.users,
            no_auth_user: auth.no_auth_user.take(),
            timeout: block.timeout,
            ..AuthOptions::default()
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
        } else if block.callout {
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

    fn users(&mut self, field: Field<'_>) -> Option<Vec<User>> {
        let Value::Array(nodes) = &field.node.value else {
            let text = format!(
                "Expected users field to be an array, got {}",
                shown(&field.node.value)
            );
            self.invalid(&field.node.place, text);
            return None;
        };
        let mut users = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            users.extend(self.within_entry(at, node, |r| r.user(node)));
        }
        Some(users)
    }

    fn user(&mut self, node: &Node) -> Option<User> {
        let Value::Map(map) = &node.value else {
            let text = format!(
                "Expected user entry to be a map/struct, got {}",
                shown(&node.value)
            );
            self.invalid(&node.place, text);
            return None;
        };
        let mut user = User::default();
        let before = self.errors.len();
        apply(map, USER_KEYS, self, &mut user);
        if self.errors.len() == before && user.name.is_empty() {
            let place = map
                .in_order()
                .last()
                .map_or(&node.place, |(_, last)| &last.place);
            self.invalid(place, "User entry requires a user");
        }
        Some(user)
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

/// A name that stands twice in the list.
fn duplicate(users: &[User]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    users
        .iter()
        .map(|u| u.name.as_str())
        .find(|name| !name.is_empty() && !seen.insert(*name))
}
