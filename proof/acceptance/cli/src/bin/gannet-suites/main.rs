//! The command that runs the test suites of client libraries against the reference server and against Gannet, each
//! started as the suite starts it: by the name `nats-server`, found in `PATH`.
//!
//! Not here: the suites. They are in the libraries' repositories; what is run is a copy of a checkout. Only what passes
//! with the reference server counts.

mod c;
mod javascript;
mod jobs;
mod python;
mod rust;

use clap::{Parser, ValueEnum};
use gannet_acceptance::{Kind, programs};
use jobs::{Job, obtain};
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Runs the test suite of a client library against the reference server and Gannet, through a link called `nats-server`.
///
/// Needs Linux, and what the suite needs: Python for nats.py; cmake, make, a C compiler and OpenSSL for nats.c; cargo for
/// async-nats; npm for nats.js. Parts of a suite run several at once where namespaces can be made (`unshare`). The suite
/// of nats.js writes `leafnodes` and `websocket` into every configuration: as long as Gannet has neither, it runs with
/// `GANNET_WITHOUT=leafnodes,websocket`. `GANNET_BIN` names another binary than this checkout's. Exit code
/// 0 if Gannet passes whatever the reference server does, 1 otherwise.
#[derive(Debug, Parser)]
#[command(name = "gannet-suites", version)]
struct Flags {
    /// Which suite
    suite: Suite,

    /// A checkout of the library's repository
    source: PathBuf,

    /// Leave tests out whose names contain this (may be repeated): those of parts that are known not to be there yet
    #[arg(long, value_name = "TEXT")]
    without: Vec<String>,

    /// Run only tests, or files of tests, whose names contain this (may be repeated)
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The tests of github.com/nats-io/nats.py that need no JetStream and no WebSocket
    #[value(name = "nats.py")]
    Python,
    /// The tests of github.com/nats-io/nats.c that need no JetStream
    #[value(name = "nats.c")]
    C,
    /// The tests of async-nats in github.com/nats-io/nats.rs that need no JetStream
    #[value(name = "async-nats")]
    Rust,
    /// The tests of the package core in github.com/nats-io/nats.js
    #[value(name = "nats.js")]
    JavaScript,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let folder = programs::acceptance_dir().join("suites");
    let mut jobs = prepare(&flags, &folder);
    // A job with many tests stays: its tests are left out below.
    let unwanted = |name: &str| flags.without.iter().any(|text| name.contains(text));
    let only =
        |name: &str| flags.only.is_empty() || flags.only.iter().any(|text| name.contains(text));
    jobs.retain(|job| !unwanted(&job.name) && (only(&job.name) || flags.suite == Suite::Python));
    let run = |kind| {
        let links = links(&folder, flags.suite, kind);
        let environment: &[_] = match (flags.suite, kind) {
            (Suite::JavaScript, Kind::Gannet) => &[javascript::WITHOUT],
            _ => &[],
        };
        let mut passed = jobs::run(
            &jobs,
            &links,
            environment,
            &folder.join(format!("scratch-{:?}", flags.suite)),
        );
        passed.retain(|name, _| !unwanted(name) && only(name));
        let good = passed.values().filter(|ok| **ok).count();
        println!("{kind:?}: {good} of {} tests pass", passed.len());
        passed
    };
    let (go, gannet) = (run(Kind::Go), run(Kind::Gannet));
    if flags.suite == Suite::JavaScript {
        println!("NOTE: {}", javascript::NOTE);
    }
    compare(&go, &gannet)
}

fn compare(go: &BTreeMap<String, bool>, gannet: &BTreeMap<String, bool>) -> ExitCode {
    let counted: Vec<&String> = go
        .iter()
        .filter(|(_, ok)| **ok)
        .map(|(name, _)| name)
        .collect();
    let missing: Vec<&&String> = (counted.iter())
        .filter(|name| gannet.get(**name) != Some(&true))
        .collect();
    for (name, _) in go.iter().filter(|(_, ok)| !**ok) {
        println!("does not count, fails with the reference server: {name}");
    }
    for name in &missing {
        println!("fails with Gannet alone: {name}");
    }
    println!(
        "{} of {} that pass with the reference server pass with Gannet",
        counted.len() - missing.len(),
        counted.len()
    );
    if counted.is_empty() || !missing.is_empty() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Copies the checkout and builds what is run.
fn prepare(flags: &Flags, folder: &Path) -> Vec<Job> {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let copy = folder.join(format!("{:?}", flags.suite));
    let _ = std::fs::remove_dir_all(&copy);
    // With the times of files, which build tools look at.
    obtain(Command::new("cp").arg("-a").arg(&flags.source).arg(&copy));
    let tools = folder.join(format!("{:?}-tools", flags.suite));
    match flags.suite {
        Suite::Python => python::jobs(&tools, &copy),
        Suite::C => c::jobs(&copy),
        Suite::Rust => rust::jobs(&copy),
        Suite::JavaScript => javascript::jobs(&tools, &copy, &flags.without),
    }
}

/// A folder with a program called `nats-server`.
fn links(folder: &Path, suite: Suite, kind: Kind) -> PathBuf {
    let links = folder.join(format!("bin-{suite:?}-{kind:?}"));
    let _ = std::fs::remove_dir_all(&links);
    std::fs::create_dir_all(&links).expect("a folder can be made");
    let link = links.join("nats-server");
    symlink(kind.program(), link).expect("a link can be made");
    links
}
