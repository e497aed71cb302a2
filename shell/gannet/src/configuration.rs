//! The options of one server: the configuration file, overridden by flags. Not here: their meaning.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use gannet_config::{ConfigWarning, HELP, Options, Origins, Rejected, Source, load_without};

use crate::flags::{Disk, FlagError, Invocation};

/// What a server would go by, before anybody has asked whether it makes sense as a whole.
pub(crate) struct Configured {
    pub(crate) options: Options,
    /// Where each of them comes from.
    pub(crate) origins: Origins,
    /// What is not quite right.
    pub(crate) warnings: Vec<ConfigWarning>,
}

impl Configured {
    /// Prints the warnings on standard error.
    pub(crate) fn warn(self) {
        if !self.warnings.is_empty() {
            let _ = write!(std::io::stderr(), "{}", shown(self.warnings));
        }
    }
}

/// Why there are no options.
pub(crate) enum Failure {
    /// The file is at fault.
    File(Rejected),
    /// The command line is.
    Flags(FlagError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::File(rejected) => rejected.fmt(f),
            Failure::Flags(error) => error.fmt(f),
        }
    }
}

/// Reads the file, if there is one, and applies the flags.
pub(crate) fn configured(
    invocation: &Invocation,
    file: Option<&str>,
) -> Result<Configured, Failure> {
    configured_from(&Disk, invocation, file)
}

/// As [`configured`], with files and variables from elsewhere.
pub(crate) fn configured_from(
    source: &dyn Source,
    invocation: &Invocation,
    file: Option<&str>,
) -> Result<Configured, Failure> {
    let without = invocation.without(source).map_err(Failure::Flags)?;
    let mut configured = match file {
        Some(path) => {
            let loaded = load_without(path, source, &without).map_err(Failure::File)?;
            Configured {
                options: loaded.options,
                origins: loaded.origins,
                warnings: loaded.warnings,
            }
        }
        None => Configured {
            options: Options::default(),
            origins: Origins::default(),
            warnings: Vec::new(),
        },
    };
    let applied = invocation.apply(&mut configured.options);
    applied.map_err(Failure::Flags)?;
    invocation.note(&mut configured.origins);
    Ok(configured)
}

/// Reads the configuration file, if there is one, and applies the flags. `warn` gets what is not quite right, if
/// anything is.
pub(crate) fn options(
    invocation: &Invocation,
    warn: impl FnOnce(Vec<ConfigWarning>),
) -> Result<Options, String> {
    let file = invocation.config.as_deref();
    let configured = configured(invocation, file).map_err(|failure| failure.to_string())?;
    if !configured.warnings.is_empty() {
        warn(configured.warnings);
    }
    let options = configured.options;
    options.validate().map_err(|e| e.to_string())?;
    Ok(options)
}

/// The reasons in the text of a failure, one for each line of the log: what to do about one stands behind it.
pub(crate) fn reasons(text: &str) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix(HELP), reasons.last_mut()) {
            (Some(help), Some(last)) => last.push_str(&format!(" ({help})")),
            _ => reasons.push(line.into()),
        }
    }
    reasons
}

/// `-t`: says whether the configuration file is valid; a warning, too, makes it invalid, unless it is of what is
/// left out by the operator's own word.
pub(crate) fn check(invocation: &Invocation) -> ExitCode {
    let path = invocation.config.as_deref().unwrap_or_default();
    let without = match invocation.without(&Disk) {
        Ok(without) => without,
        Err(error) => return crate::refuse(invocation.program, error),
    };
    let loaded = match load_without(path, &Disk, &without) {
        Ok(loaded) => loaded,
        Err(rejected) => return crate::refuse(invocation.program, rejected),
    };
    if !loaded.warnings.iter().all(ConfigWarning::is_agreed) {
        return crate::refuse(invocation.program, shown(loaded.warnings));
    }
    for warning in &loaded.warnings {
        crate::refuse(invocation.program, warning);
    }
    crate::refuse(
        invocation.program,
        format_args!("configuration file {path} is valid ({})", loaded.digest),
    );
    ExitCode::SUCCESS
}

/// Warnings as the reference prints them: as it does with errors.
pub(crate) fn shown(warnings: Vec<ConfigWarning>) -> Rejected {
    Rejected {
        errors: Vec::new(),
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::reasons;

    #[test]
    fn help_stands_behind_what_it_is_for() {
        assert_eq!(
            reasons("a.conf:1:0: one\n  help: do this\na.conf:2:1: two\n"),
            ["a.conf:1:0: one (do this)", "a.conf:2:1: two"]
        );
    }
}
