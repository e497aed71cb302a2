//! Flags, the configuration check, files that the server writes, and the log lines that tools read
//! (rows OPS-01, OPS-03 to OPS-05, OPS-07, OPS-08, OPS-18, OPS-19, CFG-07, GW-01 to GW-12).

use gannet_acceptance::server::write_file;
use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use regex_lite::Regex;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Runs the program to its end under the name `nats-server`, as a tool that expects the reference would.
fn run(kind: Kind, folder: &Path, arguments: &[&str]) -> Output {
    let link = folder.join("nats-server");
    if !link.exists() {
        std::os::unix::fs::symlink(kind.program(), &link)
            .expect("a link can be made in a temporary folder");
    }
    Command::new(&link)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", link.display()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Exit code, standard output and standard error of `-t -c` on a file of this content, without the help that only
/// Gannet has to offer.
fn check_file(kind: Kind, content: &str) -> (Option<i32>, String, String) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    write_file(folder.path(), "some.conf", content);
    let output = run(kind, folder.path(), &["-t", "-c", "some.conf"]);
    let told = text(&output.stderr);
    let told: Vec<&str> = told
        .lines()
        .filter(|line| !line.starts_with("  help: "))
        .collect();
    (output.status.code(), text(&output.stdout), told.join("\n"))
}

both! {
    /// CFG-16: the log says what switches are turned, and which are none; `/varz` shows all there are.
    #[test]
    fn feature_flags_are_told_at_the_start(kind: Kind) {
        for (flags, told) in [
            ("js_ack_fc_v2: true, foo: true, bar: false", ["js_ack_fc_v2 (opt-in)", "bar, foo"]),
            ("js_raft_delete_range: false, js_api_reply_v2: false", ["js_api_reply_v2 (disabled), js_raft_delete_range (opt-out)", ""]),
            ("js_raft_delete_range: true", ["js_raft_delete_range (enabled)", ""]),
            ("foo: true", ["none", "foo"]),
        ] {
            let server = Server::start(kind, &format!("feature_flags {{ {flags} }}"));
            server.expect_log("[INF]   Feature flags:");
            for (title, told) in ["[INF]     Configured:    ", "[INF]     Unsupported:   "].iter().zip(told) {
                if told.is_empty() {
                    assert!(!server.log().contains(title), "{}", server.log());
                } else {
                    assert!(server.expect_log(title).ends_with(told), "{flags}: {}", server.log());
                }
            }
            assert_eq!(server.monitor("/varz")["feature_flags"]["js_ack_fc_v2"], flags.contains("v2: true"));
        }
        assert!(!Server::start(kind, "").log().contains("Feature flags"));
    }

    /// `-t` says that a file is good, with its digest.
    #[test]
    fn good_files_are_valid(kind: Kind) {
        for content in [
            "port: 4333", "port = 4333", "port 4333", "{\"port\": 4333}", "gateway { name: A, port: -1 }", "max_payload: 2mb # comment",
            "gateway { name: A, listen: \"127.0.0.1:-1\", gateways: [{name: B, url: \"nats://a:1\"}, {name: C, urls: [\"nats://a:1\", \"nats://b:2\"]}] }",
            "gateway { name: A, port: 7222, authorization { user: u, password: p, timeout: 0.5 }, reject_unknown_cluster: true, advertise: \"h:1\" }",
            "P: 4444\nport: $P", "authorization { users: [{user: a, password: $2a$11$abcdefghijklmnopqrstuu} ] }", "write_deadline: \"2s\"",
        ] {
            let (code, _, told) = check_file(kind, content);
            let pattern = Regex::new("^nats-server: configuration file some.conf is valid \\(sha256:[0-9a-f]{64}\\)$").expect("a pattern");
            assert!(code == Some(0) && pattern.is_match(&told), "{content}: {code:?} {told}");
        }
    }

    /// `-t` tells what is wrong and where, and exits with 1.
    #[test]
    fn bad_files_are_explained(kind: Kind) {
        for (content, expected) in [
            ("prt: 1", "nats-server: some.conf:1:0: unknown field \"prt\""),
            // Columns count from 0 on the first line and from 1 on the others.
            ("\n\n  prt: 1", "nats-server: some.conf:3:3: unknown field \"prt\""),
            ("", "nats-server: some.conf: config has no values or is empty"),
            ("# nothing", "nats-server: some.conf: config has no values or is empty"),
            ("port: 4222\nfoo {\n", "nats-server: Parse error on line 3: 'Unexpected EOF processing map.'"),
            ("x: $NOT_SET_ANYWHERE", "nats-server: variable reference for 'NOT_SET_ANYWHERE' on line 1 can not be found"),
            ("gateway { name: A, port: -1, foo: 1}", "nats-server: some.conf:1:29: unknown field \"foo\""),
            ("gateway { name: \"A B\", port: -1 }", "nats-server: some.conf:1:10: gateway name cannot contain spaces"),
            (
                "gateway { name: A, port: -1, authorization { users: [{user: a, password: b}]} }",
                "nats-server: some.conf:1:29: Gateway authorization does not allow multiple users",
            ),
            ("write_deadline: abc", "nats-server: some.conf:1:0: error parsing write_deadline: time: invalid duration \"abc\""),
            ("ping_interval: x", "nats-server: some.conf:1:0: error parsing ping_interval: time: invalid duration \"x\""),
            ("gateway { name: A, port: -1, authorization { token: x} }", "nats-server: some.conf:1:29: Gateway authorization does not support tokens"),
        ] {
            assert_eq!(check_file(kind, content), (Some(1), String::new(), expected.to_owned()), "{content}");
        }
    }

    /// A file of the wrong kind of value is refused with its place. The reference's words are those of its
    /// language's type system; only the place is asked of ours.
    #[test]
    fn wrong_types_are_refused(kind: Kind) {
        for (content, place) in [("port: abc", "some.conf:1:0: "), ("port: 4222\n max_payload: [ 1 ]\n", "some.conf:2:2: "),
            ("debug: 3", "some.conf:1:0: "), ("host: 5", "some.conf:1:0: "), ("port: 1.5", "some.conf:1:0: "),
            ("authorization: 5", "some.conf:1:0: ")] {
            let (code, _, told) = check_file(kind, content);
            assert!(code == Some(1) && told.contains(place), "{content}: {code:?} {told}");
        }
    }

    /// GW-03, GW-04, GW-06, GW-12: what only a start can judge.
    #[test]
    fn start_refuses_what_cannot_work(kind: Kind) {
        for (content, expected) in [
            ("gateway { name: A }", "gateway \"A\" has no port specified (select -1 for random port)"),
            ("gateway { port: -1 }", "gateway has no name"),
            ("gateway { name: A, port: -1, gateways: [{name: B}] }", "gateway \"B\" has no URL"),
            ("gateway { name: A, port: -1, gateways: [{url: \"nats://h:1\"}] }", "gateway in the list 0 has no name"),
            ("max_payload: 2MB\nmax_pending: 1MB", "max_payload (2097152) cannot be higher than max_pending (1048576)"),
            ("server_name: \"a b\"", "server name cannot contain spaces"),
            ("cluster { name: X }\ngateway { name: A, port: -1 }", "cluster name conflicts between cluster and gateway definitions"),
            ("gateway { name: A, port: -1, advertise: \"a:b:c\" }", "a:b:c"),
        ] {
            let folder = TempDir::new().expect("a temporary folder can be made");
            write_file(folder.path(), "some.conf", &format!("listen: \"127.0.0.1:-1\"\n{content}"));
            let output = run(kind, folder.path(), &["-c", "some.conf"]);
            let told = text(&output.stderr);
            assert!(output.status.code() == Some(1) && told.contains(expected), "{content}: {:?} {told}", output.status);
        }
    }

    /// A missing file, and a check without a file.
    #[test]
    fn missing_files_are_told(kind: Kind) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        for (arguments, expected) in [
            (&["-t", "-c", "missing.conf"][..], "nats-server: open missing.conf: no such file or directory"),
            (&["-c", "missing.conf"], "nats-server: open missing.conf: no such file or directory"),
            (&["-t"], "nats-server: must specify [-c, --config] option to check configuration file syntax"),
        ] {
            let output = run(kind, folder.path(), arguments);
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), expected.to_owned()), "{arguments:?}");
        }
    }

    /// The version, in all spellings.
    #[test]
    fn version_is_printed(kind: Kind) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        for arguments in [&["--version"][..], &["-v"], &["-version"], &["version"]] {
            let output = run(kind, folder.path(), arguments);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "nats-server: v2.15.1".to_owned()), "{arguments:?}");
        }
    }

    /// Help mentions the flags that tools use; how it words them is each server's own business.
    #[test]
    fn help_is_printed(kind: Kind) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        for argument in ["--help", "-h", "-help"] {
            let output = run(kind, folder.path(), &[argument]);
            let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
            assert_eq!(output.status.code(), Some(0), "{argument}: {told}");
            for flag in ["--addr", "--port", "--config", "--http_port", "--ports_file_dir", "--name", "--pid", "--log"] {
                assert!(told.contains(flag), "{argument} does not mention {flag}: {told}");
            }
        }
    }

    /// Flags with one dash or two, with a space or an equals sign; they win over the file.
    #[test]
    fn flags_win_over_the_file(kind: Kind) {
        for arguments in [
            &["-n", "flagged", "--max_traced_msg_len", "10"][..], &["--name", "flagged"], &["-name=flagged"], &["--server_name=flagged"],
            &["-server_name", "flagged"],
        ] {
            let server = Server::start_with(kind, "server_name: filed", arguments);
            assert_eq!(Wire::open(&server.client_address()).info()["server_name"], "flagged", "{arguments:?}");
        }
    }

    /// OPS-18, OPS-19: the lines of the start, in their form.
    #[test]
    fn start_lines_can_be_read_by_tools(kind: Kind) {
        let server = Server::start(kind, "server_name: S1\ngateway { name: A, listen: \"{gateway}\" }");
        server.expect_log("Server is ready");
        let log = server.log();
        let form = Regex::new(r"^\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[(INF|WRN|ERR|FTL|DBG|TRC)\] .").expect("a pattern");
        for line in log.lines() {
            assert!(form.is_match(line), "not the form of a log line: {line:?}");
            assert!(line.starts_with(&format!("[{}] ", server.pid())), "not the server's process id: {line:?}");
        }
        for expected in [
            "[INF] Starting nats-server".to_owned(),
            "[INF]   Version:  2.15.1".to_owned(),
            "[INF]   Name:     S1".to_owned(),
            "[INF]   Cluster:  A".to_owned(),
            format!("[INF] Starting http monitor on {}", server.http_address()),
            "[INF] Gateway name is A".to_owned(),
            format!("[INF] Listening for gateways connections on {}", server.gateway_address()),
            format!("[INF] Address for gateway \"A\" is {}", server.gateway_address()),
            format!("[INF] Listening for client connections on {}", server.client_address()),
            "[INF] Server is ready".to_owned(),
        ] {
            assert!(log.lines().any(|line| line.ends_with(&expected)), "no line {expected:?} in\n{log}");
        }
    }

    /// OPS-19: a random port shows in the log.
    #[test]
    fn random_ports_show_in_the_log(kind: Kind) {
        let server = Server::start_with(kind, "gateway { name: A, listen: \"127.0.0.1:-1\" }", &["--log", "own.log"]);
        let log = eventually("the log file", || std::fs::read_to_string(server.folder().join("own.log")).map_err(|error| error.to_string()));
        let found = Regex::new(r"Listening for gateways connections on 127\.0\.0\.1:(\d+)").expect("a pattern");
        let port = found.captures(&log).expect("the line is there")[1].to_owned();
        assert_ne!(port, "0");
        assert_eq!(Wire::open(&format!("127.0.0.1:{port}")).info()["gateway"], "A");
    }

    /// OPS-07: the file with the process id.
    #[test]
    fn pid_file_is_written(kind: Kind) {
        let server = Server::start(kind, "pid_file: \"{dir}/server.pid\"");
        let written = std::fs::read_to_string(server.folder().join("server.pid")).expect("the file is there");
        assert_eq!(written, server.pid().to_string());
        let server = Server::start_with(kind, "", &["-P", "flag.pid"]);
        let written = std::fs::read_to_string(server.folder().join("flag.pid")).expect("the file is there");
        assert_eq!(written, server.pid().to_string());
    }

    /// OPS-08: the file with the ports, named by program and process, gone at the end.
    #[test]
    fn ports_file_is_written_and_removed(kind: Kind) {
        let mut server = Server::start_with(kind, "gateway { name: A, listen: \"{gateway}\" }", &["--ports_file_dir", "."]);
        let program = kind.program();
        let base = program.file_name().and_then(|name| name.to_str()).expect("a program has a name").to_owned();
        let path = server.folder().join(format!("{base}_{}.ports", server.pid()));
        // It may be there before anything is in it.
        let content: Value = eventually("the ports file", || {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        });
        assert_eq!(content, serde_json::json!({
            "nats": [server.url()], "monitoring": [format!("http://{}", server.http_address())],
        }));
        assert!(server.terminate().success());
        assert!(!path.exists(), "{} is still there", path.display());
    }

    /// OPS-05: TERM and INT end the server with success, with its last words.
    #[test]
    fn signals_end_the_server(kind: Kind) {
        use rustix::process::Signal;
        for (signal, word) in [(Signal::TERM, "terminated"), (Signal::INT, "interrupt")] {
            let mut server = Server::start(kind, "");
            server.signal(signal);
            let status = server.wait();
            assert_eq!(status.code(), Some(0), "{word}");
            let log = server.log();
            for expected in [format!("[INF] Trapped \"{word}\" signal"), "[INF] Initiating Shutdown...".to_owned(), "[INF] Server Exiting..".to_owned()] {
                assert!(log.lines().any(|line| line.ends_with(&expected)), "no line {expected:?} in\n{log}");
            }
        }
    }

    /// A busy port is fatal, with the address named.
    #[test]
    fn busy_ports_are_fatal(kind: Kind) {
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\" }");
        let folder = TempDir::new().expect("a temporary folder can be made");
        for (content, expected) in [
            (format!("listen: \"{}\"", server.client_address()), format!("[FTL] Error listening on port: {}, ", server.client_address())),
            (
                format!("listen: \"127.0.0.1:-1\"\nhttp: \"{}\"", server.http_address()),
                format!("can't listen to the monitor port: listen tcp {}", server.http_address()),
            ),
            (
                format!("listen: \"127.0.0.1:-1\"\ngateway {{ name: B, listen: \"{}\" }}", server.gateway_address()),
                "[FTL] Error listening on gateway port: ".to_owned(),
            ),
        ] {
            write_file(folder.path(), "some.conf", &content);
            let output = run(kind, folder.path(), &["-c", "some.conf"]);
            let told = text(&output.stderr);
            assert!(output.status.code() == Some(1) && told.contains(&expected), "{content}: {:?} {told}", output.status);
        }
        Wire::client(&server).fence();
    }

    /// CFG-09: included files, relative to the file that includes.
    #[test]
    fn files_include_files(kind: Kind) {
        let mut server = Server::prepare(kind, "authorization { include \"sub/users.conf\" }", &[]);
        std::fs::create_dir(server.folder().join("sub")).expect("a folder can be made");
        write_file(server.folder(), "sub/users.conf", "include more.conf\n");
        write_file(server.folder(), "sub/more.conf", "users: [{user: deep, password: p}]\n");
        server.launch().unwrap_or_else(|problem| panic!("{problem}"));
        let _wire = Wire::client_with(&server, &serde_json::json!({"user": "deep", "pass": "p"}));
    }
}
