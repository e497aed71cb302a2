//! Tables: command line → what is meant.

use std::ffi::OsString;
use std::time::Duration;

use gannet_config::{
    ByteCount, CertificateFiles, ClusterOptions, HandshakeFirst, LinkAuth, LogFormat,
    LoggingOptions, Options, Port, Secret, ServerUrl, Source, TlsOptions, TlsVersion,
};

use super::signal::SignalCommand;
use super::{Command, Disk, DryRun, FlagError, Invocation, SignalRequest};

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
    invocation
        .apply(&mut options)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
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
            "gannet -ms 8443",
            changed(|o| o.monitoring.https_port = Some(Port::At(8443))),
        ),
        (
            "gannet --https_port=-1",
            changed(|o| o.monitoring.https_port = Some(Port::Random)),
        ),
        (
            "gannet --profile 6060",
            changed(|o| o.profiling.port = Some(Port::At(6060))),
        ),
        (
            "gannet -profile=-1",
            changed(|o| o.profiling.port = Some(Port::Random)),
        ),
        ("gannet --profile 0", Options::default()),
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
        ("gannet -s", logged(|l| l.syslog = true)),
        ("gannet --syslog=true", logged(|l| l.syslog = true)),
        (
            "gannet -r udp://x:1",
            logged(|l| l.remote_syslog = Some("udp://x:1".into())),
        ),
        (
            "gannet --remote_syslog=udp://x:1",
            logged(|l| l.remote_syslog = Some("udp://x:1".into())),
        ),
        (
            "gannet --log_format json",
            logged(|l| l.format = LogFormat::Json),
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
        (o.logging.syslog, o.logging.remote_syslog) = (true, Some("udp://h:1".into()));
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
        (
            "gannet -r ''",
            differently(&|o| o.logging.remote_syslog = None),
        ),
        (
            "gannet -s=false",
            differently(&|o| o.logging.syslog = false),
        ),
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
    let dev = |clusters, nodes| {
        Command::Dev(super::DevOptions {
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
            "gannet --log_format xml",
            "gannet: invalid value \"xml\" for flag -log_format: a log format is \"text\" or \"json\"",
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
fn tls_is_what_the_flags_say_and_the_rest_what_the_file_says() {
    let files = |cert: &str, key: &str| {
        let (cert_file, key_file) = (cert.into(), key.into());
        vec![CertificateFiles {
            cert_file,
            key_file,
        }]
    };
    let file = changed(|o| {
        o.tls = Some(TlsOptions {
            certificates: files("a", "b"),
            ca_file: Some("c".into()),
            verify: true,
            timeout: Some(Duration::from_secs(7)),
            min_version: TlsVersion::V1_3,
            handshake_first: HandshakeFirst::Always,
            ..TlsOptions::default()
        });
    });
    let overridden = changed(|o| {
        o.tls = Some(TlsOptions {
            certificates: files("x", "y"),
            timeout: Some(Duration::from_secs(7)),
            handshake_first: HandshakeFirst::Always,
            ..TlsOptions::default()
        });
    });
    let plain = |ca: Option<&str>, verify| {
        changed(|o| {
            o.tls = Some(TlsOptions {
                certificates: files("x", "y"),
                ca_file: ca.map(Into::into),
                verify,
                ..TlsOptions::default()
            });
        })
    };
    let none = Options::default();
    for (file, line, wanted) in [
        (&file, "gannet -p 4222", &file),
        (&file, "gannet --tls --tlscert x --tlskey y", &overridden),
        (&file, "gannet --tls=false --tlsverify --tlscert x", &none),
        (&none, "gannet --tlscert=x --tlskey=y", &plain(None, false)),
        (
            &none,
            "gannet -tlsverify=false -tlscert x -tlskey y",
            &plain(None, false),
        ),
        (
            &none,
            "gannet --tlsverify --tlscert x --tlskey y --tlscacert z",
            &plain(Some("z"), true),
        ),
    ] {
        assert_eq!(over(file, line), *wanted, "{line}");
    }
    for (line, what) in [
        ("gannet --tls", "certificate"),
        ("gannet --tlsverify", "certificate"),
        ("gannet --tlscacert x", "certificate"),
        ("gannet --tls --tlscert x", "private key"),
    ] {
        let refused = invocation(line).map(|i| i.apply(&mut file.clone()));
        let wanted = format!("TLS Server {what} must be present and valid");
        assert_eq!(refused, Ok(Err(FlagError::Tls(wanted))), "{line}");
    }
    let told = invocation("gannet --help_tls").map(|i| i.command);
    assert!(
        matches!(&told, Ok(Command::Print(text)) if text.contains("handshake_first")),
        "{told:?}"
    );
}

#[test]
fn flags_of_unbuilt_parts_say_so() {
    for (line, flag, feature) in [
        ("gannet -js", "js", "JetStream"),
        ("gannet --jetstream", "jetstream", "JetStream"),
        ("gannet -js=true -D", "js", "JetStream"),
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
        ours.contains("\n  dev ") && !ours.contains("[<BOOL>]"),
        "{ours}"
    );
    let theirs = text("nats-server -h");
    assert!(
        theirs.contains("Usage: nats-server [options]") && !theirs.contains("\n  dev "),
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

fn clustered(change: impl FnOnce(&mut ClusterOptions)) -> Options {
    changed(|o| change(&mut o.cluster))
}

fn route(host: &str, port: u16) -> ServerUrl {
    ServerUrl {
        scheme: "nats".into(),
        user: None,
        password: None,
        host: host.into(),
        port,
    }
}

#[test]
fn flags_of_the_cluster_reach_their_options() {
    let at = |host: &str, port| {
        clustered(|c| {
            c.host = host.into();
            c.port = Some(port);
        })
    };
    let cases: &[(&str, Options)] = &[
        ("gannet --cluster nats://h:6222", at("h", Port::At(6222))),
        ("gannet -cluster=nats://h:6222/x?y", at("h", Port::At(6222))),
        ("gannet -cluster_listen nats://h:-1", at("h", Port::Random)),
        (
            "gannet --cluster tls://[::1]:6222",
            at("::1", Port::At(6222)),
        ),
        ("gannet --cluster nats://:-1", at("0.0.0.0", Port::Random)),
        (
            "gannet --cluster nats://h:0",
            clustered(|c| c.host = "h".into()),
        ),
        ("gannet --cluster ''", Options::default()),
        (
            "gannet --cluster nats://u:p%40@h:1",
            clustered(|c| {
                (c.host, c.port) = ("h".into(), Some(Port::At(1)));
                c.auth.user = Some("u".into());
                c.auth.password = Secret::new("p@");
            }),
        ),
        (
            "gannet --cluster_name C",
            clustered(|c| c.name = Some("C".into())),
        ),
        (
            "gannet --cluster_advertise a:1",
            clustered(|c| c.advertise = Some("a:1".into())),
        ),
        (
            "gannet --no_advertise",
            clustered(|c| c.no_advertise = true),
        ),
        ("gannet -no_advertise=false", Options::default()),
        (
            "gannet -connect_retries 3",
            clustered(|c| c.connect_retries = 3),
        ),
        ("gannet -connect_retries -1", Options::default()),
        (
            "gannet --cluster nats://h:1 -routes nats://a:1,nats://b:2",
            clustered(|c| {
                (c.host, c.port) = ("h".into(), Some(Port::At(1)));
                c.routes = vec![route("a", 1), route("b", 2)];
            }),
        ),
    ];
    for (line, wanted) in cases {
        assert_eq!(&over(&Options::default(), line), wanted, "{line}");
    }
}

#[test]
fn flags_of_the_cluster_override_the_file() {
    let file = clustered(|c| {
        (c.host, c.port) = ("file".into(), Some(Port::At(9)));
        c.auth = LinkAuth {
            user: Some("file".into()),
            password: Secret::new("secret"),
            ..LinkAuth::default()
        };
        c.routes = vec![route("file", 9)];
        c.no_advertise = true;
        c.name = Some("file".into());
    });
    let changed = |change: fn(&mut ClusterOptions)| {
        let mut options = file.clone();
        change(&mut options.cluster);
        options
    };
    for (line, wanted) in [
        // Without credentials of its own, it takes those of the file away.
        (
            "gannet --cluster nats://h:1",
            changed(|c| {
                (c.host, c.port) = ("h".into(), Some(Port::At(1)));
                (c.auth.user, c.auth.password) = (None, Secret::default());
            }),
        ),
        ("gannet --cluster ''", changed(|c| c.port = None)),
        ("gannet --routes ''", changed(|c| c.routes.clear())),
        (
            "gannet --routes nats://a:1",
            changed(|c| c.routes = vec![route("a", 1)]),
        ),
        (
            "gannet --no_advertise=false",
            changed(|c| c.no_advertise = false),
        ),
        ("gannet --cluster_name ''", changed(|c| c.name = None)),
        ("gannet", changed(|_| {})),
    ] {
        assert_eq!(over(&file, line), wanted, "{line}");
    }
}

#[test]
fn clusters_that_cannot_be_are_refused_in_the_reference_words() {
    for (line, wanted) in [
        ("gannet --cluster foo", "missing port in address"),
        ("gannet --cluster localhost:6222", "missing port in address"),
        (
            "gannet --cluster 127.0.0.1:6222",
            "parse \"127.0.0.1:6222\": first path segment in URL cannot contain colon",
        ),
        (
            "gannet --cluster nats://127.0.0.1",
            "address 127.0.0.1: missing port in address",
        ),
        (
            "gannet --cluster nats://127.0.0.1:abc",
            "parse \"nats://127.0.0.1:abc\": invalid port \":abc\" after host",
        ),
        (
            "gannet --cluster nats://u@127.0.0.1:6222",
            "expected cluster password to be set",
        ),
        // The reference shows the password.
        (
            "gannet --cluster nats://u:p%zz@127.0.0.1:1",
            "parse \"nats://[REDACTED]@127.0.0.1:1\": invalid credentials",
        ),
        (
            "gannet --routes nats://127.0.0.1:1",
            "solicited routes require cluster capabilities, e.g. --cluster",
        ),
        (
            "gannet --cluster '' --routes nats://127.0.0.1:1",
            "solicited routes require cluster capabilities, e.g. --cluster",
        ),
        // The reference takes it and never dials it.
        (
            "gannet --cluster nats://h:1 --routes nats://u:secret@a",
            "error parsing route url [\"nats://[REDACTED]@a\"]",
        ),
    ] {
        let invocation = invocation(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let refused = invocation.apply(&mut Options::default());
        let refused = refused.expect_err(line).to_string();
        assert_eq!(refused, wanted, "{line}");
        let shown = format!("{invocation:?}");
        assert!(!shown.contains("secret"), "{shown}");
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

/// The text that a line prints.
fn printed(line: &str) -> String {
    match invocation(line).map(|invocation| invocation.command) {
        Ok(Command::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

/// Every flag of the definition, as it is written.
fn every_flag() -> Vec<String> {
    let definition = super::server::definition();
    let longs = definition.get_arguments().filter_map(|arg| arg.get_long());
    longs.map(|long| format!("--{long}")).collect()
}

#[test]
fn help_manual_and_completions_know_every_flag() {
    let (help, page) = (printed("gannet --help"), printed("gannet man"));
    let page = page.replace("\\-", "-");
    let shells = ["bash", "zsh", "fish", "elvish", "powershell"];
    let scripts = shells.map(|shell| (shell, printed(&format!("gannet completions {shell}"))));
    for flag in every_flag() {
        assert!(help.contains(&flag), "--help: {flag}\n{help}");
        assert!(page.contains(&flag), "man: {flag}\n{page}");
        for (shell, script) in &scripts {
            // fish and elvish write names without dashes.
            let name = flag.trim_start_matches('-');
            assert!(script.contains(name), "{shell}: {flag}");
        }
    }
    for command in ["config", "dev", "bench", "completions", "man"] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "--help: {command}\n{help}"
        );
        assert!(
            page.contains(&format!("gannet-{command}(1)")),
            "man: {command}\n{page}"
        );
        let told =
            printed(&format!("gannet {command} --help").replace("bench --help", "man --help"));
        assert!(told.contains("Usage: gannet "), "{command}: {told}");
    }
}

#[test]
fn there_is_a_page_for_each_command() {
    let command = invocation("gannet man pages").map(|invocation| invocation.command);
    let Ok(Command::WritePages(directory, pages)) = command else {
        panic!("{command:?}")
    };
    let files: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
    assert_eq!(directory, "pages");
    assert_eq!(
        files,
        [
            "gannet.1",
            "gannet-config.1",
            "gannet-config-explain.1",
            "gannet-config-diff.1",
            "gannet-dev.1",
            "gannet-bench.1",
            "gannet-completions.1",
            "gannet-man.1"
        ]
    );
    for page in &pages {
        let text = String::from_utf8_lossy(&page.text);
        let title = page.file.trim_end_matches(".1").to_uppercase();
        assert!(text.contains(&format!(".TH {title} 1")), "{text}");
    }
}

#[test]
fn completions_of_the_link_know_no_commands() {
    let script = printed("gannet completions bash --nats-server");
    assert!(
        script.contains("_nats__server()") && !script.contains("explain"),
        "{script}"
    );
    let unknown = invocation("gannet completions tcsh").expect_err("refused");
    assert!(
        unknown.starts_with("gannet: invalid value 'tcsh' for '<SHELL>'"),
        "{unknown}"
    );
    let theirs = invocation("nats-server completions bash").expect_err("refused");
    assert_eq!(theirs, "nats-server: unrecognized command: \"completions\"");
}
