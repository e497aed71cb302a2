//! The files that a running server keeps for others.

use std::os::unix::fs::PermissionsExt as _;

use gannet_rt::unix::Signal;

use super::harness::{Place, within};

#[test]
fn the_ports_file_names_program_and_process_and_goes_with_the_server() {
    for name in ["gannet", "nats-server"] {
        let place = Place::new(name);
        let mut server = place.serve(&["-m", "-1", "--ports_file_dir", "."]);
        let file = format!("{name}_{}.ports", server.pid());
        let written = within("the ports file", || {
            Some(place.read(&file)).filter(|text| !text.is_empty())
        });
        let client = server.port("Listening for client connections on 127.0.0.1:");
        let http = server.port("Starting http monitor on 127.0.0.1:");
        let want = format!(
            "{{\"nats\":[\"nats://127.0.0.1:{client}\"],\"monitoring\":[\"http://127.0.0.1:{http}\"]}}"
        );
        assert_eq!(written, want);
        server.signal(Signal::SIGTERM);
        assert_eq!(server.end(), Some(0));
        assert_eq!(place.files(&file), Vec::<String>::new());
    }
}

#[test]
fn a_server_on_all_addresses_lists_them() {
    let place = Place::new("gannet");
    let server = place.spawn(&["-p", "-1", "--ports_file_dir", "."]);
    let file = format!("gannet_{}.ports", server.pid());
    let written = within("the ports file", || {
        Some(place.read(&file)).filter(|text| !text.is_empty())
    });
    let port = server.port("Listening for client connections on 0.0.0.0:");
    assert!(
        written.contains(&format!("\"nats://127.0.0.1:{port}\"")) && !written.contains("0.0.0.0"),
        "{written}"
    );
    assert!(!written.contains("monitoring"), "{written}");
}

#[test]
fn a_ports_file_that_cannot_be_written_is_only_an_error() {
    let place = Place::new("gannet");
    let mut server = place.serve(&["--ports_file_dir", "none"]);
    let file = format!("none/gannet_{}.ports", server.pid());
    server.wait_for_log(&format!(
        "[ERR] Error writing ports file ({file}): open {file}: no such file or directory"
    ));
    server.signal(Signal::SIGINT);
    assert_eq!(server.end(), Some(0));
    server.wait_for_log(&format!(
        "[ERR] Error cleaning up ports file {file}: remove {file}: no such file or directory"
    ));
}

#[test]
fn the_pid_file_holds_the_process_id_and_nothing_else() {
    let place = Place::new("gannet");
    place.write("g.pid", "something longer that was there before");
    let server = place.serve(&["-P", "g.pid"]);
    assert_eq!(place.read("g.pid"), server.pid().to_string());
}

#[test]
fn who_may_read_the_files_of_a_server_is_as_with_the_reference() {
    let place = Place::new("gannet");
    let args = ["-P", "g.pid", "--ports_file_dir", ".", "-l", "g.log"];
    let server = place.serve_with_log("g.log", &args);
    let ports = format!("gannet_{}.ports", server.pid());
    let mode = |file: &str| {
        within("the file", || place.path(file).metadata().ok())
            .permissions()
            .mode()
            & 0o777
    };
    // A file gets what the umask of whoever runs this leaves of its mode; the last one shows which that is.
    place.write("plain", "");
    let umask = 0o666 & !mode("plain");
    let modes = ["g.pid", "g.log", &ports].map(mode);
    assert_eq!(modes, [0o600, 0o640, 0o666].map(|mode| mode & !umask));
    server.signal(Signal::SIGUSR1);
    server.wait_for_log("File log re-opened");
    assert_eq!(mode("g.log"), 0o640 & !umask);
}

#[test]
fn a_pid_file_that_cannot_be_written_ends_the_start() {
    let place = Place::new("gannet");
    let (code, _, log) = place.run(&["-a", "127.0.0.1", "-p", "-1", "-P", "none/g.pid"]);
    assert_eq!(code, Some(1));
    assert!(
        log.ends_with(
            "[FTL] Could not write pidfile: open none/g.pid: no such file or directory\n"
        ),
        "{log}"
    );
}
