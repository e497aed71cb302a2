//! Running the parts of a suite: each in a network, a process namespace and a temporary folder of its own, several at
//! once; what they say becomes tests with whether they passed.
//!
//! Not here: which parts a suite has, and how what they say is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

/// How many parts run at a time: most of their time is waiting.
const AT_ONCE: usize = 4;
/// With more parts failing than this, the cause is not the machine's load: they get no second attempt.
const AGAIN: usize = 60;

/// A part of a suite, as small as it can be started.
pub(crate) struct Job {
    /// What it is called in what is printed.
    pub(crate) name: String,
    /// Program and arguments.
    pub(crate) line: Vec<String>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// Whether it gets a copy of that folder, since it writes there.
    pub(crate) copied: bool,
    /// Environment variables.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Seconds after which it has failed.
    pub(crate) limit: u32,
    /// Reads the tests, with whether they passed, out of what was said by the job of this name.
    pub(crate) read: fn(&str, &Output) -> Vec<(String, bool)>,
}

/// Runs all jobs with the `nats-server` that is in `links`, which finds `environment` in its own; each test with whether
/// it passed. What fails is tried once more, alone: a test that passes then was beaten by the load.
pub(crate) fn run(
    jobs: &[Job],
    links: &Path,
    environment: &[(&str, &str)],
    scratch: &Path,
) -> BTreeMap<String, bool> {
    let apart = can_be_apart();
    let attempt = |job: &Job, scratch: &Path| {
        let mut command = command(job, links, scratch, apart);
        command.envs(environment.iter().copied());
        attempt(job, command, scratch)
    };
    if !apart {
        println!("without namespaces, tests run one at a time and on the machine's ports");
    }
    let passed = Mutex::new(BTreeMap::new());
    let again = Mutex::new(Vec::new());
    let todo = Mutex::new(jobs.iter().enumerate());
    let next = || todo.lock().expect("no worker panics").next();
    let worker = || {
        while let Some((number, job)) = next() {
            let results = attempt(job, &scratch.join(number.to_string()));
            if results.is_empty() || results.iter().any(|(_, ok)| !ok) {
                again.lock().expect("no worker panics").push(job);
            }
            passed.lock().expect("no worker panics").extend(results);
        }
    };
    thread::scope(|scope| {
        for _ in 0..if apart { AT_ONCE } else { 1 } {
            scope.spawn(worker);
        }
    });
    let mut passed = passed.into_inner().expect("no worker panics");
    let again = again.into_inner().expect("no worker panics");
    for job in again.iter().filter(|_| again.len() <= AGAIN) {
        for (name, ok) in attempt(job, &scratch.join("again")) {
            *passed.entry(name).or_insert(false) |= ok;
        }
    }
    passed
}

/// What runs the job, in a fresh folder.
fn command(job: &Job, links: &Path, scratch: &Path, apart: bool) -> Command {
    let _ = std::fs::remove_dir_all(scratch);
    std::fs::create_dir_all(scratch).expect("a folder can be made");
    let mut folder = job.folder.clone();
    if job.copied {
        folder = scratch.join("here");
        obtain(Command::new("cp").arg("-a").arg(&job.folder).arg(&folder));
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &job.limit.to_string()]);
    if apart {
        // Servers tell clients about addresses of theirs that are not loopback's.
        let script =
            "ip link set lo up; ip address add 192.0.2.1/32 dev lo; \"$0\" \"$@\"; exit $?";
        command.args(APART).args(["sh", "-c", script]);
    }
    command
        .args(&job.line)
        .current_dir(&folder)
        .env("PATH", format!("{}:{path}", links.display()))
        .env("TMPDIR", scratch)
        .envs(job.environment.iter().cloned());
    command
}

fn attempt(job: &Job, mut command: Command, scratch: &Path) -> Vec<(String, bool)> {
    let output = command.output().expect("timeout can be started");
    let results = (job.read)(&job.name, &output);
    if results.is_empty() {
        println!("{}: no result: {}", job.name, text(&output).trim_end());
    }
    std::fs::remove_dir_all(scratch).expect("the folder can be removed");
    results
}

/// Suites use ports that others use, too, leave servers behind, and name files by process ids.
const APART: [&str; 7] = [
    "unshare",
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
];

fn can_be_apart() -> bool {
    let mut command = Command::new(APART[0]);
    let made = command.args(&APART[1..]).arg("true").output();
    made.is_ok_and(|output| output.status.success())
}

/// Runs what everything else needs.
pub(crate) fn obtain(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

/// All that was said.
pub(crate) fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// The result of a job that is one test, by its exit code.
pub(crate) fn by_exit_code(name: &str, output: &Output) -> Vec<(String, bool)> {
    vec![(name.to_owned(), output.status.success())]
}
