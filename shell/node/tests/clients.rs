//! Conversations of clients with a running server, where how the bytes come matters.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::io::Write;

use common::{connect, loopback, read_until, start};
use gannet_node::{Logger, Server};
use gannet_rt::Runtime;

/// Everything a client hears up to its `PONG`, without the INFO.
fn hear(said: &str) -> String {
    let runtime = Runtime::new(Some(1)).expect("a runtime");
    let server = start(&runtime, loopback());
    let mut stream = connect(server.client_addr().expect("a client port"));
    stream
        .write_all(said.as_bytes())
        .expect("the server takes it");
    let heard = read_until(&mut stream, "PONG\r\n");
    heard
        .split_once("\r\n")
        .map_or(String::new(), |(_info, rest)| rest.to_owned())
}

#[test]
fn operations_behind_several_connects_in_one_go_are_performed() {
    let quiet = "CONNECT {\"verbose\":false}\r\n";
    assert_eq!(hear(&format!("{quiet}{quiet}{quiet}PING\r\n")), "PONG\r\n");
    let said =
        format!("{quiet}SUB a 1\r\nCONNECT {{\"verbose\":true}}\r\nPUB a 2\r\nhi\r\nPING\r\n");
    assert_eq!(
        hear(&said),
        "+OK\r\n+OK\r\nPONG\r\n",
        "the second CONNECT drops the subscription (CORE-08)"
    );
}
