//! `mappings`, at the top of a file for the global account and inside of any other. Not here: which destinations go
//! with a source (`options::mapping`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_subject::is_valid_pattern;

use super::reader::{Field, Reader, shown};
use super::table::{Key, apply_or, works};
use crate::error::Place;
use crate::options::{AccountOptions, Destination, GLOBAL_ACCOUNT, Mapping, Options};
use crate::origin::Step;
use crate::text::quote::quoted;
use crate::tree::{Node, Value};

/// What is said of one destination.
#[derive(Default)]
pub(super) struct Entry {
    subject: String,
    weight: Option<u8>,
    cluster: Option<String>,
}

pub(super) const KEYS: &[Key<Entry>] = &[
    works(&["dest", "destination"], |r, f, e| {
        e.subject = r.text(f).unwrap_or_default();
    }),
    works(&["weight"], |r, f, e| e.weight = r.weight(f)),
    works(&["cluster"], |r, f, e| {
        e.cluster = r.optional_text(f).unwrap_or_default();
    }),
];

/// The key at the top of a file.
pub(super) fn of_global_account(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let mut mappings = Vec::new();
    let accounts = &mut options.accounts;
    let known = accounts
        .iter()
        .position(|account| account.name == GLOBAL_ACCOUNT);
    if let Some(at) = known {
        return reader.mappings(field, &mut accounts[at].mappings);
    }
    reader.mappings(field, &mut mappings);
    if !mappings.is_empty() {
        accounts.push(AccountOptions {
            name: GLOBAL_ACCOUNT.into(),
            mappings,
            ..AccountOptions::default()
        });
    }
}

impl Reader<'_> {
    /// Adds what the value of a `mappings` key says. A source that is mapped already is mapped otherwise then, in
    /// its old place.
    pub(super) fn mappings(&mut self, field: Field<'_>, mappings: &mut Vec<Mapping>) {
        let Some(map) = self.map(field) else {
            return;
        };
        // A block has each source once.
        let others = mappings.len();
        for (source, node) in map.in_order() {
            self.note(&[source], node);
            if is_valid_pattern(source.as_bytes()).is_err() {
                let text = format!("Subject {} is not a valid subject", quoted(source));
                self.invalid(&field.node.place, text);
                continue;
            }
            let step = Step::Key(source.into());
            if let Some(mapping) = self.within(step, |reader| reader.mapping(source, node)) {
                let mut others = mappings[..others].iter_mut();
                match others.find(|known| known.source == source) {
                    Some(known) => *known = mapping,
                    None => mappings.push(mapping),
                }
            }
        }
    }

    fn mapping(&mut self, source: &str, node: &Node) -> Option<Mapping> {
        let errors = self.errors.len();
        let destinations = match &node.value {
            Value::Text(subject) => alloc::vec![Destination {
                subject: subject.clone(),
                weight: 100,
                cluster: None,
            }],
            Value::Array(nodes) => {
                let entry = |(at, node)| self.within_entry(at, node, |r| r.destination(node));
                let entries: Vec<_> = nodes.iter().enumerate().map(entry).collect();
                entries.into_iter().flatten().collect()
            }
            _ => alloc::vec![self.destination(node)?],
        };
        let mapping = Mapping {
            source: source.into(),
            destinations,
        };
        if let Err(fault) = mapping.check() {
            let to = match &node.value {
                Value::Text(subject) => format!(" to {}", quoted(subject)),
                _ => String::new(),
            };
            let text = format!("Error adding mapping for {}{to} : {fault}", quoted(source));
            self.invalid(&node.place, text);
        }
        (self.errors.len() == errors).then_some(mapping)
    }

    /// One destination with its weight; `None` if it is at fault.
    fn destination(&mut self, node: &Node) -> Option<Destination> {
        let Value::Map(map) = &node.value else {
            self.invalid(&node.place, "Expected an entry for the mapping destination");
            return None;
        };
        let errors = self.errors.len();
        let mut entry = Entry::default();
        apply_or(map, KEYS, self, &mut entry, |reader, name, node| {
            if !node.referenced {
                let name = quoted(name);
                let text = format!("Unknown field {name} for mapping destination");
                reader.invalid(&node.place, text);
            }
        });
        if self.errors.len() > errors {
            return None;
        }
        let Some(weight) = entry.weight else {
            let subject = quoted(&entry.subject);
            let text = format!("Missing weight for mapping destination {subject}");
            self.invalid(&node.place, text);
            return None;
        };
        Some(Destination {
            subject: entry.subject,
            weight,
            cluster: entry.cluster,
        })
    }

    /// A share in percent, maybe with its sign.
    fn weight(&mut self, field: Field<'_>) -> Option<u8> {
        let place: &Place = &field.node.place;
        let number = match &field.node.value {
            Value::Integer(number) => *number,
            Value::Text(text) => {
                let text = text.strip_suffix('%').unwrap_or(text);
                let Ok(number) = text.parse() else {
                    let text = quoted(text);
                    self.invalid(
                        place,
                        format!("Invalid weight {text} for mapping destination"),
                    );
                    return None;
                };
                number
            }
            other => {
                let text = format!("Unknown entry type for weight of {}", shown(other));
                self.invalid(place, text);
                return None;
            }
        };
        let weight = u8::try_from(number).ok().filter(|weight| *weight <= 100);
        if weight.is_none() {
            self.invalid(
                place,
                format!("Invalid weight {number} for mapping destination"),
            );
        }
        weight
    }
}
