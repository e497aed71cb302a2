//! Conversations of clients with a running server, where how the bytes come matters.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use gannet_config::{Options, Port};
use gannet_node::{Logger, Server};
use gannet_rt::Runtime;

/// Everything a client hears up to its `PONG`, without the INFO.
fn hear(said: &str) -> String {
    let runtime = Runtime::new(Some(1)).expect("a runtime");
    let options = Options {
        host: "127.0.0.1".into(),
        port: Port::Random,
        ..Options::default()
    };
    let server = runtime
        .block_on(Server::start(options, runtime.rt(), Logger::none()))
        .expect("the server starts");
    let mut stream =
        TcpStream::connect(server.client_addr().expect("a client port")).expect("the port is open");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket takes a timeout");
    stream
        .write_all(said.as_bytes())
        .expect("the server takes it");
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !heard.ends_with(b"PONG\r\n") {
        stream
            .read_exact(&mut byte)
            .unwrap_or_else(|e| panic!("{e} after {}", heard.escape_ascii()));
        heard.push(byte[0]);
    }
    let heard = String::from_utf8(heard).expect("the server speaks text");
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
