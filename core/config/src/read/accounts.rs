//! The `accounts` block. Not here: what accounts offer (`exports`) and take (`imports`), their users (`users`), and whether
//! all of that goes together (`options::sharing`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::reader::{Field, Reader, shown};
use super::table::{Key, apply, apply_or, not_yet, not_yet_unless_off, works};
use crate::error::Place;
use crate::options::{
    AccountLimits, AccountOptions, GLOBAL_ACCOUNT, Options, Shared, User, sharing_faults,
};
use crate::text::key::{KeyKind, is_public_key};
use crate::text::quote::quoted;
use crate::tree::{Map, Node, Value};

/// What one account's block says.
#[derive(Default)]
pub(super) struct Block {
    pub(super) options: AccountOptions,
    users: Vec<User>,
    users_place: Option<Place>,
    pub(super) places: SharedPlaces,
}

/// Where the entries of an account's exports and imports stand.
#[derive(Default)]
pub(super) struct SharedPlaces {
    pub(super) exports: Vec<Place>,
    pub(super) imports: Vec<Place>,
}

/// What is remembered of the accounts, to say where they are at fault.
#[derive(Default)]
pub(super) struct AccountPlaces {
    /// The block of all.
    block: Option<Place>,
    by_name: BTreeMap<String, SharedPlaces>,
}

pub(super) const KEYS: &[Key<Block>] = &[
    works(&["users"], |r, f, b| {
        b.users = r.users(f).unwrap_or_default();
        b.users_place = Some(f.node.place.clone());
    }),
    works(&["nkey"], |r, f, b| {
        let key = match &f.node.value {
            Value::Text(key) if is_public_key(key, KeyKind::Account) => key,
            other => {
                let text = format!(
                    "Not a valid public nkey for an account: {}",
                    quoted(&shown(other))
                );
                return r.invalid(&f.node.place, text);
            }
        };
        b.options.nkey = Some(key.clone());
    }),
    works(&["exports"], |r, f, b| r.exports(f, b)),
    works(&["imports"], |r, f, b| r.imports(f, b)),
    works(&["mappings", "maps"], |r, f, b| {
        r.mappings(f, &mut b.options.mappings);
    }),
    works(&["limits"], |r, f, b| {
        r.account_limits(f, &mut b.options.limits)
    }),
    works(&["default_permissions"], |r, f, b| {
        let permissions = r.user_permissions(f);
        b.options.default_permissions = permissions.or(b.options.default_permissions.take());
    }),
    not_yet_unless_off(&["jetstream"], "JetStream"),
    not_yet(&["msg_trace", "trace_dest"], "message tracing"),
];

pub(super) const LIMIT_KEYS: &[Key<AccountLimits>] = &[
    works(&["max_connections", "max_conn"], |r, f, l| {
        l.connections = r.account_limit(f).unwrap_or(l.connections);
    }),
    works(&["max_subscriptions", "max_subs"], |r, f, l| {
        l.subscriptions = r.account_limit(f).unwrap_or(l.subscriptions);
    }),
    works(&["max_payload", "max_pay"], |r, f, l| {
        l.payload = r.account_limit(f).unwrap_or(l.payload);
    }),
    works(&["max_leafnodes", "max_leafs"], |r, f, l| {
        l.leaf_nodes = r.account_limit(f).unwrap_or(l.leaf_nodes);
    }),
];

/// Reads the block: names alone, or each with what there is to say of it.
pub(super) fn read(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    reader.accounts.block = Some(field.node.place.clone());
    match &field.node.value {
        Value::Array(nodes) => {
            let mut names = BTreeSet::new();
            for node in nodes {
                let field = Field {
                    key: field.key,
                    node,
                };
                let Some(name) = reader.text(field) else {
                    continue;
                };
                if reader.is_reserved(&name, &node.place) {
                    continue;
                }
                if !names.insert(name.clone()) {
                    let text = format!("Duplicate Account Entry: {name}");
                    reader.invalid(&node.place, text);
                    continue;
                }
                reader.note(&[&name], node);
                options.accounts.push(AccountOptions {
                    name,
                    ..AccountOptions::default()
                });
            }
        }
        Value::Map(map) => {
            for (name, node) in map.in_order() {
                reader.account(name, node, options);
            }
        }
        _ => reader.wrong_type(field, "map[string]interface {}"),
    }
}

impl Reader<'_> {
    fn is_reserved(&mut self, name: &str, place: &Place) -> bool {
        let is_reserved = name == GLOBAL_ACCOUNT;
        if is_reserved {
            self.invalid(place, format!("{} is a Reserved Account", quoted(name)));
        }
        is_reserved
    }

    fn account(&mut self, name: &str, node: &Node, options: &mut Options) {
        // It is a variable, whatever else it could be.
        if node.referenced {
            return;
        }
        let Value::Map(map) = &node.value else {
            return self.invalid(&node.place, "Expected map entries for accounts");
        };
        if self.is_reserved(name, &node.place) {
            return;
        }
        let block = self.within_named(name, node, |r| r.account_block(name, map));
        let Block {
            options: account,
            users,
            users_place,
            places,
        } = block;
        options.accounts.push(account);
        self.accounts.by_name.insert(name.to_string(), places);
        let place = users_place.unwrap_or_default();
        if users.is_empty() {
            return;
        }
        // The other way round, `authorization` finds the users of accounts.
        let problem = if options.auth.user.is_some() {
            "Can not have a single user/pass and accounts"
        } else if options.auth.token.is_some() {
            "Can not have a token and accounts"
        } else {
            if self.are_new(&place, &users) {
                options.auth.users.get_or_insert_default().extend(users);
            }
            return;
        };
        self.invalid(&place, problem);
    }

    fn account_block(&mut self, name: &str, map: &Map) -> Block {
        let mut block = Block::default();
        block.options.name = name.to_string();
        apply(map, KEYS, self, &mut block);
        let defaults = block.options.default_permissions.as_ref();
        self.give_defaults(&mut block.users, "default_permissions", defaults);
        for user in &mut block.users {
            user.account = Some(name.to_string());
        }
        block
    }

    fn account_limits(&mut self, field: Field<'_>, limits: &mut AccountLimits) {
        let Value::Map(map) = &field.node.value else {
            let found = shown(&field.node.value);
            let text = format!("Expected account limits to be a map/struct, got {found}");
            return self.invalid(&field.node.place, text);
        };
        apply_or(map, LIMIT_KEYS, self, limits, |reader, name, node| {
            if !node.referenced {
                let text = format!("Unknown field {} parsing account limits", quoted(name));
                reader.invalid(&node.place, text);
            }
        });
    }

    /// A bound; a negative number is none, which is given as `None` inside.
    fn account_limit(&mut self, field: Field<'_>) -> Option<Option<u32>> {
        let number = self.fits_i32(field)?;
        Some(u32::try_from(number).ok())
    }

    /// Whether what accounts offer and take goes together. As in the reference server, nobody looks while anything
    /// else is wrong.
    pub(super) fn check_accounts(&mut self, options: &Options) {
        let Some(block) = self.accounts.block.take() else {
            return;
        };
        if !self.errors.is_empty() {
            return;
        }
        let has_system_account = options.system_account().is_some();
        for fault in sharing_faults(&options.accounts, has_system_account) {
            self.invalid(&block, fault.text);
            let Some(account) = options.accounts.get(fault.account) else {
                continue;
            };
            let places = self.accounts.by_name.get(&account.name);
            let place = places.and_then(|places| match fault.part {
                Shared::Export(at) => places.exports.get(at),
                Shared::Import(at) => places.imports.get(at),
            });
            let at = place.map_or_else(String::new, |place| format!(", at {place}"));
            let help = format!("this is in account {}{at}", quoted(&account.name));
            self.help(Some(help));
        }
    }
}
