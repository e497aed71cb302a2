//! A listener outlasts failed accepts, and even a panic in its loop. Alone in its program, since it uses up
//! the program's files.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use common::{PATIENCE, connect, loopback};
use gannet_config::LoggingOptions;
use gannet_node::{Line, LogWriter, Logger, Server};
use gannet_rt::Runtime;
use gannet_rt::unix::{Resource, getrlimit, setrlimit};

/// Keeps lines; panics on the second one about an accept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn about_accepts(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let told = lines.iter().filter(|line| line.contains("Accept"));
        told.cloned().collect()
    }
}

impl LogWriter for Lines {
    fn write_line(&self, line: &Line<'_>) {
        let line = line.to_string();
        let text = line
            .split_once("] ")
            .map_or(line.as_str(), |(_pid, text)| text);
        self.0
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(text.to_owned());
        if self.about_accepts().len() == 2 && line.contains("Accept") {
            panic!("this is the test's doing");
        }
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::yield_now();
    }
}

#[test]
fn a_listener_without_descriptors_waits_for_better_times() {
    let runtime = Runtime::new(Some(1)).expect("a runtime");
    let lines = Lines::default();
    let form = LoggingOptions {
        time: false,
        ..LoggingOptions::default()
    };
    let log = Logger::new(&runtime.rt(), &form, Box::new(lines.clone()));
    let server = runtime
        .block_on(Server::start(loopback(), runtime.rt(), log))
        .expect("the server starts");
    let addr = server.client_addr().expect("the server has a client port");

    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    setrlimit(Resource::RLIMIT_NOFILE, 100, hard).expect("a limit can be lowered");
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files.pop();
    // The backlog takes it.
    let mut stream = connect(addr);
    until("four complaints", || lines.about_accepts().len() >= 4);
    drop(files);
    let mut first = [0; 5];
    stream.read_exact(&mut first).expect("the server says INFO");
    assert_eq!(&first, b"INFO ");

    let told = lines.about_accepts();
    let wanted = [10, 20, 40, 80].map(|ms| {
        format!(
            "[ERR] Temporary Client Accept Error(accept tcp {addr}: accept4: too many open files), \
             sleeping {ms}ms"
        )
    });
    assert_eq!(told[..4], wanted);
}
