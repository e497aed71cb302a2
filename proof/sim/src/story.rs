//! One particular case, told in sentences: a [`Story`] says what the super-cluster is like, its [`Town`] is where
//! things then happen. The checkers that watch random runs watch here, too.
//!
//! Not here: cases (they are tests), random runs (`phases`).

mod letter;
mod town;

use std::time::Duration;

use gannet_config::Options;

pub use letter::Letter;
pub use town::{Town, Who};

use crate::arena::Arena;
use crate::tls::Encrypted;
use crate::topology::{Remotes, Topology};
use crate::world::World;

/// What a server's options are to be like, beyond what the topology says.
type Change = Box<dyn FnOnce(&mut Options)>;

/// How a story begins.
pub struct Story {
    topology: Topology,
    changes: Vec<(usize, Change)>,
    absent: Vec<usize>,
    seed: u64,
}

impl Story {
    /// A super-cluster of so many clusters of one server each. They list each other, are a millisecond apart,
    /// and send a PING every other second.
    pub fn of_clusters(clusters: usize) -> Story {
        Story::of_servers(&vec![1; clusters])
    }

    /// A super-cluster of clusters of so many servers each; servers are numbered cluster by cluster. Otherwise as
    /// [`Story::of_clusters`].
    pub fn of_servers(sizes: &[usize]) -> Story {
        Story {
            topology: Topology::simple(sizes, Duration::from_millis(1)),
            changes: Vec::new(),
            absent: Vec::new(),
            seed: 1,
        }
    }

    /// Another course of the same events.
    pub fn with_seed(mut self, seed: u64) -> Story {
        self.seed = seed;
        self
    }

    /// Two servers are so far apart, each way.
    pub fn with_distance(mut self, one: usize, other: usize, latency: Duration) -> Story {
        self.topology.latency[one][other] = latency;
        self.topology.latency[other][one] = latency;
        self
    }

    /// How the clusters know of each other.
    pub fn knowing(mut self, remotes: Remotes) -> Story {
        self.topology.remotes = remotes;
        self
    }

    /// All servers of two clusters are so far apart, each way.
    pub fn with_clusters_apart(mut self, one: usize, other: usize, latency: Duration) -> Story {
        for a in self.topology.members(one) {
            for b in self.topology.members(other) {
                self = self.with_distance(a, b, latency);
            }
        }
        self
    }

    /// How the servers of a cluster know of each other.
    pub fn with_routes_knowing(mut self, routes: Remotes) -> Story {
        self.topology.routes = routes;
        self
    }

    /// Of every other cluster, configurations list the first server only.
    pub fn listing_one_server(mut self) -> Story {
        self.topology.one_url = true;
        self
    }

    /// Connections that a server wants to every other of its cluster; `None`: one, and no pool.
    pub fn with_pool(mut self, server: usize, pool: Option<u32>) -> Story {
        self.topology.routing[server].pool = pool;
        self
    }

    /// How a server's routes are compressed, as a configuration says it.
    pub fn with_compression(mut self, server: usize, mode: &'static str) -> Story {
        self.topology.routing[server].compression = mode;
        self
    }

    /// Clients' account has routes of its own.
    pub fn with_pinned_clients(mut self) -> Story {
        self.topology.pinned = true;
        self
    }

    /// Servers make up the name of their cluster (there can be just one then).
    pub fn with_made_up_name(mut self) -> Story {
        self.topology.named = false;
        self
    }

    /// Routes, gateways and clients' connections are encrypted; every server has a certificate of its own.
    pub fn encrypted(mut self) -> Story {
        self.topology.encrypted = Encrypted::everything();
        self
    }

    /// The first URL of every remote cluster leads to somebody who accepts and never speaks.
    pub fn with_a_silent_listener(mut self) -> Story {
        self.topology.silent_listener = true;
        self
    }

    /// The options of one server are changed before it starts.
    pub fn with_options(
        mut self,
        server: usize,
        change: impl FnOnce(&mut Options) + 'static,
    ) -> Story {
        self.changes.push((server, Box::new(change)));
        self
    }

    /// This server is not started at the beginning.
    pub fn without(mut self, server: usize) -> Story {
        self.absent.push(server);
        self
    }

    /// The servers start, all at once. Nothing else is waited for.
    pub fn begin(self) -> Town {
        let mut world = World::new(self.seed, self.topology, true);
        for (server, change) in self.changes {
            world.change_options(server, change);
        }
        for server in 0..world.nodes.len() {
            if !self.absent.contains(&server) {
                world.start(server);
            }
        }
        Town::new(Arena::new(world))
    }
}
