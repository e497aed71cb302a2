//! Faults of whole clusters, and of a server's place in its own.
//!
//! Not here: those of single servers and links, when they strike.

use std::time::Duration;

use super::{FaultKind, Faults, Place, Undo};
use crate::world::{End, World};

/// How long a server is out of service while its cluster is restarted.
const OUT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// What happened, for the story, and how it will end.
type Inflicted = Option<(String, Option<Undo>)>;

impl Faults {
    /// All servers of the cluster die, or are restarted one after the other.
    pub(super) fn hit_cluster(
        &mut self,
        world: &mut World,
        kind: FaultKind,
        server: usize,
    ) -> Inflicted {
        let cluster = world.topology.cluster_of[server];
        let members: Vec<usize> = world.living_of(cluster).collect();
        let place = |server: &usize| (Place::Server(*server), Place::Server(*server));
        if members
            .iter()
            .any(|member| self.busy.contains(&place(member)))
        {
            return None;
        }
        self.busy.extend(members.iter().map(place));
        super::disturb(world, members.iter().map(place).collect());
        let out = self.dice.duration(OUT.0, OUT.1);
        if kind == FaultKind::ClusterCrash {
            for member in &members {
                world.end(*member, End::Crash);
                let back = world.now() + self.dice.duration(OUT.0, super::LASTS.1);
                self.active.push((back, Undo::Start(*member)));
            }
        } else {
            let now = world.now();
            self.active.push((now, Undo::Roll(members, out)));
        }
        Some((format!("cluster {cluster}"), None))
    }

    /// The next server is restarted; the one after it has its turn when this one is back.
    pub(super) fn roll(&mut self, world: &mut World, servers: &[usize], out: Duration) {
        let Some((next, rest)) = servers.split_first() else {
            return;
        };
        super::disturb(world, vec![(Place::Server(*next), Place::Server(*next))]);
        match self.dice.per_mille(500) {
            true => world.ask_to_stop(*next),
            false => world.end(*next, End::Kill),
        }
        let back = world.now() + out;
        self.active.push((back, Undo::Start(*next)));
        if !rest.is_empty() {
            self.active.push((back, Undo::Roll(rest.to_vec(), out)));
        }
    }

    /// Nothing gets through any more between a cluster and the others, or a server and its neighbours.
    pub(super) fn cut_off(&mut self, world: &World, kind: FaultKind, server: usize) -> Inflicted {
        let neighbours =
            |other: usize| world.topology.cluster_of[other] == world.topology.cluster_of[server];
        let (inside, outside): (Vec<usize>, Vec<usize>) = match kind {
            FaultKind::Island => {
                let others = world
                    .living()
                    .filter(|other| *other != server && neighbours(*other));
                (vec![server], others.collect())
            }
            _ => world.living().partition(|other| neighbours(*other)),
        };
        let mut ways = Vec::new();
        for a in inside {
            for b in &outside {
                let way = (a.min(*b), a.max(*b));
                if self
                    .busy
                    .insert((Place::Server(way.0), Place::Server(way.1)))
                {
                    ways.push(way);
                }
            }
        }
        if ways.is_empty() {
            return None;
        }
        let both = self.dice.per_mille(600);
        let out_only = self.dice.per_mille(500);
        for (a, b) in &ways {
            let (a_host, b_host) = (&world.nodes[*a].host, &world.nodes[*b].host);
            let a_is_inside = match kind {
                FaultKind::Island => *a == server,
                _ => neighbours(*a),
            };
            match (both, out_only == a_is_inside) {
                (true, _) => world.net.partition(a_host, b_host),
                (false, true) => world.net.partition_one_way(a_host, b_host),
                (false, false) => world.net.partition_one_way(b_host, a_host),
            }
        }
        let direction = match (both, out_only) {
            (true, _) => "both ways",
            (false, true) => "outwards",
            (false, false) => "inwards",
        };
        Some((
            format!("around server {server}, {direction}: {ways:?}"),
            Some(Undo::HealAll(ways)),
        ))
    }

    /// A server is killed, and comes back at other ports.
    pub(super) fn relocate(&mut self, world: &mut World, server: usize) -> Inflicted {
        // Who hears of it only by others must not be made to forget it.
        let is_first =
            self.mover.is_none_or(|mover| mover == server) && world.nodes[server].unnamed == 0;
        let place = Place::Server(server);
        if !is_first || !world.topology.may_move(server) || !self.busy.insert((place, place)) {
            return None;
        }
        self.mover = Some(server);
        world.end(server, End::Kill);
        world.relocate(server);
        Some((format!("server {server}"), Some(Undo::Start(server))))
    }

    /// A server ends and never comes back. One of them is enough, and it is not the one that has moved: its
    /// neighbours would be the only ones to know where that is.
    pub(super) fn see_off(&mut self, world: &mut World, server: usize) -> Inflicted {
        let place = Place::Server(server);
        let is_first = world.living().count() == world.nodes.len() && self.mover.is_none();
        if !is_first || !world.topology.may_leave(server) || !self.busy.insert((place, place)) {
            return None;
        }
        let how = *self.dice.pick(&[End::Kill, End::Crash, End::PowerOff]);
        super::disturb(world, vec![(place, place)]);
        world.end(server, how);
        world.abandon(server);
        Some((format!("server {server}"), None))
    }
}
