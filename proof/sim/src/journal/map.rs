//! Which server belongs to which cluster, and what a message from one to another depends on.

use crate::topology::Topology;

/// The map that everything in the journal refers to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    cluster_of: Vec<usize>,
    /// Clusters' names may change, and with them every route.
    dynamic: bool,
}

impl Map {
    /// The map of a topology.
    pub(crate) fn of(topology: &Topology) -> Map {
        Map {
            cluster_of: topology.cluster_of.clone(),
            dynamic: topology.is_dynamic(),
        }
    }

    /// The cluster of a server.
    pub(crate) fn cluster_of(&self, server: usize) -> usize {
        self.cluster_of[server]
    }

    /// Whether two servers belong to one cluster.
    pub(crate) fn are_neighbours(&self, one: usize, other: usize) -> bool {
        self.cluster_of[one] == self.cluster_of[other]
    }

    /// The ways between servers that a message from one to another depends on, the smaller number first; one of
    /// a server with itself stands for everything about it. Within a cluster that is the way between the
    /// two. Into another cluster it is the way to any server there, and from that one on.
    pub(super) fn ways(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let everybody = !self.are_neighbours(from, to) || self.dynamic;
        let servers = 0..self.cluster_of.len();
        let mut involved: Vec<usize> = servers
            .filter(|server| *server == to || (everybody && self.are_neighbours(*server, to)))
            .collect();
        involved.push(from);
        let pairs = involved.iter().flat_map(|one| {
            let others = involved.iter().filter(move |other| *one <= **other);
            others.map(move |other| (*one, *other))
        });
        pairs.collect()
    }
}
