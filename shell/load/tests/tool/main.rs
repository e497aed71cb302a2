//! The load tool as a whole, against a small server of the tests' own: it passes an honest one and finds every fault.
//!
//! The tool starts server binaries; this test binary doubles as one. A script that carries the fault in its text starts
//! it again with the ignored test `as_server`, and in the same way `as_tool` runs the tool in a process that can be
//! interrupted.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a client-side tool and a toy server: real sockets, threads and time are what is under test"
)]

mod fake;
mod stage;

use std::time::Duration;

use stage::Stage;

/// What every run of these tests is asked for.
const SMALL: [&str; 7] = [
    "--quick",
    "--messages=4000",
    "--connections=20",
    "--subscriptions=2000",
    "--subscribers=3",
    "--patience=30",
    "--targets",
];

#[test]
#[ignore = "not a test: the server process of the others"]
fn as_server() {
    if let Ok(words) = std::env::var(stage::SERVER_WORDS) {
        fake::serve(&words);
    }
}

#[test]
#[ignore = "not a test: the tool's process of the others"]
fn as_tool() {
    if let Ok(words) = std::env::var(stage::TOOL_WORDS) {
        let words = words.split(' ').map(Into::into);
        std::process::exit(gannet_load::main(words));
    }
}

#[test]
fn an_honest_server_passes_every_scenario_on_one_server() {
    let names = [
        "publish-16",
        "1-1-*",
        "1-10",
        "1-100",
        "4x1-1",
        "subjects-*",
        "queue-8",
        "headers",
        "request",
        "request-64*",
        "idle",
        "subscriptions",
        "startup",
    ];
    let stage = Stage::new("honest");
    let (code, report) = stage.run(&[&SMALL[..], &names].concat());
    assert_eq!(code, 0, "{report:#}");
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 19);
    for scenario in scenarios {
        let name = &scenario["name"];
        assert!(scenario["error"].is_null(), "{scenario:#}");
        let figures = scenario["figures"].as_array().unwrap();
        assert!(figures.len() >= 3, "{name}");
        for figure in figures {
            let median = figure["ours"]["median"].as_f64().unwrap();
            // Memory of so few connections and subscriptions, and idle CPU, may be nothing at all.
            let may_be_zero = matches!(
                figure["key"].as_str(),
                Some(
                    "memory_per_connection"
                        | "memory_per_subscription"
                        | "memory_kept"
                        | "idle_cpu"
                )
            );
            assert!(
                median > 0.0 || (may_be_zero && median == 0.0),
                "{name}: {figure}"
            );
        }
    }
    assert_eq!(report["servers"][0]["version"], "0.0.0-fake");
}

#[test]
fn a_server_compared_with_itself_has_ratios() {
    let stage = Stage::new("honest");
    let itself = format!("--vs={}", stage.server());
    let (code, report) =
        stage.run(&[&SMALL[..], &["--rounds=2", &itself, "1-1-16", "request"]].concat());
    assert_eq!(code, 0, "{report:#}");
    for scenario in report["scenarios"].as_array().unwrap() {
        for figure in scenario["figures"].as_array().unwrap() {
            assert_eq!(figure["ours"]["rounds"].as_array().unwrap().len(), 2);
            assert_eq!(figure["theirs"]["rounds"].as_array().unwrap().len(), 2);
            assert!(figure["ratio"].as_f64().unwrap() > 0.0, "{figure}");
        }
    }
}

#[test]
fn each_fault_fails_the_run_and_is_named() {
    let cases = [
        (
            "lose",
            "1-1-16",
            "message 1000 of publisher 0 came where 999 was due: 1 lost or overtaken",
        ),
        (
            "double",
            "1-1-128",
            "message 999 of publisher 0 came again or too late, 1000 was due",
        ),
        (
            "swap",
            "headers",
            "message 1000 of publisher 0 came where 999 was due: 1 lost or overtaken",
        ),
        ("change", "1-1-16", "message 999 came changed"),
        (
            "silent",
            "1-1-4k",
            "no progress for 1 s: messages on their way to the receivers",
        ),
        (
            "hangup",
            "1-1-16",
            "the server closed a receiver's connection: receiver 0 of publisher 0 has ",
        ),
        (
            "error",
            "1-1-16",
            "the server answered -ERR 'Slow Consumer'",
        ),
        (
            "double",
            "queue-8",
            "message 999 of publisher 0 came again or too late, 1000 was due",
        ),
        ("lose", "queue-8", " deliveries arrived"),
        ("lose", "request-64", " was due"),
        ("silent", "request", "no progress for 1 s"),
        (
            "lose",
            "subjects-wildcard",
            "message 1000 of publisher 0 came where 999 was due: 1 lost or overtaken",
        ),
    ];
    for (fault, scenario, expected) in cases {
        // Patience runs out where nothing comes any more; on a busy machine that must not be said of the others.
        let patience = match (fault, expected) {
            ("silent", _) => "--patience=1",
            (_, " deliveries arrived") => "--patience=3",
            _ => "--patience=30",
        };
        let stage = Stage::new(fault);
        let (code, report) = stage.run(&["--quick", "--messages=100000", patience, scenario]);
        let error = report["scenarios"][0]["error"].as_str().unwrap_or_default();
        assert!(error.contains(expected), "{fault}, {scenario}: {error}");
        assert_eq!(code, 1);
    }
}

#[test]
fn a_fault_in_the_last_message_is_found_too() {
    for (fault, expected) in [
        ("lose-last", "deliveries arrived"),
        // Nothing is due any more, and the fence still sees it.
        ("double-last", "came again or too late"),
    ] {
        let stage = Stage::new(fault);
        let (code, report) = stage.run(&["--quick", "--messages=2000", "--patience=3", "1-1-64k"]);
        let error = report["scenarios"][0]["error"].as_str().unwrap_or_default();
        assert!(error.contains(expected), "{fault}: {error}");
        assert_eq!(code, 1);
    }
}

#[test]
fn a_server_that_ends_at_once_is_reported_with_its_log() {
    let stage = Stage::new("refuse");
    let output = stage.spawn(&["startup"]).wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("ended with exit status: 3\n    | ") && errors.contains("no such luck"),
        "{errors}"
    );
}

#[test]
fn wrong_names_and_arguments_are_usage_errors() {
    let stage = Stage::new("honest");
    for words in [["no-such-scenario"], ["--rounds=0"]] {
        let output = stage.spawn(&words).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!output.stderr.is_empty());
    }
    let output = stage.spawn(&["--list"]).wait_with_output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains("gateway-1-10               gateway, 1 → 10, 128 B\n")
    );
}

#[test]
fn an_interrupted_run_ends_its_servers_and_says_so() {
    let stage = Stage::new("honest");
    let mut tool = stage.spawn(&["--duration=600", "1-1-16"]);
    // The first server only tells its version; the second is the measured one.
    let server = stage.server_pid(1, Duration::from_secs(20));
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(tool.id().cast_signed()),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
    assert_eq!(tool.wait().unwrap().code(), Some(130));
    assert!(
        !std::path::Path::new(&format!("/proc/{server}")).exists(),
        "server {server} is still there"
    );
}
