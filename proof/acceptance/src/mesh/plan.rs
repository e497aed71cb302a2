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
}

/// A super-cluster.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its clusters, named A, B, C, …
    pub clusters: Vec<ClusterPlan>,
    /// Which clusters are in the configuration of the others.
    pub gateways: Knows,
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
        };
        Plan {
            clusters: mix.split(' ').map(cluster).collect(),
            gateways: Knows::All,
        }
    }

    /// A mixed super-cluster: at least one Gannet and one Go server among at least two.
    pub fn draw(dice: &mut Dice) -> Plan {
        loop {
            let plan = Plan {
                clusters: (0..1 + dice.below(3)).map(|_| draw_cluster(dice)).collect(),
                gateways: dice.pick(&[Knows::All, Knows::First]),
            };
            let makes: Vec<Make> = plan.makes().collect();
            let mixed =
                makes.contains(&Make::Gannet) && makes.iter().any(|&make| make != Make::Gannet);
            if mixed && makes.len() <= MOST_SERVERS {
                return plan;
            }
        }
    }

    /// All servers, cluster by cluster.
    pub fn makes(&self) -> impl Iterator<Item = Make> {
        self.clusters
            .iter()
            .flat_map(|cluster| cluster.nodes.iter().copied())
    }
}

impl ClusterPlan {
    /// How many connections there are between two of its servers: the pool and the system account's own.
    pub fn connections(&self) -> usize {
        match self.pool.unwrap_or(DEFAULT_POOL) {
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
    let nodes: Vec<Make> = (0..1 + dice.below(3)).map(|_| dice.pick(&makes)).collect();
    let drawn = dice.pick(&[None, None, Some(1), Some(5), Some(-1)]);
    // With a pool of one the reference server does not find the way of a routed reply to another server of its cluster,
    // and drops it if the interest has not come yet.
    let is_safe = drawn != Some(1) || nodes.iter().all(|&make| make == Make::Gannet);
    ClusterPlan {
        nodes,
        pool: if is_safe { drawn } else { Some(2) },
        compression: dice.pick(&["accept", "off", "s2_fast", "s2_better", "s2_auto"]),
        routes: dice.pick(&[Knows::All, Knows::First]),
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
            write!(f, "routes know {:?}) ", cluster.routes)?;
        }
        write!(f, "gateways know {:?}", self.gateways)
    }
}
