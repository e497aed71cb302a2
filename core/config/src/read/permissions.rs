//! Which subjects are allowed, in all the forms in which a file may say so.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_subject::is_valid_pattern;

use super::reader::{Field, Reader, shown};
use super::table::{Key, apply_or, works};
use crate::options::{ClusterPermissions, Permissions, ResponsePermission, SubjectPermission};
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::{Map, Node, Value};

/// Those of users.
pub(super) const KEYS: &[Key<Permissions>] = &[
    works(&["publish", "pub", "import"], set_publish),
    works(&["subscribe", "sub", "export"], set_subscribe),
    works(
        &["allow_responses", "publish_allow_responses"],
        set_responses,
    ),
];

/// Those of a cluster, the same under other names.
pub(super) const CLUSTER_KEYS: &[Key<Permissions>] = &[
    works(&["import", "pub", "publish"], set_publish),
    works(&["export", "sub", "subscribe"], set_subscribe),
    works(
        &["publish_allow_responses", "allow_responses"],
        set_responses,
    ),
];

fn set_publish(reader: &mut Reader, field: Field<'_>, permissions: &mut Permissions) {
    if let Some(subjects) = reader.subjects(field, false) {
        permissions.publish = subjects;
    }
}

fn set_subscribe(reader: &mut Reader, field: Field<'_>, permissions: &mut Permissions) {
    if let Some(subjects) = reader.subjects(field, true) {
        permissions.subscribe = subjects;
    }
}

fn set_responses(reader: &mut Reader, field: Field<'_>, permissions: &mut Permissions) {
    permissions.responses = reader.allow_responses(field);
}

pub(super) const SUBJECT_KEYS: &[Key<Lists>] = &[
    works(&["allow"], |r, f, l| {
        if let Some(subjects) = r.subject_list(f, l.queues) {
            l.permission.allow = some(subjects);
        }
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

/// Zero stands for the default, a negative number for no bound.
pub(super) const RESPONSE_KEYS: &[Key<Responses>] = &[
    works(
        &["max", "max_msgs", "max_messages", "max_responses"],
        |r, f, responses| match r.integer(f) {
            Some(0) => {}
            Some(max) if max < 0 => responses.permission.messages = None,
            Some(max) => {
                let max = u32::try_from(max).unwrap_or(u32::MAX);
                responses.permission.messages = Some(max);
            }
            None => responses.is_broken = true,
        },
    ),
    works(&["expires", "expiration", "ttl"], |r, f, responses| {
        let problem = match &f.node.value {
            Value::Text(text) => match parse_duration(text) {
                Ok(0) => return,
                Ok(nanos) => {
                    let time = u64::try_from(nanos).ok().map(Duration::from_nanos);
                    return responses.permission.expires = time;
                }
                Err(error) => format!("error parsing expires: {error}"),
            },
            _ => "error parsing expires, not a duration string".into(),
        };
        r.invalid(&f.node.place, problem);
        responses.is_broken = true;
    }),
];

/// What is said of replies.
#[derive(Default)]
pub(super) struct Responses {
    permission: ResponsePermission,
    /// A value is at fault.
    is_broken: bool,
}

impl Reader<'_> {
    /// What a user may do.
    pub(super) fn user_permissions(&mut self, field: Field<'_>) -> Option<Permissions> {
        let mut permissions = self.permissions(field, KEYS)?;
        if permissions.responses.is_some() {
            // Only replies are allowed then, unless there is a list of what is.
            let publish = permissions.publish.get_or_insert_default();
            publish.allow.get_or_insert_default();
        }
        Some(permissions)
    }

    /// The value of a `permissions` key, with the keys of a block of its kind.
    pub(super) fn permissions(
        &mut self,
        field: Field<'_>,
        keys: &[Key<Permissions>],
    ) -> Option<Permissions> {
        let Value::Map(map) = &field.node.value else {
            let found = shown(&field.node.value);
            let text = format!("Expected permissions to be a map/struct, got {found}");
            self.invalid(&field.node.place, text);
            return None;
        };
        let mut permissions = Permissions::default();
        apply_or(map, keys, self, &mut permissions, unknown);
        Some(permissions)
    }

    /// Permissions as a cluster can have them.
    pub(super) fn cluster_permissions(
        &mut self,
        field: Field<'_>,
        permissions: Permissions,
    ) -> Option<ClusterPermissions> {
        let place = &field.node.place;
        if permissions.responses.is_some() {
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
            let allow = some(self.subject_list(field, queues)?);
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

    /// Whether replies are allowed, and how; a broken value allows none.
    fn allow_responses(&mut self, field: Field<'_>) -> Option<ResponsePermission> {
        let map: &Map = match &field.node.value {
            Value::Bool(allowed) => return allowed.then(ResponsePermission::default),
            Value::Map(map) => map,
            _ => {
                let text = "error parsing response permissions, expected a boolean or a map";
                self.invalid(&field.node.place, text);
                return None;
            }
        };
        let mut responses = Responses::default();
        apply_or(map, RESPONSE_KEYS, self, &mut responses, unknown);
        (!responses.is_broken).then_some(responses.permission)
    }
}

/// A list of what is allowed. An empty one is as good as none, as the reference server has it.
fn some(subjects: Vec<String>) -> Option<Vec<String>> {
    Some(subjects).filter(|subjects| !subjects.is_empty())
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
