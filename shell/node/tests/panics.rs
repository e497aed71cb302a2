//! A connection's task that panics ends its own connection and nothing else.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use common::{LOOPBACK, PATIENCE, gateway, loopback, read_until};
use gannet_config::{LoggingOptions, Port};
use gannet_node::{Line, LogWriter, Logger, Server};
use gannet_rt::Runtime;
use serde_json::{Value, json};

/// Panics on lines about bytes that nobody understands: the fault that every server has somewhere.
struct Faulty;

impl LogWriter for Faulty {
    fn write_line(&self, line: &Line<'_>) {
        let line = line.to_string();
        let faults = ["parser ERROR", "not valid JSON", "Gateway Error"];
        if faults.iter().any(|fault| line.contains(fault)) {
            panic!("this is the test's doing");
        }
    }
}

struct Running {
    server: Server,
    _runtime: Runtime,
}

fn run() -> Running {
    let runtime = Runtime::new(Some(2)).expect("a runtime");
    let mut options = loopback();
    options.monitoring.port = Some(Port::Random);
    options.gateway = Some(gateway("A", LOOPBACK, Port::Random, Vec::new()));
    let form = LoggingOptions::default();
    let log = Logger::new(&runtime.rt(), &form, Box::new(Faulty));
    let server = runtime
        .block_on(Server::start(options, runtime.rt(), log))
        .expect("the server starts");
    Running {
        server,
        _runtime: runtime,
    }
}

impl Running {
    fn client(&self, said: &str) -> TcpStream {
        connect(self.server.client_addr().expect("a client port"), said)
    }

    fn page(&self, target: &str) -> Value {
        let request = format!("GET {target} HTTP/1.0\r\n\r\n");
        let mut stream = connect(
            self.server.monitor_addr().expect("a monitoring port"),
            &request,
        );
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let body = text.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).expect("JSON")
    }

    /// What `pick` takes from a page, as soon as it is `wanted`.
    fn wait_for(&self, target: &str, pick: impl Fn(&Value) -> Value, wanted: &Value) {
        let begun = Instant::now();
        loop {
            let got = pick(&self.page(target));
            if got == *wanted {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{got} is not {wanted}");
        }
    }
}

fn connect(addr: SocketAddr, said: &str) -> TcpStream {
    let mut stream = common::connect(addr);
    stream.write_all(said.as_bytes()).expect("it is taken");
    stream
}

#[test]
fn a_client_whose_task_panics_leaves_nothing_behind() {
    let running = run();
    let quiet = "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n";
    let mut other = running.client(&format!("{quiet}SUB b 1\r\nPING\r\n"));
    read_until(&mut other, "PONG\r\n");
    let mut victim = running.client(&format!("{quiet}SUB a 1\r\nSUB b q 2\r\nPING\r\n"));
    read_until(&mut victim, "PONG\r\n");
    victim
        .write_all(b"PUB b 1\r\nx\r\nNONSENSE\r\n")
        .expect("taken");
    let mut last = Vec::new();
    victim.read_to_end(&mut last).expect("the connection ends");
    assert_eq!(
        String::from_utf8_lossy(&last),
        "MSG b 2 1\r\nx\r\n-ERR 'Unknown Protocol Operation'\r\n"
    );

    let state = |page: &Value| {
        let ended = &page["connections"][0];
        json!([ended["reason"], ended["subscriptions"], page["total"]])
    };
    let wanted = json!(["Internal Client", 2, 1]);
    running.wait_for("/connz?state=closed", state, &wanted);
    let counts = |varz: &Value| json!([varz["connections"], varz["subscriptions"]]);
    running.wait_for("/varz", counts, &json!([1, 1]));
    other
        .write_all(b"SUB r 2\r\nPUB a r 1\r\nx\r\nPUB b 1\r\ny\r\nPING\r\n")
        .expect("taken");
    assert_eq!(
        read_until(&mut other, "PONG\r\n"),
        "MSG b 1 1\r\nx\r\nHMSG r 2 33 33\r\nNATS/1.0 503\r\nNats-Subject: a\r\n\r\n\r\nMSG b 1 1\r\ny\r\nPONG\r\n"
    );
}

#[test]
fn a_link_whose_task_panics_leaves_nothing_behind() {
    let running = run();
    let addr = running.server.gateway_addr().expect("a gateway port");
    let info = "{\"server_id\":\"B\",\"gateway\":\"B\",\"gateway_url\":\"127.0.0.1:1\",\"gateway_iom\":true}";
    let mut link = connect(
        addr,
        &format!("CONNECT {{\"gateway\":\"B\"}}\r\nINFO {info}\r\nPING\r\n"),
    );
    read_until(&mut link, "PONG\r\n");
    let inbound = || {
        let links = running.server.gateway_links();
        links.iter().map(|link| link.inbound).sum::<usize>()
    };
    assert_eq!(inbound(), 1);
    link.write_all(b"-ERR 'x'\r\n").expect("taken");
    let mut last = Vec::new();
    link.read_to_end(&mut last).expect("the connection ends");
    let begun = Instant::now();
    while inbound() > 0 {
        assert!(begun.elapsed() < PATIENCE, "the link is still there");
        std::thread::yield_now();
    }
    let mut again = running.client("CONNECT {\"verbose\":false}\r\nPING\r\n");
    read_until(&mut again, "PONG\r\n");
}
