//! What the command prints at the end.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use gannet_simulation::{FailureKind, FaultKind, Outcome, ReloadKind};

use crate::flags::Flags;

/// The sum of many runs.
#[derive(Default)]
pub(crate) struct Sum {
    seeds: u64,
    failed: BTreeMap<u64, (FailureKind, String)>,
    virtual_time: Duration,
    messages: usize,
    deliveries: usize,
    /// Runs, by the servers of each cluster.
    sizes: BTreeMap<String, u64>,
    faults: BTreeMap<FaultKind, u64>,
    reloads: BTreeMap<ReloadKind, u64>,
}

impl Sum {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.virtual_time += outcome.virtual_time;
        self.messages += outcome.messages;
        self.deliveries += outcome.deliveries;
        *self.sizes.entry(shown(&outcome.sizes)).or_default() += 1;
        for (kind, times) in outcome.faults {
            *self.faults.entry(kind).or_default() += times;
        }
        for (kind, times) in outcome.reloads {
            *self.reloads.entry(kind).or_default() += times;
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

    /// The summary of a run that took `time`.
    pub(crate) fn lines(&self, flags: &Flags, time: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        let rate = self.seeds as f64 / time.as_secs_f64().max(0.001);
        lines.push(format!(
            "{} seeds in {:.1} s ({rate:.2} a second)",
            self.seeds,
            time.as_secs_f64()
        ));
        lines.push(format!(
            "virtual time  {:.2} hours",
            self.virtual_time.as_secs_f64() / 3600.0
        ));
        lines.push(format!("clusters of   {}", counted(self.sizes.iter())));
        lines.push(format!(
            "messages      {} published, {} delivered",
            self.messages, self.deliveries
        ));
        lines.push(format!(
            "faults        {}",
            counted(all_kinds(&FaultKind::ALL, &self.faults).iter())
        ));
        lines.push(format!(
            "reloads       {}",
            counted(all_kinds(&ReloadKind::ALL, &self.reloads).iter())
        ));
        lines.push(format!("failed        {}", self.failed.len()));
        for (seed, (_, text)) in &self.failed {
            lines.push(format!("  seed {seed}: {text}"));
            lines.push(format!("    {}", flags.replay_command(*seed)));
        }
        lines
    }
}

/// One run in words.
pub(crate) fn one(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(format!("seed          {}", outcome.seed));
    lines.push(format!("clusters of   {}", shown(&outcome.sizes)));
    lines.push(format!(
        "virtual time  {:.3} s",
        outcome.virtual_time.as_secs_f64()
    ));
    lines.push(format!(
        "messages      {} published, {} delivered",
        outcome.messages, outcome.deliveries
    ));
    lines.push(format!("faults        {}", counted(outcome.faults.iter())));
    lines.push(format!("reloads       {}", counted(outcome.reloads.iter())));
    lines.push(format!("trace         {:016x}", outcome.trace_hash));
    match &outcome.failure {
        None => lines.push("result        holds".into()),
        Some(failure) => lines.push(format!("result        {failure}")),
    }
    lines
}

/// The servers of each cluster, largest first.
fn shown(sizes: &[usize]) -> String {
    let mut sizes: Vec<usize> = sizes.to_vec();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join("+")
}

/// All kinds with their counts, so that one that never struck is seen too.
fn all_kinds<K: Copy + Ord>(all: &[K], hits: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    all.iter()
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

/// Prints lines to the standard output. When nobody reads on, as behind `head`, nobody misses the rest.
pub(crate) fn print(lines: impl IntoIterator<Item = String>) {
    let mut out = BufWriter::new(stdout());
    for line in lines {
        if writeln!(out, "{line}").is_err() {
            return;
        }
    }
    let _ = out.flush();
}
