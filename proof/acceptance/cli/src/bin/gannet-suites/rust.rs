//! The suite of async-nats: the test programs of the crate in its repository, which start servers by the crate
//! `nats-server` beside it. Each test runs in a process of its own.

use crate::jobs::{Job, by_exit_code, obtain, text};
use std::path::Path;
use std::process::Command;

/// Test programs that need nothing but the core server.
const PROGRAMS: [&str; 6] = [
    "client_tests",
    "server_pool_tests",
    "server_pool_parity_tests",
    "service_tests",
    "subject_validation_test",
    "tls_tests",
];

/// One job for each test. The build goes where `CARGO_TARGET_DIR` says, else into the copy.
pub(crate) fn jobs(copy: &Path) -> Vec<Job> {
    let mut build = Command::new("cargo");
    build.args([
        "test",
        "--package",
        "async-nats",
        "--no-run",
        "--features",
        "slow_tests",
    ]);
    build.args(PROGRAMS.iter().flat_map(|name| ["--test", name]));
    build.envs([
        ("CARGO_PROFILE_TEST_DEBUG", "0"),
        ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ]);
    let said = obtain(build.current_dir(copy));
    // "  Executable tests/tls_tests.rs (target/debug/deps/tls_tests-0123456789abcdef)"
    let programs = said.lines().filter_map(|line| {
        let (name, path) = line
            .trim()
            .strip_prefix("Executable tests/")?
            .split_once(".rs (")?;
        Some((name, copy.join(path.strip_suffix(')')?)))
    });
    programs
        .flat_map(|(name, path)| of_program(copy, name, &path))
        .collect()
}

fn of_program(copy: &Path, name: &str, path: &Path) -> Vec<Job> {
    let list = Command::new(path)
        .args(["--list", "--format", "terse"])
        .output();
    let list = text(&list.expect("the test program can be started"));
    let job = |test: &str| Job {
        name: format!("{name}::{test}"),
        line: vec![
            path.display().to_string(),
            test.to_owned(),
            "--exact".to_owned(),
        ],
        folder: copy.join("async-nats"),
        copied: false,
        environment: vec![(
            "CARGO_MANIFEST_DIR",
            copy.join("async-nats").display().to_string(),
        )],
        limit: 120,
        read: by_exit_code,
    };
    list.lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(job)
        .collect()
}
