//! Syslog (row OPS-22): messages byte for byte, who gets them of several, and what happens when nobody does.

use gannet_acceptance::ports::Port;
use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use regex_lite::Regex;
use rustix::process::Signal;
use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Takes everything that is sent to it, until it is dropped.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Receiver {
    fn udp() -> Receiver {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let url = format!("udp://{}", socket.local_addr().expect("an address"));
        Receiver::new(url, move |heard| {
            let mut buffer = [0; 65536];
            while let Ok(length) = socket.recv(&mut buffer) {
                heard
                    .lock()
                    .expect("no panic")
                    .extend_from_slice(&buffer[..length]);
            }
        })
    }

    fn tcp() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let url = format!("tcp://{}", listener.local_addr().expect("an address"));
        Receiver::new(url, move |heard| {
            while let Ok((mut stream, _)) = listener.accept() {
                take(&mut stream, heard);
            }
        })
    }

    fn unix(folder: &Path) -> Receiver {
        let path = folder.join("log");
        let listener = UnixListener::bind(&path).expect("a listener");
        Receiver::new(format!("unix://{}", path.display()), move |heard| {
            while let Ok((mut stream, _)) = listener.accept() {
                take(&mut stream, heard);
            }
        })
    }

    fn new(url: String, work: impl FnOnce(&Mutex<Vec<u8>>) + Send + 'static) -> Receiver {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mine = heard.clone();
        // It ends with the process: the test's.
        drop(std::thread::spawn(move || work(&mine)));
        Receiver { url, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().expect("no panic")).into_owned()
    }

    /// Waits for a message that holds `text`, and returns it.
    fn expect(&self, text: &str) -> String {
        eventually(&format!("a message with {text:?}"), || {
            let heard = self.heard();
            let lines = heard.split_inclusive('\n');
            let mut found = lines.filter(|line| line.ends_with('\n') && line.contains(text));
            found.next().map(str::to_owned).ok_or(heard.clone())
        })
    }
}

fn take(from: &mut impl std::io::Read, heard: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        heard
            .lock()
            .expect("no panic")
            .extend_from_slice(&buffer[..length]);
    }
}

/// What the server calls itself: the program's name and its process.
fn sender(server: &Server) -> String {
    let program = server.kind().program();
    let name = program
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    format!("{name}[{}]", server.pid())
}

/// The name of this machine.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux has it");
    name.trim().to_owned()
}

/// The message with its time taken out, which has the form that is wanted.
fn without_time(message: &str, is_near: bool) -> String {
    let form = match is_near {
        true => {
            r"^(<\d+>)(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 1-3]\d \d\d:\d\d:\d\d "
        }
        false => r"^(<\d+>)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) ",
    };
    let form = Regex::new(form).expect("a pattern");
    assert!(form.is_match(message), "{message:?}");
    form.replace(message, "$1").into_owned()
}

both! {
    /// OPS-22: messages to each kind of receiver, from the first line to the last, and nothing on standard error.
    #[test]
    fn messages_have_the_form_that_receivers_know(kind: Kind) {
        let folder = tempfile::tempdir().expect("a folder");
        let receivers = [Receiver::udp(), Receiver::tcp(), Receiver::unix(folder.path())];
        for (receiver, flag) in receivers.iter().zip(["-r", "--remote_syslog", "-r"]) {
            let mut server = Server::start_with(kind, "", &[flag, &receiver.url]);
            let is_near = receiver.url.starts_with("unix");
            let sender = match is_near {
                true => sender(&server),
                false => format!("{} {}", machine(), sender(&server)),
            };
            let first = receiver.expect(": Starting nats-server\n");
            assert_eq!(without_time(&first, is_near), format!("<5>{sender}: Starting nats-server\n"));
            server.terminate();
            let last = receiver.expect(": Server Exiting..\n");
            assert_eq!(without_time(&last, is_near), format!("<5>{sender}: Server Exiting..\n"));
            assert_eq!(server.log(), "", "{}", receiver.url);
        }
    }

    /// OPS-22: levels are severities, times are local ones.
    #[test]
    fn levels_are_severities(kind: Kind) {
        let receiver = Receiver::udp();
        let config = format!("remote_syslog: '{}', debug: true, trace: true, logtime_utc: true", receiver.url);
        let mut server = Server::prepare(kind, &format!("{config}\nauthorization {{ token: t }}"), &[]);
        server.set_variable("TZ", "EAST-9");
        server.launch().unwrap_or_else(|problem| panic!("{problem}"));
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.send("CONNECT {\"auth_token\":\"s3cret\"}\r\n");
        wire.expect("-ERR 'Authorization Violation'");
        wire.expect_closed();
        for (text, severity) in [
            (": Server is ready", 5), (" - Client connection created", 7), ("<<- [CONNECT", 5), (" - authentication error", 3),
        ] {
            let message = receiver.expect(text);
            assert!(message.starts_with(&format!("<{severity}>")), "{message}");
        }
        assert!(!receiver.heard().contains("s3cret"), "{}", receiver.heard());
    }

    /// OPS-22: a file goes before syslog at a URL, that before this machine's, that before standard error; flags go
    /// before the file.
    #[test]
    fn of_several_places_for_the_log_one_counts(kind: Kind) {
        let (one, other) = (Receiver::udp(), Receiver::udp());
        let of_one = format!("remote_syslog: '{}'", one.url);
        let both_kinds = format!("{of_one}\nsyslog: true");
        let with_file = format!("{of_one}\nlog_file: '{{dir}}/g.log'");
        for (config, arguments, expected) in [
            (of_one.as_str(), &[][..], "one"), (&of_one, &["-r", &other.url], "other"), (&of_one, &["-r", ""], "stderr"),
            (&both_kinds, &[], "one"), (&of_one, &["-s"], "one"), ("syslog: true", &["-s=false"], "stderr"),
            ("syslog: true", &["--syslog=false"], "stderr"), (&with_file, &[], "file"), (&with_file, &["-s", "-r", &other.url], "file"),
        ] {
            let mut server = Server::start_with(kind, config, arguments);
            let pid = format!("[{}]", server.pid());
            server.terminate();
            let last = |text: &str| text.lines().any(|line| line.contains(&pid) && line.ends_with("Server Exiting.."));
            eventually(&format!("the log to be at {expected}: {config} {arguments:?}"), || {
                let file = std::fs::read_to_string(server.folder().join("g.log")).unwrap_or_default();
                let places = [("one", one.heard()), ("other", other.heard()), ("stderr", server.log()), ("file", file)];
                let found: Vec<&str> = places.iter().filter(|(_, text)| last(text)).map(|(name, _)| *name).collect();
                if found == [expected] { Ok(()) } else { Err(format!("{found:?}")) }
            });
        }
    }

    /// OPS-22: a reload moves the log; where it was hears why, where it is from then on that it has happened.
    #[test]
    fn a_reload_moves_the_log(kind: Kind) {
        let (one, other) = (Receiver::udp(), Receiver::tcp());
        let server = Server::start(kind, "");
        let reloaded = "Reloaded server configuration (";
        let go = |config: &str| {
            server.write_config(config);
            server.signal(Signal::HUP);
        };
        let file = || std::fs::read_to_string(server.folder().join("g.log")).unwrap_or_default();
        go(&format!("remote_syslog: '{}'", one.url));
        server.expect_log(&format!("[INF] Reloaded: remote_syslog = {}", one.url));
        one.expect(reloaded);
        go(&format!("remote_syslog: '{}'", other.url));
        one.expect(&format!("Reloaded: remote_syslog = {}", other.url));
        other.expect(reloaded);
        go("log_file: '{dir}/g.log'");
        other.expect("Reloaded: log_file = ");
        eventually("a line in the file", || file().contains(reloaded).then_some(()).ok_or_else(file));
        go("log_file: '{dir}/g.log', syslog: true");
        eventually("a line in the file", || {
            file().contains("[INF] Reloaded: syslog = true").then_some(()).ok_or_else(file)
        });
        go("");
        eventually("a line in the file", || {
            file().contains("[INF] Reloaded: syslog = false").then_some(()).ok_or_else(file)
        });
        server.expect_log(reloaded);
        for receiver in [one, other] {
            assert_eq!(receiver.heard().matches(reloaded).count(), 1, "{}", receiver.heard());
        }
    }

    /// OPS-22: without a receiver there is no start.
    #[test]
    fn without_a_receiver_there_is_no_start(kind: Kind) {
        let folder = tempfile::tempdir().expect("a folder");
        for (url, told) in [
            ("tcp://127.0.0.1:1", "error connecting to syslog: \"dial tcp 127.0.0.1:1: connect: connection refused\""),
            ("udp://127.0.0.1", "error connecting to syslog: \"dial udp: address 127.0.0.1: missing port in address\""),
            ("udp://", "error connecting to syslog: \"dial udp: missing address\""),
            ("unix:///none", "error connecting to syslog: \"dial unix /none: connect: no such file or directory\""),
            ("http://x", "error invalid network type: \"http\""),
            ("127.0.0.1:514", "parse \"127.0.0.1:514\": first path segment in URL cannot contain colon"),
            ("udp://127.0.0.1:x", "parse \"udp://127.0.0.1:x\": invalid port \":x\" after host"),
        ] {
            let output = kind.run(folder.path(), &["-a", "127.0.0.1", "-p", "-1", "-r", url]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{url}: {said}");
            // The reference begins the line with the time.
            assert!(said.ends_with(&format!("{told}\n")) && said.lines().count() == 1, "{url}: {said}");
        }
    }
}

/// The reference server ends when it is told by a reload to log where nobody is. Here, nothing has changed then.
#[test]
fn a_reload_to_a_receiver_that_is_not_there_is_refused() {
    let server = Server::start(Kind::Gannet, "");
    server.write_config("remote_syslog: 'tcp://127.0.0.1:1'");
    assert_eq!(
        server.reload(),
        [
            "Failed to reload server configuration: error connecting to syslog: \
          \"dial tcp 127.0.0.1:1: connect: connection refused\""
        ]
    );
    drop(Wire::client(&server));
    server.await_nobody();
}

/// Objects for syslog have all that lines have, and no secret.
#[test]
fn messages_may_be_objects() {
    let receiver = Receiver::udp();
    let config = format!("remote_syslog: '{}', log_format: json", receiver.url);
    let server = Server::start_with(Kind::Gannet, &config, &["-DV", "--auth", "t0ken"]);
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    wire.send("CONNECT {\"auth_token\":\"s3cret\"}\r\n");
    wire.expect("-ERR 'Authorization Violation'");
    wire.expect_closed();
    let message = receiver.expect("authentication error");
    let (before, object) = message.split_once("]: ").expect("a sender");
    assert!(before.starts_with("<3>"), "{message}");
    let object: serde_json::Value = serde_json::from_str(object).expect("an object");
    assert_eq!(
        (&object["level"], &object["kind"]),
        (&"error".into(), &"client".into())
    );
    receiver.expect("<<- [CONNECT");
    assert!(!receiver.heard().contains("s3cret") && !receiver.heard().contains("t0ken"));
}

/// A receiver may go and come back; lines wait for it meanwhile, and the server for nothing.
#[test]
fn lines_wait_for_a_receiver_that_comes_back() {
    let port = Port::reserve();
    let addr = port.address();
    let listener = TcpListener::bind(&addr).expect("a listener");
    let server = Server::start_with(Kind::Gannet, "", &["-D", "-r", &format!("tcp://{addr}")]);
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.read_exact(&mut [0]).expect("something");
    drop((stream, listener));
    let missed = || {
        server
            .log()
            .contains("[WRN] Log lines do not reach syslog at tcp://")
    };
    eventually("the server to miss its receiver", || {
        drop(Wire::client(&server));
        missed().then_some(()).ok_or_else(|| server.log())
    });
    let late = Wire::client(&server);
    let port = late.local_port();
    let listener = TcpListener::bind(addr).expect("the same address");
    let (mut stream, _) = listener.accept().expect("a connection");
    let heard = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| take(&mut stream, &heard));
        eventually("a line from meanwhile", || {
            let text = String::from_utf8_lossy(&heard.lock().expect("no panic")).into_owned();
            let wanted = format!("127.0.0.1:{port} - cid:");
            text.contains(&wanted).then_some(()).ok_or(text)
        });
        server.signal(Signal::TERM);
    });
}
