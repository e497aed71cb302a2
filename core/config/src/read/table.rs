//! Tables of keys, and how a map is read with one.

use alloc::string::ToString;

use super::reader::{Field, Reader};
use crate::error::Problem;
use crate::tree::{Map, Node, Value};

/// One key of a block, in all its spellings (lower case).
pub(super) struct Key<T> {
    pub(super) names: &'static [&'static str],
    pub(super) state: State<T>,
}

/// What this version does about a key.
pub(super) enum State<T> {
    /// It acts on it.
    Works(fn(&mut Reader, Field<'_>, &mut T)),
    /// It belongs to a part of the server that isn't built yet.
    NotYet(&'static str),
    /// The same, for a key that can also say that the part isn't wanted; then nothing is missing.
    NotYetUnlessOff(&'static str),
}

pub(super) const fn works<T>(
    names: &'static [&'static str],
    set: fn(&mut Reader, Field<'_>, &mut T),
) -> Key<T> {
    Key {
        names,
        state: State::Works(set),
    }
}

pub(super) const fn not_yet<T>(names: &'static [&'static str], feature: &'static str) -> Key<T> {
    Key {
        names,
        state: State::NotYet(feature),
    }
}

pub(super) const fn not_yet_unless_off<T>(
    names: &'static [&'static str],
    feature: &'static str,
) -> Key<T> {
    Key {
        names,
        state: State::NotYetUnlessOff(feature),
    }
}

/// Reads the entries of `map` into `target`, in the order of the file.
pub(super) fn apply<T>(map: &Map, keys: &[Key<T>], reader: &mut Reader, target: &mut T) {
    apply_or(map, keys, reader, target, |reader, name, node| {
        // A key of the user's own is a variable if something refers to it.
        if !node.referenced {
            reader.fault(&node.place, Problem::Unknown(name.to_string()));
        }
    });
}

/// The same, with something else to say about keys that nobody knows.
pub(super) fn apply_or<T>(
    map: &Map,
    keys: &[Key<T>],
    reader: &mut Reader,
    target: &mut T,
    unknown: impl Fn(&mut Reader, &str, &Node),
) {
    for (name, node) in map.in_order() {
        let lower = name.to_lowercase();
        let known = keys.iter().find(|key| key.names.contains(&lower.as_str()));
        match known.map(|key| &key.state) {
            Some(State::Works(set)) => set(reader, Field { key: name, node }, target),
            Some(State::NotYetUnlessOff(_)) if is_off(&node.value) => {}
            Some(State::NotYet(feature) | State::NotYetUnlessOff(feature)) => {
                reader.fault(
                    &node.place,
                    Problem::NotYet {
                        key: name.to_string(),
                        feature,
                    },
                );
            }
            None => unknown(reader, name, node),
        }
    }
}

/// Whether a value says that something isn't wanted.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Bool(wanted) => !wanted,
        Value::Text(text) => matches!(text.to_lowercase().as_str(), "disable" | "disabled"),
        _ => false,
    }
}
