//! What the tests of faults share: two hosts, the hand on everything, and scenarios under many seeds.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its share of this"
)]

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use gannet_rt::sim::{Link, Net, Sim, SimHost};
use gannet_rt::{Listener, Rt, Stream};

use super::{moment_ms, read};

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const PORT: u16 = 4222;

/// Two hosts and the hand on everything.
pub struct World {
    pub sim: Sim,
    pub net: Net,
    pub a: SimHost,
    pub b: SimHost,
}

impl World {
    pub fn new(seed: u64) -> World {
        let sim = Sim::new(seed);
        let (a, b) = (sim.host("a"), sim.host("b"));
        World {
            net: sim.net(),
            a,
            b,
            sim,
        }
    }

    pub fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.b.ip(), PORT)
    }

    pub async fn listen(&self) -> Listener {
        self.b.rt().listen(self.addr()).await.expect("listens")
    }

    /// A connection: `a`'s end (the dialer) and `b`'s.
    pub async fn pair(&self) -> (Stream, Stream) {
        let listener = self.listen().await;
        let a = self.a.rt().connect(self.addr()).await.expect("connects");
        (a, listener.accept().await.expect("accepts").0)
    }

    pub fn link(&self, from: &SimHost, to: &SimHost, latency: Duration, bandwidth: Option<u64>) {
        self.net.set_link(
            from,
            to,
            Link {
                latency,
                jitter: Duration::ZERO,
                bandwidth,
            },
        );
    }

    /// Time passed in the world while `f` ran.
    pub async fn takes<T>(&self, f: impl Future<Output = T>) -> (Duration, T) {
        let start = self.sim.now();
        let out = f.await;
        (self.sim.now().since(start), out)
    }
}

/// Runs the scenario under several seeds.
pub fn worlds(scenario: impl AsyncFn(&World)) {
    for seed in 0..20 {
        let world = World::new(seed);
        world
            .sim
            .block_on_until(moment_ms(100_000_000), scenario(&world))
            .unwrap_or_else(|stopped| panic!("seed {seed}: {stopped}"));
    }
}

/// Nothing arrives within a second.
pub async fn assert_silent(rt: &Rt, stream: &Stream) {
    let mut byte = [0];
    assert!(rt.timeout(SECOND, read(stream, &mut byte)).await.is_err());
}

pub fn kind<T>(result: std::io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|e| e.kind())
}
