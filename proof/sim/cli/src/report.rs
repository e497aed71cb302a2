//! What the command prints at the end.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use gannet_simulation::{FailureKind, FaultKind, Outcome};

use crate::flags::Flags;

/// The sum of many runs.
#[derive(Default)]
pub(crate) struct Sum {
    seeds: u64,
    failed: BTreeMap<u64, (FailureKind, String)>,
    virtual_time: Duration,
    messages: usize,
    deliveries: usize,
    clusters: BTreeMap<usize, u64>,
    faults: BTreeMap<FaultKind, u64>,
}

impl Sum {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.virtual_time += outcome.virtual_time;
        self.messages += outcome.messages;
        self.deliveries += outcome.deliveries;
        *self.clusters.entry(outcome.clusters).or_default() += 1;
        for (kind, times) in outcome.faults {
            *self.faults.entry(kind).or_default() += times;
        }
        if let Some(failure) = outcome.failure {
            self.failed
                .insert(outcome.seed, (failure.kind, failure.to_string()));
        }
    }

    pub(crate) fn seeds(&self) -> u64 {
        self.seeds
    }

    pub(crate) fn failures(&self) -> usize {
        self.failed.len()
    }

    /// The lowest code of all failures.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let worst = self.failed.values().map(|(kind, _)| kind.exit_code()).min();
        ExitCode::from(worst.unwrap_or(0))
    }

    /// Prints the summary of a run that took `time`.
    pub(crate) fn print(&self, flags: &Flags, time: Duration) {
        let rate = self.seeds as f64 / time.as_secs_f64().max(0.001);
        println!(
            "{} seeds in {:.1} s ({rate:.2} a second)",
            self.seeds,
            time.as_secs_f64()
        );
        println!(
            "virtual time  {:.2} hours",
            self.virtual_time.as_secs_f64() / 3600.0
        );
        println!("clusters      {}", counted(self.clusters.iter()));
        println!(
            "messages      {} published, {} delivered",
            self.messages, self.deliveries
        );
        println!("faults        {}", counted(all_kinds(&self.faults).iter()));
        println!("failed        {}", self.failed.len());
        for (seed, (_, text)) in &self.failed {
            println!("  seed {seed}: {text}");
            println!("    {}", flags.replay_command(*seed));
        }
    }
}

/// Prints one run.
pub(crate) fn one(outcome: &Outcome) {
    println!("seed          {}", outcome.seed);
    println!("clusters      {}", outcome.clusters);
    println!("virtual time  {:.3} s", outcome.virtual_time.as_secs_f64());
    println!(
        "messages      {} published, {} delivered",
        outcome.messages, outcome.deliveries
    );
    println!("faults        {}", counted(outcome.faults.iter()));
    println!("trace         {:016x}", outcome.trace_hash);
    match &outcome.failure {
        None => println!("result        holds"),
        Some(failure) => println!("result        {failure}"),
    }
}

/// All kinds with their counts, so that one that never struck is seen too.
fn all_kinds(hits: &BTreeMap<FaultKind, u64>) -> BTreeMap<FaultKind, u64> {
    FaultKind::ALL
        .iter()
        .map(|kind| (*kind, hits.get(kind).copied().unwrap_or(0)))
        .collect()
}

fn counted<'a, K: std::fmt::Display + 'a>(
    counts: impl Iterator<Item = (&'a K, &'a u64)>,
) -> String {
    let parts: Vec<String> = counts
        .map(|(what, times)| format!("{what}: {times}"))
        .collect();
    if parts.is_empty() {
        "none".into()
    } else {
        parts.join(", ")
    }
}
