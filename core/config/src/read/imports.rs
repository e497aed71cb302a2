//! What an account takes from others: streams and services. Not here: whether the others offer it
//! (`options::sharing`).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use gannet_subject::has_wildcard;

use super::accounts::Block;
use super::reader::{Field, Reader};
use super::table::{Key, apply, works, works_for};
use crate::error::Place;
use crate::options::{Import, ImportKind};
use crate::text::quote::quoted;
use crate::tree::{Node, Value};

/// What is said of one import.
#[derive(Default)]
pub(super) struct Entry {
    stream: Option<Source>,
    service: Option<Source>,
    prefix: String,
    to: Option<(Place, String)>,
    share: bool,
    allow_trace: Option<(Place, bool)>,
}

/// Where it is from.
#[derive(Default)]
pub(super) struct Source {
    account: String,
    subject: String,
}

pub(super) const KEYS: &[Key<Entry>] = &[
    works(&["stream"], |r, f, e| {
        if e.service.is_some() {
            let text = "Detected stream but already saw a service";
            return r.invalid(&f.node.place, text);
        }
        e.stream = r.import_source(f, "Stream");
    }),
    works(&["service"], |r, f, e| {
        if e.stream.is_some() {
            let text = "Detected service but already saw a stream";
            return r.invalid(&f.node.place, text);
        }
        e.service = r.import_source(f, "Service");
    }),
    works_for(&["prefix"], &["to"], |r, f, e| {
        e.prefix = r.text(f).unwrap_or_default();
    }),
    works(&["to"], |r, f, e| {
        if let Some(to) = r.text(f) {
            e.to = Some((f.node.place.clone(), to));
        }
    }),
    works(&["share"], |r, f, e| {
        e.share = r.bool(f).unwrap_or_default();
    }),
    works(&["allow_trace"], |r, f, e| {
        if let Some(allowed) = r.bool(f) {
            e.allow_trace = Some((f.node.place.clone(), allowed));
        }
    }),
];

pub(super) const SOURCE_KEYS: &[Key<Source>] = &[
    works(&["account"], |r, f, s| {
        s.account = r.text(f).unwrap_or_default();
    }),
    works(&["subject"], |r, f, s| {
        s.subject = r.text(f).unwrap_or_default();
    }),
];

impl Reader<'_> {
    /// The value of an `imports` key.
    pub(super) fn imports(&mut self, field: Field<'_>, block: &mut Block) {
        let Value::Array(nodes) = &field.node.value else {
            let found = field.node.value.type_name();
            let text = format!("Imports should be an array, got {found}");
            return self.invalid(&field.node.place, text);
        };
        // Which services are used already: the account and the subject here, with the subject there.
        let mut used: BTreeMap<(String, String), String> = BTreeMap::new();
        block.options.imports.reserve_exact(nodes.len());
        block.places.imports.reserve_exact(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let Some(import) = self.within_entry(at, node, |r| r.import(node)) else {
                continue;
            };
            if let ImportKind::Service { to, .. } = &import.kind {
                let local = if to.is_empty() { &import.subject } else { to };
                let key = (import.account.clone(), local.clone());
                if let Some(before) = used.get(&key) {
                    let (to, account, before) =
                        (quoted(local), quoted(&import.account), quoted(before));
                    let text = format!(
                        "Duplicate service import subject {to}, previously used in import for account {account}, subject {before}"
                    );
                    self.invalid(&node.place, text);
                    continue;
                }
                used.insert(key, import.subject.clone());
            }
            block.options.imports.push(import);
            block.places.imports.push(node.place.clone());
        }
    }

    /// One import; `None` if it is at fault, or imports nothing.
    fn import(&mut self, node: &Node) -> Option<Import> {
        let Value::Map(map) = &node.value else {
            let found = node.value.type_name();
            let text = format!("Import Items should be a map with type entry, got {found}");
            self.invalid(&node.place, text);
            return None;
        };
        let mut entry = Entry::default();
        apply(map, KEYS, self, &mut entry);
        match (entry.stream.take(), entry.service.take()) {
            (Some(source), _) => self.stream_import(node, source, entry),
            (None, Some(source)) => self.service_import(source, entry),
            (None, None) => None,
        }
    }

    fn stream_import(&mut self, node: &Node, source: Source, entry: Entry) -> Option<Import> {
        let Entry { prefix, to, .. } = entry;
        let to = match to {
            Some((place, to)) if !to.is_empty() && !prefix.is_empty() => {
                let text = "Stream import can not have a 'prefix' and a 'to' property";
                self.invalid(&place, text);
                to
            }
            _ if has_wildcard(prefix.as_bytes()) => {
                let subject = quoted(&source.subject);
                let text = format!(
                    "Error adding stream import {subject}: stream import prefix can not contain wildcard tokens"
                );
                self.invalid(&node.place, text);
                return None;
            }
            Some((_, to)) if prefix.is_empty() => to,
            _ if prefix.is_empty() => String::new(),
            _ => {
                let prefix = prefix.strip_suffix('.').unwrap_or(&prefix);
                [prefix, ".", &source.subject].concat()
            }
        };
        Some(Import {
            account: source.account,
            subject: source.subject,
            kind: ImportKind::Stream {
                to,
                allow_trace: entry.allow_trace.is_some_and(|(_, allowed)| allowed),
            },
            activation: None,
        })
    }

    fn service_import(&mut self, source: Source, entry: Entry) -> Option<Import> {
        if let Some((place, _)) = entry.allow_trace {
            let text = "Detected allow_trace directive on a non-stream";
            self.invalid(&place, text);
            return None;
        }
        let to = entry.to.map(|(_, to)| to).filter(|to| !to.is_empty());
        Some(Import {
            kind: ImportKind::Service {
                to: to.unwrap_or_default(),
                share: entry.share,
            },
            account: source.account,
            subject: source.subject,
            activation: None,
        })
    }

    /// An account and a subject of it.
    fn import_source(&mut self, field: Field<'_>, kind: &str) -> Option<Source> {
        let place = &field.node.place;
        let Value::Map(map) = &field.node.value else {
            let found = field.node.value.type_name();
            let text = format!("{kind} entry should be an account map, got {found}");
            self.invalid(place, text);
            return None;
        };
        let mut source = Source::default();
        let before = self.errors.len();
        apply(map, SOURCE_KEYS, self, &mut source);
        if self.errors.len() == before && (source.account.is_empty() || source.subject.is_empty()) {
            self.invalid(place, "Expect an account name and a subject");
        }
        (self.errors.len() == before).then_some(source)
    }
}
