//! The order of things: scenarios, rounds, the two servers in turn, results.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::cli::{Arguments, Plan};
use crate::error::LoadError;
use crate::process::{Launcher, Layout};
use crate::report::{self, Binary, Outcome, Progress, Results};
use crate::scenario::{ALL, Scenario, select};
use crate::watch::Span;

/// All that a scenario needs to run once against one binary.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    binary: &'a Path,
    plan: &'a Plan,
    /// Where progress is shown and interruption is noticed.
    pub(crate) progress: &'a Progress,
    /// How long nothing may move.
    pub(crate) patience: Duration,
    /// How long memory must stand still to be believed.
    pub(crate) settle: Duration,
    /// Idle connections to open.
    pub(crate) connections: u32,
    /// Subscriptions to make.
    pub(crate) subscriptions: u32,
    /// Connections to make them on.
    pub(crate) subscribers: u32,
}

impl<'a> Bench<'a> {
    fn new(binary: &'a Path, plan: &'a Plan, progress: &'a Progress) -> Self {
        Bench {
            binary,
            plan,
            progress,
            patience: plan.patience,
            settle: plan.settle,
            connections: plan.connections,
            subscriptions: plan.subscriptions,
            subscribers: plan.subscribers,
        }
    }

    /// Starts servers of this run's binary.
    pub(crate) fn launcher(&self) -> Launcher<'a> {
        Launcher {
            binary: self.binary,
            progress: self.progress,
            patience: self.patience,
        }
    }

    /// How long to load before measuring.
    pub(crate) fn warm_up(&self) -> Span {
        self.plan.warm_up
    }

    /// How much to measure.
    pub(crate) fn span(&self) -> Span {
        self.plan.span
    }
}

/// Runs what was asked for; the exit code of [`crate::main`].
pub(crate) fn run(arguments: &Arguments) -> i32 {
    match try_run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("gannet bench: {error}");
            match error {
                LoadError::Interrupted => 130,
                LoadError::Usage(_) => 2,
                _ => 1,
            }
        }
    }
}

fn try_run(arguments: &Arguments) -> Result<i32, LoadError> {
    let plan = arguments.plan()?;
    if plan.list {
        print_out(
            &ALL.iter()
                .map(|scenario| format!("{scenario}\n"))
                .collect::<String>(),
        )?;
        return Ok(0);
    }
    let chosen = select(&plan.scenarios)?;
    let progress = Progress::new()?;
    let binaries: Vec<&Path> = [Some(plan.server.as_path()), plan.vs.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    let servers = binaries
        .iter()
        .map(|path| {
            Bench::new(path, &plan, &progress)
                .launcher()
                .start(Layout::Single)
        })
        .map(|servers| servers.map(|servers| servers.near().version.clone()))
        .zip(&binaries)
        .map(|(version, path)| {
            Ok(Binary {
                path: path.display().to_string(),
                version: version?,
            })
        })
        .collect::<Result<Vec<_>, LoadError>>()?;
    let mut results = Results {
        servers,
        rounds: plan.rounds,
        outcomes: Vec::new(),
    };
    let mut interrupted = false;
    for scenario in chosen {
        let outcome = rounds(scenario, &binaries, &plan, &progress);
        interrupted = matches!(outcome.error, Some(LoadError::Interrupted));
        progress.finished(&outcome);
        results.outcomes.push(outcome);
        if interrupted {
            break;
        }
    }
    deliver(&results, &plan)?;
    if interrupted {
        return Err(LoadError::Interrupted);
    }
    Ok(i32::from(
        results
            .outcomes
            .iter()
            .any(|outcome| outcome.error.is_some()),
    ))
}

/// All rounds of one scenario, the servers in turn within each; the first error ends it.
fn rounds(
    scenario: &'static Scenario,
    binaries: &[&Path],
    plan: &Plan,
    progress: &Progress,
) -> Outcome {
    let mut outcome = Outcome {
        scenario,
        samples: vec![Vec::new(); binaries.len()],
        error: None,
    };
    for round in 1..=plan.rounds {
        for (side, binary) in binaries.iter().enumerate() {
            progress.begin(
                scenario,
                round,
                plan.rounds,
                (binaries.len() > 1).then_some(side),
            );
            match scenario.run(&Bench::new(binary, plan, progress)) {
                Ok(sample) => outcome.samples[side].push(sample),
                Err(error) => {
                    // Ctrl-C may also show itself as something else that broke.
                    outcome.error = Some(progress.check_interrupt().err().unwrap_or(error));
                    return outcome;
                }
            }
        }
    }
    outcome
}

fn deliver(results: &Results, plan: &Plan) -> Result<(), LoadError> {
    let to_stdout = Path::new("-");
    match plan.json.as_deref() {
        Some(path) if path == to_stdout => return print_out(&report::json(results)),
        Some(path) => std::fs::write(path, report::json(results))
            .map_err(LoadError::io(format!("write {}", path.display())))?,
        None => {}
    }
    print_out(&report::table(results, plan.targets))
}

fn print_out(text: &str) -> Result<(), LoadError> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(LoadError::io("write to standard output"))
}

/// A number that is unlikely to be the same in two runs.
pub(crate) fn draw() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds each of these from the system's entropy.
    let drawn = std::hash::RandomState::new().build_hasher().finish();
    (drawn >> 32) as u32
}
