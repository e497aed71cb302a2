//! The entries of `users`, in `authorization` and in accounts.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::reader::{Field, Reader, shown};
use super::table::{Key, apply, works};
use crate::error::Place;
use crate::options::{ConnectionType, Permissions, User};
use crate::origin::Step;
use crate::secret::Secret;
use crate::text::key::{KeyKind, is_public_key};
use crate::text::quote::{quoted, quoted_list};
use crate::tree::{Node, Value};

pub(super) const KEYS: &[Key<User>] = &[
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
    works(&["nkey"], |r, f, u| {
        if let Some(key) = r.optional_text(f) {
            u.nkey = key;
        }
    }),
    works(
        &["permissions", "permission", "authorization"],
        |r, f, u| u.permissions = r.user_permissions(f).or(u.permissions.take()),
    ),
    works(
        &["allowed_connection_types", "connection_types", "clients"],
        |r, f, u| u.connection_types = r.connection_types(f),
    ),
    works(&["proxy_required"], |r, f, u| {
        u.proxy_required = r.bool(f).unwrap_or(u.proxy_required);
    }),
];

impl Reader<'_> {
    /// The value of a `users` key.
    pub(super) fn users(&mut self, field: Field<'_>) -> Option<Vec<User>> {
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
        apply(map, KEYS, self, &mut user);
        if self.errors.len() > before {
            return Some(user);
        }
        let problem = match &user.nkey {
            None if user.name.is_empty() => "User entry requires a user",
            Some(key) if !is_public_key(key, KeyKind::User) => "Not a valid public nkey for a user",
            Some(_) if !user.name.is_empty() || !user.password.is_empty() => {
                "Nkey users do not take usernames or passwords"
            }
            _ => return Some(user),
        };
        let last = map.in_order().last();
        let place = last.map_or(&node.place, |(_, last)| &last.place);
        self.invalid(place, problem);
        Some(user)
    }

    fn connection_types(&mut self, field: Field<'_>) -> Option<Vec<ConnectionType>> {
        let names = self.text_list(field, "allowed connection types")?;
        let (mut types, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            match ConnectionType::named(&name) {
                Some(known) if types.contains(&known) => {}
                Some(known) => types.push(known),
                None => unknown.push(name.to_uppercase()),
            }
        }
        if !unknown.is_empty() {
            let unknown = quoted_list(&unknown);
            let text = format!("invalid connection types {unknown}");
            self.invalid(&field.node.place, text);
        }
        Some(types)
    }

    /// Whether nobody else is called as one of these is, who are known from now on. Of those that stand
    /// twice, the first is said, at `place`.
    pub(super) fn are_new(&mut self, place: &Place, users: &[User]) -> bool {
        // Names before nkeys, as the reference server has it.
        let names = users.iter().filter(|user| user.nkey.is_none());
        let nkeys = users.iter().filter(|user| user.nkey.is_some());
        for user in names.chain(nkeys) {
            let id: &str = user.id();
            // Whoever has no name is at fault already.
            if !id.is_empty() && !self.user_ids.insert(id.to_string()) {
                let what = if user.nkey.is_some() { "nkey" } else { "user" };
                let text = format!("Duplicate {what} {} detected", quoted(id));
                self.invalid(place, text);
                return false;
            }
        }
        true
    }

    /// Gives those who have no permissions of their own those that the block says under `key`.
    pub(super) fn give_defaults(
        &mut self,
        users: &mut [User],
        key: &str,
        defaults: Option<&Permissions>,
    ) {
        let Some(defaults) = defaults else { return };
        for (at, user) in users.iter_mut().enumerate() {
            if user.permissions.is_none() {
                user.permissions = Some(defaults.clone());
                let to = ["users".into(), Step::Entry(at), "permissions".into()];
                self.note_copy(&[key.into()], &to);
            }
        }
    }

    /// A text or a list of them, which messages call `what`. Of a list, those that are texts.
    pub(super) fn text_list(&mut self, field: Field<'_>, what: &str) -> Option<Vec<String>> {
        match &field.node.value {
            Value::Text(text) => Some(alloc::vec![text.clone()]),
            Value::Array(nodes) => {
                let mut texts = Vec::with_capacity(nodes.len());
                for node in nodes {
                    match &node.value {
                        Value::Text(text) => texts.push(text.clone()),
                        other => {
                            let found = other.type_name();
                            let text =
                                format!("error parsing {what}: unsupported type in array {found}");
                            self.invalid(&node.place, text);
                        }
                    }
                }
                Some(texts)
            }
            other => {
                let found = other.type_name();
                let text = format!("error parsing {what}: unsupported type {found}");
                self.invalid(&field.node.place, text);
                None
            }
        }
    }
}
