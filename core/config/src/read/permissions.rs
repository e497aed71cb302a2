//! Which subjects are allowed, in all the forms in which a file may say so.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_subject::is_valid_pattern;

use super::reader::{Field, Reader, shown};
use super::table::{Key, apply_or, works};
use crate::options::{ClusterPermissions, SubjectPermission};
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::{Map, Node, Value};

/// What such a block says.
#[derive(Default)]
pub(super) struct Permissions {
    publish: Option<SubjectPermission>,
    subscribe: Option<SubjectPermission>,
    /// Replies are allowed to whoever was asked.
    responses: bool,
}

pub(super) const KEYS: &[Key<Permissions>] = &[
    works(&["import", "pub", "publish"], |r, f, p| {
        p.publish = r.subjects(f, false).unwrap_or(p.publish.take());
    }),
    works(&["export", "sub", "subscribe"], |r, f, p| {
        p.subscribe = r.subjects(f, true).unwrap_or(p.subscribe.take());
    }),
    works(
        &["publish_allow_responses", "allow_responses"],
        |r, f, p| {
            p.responses = r.allow_responses(f);
        },
    ),
];

pub(super) const SUBJECT_KEYS: &[Key<Lists>] = &[
    works(&["allow"], |r, f, l| {
        l.permission.allow = r.subject_list(f, l.queues).or(l.permission.allow.take());
    }),
    works(&["deny"], |r, f, l| {
        if let Some(subjects) = r.subject_list(f, l.queues) {
            l.permission.deny = subjects;
        }
    }),
];

/// The two lists of one direction.
pub(super) struct Lists {
    permission: SubjectPermission,
    /// Whether a subject may be followed by a queue's name.
    queues: bool,
}

/// Only their form counts: replies mean nothing between servers, and are refused as a whole.
pub(super) const RESPONSE_KEYS: &[Key<bool>] = &[
    works(
        &["max", "max_msgs", "max_messages", "max_responses"],
        |r, f, good| *good &= r.integer(f).is_some(),
    ),
    works(&["expires", "expiration", "ttl"], |r, f, good| {
        let place = &f.node.place;
        let problem = match &f.node.value {
            Value::Text(text) => match parse_duration(text) {
                Ok(_) => return,
                Err(error) => format!("error parsing expires: {error}"),
            },
            _ => "error parsing expires, not a duration string".into(),
        };
        r.invalid(place, problem);
        *good = false;
    }),
];

impl Reader<'_> {
    /// The value of a `permissions` key.
    pub(super) fn permissions(&mut self, field: Field<'_>) -> Option<Permissions> {
        let Value::Map(map) = &field.node.value else {
            let found = shown(&field.node.value);
            let text = format!("Expected permissions to be a map/struct, got {found}");
            self.invalid(&field.node.place, text);
            return None;
        };
        let mut permissions = Permissions::default();
        apply_or(map, KEYS, self, &mut permissions, unknown);
        Some(permissions)
    }

    /// Permissions as a cluster can have them.
    pub(super) fn cluster_permissions(
        &mut self,
        field: Field<'_>,
        permissions: Permissions,
    ) -> Option<ClusterPermissions> {
        let place = &field.node.place;
        if permissions.responses {
            self.invalid(
                place,
                "Cluster permissions do not support dynamic responses",
            );
            return None;
        }
        let exports = permissions.subscribe.iter();
        let lists = exports.flat_map(|e| {
            let allowed = e.allow.iter().flatten().map(|subject| ("allow", subject));
            allowed.chain(e.deny.iter().map(|subject| ("deny", subject)))
        });
        for (list, subject) in lists {
            if is_valid_pattern(subject.as_bytes()).is_err() {
                let subject = quoted(subject);
                let text =
                    format!("cluster export {list}: subject {subject} is not a valid subject");
                self.invalid(place, text);
                return None;
            }
        }
        Some(ClusterPermissions {
            import: permissions.publish,
            export: permissions.subscribe,
        })
    }

    /// One direction: a subject, a list of them, or lists of the allowed and the denied. `None` if the
    /// value is at fault, `None` inside if it says nothing.
    fn subjects(&mut self, field: Field<'_>, queues: bool) -> Option<Option<SubjectPermission>> {
        let Value::Map(map) = &field.node.value else {
            let allow = Some(self.subject_list(field, queues)?);
            return Some(Some(SubjectPermission {
                allow,
                deny: Vec::new(),
            }));
        };
        if map.is_empty() {
            return Some(None);
        }
        let mut lists = Lists {
            permission: SubjectPermission::default(),
            queues,
        };
        apply_or(map, SUBJECT_KEYS, self, &mut lists, |reader, name, node| {
            if !node.referenced {
                let text = format!(
                    "Unknown field name {} parsing subject permissions, only 'allow' or 'deny' are \
                     permitted",
                    quoted(name)
                );
                reader.invalid(&node.place, text);
            }
        });
        Some(Some(lists.permission))
    }

    fn subject_list(&mut self, field: Field<'_>, queues: bool) -> Option<Vec<String>> {
        let place = &field.node.place;
        let subjects = match &field.node.value {
            Value::Text(text) => alloc::vec![text.clone()],
            Value::Array(nodes) => {
                let mut subjects = Vec::with_capacity(nodes.len());
                for node in nodes {
                    let Value::Text(text) = &node.value else {
                        let text = "Subject in permissions array cannot be cast to string";
                        self.invalid(&node.place, text);
                        return None;
                    };
                    subjects.push(text.clone());
                }
                subjects
            }
            other => {
                let text = format!(
                    "Expected subject permissions to be a subject, or array of subjects, got {}",
                    other.type_name()
                );
                self.invalid(place, text);
                return None;
            }
        };
        match subjects.iter().find_map(|subject| fault(subject, queues)) {
            Some(problem) => {
                self.invalid(place, problem);
                None
            }
            None => Some(subjects),
        }
    }

    /// Whether replies are allowed; a broken value is none.
    fn allow_responses(&mut self, field: Field<'_>) -> bool {
        let map: &Map = match &field.node.value {
            Value::Bool(allowed) => return *allowed,
            Value::Map(map) => map,
            _ => {
                let text = "error parsing response permissions, expected a boolean or a map";
                self.invalid(&field.node.place, text);
                return false;
            }
        };
        let mut good = true;
        apply_or(map, RESPONSE_KEYS, self, &mut good, unknown);
        good
    }
}

fn unknown(reader: &mut Reader, name: &str, node: &Node) {
    if !node.referenced {
        let text = format!("Unknown field {} parsing permissions", quoted(name));
        reader.invalid(&node.place, text);
    }
}

/// What is wrong with a subject, which may have a queue's name behind it.
fn fault(subject: &str, queues: bool) -> Option<String> {
    let bad = |text: &str| is_valid_pattern(text.as_bytes()).is_err();
    let not_a_subject =
        |text: &str| Some(format!("subject {} is not a valid subject", quoted(text)));
    if !bad(subject) {
        return None;
    }
    let mut words = subject.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(first), Some(queue), None) if queues => {
            if bad(first) {
                not_a_subject(first)
            } else if bad(queue) {
                Some(format!("queue {} is not a valid queue", quoted(queue)))
            } else {
                None
            }
        }
        _ => not_a_subject(subject),
    }
}
