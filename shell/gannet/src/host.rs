//! What a server asks the process around it for, when somebody looks at its pages. Not here: the pages.

use std::path::Path;

use gannet_config::{ConfigWarning, Options};
use gannet_node::{Configuration, Host};

use crate::configuration;
use crate::flags::{Invocation, redacted_arguments};
use crate::words::file_error;

/// Of a server without a file.
pub(crate) const NO_FILE: &str =
    "can only reload config when a file is provided using -c or --config";

/// This process.
#[derive(Debug)]
pub(crate) struct ThisProcess {
    invocation: Invocation,
    /// What it was called with, without secrets.
    arguments: Vec<String>,
}

impl ThisProcess {
    /// The process that was started by `invocation`.
    pub(crate) fn new(invocation: &Invocation) -> ThisProcess {
        let arguments = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
        ThisProcess {
            invocation: invocation.clone(),
            arguments: redacted_arguments(arguments),
        }
    }
}

impl Host for ThisProcess {
    fn configuration(&self) -> Result<Configuration, Vec<String>> {
        let configuration = read(&self.invocation)?;
        could_open_log(&configuration.options).map_err(|why| vec![why])?;
        Ok(configuration)
    }

    fn command_line(&self) -> Vec<String> {
        self.arguments.clone()
    }
}

/// The configuration as it would be taken over now; the reasons if it would not, one for each line of the log.
pub(crate) fn read(invocation: &Invocation) -> Result<Configuration, Vec<String>> {
    if invocation.config.is_none() {
        return Err(vec![NO_FILE.into()]);
    }
    let mut warnings = Vec::new();
    let warn = |warned: Vec<ConfigWarning>| {
        let text = configuration::shown(warned).to_string();
        warnings = text.lines().map(str::to_owned).collect();
    };
    match configuration::options(invocation, warn) {
        Ok(options) => Ok(Configuration { options, warnings }),
        Err(why) => Err(configuration::reasons(&why)),
    }
}

/// Whether the log file could be opened, as far as can be told without making it.
fn could_open_log(options: &Options) -> Result<(), String> {
    let Some(file) = &options.logging.file else {
        return Ok(());
    };
    let path = Path::new(file);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let found = folder.map_or(Ok(true), |folder| {
        std::fs::metadata(folder).map(|found| found.is_dir())
    });
    let why = match found {
        Ok(true) if path.is_dir() => format!("open {file}: is a directory"),
        Ok(true) => return Ok(()),
        Ok(false) => format!("open {file}: not a directory"),
        Err(error) => file_error("open", file, &error),
    };
    // In the words of whoever opens it.
    Err(format!("error opening file: {why}"))
}
