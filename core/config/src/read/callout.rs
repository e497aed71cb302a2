//! `auth_callout`: who decides whom to let in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::reader::{Field, Reader, shown};
use super::table::{Key, apply_or, works};
use crate::options::{CalloutOptions, Options};
use crate::origin::{KeyPath, Origin};
use crate::text::key::{KeyKind, is_public_key};
use crate::text::quote::quoted;
use crate::tree::{Node, Value};

pub(super) const KEYS: &[Key<CalloutOptions>] = &[
    works(&["issuer"], |r, f, c| {
        if let Some(key) = r.text(f) {
            if !is_public_key(&key, KeyKind::Account) {
                let text = format!(
                    "Expected callout user to be a valid public account nkey, got {}",
                    quoted(&key)
                );
                return r.invalid(&f.node.place, text);
            }
            c.issuer = key;
        }
    }),
    works(&["account", "acc"], |r, f, c| {
        if let Some(account) = r.optional_text(f) {
            c.account = account.unwrap_or_else(|| CalloutOptions::default().account);
        }
    }),
    works(&["auth_users", "users"], |r, f, c| {
        c.auth_users.extend(r.listed(f, "auth_users"));
    }),
    works(&["xkey", "key"], |r, f, c| {
        if let Some(key) = r.text(f) {
            if !is_public_key(&key, KeyKind::Curve) {
                let text = format!(
                    "Expected callout xkey to be a valid public xkey, got {}",
                    quoted(&key)
                );
                return r.invalid(&f.node.place, text);
            }
            c.xkey = Some(key);
        }
    }),
    works(&["allowed_accounts"], |r, f, c| {
        c.allowed_accounts.extend(r.listed(f, "allowed accounts"));
    }),
];

impl Reader<'_> {
    pub(super) fn callout(&mut self, field: Field<'_>) -> Option<CalloutOptions> {
        let place = &field.node.place;
        let Value::Map(map) = &field.node.value else {
            let found = shown(&field.node.value);
            let text = format!("Expected authorization callout to be a map/struct, got {found}");
            self.invalid(place, text);
            return None;
        };
        let mut callout = CalloutOptions::default();
        let before = self.errors.len();
        apply_or(map, KEYS, self, &mut callout, unknown);
        if self.errors.len() > before {
            return None;
        }
        let problem = if callout.issuer.is_empty() {
            "Authorization callouts require an issuer to be specified"
        } else if callout.auth_users.is_empty() {
            "Authorization callouts require authorized users to be specified"
        } else {
            return Some(callout);
        };
        let last = map.in_order().last();
        self.invalid(last.map_or(place, |(_, last)| &last.place), problem);
        None
    }

    /// Whether there are the accounts that a callout may place users in: they may stand after it.
    pub(super) fn check_callout(&mut self, options: &Options) {
        let allowed = options.auth.callout.iter();
        let allowed = allowed.flat_map(|callout| &callout.allowed_accounts);
        let unknown = allowed.filter(|name| options.account(name).is_none());
        let path = KeyPath::of("authorization.auth_callout.allowed_accounts");
        let Origin::File { place, .. } = self.origins.of(&path) else {
            return;
        };
        for name in unknown {
            let name = quoted(name);
            let text =
                format!("auth_callout allowed account {name} not found in configured accounts");
            self.invalid(&place, text);
        }
    }

    /// A list of names.
    fn listed(&mut self, field: Field<'_>, what: &str) -> Vec<String> {
        let Value::Array(nodes) = &field.node.value else {
            let text = format!("Expected {what} field to be an array, got *conf.token");
            self.invalid(&field.node.place, text);
            return Vec::new();
        };
        let key = field.key;
        let texts = nodes.iter().map(|node| self.text(Field { key, node }));
        texts.flatten().collect()
    }
}

fn unknown(reader: &mut Reader, name: &str, node: &Node) {
    if !node.referenced {
        let text = format!(
            "Unknown field {} parsing authorization callout",
            quoted(name)
        );
        reader.invalid(&node.place, text);
    }
}
