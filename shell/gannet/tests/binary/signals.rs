//! Signals, sent by the system's own means and by `--signal`. Lame duck mode has its own file.

use gannet_rt::unix::Signal;

use super::harness::Place;

#[test]
fn interrupt_and_terminate_end_the_server_in_order() {
    for (signal, name) in [
        (Signal::SIGINT, "interrupt"),
        (Signal::SIGTERM, "terminated"),
    ] {
        let place = Place::new("gannet");
        let mut server = place.serve(&[]);
        let mut client = server.connect();
        client.greet("{}");
        server.signal(signal);
        assert_eq!(server.end(), Some(0));
        while client.line().is_some() {}
        let texts = server.texts();
        let end = [
            &format!("[INF] Trapped \"{name}\" signal"),
            "[INF] Initiating Shutdown...",
            "[INF] Server Exiting..",
        ];
        assert!(texts.ends_with(&end.map(str::to_string)), "{texts:?}");
    }
}

#[test]
fn the_command_line_can_signal_by_id_and_by_file() {
    let place = Place::new("gannet");
    for (word, code) in [("quit", Some(0)), ("term", Some(0)), ("stop", None)] {
        let mut server = place.serve(&["-P", "g.pid"]);
        assert_eq!(
            place.run(&["-sl", &format!("{word}=g.pid")]).0,
            Some(0),
            "{word}"
        );
        assert_eq!(server.end(), code, "{word}");
    }
    let mut server = place.serve(&[]);
    assert_eq!(
        place
            .run(&["--signal", &format!("quit={}", server.pid())])
            .0,
        Some(0)
    );
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_signal_for_nobody_is_an_error() {
    // Above the largest process id that Linux gives.
    let place = Place::new("nats-server");
    for (signal, told) in [
        (
            "stop=2147483647",
            "nats-server: \nsignal \"stop\" 2147483647: no such process\n",
        ),
        ("stop=x", "nats-server: invalid pid: x\n"),
        ("stop=0", "nats-server: invalid pid: 0\n"),
        ("nonsense=1", "nats-server: unknown signal \"nonsense\"\n"),
    ] {
        assert_eq!(
            place.run(&["--signal", signal]),
            (Some(1), String::new(), told.to_string())
        );
    }
}

#[test]
fn a_reload_needs_a_file_and_keeps_to_the_flags() {
    let place = Place::new("gannet");
    place.write("f.conf", "max_payload: 99");
    let no_file = "[ERR] Failed to reload server configuration: \
        can only reload config when a file is provided using -c or --config\n";
    for (args, told) in [
        (&[][..], no_file),
        (
            &["-c", "f.conf", "--name", "x"],
            "[INF] Reloaded server configuration (sha256:",
        ),
    ] {
        let server = place.serve(args);
        server.signal(Signal::SIGHUP);
        server.wait_for_log(told);
        server.connect().greet("{}");
    }
}

#[test]
fn a_log_file_that_cannot_be_opened_refuses_the_reload() {
    let place = Place::new("gannet");
    place.write("f.conf", "max_payload: 99");
    let server = place.serve(&["-c", "f.conf"]);
    place.write("f.conf", "max_payload: 100\nlog_file: 'no/such/folder/log'");
    server.signal(Signal::SIGHUP);
    server.wait_for_log("[ERR] Failed to reload server configuration: error opening file: ");
    server.connect().greet("{}");
}

#[test]
fn there_is_no_log_file_to_reopen_without_one() {
    let place = Place::new("gannet");
    let server = place.serve(&[]);
    server.signal(Signal::SIGUSR1);
    server.wait_for_log("[INF] File log re-open ignored, not a file logger\n");
}
