//! What goes wrong in a run: which kinds of faults there are in it (a swarm: each is there in about half of
//! the runs), when they strike, and how they end.
//!
//! Not here: how a fault works (that is the simulated network and hosts of `gannet_rt`).

mod cluster;
mod kind;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gannet_rt::sim::{Link, NetConfig, SimHost};
use gannet_units::Moment;

pub use kind::FaultKind;

use crate::dice::Dice;
use crate::world::{End, World};

/// The shortest and the longest time that a fault lasts.
const LASTS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(12));
/// Faults at a time, at most.
const AT_ONCE: usize = 4;

/// One end of a link that can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Server(usize),
    Client(usize),
}

/// How a fault ends.
#[derive(Clone, Debug)]
enum Undo {
    Heal(Place, Place),
    HealAll(Vec<(usize, usize)>),
    Thaw(usize),
    OpenUp(usize),
    Accept(usize),
    Start(usize),
    /// These servers are restarted, one after the other, each out of service for that long.
    Roll(Vec<usize>, Duration),
    FineLink(Place, Place),
    LongIo,
}

impl Undo {
    /// What the fault strikes while it lasts: ways between two places, or everything about one.
    fn places(&self, servers: usize) -> Vec<(Place, Place)> {
        let all = |server| (Place::Server(server), Place::Server(server));
        match self {
            Undo::Heal(a, b) | Undo::FineLink(a, b) => vec![(*a, *b)],
            Undo::Thaw(server)
            | Undo::OpenUp(server)
            | Undo::Accept(server)
            | Undo::Start(server) => {
                vec![all(*server)]
            }
            Undo::HealAll(ways) => {
                let between = |(a, b): &(usize, usize)| (Place::Server(*a), Place::Server(*b));
                ways.iter().map(between).collect()
            }
            Undo::Roll(rest, _) => rest.iter().copied().map(all).collect(),
            Undo::LongIo => (0..servers).map(all).collect(),
        }
    }
}

/// The weather of one run.
pub(crate) struct Faults {
    dice: Dice,
    /// The kinds that this run has.
    kinds: Vec<FaultKind>,
    /// Chance of a new fault per step, in thousandths.
    rate: usize,
    active: Vec<(Moment, Undo)>,
    /// What is already afflicted and must not be twice.
    busy: BTreeSet<(Place, Place)>,
    /// The one server that has been at another place, if any: the others know where they all were.
    mover: Option<usize>,
    /// How often each kind struck.
    pub(crate) hits: BTreeMap<FaultKind, u64>,
}

impl Faults {
    /// Drawn from `seed`.
    pub(crate) fn draw(seed: u64) -> Faults {
        let mut dice = Dice::derive(seed, "faults");
        let kinds = FaultKind::ALL
            .iter()
            .copied()
            .filter(|_| dice.per_mille(450))
            .collect();
        let rate = dice.between(2, 30);
        Faults {
            dice,
            kinds,
            rate,
            active: Vec::new(),
            busy: BTreeSet::new(),
            mover: None,
            hits: BTreeMap::new(),
        }
    }

    /// Lets faults end whose time has come, and perhaps lets another one strike.
    pub(crate) fn step(&mut self, world: &mut World) {
        let now = world.now();
        let (over, active) = std::mem::take(&mut self.active)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.active = active;
        let over: Vec<(Moment, Undo)> = over;
        for (_, undo) in over {
            self.undo(world, undo);
        }
        for (_, undo) in &self.active {
            disturb(world, undo.places(world.nodes.len()));
        }
        if !self.kinds.is_empty() && self.active.len() < AT_ONCE && self.dice.per_mille(self.rate) {
            let kind = *self.dice.pick(&self.kinds);
            self.strike(world, kind);
        }
    }

    /// Ends all faults, and those kinds that have no end of their own.
    pub(crate) fn heal_all(&mut self, world: &mut World) {
        for (_, undo) in std::mem::take(&mut self.active) {
            match undo {
                Undo::Roll(rest, _) => rest.into_iter().for_each(|server| self.release(server)),
                undo => self.undo(world, undo),
            }
        }
        world.net.heal_all();
        world.set_fine_weather();
        for node in &world.nodes {
            node.host.set_drift_ppm(0);
        }
        world.tell("all faults end");
    }

    fn strike(&mut self, world: &mut World, kind: FaultKind) {
        let lasts = self.dice.duration(LASTS.0, LASTS.1);
        let server = self.dice.below(world.nodes.len());
        if world.nodes[server].gone {
            return;
        }
        let Some((what, undo)) = self.inflict(world, kind, server) else {
            return;
        };
        *self.hits.entry(kind).or_default() += 1;
        world.tell(&format!("fault {kind}: {what}, for {lasts:?}"));
        if let Some(undo) = undo {
            disturb(world, undo.places(world.nodes.len()));
            self.active.push((world.now() + lasts, undo));
        }
    }

    /// Lets it happen; answers what happened, for the story, and how it will end. `None` if it cannot.
    fn inflict(
        &mut self,
        world: &mut World,
        kind: FaultKind,
        server: usize,
    ) -> Option<(String, Option<Undo>)> {
        match kind {
            FaultKind::Latency | FaultKind::Jitter | FaultKind::SlowLink => {
                self.bad_link(world, kind)
            }
            FaultKind::ShortIo => {
                set_short_io(
                    world,
                    self.dice.between(300, 900) as u32,
                    self.dice.between(1, 64) << 10,
                );
                Some(("everywhere".into(), Some(Undo::LongIo)))
            }
            FaultKind::Reset => self.reset(world),
            FaultKind::OneWayPartition | FaultKind::Partition => {
                let (a, b) = self.free_pair(world)?;
                let (x, y) = (host(world, a), host(world, b));
                match kind {
                    FaultKind::Partition => world.net.partition(&x, &y),
                    _ => world.net.partition_one_way(&x, &y),
                }
                Some((format!("{a:?} to {b:?}"), Some(Undo::Heal(a, b))))
            }
            FaultKind::Clock => {
                let host = &world.nodes[server].host;
                host.set_drift_ppm(self.dice.between(0, 2000) as i32 - 1000);
                match self.dice.below(3) {
                    0 => host.jump_wall_back(Duration::from_secs(3600)),
                    1 => host.jump_wall_forward(Duration::from_secs(3600)),
                    _ => {}
                }
                Some((format!("server {server}"), None))
            }
            FaultKind::ClusterCrash | FaultKind::RollingRestart => {
                self.hit_cluster(world, kind, server)
            }
            FaultKind::ClusterCut | FaultKind::Island => self.cut_off(world, kind, server),
            FaultKind::Move => self.relocate(world, server),
            FaultKind::Farewell => self.see_off(world, server),
            _ => self.hit_server(world, kind, server),
        }
    }

    fn hit_server(
        &mut self,
        world: &mut World,
        kind: FaultKind,
        server: usize,
    ) -> Option<(String, Option<Undo>)> {
        let place = Place::Server(server);
        if !self.busy.insert((place, place)) {
            return None;
        }
        let host = world.nodes[server].host.clone();
        let undo = match kind {
            FaultKind::Freeze => {
                host.freeze();
                Undo::Thaw(server)
            }
            FaultKind::BlackHole => {
                world.net.black_hole(&host, true);
                Undo::OpenUp(server)
            }
            FaultKind::RefusedDial => {
                world.net.refuse_dials(&host, true);
                Undo::Accept(server)
            }
            FaultKind::Stop => {
                world.ask_to_stop(server);
                Undo::Start(server)
            }
            FaultKind::Kill => {
                world.end(server, End::Kill);
                Undo::Start(server)
            }
            FaultKind::PowerOff => {
                world.end(server, End::PowerOff);
                Undo::Start(server)
            }
            _ => {
                world.end(server, End::Crash);
                Undo::Start(server)
            }
        };
        Some((format!("server {server}"), Some(undo)))
    }

    fn bad_link(&mut self, world: &World, kind: FaultKind) -> Option<(String, Option<Undo>)> {
        let (from, to) = self.pair(world)?;
        let mut link = fine_link(world, from, to);
        let more = self
            .dice
            .duration(Duration::from_millis(1), Duration::from_millis(700));
        match kind {
            FaultKind::Latency => link.latency += more,
            FaultKind::Jitter => link.jitter += more,
            _ => link.bandwidth = Some(self.dice.between(2, 200) as u64 * 1000),
        }
        let what = format!("{from:?} to {to:?}, {link:?}");
        world
            .net
            .set_link(&host(world, from), &host(world, to), link);
        Some((what, Some(Undo::FineLink(from, to))))
    }

    fn reset(&mut self, world: &World) -> Option<(String, Option<Undo>)> {
        let (a, b) = self.pair(world)?;
        disturb(world, vec![(a, b)]);
        let (x, y) = (host(world, a), host(world, b));
        let count = match self.dice.per_mille(500) {
            true => world.net.reset_between(&x, &y),
            false => usize::from(world.net.reset_one(&x, &y)),
        };
        (count > 0).then(|| (format!("{count} connections of {a:?} and {b:?}"), None))
    }

    /// Two places with a link between them: mostly servers, sometimes a client and its server.
    fn pair(&mut self, world: &World) -> Option<(Place, Place)> {
        let with_client = world.nodes.len() < 2 || self.dice.per_mille(300);
        let (a, b) = if with_client {
            let client = self.dice.below(world.clients.len());
            let home = world.clients.get(client)?.home;
            (Place::Client(client), Place::Server(home))
        } else {
            let one = self.dice.below(world.nodes.len());
            let other = (one + self.dice.between(1, world.nodes.len() - 1)) % world.nodes.len();
            (Place::Server(one), Place::Server(other))
        };
        Some(if self.dice.per_mille(500) {
            (a, b)
        } else {
            (b, a)
        })
    }

    fn free_pair(&mut self, world: &World) -> Option<(Place, Place)> {
        let (a, b) = self.pair(world)?;
        self.busy.insert(in_order(a, b)).then_some((a, b))
    }

    fn undo(&mut self, world: &mut World, undo: Undo) {
        disturb(world, undo.places(world.nodes.len()));
        match undo {
            Undo::Heal(a, b) => {
                self.busy.remove(&in_order(a, b));
                let (x, y) = (host(world, a), host(world, b));
                match self.dice.per_mille(300) {
                    true => world.net.heal_with_reset(&x, &y),
                    false => world.net.heal(&x, &y),
                }
            }
            Undo::HealAll(ref ways) => {
                for (a, b) in ways {
                    self.busy.remove(&(Place::Server(*a), Place::Server(*b)));
                    world.net.heal(&world.nodes[*a].host, &world.nodes[*b].host);
                }
            }
            Undo::Roll(ref rest, out) => self.roll(world, rest, out),
            Undo::FineLink(from, to) => {
                let fine = fine_link(world, from, to);
                world
                    .net
                    .set_link(&host(world, from), &host(world, to), fine);
            }
            Undo::LongIo => {
                let usual = NetConfig::default();
                set_short_io(world, usual.short_reads_per_mille, usual.window);
            }
            Undo::Thaw(server) => {
                world.nodes[server].host.thaw();
                self.release(server);
            }
            Undo::OpenUp(server) => {
                world.net.black_hole(&world.nodes[server].host, false);
                self.release(server);
            }
            Undo::Accept(server) => {
                world.net.refuse_dials(&world.nodes[server].host, false);
                self.release(server);
            }
            Undo::Start(server) => {
                if world.nodes[server].running {
                    // It was told to stop; whatever is left of it goes.
                    world.end(server, End::Kill);
                }
                world.start(server);
                self.release(server);
            }
        }
        world.tell(&format!("over: {undo:?}"));
    }

    /// Whether something is wrong with a server itself.
    pub(crate) fn holds(&self, server: usize) -> bool {
        let place = Place::Server(server);
        self.busy.contains(&(place, place))
    }

    fn release(&mut self, server: usize) {
        self.busy
            .remove(&(Place::Server(server), Place::Server(server)));
    }
}

/// Notes in the journal what is struck now.
fn disturb(world: &World, places: Vec<(Place, Place)>) {
    let now = world.now();
    let mut journal = world.journal.lock();
    for place in places {
        match place {
            (Place::Server(one), Place::Server(other)) => journal.disturb(one, other, now),
            (Place::Client(client), _) | (_, Place::Client(client)) => {
                journal.disturb_client(client, now);
            }
        }
    }
}

fn in_order(a: Place, b: Place) -> (Place, Place) {
    (a.min(b), a.max(b))
}

fn host(world: &World, place: Place) -> SimHost {
    match place {
        Place::Server(server) => world.nodes[server].host.clone(),
        Place::Client(client) => world.clients[client].host.clone(),
    }
}

/// The link between two places when the weather is fine.
fn fine_link(world: &World, from: Place, to: Place) -> Link {
    match (from, to) {
        (Place::Server(from), Place::Server(to)) => world.topology.link(from, to),
        _ => Link::default(),
    }
}

fn set_short_io(world: &World, per_mille: u32, window: usize) {
    world.net.configure(|config| {
        config.short_reads_per_mille = per_mille;
        config.short_writes_per_mille = per_mille;
        config.window = window;
    });
}
