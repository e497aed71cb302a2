//! What an account offers: streams and services, with the measuring of the latter.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::accounts::Block;
use super::reader::{Field, Reader, shown};
use super::table::{Key, apply, works};
use crate::error::Place;
use crate::options::{
    Access, Export, ExportKind, LatencyOptions, ResponseType, Sampling, ServiceExport,
};
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::{Map, Node, Value};

/// What is said of one export, with the places of what only services have.
#[derive(Default)]
pub(super) struct Entry {
    stream: Option<String>,
    service: Option<String>,
    accounts: Vec<String>,
    token_position: u32,
    /// Its place, even if it is at fault.
    response: Option<(Place, ResponseType)>,
    threshold: Option<(Place, Option<Duration>)>,
    latency: Option<(Place, Option<LatencyOptions>)>,
    allow_trace: Option<(Place, bool)>,
}

pub(super) const KEYS: &[Key<Entry>] = &[
    works(&["stream"], |r, f, e| {
        if e.service.is_some() {
            let subject = quoted(&shown(&f.node.value));
            let text = format!("Detected stream {subject} but already saw a service");
            return r.invalid(&f.node.place, text);
        }
        e.stream = r.exported(f, "stream");
    }),
    works(&["service"], |r, f, e| {
        if e.stream.is_some() {
            let subject = quoted(&shown(&f.node.value));
            let text = format!("Detected service {subject} but already saw a stream");
            return r.invalid(&f.node.place, text);
        }
        e.service = r.exported(f, "service");
    }),
    works(&["accounts"], |r, f, e| {
        let key = f.key;
        for node in r.array(f).unwrap_or_default() {
            e.accounts.extend(r.text(Field { key, node }));
        }
    }),
    works(&["response_type", "response"], |r, f, e| {
        if e.response.is_some() {
            return r.invalid(&f.node.place, "Duplicate response type definition");
        }
        let response = r.response_type(f).unwrap_or_default();
        e.response = Some((f.node.place.clone(), response));
    }),
    works(
        &[
            "response_threshold",
            "threshold",
            "response_max_time",
            "response_time",
        ],
        |r, f, e| {
            if e.threshold.is_some() {
                return r.invalid(&f.node.place, "Duplicate response threshold detected");
            }
            e.threshold = Some((f.node.place.clone(), r.threshold(f)));
        },
    ),
    works(&["latency"], |r, f, e| {
        e.latency = Some((f.node.place.clone(), r.latency(f)));
    }),
    works(&["account_token_position"], |r, f, e| {
        if let Some(position) = r.integer(f) {
            // No subject has as many tokens as would be too many, or fewer than none.
            e.token_position = u32::try_from(position).unwrap_or(u32::MAX);
        }
    }),
    works(&["allow_trace"], |r, f, e| {
        if let Some(allowed) = r.bool(f) {
            e.allow_trace = Some((f.node.place.clone(), allowed));
        }
    }),
];

impl Entry {
    /// Where it says something that a stream cannot have, and what.
    fn misplaced(&self) -> impl Iterator<Item = (&Place, &'static str)> {
        let response = self.response.as_ref().map(|(place, _)| (place, "response"));
        let threshold = self
            .threshold
            .as_ref()
            .map(|(place, _)| (place, "response"));
        let latency = self.latency.as_ref().map(|(place, _)| (place, "latency"));
        let trace = self
            .allow_trace
            .as_ref()
            .map(|(place, _)| (place, "allow_trace"));
        [response, threshold, latency, trace].into_iter().flatten()
    }

    /// The export; `None` if it exports nothing.
    fn made(self) -> Option<Export> {
        let access = match (self.token_position, self.accounts) {
            (0, accounts) if accounts.is_empty() => Access::Public,
            (0, accounts) => Access::Accounts(accounts),
            (position, _) => Access::TokenPosition(position),
        };
        let (subject, kind) = match (self.stream, self.service) {
            (Some(subject), _) => (subject, ExportKind::Stream),
            (None, Some(subject)) => {
                let service = ServiceExport {
                    response: self
                        .response
                        .map(|(_, response)| response)
                        .unwrap_or_default(),
                    threshold: self.threshold.and_then(|(_, threshold)| threshold),
                    latency: self.latency.and_then(|(_, latency)| latency),
                    allow_trace: self.allow_trace.is_some_and(|(_, allowed)| allowed),
                };
                (subject, ExportKind::Service(service))
            }
            (None, None) => return None,
        };
        Some(Export {
            subject,
            access,
            kind,
        })
    }
}

impl Reader<'_> {
    /// The value of an `exports` key.
    pub(super) fn exports(&mut self, field: Field<'_>, block: &mut Block) {
        let Value::Array(nodes) = &field.node.value else {
            let found = field.node.value.type_name();
            let text = format!("Exports should be an array, got {found}");
            return self.invalid(&field.node.place, text);
        };
        // Where each subject stands in the list: two entries with the same one are one export.
        let mut known: BTreeMap<(bool, String), usize> = BTreeMap::new();
        for (at, node) in nodes.iter().enumerate() {
            let entry = self.within_entry(at, node, |r| r.export(node));
            let Some(export) = entry.and_then(Entry::made) else {
                continue;
            };
            let is_stream = matches!(export.kind, ExportKind::Stream);
            let key = (is_stream, export.subject.clone());
            let next = block.options.exports.len();
            match known
                .get(&key)
                .and_then(|at| block.options.exports.get_mut(*at))
            {
                Some(before) => before.merge(export),
                None => {
                    known.insert(key, next);
                    block.options.exports.push(export);
                    block.places.exports.push(node.place.clone());
                }
            }
        }
    }

    fn export(&mut self, node: &Node) -> Option<Entry> {
        let Value::Map(map) = &node.value else {
            let found = node.value.type_name();
            let text = format!("Export Items should be a map with type entry, got {found}");
            self.invalid(&node.place, text);
            return None;
        };
        let mut entry = Entry::default();
        apply(map, KEYS, self, &mut entry);
        if entry.stream.is_some() {
            for (place, what) in entry.misplaced() {
                self.invalid(place, format!("Detected {what} directive on non-service"));
            }
        }
        Some(entry)
    }

    fn exported(&mut self, field: Field<'_>, kind: &str) -> Option<String> {
        match &field.node.value {
            Value::Text(subject) => Some(subject.clone()),
            other => {
                let found = other.type_name();
                let text = format!("Expected {kind} name to be string, got {found}");
                self.invalid(&field.node.place, text);
                None
            }
        }
    }

    fn response_type(&mut self, field: Field<'_>) -> Option<ResponseType> {
        let place = &field.node.place;
        let Value::Text(text) = &field.node.value else {
            let found = field.node.value.type_name();
            let text = format!("Expected response type to be string, got {found}");
            self.invalid(place, text);
            return None;
        };
        Some(match text.to_lowercase().as_str() {
            "single" | "singleton" => ResponseType::Singleton,
            "stream" => ResponseType::Stream,
            "chunk" | "chunked" => ResponseType::Chunked,
            _ => {
                let text = format!("Unknown response type: {}", quoted(text));
                self.invalid(place, text);
                return None;
            }
        })
    }

    /// How long a request may be answered; zero stands for the default.
    fn threshold(&mut self, field: Field<'_>) -> Option<Duration> {
        let found = match &field.node.value {
            Value::Text(text) => match parse_duration(text).map(u64::try_from) {
                Ok(Ok(nanos)) => return Some(Duration::from_nanos(nanos)).filter(|t| !t.is_zero()),
                _ => quoted(text),
            },
            other => other.type_name().into(),
        };
        let text =
            format!("Expected response threshold to be a parseable time duration, got {found}");
        self.invalid(&field.node.place, text);
        None
    }

    fn latency(&mut self, field: Field<'_>) -> Option<LatencyOptions> {
        let place = &field.node.place;
        let map = match &field.node.value {
            Value::Text(subject) => {
                return Some(LatencyOptions {
                    subject: subject.clone(),
                    sampling: Sampling::Percent(100),
                });
            }
            Value::Map(map) => map,
            other => {
                let found = other.type_name();
                let text =
                    format!("Expected latency entry to be a map/struct or string, got {found}");
                self.invalid(place, text);
                return None;
            }
        };
        self.measured(place, map)
    }

    /// Only two keys count, and only in small letters, as the reference server has it.
    fn measured(&mut self, place: &Place, map: &Map) -> Option<LatencyOptions> {
        let sampling = match map.get("sampling") {
            Some(node) => self.sampling(node)?,
            None => Sampling::Percent(100),
        };
        let Some(node) = map.get("subject") else {
            self.invalid(place, "Latency subject required, but missing");
            return None;
        };
        let Value::Text(subject) = &node.value else {
            let found = node.value.type_name();
            let text = format!("Expected latency subject to be a string, got {found}");
            self.invalid(&node.place, text);
            return None;
        };
        for (key, node) in [("sampling", map.get("sampling")), ("subject", Some(node))] {
            if let Some(node) = node {
                self.note(&[key], node);
            }
        }
        Some(LatencyOptions {
            subject: subject.clone(),
            sampling,
        })
    }

    fn sampling(&mut self, node: &Node) -> Option<Sampling> {
        let sample = match &node.value {
            Value::Integer(sample) => Ok(*sample),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("headers") => {
                return Some(Sampling::Headers);
            }
            Value::Text(text) => {
                let digits = text.strip_suffix('%').unwrap_or(text);
                digits.parse().map_err(|_| {
                    let digits = quoted(digits);
                    format!("Failed to parse latency sample: strconv.Atoi: parsing {digits}: invalid syntax")
                })
            }
            other => {
                let found = other.type_name();
                Err(format!(
                    "Expected latency sample to be a string or map/struct, got {found}"
                ))
            }
        };
        let percent = sample.and_then(|sample: i64| {
            let percent = u8::try_from(sample).ok().filter(|p| (1..=100).contains(p));
            percent.ok_or_else(|| "bad sampling percentage, should be 1-100".into())
        });
        match percent {
            Ok(percent) => Some(Sampling::Percent(percent)),
            Err(text) => {
                self.invalid(&node.place, text);
                None
            }
        }
    }
}

impl Export {
    /// Adds what a later entry with the same subject says: what it says counts, and what it leaves open stays.
    fn merge(&mut self, later: Export) {
        match (&mut self.access, later.access) {
            (_, Access::Public) => {}
            (Access::Accounts(names), Access::Accounts(more)) => names.extend(more),
            (access, later) => *access = later,
        }
        if let (ExportKind::Service(service), ExportKind::Service(later)) =
            (&mut self.kind, later.kind)
        {
            if later.response != ResponseType::Singleton {
                service.response = later.response;
            }
            service.threshold = later.threshold;
            service.latency = later.latency.or(service.latency.take());
            service.allow_trace |= later.allow_trace;
        }
    }
}
