//! The suite of nats.py: pytest runs its files in one process, as its authors do.

use crate::jobs::{Job, obtain, text};
use std::path::Path;
use std::process::{Command, Output};

/// Files of nats.py.
const FILES: [&str; 8] = [
    "tests/test_client.py",
    "tests/test_client_v2.py",
    "tests/test_client_async_await.py",
    "tests/test_client_nkeys.py",
    "tests/test_parser.py",
    "tests/test_nuid.py",
    "tests/test_compatibility.py",
    "tests/test_micro_service.py",
];
/// What the suite is run with.
const PACKAGES: [&str; 5] = ["pytest", "pytest-timeout", "nats-py", "nkeys", "aiohttp"];
const PYTEST: [&str; 7] = [
    "-m",
    "pytest",
    "-q",
    "-rA",
    "--timeout=60",
    "-p",
    "no:cacheprovider",
];

/// One job for all; the interpreter is kept in `tools`.
pub(crate) fn jobs(tools: &Path, copy: &Path) -> Vec<Job> {
    let python = tools.join("bin/python");
    if !python.exists() {
        obtain(Command::new("python3").args(["-m", "venv"]).arg(tools));
        let install = "-m pip install --quiet --disable-pip-version-check";
        obtain(
            Command::new(&python)
                .args(install.split(' '))
                .args(PACKAGES),
        );
    }
    let mut line = vec![python.display().to_string()];
    line.extend(PYTEST.iter().chain(&FILES).map(|word| (*word).to_owned()));
    vec![Job {
        name: "pytest".to_owned(),
        line,
        folder: copy.join("nats"),
        copied: false,
        environment: Vec::new(),
        limit: 1800,
        read,
    }]
}

fn read(_: &str, output: &Output) -> Vec<(String, bool)> {
    let result = |line: &str| {
        let (word, name) = line.split_once(' ')?;
        let name = name.split(" - ").next().unwrap_or(name).trim().to_owned();
        match word {
            "PASSED" => Some((name, true)),
            "FAILED" => Some((name, false)),
            _ => None,
        }
    };
    text(output).lines().filter_map(result).collect()
}
