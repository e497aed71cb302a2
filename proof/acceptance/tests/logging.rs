//! Log lines: which there are, and their form (rows CFG-13, OPS-18).

use gannet_acceptance::{Server, Wire, both};
use regex_lite::Regex;

/// A file that tells programs of a zone nine hours east of Greenwich, whatever zones the machine knows.
fn nine_hours_east() -> Vec<u8> {
    let mut file = Vec::new();
    // Once for programs that count time in 32 bits, once for all others.
    for _ in 0..2 {
        file.extend_from_slice(b"TZif2");
        file.extend_from_slice(&[0; 15]);
        // Numbers of: marks of universal and of standard time, leap seconds, changes, kinds of time, bytes of names.
        for number in [0_u32, 0, 0, 0, 1, 5] {
            file.extend_from_slice(&number.to_be_bytes());
        }
        file.extend_from_slice(&(9_i32 * 3600).to_be_bytes());
        // Not in summer; its name begins at byte 0.
        file.extend_from_slice(&[0, 0]);
        file.extend_from_slice(b"EAST\0");
    }
    file.extend_from_slice(b"\nEAST-9\n");
    file
}

/// Seconds of the day in a time of the form `…hh:mm:ss…`.
fn seconds(text: &str) -> u32 {
    let clock = Regex::new(r"(\d\d):(\d\d):(\d\d)").expect("a pattern");
    let parts = clock.captures(text).expect("a time of day");
    (1..=3).fold(0, |sum, part| {
        sum * 60 + parts[part].parse::<u32>().expect("digits")
    })
}

both! {
    /// OPS-18: times are local, or those of Greenwich, or not there.
    #[test]
    fn lines_have_the_time_that_is_wanted(kind: Kind) {
        for (config, arguments, hours) in [
            ("", &[][..], Some(9)), ("logtime: true", &[], Some(9)), ("logtime_utc: true", &[], Some(0)), ("", &["--logtime_utc"], Some(0)),
            ("logtime: false", &[], None), ("", &["-T=false"], None), ("logtime: true", &["--logtime=false"], None),
        ] {
            let mut server = Server::prepare(kind, config, arguments);
            std::fs::write(server.folder().join("east"), nine_hours_east()).expect("a file can be written");
            server.set_variable("TZ", &server.folder().join("east").display().to_string());
            server.launch().unwrap_or_else(|problem| panic!("{problem}"));
            let line = server.expect_log("Server is ready");
            let Some(hours) = hours else {
                assert_eq!(line, format!("[{}] [INF] Server is ready", server.pid()), "{config} {arguments:?}");
                continue;
            };
            let form = Regex::new(r"^\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] Server is ready$").expect("a pattern");
            assert!(form.is_match(&line), "{line}");
            let start = server.monitor("/varz")["start"].as_str().map(seconds).expect("a time");
            let ahead = (seconds(&line) + 86_400 - start) % 86_400;
            assert_eq!((ahead + 60) % 86_400 / 3600, hours, "{config} {arguments:?}: {line}");
        }
    }

    /// CFG-13: debug lines are there if the file wants them or the flag, and the flag wins.
    #[test]
    fn the_flag_for_debugging_wins_over_the_file(kind: Kind) {
        for (config, arguments, expected) in [
            ("", &[][..], false), ("debug: true", &[], true), ("debug: false", &["-D"], true), ("debug: true", &["-D=false"], false),
            ("", &["--debug"], true), ("", &["-DV"], true), ("debug: true", &["-DV=false"], false), ("", &["-DVV"], true), ("", &["-V"], false),
        ] {
            let server = Server::start_with(kind, config, arguments);
            drop(Wire::client(&server));
            server.await_nobody();
            assert_eq!(server.log().contains(" [DBG] "), expected, "{config} {arguments:?}\n{}", server.log());
        }
    }
}
