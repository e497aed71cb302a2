//! Log lines: which there are, their form, and the files that they go to (rows CFG-13, OPS-18, OPS-21, OPS-22). Those
//! that go to syslog are in `syslog.rs`.

use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use regex_lite::Regex;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

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
    /// OPS-21: a log that has grown beyond its bound is renamed to a name with the time, the new one begins by
    /// saying so, and no more files are kept than there may be, this one included.
    #[test]
    fn a_log_that_grows_too_large_is_renamed_and_old_ones_are_removed(kind: Kind) {
        let config = "log_file: '{dir}/g.log', logfile_size_limit: 250, logfile_max_num: 3, logtime: false";
        let server = Server::start(kind, config);
        let name = Regex::new(r"^g\.log\.\d{4}(\.\d\d){5}\.\d{9}$").expect("a pattern");
        let read = |name: &str| std::fs::read_to_string(server.folder().join(name)).unwrap_or_default();
        let renamed = || {
            let files = std::fs::read_dir(server.folder()).expect("a folder can be read");
            let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
            names.filter(|file| file.starts_with("g.log.")).collect::<BTreeSet<_>>()
        };
        let (mut seen, mut told) = (BTreeSet::new(), BTreeSet::new());
        // Each reload is worth some lines.
        while seen.len() < 6 {
            let before = renamed();
            server.write_config(&format!("{config}\nserver_tags: [x{}]", seen.len()));
            server.signal(Signal::HUP);
            eventually("a log file to be renamed", || {
                (renamed() != before).then_some(()).ok_or_else(|| read("g.log"))
            });
            eventually("two renamed files at most", || match renamed().len() {
                0..=2 => Ok(()),
                many => Err(format!("{many} files")),
            });
            seen.extend(renamed());
            for file in renamed().iter().map(String::as_str).chain(["g.log"]) {
                told.extend(read(file).lines().filter(|line| line.contains("Purged")).map(str::to_owned));
                let backups = read(file).matches("] [INF] Rotated log, backup saved as \"").count();
                // The first file begins with the start.
                assert!(backups == 1 || read(file).contains("Starting nats-server"), "{}", read(file));
            }
        }
        assert!(seen.iter().all(|file| name.is_match(file)), "{seen:?}");
        let purged = Regex::new(r#"^\[\d+\] \[INF\] Purged log file "g\.log\.[0-9.]+"$"#).expect("a pattern");
        assert!(!told.is_empty() && told.iter().all(|line| purged.is_match(line)), "{told:?}");
    }

    /// OPS-22: what clients can cause as often as they like is told about once in a second.
    #[test]
    fn refusals_of_many_clients_are_told_once_in_a_while(kind: Kind) {
        let server = Server::start(kind, "max_connections: 1");
        server.await_nobody();
        let _one = Wire::client(&server);
        let begun = Instant::now();
        for _ in 0..60 {
            let mut refused = Wire::open(&server.client_address());
            refused.info();
            refused.expect("-ERR 'maximum connections exceeded'");
            refused.expect_closed();
        }
        server.expect_log(" - maximum connections exceeded");
        let told = server.log().matches(" - maximum connections exceeded").count() as u64;
        let most = begun.elapsed().as_secs() + 1;
        assert!((1..=most).contains(&told) && most < 30, "{told} lines in {most} s\n{}", server.log());
    }

    /// OPS-22: a client that publishes faster than somebody reads is warned of.
    #[test]
    fn a_stalled_producer_is_warned_of(kind: Kind) {
        let config = "max_pending: 20MB, authorization { users: [{user: u, password: p}] }";
        let server = Server::start(kind, config);
        let login = json!({"user": "u", "pass": "p", "verbose": false, "pedantic": false});
        let come = || {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire.connect_with(&login);
            wire.send("SUB a 1\r\nPING\r\n");
            wire.expect("PONG");
            wire
        };
        let mut readers = vec![come()];
        let mut writer = come();
        writer.said("UNSUB 1\r\n");
        let batch = format!("PUB a 65536\r\n{}\r\n", "x".repeat(65536)).repeat(16);
        let text = "- Producer was stalled for a total of ";
        let line = eventually("a warning", || {
            // A reader may be sent away before anybody had to wait for it.
            if server.log().matches("Slow Consumer Detected").count() >= readers.len() {
                readers.push(come());
            }
            let _ = writer.try_send(batch.as_bytes());
            server.log().lines().find(|line| line.contains(text)).map(str::to_owned).ok_or_else(String::new)
        });
        let form = Regex::new(r"\[WRN\] .* - cid:\d+ - .*Producer was stalled for a total of \d+ms - Account:\$G - user:u$");
        assert!(form.expect("a pattern").is_match(&line), "{line}");
    }
}

/// The objects of a log in JSON.
fn objects(log: &str) -> Vec<Value> {
    let object =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
    log.lines().map(object).collect()
}

/// The object with this text.
fn expect_object(server: &Server, text: &str) -> Value {
    server.expect_log(&format!("\"text\":\"{text}"));
    let all = objects(&server.log());
    let found = all
        .into_iter()
        .find(|object| object["text"].as_str().is_some_and(|t| t.starts_with(text)));
    found.expect("the log says so")
}

/// Each line is an object, from the first on; a connection's has what is known of it, and no secret.
#[test]
fn lines_in_json_are_objects() {
    let config = "log_format: json, logtime_utc: true, authorization { users: [{user: u, password: s3cret}] }";
    let mut server = Server::start_with(Kind::Gannet, config, &["-DV"]);
    let login = json!({
        "user": "u", "pass": "s3cret", "lang": "rust", "version": "1.2", "name": "a \"b\"\n", "verbose": false, "pedantic": false,
    });
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    wire.connect_with(&login);
    wire.send("PUB a 2\r\nhi\r\nPING\r\n");
    wire.expect("PONG");
    let ready = expect_object(&server, "Server is ready");
    let time = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$").expect("a pattern");
    assert!(
        time.is_match(ready["time"].as_str().expect("a time")),
        "{ready}"
    );
    let mut expected = json!({
        "time": ready["time"], "level": "info", "pid": server.pid(), "subsystem": "server", "text": "Server is ready",
    });
    assert_eq!(ready, expected);
    let published = expect_object(&server, "<<- [PUB a 2]");
    expected = json!({
        "time": published["time"], "level": "trace", "pid": server.pid(), "subsystem": "clients", "kind": "client",
        "cid": published["cid"], "address": format!("127.0.0.1:{}", wire.local_port()), "client": "v1.2:rust:a \"b\"\n",
        "account": "$G", "user": "user:u", "text": "<<- [PUB a 2]",
    });
    assert_eq!(published, expected);
    drop(wire);
    expect_object(&server, "Client connection closed: Client Closed");
    server.terminate();
    assert!(objects(&server.log()).len() > 10);
    assert!(!server.log().contains("s3cret"), "{}", server.log());
}

/// Another form is a matter of a reload, for files too; the flag goes before the file.
#[test]
fn the_form_of_lines_changes_live() {
    let config = "log_file: '{dir}/g.log', logtime: false";
    let server = Server::start(Kind::Gannet, config);
    server.write_config(&format!("{config}, log_format: json"));
    server.signal(Signal::HUP);
    let log = || std::fs::read_to_string(server.folder().join("g.log")).unwrap_or_default();
    let told = eventually("the reload", || {
        let line = log()
            .lines()
            .find(|line| line.contains("Reloaded server"))
            .map(str::to_owned);
        line.ok_or_else(log)
    });
    assert!(
        objects(&told)[0]["text"]
            .as_str()
            .expect("a text")
            .starts_with("Reloaded server configuration (")
    );
    let pid = server.pid();
    assert!(
        log().contains(&format!("[{pid}] [INF] Reloaded: log_format = json\n")),
        "{}",
        log()
    );
    let server = Server::start_with(Kind::Gannet, "log_format: json", &["--log_format", "text"]);
    assert!(server.expect_log("Server is ready").starts_with('['));
}

/// Subsystems have levels of their own, which change live, for connections that are there, too.
#[test]
fn subsystems_have_levels_of_their_own() {
    let server = Server::start(Kind::Gannet, "log_levels { clients: trace }");
    let mut wire = Wire::client(&server);
    server.expect_log("[DBG] ");
    server.expect_log("[TRC] ");
    let only_of_clients = |log: &str| {
        let fine = log
            .lines()
            .filter(|line| line.contains("[DBG]") || line.contains("[TRC]"));
        fine.clone().count() > 0 && fine.clone().all(|line| line.contains(" - cid:"))
    };
    assert!(only_of_clients(&server.log()), "{}", server.log());
    server.write_config("debug: true, trace: true, log_levels { clients: warn }");
    assert_eq!(
        server.reload(),
        [
            "Reloaded: trace = true",
            "Reloaded: debug = true",
            "Reloaded: log_levels = {clients: warn}"
        ]
    );
    let before = server.log().len();
    wire.send("PUB a 2\r\nhi\r\n");
    wire.fence();
    drop(wire);
    drop(Wire::client(&server));
    server.await_nobody();
    assert_eq!(server.log()[before..], *"", "nothing is said about clients");
    server.write_config("log_levels { client: warn }");
    assert_eq!(
        server.reload(),
        [format!(
            "Failed to reload server configuration: {}/server.conf:3:14: unknown subsystem \"client\" in log_levels, \
             known are server, clients, routes, gateways, monitoring (did you mean \"clients\"?)",
            server.folder().display()
        )]
    );
}
