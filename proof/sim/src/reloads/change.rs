//! What each kind of reload changes, where it begins.
//!
//! Not here: when, and how it is taken back.

use std::time::Duration;

use gannet_config::{ClusterPermissions, Secret, SubjectPermission, User};
use gannet_units::ByteCount;

use super::{Active, PAUSE, ReloadKind, Reloads, Then, note, set_password};
use crate::topology::{CLIENTS, COMPRESSION, cluster_name, user_name};
use crate::world::World;

/// A password that no client has.
const WRONG: &str = "changed";
/// Sizes of pools.
const POOLS: [u32; 4] = [1, 2, 3, 5];

impl Reloads {
    /// Lets it happen; answers what, for the story. `None` if it cannot.
    pub(super) fn change(
        &mut self,
        world: &mut World,
        kind: ReloadKind,
        server: usize,
    ) -> Option<String> {
        match kind {
            ReloadKind::Log => Some(self.change_log(world, server)),
            ReloadKind::Limits => Some(self.change_limits(world, server)),
            ReloadKind::Strangers => Some(self.change_strangers(world, server)),
            ReloadKind::Expulsion => self.expel(world, server),
            ReloadKind::Gateway => self.forget_cluster(world, server),
            ReloadKind::Route => self.forget_server(world, server),
            ReloadKind::Pool => self.change_pools(world, server),
            ReloadKind::Compression => self.recompress(world, server),
            ReloadKind::Permissions => self.change_permissions(world, server),
            ReloadKind::Refused => Some(try_the_impossible(world, server)),
            ReloadKind::Certificates => None,
        }
    }

    fn change_log(&mut self, world: &mut World, server: usize) -> String {
        let trace = self.dice.per_mille(600);
        let headers = self.dice.per_mille(300);
        let longest = self.dice.per_mille(500).then_some(ByteCount(100));
        world.reload(server, |options| {
            options.logging.trace = trace;
            options.logging.trace_headers = headers;
            options.logging.max_traced_message = longest;
        });
        format!("trace {trace}")
    }

    /// Nothing that is said comes near these bounds, and silent peers are not given up later than before.
    fn change_limits(&mut self, world: &mut World, server: usize) -> String {
        let (interval, most) = (world.topology.ping_interval, world.topology.ping_max);
        let shortest = Duration::from_millis(500).min(interval);
        let interval = self.dice.duration(shortest, interval);
        let most = self.dice.between(1, most as usize) as u32;
        // No more may be wanted than may wait for a connection.
        let most_payload = world.topology.max_pending.as_usize() >> 20;
        let payload = ByteCount::mib(self.dice.between(1, most_payload.min(8)) as u64);
        let line = ByteCount::kib(self.dice.between(1, 16) as u64);
        let clients = self.dice.between(100, 1000) as u32;
        let deadline = self
            .dice
            .duration(Duration::from_millis(500), Duration::from_secs(10));
        let no_stall = self.dice.per_mille(500);
        world.reload(server, |options| {
            let limits = &mut options.limits;
            limits.ping_interval = interval;
            limits.ping_max = most;
            limits.max_payload = Some(payload);
            limits.max_control_line = line;
            limits.max_connections = clients;
            limits.write_deadline = deadline;
            limits.no_fast_producer_stall = no_stall;
        });
        format!("ping {interval:?} x {most}, {payload:?} and {line:?}, write {deadline:?}")
    }

    fn change_strangers(&mut self, world: &mut World, server: usize) -> String {
        let names: Vec<usize> = (0..5).filter(|_| self.dice.per_mille(500)).collect();
        let password = self.dice.below(3);
        let known = world.topology.user_count();
        world.reload(server, |options| {
            let users = options.auth.users.get_or_insert_default();
            users.truncate(known);
            users.extend(names.iter().map(|name| User {
                name: format!("stranger{name}"),
                password: Secret::new(format!("{password}")),
                ..User::default()
            }));
        });
        format!("{names:?}")
    }

    fn expel(&mut self, world: &mut World, server: usize) -> Option<String> {
        let number = self.dice.below(world.topology.user_count());
        if !self.busy.insert((server, ReloadKind::Expulsion, number)) {
            return None;
        }
        let user = user_name(number);
        let change = self.later(world, server, Then::Welcome(user.clone()));
        note(world, &change);
        self.active.push(change);
        set_password(world, server, &user, WRONG);
        Some(user)
    }

    fn forget_cluster(&mut self, world: &mut World, server: usize) -> Option<String> {
        let own = world.topology.cluster_of[server];
        let cluster = self.dice.below(world.topology.clusters());
        // Where a server is that has moved, configurations do not say: what was heard of it must not be forgotten.
        let mut members = world.topology.members(cluster);
        let impossible = cluster == own || members.any(|other| world.has_moved(other));
        if impossible || !self.busy.insert((server, ReloadKind::Gateway, cluster)) {
            return None;
        }
        let name = cluster_name(cluster);
        let mut removed = None;
        world.reload(server, |options| {
            let remotes = options.gateway.as_mut().map(|gateway| &mut gateway.remotes);
            removed = remotes.and_then(|remotes| {
                let at = remotes.iter().position(|remote| remote.name == name)?;
                Some(remotes.remove(at))
            });
        });
        let Some(remote) = removed else {
            self.busy.remove(&(server, ReloadKind::Gateway, cluster));
            return None;
        };
        let members = world.topology.members(cluster);
        for other in members.clone() {
            world.nodes[other].unnamed += 1;
        }
        // Who has links to us stays linked. Of a server among several, nobody knows whether it has some.
        let alone = members.len() == 1 && world.topology.sizes[own] == 1;
        let rejects = world.topology.reject_unknown;
        let change = Active {
            ways: members.map(|other| (server, other)).collect(),
            is_cut: !alone || rejects,
            ..self.later(world, server, Then::Name(remote))
        };
        note(world, &change);
        self.active.push(change);
        Some(format!("without {name}"))
    }

    fn forget_server(&mut self, world: &mut World, server: usize) -> Option<String> {
        let members = world.topology.neighbours(server);
        let other = members.start + self.dice.below(members.len());
        let impossible = other == server || world.has_moved(other);
        if impossible || !self.busy.insert((server, ReloadKind::Route, other)) {
            return None;
        }
        let address = world.shown(other);
        let mut removed = None;
        world.reload(server, |options| {
            let routes = &mut options.cluster.routes;
            removed =
                (routes.iter().position(|url| url.host == address)).map(|at| routes.remove(at));
        });
        let Some(url) = removed else {
            self.busy.remove(&(server, ReloadKind::Route, other));
            return None;
        };
        world.nodes[other].unnamed += 1;
        let change = Active {
            ways: vec![(server, other)],
            is_cut: true,
            ..self.later(world, server, Then::Route(url, other))
        };
        note(world, &change);
        self.active.push(change);
        Some(format!("without server {other}"))
    }

    /// Nothing of this may disturb anybody.
    fn change_pools(&mut self, world: &mut World, server: usize) -> Option<String> {
        let members: Vec<usize> = world.topology.neighbours(server).collect();
        let has_pool = |server: &usize| world.topology.routing[*server].pool.is_some();
        if members.len() < 2 || !members.iter().any(has_pool) {
            return None;
        }
        let size = *self.dice.pick(&POOLS);
        let pinned = match self.dice.per_mille(300) {
            true => !world.topology.pinned,
            false => world.topology.pinned,
        };
        // Whether the clients' account has connections of its own is the same everywhere.
        let all: Vec<usize> = match pinned == world.topology.pinned {
            true => members,
            false => (0..world.nodes.len()).collect(),
        };
        let mut at = world.now();
        for server in all {
            let change = self.later(world, server, Then::Pool(size));
            self.active.push(Active { at, ..change });
            at = at + self.dice.duration(PAUSE.0, PAUSE.1);
        }
        world.topology.pinned = pinned;
        Some(format!(
            "and its neighbours: pools of {size}, pinned {pinned}"
        ))
    }

    fn recompress(&mut self, world: &mut World, server: usize) -> Option<String> {
        let neighbours = world.topology.neighbours(server);
        if neighbours.len() < 2 {
            return None;
        }
        let mode = COMPRESSION[self.dice.below(COMPRESSION.len())];
        // Routes whose bytes look different from now on are made anew.
        for other in neighbours.filter(|other| *other != server) {
            world.journal.lock().disturb(server, other, world.now());
        }
        world.topology.routing[server].compression = mode;
        world.reload(server, |options| {
            options.cluster.compression.mode = mode.to_owned();
        });
        Some(mode.to_owned())
    }

    fn change_permissions(&mut self, world: &mut World, server: usize) -> Option<String> {
        if world.topology.neighbours(server).len() < 2 {
            return None;
        }
        let mut one = || {
            let deny = ["nobody.>", "nothing.*"].map(str::to_owned);
            let deny = deny.into_iter().filter(|_| self.dice.per_mille(600));
            SubjectPermission {
                allow: None,
                deny: deny.collect(),
            }
        };
        let permissions = ClusterPermissions {
            import: Some(one()),
            export: Some(one()),
        };
        let told = format!("{permissions:?}");
        world.reload(server, |options| {
            options.cluster.permissions = Some(permissions);
        });
        Some(told)
    }
}

/// A server gets its part of a change of all pools.
pub(super) fn pool(world: &mut World, server: usize, size: u32) {
    let routing = &mut world.topology.routing[server];
    if routing.pool.is_none() {
        return;
    }
    routing.pool = Some(size);
    let pinned = world.topology.pinned;
    world.journal.lock().pool_changes(server, world.now());
    world.reload(server, |options| {
        options.cluster.pool_size = Some(size);
        options.cluster.accounts = pinned.then(|| CLIENTS.to_owned()).into_iter().collect();
    });
}

/// The server's name cannot change, so its payloads must not become tiny.
fn try_the_impossible(world: &mut World, server: usize) -> String {
    world.reload_in_vain(server, |options| {
        options.server_name = Some("another".to_owned());
        options.limits.max_payload = Some(ByteCount(1));
        options.auth.token = Some(Secret::new("none"));
        options.auth.users = None;
    });
    "another name".to_owned()
}
