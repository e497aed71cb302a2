//! Which processes a signal goes to.

use crate::flags::signal::SignalCommand;
use crate::flags::{SignalRequest, signal};

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
        let request = signal::parse(word).expect("a signal");
        assert_eq!(
            (request.command.word(), request.command.signal().as_str()),
            (word, signal)
        );
    }
}
