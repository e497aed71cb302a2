//! Interest, from scratch: once nothing moves, every server knows of every other server of its cluster just what
//! the clients of that one are subscribed to, and of every other cluster just what the clients of all
//! its servers are; each subject and queue group once, whatever has happened before. And it holds nothing else: what
//! came over links that are gone has gone with them.
//!
//! Source: demand G5 and GW-05 (drift of counts after reconnects); `docs/routes.md`.

use std::collections::BTreeMap;

use crate::inspect::{Answer, Interest, View};
use crate::topology::{cluster_name, server_name};
use crate::world::World;

/// What is wrong with what the servers say they know, if anything.
pub(crate) fn judge(world: &World, answers: &BTreeMap<usize, Answer>) -> Result<(), String> {
    let expected = Expected::of(world);
    for server in world.living() {
        let view = match answers.get(&server) {
            Some(Ok(view)) => view,
            Some(Err(why)) => return Err(format!("server {server}: {why}")),
            None => return Err(format!("server {server} does not answer")),
        };
        expected.compare(world, server, view)?;
    }
    Ok(())
}

/// The interest of every server's own clients, and how many subscriptions that is.
struct Expected {
    own: Vec<Interest>,
    subs: Vec<u64>,
}

impl Expected {
    fn of(world: &World) -> Expected {
        let journal = world.journal.lock();
        let mut own = vec![Interest::new(); world.nodes.len()];
        let mut subs = vec![0; world.nodes.len()];
        for (_, sub) in journal.standing() {
            // An inbox for one answer ends with it (but not with the word that nobody is there).
            if !(sub.limited && sub.delivered > 0) {
                let queue = sub.queue.clone().unwrap_or_default();
                own[sub.server].insert((sub.pattern.clone(), queue), 1);
                subs[sub.server] += 1;
            }
        }
        Expected { own, subs }
    }

    fn compare(&self, world: &World, server: usize, view: &View) -> Result<(), String> {
        let cluster = world.topology.cluster_of[server];
        let neighbours = world.living_of(cluster).filter(|other| *other != server);
        let of_servers = neighbours.map(|other| (server_name(other), self.own[other].clone()));
        differ(server, &of_servers.collect(), &view.of_servers)?;
        let others = (0..world.topology.clusters()).filter(|other| *other != cluster);
        let of_clusters = others.map(|other| {
            let whole = world.living_of(other).flat_map(|s| self.own[s].clone());
            (cluster_name(other), whole.collect())
        });
        differ(server, &of_clusters.collect(), &view.of_clusters)?;
        let neighbours = world.living_of(cluster).filter(|other| *other != server);
        let told: usize = neighbours.map(|other| self.own[other].len()).sum();
        let held = self.subs[server] + told as u64;
        if view.held != held {
            return Err(format!(
                "server {server} holds {} subscriptions instead of {held}",
                view.held
            ));
        }
        Ok(())
    }
}

fn differ(
    server: usize,
    wanted: &BTreeMap<String, Interest>,
    found: &BTreeMap<String, Interest>,
) -> Result<(), String> {
    let none = Interest::new();
    for name in wanted.keys().chain(found.keys()) {
        let of = |all: &'_ BTreeMap<String, Interest>| all.get(name).unwrap_or(&none).clone();
        let (wanted, found) = (of(wanted), of(found));
        for key in wanted.keys().chain(found.keys()) {
            let times = |of: &Interest| of.get(key).copied().unwrap_or(0);
            if times(&wanted) != times(&found) {
                return Err(format!(
                    "server {server} knows the interest of {name} in {key:?} {} times instead of {}",
                    times(&found),
                    times(&wanted)
                ));
            }
        }
    }
    Ok(())
}
