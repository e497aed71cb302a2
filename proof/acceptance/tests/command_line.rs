//! The command line, flag by flag, both servers side by side: what each flag does, what is said of wrong ones, what a
//! server does that was started by flags alone, and what it tells of its own command line (rows OPS-01 to OPS-04, OPS-08,
//! PLAT-01, PLAT-02, MON-01, MON-28).

use gannet_acceptance::certificates::{Authority, TlsPeer};
use gannet_acceptance::server::write_file;
use gannet_acceptance::{Kind, Wire, both, eventually, http};
use serde_json::{Value, json};
use std::fs::File;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A server that was started with these arguments and nothing else, under the name `nats-server`.
struct Started {
    child: Child,
    folder: TempDir,
}

impl Started {
    fn new(kind: Kind, arguments: &[&str]) -> Started {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Started::in_folder(kind, folder, arguments)
    }

    fn in_folder(kind: Kind, folder: TempDir, arguments: &[&str]) -> Started {
        let link = folder.path().join("nats-server");
        std::os::unix::fs::symlink(kind.program(), &link)
            .expect("a link can be made in a temporary folder");
        let log = File::create(folder.path().join("stderr")).expect("a file can be made");
        let child = Command::new(link)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?} {arguments:?}: {error}"));
        let started = Started { child, folder };
        started.log("Server is ready");
        started
    }

    /// The first line of the log with this text, once it is there.
    fn log(&self, text: &str) -> String {
        eventually(text, || {
            let log = std::fs::read_to_string(self.folder.path().join("stderr"))
                .map_err(|error| error.to_string())?;
            let mut lines = log.lines();
            lines
                .find(|line| line.contains(text))
                .map(str::to_owned)
                .ok_or(log.clone())
        })
    }

    /// What stands behind this text in the log.
    fn behind(&self, text: &str) -> String {
        let line = self.log(text);
        line.split_once(text)
            .map(|(_, rest)| rest.trim().to_owned())
            .unwrap_or_default()
    }

    /// Its ports file, and nothing else of the folder.
    fn ports(&self) -> Value {
        let path = self
            .folder
            .path()
            .join(format!("nats-server_{}.ports", self.child.id()));
        eventually("the ports file", || {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Exit code, standard output, and the last line of standard error.
fn run(kind: Kind, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let link = folder.path().join("nats-server");
    std::os::unix::fs::symlink(kind.program(), &link)
        .expect("a link can be made in a temporary folder");
    write_file(folder.path(), "good.conf", "listen: \"127.0.0.1:-1\"");
    let output = Command::new(&link)
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{kind:?} {arguments:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let told = text(&output.stderr);
    let last = told.lines().last().unwrap_or_default().to_owned();
    (output.status.code(), text(&output.stdout), last)
}

fn is_reference(kind: Kind) -> bool {
    kind == Kind::Go
}

/// Loopback, any free ports, found by the ports file.
const FREE: [&str; 6] = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", "."];

fn free(more: &[&'static str]) -> Vec<&'static str> {
    FREE.iter().chain(more).copied().collect()
}

both! {
    /// OPS-03, OPS-04: a line that is none. Both say the same of it; the reference server then prints its help, and
    /// ends as if all were well.
    #[test]
    fn wrong_flags_are_told_in_the_same_words(kind: Kind) {
        for (arguments, told) in [
            (&["-foo"][..], "flag provided but not defined: -foo"),
            (&["--foo=1"], "flag provided but not defined: -foo"),
            (&["-p"], "flag needs an argument: -p"),
            (&["--port"], "flag needs an argument: -port"),
            (&["-routes"], "flag needs an argument: -routes"),
            (&["-p", "abc"], "invalid value \"abc\" for flag -p: parse error"),
            (&["-p="], "invalid value \"\" for flag -p: parse error"),
            (&["--profile", "abc"], "invalid value \"abc\" for flag -profile: parse error"),
            (&["-ms", "abc"], "invalid value \"abc\" for flag -ms: parse error"),
            (&["-m=x"], "invalid value \"x\" for flag -m: parse error"),
            (&["--connect_retries", "x"], "invalid value \"x\" for flag -connect_retries: parse error"),
            (&["--max_traced_msg_len", "x"], "invalid value \"x\" for flag -max_traced_msg_len: parse error"),
            (&["--log_size_limit", "x"], "invalid value \"x\" for flag -log_size_limit: parse error"),
            (&["-D=maybe"], "invalid boolean value \"maybe\" for -D: parse error"),
            (&["--no_advertise=x"], "invalid boolean value \"x\" for -no_advertise: parse error"),
            (&["-js=zz"], "invalid boolean value \"zz\" for -js: parse error"),
            (&["-tls=x"], "invalid boolean value \"x\" for -tls: parse error"),
            (&["---a"], "bad flag syntax: ---a"),
            (&["-=x"], "bad flag syntax: -=x"),
        ] {
            let (code, out, last) = run(kind, arguments);
            if is_reference(kind) {
                assert_eq!((code, last.as_str()), (Some(0), told), "{arguments:?}");
                assert!(out.starts_with("Usage: nats-server [options]"), "{arguments:?}: {out}");
            } else {
                assert_eq!((code, out, last), (Some(1), String::new(), format!("nats-server: {told}")), "{arguments:?}");
            }
        }
    }

    /// OPS-01 to OPS-04: what the program says and does before there is a server.
    #[test]
    fn lines_that_ask_for_no_server_are_answered_alike(kind: Kind) {
        let cannot = |text: &str| (Some(1), String::new(), format!("nats-server: {text}"));
        let version = || (Some(0), "nats-server: v2.15.1".to_owned(), String::new());
        for (arguments, wanted) in [
            (&["version"][..], version()),
            (&["VERSION", "extra"], version()),
            (&["-v", "-t"], version()),
            (&["-v", "-h"], version()),
            (&["foo"], cannot("unrecognized command: \"foo\"")),
            (&["--", "foo"], cannot("unrecognized command: \"foo\"")),
            (&["-"], cannot("unrecognized command: \"-\"")),
            (&["--no_advertise", "false"], cannot("unrecognized command: \"false\"")),
            (&["-c", "good.conf", "-t", "extra"], cannot("unrecognized command: \"extra\"")),
            (&["-t", "-D"], cannot("must specify [-c, --config] option to check configuration file syntax")),
            (&["-t=false", "-c", "nope"], cannot("open nope: no such file or directory")),
            (&["--routes", "nats://127.0.0.1:1"], cannot("solicited routes require cluster capabilities, e.g. --cluster")),
            (&["--cluster", "foo"], cannot("missing port in address")),
            (&["--cluster", "127.0.0.1:0"], cannot("parse \"127.0.0.1:0\": first path segment in URL cannot contain colon")),
            (&["--cluster", "nats://127.0.0.1"], cannot("address 127.0.0.1: missing port in address")),
            (&["--cluster_listen", "nats://u@127.0.0.1:1"], cannot("expected cluster password to be set")),
            (&["--tls"], cannot("TLS Server certificate must be present and valid")),
            (&["--tlsverify"], cannot("TLS Server certificate must be present and valid")),
            (&["--tlscert", "a"], cannot("TLS Server private key must be present and valid")),
            (&["-n", "a b"], cannot("server name cannot contain spaces")),
            (&["-sl", "reload=abc"], cannot("invalid pid: abc")),
            (&["-sl=stop=a=b"], cannot("invalid signal parameters: [b]")),
            (&["-sl", "reload=2147483647"], (Some(1), String::new(), "signal \"reload\" 2147483647: no such process".to_owned())),
        ] {
            assert_eq!(run(kind, arguments), wanted, "{arguments:?}");
        }
        let (code, out, _) = run(kind, &["-t", "-c", "good.conf"]);
        assert_eq!((code, out.as_str()), (Some(0), ""));
        for arguments in [&["--help_tls"][..], &["-h"], &["help"], &["HELP"]] {
            let (code, out, last) = run(kind, arguments);
            assert!(code == Some(0) && !out.is_empty() && last.is_empty(), "{arguments:?}: {code:?} {out} {last}");
        }
    }

    /// OPS-01: what can only be found out when the server starts.
    #[test]
    fn starts_that_fail_end_with_one(kind: Kind) {
        for (arguments, told) in [
            (&["-P", "none/x.pid"][..], "[FTL] Could not write pidfile: open none/x.pid: no such file or directory"),
            (&["-l", "none/x.log"], "error opening file: open none/x.log: no such file or directory"),
            (&["-ms", "8443"], "[FTL] Can't start monitoring: TLS cert and key required for HTTPS"),
            (&["-m", "-1", "-ms", "-1"], "[FTL] Can't start monitoring: can't specify both HTTP (-1) and HTTPs (-1) ports"),
            (&["--tlscert", "a", "--tlskey", "b"], "error parsing X509 certificate/key pair: open a: no such file or directory"),
        ] {
            let arguments: Vec<&str> = ["-a", "127.0.0.1", "-p", "-1"].iter().chain(arguments).copied().collect();
            let (code, _, last) = run(kind, &arguments);
            assert!(code == Some(1) && last.ends_with(told), "{arguments:?}: {code:?} {last}");
        }
    }

    /// OPS-02: a cluster by flags alone, with the credentials that its URL asks for.
    #[test]
    fn flags_make_a_cluster(kind: Kind) {
        let first = Started::new(kind, &free(&["--cluster", "nats://ann:secret@127.0.0.1:-1", "--cluster_name", "C"]));
        let route = first.ports()["cluster"][0].as_str().expect("a URL").replace("nats://", "nats://ann:secret@");
        let more = ["--cluster", "nats://127.0.0.1:-1", "--cluster_name", "C", "--no_advertise", "--connect_retries", "3", "--routes", &route];
        let arguments: Vec<&str> = FREE.iter().chain(&more).copied().collect();
        let second = Started::new(kind, &arguments);
        let client = |server: &Started| {
            let ports = server.ports();
            let url = ports["nats"][0].as_str().expect("a URL").to_owned();
            let mut wire = Wire::open(url.trim_start_matches("nats://"));
            let info = wire.info();
            wire.send("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n");
            wire.expect("PONG");
            (wire, info)
        };
        let (mut hearing, info) = client(&first);
        assert_eq!(info["cluster"], "C");
        hearing.send("SUB a 1\r\nPING\r\n");
        hearing.expect("PONG");
        let (mut speaking, _) = client(&second);
        // Interest crosses the route when it stands.
        eventually("a message over the route", || {
            speaking.send("PUB a 2\r\nhi\r\nPING\r\n");
            speaking.expect("PONG");
            hearing.send("PING\r\n");
            let line = hearing.line();
            if line.starts_with("MSG a 1 2") { Ok(()) } else { Err(line) }
        });
        // One of these routes came in without the password.
        let wrong = Started::new(kind, &free(&["--cluster", "nats://127.0.0.1:-1", "--cluster_name", "C"]));
        assert_eq!(wrong.ports()["cluster"].as_array().map(Vec::len), Some(1));
    }

    /// OPS-08, PLAT-01: every kind of listener that the file tells of.
    #[test]
    fn the_ports_file_has_all_listeners(kind: Kind) {
        let server = Started::new(kind, &free(&["-m", "-1", "--profile", "-1", "--cluster", "nats://127.0.0.1:-1", "--cluster_name", "C"]));
        let at = |text: &str| server.behind(text);
        assert_eq!(server.ports(), json!({
            "nats": [format!("nats://{}", at("Listening for client connections on "))],
            "monitoring": [format!("http://{}", at("Starting http monitor on "))],
            "cluster": [format!("nats://{}", at("Listening for route connections on "))],
            "profile": [format!("http://127.0.0.1:{}", at("profiling port: "))],
        }));
    }

    /// OPS-04, PLAT-01, PLAT-02, MON-28: what is told of the command line has no secrets, on both ports; what readers of
    /// such pages look for is there.
    #[test]
    fn the_process_tells_of_itself_without_secrets(kind: Kind) {
        let secrets = ["--user", "ann", "--pass=hunter2", "-cluster", "nats://bob:hunter2@127.0.0.1:-1", "--cluster_name", "C",
            "--routes", "nats://bob:hunter2@127.0.0.1:1,nats://127.0.0.1:2", "-m", "-1", "--profile", "-1"];
        let server = Started::new(kind, &free(&secrets));
        let monitor = server.behind("Starting http monitor on ");
        let profiling = format!("127.0.0.1:{}", server.behind("profiling port: "));
        let wanted: Vec<&str> = FREE.iter().copied().chain(["--user", "[REDACTED]", "--pass=[REDACTED]", "-cluster",
            "nats://[REDACTED]@127.0.0.1:-1", "--cluster_name", "C", "--routes", "nats://[REDACTED]@127.0.0.1:1,nats://127.0.0.1:2",
            "-m", "-1", "--profile", "-1"]).collect();
        for address in [&monitor, &profiling] {
            let page = http::get(address, "/debug/vars");
            assert_eq!((page.status, page.header("content-type")), (200, Some("application/json; charset=utf-8")), "{}", page.body);
            assert!(!page.body.contains("hunter2"), "{}", page.body);
            let page = page.json();
            let words = page["cmdline"].as_array().expect("a list");
            let path = words[0].as_str().expect("a path");
            assert!(Path::new(path).ends_with("nats-server"), "{path}");
            assert_eq!(Value::from(&words[1..]), json!(wanted));
            for field in ["Alloc", "Sys", "HeapAlloc", "HeapSys", "HeapInuse"] {
                assert!(page["memstats"][field].as_u64() > Some(0), "{field}: {page}");
            }
            assert!(page["memstats"]["NumGC"].is_u64());
        }
        let line = http::get(&profiling, "/debug/pprof/cmdline").body;
        let words: Vec<&str> = line.split('\0').skip(1).collect();
        assert_eq!(words, wanted);
        for (address, path, status, kind) in [
            (&profiling, "/debug/pprof/", 200, "text/html; charset=utf-8"),
            (&profiling, "/debug/pprof/nope", 404, "text/plain; charset=utf-8"),
            (&profiling, "/", 404, "text/plain; charset=utf-8"),
            (&monitor, "/stacksz", 200, "application/json"),
        ] {
            let page = http::get(address, path);
            assert_eq!((page.status, page.header("content-type")), (status, Some(kind)), "{path}");
            assert!(!page.body.is_empty());
        }
        // Neither is counted among the requests.
        let counted = http::get(&monitor, "/varz").json()["http_req_stats"].clone();
        assert_eq!(counted, json!({"/varz": 1}));
    }

    /// MON-01: monitoring that encrypts, with the clients' certificate, and asks for none.
    #[test]
    fn monitoring_may_encrypt(kind: Kind) {
        let authority = Authority::new("ca");
        let block = authority.issue("server", &["localhost", "127.0.0.1"]).block("verify: true");
        let folder = TempDir::new().expect("a temporary folder can be made");
        write_file(folder.path(), "some.conf", &format!("listen: \"127.0.0.1:-1\"\nports_file_dir: \".\"\n{block}"));
        let server = Started::in_folder(kind, folder, &["-c", "some.conf", "-ms", "-1"]);
        let address = server.behind("Starting https monitor on ");
        let ports = server.ports();
        assert_eq!(ports["monitoring"], json!([format!("https://{address}")]));
        assert!(ports["nats"][0].as_str().is_some_and(|url| url.starts_with("tls://")), "{ports}");
        let stream = TcpStream::connect(&address).expect("it listens");
        let mut peer = TlsPeer::begin(stream, None);
        peer.send("GET /varz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(peer.line().as_deref(), Some("HTTP/1.1 200 OK"));
        let port: u16 = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        // The reference server shows a random one as it was configured.
        let shown = if is_reference(kind) { "-1".to_owned() } else { port.to_string() };
        let wanted = format!("  \"https_port\": {shown},");
        let lines = std::iter::from_fn(|| peer.line());
        let found: Vec<String> = lines.filter(|line| line.contains("http_port") || line.contains("https_port")).collect();
        assert_eq!(found, ["  \"http_port\": 0,", &wanted]);
    }
}

/// OPS-01: parts that are not built say so by name, unless they are said not to be wanted.
#[test]
fn flags_of_parts_that_are_not_built_are_refused_by_name() {
    for arguments in [&["-js"][..], &["--jetstream"], &["-js=true", "-sd", "x"]] {
        let (code, out, told) = run(Kind::Gannet, arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(
            told.contains("is known but not supported yet by this version of Gannet (JetStream)"),
            "{told}"
        );
    }
    let server = Started::new(Kind::Gannet, &free(&["-js=false"]));
    assert!(server.ports()["nats"].is_array());
}
