//! Nothing leaks: after everybody has left, a server holds what it held before anybody came (tasks, timers and
//! sockets, beyond those of its links to other servers, which may have come to lie differently), and nothing
//! at all when it has stopped.
//!
//! Source: design, part 6 ("nothing leaks after heal").

use gannet_rt::sim::HostUsage;

use crate::world::World;

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

    /// What there is beyond the links.
    fn rest(self) -> (Option<usize>, Option<usize>, usize) {
        let HostUsage {
            tasks,
            sockets,
            listeners,
            ..
        } = self.usage;
        (
            tasks.checked_sub(self.links),
            sockets.checked_sub(self.links),
            listeners,
        )
    }
}

/// What servers that have not left for ever hold beyond `before`, if anything.
pub(crate) fn judge(world: &World, before: &[Holding]) -> Result<(), String> {
    let after = Holding::of_all(world);
    for server in world.living() {
        let (before, after) = (before[server], after[server]);
        if before.rest() != after.rest() {
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
