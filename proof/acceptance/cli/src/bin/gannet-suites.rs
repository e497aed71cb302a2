//! The command that runs the test suites of client libraries against the reference server and against Gannet, each
//! started as the suite starts it: by the name `nats-server`, found in `PATH`.
//!
//! Not here: the suites. They are in the libraries' repositories; what is run is a copy of a checkout. Only what passes
//! with the reference server counts.

use clap::{Parser, ValueEnum};
use gannet_acceptance::{Kind, programs};
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

/// Runs the test suite of a client library against the reference server and Gannet, through a link called `nats-server`.
///
/// Needs Linux, and what the suite needs: Python for nats.py; cmake, make and a C compiler for nats.c. Exit code 0 if
/// Gannet passes whatever the reference server does, 1 otherwise.
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The tests of github.com/nats-io/nats.py that need no JetStream and no WebSocket
    #[value(name = "nats.py")]
    Python,
    /// The tests of github.com/nats-io/nats.c that need no JetStream
    #[value(name = "nats.c")]
    C,
}

/// Files of nats.py.
const PYTHON: [&str; 8] = [
    "tests/test_client.py",
    "tests/test_client_v2.py",
    "tests/test_client_async_await.py",
    "tests/test_client_nkeys.py",
    "tests/test_parser.py",
    "tests/test_nuid.py",
    "tests/test_compatibility.py",
    "tests/test_micro_service.py",
];
/// What the Python suite is run with.
const PACKAGES: [&str; 5] = ["pytest", "pytest-timeout", "nats-py", "nkeys", "aiohttp"];
/// Tests of nats.c that need JetStream.
const NOT_C: &str = "JetStream|KeyValue|ObjStore|js_|kv_|Stan|JS";

fn main() -> ExitCode {
    let flags = Flags::parse();
    let folder = programs::acceptance_dir().join("suites");
    let run = |kind| {
        let passed = run(&flags, &folder, kind);
        println!(
            "{kind:?}: {} of {} tests pass",
            passed.values().filter(|ok| **ok).count(),
            passed.len()
        );
        passed
    };
    let (go, gannet) = (run(Kind::Go), run(Kind::Gannet));
    let wanted = |name: &&String| !flags.without.iter().any(|text| name.contains(text));
    let counted: Vec<&String> = go
        .iter()
        .filter(|(_, ok)| **ok)
        .map(|(name, _)| name)
        .filter(wanted)
        .collect();
    let missing: Vec<&&String> = (counted.iter())
        .filter(|name| gannet.get(**name) != Some(&true))
        .collect();
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

/// Runs the suite with one program; each test with whether it passed.
fn run(flags: &Flags, folder: &Path, kind: Kind) -> BTreeMap<String, bool> {
    let links = folder.join(format!("bin-{kind:?}"));
    std::fs::create_dir_all(&links).expect("a folder can be made");
    let link = links.join("nats-server");
    // Fails when there was none.
    let _ = std::fs::remove_file(&link);
    symlink(kind.program(), &link).expect("a link can be made");
    let copy = folder.join(format!("{:?}-{kind:?}", flags.suite));
    let _ = std::fs::remove_dir_all(&copy);
    obtain(Command::new("cp").arg("-r").arg(&flags.source).arg(&copy));
    match flags.suite {
        Suite::Python => python(folder, &copy, &links),
        Suite::C => c(&copy, &links),
    }
}

fn python(folder: &Path, copy: &Path, links: &Path) -> BTreeMap<String, bool> {
    let environment = folder.join("python");
    if !environment.exists() {
        obtain(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(&environment),
        );
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        obtain(
            Command::new(environment.join("bin/python"))
                .args(pip)
                .args(PACKAGES),
        );
    }
    let mut command = alone(&environment.join("bin/python"), links);
    command
        .args([
            "-m",
            "pytest",
            "-q",
            "-rA",
            "--timeout",
            "60",
            "-p",
            "no:cacheprovider",
        ])
        .args(PYTHON);
    let said = text(
        &command
            .current_dir(copy.join("nats"))
            .output()
            .expect("pytest can be started"),
    );
    let result = |line: &str| {
        let (word, name) = line.split_once(' ')?;
        let name = name.split(" - ").next().unwrap_or(name).trim().to_owned();
        match word {
            "PASSED" => Some((name, true)),
            "FAILED" => Some((name, false)),
            _ => None,
        }
    };
    said.lines().filter_map(result).collect()
}

fn c(copy: &Path, links: &Path) -> BTreeMap<String, bool> {
    let build = copy.join("build");
    std::fs::create_dir_all(&build).expect("a folder can be made");
    let without = ["-DNATS_BUILD_STREAMING=OFF", "-DNATS_BUILD_EXAMPLES=OFF"];
    obtain(
        Command::new("cmake")
            .arg("..")
            .args(without)
            .current_dir(&build),
    );
    obtain(Command::new("make").current_dir(&build));
    let mut command = alone(Path::new("ctest"), links);
    command.args(["--timeout", "60", "-E", NOT_C]);
    let said = text(
        &command
            .current_dir(&build)
            .output()
            .expect("ctest can be started"),
    );
    let result = |line: &str| {
        let (_, rest) = line.split_once(" Test ")?;
        let (_, rest) = rest.split_once(": ")?;
        let name = rest.split([' ', '.']).next()?.to_owned();
        Some((name, rest.contains("Passed")))
    };
    said.lines().filter_map(result).collect()
}

/// A command that finds the link before any other server, in a network of its own where that is possible: suites use
/// ports that others use, too.
fn alone(program: &Path, links: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("unshare");
    let script = "ip link set lo up; exec \"$0\" \"$@\"";
    command
        .args(["--map-root-user", "--net", "sh", "-c", script])
        .arg(program);
    let can = Command::new("unshare")
        .args(["--map-root-user", "--net", "true"])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        command = Command::new(program);
    }
    command.env("PATH", format!("{}:{path}", links.display()));
    command
}

/// Runs what everything else needs.
fn obtain(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", text(&output));
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}
