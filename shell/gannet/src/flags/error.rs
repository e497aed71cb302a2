//! What can be wrong with a command line, in the reference's words where it has any.

use std::fmt;

/// Why a command line is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FlagError {
    /// An argument that begins like a flag and cannot be one.
    Syntax(String),
    /// A flag that nobody knows.
    Unknown(String),
    /// A flag at the end that needs a value.
    NeedsArgument(String),
    /// A value that the flag doesn't take.
    InvalidValue {
        /// The flag as written, without dashes.
        flag: String,
        /// The value as written.
        value: String,
        /// Whether the flag switches something on or off.
        switch: bool,
        /// What is wrong with the value.
        reason: String,
    },
    /// A flag of a part of the server that isn't built yet.
    NotYet {
        /// The flag as written, without dashes.
        flag: String,
        /// The part that it belongs to.
        feature: &'static str,
    },
    /// A word that is no command.
    UnknownCommand(String),
    /// `-t` without `-c`.
    NothingToCheck,
    /// More than one `=` in a signal.
    SignalParameters(Vec<String>),
    /// A signal that nobody knows.
    UnknownSignal(String),
    /// A flag that goes with others only.
    Alone {
        /// Its name, without dashes.
        flag: &'static str,
        /// What it goes with.
        with: &'static str,
    },
    /// A variable of the environment that has a value which it cannot have.
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
    /// A flag's value that isn't text.
    NotText(String),
    /// TLS that cannot be; the text explains.
    Tls(String),
    /// A cluster that cannot be; the text explains.
    Cluster(String),
    /// Wrong arguments of one of our subcommands; the text explains.
    Subcommand(String),
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlagError::Syntax(argument) => write!(f, "bad flag syntax: {argument}"),
            FlagError::Unknown(flag) => write!(f, "flag provided but not defined: -{flag}"),
            FlagError::NeedsArgument(flag) => write!(f, "flag needs an argument: -{flag}"),
            FlagError::InvalidValue {
                flag,
                value,
                switch: true,
                reason,
            } => {
                write!(f, "invalid boolean value {value:?} for -{flag}: {reason}")
            }
            FlagError::InvalidValue {
                flag,
                value,
                switch: false,
                reason,
            } => {
                write!(f, "invalid value {value:?} for flag -{flag}: {reason}")
            }
            FlagError::NotYet { flag, feature } => write!(
                f,
                "flag -{flag} is known but not supported yet by this version of Gannet ({feature})"
            ),
            FlagError::UnknownCommand(word) => write!(f, "unrecognized command: {word:?}"),
            FlagError::NothingToCheck => {
                f.write_str("must specify [-c, --config] option to check configuration file syntax")
            }
            FlagError::SignalParameters(rest) => {
                write!(f, "invalid signal parameters: [{}]", rest.join(" "))
            }
            FlagError::UnknownSignal(signal) => write!(f, "unknown signal {signal:?}"),
            FlagError::Alone { flag, with } => write!(f, "--{flag} goes with {with} only"),
            FlagError::Variable { name, reason } => write!(f, "invalid value of {name}: {reason}"),
            FlagError::NotText(flag) => write!(f, "the value of flag -{flag} is not valid UTF-8"),
            FlagError::Tls(text) | FlagError::Cluster(text) | FlagError::Subcommand(text) => {
                f.write_str(text)
            }
        }
    }
}

impl std::error::Error for FlagError {}
