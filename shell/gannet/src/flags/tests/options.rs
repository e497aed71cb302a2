//! Tables: flags → options, and what the configuration file says beside them.

use gannet_config::{ByteCount, LogFormat, LoggingOptions, Options, Port, Secret};

use super::{changed, invocation, over};
use crate::flags::Command;

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

#[test]
fn secrets_of_the_command_line_are_not_shown() {
    let shown = format!("{:?}", invocation("gannet --pass hunter2 --auth hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
}
