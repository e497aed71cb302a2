//! Nothing leaks: after everybody has left, a server holds what it held before anybody came (tasks and
//! sockets, beyond those of its links to other servers, which may have come to lie differently, and of its
//! attempts to reach servers that have gone: those are dialled for ever where they are configured), and nothing
//! at all when it has stopped.
//!
//! Source: design, part 6 ("nothing leaks after heal").

use gannet_rt::sim::HostUsage;

use crate::world::World;

/// Attempts that a server may be making at a time for each place that a server has left: one at each address that
/// it knows of it, as a neighbour and as another cluster's, by its name and by its number.
const DIALS_PER_PLACE: usize = 4;

/// What one server holds, and the links to other servers that explain some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    usage: HostUsage,
    links: usize,
}

impl Holding {
    /// What all servers hold now.
    pub(crate) fn of_all(world: &World) -> Vec<Holding> {
        let nodes = &world.nodes;
        let of = |one: usize| {
            let others = (0..nodes.len()).filter(|other| *other != one);
            let links = |other: usize| world.net.connections(&nodes[one].host, &nodes[other].host);
            Holding {
                usage: nodes[one].host.usage(),
                links: others.map(links).sum(),
            }
        };
        (0..nodes.len()).map(of).collect()
    }

    /// What there is beyond the links and the attempts at them.
    fn rest(self) -> (Option<usize>, Option<usize>, usize) {
        let HostUsage {
            tasks,
            sockets,
            dials,
            listeners,
            ..
        } = self.usage;
        let explained = self.links + dials;
        (
            tasks.checked_sub(explained),
            sockets.checked_sub(explained),
            listeners,
        )
    }
}

/// What servers that have not left for ever hold beyond `before`, if anything.
pub(crate) fn judge(world: &World, before: &[Holding]) -> Result<(), String> {
    let after = Holding::of_all(world);
    let most_dials = DIALS_PER_PLACE * world.places_left();
    for server in world.living() {
        let (before, after) = (before[server], after[server]);
        if before.rest() != after.rest() || after.usage.dials > most_dials {
            return Err(format!(
                "server {server} held {before:?} and now holds {after:?}"
            ));
        }
    }
    Ok(())
}

/// What stopped servers still hold, if anything.
pub(crate) fn judge_stopped(world: &World) -> Result<(), String> {
    for (server, node) in world.nodes.iter().enumerate() {
        let usage = node.host.usage();
        if usage != HostUsage::default() {
            return Err(format!("server {server} still holds {usage:?}"));
        }
    }
    Ok(())
}
