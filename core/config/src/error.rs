//! What can be wrong with a configuration, sorted by who can mend it, with the reference's texts.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::text::quote::quoted;

/// Where a key or value stands, printed as `file:line:column`.
///
/// Columns count bytes as the reference server does: from 0 on a file's first line, from 1 on all
/// others. A value inside a map has the place of its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, or as its `include` was resolved.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read; the text is the [`Source`](crate::Source)'s.
    #[error("{0}")]
    Unreadable(String),
    /// The text breaks the language's rules.
    #[error("Parse error on line {line}: '{text}'")]
    Syntax {
        /// The line, from 1.
        line: u32,
        /// What was expected and what was found.
        text: String,
    },
    /// The file ends after a key.
    #[error("config is invalid ({0})")]
    Incomplete(Place),
    /// A number or date that cannot be represented, or a limit of the language's reader.
    #[error("{0}")]
    Malformed(String),
    /// A file named by `include` is at fault.
    #[error("error parsing include file '{path}', {error}")]
    Include {
        /// The path as written.
        path: String,
        /// What is wrong with that file.
        error: Box<ConfigError>,
    },
    /// A variable that is neither defined before its use nor in the environment.
    #[error("variable reference for '{name}' on line {line} can not be found")]
    VariableMissing {
        /// The name without `$`.
        name: String,
        /// The line of the reference.
        line: u32,
    },
    /// A variable from the environment whose value is not a configuration value.
    #[error("variable reference for '{name}' on line {line} could not be parsed: {error}")]
    VariableBroken {
        /// The name without `$`.
        name: String,
        /// The line of the reference.
        line: u32,
        /// What is wrong with its value.
        error: Box<ConfigError>,
    },
    /// A variable of the environment that refers to itself.
    #[error("variable reference cycle for '{0}'")]
    VariableCycle(String),
    /// One field is at fault.
    #[error("{place}: {problem}")]
    Field {
        /// Where the field stands.
        place: Place,
        /// What is wrong with it.
        problem: Problem,
        /// What to do about it, where that is not plain.
        help: Option<String>,
    },
    /// Options that are each valid and contradict each other; found by
    /// [`Options::validate`](crate::Options::validate).
    #[error("{0}")]
    Conflict(String),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nobody knows this key.
    Unknown(String),
    /// The reference server knows this key; this version of Gannet doesn't act on it yet.
    NotYet {
        /// The key as written.
        key: String,
        /// The part of the server that the key belongs to.
        feature: &'static str,
    },
    /// A value of another type than the key takes. Names are the reference's.
    WrongType {
        /// The type found.
        found: &'static str,
        /// The type that the key takes.
        wanted: &'static str,
    },
    /// A value of the right type that makes no sense.
    Invalid(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unknown(field) => write!(f, "unknown field {}", quoted(field)),
            Problem::NotYet { key, feature } => write!(
                f,
                "{} is known but not supported yet by this version of Gannet ({feature})",
                quoted(key)
            ),
            Problem::WrongType { found, wanted } => {
                write!(
                    f,
                    "interface conversion: interface {{}} is {found}, not {wanted}"
                )
            }
            Problem::Invalid(text) => f.write_str(text),
        }
    }
}

/// Something that a user should change and that doesn't stop the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigWarning {
    /// The file defines nothing.
    Empty {
        /// The file as it was named.
        file: String,
    },
    /// A field is used in an outdated or doubtful way.
    Field {
        /// Where the field stands.
        place: Place,
        /// The field, or the entry of a list.
        field: String,
        /// What to do about it.
        reason: String,
    },
    /// A key of a part that isn't built yet, which the operator does without.
    LeftOut {
        /// Where the key stands.
        place: Place,
        /// The key as written.
        key: String,
        /// The part of the server that the key belongs to.
        feature: &'static str,
    },
    /// A value that will not have its full effect.
    Value {
        /// Where the field stands.
        place: Place,
        /// What will happen instead.
        text: String,
    },
}

impl ConfigWarning {
    /// Whether the operator has been asked already: nothing is wrong with the file then.
    pub fn is_agreed(&self) -> bool {
        matches!(self, ConfigWarning::LeftOut { .. })
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigWarning::LeftOut {
                place,
                key,
                feature,
            } => {
                let key = quoted(key);
                write!(
                    f,
                    "{place}: {key} is LEFT OUT, as was asked for: this version of Gannet does not \
                     support it yet ({feature})"
                )
            }
            ConfigWarning::Empty { file } => {
                write!(f, "{file}: config has no values or is empty")
            }
            ConfigWarning::Value { place, text } => write!(f, "{place}: {text}"),
            ConfigWarning::Field {
                place,
                field,
                reason,
            } => {
                write!(
                    f,
                    "{place}: invalid use of field {}: {reason}",
                    quoted(field)
                )
            }
        }
    }
}

/// Everything that is wrong with a configuration, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Why it is refused; never empty.
    pub errors: Vec<ConfigError>,
    /// What else should be changed.
    pub warnings: Vec<ConfigWarning>,
}

impl ConfigError {
    /// What to do about it, where its text does not say. That is ours: the reference has no such words.
    pub fn help(&self) -> Option<&str> {
        match self {
            ConfigError::Field { help, .. } => help.as_deref(),
            ConfigError::Include { error, .. } => error.help(),
            ConfigError::VariableMissing { .. } => Some(
                "it must be set in the environment, or be a key of the file that stands before this \
                 one; a text that begins with $ must be in quotes",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Rejected {
    /// The reference's layout: an error of the language alone on its line; faults of fields one a
    /// line, warnings first, each line ended. What to do about an error has a line of its own below it,
    /// which begins with [`HELP`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ([only], []) = (self.errors.as_slice(), self.warnings.as_slice())
            && !matches!(only, ConfigError::Field { .. })
        {
            only.fmt(f)?;
            return match only.help() {
                Some(help) => write!(f, "\n{HELP}{help}"),
                None => Ok(()),
            };
        }
        for warning in &self.warnings {
            writeln!(f, "{warning}")?;
        }
        for error in &self.errors {
            writeln!(f, "{error}")?;
            if let Some(help) = error.help() {
                writeln!(f, "{HELP}{help}")?;
            }
        }
        Ok(())
    }
}

/// How a line begins that says what to do about the error above it.
pub const HELP: &str = "  help: ";

impl From<ConfigError> for Rejected {
    fn from(error: ConfigError) -> Rejected {
        Rejected {
            errors: alloc::vec![error],
            warnings: Vec::new(),
        }
    }
}
