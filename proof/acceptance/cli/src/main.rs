//! The command that runs random super-clusters of Gannet, the reference server and an old release of it, and that keeps
//! one of them in operation for long while its servers are reloaded, ended and started again.
//!
//! Not here: what a trial is and what must hold in it (`gannet_acceptance::mesh`, `gannet_acceptance::operate`).

mod operate;

use clap::Parser;
use gannet_acceptance::mesh::{Summary, trial};
use std::collections::BTreeMap;
use std::panic::{UnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

/// Runs random mixed super-clusters of real servers under load, kills and restarts a server in each.
///
/// Topology, programs, configuration, queue groups and the victim are drawn from the seed; what the machine makes of
/// it is not, so a failing seed may need several attempts to fail again. Servers are ended by their ids, and what they
/// logged is printed when a trial fails. Exit code 0 if all trials hold, 1 otherwise.
#[derive(Debug, Parser)]
#[command(name = "gannet-meshes", version)]
struct Flags {
    /// How many super-clusters to run
    #[arg(long, value_name = "K", default_value_t = 10)]
    runs: u64,

    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,

    /// Run so many at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    /// Instead, end servers under load so many times and start them again (kill -9, TERM, lame duck, and reloads in
    /// between); who is chosen is drawn from the first seed
    #[arg(long, value_name = "N", conflicts_with_all = ["runs", "jobs", "reloads"])]
    lifecycle: Option<u32>,

    /// Instead, change everything that can change under load, so many rounds of it
    #[arg(long, value_name = "N", conflicts_with_all = ["runs", "jobs", "from"])]
    reloads: Option<u32>,
}

/// What came out, by seed: nothing if the trial failed.
#[derive(Debug, Default)]
struct State {
    next: u64,
    done: BTreeMap<u64, Option<Summary>>,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match (flags.lifecycle, flags.reloads) {
        (Some(rounds), _) => return judged(|| operate::end_servers(rounds, flags.from)),
        (None, Some(rounds)) => return judged(|| operate::reload_servers(rounds)),
        (None, None) => {}
    }
    let started = Instant::now();
    let state = Mutex::new(State::default());
    std::thread::scope(|threads| {
        for _ in 0..flags.jobs {
            threads.spawn(|| work(&flags, &state));
        }
    });
    let state = state.into_inner().expect("trials do not panic with it");
    println!("{}", sum_up(&state, started.elapsed().as_secs()));
    for (seed, _) in state.done.iter().filter(|(_, summary)| summary.is_none()) {
        println!(
            "seed {seed} failed: cargo run --release -p gannet-meshes -- --runs 1 --from {seed}"
        );
    }
    if state.done.values().all(Option::is_some) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A course of events that panics when something does not hold.
fn judged(course: impl FnOnce() + UnwindSafe) -> ExitCode {
    match catch_unwind(course) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(flags: &Flags, state: &Mutex<State>) {
    loop {
        let seed = {
            let mut state = state.lock().expect("trials do not panic with it");
            if state.next == flags.runs {
                return;
            }
            state.next += 1;
            flags.from.wrapping_add(state.next - 1)
        };
        // The panic has been printed, with the logs of the trial's servers.
        let summary = catch_unwind(|| trial(seed)).ok();
        println!(
            "seed {seed}: {}",
            if summary.is_some() { "holds" } else { "FAILED" }
        );
        let mut state = state.lock().expect("trials do not panic with it");
        state.done.insert(seed, summary);
    }
}

fn sum_up(state: &State, seconds: u64) -> String {
    let held: Vec<&Summary> = state.done.values().flatten().collect();
    let servers: usize = held.iter().map(|summary| summary.servers).sum();
    let deliveries: usize = held.iter().map(|summary| summary.carried.deliveries).sum();
    let answers: usize = held.iter().map(|summary| summary.carried.answers).sum();
    format!(
        "{} of {} super-clusters hold, in {seconds} s: {servers} servers, {} started again; {deliveries} deliveries and {answers} answers, none lost, none twice, none out of order",
        held.len(),
        state.done.len(),
        held.len(),
    )
}
