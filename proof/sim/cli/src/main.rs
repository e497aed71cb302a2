//! The command that replays and explores simulation seeds.
//!
//! Not here: what a run is and what must hold in it (`gannet_simulation`).

mod explore;
mod flags;
mod report;

use std::process::ExitCode;

use clap::Parser;
use gannet_simulation::run_seed;

use crate::flags::Flags;

/// A seed that told two different stories.
const NOT_DETERMINISTIC: u8 = 13;

fn main() -> ExitCode {
    let flags = Flags::parse();
    match flags.seed {
        Some(seed) => replay(seed, &flags),
        None => explore::explore(&flags),
    }
}

/// Runs one seed, twice if asked to, and tells what happened.
fn replay(seed: u64, flags: &Flags) -> ExitCode {
    let mut outcome = run_seed(seed, &flags.config());
    let mut lines: Vec<String> = std::mem::take(&mut outcome.packets);
    lines.append(&mut outcome.tale);
    lines.extend(report::one(&outcome));
    if flags.twice {
        let again = run_seed(seed, &flags.config());
        if again.trace_hash != outcome.trace_hash {
            lines.push(format!(
                "not deterministic: the second run's trace is {:016x}",
                again.trace_hash
            ));
            report::print(lines);
            return ExitCode::from(NOT_DETERMINISTIC);
        }
        lines.push("the second run told the same story".into());
    }
    report::print(lines);
    match &outcome.failure {
        None => ExitCode::SUCCESS,
        Some(failure) => ExitCode::from(failure.kind.exit_code()),
    }
}
