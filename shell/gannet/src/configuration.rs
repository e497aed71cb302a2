//! The options of one server: the configuration file, overridden by flags. Not here: their meaning.

use std::process::ExitCode;

use gannet_config::{ConfigWarning, Options, Rejected};

use crate::flags::{Disk, Invocation};

/// Reads the configuration file, if there is one, and applies the flags. `warn` gets what is not quite right.
pub(crate) fn options(
    invocation: &Invocation,
    warn: impl FnOnce(Rejected),
) -> Result<Options, String> {
    let mut options = Options::default();
    if let Some(path) = &invocation.config {
        let loaded = gannet_config::load(path, &Disk).map_err(|e| e.to_string())?;
        options = loaded.options;
        if !loaded.warnings.is_empty() {
            warn(shown(loaded.warnings));
        }
    }
    invocation.apply(&mut options).map_err(|e| e.to_string())?;
    options.validate().map_err(|e| e.to_string())?;
    Ok(options)
}

/// `-t`: says whether the configuration file is valid; a warning, too, makes it invalid.
pub(crate) fn check(invocation: &Invocation) -> ExitCode {
    let path = invocation.config.as_deref().unwrap_or_default();
    let loaded = match gannet_config::load(path, &Disk) {
        Ok(loaded) => loaded,
        Err(rejected) => return crate::refuse(invocation.program, rejected),
    };
    if !loaded.warnings.is_empty() {
        return crate::refuse(invocation.program, shown(loaded.warnings));
    }
    crate::refuse(
        invocation.program,
        format_args!("configuration file {path} is valid ({})", loaded.digest),
    );
    ExitCode::SUCCESS
}

/// Warnings as the reference prints them: as it does with errors.
fn shown(warnings: Vec<ConfigWarning>) -> Rejected {
    Rejected {
        errors: Vec::new(),
        warnings,
    }
}
