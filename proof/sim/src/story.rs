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
        Story {
            topology: Topology::simple(clusters, Duration::from_millis(1)),
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

    /// Two clusters are so far apart, each way.
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

    /// The first URL of every remote cluster leads to somebody who accepts and never speaks.
    pub fn with_a_silent_listener(mut self) -> Story {
        self.topology.silent_listener = true;
        self
    }

    /// The options of one cluster's server are changed before it starts.
    pub fn with_options(
        mut self,
        cluster: usize,
        change: impl FnOnce(&mut Options) + 'static,
    ) -> Story {
        self.changes.push((cluster, Box::new(change)));
        self
    }

    /// The server of this cluster is not started at the beginning.
    pub fn without(mut self, cluster: usize) -> Story {
        self.absent.push(cluster);
        self
    }

    /// The servers start, all at once. Nothing else is waited for.
    pub fn begin(self) -> Town {
        let mut world = World::new(self.seed, self.topology, true);
        for (cluster, change) in self.changes {
            world.change_options(cluster, change);
        }
        for cluster in 0..world.nodes.len() {
            if !self.absent.contains(&cluster) {
                world.start(cluster);
            }
        }
        Town::new(Arena::new(world))
    }
}
