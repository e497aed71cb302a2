//! Tables: command line → what is meant.

use std::ffi::OsString;

use gannet_config::{ByteCount, LoggingOptions, Options, Port, Secret, Source};

use super::signal::SignalCommand;
use super::{Command, Disk, Invocation, SignalRequest};

/// The invocation of a line whose words are separated by blanks; `''` is an empty one.
fn invocation(line: &str) -> Result<Invocation, String> {
    let args = line
        .split(' ')
        .map(|arg| OsString::from(if arg == "''" { "" } else { arg }));
    let (program, result) = super::parse(args);
    result.map_err(|error| format!("{}: {error}", program.name()))
}

/// The options of a line over a file that says `file`.
fn over(file: &Options, line: &str) -> Options {
    let invocation = invocation(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let mut options = file.clone();
    invocation.apply(&mut options);
    options
}

fn changed(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

fn logged(change: impl FnOnce(&mut LoggingOptions)) -> Options {
    changed(|o| change(&mut o.logging))
}

#[test]
fn flags_reach_their_options_in_every_spelling() {
    let cases: &[(&str, Options)] = &[
        ("gannet", Options::default()),
        ("gannet -p 4333", changed(|o| o.port = Port::At(4333))),
        ("gannet --p 4333", changed(|o| o.port = Port::At(4333))),
        ("gannet -p=4333", changed(|o| o.port = Port::At(4333))),
        ("gannet --port=4333", changed(|o| o.port = Port::At(4333))),
        ("gannet -port 0x10ed", changed(|o| o.port = Port::At(4333))),
        ("gannet -p -1", changed(|o| o.port = Port::Random)),
        ("gannet -p 1 --port 2", changed(|o| o.port = Port::At(2))),
        (
            "gannet -a 127.0.0.1",
            changed(|o| o.host = "127.0.0.1".into()),
        ),
        (
            "gannet --addr 127.0.0.1",
            changed(|o| o.host = "127.0.0.1".into()),
        ),
        (
            "gannet -net 127.0.0.1",
            changed(|o| o.host = "127.0.0.1".into()),
        ),
        ("gannet -n x", changed(|o| o.server_name = Some("x".into()))),
        (
            "gannet --name x",
            changed(|o| o.server_name = Some("x".into())),
        ),
        (
            "gannet --server_name=x=y",
            changed(|o| o.server_name = Some("x=y".into())),
        ),
        (
            "gannet -P x.pid",
            changed(|o| o.pid_file = Some("x.pid".into())),
        ),
        (
            "gannet --pid x.pid",
            changed(|o| o.pid_file = Some("x.pid".into())),
        ),
        (
            "gannet -m 8222",
            changed(|o| o.monitoring.port = Some(Port::At(8222))),
        ),
        (
            "gannet --http_port -1",
            changed(|o| o.monitoring.port = Some(Port::Random)),
        ),
        (
            "gannet --client_advertise a:1",
            changed(|o| o.client_advertise = Some("a:1".into())),
        ),
        (
            "gannet --ports_file_dir d",
            changed(|o| o.ports_file_dir = Some("d".into())),
        ),
        ("gannet -sd d", changed(|o| o.store_dir = Some("d".into()))),
        (
            "gannet --store_dir d",
            changed(|o| o.store_dir = Some("d".into())),
        ),
        ("gannet -l x.log", logged(|l| l.file = Some("x.log".into()))),
        (
            "gannet --log x.log",
            logged(|l| l.file = Some("x.log".into())),
        ),
        (
            "gannet --log_size_limit 99",
            logged(|l| l.file_size_limit = Some(ByteCount(99))),
        ),
        ("gannet -T=false", logged(|l| l.time = false)),
        ("gannet --logtime=0", logged(|l| l.time = false)),
        ("gannet --logtime_utc", logged(|l| l.time_utc = true)),
        (
            "gannet --max_traced_msg_len 9",
            logged(|l| l.max_traced_message = Some(ByteCount(9))),
        ),
        ("gannet -D", logged(|l| l.debug = true)),
        ("gannet --debug", logged(|l| l.debug = true)),
        ("gannet -V", logged(|l| l.trace = true)),
        ("gannet -trace", logged(|l| l.trace = true)),
        (
            "gannet -VV",
            logged(|l| (l.trace, l.trace_verbose) = (true, true)),
        ),
        ("gannet -DV", logged(|l| (l.debug, l.trace) = (true, true))),
        (
            "gannet --DVV",
            logged(|l| (l.debug, l.trace, l.trace_verbose) = (true, true, true)),
        ),
        (
            "gannet -DV -D=false",
            logged(|l| (l.debug, l.trace) = (true, true)),
        ),
        (
            "gannet --user u --pass p",
            changed(|o| {
                o.auth.user = Some("u".into());
                o.auth.password = Secret::new("p");
            }),
        ),
        (
            "gannet --auth t",
            changed(|o| o.auth.token = Some(Secret::new("t"))),
        ),
        ("gannet -js=false -s=F", Options::default()),
    ];
    for (line, wanted) in cases {
        assert_eq!(&over(&Options::default(), line), wanted, "{line}");
        assert_eq!(
            invocation(line).map(|i| i.command),
            Ok(Command::Serve),
            "{line}"
        );
    }
}

#[test]
fn flags_beat_the_file_and_what_is_not_flagged_stays() {
    let file = changed(|o| {
        o.host = "10.0.0.1".into();
        o.port = Port::At(5000);
        o.server_name = Some("file".into());
        o.monitoring.port = Some(Port::At(8222));
        (o.logging.debug, o.logging.trace, o.logging.trace_verbose) = (true, true, true);
        o.auth.token = Some(Secret::new("t"));
    });
    let differently = |change: &dyn Fn(&mut Options)| {
        let mut options = file.clone();
        change(&mut options);
        options
    };
    let cases: &[(&str, Options)] = &[
        ("gannet -c x", file.clone()),
        ("gannet -p 4333", differently(&|o| o.port = Port::At(4333))),
        ("gannet -p 0", differently(&|o| o.port = Port::At(4222))),
        ("gannet -a ''", differently(&|o| o.host = "0.0.0.0".into())),
        ("gannet -n ''", differently(&|o| o.server_name = None)),
        ("gannet -m 0", differently(&|o| o.monitoring.port = None)),
        ("gannet -D=false", differently(&|o| o.logging.debug = false)),
        ("gannet -V=f", differently(&|o| o.logging.trace = false)),
        (
            "gannet -DV=false",
            differently(&|o| {
                (o.logging.debug, o.logging.trace) = (false, false);
            }),
        ),
        (
            "gannet -VV=false",
            differently(&|o| {
                (o.logging.trace, o.logging.trace_verbose) = (false, false);
            }),
        ),
        ("gannet --auth ''", differently(&|o| o.auth.token = None)),
    ];
    for (line, wanted) in cases {
        assert_eq!(&over(&file, line), wanted, "{line}");
    }
}

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
    let dev = |clusters| {
        Command::Dev(super::DevOptions {
            clusters,
            nodes: 1,
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
        ("gannet dev", dev(3)),
        ("gannet dev --clusters 5 --nodes 1", dev(5)),
        ("gannet dev --clusters=2", dev(2)),
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
fn wrong_lines_are_refused_in_the_reference_words() {
    for (line, wanted) in [
        (
            "nats-server -bogus",
            "nats-server: flag provided but not defined: -bogus",
        ),
        (
            "gannet --bogus=3",
            "gannet: flag provided but not defined: -bogus",
        ),
        ("gannet ---p", "gannet: bad flag syntax: ---p"),
        ("gannet -=x", "gannet: bad flag syntax: -=x"),
        ("gannet --=x", "gannet: bad flag syntax: --=x"),
        ("gannet -p", "gannet: flag needs an argument: -p"),
        (
            "gannet --http_port",
            "gannet: flag needs an argument: -http_port",
        ),
        (
            "gannet -p abc",
            "gannet: invalid value \"abc\" for flag -p: parse error",
        ),
        (
            "gannet --port=",
            "gannet: invalid value \"\" for flag -port: parse error",
        ),
        (
            "gannet -m 1.5",
            "gannet: invalid value \"1.5\" for flag -m: parse error",
        ),
        (
            "gannet -p 70000",
            "gannet: invalid value \"70000\" for flag -p: value out of range",
        ),
        (
            "gannet --log_size_limit 99999999999999999999",
            "gannet: invalid value \"99999999999999999999\" for flag -log_size_limit: \
             value out of range",
        ),
        (
            "gannet -D=maybe",
            "gannet: invalid boolean value \"maybe\" for -D: parse error",
        ),
        (
            "gannet -DV=",
            "gannet: invalid boolean value \"\" for -DV: parse error",
        ),
        (
            "gannet -js=maybe",
            "gannet: invalid boolean value \"maybe\" for -js: parse error",
        ),
        ("gannet foo", "gannet: unrecognized command: \"foo\""),
        ("gannet -D false", "gannet: unrecognized command: \"false\""),
        ("gannet -", "gannet: unrecognized command: \"-\""),
        ("gannet -- -p 3", "gannet: unrecognized command: \"-p\""),
        (
            "nats-server dev",
            "nats-server: unrecognized command: \"dev\"",
        ),
        (
            "nats-server bench",
            "nats-server: unrecognized command: \"bench\"",
        ),
        (
            "gannet -t",
            "gannet: must specify [-c, --config] option to check configuration file syntax",
        ),
        (
            "gannet -sl stop=a=b=c",
            "gannet: invalid signal parameters: [b c]",
        ),
        ("gannet -sl foo", "gannet: unknown signal \"foo\""),
    ] {
        assert_eq!(invocation(line), Err(wanted.to_string()), "{line}");
    }
}

#[test]
fn flags_of_unbuilt_parts_say_so() {
    for (line, flag, feature) in [
        ("gannet -js", "js", "JetStream"),
        ("gannet --jetstream", "jetstream", "JetStream"),
        ("gannet -js=true -D", "js", "JetStream"),
        ("gannet --cluster nats://x:1", "cluster", "routes"),
        (
            "gannet --cluster_listen nats://x:1",
            "cluster_listen",
            "routes",
        ),
        ("gannet --cluster_name x", "cluster_name", "routes"),
        (
            "gannet --cluster_advertise x",
            "cluster_advertise",
            "routes",
        ),
        ("gannet --connect_retries 3", "connect_retries", "routes"),
        ("gannet --no_advertise", "no_advertise", "routes"),
        ("gannet -routes=nats://x:1", "routes", "routes"),
        ("gannet -ms 8443", "ms", "TLS"),
        ("gannet --https_port 8443", "https_port", "TLS"),
        ("gannet --tls", "tls", "TLS"),
        ("gannet --tlsverify", "tlsverify", "TLS"),
        ("gannet --tlscert x", "tlscert", "TLS"),
        ("gannet --tlskey x", "tlskey", "TLS"),
        ("gannet --tlscacert x", "tlscacert", "TLS"),
        ("gannet --help_tls", "help_tls", "TLS"),
        ("gannet -s", "s", "syslog"),
        ("gannet --syslog", "syslog", "syslog"),
        ("gannet -r udp://x:1", "r", "syslog"),
        (
            "gannet --remote_syslog udp://x:1",
            "remote_syslog",
            "syslog",
        ),
        ("gannet --profile 6060", "profile", "profiling"),
        ("gannet dev --nodes 2", "-nodes", "routes"),
    ] {
        let wanted = format!(
            "gannet: flag -{flag} is known but not supported yet by this version of Gannet \
             ({feature})"
        );
        assert_eq!(invocation(line), Err(wanted), "{line}");
    }
}

#[test]
fn help_names_every_flag_and_only_the_commands_of_the_name_it_was_called_by() {
    let text = |line| match invocation(line).map(|i| i.command) {
        Ok(Command::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    };
    let ours = text("gannet -h");
    assert_eq!(ours, text("gannet --help"));
    assert_eq!(ours, text("gannet help"));
    for flag in [
        "-a, --addr <HOST>",
        "-p, --port <PORT>",
        "-c, --config <FILE>",
        "-D, --debug",
        "-m, --http_port <PORT>",
        "--signal <SIGNAL[=PID]>",
        "--pass <PASSWORD>",
        "--DVV",
    ] {
        assert!(ours.contains(flag), "{flag} is missing in\n{ours}");
    }
    assert!(
        ours.contains("gannet dev") && !ours.contains("[<BOOL>]"),
        "{ours}"
    );
    let theirs = text("nats-server -h");
    assert!(
        theirs.contains("Usage: nats-server [options]") && !theirs.contains("dev"),
        "{theirs}"
    );
    assert!(text("gannet dev --help").contains("--clusters <M>"));
}

#[test]
fn wrong_arguments_of_dev_are_explained() {
    for (line, wanted) in [
        (
            "gannet dev --clusters 0",
            "invalid value '0' for '--clusters <M>'",
        ),
        (
            "gannet dev --clusters x",
            "invalid value 'x' for '--clusters <M>'",
        ),
        ("gannet dev --bogus", "unexpected argument '--bogus' found"),
    ] {
        let error = invocation(line).expect_err("refused");
        assert!(
            error.starts_with(&format!("gannet: {wanted}")),
            "{line}: {error}"
        );
    }
}

#[test]
fn secrets_of_the_command_line_are_not_shown() {
    let shown = format!("{:?}", invocation("gannet --pass hunter2 --auth hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn signals_find_their_processes_or_say_why_not() {
    let file = |path: &str| (path == "x.pid").then(|| "77\n".to_string());
    /// Whom to tell, who runs, and who is told.
    type Case = (
        Option<&'static str>,
        &'static [u32],
        Result<&'static [u32], &'static str>,
    );
    let cases: &[Case] = &[
        (Some("123"), &[], Ok(&[123])),
        (Some("x.pid"), &[], Ok(&[77])),
        (Some("y.pid"), &[], Err("invalid pid: y.pid")),
        (None, &[5], Ok(&[5])),
        (None, &[], Err("no gannet processes running")),
        (
            None,
            &[5, 6],
            Err("multiple gannet processes running:\n5\n6"),
        ),
        (Some("*"), &[5, 61, 62], Ok(&[5, 61, 62])),
        (Some("6*"), &[5, 61, 62], Ok(&[61, 62])),
        (Some("6*"), &[], Err("no gannet processes running")),
    ];
    for (target, running, wanted) in cases {
        let request = SignalRequest {
            command: SignalCommand::Stop,
            target: target.map(Into::into),
        };
        let found = request.processes("gannet", file, || running.to_vec());
        let wanted = wanted.map(<[u32]>::to_vec).map_err(ToString::to_string);
        assert_eq!(found, wanted, "{target:?}");
    }
    for (word, signal) in [
        ("stop", "SIGKILL"),
        ("quit", "SIGINT"),
        ("term", "SIGTERM"),
        ("reopen", "SIGUSR1"),
        ("reload", "SIGHUP"),
        ("ldm", "SIGUSR2"),
    ] {
        let request = super::signal::parse(word).expect("a signal");
        assert_eq!(
            (request.command.word(), request.command.signal().as_str()),
            (word, signal)
        );
    }
}

#[test]
fn unreadable_files_are_explained_in_the_reference_words() {
    let here = env!("CARGO_MANIFEST_DIR");
    let missing = format!("{here}/no-such-file");
    let beyond = format!("{here}/Cargo.toml/x");
    for (path, wanted) in [
        (
            missing.as_str(),
            format!("open {missing}: no such file or directory"),
        ),
        (beyond.as_str(), format!("open {beyond}: not a directory")),
        (here, format!("read {here}: is a directory")),
    ] {
        assert_eq!(Disk.read(path), Err(wanted));
    }
    assert!(
        Disk.read(&format!("{here}/Cargo.toml"))
            .is_ok_and(|text| !text.is_empty())
    );
    assert_eq!(Disk.env("GANNET_NO_SUCH_VARIABLE"), None);
}
