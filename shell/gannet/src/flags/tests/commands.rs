//! Tables: command line → what is to be done.

use super::invocation;
use crate::flags::signal::SignalCommand;
use crate::flags::{Command, DevOptions, DryRun, SignalRequest};

fn signal(command: SignalCommand, target: Option<&str>) -> Command {
    Command::Signal(SignalRequest {
        command,
        target: target.map(Into::into),
    })
}

#[test]
fn commands_are_told_apart() {
    let ours = format!(
        "gannet: v{} (nats-server 2.15.1 compatible)",
        env!("CARGO_PKG_VERSION")
    );
    let ours = Command::Print(ours);
    let theirs = Command::Print("nats-server: v2.15.1".into());
    let bench = |args: &[&str]| Command::Bench(args.iter().map(Into::into).collect());
    let dev = |clusters, nodes| {
        Command::Dev(DevOptions {
            clusters,
            nodes,
            base_port: None,
            no_monitor: false,
            verbose: false,
        })
    };
    let cases: &[(&str, Command)] = &[
        ("gannet -v", ours.clone()),
        ("/usr/bin/gannet --version", ours.clone()),
        ("gannet version", ours.clone()),
        ("gannet -D VERSION -p", ours.clone()),
        ("gannet -js -v", ours),
        ("/usr/bin/nats-server -v", theirs.clone()),
        ("nats-server.exe -version", theirs.clone()),
        ("nats-server version", theirs),
        ("gannet -v=false", Command::Serve),
        ("gannet --", Command::Serve),
        ("gannet -t -c a.conf", Command::CheckConfig),
        ("gannet -t=false -c a.conf", Command::Serve),
        ("gannet -sl stop", signal(SignalCommand::Stop, None)),
        (
            "gannet --signal quit=123",
            signal(SignalCommand::Quit, Some("123")),
        ),
        (
            "gannet --signal=term=x.pid",
            signal(SignalCommand::Term, Some("x.pid")),
        ),
        (
            "gannet --signal reopen=12*",
            signal(SignalCommand::Reopen, Some("12*")),
        ),
        (
            "gannet -signal reload=",
            signal(SignalCommand::Reload, None),
        ),
        ("gannet --signal ldm", signal(SignalCommand::LameDuck, None)),
        ("gannet dev", dev(3, 1)),
        ("gannet dev --clusters 5 --nodes 4", dev(5, 4)),
        ("gannet dev --clusters=2", dev(2, 1)),
        ("gannet bench", bench(&[])),
        ("gannet bench -x --vs y z", bench(&["-x", "--vs", "y", "z"])),
    ];
    for (line, wanted) in cases {
        assert_eq!(
            invocation(line).map(|i| i.command).as_ref(),
            Ok(wanted),
            "{line}"
        );
    }
}

#[test]
fn the_configuration_file_is_named_in_every_spelling() {
    for (line, wanted) in [
        ("gannet", None),
        ("gannet -c a.conf", Some("a.conf")),
        ("gannet --config=a.conf", Some("a.conf")),
        ("gannet -t -config a.conf", Some("a.conf")),
        ("gannet -c ''", None),
    ] {
        assert_eq!(
            invocation(line).map(|i| i.config),
            Ok(wanted.map(Into::into)),
            "{line}"
        );
    }
}

#[test]
fn a_dry_run_is_one_of_a_reload() {
    let command = |line: &str| invocation(line).map(|invocation| invocation.command);
    let dry_run = |target: Option<&str>, monitor: Option<&str>, json| {
        Ok(Command::DryRun(DryRun {
            request: SignalRequest {
                command: SignalCommand::Reload,
                target: target.map(Into::into),
            },
            monitor: monitor.map(Into::into),
            json,
        }))
    };
    let alone = |flag: &str, with: &str| Err(format!("gannet: --{flag} goes with {with} only"));
    for (line, wanted) in [
        (
            "gannet --signal reload --dry-run",
            dry_run(None, None, false),
        ),
        (
            "gannet -dry-run -json -sl=reload=7",
            dry_run(Some("7"), None, true),
        ),
        (
            "gannet -sl reload --dry-run --monitor http://h:1",
            dry_run(None, Some("http://h:1"), false),
        ),
        (
            "gannet --signal ldm --dry-run",
            alone("dry-run", "--signal reload"),
        ),
        (
            "gannet -c x.conf --dry-run",
            alone("dry-run", "--signal reload"),
        ),
        ("gannet --signal reload --json", alone("json", "--dry-run")),
        (
            "gannet --monitor http://h:1",
            alone("monitor", "--signal reload"),
        ),
    ] {
        assert_eq!(command(line), wanted, "{line}");
    }
}
