//! Hosts: machines with a process on them that can die, freeze and tell the wrong time.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clock::Clock;
use super::config::Dns;
use super::rng::Rng;
use super::rt::SimRt;
use super::task::TaskWaker;
use super::trace::Mark;
use super::world::{Shared, World, nanos};
use crate::rt::{Kind, Rt};
use crate::task::{BoxFuture, Joined};

/// The first of the ports the kernel hands out itself.
pub(super) const FIRST_EPHEMERAL: u16 = 32_768;

pub(super) struct Host {
    pub(super) name: String,
    pub(super) ips: Vec<IpAddr>,
    /// Counts the processes that ran here; handles of earlier ones are dead.
    pub(super) incarnation: u32,
    pub(super) down: bool,
    pub(super) frozen: bool,
    /// Dials to this host stay unanswered.
    pub(super) black_hole: bool,
    /// Dials to this host are refused although it listens.
    pub(super) refusing: bool,
    pub(super) rng: Rng,
    pub(super) clock: Clock,
    /// Tasks woken while frozen.
    pub(super) parked: Vec<Arc<TaskWaker>>,
    pub(super) next_port: u16,
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Host {
    pub(super) fn add(world: &mut World, name: &str, ips: &[IpAddr]) -> usize {
        let index = world.hosts.len();
        assert!(
            world.hosts.iter().all(|h| h.name != name),
            "host {name} exists already"
        );
        let ips = match ips {
            [] => vec![address(index)],
            ips => ips.to_vec(),
        };
        for ip in &ips {
            assert!(
                world.ips.insert(*ip, index).is_none(),
                "address {ip} is taken already"
            );
        }
        world
            .names
            .insert(name.to_ascii_lowercase(), Dns::Addrs(ips.clone()));
        let host = Host {
            name: name.into(),
            ips,
            incarnation: 0,
            down: false,
            frozen: false,
            black_hole: false,
            refusing: false,
            rng: Rng::derive(world.seed, &format!("{name}/0")),
            clock: Clock::new(),
            parked: Vec::new(),
            next_port: FIRST_EPHEMERAL,
            files: BTreeMap::new(),
        };
        world.hosts.push(host);
        index
    }
}

/// 10.0.0.1, 10.0.0.2, …, 10.0.0.250, 10.0.1.1, …
fn address(index: usize) -> IpAddr {
    let [_, _, high, low] = ((index / 250 * 256 + index % 250 + 1) as u32).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, 0, high, low))
}

/// How a process comes to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    /// The kernel closes its sockets as if it had closed them itself.
    Kill,
    /// Its connections are reset.
    Crash,
    /// The machine goes with it; nobody hears a thing.
    PowerOff,
}

/// What a host's process holds at the moment; all zero when nothing leaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostUsage {
    /// Tasks that have not ended.
    pub tasks: usize,
    /// Timers somebody waits on.
    pub timers: usize,
    /// Connections the process has not closed, those waiting to be accepted included.
    pub sockets: usize,
    /// Of those, the ones that nobody has answered yet.
    pub dials: usize,
    /// Listeners.
    pub listeners: usize,
}

/// One machine of the simulated world. All clones are the same machine.
#[derive(Clone)]
pub struct SimHost {
    shared: Arc<Shared>,
    index: usize,
}

impl SimHost {
    pub(super) fn new(shared: Arc<Shared>, index: usize) -> SimHost {
        SimHost { shared, index }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The door for the process now on this host. After a death, ask again: the old one is dead
    /// (it starts nothing, its timers never end, its network calls fail).
    pub fn rt(&self) -> Rt {
        let incarnation = self
            .shared
            .with(|world| world.hosts[self.index].incarnation);
        Rt {
            kind: Kind::Sim(SimRt::new(self.shared.clone(), self.index, incarnation)),
        }
    }

    /// The host's name, as given and as it resolves.
    pub fn name(&self) -> String {
        self.shared
            .with(|world| world.hosts[self.index].name.clone())
    }

    /// The host's first address.
    pub fn ip(&self) -> IpAddr {
        self.shared.with(|world| world.hosts[self.index].ips[0])
    }

    /// The process is killed: its tasks are dropped, and the kernel closes its sockets as a process
    /// would (what was written still goes out; unread bytes make it a reset).
    pub fn kill(&self) {
        self.end(Death::Kill);
    }

    /// The process dies and all its connections are reset, losing what was under way.
    pub fn crash(&self) {
        self.end(Death::Crash);
    }

    /// The machine loses power: peers hear nothing, their bytes go nowhere until [`Self::power_on`],
    /// after which the machine answers them with resets. Files stay.
    pub fn power_off(&self) {
        self.end(Death::PowerOff);
    }

    /// The machine comes back, without a process: spawn one on a new [`Self::rt`].
    pub fn power_on(&self) {
        self.shared.with(|world| {
            world.control("power on", self.index, 0);
            world.hosts[self.index].down = false;
            world.release_held(None);
        });
    }

    /// From now on the process's tasks are not run; its kernel goes on (connections are accepted
    /// into the backlog, buffers fill up).
    pub fn freeze(&self) {
        self.shared.with(|world| {
            world.control("freeze", self.index, 0);
            world.hosts[self.index].frozen = true;
        });
    }

    /// The process goes on where it was.
    pub fn thaw(&self) {
        let parked = self.shared.with(|world| {
            world.control("thaw", self.index, 0);
            let host = &mut world.hosts[self.index];
            host.frozen = false;
            std::mem::take(&mut host.parked)
        });
        for waker in parked {
            self.shared.ready.push(waker);
        }
    }

    /// Makes the host's clocks run `ppm` millionths faster (or slower) than the world's.
    pub fn set_drift_ppm(&self, ppm: i32) {
        self.shared.with(|world| {
            world.control("drift", self.index, ppm as usize);
            let now = world.now;
            world.hosts[self.index].clock.set_drift(now, ppm);
        });
    }

    /// Sets the host's wall clock forward by `by`, its monotonic clock being unmoved.
    pub fn jump_wall_forward(&self, by: Duration) {
        let by = i64::try_from(nanos(by)).unwrap_or(i64::MAX);
        self.jump_wall(by);
    }

    /// Sets the host's wall clock back by `by`, its monotonic clock being unmoved.
    pub fn jump_wall_back(&self, by: Duration) {
        let by = i64::try_from(nanos(by)).unwrap_or(i64::MAX);
        self.jump_wall(-by);
    }

    fn jump_wall(&self, by: i64) {
        self.shared.with(|world| {
            world.control("jump", self.index, by as usize);
            world.hosts[self.index].clock.jump_wall(by);
        });
    }

    /// What the host's process holds.
    pub fn usage(&self) -> HostUsage {
        self.shared.with(|world| {
            let here = self.index;
            HostUsage {
                tasks: world.tasks.values().filter(|t| t.host == here).count(),
                timers: world.timers.values().filter(|t| t.host == here).count(),
                sockets: world
                    .sockets
                    .values()
                    .filter(|s| s.host == here && !s.closed)
                    .count(),
                dials: world
                    .sockets
                    .values()
                    .filter(|s| s.host == here && !s.closed && s.peer.is_none())
                    .count(),
                listeners: world.listeners.values().filter(|l| l.host == here).count(),
            }
        })
    }

    fn end(&self, death: Death) {
        let futures = self
            .shared
            .with(|world| world.end_process(self.index, death));
        drop(futures);
        // Sockets held by something else than the host's tasks (a test's hand) are still there.
        self.shared.with(|world| {
            for socket in world.sockets_of(self.index) {
                world.close(socket);
            }
        });
    }
}

impl World {
    pub(super) fn control(&mut self, what: &'static str, a: usize, b: usize) {
        self.mark(Mark::Control { what, a, b });
    }

    /// Sockets of processes that have ended on this host.
    fn sockets_of(&self, host: usize) -> Vec<u64> {
        let incarnation = self.hosts[host].incarnation;
        let ours = |s: &super::socket::Socket| s.host == host && s.incarnation != incarnation;
        self.sockets
            .iter()
            .filter(|(_, s)| ours(s) && !s.closed)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Ends the process; its futures come back to be dropped outside the lock.
    fn end_process(&mut self, index: usize, death: Death) -> Vec<Option<BoxFuture>> {
        let what = match death {
            Death::Kill => "kill",
            Death::Crash => "crash",
            Death::PowerOff => "power off",
        };
        self.control(what, index, 0);
        let host = &mut self.hosts[index];
        host.incarnation += 1;
        host.down |= death == Death::PowerOff;
        host.frozen = false;
        host.parked.clear();
        host.rng = Rng::derive(self.seed, &format!("{}/{}", host.name, host.incarnation));
        let listeners: Vec<u64> = keys(self.listeners.iter().filter(|(_, l)| l.host == index));
        if death != Death::Kill {
            for socket in keys(self.sockets.iter().filter(|(_, s)| s.host == index)) {
                self.vanish(socket, death == Death::Crash);
            }
        }
        for listener in listeners {
            self.close_listener(listener);
        }
        let tasks: Vec<u64> = keys(self.tasks.iter().filter(|(_, t)| t.host == index));
        tasks
            .into_iter()
            .map(|task| self.end_task(task, Joined::Aborted))
            .collect()
    }
}

fn keys<'a, V: 'a>(entries: impl Iterator<Item = (&'a u64, V)>) -> Vec<u64> {
    entries.map(|(id, _)| *id).collect()
}
