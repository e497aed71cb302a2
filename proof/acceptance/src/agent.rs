//! Unmodified clients in three languages behind one set of commands.
//!
//! The Python and JavaScript agents are programs in `clients/` that read a command per line and answer with a
//! line of JSON; the Rust agent runs in this process. The commands are documented at [`Agent`]'s methods.

mod rust;

use crate::programs;
use crate::wait::PATIENCE;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Which client library speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// async-nats.
    Rust,
    /// nats-py.
    Python,
    /// @nats-io/transport-node.
    JavaScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 3] = [Language::Rust, Language::Python, Language::JavaScript];
}

/// A connected client.
#[derive(Debug)]
pub struct Agent {
    language: Language,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Process(Process),
    Rust(Box<rust::RustAgent>),
}

#[derive(Debug)]
struct Process {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
}

impl Agent {
    /// Connects to the first of `urls` that answers, in the order given; the others are for reconnecting.
    ///
    /// # Panics
    /// When the client cannot connect.
    pub fn connect(language: Language, urls: &[String]) -> Agent {
        Agent::connect_with(language, urls, &json!({}))
    }

    /// [`Agent::connect`] with `user` and `pass`, `token`, `echo`, or `tls`: files `ca`, `cert` and `key`, and whether
    /// the handshake comes `first`.
    ///
    /// # Panics
    /// When the client cannot connect.
    pub fn connect_with(language: Language, urls: &[String], options: &Value) -> Agent {
        let mut agent = Agent::new(language);
        let answer = agent.try_connect(urls, options);
        assert_eq!(
            answer["ok"], true,
            "{language:?} cannot connect to {urls:?}: {answer}"
        );
        agent
    }

    /// A client that is not connected yet.
    pub fn new(language: Language) -> Agent {
        let body = match language {
            Language::Rust => Body::Rust(Box::new(rust::RustAgent::new())),
            Language::Python => Body::Process(start(
                Command::new(programs::python())
                    .arg(programs::crate_dir().join("clients/agent.py")),
            )),
            Language::JavaScript => Body::Process(start(
                Command::new("node")
                    .arg(programs::crate_dir().join("clients/agent.mjs"))
                    .arg(programs::javascript()),
            )),
        };
        Agent { language, body }
    }

    /// Tries to connect: `{"ok":true}` or `{"error":text}`.
    pub fn try_connect(&mut self, urls: &[String], options: &Value) -> Value {
        let mut command = json!({"op": "connect", "urls": urls});
        command
            .as_object_mut()
            .expect("made above")
            .extend(options.as_object().cloned().unwrap_or_default());
        self.call(&command)
    }

    /// Subscribes under the label `label` and waits until the server knows.
    pub fn subscribe(&mut self, label: &str, subject: &str, queue: &str) {
        self.demand(&json!({"op": "sub", "label": label, "subject": subject, "queue": queue}));
    }

    /// Ends the subscription `label` and waits until the server knows.
    pub fn unsubscribe(&mut self, label: &str) {
        self.demand(&json!({"op": "unsub", "label": label}));
    }

    /// Answers requests on `subject` with `prefix` and the request's payload.
    pub fn answer(&mut self, subject: &str, queue: &str, prefix: &str) {
        self.demand(&json!({"op": "answer", "subject": subject, "queue": queue, "prefix": prefix}));
    }

    /// Publishes `payloads` in their order and waits until the server has taken them.
    pub fn publish(&mut self, subject: &str, payloads: &[&str]) {
        self.demand(&json!({"op": "pub", "subject": subject, "payloads": payloads}));
    }

    /// Publishes one message with headers `{name: [values]}`.
    pub fn publish_with_headers(&mut self, subject: &str, payload: &str, headers: &Value) {
        self.demand(
            &json!({"op": "pub", "subject": subject, "payloads": [payload], "headers": headers}),
        );
    }

    /// Waits until `count` messages came to `label` and takes them: objects with `subject`, `payload` and, if
    /// there are any, `headers`.
    pub fn take(&mut self, label: &str, count: usize) -> Vec<Value> {
        let answer = self.demand(
            &json!({"op": "take", "label": label, "count": count, "seconds": PATIENCE.as_secs()}),
        );
        answer["messages"].as_array().cloned().unwrap_or_default()
    }

    /// [`Agent::take`], payloads only.
    pub fn take_payloads(&mut self, label: &str, count: usize) -> Vec<String> {
        self.take(label, count)
            .iter()
            .map(|message| message["payload"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// How many messages wait at `label`, after a round trip to the server.
    pub fn waiting(&mut self, label: &str) -> u64 {
        self.demand(&json!({"op": "waiting", "label": label}))["count"]
            .as_u64()
            .expect("a count")
    }

    /// Sends a request: `{"payload":…}` or `{"error":"no responders"|"timeout"|…}`.
    pub fn request(&mut self, subject: &str, payload: &str) -> Value {
        self.call(&json!({"op": "request", "subject": subject, "payload": payload, "seconds": PATIENCE.as_secs()}))
    }

    /// Drains and closes the connection; what was delivered until then stays for [`Agent::take`].
    pub fn drain(&mut self) {
        self.demand(&json!({"op": "drain"}));
    }

    /// Waits until the client has reconnected `count` times in all.
    pub fn await_reconnects(&mut self, count: u64) {
        self.demand(
            &json!({"op": "await_reconnects", "count": count, "seconds": PATIENCE.as_secs()}),
        );
    }

    /// Name of the server that the client is connected to.
    pub fn server_name(&mut self) -> String {
        self.demand(&json!({"op": "server_name"}))["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn demand(&mut self, command: &Value) -> Value {
        let answer = self.call(command);
        assert_eq!(
            answer["ok"], true,
            "{:?} was told {command} and answered {answer}",
            self.language
        );
        answer
    }

    fn call(&mut self, command: &Value) -> Value {
        match &mut self.body {
            Body::Rust(agent) => agent.call(command),
            Body::Process(process) => process.call(command),
        }
    }
}

impl Process {
    fn call(&mut self, command: &Value) -> Value {
        writeln!(self.commands, "{command}").expect("the client program takes commands");
        let line = self
            .answers
            .recv_timeout(PATIENCE * 2)
            .unwrap_or_else(|error| panic!("no answer to {command}: {error}"));
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("answer to {command} is not JSON ({error}): {line}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(command: &mut Command) -> Process {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
    let commands = child.stdin.take().expect("stdin was piped above");
    let output = child.stdout.take().expect("stdout was piped above");
    let (sender, answers) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Process {
        child,
        commands,
        answers,
    }
}
