//! Which servers there are, how they know of each other and how far apart they are. Servers are numbered cluster
//! by cluster.
//!
//! Not here: what each of them is configured to do (`options`), running them (`world`).

mod options;

use std::ops::Range;
use std::time::Duration;

use gannet_rt::sim::Link;
use gannet_units::ByteCount;

use crate::dice::Dice;
use crate::tls::Encrypted;

pub(crate) use options::Ports;

/// Where servers listen for clients.
pub(crate) const CLIENT_PORT: u16 = 4222;
/// Where servers listen for other servers of their cluster, unless they have moved.
pub(crate) const ROUTE_PORT: u16 = 6222;
/// Where servers listen for other clusters, unless they have moved.
pub(crate) const GATEWAY_PORT: u16 = 7222;
/// Where servers tell about themselves.
pub(crate) const MONITOR_PORT: u16 = 8222;

/// From the last fault to the complete mesh, beyond the time that it takes to notice dead connections (GW-09).
pub(crate) const MESH: Duration = Duration::from_secs(10);

/// The account of clients.
pub(crate) const CLIENTS: &str = "$G";
/// The password of all users.
pub(crate) const PASSWORD: &str = "secret";
/// Users, where clients say who they are.
const USERS: usize = 3;

/// How routes may be compressed, as configurations say it.
pub(crate) const COMPRESSION: [&str; 8] = [
    "",
    "off",
    "accept",
    "not_supported",
    "s2_fast",
    "s2_better",
    "s2_best",
    "s2_auto",
];

/// How clusters, or the servers of a cluster, learn of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remotes {
    /// Everybody's configuration lists everybody, itself included.
    Full,
    /// Everybody's configuration lists the first only; the rest is gossip.
    Seed,
    /// Each configuration lists the one before it, so that gossip has to travel.
    Chain,
}

impl Remotes {
    /// Whom number `own` of `count` lists.
    fn listed(self, own: usize, count: usize) -> Vec<usize> {
        match self {
            Remotes::Full => (0..count).collect(),
            Remotes::Seed => vec![0],
            Remotes::Chain => vec![own.saturating_sub(1)],
        }
    }

    /// Whether the others find each other without number `own` of `count`.
    fn can_spare(self, own: usize, count: usize) -> bool {
        match self {
            Remotes::Full => true,
            Remotes::Seed => own != 0,
            Remotes::Chain => own + 1 == count,
        }
    }
}

/// What one server's routes are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Routing {
    /// Connections to every other server; `None`: one, and no pool.
    pub(crate) pool: Option<u32>,
    pub(crate) compression: &'static str,
}

/// A super-cluster.
#[derive(Clone, Debug)]
pub(crate) struct Topology {
    /// Servers of each cluster.
    pub(crate) sizes: Vec<usize>,
    /// The cluster of each server.
    pub(crate) cluster_of: Vec<usize>,
    /// How the clusters know of each other.
    pub(crate) remotes: Remotes,
    /// Of every other cluster, configurations list the first server only.
    pub(crate) one_url: bool,
    /// How the servers of a cluster know of each other.
    pub(crate) routes: Remotes,
    /// Of each server.
    pub(crate) routing: Vec<Routing>,
    /// Clients' account has routes of its own.
    pub(crate) pinned: bool,
    /// A cluster without gateways has the name that its configuration says.
    pub(crate) named: bool,
    /// Clients are not told of the cluster's other servers.
    pub(crate) no_advertise: bool,
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
    /// Clients must say who they are.
    pub(crate) users: bool,
    /// Somebody may want to read what is spoken.
    pub(crate) traces: bool,
    /// Pools may get other sizes while servers run.
    pub(crate) pools_change: bool,
    pub(crate) encrypted: Encrypted,
}

impl Topology {
    /// Clusters of so many servers each, all of them `latency` apart, everybody listing everybody.
    pub(crate) fn simple(sizes: &[usize], latency: Duration) -> Topology {
        let cluster_of = cluster_of(sizes);
        let servers = cluster_of.len();
        let usual = Routing {
            pool: Some(3),
            compression: "",
        };
        Topology {
            sizes: sizes.to_vec(),
            cluster_of,
            remotes: Remotes::Full,
            one_url: false,
            routes: Remotes::Full,
            routing: vec![usual; servers],
            pinned: false,
            named: true,
            no_advertise: false,
            latency: vec![vec![latency; servers]; servers],
            silent_listener: false,
            names: false,
            unspecified: false,
            ping_interval: Duration::from_secs(2),
            ping_max: 2,
            reject_unknown: false,
            max_pending: ByteCount::mib(64),
            write_deadline: Duration::from_secs(10),
            no_stall: false,
            users: false,
            traces: false,
            pools_change: false,
            encrypted: Encrypted::default(),
        }
    }

    /// Drawn from the dice: so many clusters of so many servers each, where that is given.
    pub(crate) fn draw(
        dice: &mut Dice,
        clusters: Option<usize>,
        servers: Option<usize>,
    ) -> Topology {
        let sizes = sizes(dice, clusters, servers);
        let any = [Remotes::Full, Remotes::Full, Remotes::Seed, Remotes::Chain];
        let latency = latencies(dice, &sizes);
        Topology {
            remotes: *dice.pick(&any),
            one_url: dice.per_mille(300),
            routes: *dice.pick(&any),
            routing: routing(dice, latency.len()),
            pinned: dice.per_mille(250),
            named: dice.per_mille(700),
            no_advertise: dice.per_mille(150),
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
            ..Topology::simple(&sizes, Duration::ZERO)
        }
    }

    /// How many clusters there are.
    pub(crate) fn clusters(&self) -> usize {
        self.sizes.len()
    }

    /// How many servers there are.
    pub(crate) fn servers(&self) -> usize {
        self.cluster_of.len()
    }

    /// The servers of a cluster.
    pub(crate) fn members(&self, cluster: usize) -> Range<usize> {
        let first: usize = self.sizes[..cluster].iter().sum();
        first..first + self.sizes[cluster]
    }

    /// The servers of a server's cluster, itself included.
    pub(crate) fn neighbours(&self, server: usize) -> Range<usize> {
        self.members(self.cluster_of[server])
    }

    /// Whether there are routes at all.
    pub(crate) fn has_routes(&self) -> bool {
        self.sizes.iter().any(|size| *size > 1)
    }

    /// How many users there are, by the names of [`user_name`].
    pub(crate) fn user_count(&self) -> usize {
        if self.users { USERS } else { 0 }
    }

    /// Whether a cluster's name is made up by its servers, and may change.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.has_routes() && self.clusters() == 1 && !self.named
    }

    /// Connections that join two servers of one cluster: the larger pool of the two, and one for each account
    /// that has its own (the system's always does); without a pool on either side, one.
    pub(crate) fn routes_between(&self, one: usize, other: usize) -> usize {
        match (self.routing[one].pool, self.routing[other].pool) {
            (Some(a), Some(b)) => a.max(b) as usize + 1 + usize::from(self.pinned),
            _ => 1,
        }
    }

    /// Whether a request may overtake the interest in its answer within a cluster: servers with pools of different
    /// sizes tell their interest in an account, and send its messages, on different connections (as the
    /// reference's do), and nothing keeps the order between those.
    pub(crate) fn requests_may_overtake(&self) -> bool {
        let differ = |one: usize, other: usize| {
            let (one, other) = (self.routing[one].pool, self.routing[other].pool);
            one.zip(other).is_some_and(|(one, other)| one != other)
        };
        let servers = 0..self.servers();
        let may_differ = !self.pinned
            && servers
                .into_iter()
                .any(|one| self.neighbours(one).any(|other| differ(one, other)));
        may_differ || (self.pools_change && self.has_routes())
    }

    /// Whether the others find each other for ever without this server, or without where it was.
    pub(crate) fn can_spare(&self, server: usize) -> bool {
        let (cluster, members) = (self.cluster_of[server], self.neighbours(server));
        let place = server - members.start;
        let known_by_routes = self.routes.can_spare(place, members.len());
        let known_by_gateways = (!self.one_url && members.len() > 1)
            || place > 0
            || self.remotes.can_spare(cluster, self.clusters());
        known_by_routes && known_by_gateways
    }

    /// Whether a server that is at another place from now on finds the others by what it is configured with,
    /// as long as they stay where they are.
    pub(crate) fn may_move(&self, server: usize) -> bool {
        self.can_spare(server) && self.remotes == Remotes::Full && self.routes == Remotes::Full
    }

    /// Whether a server may go for ever: its cluster lives on, and everybody left finds everybody left.
    pub(crate) fn may_leave(&self, server: usize) -> bool {
        let first = self.neighbours(server).start == server;
        self.neighbours(server).len() > 1 && self.can_spare(server) && !(self.one_url && first)
    }

    /// How long it may take until a peer that died in silence is noticed.
    pub(crate) fn notice(&self) -> Duration {
        self.ping_interval * (self.ping_max + 2)
    }

    /// The longest way between two servers.
    pub(crate) fn farthest(&self) -> Duration {
        let ways = self.latency.iter().flatten();
        ways.copied().max().unwrap_or_default()
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
}

fn cluster_of(sizes: &[usize]) -> Vec<usize> {
    let clusters = sizes.iter().enumerate();
    clusters
        .flat_map(|(cluster, size)| std::iter::repeat_n(cluster, *size))
        .collect()
}

/// Servers of each cluster: four times out of ten one each, otherwise a few clusters of several servers.
fn sizes(dice: &mut Dice, clusters: Option<usize>, servers: Option<usize>) -> Vec<usize> {
    if let Some(servers) = servers {
        return vec![servers; clusters.unwrap_or_else(|| dice.between(1, 3))];
    }
    if dice.per_mille(400) {
        return vec![1; clusters.unwrap_or_else(|| dice.between(2, 5))];
    }
    let clusters = clusters.unwrap_or_else(|| dice.between(1, 3));
    let largest = if clusters == 1 { 5 } else { 3 };
    let mut sizes: Vec<usize> = (0..clusters).map(|_| dice.between(1, largest)).collect();
    let grown = dice.below(clusters);
    sizes[grown] = sizes[grown].max(2);
    sizes
}

/// One way from server to server: each its own. Servers of a cluster are mostly near each other.
fn latencies(dice: &mut Dice, sizes: &[usize]) -> Vec<Vec<Duration>> {
    let cluster_of = cluster_of(sizes);
    let farthest = Duration::from_millis(*dice.pick(&[1, 10, 80]));
    let near = if dice.per_mille(100) {
        farthest
    } else {
        Duration::from_millis(1)
    };
    let mut latency = vec![vec![Duration::ZERO; cluster_of.len()]; cluster_of.len()];
    for (from, ways) in latency.iter_mut().enumerate() {
        for (to, way) in ways.iter_mut().enumerate() {
            let neighbours = cluster_of[from] == cluster_of[to];
            let most = if neighbours { near } else { farthest };
            *way = dice.duration(Duration::from_micros(100), most);
        }
    }
    latency
}

/// Half of the time everybody has what nobody has changed; otherwise everybody has something else.
fn routing(dice: &mut Dice, servers: usize) -> Vec<Routing> {
    let pools = [None, Some(1), Some(2), Some(3), Some(5)];
    let (same_pool, same_mode) = (dice.per_mille(500), dice.per_mille(500));
    let (pool, mode) = (*dice.pick(&pools[1..4]), *dice.pick(&COMPRESSION));
    let mut one = || Routing {
        pool: if same_pool { pool } else { *dice.pick(&pools) },
        compression: if same_mode {
            mode
        } else {
            COMPRESSION[dice.below(COMPRESSION.len())]
        },
    };
    (0..servers).map(|_| one()).collect()
}

/// The name of a cluster.
pub(crate) fn cluster_name(cluster: usize) -> String {
    format!("C{cluster}")
}

/// The name of a user.
pub(crate) fn user_name(user: usize) -> String {
    format!("user{user}")
}

/// The name of a server, and of its host.
pub(crate) fn server_name(server: usize) -> String {
    format!("s{server}")
}
