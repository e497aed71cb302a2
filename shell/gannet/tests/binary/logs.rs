//! The log in a file: where it goes, when it is renamed, how it is opened anew.

use gannet_rt::unix::Signal;

use super::harness::Place;

#[test]
fn a_log_file_takes_everything_from_standard_error() {
    let place = Place::new("gannet");
    let mut server = place.serve_with_log("g.log", &["-l", "g.log", "-T=false"]);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end(), Some(0));
    assert_eq!(place.read("stderr"), "");
    let pid = server.pid();
    assert!(
        server
            .log()
            .ends_with(&format!("[{pid}] [INF] Server Exiting..\n")),
        "{}",
        server.log()
    );
}

#[test]
fn a_log_file_that_cannot_be_opened_ends_the_start() {
    let place = Place::new("gannet");
    let (code, out, told) = place.run(&["-a", "127.0.0.1", "-p", "-1", "-l", "none/g.log"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        told.ends_with("error opening file: open none/g.log: no such file or directory\n"),
        "{told}"
    );
}

#[test]
fn a_log_file_that_grows_too_large_is_renamed() {
    let place = Place::new("gannet");
    place.write(
        "f.conf",
        "log_file: g.log\nlogfile_size_limit: 150\nlogfile_max_num: 3\nlogtime: false",
    );
    let mut server = place.spawn(&["-a", "127.0.0.1", "-p", "-1", "-c", "f.conf"]);
    // The line itself may be in a renamed file already, or in one that is gone.
    super::harness::within("backups", || {
        (place.files("g.log.").len() == 2).then_some(())
    });
    let first = place.files("g.log.");
    for _ in 0..8 {
        let before = place.files("g.log.");
        server.signal(Signal::SIGUSR1);
        super::harness::within("another backup", || {
            (place.files("g.log.") != before).then_some(())
        });
    }
    server.signal(Signal::SIGINT);
    assert_eq!(server.end(), Some(0));
    let kept = place.files("g.log.");
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.iter().all(|name| !first.contains(name)), "{kept:?}");
    let rotated = kept.iter().chain(&["g.log".to_string()]).any(|name| {
        place
            .read(name)
            .contains("[INF] Rotated log, backup saved as \"g.log.")
    });
    assert!(rotated);
}

#[test]
fn a_log_file_that_was_moved_away_is_opened_anew_on_demand() {
    let place = Place::new("gannet");
    let server = place.serve_with_log("g.log", &["-l", "g.log"]);
    std::fs::rename(place.path("g.log"), place.path("moved")).expect("renamed");
    let (code, ..) = place.run(&["--signal", &format!("reopen={}", server.pid())]);
    assert_eq!(code, Some(0));
    server.wait_for_log("[INF] File log re-opened\n");
    let moved = place.read("moved");
    assert!(
        moved.ends_with("[INF] Trapped \"user defined signal 1\" signal\n"),
        "{moved}"
    );
}
