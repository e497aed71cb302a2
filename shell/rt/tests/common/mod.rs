//! What the tests of both worlds share: whole reads and writes over a `Stream`, and running one
//! scenario in each world.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its share of this"
)]

pub mod faults;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use gannet_rt::sim::Sim;
use gannet_rt::{Listener, Rt, Runtime, Stream};
use gannet_units::Moment;

/// Reads once, waiting until there is something.
pub async fn read(stream: &Stream, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        poll_fn(|cx| stream.poll_read_ready(cx)).await?;
        match stream.try_read(buf) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            done => return done,
        }
    }
}

/// Reads exactly `n` bytes.
pub async fn read_n(stream: &Stream, n: usize) -> io::Result<Vec<u8>> {
    let mut all = vec![0; n];
    let mut have = 0;
    while have < n {
        match read(stream, &mut all[have..]).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            more => have += more,
        }
    }
    Ok(all)
}

/// Reads to the end.
pub async fn read_to_end(stream: &Stream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buf = vec![0; 16 << 10];
    loop {
        match read(stream, &mut buf).await? {
            0 => return Ok(all),
            n => all.extend_from_slice(&buf[..n]),
        }
    }
}

/// Writes all of `bytes`.
pub async fn write_all(stream: &Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        poll_fn(|cx| stream.poll_write_ready(cx)).await?;
        match stream.try_write(bytes) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            done => bytes = &bytes[done?..],
        }
    }
    Ok(())
}

/// Writes all pieces, with vectored writes.
pub async fn write_all_vectored(stream: &Stream, pieces: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|p| IoSlice::new(p)).collect();
    let mut left = slices.as_mut_slice();
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        poll_fn(|cx| stream.poll_write_ready(cx)).await?;
        match stream.try_write_vectored(left) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            done => IoSlice::advance_slices(&mut left, done?),
        }
    }
    Ok(())
}

/// Sends everything back until the peer ends, then ends too.
pub async fn echo(stream: Stream) {
    let mut buf = [0; 1024];
    while let Ok(n @ 1..) = read(&stream, &mut buf).await {
        if write_all(&stream, &buf[..n]).await.is_err() {
            break;
        }
    }
}

/// Echoes on every connection of `listener`, each in a task of its own.
pub async fn echo_server(rt: Rt, listener: Listener) {
    while let Ok((stream, _)) = listener.accept().await {
        rt.spawn(echo(stream));
    }
}

/// `len` bytes that differ from place to place.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

pub fn moment_ms(ms: u64) -> Moment {
    Moment::START + Duration::from_millis(ms)
}

/// Where a scenario takes place.
#[derive(Clone)]
pub struct Place {
    pub server: Rt,
    pub client: Rt,
    pub ip: IpAddr,
}

impl Place {
    /// A listener of the server on a free port, and its address.
    pub async fn listen(&self) -> (Listener, SocketAddr) {
        let listener = self
            .server
            .listen(SocketAddr::new(self.ip, 0))
            .await
            .expect("listens");
        let addr = listener.local_addr().expect("has an address");
        (listener, addr)
    }

    /// A connection: the client's end and the server's.
    pub async fn pair(&self) -> (Stream, Stream) {
        let (listener, addr) = self.listen().await;
        let client = self.client.connect(addr).await.expect("connects");
        let (server, peer) = listener.accept().await.expect("accepts");
        assert_eq!(peer, client.local_addr().expect("has an address"));
        (client, server)
    }
}

/// Runs `scenario` over loopback on the operating system.
pub fn in_the_real_world<F: Future<Output = ()>>(scenario: impl FnOnce(Place) -> F) {
    let runtime = Runtime::new(Some(2)).expect("a runtime starts");
    let rt = runtime.rt();
    let ip = Ipv4Addr::LOCALHOST.into();
    let place = Place {
        server: rt.clone(),
        client: rt.clone(),
        ip,
    };
    runtime
        .block_on(rt.timeout(Duration::from_secs(60), scenario(place)))
        .expect("the scenario ends within a minute");
    runtime.shutdown(Duration::from_secs(5));
}

/// Runs `scenario` between two simulated hosts, once per seed.
pub fn in_simulated_worlds<F: Future<Output = ()>>(scenario: impl Fn(Place) -> F) {
    for seed in 0..20 {
        let sim = Sim::new(seed);
        let (server, client) = (sim.host("server"), sim.host("client"));
        let place = Place {
            server: server.rt(),
            client: client.rt(),
            ip: server.ip(),
        };
        sim.block_on_until(moment_ms(600_000), scenario(place))
            .unwrap_or_else(|stopped| panic!("seed {seed}: {stopped}"));
    }
}

/// Runs `scenario` in both worlds.
pub fn in_both_worlds<F: Future<Output = ()>>(scenario: impl Fn(Place) -> F) {
    in_simulated_worlds(&scenario);
    in_the_real_world(&scenario);
}
