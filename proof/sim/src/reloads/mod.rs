//! Servers are told other options while they run: which kinds of that there are in a run (a swarm, as with
//! faults), when it happens, and how it is taken back.
//!
//! A reload is no fault: whatever it does not concern must not notice it. What it does concern is noted in the
//! journal, as narrowly as the server promises it: the way between two servers whose route is removed, the
//! clients of a user whose password changes.
//!
//! Everything here is drawn from a stream of choices of its own, so that the faults and the workload of a seed
//! are the same with and without reloads; and what happens to certificates, from one that the rest does not share.
//! What comes of the faults is not the same: where it matters (a seed that is kept
//! because it failed once), reloads are [switched off](crate::Config::reloads).
//!
//! Not here: which options may change (`gannet_config::Diff`) and what servers make of it (`gannet_node`).

mod certificates;
mod change;
mod kind;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gannet_config::{RemoteGateway, Secret, ServerUrl};
use gannet_units::Moment;

pub use kind::ReloadKind;

use self::certificates::Renewals;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::topology::{PASSWORD, Topology, cluster_name, user_name};
use crate::world::World;

/// The shortest and the longest time until a change is taken back.
const LASTS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(6));
/// Time between two servers of a cluster that get the same change.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));
/// Changes at a time that are still to be taken back, at most.
const AT_ONCE: usize = 6;

/// What is still to be done about a change.
#[derive(Clone, Debug)]
enum Then {
    /// A cluster is named again.
    Name(RemoteGateway),
    /// A server of the cluster is named again.
    Route(ServerUrl, usize),
    /// A user's password is what it was.
    Welcome(String),
    /// This server gets this size of the pool, too, and connections for the clients' account or not.
    Pool(u32),
}

/// A change that is not over.
#[derive(Clone, Debug)]
struct Active {
    at: Moment,
    server: usize,
    then: Then,
    /// Ways between servers that depend on what the server has not at present.
    ways: Vec<(usize, usize)>,
    /// Whether these ways are disturbed in any case, or only if something else breaks them: it is not mended
    /// then.
    is_cut: bool,
}

/// The reloads of one run.
pub(crate) struct Reloads {
    dice: Dice,
    /// The kinds that this run has.
    kinds: Vec<ReloadKind>,
    /// Chance of a reload per step, in thousandths.
    rate: usize,
    active: Vec<Active>,
    /// Of certificates; `None` if there are none or they stay.
    renewals: Option<Renewals>,
    /// What is changed already and must not be twice.
    busy: BTreeSet<(usize, ReloadKind, usize)>,
    /// How often each kind happened.
    pub(crate) hits: BTreeMap<ReloadKind, u64>,
}

impl Reloads {
    /// Drawn from `seed`; about a third of all runs have none.
    pub(crate) fn draw(seed: u64) -> Reloads {
        let mut dice = Dice::derive(seed, "reloads");
        let any = dice.per_mille(670);
        let kinds = ReloadKind::ALL.iter().copied();
        let kinds = kinds.filter(|kind| *kind != ReloadKind::Certificates);
        let kinds = kinds.filter(|_| dice.per_mille(500) && any).collect();
        Reloads {
            rate: dice.between(1, 12),
            kinds,
            dice,
            active: Vec::new(),
            renewals: Some(Renewals::draw(seed)),
            busy: BTreeSet::new(),
            hits: BTreeMap::new(),
        }
    }

    /// A run without any.
    pub(crate) fn none() -> Reloads {
        Reloads {
            kinds: Vec::new(),
            renewals: None,
            ..Reloads::draw(0)
        }
    }

    /// What the servers of the run must be like for these changes.
    pub(crate) fn prepare(&self, topology: &mut Topology) {
        let has = |kind| self.kinds.contains(&kind);
        topology.users = has(ReloadKind::Strangers) || has(ReloadKind::Expulsion);
        topology.traces = has(ReloadKind::Log);
        topology.pools_change = has(ReloadKind::Pool);
    }

    /// Takes back what is due, and perhaps changes something else.
    pub(crate) fn step(&mut self, world: &mut World, faults: &Faults) {
        let now = world.now();
        let (due, active) =
            std::mem::take(&mut self.active)
                .into_iter()
                .partition(|change: &Active| {
                    change.at <= now && is_reachable(world, faults, change.server)
                });
        self.active = active;
        let due: Vec<Active> = due;
        for change in due {
            note(world, &change);
            self.go_on(world, change);
        }
        for change in &self.active {
            note(world, change);
        }
        if let (Some(renewals), true) = (&mut self.renewals, world.topology.encrypted.any()) {
            let begun = renewals.step(world, faults);
            if begun > 0 {
                *self.hits.entry(ReloadKind::Certificates).or_default() += begun;
            }
        }
        if !self.kinds.is_empty() && self.active.len() < AT_ONCE && self.dice.per_mille(self.rate) {
            let kind = *self.dice.pick(&self.kinds);
            let server = self.dice.below(world.nodes.len());
            if !world.nodes[server].gone && is_reachable(world, faults, server) {
                self.happen(world, kind, server);
            }
        }
    }

    /// Takes everything back; answers whether all servers could be told. If not, it is to be tried again.
    pub(crate) fn end_all(&mut self, world: &mut World) -> bool {
        let (ready, rest) = std::mem::take(&mut self.active)
            .into_iter()
            .partition(|change: &Active| world.takes_options(change.server));
        self.active = rest;
        let ready: Vec<Active> = ready;
        for change in ready {
            note(world, &change);
            self.go_on(world, change);
        }
        let is_certified = match &mut self.renewals {
            Some(renewals) => renewals.end(world),
            None => true,
        };
        self.active.is_empty() && is_certified
    }

    fn happen(&mut self, world: &mut World, kind: ReloadKind, server: usize) {
        let Some(what) = self.change(world, kind, server) else {
            return;
        };
        *self.hits.entry(kind).or_default() += 1;
        world.tell(&format!("reload {kind}: server {server}, {what}"));
    }

    /// The second half of a change.
    fn go_on(&mut self, world: &mut World, change: Active) {
        let server = change.server;
        for (_, other) in &change.ways {
            world.nodes[*other].unnamed -= 1;
        }
        if world.nodes[server].gone {
            return;
        }
        world.tell(&format!("reload: server {server}, {:?}", change.then));
        match change.then {
            Then::Name(remote) => {
                let name = remote.name.clone();
                world.reload(server, |options| {
                    if let Some(gateway) = &mut options.gateway {
                        gateway.remotes.push(remote);
                    }
                });
                self.busy.retain(|(at, kind, other)| {
                    (*at, *kind) != (server, ReloadKind::Gateway) || cluster_name(*other) != name
                });
            }
            Then::Route(url, other) => {
                world.reload(server, |options| options.cluster.routes.push(url));
                self.busy.remove(&(server, ReloadKind::Route, other));
            }
            Then::Welcome(user) => {
                set_password(world, server, &user, PASSWORD);
                self.busy.retain(|(at, kind, number)| {
                    (*at, *kind) != (server, ReloadKind::Expulsion) || user_name(*number) != user
                });
            }
            Then::Pool(size) => change::pool(world, server, size),
        }
    }

    fn later(&mut self, world: &World, server: usize, then: Then) -> Active {
        let lasts = self.dice.duration(LASTS.0, LASTS.1);
        Active {
            at: world.now() + lasts,
            server,
            then,
            ways: Vec::new(),
            is_cut: false,
        }
    }
}

/// Whether the server's process would obey a signal now: it is not stopped or on its way, nor is anything else wrong
/// with it.
fn is_reachable(world: &World, faults: &Faults, server: usize) -> bool {
    world.takes_options(server) && !(world.nodes[server].running && faults.holds(server))
}

fn set_password(world: &mut World, server: usize, name: &str, password: &str) {
    world.reload(server, |options| {
        for user in options.auth.users.iter_mut().flatten() {
            if user.name == name {
                user.password = Secret::new(password);
            }
        }
    });
}

/// Notes in the journal what suffers from a change that is not over.
fn note(world: &World, change: &Active) {
    let now = world.now();
    let mut journal = world.journal.lock();
    let recovery = journal.recovery;
    let is_recent = |at: Option<Moment>| at.is_some_and(|at| at + recovery >= now);
    for (one, other) in &change.ways {
        if change.is_cut || is_recent(journal.disturbed_at(*one, *other)) {
            journal.disturb(*one, *other, now);
        }
    }
    if let Then::Welcome(user) = &change.then {
        let clients = world.clients.iter().enumerate();
        let of_user = clients.filter(|(_, client)| {
            client.home == change.server && client.user.as_ref() == Some(user)
        });
        for (client, _) in of_user {
            journal.turn_out(client, now);
        }
    }
}
