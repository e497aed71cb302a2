//! The hand on the network: delays, partitions, resets, names.

use std::io::ErrorKind;
use std::sync::Arc;

use super::config::{Dns, Link, NetConfig};
use super::host::SimHost;
use super::trace::Mark;
use super::world::{Shared, World};

/// Controls of the simulated network. All clones are the same network.
#[derive(Clone)]
pub struct Net {
    shared: Arc<Shared>,
}

impl Net {
    pub(super) fn new(shared: Arc<Shared>) -> Net {
        Net { shared }
    }

    /// Changes the network's figures.
    pub fn configure(&self, change: impl FnOnce(&mut NetConfig)) {
        self.shared.with(|world| change(&mut world.config));
    }

    /// Sets how the direction behaves from now on; what is under way keeps its time.
    pub fn set_link(&self, from: &SimHost, to: &SimHost, link: Link) {
        self.control("link", from, to, |world, direction| {
            world.links.insert(direction, link);
        });
    }

    /// Nothing gets through in either direction until healed. Bytes are held, not lost; dials hang.
    pub fn partition(&self, a: &SimHost, b: &SimHost) {
        self.partition_one_way(a, b);
        self.partition_one_way(b, a);
    }

    /// Nothing gets through in this direction until healed; the other one works.
    pub fn partition_one_way(&self, from: &SimHost, to: &SimHost) {
        self.control("partition", from, to, |world, direction| {
            world.blocked.insert(direction);
        });
    }

    /// Both directions work again, and what they held goes on.
    pub fn heal(&self, a: &SimHost, b: &SimHost) {
        for (from, to) in [(a, b), (b, a)] {
            self.control("heal", from, to, |world, direction| {
                world.blocked.remove(&direction);
                world.release_held(Some(direction));
            });
        }
    }

    /// [`Net::heal`], but the connections between the two do not survive it, as when a firewall has
    /// forgotten them.
    pub fn heal_with_reset(&self, a: &SimHost, b: &SimHost) {
        self.reset_between(a, b);
        self.heal(a, b);
    }

    /// Heals every partition and lets every host be dialed again.
    pub fn heal_all(&self) {
        self.shared.with(|world| {
            world.control("heal all", 0, 0);
            world.blocked.clear();
            for host in &mut world.hosts {
                host.black_hole = false;
                host.refusing = false;
            }
            world.release_held(None);
        });
    }

    /// Whether dials to the host stay unanswered; its connections live on.
    pub fn black_hole(&self, host: &SimHost, on: bool) {
        self.control("black hole", host, host, |world, (index, _)| {
            world.hosts[index].black_hole = on;
            world.release_held(None);
        });
    }

    /// Whether dials to the host are refused although it listens.
    pub fn refuse_dials(&self, host: &SimHost, on: bool) {
        self.control("refuse", host, host, |world, (index, _)| {
            world.hosts[index].refusing = on
        });
    }

    /// Resets every connection between the two hosts, for both ends at once; answers how many.
    pub fn reset_between(&self, a: &SimHost, b: &SimHost) -> usize {
        self.reset(a, b, |_, all| all)
    }

    /// Resets one connection between the two hosts, chosen at random; false if there is none.
    pub fn reset_one(&self, a: &SimHost, b: &SimHost) -> bool {
        let one = |world: &mut World, mut all: Vec<(u64, u64)>| {
            let index = world.weather.below(all.len() as u64) as usize;
            all.drain(..).skip(index).take(1).collect()
        };
        self.reset(a, b, one) == 1
    }

    /// Sets what the resolver answers to a name from now on.
    pub fn set_dns(&self, name: &str, answer: Dns) {
        self.shared.with(|world| {
            world.control("dns", 0, 0);
            world.names.insert(name.to_ascii_lowercase(), answer);
        });
    }

    /// Connections between the two hosts, each counted once, that neither end has closed.
    pub fn connections(&self, a: &SimHost, b: &SimHost) -> usize {
        let (a, b) = (a.index(), b.index());
        self.shared.with(|world| world.connections(a, b).len())
    }

    fn control(
        &self,
        what: &'static str,
        from: &SimHost,
        to: &SimHost,
        f: impl FnOnce(&mut World, (usize, usize)),
    ) {
        let direction = (from.index(), to.index());
        self.shared.with(|world| {
            world.control(what, direction.0, direction.1);
            f(world, direction);
        });
    }

    fn reset(
        &self,
        a: &SimHost,
        b: &SimHost,
        choose: impl FnOnce(&mut World, Vec<(u64, u64)>) -> Vec<(u64, u64)>,
    ) -> usize {
        let (a, b) = (a.index(), b.index());
        self.shared.with(|world| {
            let all = world.connections(a, b);
            let chosen = choose(world, all);
            for (one, other) in &chosen {
                for end in [*one, *other] {
                    world.mark(Mark::Reset { socket: end });
                    world.break_socket(end, ErrorKind::ConnectionReset);
                }
            }
            chosen.len()
        })
    }
}

impl World {
    /// The socket pairs between two hosts, those with both ends there and open.
    fn connections(&self, a: usize, b: usize) -> Vec<(u64, u64)> {
        let between = |x: usize, y: usize| (x, y) == (a, b) || (x, y) == (b, a);
        let mut pairs = Vec::new();
        for (id, socket) in &self.sockets {
            let Some(peer) = socket.peer.filter(|peer| id < peer) else {
                continue;
            };
            let open = !socket.closed && !socket.dead;
            let peer_open = self
                .sockets
                .get(&peer)
                .is_some_and(|p| !p.closed && !p.dead);
            if open && peer_open && between(socket.host, socket.peer_host) {
                pairs.push((*id, peer));
            }
        }
        pairs
    }
}
