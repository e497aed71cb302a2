//! Connections that ended are remembered, their sockets are not. Alone in its program, since it counts
//! the program's files.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gannet_config::{Options, Port};
use gannet_node::{Logger, Server};
use gannet_rt::Runtime;

const PATIENCE: Duration = Duration::from_secs(20);

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn a_connection_that_ended_keeps_no_socket() {
    let runtime = Runtime::new(Some(1)).expect("a runtime");
    let options = Options {
        host: "127.0.0.1".into(),
        port: Port::Random,
        ..Options::default()
    };
    let server = runtime
        .block_on(Server::start(options, runtime.rt(), Logger::none()))
        .expect("the server starts");
    let addr = server.client_addr().expect("the server has a client port");
    let before = open_files();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(addr).expect("the port is open");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket takes a timeout");
        stream
            .read_exact(&mut [0; 5])
            .expect("the server says INFO");
    }
    let begun = Instant::now();
    while open_files() > before {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} files are open, {before} were",
            open_files()
        );
        std::thread::yield_now();
    }
}
