//! What a super-cluster is to be made of: written down, or drawn from a seed.

use crate::dice::Dice;
use std::fmt;

/// Which program a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Make {
    /// This workspace's server.
    Gannet,
    /// The reference server.
    Go,
    /// An old release of the reference server (2.10).
    OldGo,
}

impl Make {
    /// `G`, `X` or `O`.
    pub fn letter(self) -> char {
        match self {
            Make::Gannet => 'G',
            Make::Go => 'X',
            Make::OldGo => 'O',
        }
    }

    /// Whether it knows pools and compression of routes.
    pub fn pools(self) -> bool {
        self != Make::OldGo || crate::programs::old_go_server_pools()
    }

    /// The make that `letter` stands for.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(letter: char) -> Make {
        match letter {
            'G' => Make::Gannet,
            'X' => Make::Go,
            'O' => Make::OldGo,
            other => panic!("servers are written G, X and O, not {other}"),
        }
    }
}

/// Whom a server finds in its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knows {
    /// Everybody, itself included.
    All,
    /// The first one (which knows nobody); the rest must come by gossip.
    First,
}

/// One cluster.
#[derive(Clone, Debug)]
pub struct ClusterPlan {
    /// Its servers.
    pub nodes: Vec<Make>,
    /// `pool_size`; `None` leaves it to the servers, -1 is no pool.
    pub pool: Option<i32>,
    /// `compression` of its routes.
    pub compression: &'static str,
    /// Which servers of the cluster are in the configuration of the others.
    pub routes: Knows,
    /// Whether its routes are encrypted.
    pub tls: bool,
}

/// A super-cluster.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its clusters, named A, B, C, …
    pub clusters: Vec<ClusterPlan>,
    /// Which clusters are in the configuration of the others.
    pub gateways: Knows,
    /// Whether the links between clusters are encrypted.
    pub tls: bool,
}

/// `pool_size` of both programs if nobody says.
const DEFAULT_POOL: i32 = 3;
/// No more servers than this are drawn: enough for every kind of neighbour, few enough for a small machine.
const MOST_SERVERS: usize = 7;

impl Plan {
    /// Clusters of the servers in `mix`, separated by spaces (`GX G` is a cluster of two and one of one), everything
    /// else as the servers have it by default, everybody knowing all.
    pub fn of(mix: &str) -> Plan {
        let cluster = |nodes: &str| ClusterPlan {
            nodes: nodes.chars().map(Make::of).collect(),
            pool: None,
            compression: "accept",
            routes: Knows::All,
            tls: false,
        };
        Plan {
            clusters: mix.split(' ').map(cluster).collect(),
            gateways: Knows::All,
            tls: false,
        }
    }

    /// A mixed super-cluster: at least one Gannet and one Go server among at least two.
    pub fn draw(dice: &mut Dice) -> Plan {
        loop {
            let plan = Plan {
                clusters: (0..1 + dice.below(3)).map(|_| draw_cluster(dice)).collect(),
                gateways: dice.pick(&[Knows::All, Knows::First]),
                tls: dice.below(3) == 0,
            };
            let makes: Vec<Make> = plan.makes().collect();
            let mixed =
                makes.contains(&Make::Gannet) && makes.iter().any(|&make| make != Make::Gannet);
            if mixed && makes.len() <= MOST_SERVERS {
                return plan;
            }
        }
    }

    /// Whether any link needs a certificate.
    pub fn needs_certificate(&self) -> bool {
        self.tls || self.clusters.iter().any(|cluster| cluster.tls)
    }

    /// All servers, cluster by cluster.
    pub fn makes(&self) -> impl Iterator<Item = Make> {
        self.clusters
            .iter()
            .flat_map(|cluster| cluster.nodes.iter().copied())
    }
}

impl ClusterPlan {
    /// How many connections there are between these two of its servers: the pool and the system account's own, if both
    /// know pools.
    pub fn connections(&self, one: Make, other: Make) -> usize {
        match self.pool.unwrap_or(DEFAULT_POOL) {
            _ if !one.pools() || !other.pools() => 1,
            pool if pool < 0 => 1,
            pool => usize::try_from(pool).expect("not negative") + 1,
        }
    }
}

fn draw_cluster(dice: &mut Dice) -> ClusterPlan {
    let makes = [
        Make::Gannet,
        Make::Gannet,
        Make::Gannet,
        Make::Go,
        Make::Go,
        Make::OldGo,
    ];
    let mut nodes: Vec<Make> = (0..1 + dice.below(3)).map(|_| dice.pick(&makes)).collect();
    // The reference server does not find the way of a routed reply over a route without a pool either; see below.
    if nodes.iter().any(|make| !make.pools()) {
        for make in nodes.iter_mut().filter(|make| **make == Make::Go) {
            *make = Make::Gannet;
        }
    }
    let drawn = dice.pick(&[None, None, Some(1), Some(5), Some(-1)]);
    // With a pool of one the reference server does not find the way of a routed reply to another server of its cluster,
    // and drops it if the interest has not come yet.
    let is_safe = drawn != Some(1) || nodes.iter().all(|&make| make == Make::Gannet);
    ClusterPlan {
        nodes,
        pool: if is_safe { drawn } else { Some(2) },
        compression: dice.pick(&["accept", "off", "s2_fast", "s2_better", "s2_auto"]),
        routes: dice.pick(&[Knows::All, Knows::First]),
        tls: dice.below(3) == 0,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, cluster) in self.clusters.iter().enumerate() {
            let mix: String = cluster.nodes.iter().map(|make| make.letter()).collect();
            write!(f, "{}={mix} (", crate::supercluster::name(index))?;
            match cluster.pool {
                Some(pool) => write!(f, "pool {pool}, ")?,
                None => write!(f, "pool as it is, ")?,
            }
            write!(f, "compression {}, ", cluster.compression)?;
            write!(
                f,
                "routes know {:?}{}) ",
                cluster.routes,
                encrypted(cluster.tls)
            )?;
        }
        write!(
            f,
            "gateways know {:?}{}",
            self.gateways,
            encrypted(self.tls)
        )
    }
}

fn encrypted(tls: bool) -> &'static str {
    if tls { ", encrypted" } else { "" }
}
