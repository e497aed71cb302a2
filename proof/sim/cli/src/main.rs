//! The command that replays and explores simulation seeds.
//!
//! Not here: what a run is and what must hold in it (`gannet_simulation`).

mod explore;
mod flags;
mod report;

use std::io::{BufWriter, Write, stdout};
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
    let outcome = run_seed(seed, &flags.config());
    let mut out = BufWriter::new(stdout());
    for line in outcome.packets.iter().chain(&outcome.tale) {
        // Nobody reads on, as behind `head`: then nobody misses the rest.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    drop(out);
    report::one(&outcome);
    if flags.twice {
        let again = run_seed(seed, &flags.config());
        if again.trace_hash != outcome.trace_hash {
            println!(
                "not deterministic: the second run's trace is {:016x}",
                again.trace_hash
            );
            return ExitCode::from(NOT_DETERMINISTIC);
        }
        println!("the second run told the same story");
    }
    match &outcome.failure {
        None => ExitCode::SUCCESS,
        Some(failure) => ExitCode::from(failure.kind.exit_code()),
    }
}
