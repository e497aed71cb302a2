//! Connections that ended are remembered, their sockets are not. Alone in its program, since it counts
//! the program's files.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::io::Read;
use std::time::Instant;

use common::{PATIENCE, connect, loopback, start};
use gannet_node::{Logger, Server};
use gannet_rt::Runtime;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn a_connection_that_ended_keeps_no_socket() {
    let runtime = Runtime::new(Some(1)).expect("a runtime");
    let server = start(&runtime, loopback());
    let addr = server.client_addr().expect("the server has a client port");
    let before = open_files();
    for _ in 0..50 {
        let mut stream = connect(addr);
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
