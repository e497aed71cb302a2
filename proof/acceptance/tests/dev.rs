//! `gannet dev`: a super-cluster in one process, as a newcomer meets it. Only Gannet has it.

use gannet_acceptance::wait::within;
use gannet_acceptance::{Agent, Kind, Language, eventually, http};
use regex_lite::Regex;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A running `gannet dev`.
struct Dev {
    child: Child,
    told: Arc<Mutex<Vec<String>>>,
}

/// One line of its table.
#[derive(Debug)]
struct Row {
    client: String,
    gateway: String,
    monitoring: String,
}

impl Dev {
    fn start(arguments: &[&str]) -> Dev {
        let mut child = Command::new(Kind::Gannet.program())
            .arg("dev")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program can be started");
        let output = child.stdout.take().expect("stdout was piped above");
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                sink.lock().expect("nobody panics with it").push(line);
            }
        });
        Dev { child, told }
    }

    fn text(&self) -> String {
        self.told.lock().expect("nobody panics with it").join("\n")
    }

    /// Waits for the line that says that all links are up, and reads the table.
    fn rows(&self, links: usize) -> Vec<Row> {
        let ready = format!("All {links} links are up");
        let text = eventually("the table", || {
            let text = self.text();
            if text.contains(&ready) {
                Ok(text)
            } else {
                Err(text)
            }
        });
        let row = Regex::new(r"(?m)^(\w+) +(\w+-\d+) +nats://(127\.0\.0\.1:\d+) +nats://(127\.0\.0\.1:\d+) +http://(127\.0\.0\.1:\d+) +(\d+)/(\d+)$").expect("a pattern");
        // The table may have been shown several times while links came up; the last one counts.
        let all: Vec<_> = row.captures_iter(&text).collect();
        let names: Vec<String> = all.iter().map(|found| found[1].to_owned()).collect();
        let start = names.iter().rposition(|name| name == "A").expect("a table");
        all[start..]
            .iter()
            .map(|found| {
                assert_eq!(found[6], found[7], "{text}");
                Row {
                    client: found[3].to_owned(),
                    gateway: found[4].to_owned(),
                    monitoring: found[5].to_owned(),
                }
            })
            .collect()
    }

    fn interrupt(&mut self) -> std::process::ExitStatus {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, Signal::INT).expect("a signal can be sent to a child");
        within(Duration::from_secs(20), || {
            self.child
                .try_wait()
                .map_err(|error| error.to_string())?
                .ok_or_else(|| "it still runs".to_owned())
        })
        .expect("Ctrl-C ends it")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The table leads to servers that are joined: a message crosses from each to each; Ctrl-C ends all of them.
#[test]
fn dev_runs_a_super_cluster_until_it_is_interrupted() {
    let mut dev = Dev::start(&["--clusters", "3"]);
    let rows = dev.rows(6);
    assert_eq!(rows.len(), 3, "{}", dev.text());
    let mut agents: Vec<Agent> = rows
        .iter()
        .map(|row| Agent::connect(Language::Rust, &[format!("nats://{}", row.client)]))
        .collect();
    for agent in &mut agents {
        agent.subscribe("all", "hello.>", "");
    }
    for (at, row) in rows.iter().enumerate() {
        eventually("interest of the other two", || {
            let page = http::try_get(&row.monitoring, "/gatewayz?accs=1&subs=1")?.json();
            let links = page["outbound_gateways"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let wanting = links
                .values()
                .filter(|link| link["accounts"].to_string().contains("hello.>"))
                .count();
            if wanting == 2 {
                Ok(())
            } else {
                Err(page.to_string())
            }
        });
        agents[at].publish(&format!("hello.{at}"), &["hi"]);
    }
    for agent in &mut agents {
        let mut heard: Vec<String> = agent
            .take("all", 3)
            .iter()
            .map(|message| message["subject"].to_string())
            .collect();
        heard.sort();
        assert_eq!(heard, ["\"hello.0\"", "\"hello.1\"", "\"hello.2\""]);
    }
    let status = dev.interrupt();
    assert!(status.success(), "{status}\n{}", dev.text());
    for row in &rows {
        for address in [&row.client, &row.gateway, &row.monitoring] {
            // Somebody else may listen there for a moment.
            eventually("nobody to listen", || {
                let refused = TcpStream::connect(address).is_err();
                refused.then_some(()).ok_or_else(|| address.clone())
            });
        }
    }
}

/// A single cluster is a server without links.
#[test]
fn dev_runs_a_single_server_too() {
    let mut dev = Dev::start(&["--clusters", "1"]);
    let client = eventually("the table", || {
        let text = dev.text();
        let found = Regex::new(r"nats://(127\.0\.0\.1:\d+)")
            .expect("a pattern")
            .captures(&text)
            .map(|found| found[1].to_owned());
        found.ok_or(text)
    });
    Agent::connect(Language::Rust, &[format!("nats://{client}")]).subscribe("x", "x", "");
    assert!(dev.interrupt().success());
}
