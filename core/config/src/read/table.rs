//! Tables of keys, and how a map is read with one.

use alloc::string::ToString;

use super::help;
use super::reader::{Field, Reader};
use crate::error::Problem;
use crate::origin::Step;
use crate::tree::{Map, Node, Value};

/// One key of a block, in all its spellings (lower case).
pub(super) struct Key<T> {
    /// The usual one first.
    pub(super) names: &'static [&'static str],
    pub(super) state: State<T>,
    /// The settings that it gives a value, if not just the one of its name.
    pub(super) sets: &'static [&'static str],
}

impl<T> Key<T> {
    fn settings(&self) -> &'static [&'static str] {
        match self.sets {
            [] => self.names.first_chunk::<1>().map_or(&[], |name| name),
            sets => sets,
        }
    }
}

/// What this version does about a key.
pub(super) enum State<T> {
    /// It acts on it.
    Works(fn(&mut Reader, Field<'_>, &mut T)),
    /// It belongs to a part of the server that isn't built yet.
    NotYet(&'static str),
    /// The same, for a key that can also say that the part isn't wanted; then nothing is missing.
    NotYetUnlessOff(&'static str),
    /// The same, for a key that says so by an empty value.
    NotYetUnlessEmpty(&'static str),
}

impl<T> State<T> {
    /// The part of the server that isn't there.
    pub(super) fn missing(&self) -> Option<&'static str> {
        match self {
            State::Works(_) => None,
            State::NotYet(feature)
            | State::NotYetUnlessOff(feature)
            | State::NotYetUnlessEmpty(feature) => Some(feature),
        }
    }
}

pub(super) const fn works<T>(
    names: &'static [&'static str],
    set: fn(&mut Reader, Field<'_>, &mut T),
) -> Key<T> {
    Key {
        names,
        state: State::Works(set),
        sets: &[],
    }
}

/// As [`works`], of a key that has a say in other `settings` than the one of its name.
pub(super) const fn works_for<T>(
    names: &'static [&'static str],
    settings: &'static [&'static str],
    set: fn(&mut Reader, Field<'_>, &mut T),
) -> Key<T> {
    Key {
        names,
        state: State::Works(set),
        sets: settings,
    }
}

pub(super) const fn not_yet<T>(names: &'static [&'static str], feature: &'static str) -> Key<T> {
    Key {
        names,
        state: State::NotYet(feature),
        sets: &[],
    }
}

pub(super) const fn not_yet_unless_off<T>(
    names: &'static [&'static str],
    feature: &'static str,
) -> Key<T> {
    Key {
        names,
        state: State::NotYetUnlessOff(feature),
        sets: &[],
    }
}

pub(super) const fn not_yet_unless_empty<T>(
    names: &'static [&'static str],
    feature: &'static str,
) -> Key<T> {
    Key {
        names,
        state: State::NotYetUnlessEmpty(feature),
        sets: &[],
    }
}

/// Who has made more mistakes than this gets no help with the rest.
const MOST_HELP: usize = 50;

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
        match known {
            Some(key) => use_key(key, reader, Field { key: name, node }, target),
            None => {
                let before = reader.errors.len();
                unknown(reader, name, node);
                if reader.errors.len() > before && before < MOST_HELP {
                    reader.help(help::unknown(name, &help::names(keys)));
                }
            }
        }
    }
}

fn use_key<T>(key: &Key<T>, reader: &mut Reader, field: Field<'_>, target: &mut T) {
    let node = field.node;
    let (feature, may_be_off) = match &key.state {
        State::Works(set) => {
            reader.note(key.settings(), node);
            let name = key.names.first().copied().unwrap_or(field.key);
            return reader.within(Step::Key(name.to_string()), |reader| {
                set(reader, field, target);
            });
        }
        State::NotYet(feature) => (feature, false),
        State::NotYetUnlessOff(_) if is_off(&node.value) => return,
        State::NotYetUnlessEmpty(_) if is_empty(&node.value) => return,
        State::NotYetUnlessEmpty(feature) => (feature, false),
        State::NotYetUnlessOff(feature) => (feature, true),
    };
    if reader.leaves_out(key.names, field, feature) {
        return;
    }
    let key = field.key.to_string();
    reader.fault(&node.place, Problem::NotYet { key, feature });
    if may_be_off {
        reader.help(Some("it may stay with the value false".into()));
    }
}

/// Whether a value says that something isn't wanted.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Bool(wanted) => !wanted,
        Value::Text(text) => matches!(text.to_lowercase().as_str(), "disable" | "disabled"),
        Value::Map(map) => {
            let is_off = |(key, node): (&str, &Node)| {
                let key = key.to_lowercase();
                matches!(key.as_str(), "enable" | "enabled") && node.value == Value::Bool(false)
            };
            !map.is_empty() && map.in_order().all(is_off)
        }
        _ => false,
    }
}

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Integer(number) => *number == 0,
        Value::Text(text) => text.is_empty(),
        Value::Array(nodes) => nodes.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}
