//! The raw tree of a configuration: values with their places, before anybody asks what keys mean.
//!
//! What lives here: the tree, and in `parse` the way to it with includes and variables. What does
//! not: the meaning of any key.

mod map;
mod number;
mod parse;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use map::Map;
pub(crate) use number::integer;
pub use parse::parse;
pub(crate) use parse::parse_file;

use crate::error::Place;

/// A value of the configuration language. Its `Debug` shows only kinds, since any text may be a
/// secret.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Text, however it was quoted. Bytes that were no UTF-8 have been replaced.
    Text(String),
    /// An integer, its unit (`4k`, `1MiB`) applied.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true yes on` or `false no off`.
    Bool(bool),
    /// `2006-01-02T15:04:05Z`, checked, as written.
    Datetime(String),
    /// `[ … ]`
    Array(Vec<Node>),
    /// `{ … }`
    Map(Map),
}

impl Value {
    /// The name of the value's type, as the reference's messages have it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "string",
            Value::Integer(_) => "int64",
            Value::Float(_) => "float64",
            Value::Bool(_) => "bool",
            Value::Datetime(_) => "time.Time",
            Value::Array(_) => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
        }
    }

    /// Whether it is neither a list nor a block.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Value::Array(_) | Value::Map(_))
    }

    /// How deep the value is (1 for a scalar) and about how many bytes of memory it takes.
    fn measure(&self) -> (usize, usize) {
        const NODE: usize = core::mem::size_of::<Node>();
        let mut depth = 0;
        let mut bytes = NODE;
        let mut add = |(d, b): (usize, usize), key: usize| {
            depth = depth.max(d);
            bytes += b + key;
        };
        match self {
            Value::Text(text) | Value::Datetime(text) => add((0, text.len()), 0),
            Value::Array(nodes) => nodes.iter().for_each(|n| add(n.value.measure(), 0)),
            Value::Map(map) => map
                .sorted()
                .for_each(|(k, n)| add(n.value.measure(), k.len())),
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) => {}
        }
        (depth + 1, bytes)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Array(nodes) => f
                .debug_list()
                .entries(nodes.iter().map(|n| &n.value))
                .finish(),
            Value::Map(map) => map.fmt(f),
            scalar => f.write_str(scalar.type_name()),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where its key stands, or the value itself in an array.
    pub place: Place,
    /// Whether a variable reference named it: such a key may be one that nobody knows.
    pub referenced: bool,
    /// The variable that the value was written as, if it was.
    pub variable: Option<Arc<Variable>>,
}

/// Where the value of a variable stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name without `$`.
    pub name: String,
    /// The key of that name; none if the environment has it.
    pub place: Option<Place>,
}

impl Node {
    fn new(value: Value, place: Place) -> Node {
        Node {
            value,
            place,
            referenced: false,
            variable: None,
        }
    }
}
