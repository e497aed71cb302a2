//! `gannet config`: what a configuration says (`explain`), and what a reload would make of another one
//! (`diff`). Not here: what options mean and which may change (`gannet_config`).

mod diff;
mod explain;
mod json;

use std::process::ExitCode;

use crate::configuration::{Configured, Failure, configured};
use crate::flags::{ConfigCommand, Invocation};

/// Answers on standard output.
pub(crate) fn run(invocation: &Invocation, command: &ConfigCommand) -> ExitCode {
    match command {
        ConfigCommand::Explain { json, file } => {
            explain::explain(invocation, file.as_deref(), *json)
        }
        ConfigCommand::Diff { json, old, new } => diff::diff(invocation, old, new, *json),
    }
}

/// The configuration, or its faults where the answer is expected: on standard error, or as JSON on standard output.
fn load(invocation: &Invocation, file: Option<&str>, json: bool) -> Result<Configured, ExitCode> {
    configured(invocation, file).map_err(|failure| failed(invocation, file, &failure, json))
}

fn failed(invocation: &Invocation, file: Option<&str>, failure: &Failure, json: bool) -> ExitCode {
    if json {
        crate::say(&json::failure(file, failure).to_string());
        return ExitCode::FAILURE;
    }
    crate::refuse(invocation.program, failure)
}
