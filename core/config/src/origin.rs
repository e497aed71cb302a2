//! Where the value of each option comes from. Not here: what the options are (`options`), and the
//! values themselves (`explain`).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::error::Place;
use crate::tree::{Node, Value, Variable};

/// The way to an option through its blocks: `gateway.gateways[0].name`. Of a key with several spellings, it
/// has the usual one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(Vec<Step>);

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// To the value of this key.
    Key(String),
    /// To this entry of a list, from 0.
    Entry(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.to_string())
    }
}

impl KeyPath {
    /// The way through these keys, in words joined by dots.
    pub fn of(keys: &str) -> KeyPath {
        KeyPath(keys.split('.').map(|key| Step::Key(key.into())).collect())
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is `above`, or lies somewhere in it.
    pub fn is_within(&self, above: &KeyPath) -> bool {
        self.0.starts_with(&above.0)
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    pub(crate) fn key(&self, key: &str) -> KeyPath {
        let mut path = self.clone();
        path.push(Step::Key(key.to_string()));
        path
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Entry(number) => write!(f, "[{number}]")?,
            }
        }
        Ok(())
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has said anything.
    #[default]
    Default,
    /// A configuration file.
    File {
        /// Where its key stands.
        place: Place,
        /// The variable that stands there in the value's place, if one does.
        variable: Option<Arc<Variable>>,
    },
    /// The command line: the flag as it was written, with its dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::File { place, variable } => {
                place.fmt(f)?;
                match variable.as_deref() {
                    None => Ok(()),
                    Some(Variable { name, place: None }) => {
                        write!(f, " through ${name} of the environment")
                    }
                    Some(Variable {
                        name,
                        place: Some(place),
                    }) => write!(f, " through ${name} at {place}"),
                }
            }
        }
    }
}

/// The origins of everything that somebody has said something about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origins(BTreeMap<KeyPath, Noted>);

#[derive(Clone, Debug, PartialEq)]
struct Noted {
    origin: Origin,
    /// Whether it says everything that lies within: a block does not, its keys do.
    is_whole: bool,
}

impl Noted {
    fn by_file(node: &Node, is_whole: bool) -> Noted {
        Noted {
            origin: Origin::File {
                place: node.place.clone(),
                variable: node.variable.clone(),
            },
            is_whole,
        }
    }
}

impl Origins {
    /// Where the value at `path` comes from.
    pub fn of(&self, path: &KeyPath) -> Origin {
        if let Some(noted) = self.0.get(path) {
            return noted.origin.clone();
        }
        let mut above = path.clone();
        while !above.0.is_empty() {
            above.pop();
            if let Some(noted) = self.0.get(&above) {
                return match noted.is_whole {
                    true => noted.origin.clone(),
                    false => Origin::Default,
                };
            }
        }
        Origin::Default
    }

    /// Notes that `flag` (as it was written, with its dashes) gives the value at `path`.
    pub fn set_by_flag(&mut self, path: KeyPath, flag: &str) {
        self.set(
            path,
            Noted {
                origin: Origin::Flag(flag.to_string()),
                is_whole: true,
            },
        );
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes where the file gives the value at `path`.
    pub(crate) fn set_by_file(&mut self, path: KeyPath, node: &Node) {
        let is_whole = !matches!(node.value, Value::Map(_));
        self.set(path, Noted::by_file(node, is_whole));
    }

    /// As [`Origins::set_by_file`], of a block whose keys are not looked at one by one.
    pub(crate) fn set_whole_by_file(&mut self, path: KeyPath, node: &Node) {
        self.set(path, Noted::by_file(node, true));
    }

    /// What was said before of anything within counts no longer.
    fn set(&mut self, path: KeyPath, noted: Noted) {
        let within: Vec<KeyPath> = self.within(&path).map(|(path, _)| path.clone()).collect();
        for path in within {
            self.0.remove(&path);
        }
        self.0.insert(path, noted);
    }

    fn within<'a>(&'a self, path: &'a KeyPath) -> impl Iterator<Item = (&'a KeyPath, &'a Noted)> {
        self.0
            .range(path..)
            .take_while(|(known, _)| known.is_within(path))
    }

    /// What is known of `from` and all within is known of `to`.
    pub(crate) fn copy(&mut self, from: &KeyPath, to: &KeyPath) {
        let copies: Vec<_> = self
            .within(from)
            .map(|(path, noted)| {
                let rest = path.0[from.0.len()..].iter().cloned();
                let path = KeyPath(to.0.iter().cloned().chain(rest).collect());
                (path, noted.clone())
            })
            .collect();
        self.0.extend(copies);
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyPath, Origin, Origins, Step};
    use std::string::ToString;

    #[test]
    fn a_path_is_shown_as_one_would_say_it() {
        let mut path = KeyPath::of("gateway.gateways");
        path.push(Step::Entry(2));
        path.push(Step::Key("name".into()));
        assert_eq!(path.to_string(), "gateway.gateways[2].name");
    }

    #[test]
    fn a_flag_covers_what_the_file_says_within() {
        let mut origins = Origins::default();
        origins.set_by_flag(KeyPath::of("cluster.routes"), "--routes");
        let mut route = KeyPath::of("cluster.routes");
        route.push(Step::Entry(0));
        assert_eq!(origins.of(&route), Origin::Flag("--routes".into()));
        assert_eq!(origins.of(&KeyPath::of("cluster")), Origin::Default);
    }
}
