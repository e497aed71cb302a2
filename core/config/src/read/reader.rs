//! Values of the tree → Rust values, and the list of what was wrong on the way.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::ByteCount;

use super::accounts::AccountPlaces;
use super::help;
use super::without::Without;
use crate::error::{ConfigError, ConfigWarning, Place, Problem};
use crate::options::WriteTimeout;
use crate::origin::{KeyPath, Origins, Step};
use crate::source::Source;
use crate::text::duration::parse_duration;
use crate::tree::{Map, Node, Value};

/// One entry of a map.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// The key as written.
    pub(super) key: &'a str,
    pub(super) node: &'a Node,
}

/// Collects everything that is wrong, so that a user sees it at once.
pub(super) struct Reader<'s> {
    /// What can be asked about the world outside.
    pub(super) source: &'s dyn Source,
    pub(super) errors: Vec<ConfigError>,
    pub(super) warnings: Vec<ConfigWarning>,
    /// Where values come from.
    pub(super) origins: Origins,
    /// What the users are known by that have been read.
    pub(super) user_ids: BTreeSet<String>,
    /// Where accounts stand.
    pub(super) accounts: AccountPlaces,
    /// The block that is being read.
    path: KeyPath,
    /// Whether what lies within has the origin of the block that is being read.
    is_coarse: bool,
    /// What the operator does without.
    without: Without,
}

/// Of files that say more than this many things, written by programs, it is enough to know the list or the account
/// where a value comes from.
const MOST_ORIGINS: usize = 20_000;

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s dyn Source, without: &Without) -> Reader<'s> {
        Reader {
            source,
            errors: Vec::new(),
            warnings: Vec::new(),
            origins: Origins::default(),
            user_ids: BTreeSet::new(),
            accounts: AccountPlaces::default(),
            path: KeyPath::default(),
            is_coarse: false,
            without: without.clone(),
        }
    }

    /// Whether a key, which has all these `names` and belongs to a part that is not there, is left out, and notes
    /// that. Only whole blocks at the top of a file are.
    pub(super) fn leaves_out(
        &mut self,
        names: &[&str],
        field: Field<'_>,
        feature: &'static str,
    ) -> bool {
        let is_wanted = names.first().is_some_and(|name| self.without.has(name));
        if !is_wanted || !self.path.steps().is_empty() {
            return false;
        }
        self.warnings.push(ConfigWarning::LeftOut {
            place: field.node.place.clone(),
            key: field.key.to_string(),
            feature,
        });
        true
    }

    /// Reads what lies within a step of the block that is being read.
    pub(super) fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.is_coarse {
            return read(self);
        }
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    /// Notes that `node` gives these settings of the block a value.
    pub(super) fn note(&mut self, settings: &[&str], node: &Node) {
        if self.is_coarse {
            return;
        }
        for setting in settings {
            self.origins.set_by_file(self.path.key(setting), node);
        }
    }

    /// Notes that what lies `to` in the block has the values of what lies `from` in it.
    pub(super) fn note_copy(&mut self, from: &[Step], to: &[Step]) {
        if self.is_coarse {
            return;
        }
        let path = |steps: &[Step]| {
            let mut path = self.path.clone();
            steps.iter().for_each(|step| path.push(step.clone()));
            path
        };
        let (from, to) = (path(from), path(to));
        self.origins.copy(&from, &to);
    }

    /// [`Reader::within`] a block with a name of the user's own.
    pub(super) fn within_named<T>(
        &mut self,
        name: &str,
        node: &Node,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.within(name.into(), |reader| {
            let is_coarse = reader.is_coarse;
            if !is_coarse {
                reader.is_coarse = reader.origins.len() >= MOST_ORIGINS;
                let path = reader.path.clone();
                match reader.is_coarse {
                    true => reader.origins.set_whole_by_file(path, node),
                    false => reader.origins.set_by_file(path, node),
                }
            }
            let result = read(reader);
            reader.is_coarse = is_coarse;
            result
        })
    }

    /// [`Reader::within`] an entry of a list.
    pub(super) fn within_entry<T>(
        &mut self,
        number: usize,
        node: &Node,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let is_coarse = self.is_coarse;
        // The list has an origin, and that counts for all within.
        self.is_coarse |= self.origins.len() >= MOST_ORIGINS;
        let result = self.within(Step::Entry(number), |reader| {
            if !reader.is_coarse {
                reader.origins.set_by_file(reader.path.clone(), node);
            }
            read(reader)
        });
        self.is_coarse = is_coarse;
        result
    }

    pub(super) fn fault(&mut self, place: &Place, problem: Problem) {
        self.errors.push(ConfigError::Field {
            place: place.clone(),
            problem,
            help: None,
        });
    }

    /// Adds to the last fault what to do about it.
    pub(super) fn help(&mut self, text: Option<String>) {
        if let Some(ConfigError::Field { help, .. }) = self.errors.last_mut() {
            *help = text;
        }
    }

    pub(super) fn invalid(&mut self, place: &Place, text: impl Into<String>) {
        self.fault(place, Problem::Invalid(text.into()));
    }

    pub(super) fn warn(&mut self, place: &Place, field: &str, reason: impl Into<String>) {
        let (place, field) = (place.clone(), field.to_string());
        self.warnings.push(ConfigWarning::Field {
            place,
            field,
            reason: reason.into(),
        });
    }

    pub(super) fn wrong_type(&mut self, field: Field<'_>, wanted: &'static str) {
        let found = field.node.value.type_name();
        self.fault(&field.node.place, Problem::WrongType { found, wanted });
        self.help(help::wrong_type(&field.node.value, wanted));
    }

    pub(super) fn text(&mut self, field: Field<'_>) -> Option<String> {
        match &field.node.value {
            Value::Text(text) => Some(text.clone()),
            _ => {
                self.wrong_type(field, "string");
                None
            }
        }
    }

    /// Text, where an empty one means that there is none. `None` if the value is at fault.
    pub(super) fn optional_text(&mut self, field: Field<'_>) -> Option<Option<String>> {
        self.text(field)
            .map(|text| Some(text).filter(|t| !t.is_empty()))
    }

    pub(super) fn bool(&mut self, field: Field<'_>) -> Option<bool> {
        match field.node.value {
            Value::Bool(bool) => Some(bool),
            _ => {
                self.wrong_type(field, "bool");
                None
            }
        }
    }

    pub(super) fn integer(&mut self, field: Field<'_>) -> Option<i64> {
        match field.node.value {
            Value::Integer(number) => Some(number),
            _ => {
                self.wrong_type(field, "int64");
                None
            }
        }
    }

    pub(super) fn map<'a>(&mut self, field: Field<'a>) -> Option<&'a Map> {
        match &field.node.value {
            Value::Map(map) => Some(map),
            _ => {
                self.wrong_type(field, "map[string]interface {}");
                None
            }
        }
    }

    pub(super) fn array<'a>(&mut self, field: Field<'a>) -> Option<&'a [Node]> {
        match &field.node.value {
            Value::Array(nodes) => Some(nodes),
            _ => {
                self.wrong_type(field, "[]interface {}");
                None
            }
        }
    }

    /// Attempts after the first; a negative number gives up as soon as 0 does.
    pub(super) fn retries(&mut self, field: Field<'_>) -> Option<u32> {
        let retries = self.integer(field)?;
        Some(u32::try_from(retries.max(0)).unwrap_or(u32::MAX))
    }

    /// An integer that counts something.
    pub(super) fn count(&mut self, field: Field<'_>) -> Option<u64> {
        let number = self.integer(field)?;
        let count = u64::try_from(number).ok();
        if count.is_none() {
            let text = format!("{} value can not be negative", field.key);
            self.invalid(&field.node.place, text);
        }
        count
    }

    /// A count; 0 stands for the default, which is given as `None` inside. Counts that no server
    /// reaches are lowered to the largest `u32`.
    pub(super) fn small_count(&mut self, field: Field<'_>) -> Option<Option<u32>> {
        let count = self.count(field)?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Some(Some(count).filter(|c| *c > 0))
    }

    /// A size; 0 stands for the default, which is given as `None` inside.
    pub(super) fn size(&mut self, field: Field<'_>) -> Option<Option<ByteCount>> {
        let count = self.count(field)?;
        Some(Some(ByteCount(count)).filter(|c| c.0 > 0))
    }

    /// Whether an integer is one that protocols can carry.
    pub(super) fn fits_i32(&mut self, field: Field<'_>) -> Option<i64> {
        let number = self.integer(field)?;
        if number > i64::from(i32::MAX) {
            let text = format!("{} value is too big", field.key);
            self.invalid(&field.node.place, text);
            return None;
        }
        Some(number)
    }

    /// A duration in words; a number counts seconds and is warned about. Zero stands for the
    /// default, which is given as `None` inside.
    pub(super) fn duration(&mut self, field: Field<'_>, name: &str) -> Option<Option<Duration>> {
        let place = &field.node.place;
        let nanos = match &field.node.value {
            Value::Text(text) => match parse_duration(text) {
                Ok(nanos) => nanos,
                Err(error) => {
                    self.invalid(place, format!("error parsing {name}: {error}"));
                    return None;
                }
            },
            _ => {
                self.warn(
                    place,
                    name,
                    format!("{name} should be converted to a duration"),
                );
                self.integer(field)?.saturating_mul(1_000_000_000)
            }
        };
        let Ok(nanos) = u64::try_from(nanos) else {
            self.invalid(place, format!("{name} value can not be negative"));
            return None;
        };
        Some(Some(Duration::from_nanos(nanos)).filter(|d| !d.is_zero()))
    }

    /// A duration that must be in words, in nanoseconds.
    pub(super) fn duration_text(&mut self, field: Field<'_>, name: &str) -> Option<i64> {
        let text = self.text(field)?;
        match parse_duration(&text) {
            Ok(nanos) => Some(nanos),
            Err(error) => {
                self.invalid(&field.node.place, format!("error parsing {name}: {error}"));
                None
            }
        }
    }

    pub(super) fn write_timeout(&mut self, field: Field<'_>) -> Option<WriteTimeout> {
        match self.text(field)?.as_str() {
            "default" => Some(WriteTimeout::Default),
            "close" => Some(WriteTimeout::Close),
            "retry" => Some(WriteTimeout::Retry),
            _ => {
                let text = "write_timeout must be 'default', 'close' or 'retry'";
                self.invalid(&field.node.place, text);
                None
            }
        }
    }
}

/// A value as messages show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Datetime(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(bool) => bool.to_string(),
        Value::Array(_) | Value::Map(_) => value.type_name().to_string(),
    }
}
