//! Which servers there are, how they know of each other and how far apart they are.
//!
//! Not here: running them (`world`).

use std::time::Duration;

use gannet_config::{GatewayOptions, GatewayUrl, Limits, Options, Port, RemoteGateway};
use gannet_rt::sim::Link;
use gannet_units::ByteCount;

use crate::dice::Dice;

/// Where servers listen for clients.
pub(crate) const CLIENT_PORT: u16 = 4222;
/// Where servers listen for other clusters.
pub(crate) const GATEWAY_PORT: u16 = 7222;

/// From the last fault to the complete mesh, beyond the time that it takes to notice dead connections (GW-09).
pub(crate) const MESH: Duration = Duration::from_secs(10);

/// How the clusters learn of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remotes {
    /// Everybody's configuration lists everybody, itself included.
    Full,
    /// Everybody's configuration lists the first cluster only; the rest is gossip.
    Seed,
    /// Each configuration lists the cluster before it, so that gossip has to travel.
    Chain,
}

/// A super-cluster of single-server clusters.
#[derive(Clone, Debug)]
pub(crate) struct Topology {
    pub(crate) clusters: usize,
    pub(crate) remotes: Remotes,
    /// One way from server to server.
    pub(crate) latency: Vec<Vec<Duration>>,
    /// A host on which somebody accepts and never speaks: it stands first among everybody's URLs.
    pub(crate) silent_listener: bool,
    /// URLs by name instead of by address.
    pub(crate) names: bool,
    /// Listening on every address instead of on one.
    pub(crate) unspecified: bool,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_max: u32,
    pub(crate) reject_unknown: bool,
    /// Bytes that may wait for one connection.
    pub(crate) max_pending: ByteCount,
    pub(crate) write_deadline: Duration,
    /// Publishers are not held back for slow subscribers.
    pub(crate) no_stall: bool,
}

impl Topology {
    /// Clusters that are `latency` apart, each listing all.
    pub(crate) fn simple(clusters: usize, latency: Duration) -> Topology {
        Topology {
            clusters,
            remotes: Remotes::Full,
            latency: vec![vec![latency; clusters]; clusters],
            silent_listener: false,
            names: false,
            unspecified: false,
            ping_interval: Duration::from_secs(2),
            ping_max: 2,
            reject_unknown: false,
            max_pending: ByteCount::mib(64),
            write_deadline: Duration::from_secs(10),
            no_stall: false,
        }
    }

    /// Drawn from the dice.
    pub(crate) fn draw(dice: &mut Dice, clusters: Option<usize>) -> Topology {
        let clusters = clusters.unwrap_or_else(|| dice.between(2, 5));
        let farthest = *dice.pick(&[1, 10, 80]);
        let mut latency = vec![vec![Duration::ZERO; clusters]; clusters];
        for way in latency.iter_mut().flatten() {
            *way = dice.duration(Duration::from_micros(100), Duration::from_millis(farthest));
        }
        Topology {
            clusters,
            remotes: *dice.pick(&[Remotes::Full, Remotes::Full, Remotes::Seed, Remotes::Chain]),
            latency,
            silent_listener: dice.per_mille(150),
            names: dice.per_mille(300),
            unspecified: dice.per_mille(500),
            ping_interval: dice.duration(Duration::from_millis(500), Duration::from_secs(3)),
            ping_max: dice.between(1, 3) as u32,
            reject_unknown: dice.per_mille(200),
            max_pending: ByteCount::mib(*dice.pick(&[4, 64])),
            write_deadline: dice.duration(Duration::from_millis(500), Duration::from_secs(10)),
            no_stall: dice.per_mille(300),
        }
    }

    /// How long it may take until a peer that died in silence is noticed.
    pub(crate) fn notice(&self) -> Duration {
        self.ping_interval * (self.ping_max + 2)
    }

    /// The longest way between two servers.
    pub(crate) fn farthest(&self) -> Duration {
        self.latency
            .iter()
            .flatten()
            .copied()
            .max()
            .unwrap_or_default()
    }

    /// The link from one server to another when the weather is fine.
    pub(crate) fn link(&self, from: usize, to: usize) -> Link {
        let latency = self.latency[from][to];
        Link {
            latency,
            jitter: latency / 10,
            bandwidth: None,
        }
    }

    /// The options of one server; `address` tells the gateway address of a cluster's server, `silent` that
    /// of the silent listener.
    pub(crate) fn options(
        &self,
        server: usize,
        address: impl Fn(usize) -> String,
        silent: Option<&str>,
    ) -> Options {
        let own = address(server);
        let host = if self.unspecified {
            "0.0.0.0".to_owned()
        } else {
            own
        };
        let limits = Limits {
            ping_interval: self.ping_interval,
            ping_max: self.ping_max,
            write_deadline: self.write_deadline,
            max_pending: self.max_pending,
            no_fast_producer_stall: self.no_stall,
            ..Limits::default()
        };
        Options {
            server_name: Some(server_name(server)),
            host: host.clone(),
            port: Port::At(CLIENT_PORT),
            limits,
            gateway: (self.clusters > 1).then(|| self.gateway(server, host, address, silent)),
            ..Options::default()
        }
    }

    fn gateway(
        &self,
        server: usize,
        host: String,
        address: impl Fn(usize) -> String,
        silent: Option<&str>,
    ) -> GatewayOptions {
        let listed: Vec<usize> = match self.remotes {
            Remotes::Full => (0..self.clusters).collect(),
            Remotes::Seed => vec![0],
            Remotes::Chain => vec![server.saturating_sub(1)],
        };
        let remote = |cluster: usize| {
            let own = address(cluster);
            let hosts = silent
                .filter(|_| cluster != server)
                .into_iter()
                .chain([own.as_str()]);
            RemoteGateway {
                name: cluster_name(cluster),
                urls: hosts.map(url).collect(),
                tls: None,
            }
        };
        GatewayOptions {
            name: cluster_name(server),
            host,
            port: Some(Port::At(GATEWAY_PORT)),
            // What is only heard of may be given up by configuration; here it must not be, so that the
            // mesh can be demanded back after any fault.
            connect_retries: u32::MAX,
            reject_unknown: self.reject_unknown && self.remotes == Remotes::Full,
            remotes: listed.into_iter().map(remote).collect(),
            ..GatewayOptions::default()
        }
    }
}

fn url(host: &str) -> GatewayUrl {
    GatewayUrl {
        scheme: "nats".into(),
        user: None,
        password: None,
        host: host.to_owned(),
        port: GATEWAY_PORT,
    }
}

/// The name of a cluster.
pub(crate) fn cluster_name(cluster: usize) -> String {
    format!("C{cluster}")
}

/// The name of a cluster's server, and of its host.
pub(crate) fn server_name(server: usize) -> String {
    format!("s{server}")
}
