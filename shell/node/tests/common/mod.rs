//! What tests of whole servers share, be it in the simulated world or over loopback: addresses, starting a server,
//! and clients that speak by hand. The crate's own unit tests include this file too: the server is that of the
//! crate's root. Not here: what only one test needs.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

use std::fmt::Display;
use std::future::poll_fn;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use gannet_config::{GatewayOptions, Options, Port, RemoteGateway, ServerUrl};
use gannet_rt::sim::{Sim, SimHost};
use gannet_rt::{Rt, Runtime, Stream};

use crate::{Logger, Server};

/// How long a test over loopback waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// This machine, for servers over loopback.
pub(crate) const LOOPBACK: &str = "127.0.0.1";

pub(crate) fn url(host: impl Display, port: u16) -> ServerUrl {
    ServerUrl {
        scheme: "nats".into(),
        user: None,
        password: None,
        host: host.to_string(),
        port,
    }
}

/// The cluster called `name`, known by one address.
pub(crate) fn remote(name: &str, host: impl Display, port: u16) -> RemoteGateway {
    RemoteGateway {
        name: name.into(),
        urls: vec![url(host, port)],
        ..RemoteGateway::default()
    }
}

/// The gateway of a server of cluster `name`.
pub(crate) fn gateway(
    name: &str,
    host: impl Display,
    port: Port,
    remotes: Vec<RemoteGateway>,
) -> GatewayOptions {
    GatewayOptions {
        name: name.into(),
        host: host.to_string(),
        port: Some(port),
        remotes,
        ..GatewayOptions::default()
    }
}

/// Options of a server with a free port of this machine for clients, and nothing else.
pub(crate) fn loopback() -> Options {
    Options {
        host: LOOPBACK.into(),
        port: Port::Random,
        ..Options::default()
    }
}

/// Starts a server over loopback that logs nothing.
pub(crate) fn start(runtime: &Runtime, options: Options) -> Server {
    runtime
        .block_on(Server::start(options, runtime.rt(), Logger::none()))
        .expect("the server starts")
}

/// Starts a server on a machine of the simulated world.
pub(crate) fn start_on(sim: &Sim, host: &SimHost, options: Options) -> Server {
    sim.block_on(Server::start(options, host.rt(), Logger::none()))
        .expect("the world goes on")
        .expect("the server starts")
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the port is open");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket takes a timeout");
    stream
}

/// Reads up to `end`; what came.
pub(crate) fn read_until(stream: &mut impl Read, end: &str) -> String {
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !heard.ends_with(end.as_bytes()) {
        stream
            .read_exact(&mut byte)
            .unwrap_or_else(|e| panic!("{e} after {}", heard.escape_ascii()));
        heard.push(byte[0]);
    }
    String::from_utf8(heard).expect("the server speaks text")
}

/// Sends all of `text`.
pub(crate) async fn say(stream: &Stream, text: impl AsRef<[u8]>) {
    let mut bytes = text.as_ref();
    while !bytes.is_empty() {
        poll_fn(|cx| stream.poll_write_ready(cx))
            .await
            .expect("the connection stands");
        // A short write, or none, is tried again.
        bytes = &bytes[stream.try_write(bytes).unwrap_or(0)..];
    }
}

/// Adds to `heard` what comes, as long as each piece comes within `patience` of the last. Answers whether the
/// connection has ended.
pub(crate) async fn hear(
    rt: &Rt,
    stream: &Stream,
    patience: Duration,
    heard: &mut Vec<u8>,
) -> bool {
    loop {
        let ready = poll_fn(|cx| stream.poll_read_ready(cx));
        match rt.timeout(patience, ready).await {
            Err(_) => return false,
            Ok(Err(_)) => return true,
            Ok(Ok(())) => {}
        }
        let mut bytes = [0; 4096];
        match stream.try_read(&mut bytes) {
            Ok(0) => return true,
            Ok(n) => heard.extend_from_slice(&bytes[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return true,
        }
    }
}
