//! `--signal reload --dry-run`: what the signal would do to a running server, and to whom.
//!
//! What lives here: the question to the server's page (`ask`), the process that is meant (`target`), and the answer for a
//! reader (`answer`). What does not: finding out what would happen; the server itself knows.

mod answer;
mod ask;
mod target;

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::flags::{DryRun, Invocation};
use crate::tell;
use answer::Outcome;
use target::{Target, Unreachable};

/// Asks, and tells on standard output.
pub(crate) fn run(invocation: &Invocation, asked: &DryRun) -> ExitCode {
    let processes = match &asked.monitor {
        Some(_) => Vec::new(),
        None => match tell::processes(invocation.program, &asked.request) {
            Ok(processes) => processes,
            Err(error) => return crate::refuse(invocation.program, error),
        },
    };
    let mut worst = Outcome::Nothing;
    let mut told = |answer: Result<Value, String>| match answer {
        Ok(answer) => {
            worst = worst.max(answer::outcome(&answer));
            let text = match asked.json {
                true => answer.to_string(),
                false => answer::text(&answer),
            };
            crate::say(&text);
        }
        Err(error) => {
            worst = Outcome::Failed;
            crate::refuse(invocation.program, error);
        }
    };
    match &asked.monitor {
        Some(url) => told(ask::ask(url).map_err(|error| error.to_string())),
        None => processes.into_iter().map(of_process).for_each(told),
    }
    ExitCode::from(worst.code())
}

/// What the process says, or what can be said without it.
fn of_process(id: u32) -> Result<Value, String> {
    let target = Target::find(id)?;
    let failed = match target.monitor() {
        Ok(url) => match ask::ask(&url) {
            Ok(answer) if target.is(&answer) => return Ok(answer),
            Ok(_) => Unreachable::Other(url),
            Err(error) => Unreachable::Silent(error),
        },
        Err(unreachable) => unreachable,
    };
    let (verdict, reasons, digest) = match target.configuration() {
        Ok(digest) => ("unknown", vec![failed.to_string()], digest),
        Err(reasons) => ("invalid", reasons, None),
    };
    Ok(json!({
        "pid": id,
        "verdict": verdict,
        "reasons": reasons,
        "config_file": target.file(),
        "config_digest": digest,
    }))
}
