//! The state of the simulated world, its event queue and its one lock.
//!
//! Not here: what the events of the network do (`packet`), sockets (`socket`), dialing (`dial`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;

use super::config::{Dns, Link, NetConfig};
use super::host::Host;
use super::rng::Rng;
use super::socket::{ListenerState, Socket};
use super::task::{Ready, TaskEntry, TaskWaker};
use super::trace::{Mark, Trace};
use crate::task::{BoxFuture, Joined};

/// What the handles share.
pub(super) struct Shared {
    world: Mutex<World>,
    pub(super) ready: Arc<Ready>,
}

impl Shared {
    pub(super) fn new(seed: u64) -> Arc<Shared> {
        Arc::new(Shared {
            world: Mutex::new(World::new(seed)),
            ready: Ready::new(),
        })
    }

    /// Runs `f` on the world, then, outside the lock, wakes whom it decided to wake.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock();
        let out = f(&mut world);
        let wakes = std::mem::take(&mut world.wakes);
        drop(world);
        for waker in wakes {
            waker.wake();
        }
        out
    }
}

/// Where an event stands in the queue: its time, a random number for ties, a running number.
pub(super) type When = (u64, u32, u64);

/// Something that happens later.
pub(super) enum Event {
    /// A timer ends.
    Timer(u64),
    /// A packet reaches the end of its link.
    Packet(Packet),
    /// A dial has gone unanswered for too long.
    DialGiveUp(u64),
    /// A connection's bytes have been stuck since the given time.
    RetransmitGiveUp { socket: u64, since: u64 },
}

/// A packet under way between two hosts.
#[derive(Clone, Copy)]
pub(super) struct Packet {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: PacketKind,
}

#[derive(Clone, Copy)]
pub(super) enum PacketKind {
    /// A dial; the number is the dialing socket's.
    Syn { client: u64 },
    /// A dial was accepted.
    SynAck { client: u64, server: u64 },
    /// A dial was refused.
    Refused { client: u64 },
    /// What the sender has queued by now arrives.
    Data { sender: u64 },
    /// The receiver's application has taken bytes: the sender may write that many more.
    Ack { sender: u64, bytes: usize },
    /// The connection is no more. Never repeated if lost.
    Rst { socket: u64 },
}

pub(super) struct Timer {
    pub(super) when: When,
    pub(super) host: usize,
    pub(super) waker: Waker,
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) now: u64,
    next_id: u64,
    pub(super) events: BTreeMap<When, Event>,
    pub(super) tasks: BTreeMap<u64, TaskEntry>,
    pub(super) timers: BTreeMap<u64, Timer>,
    pub(super) hosts: Vec<Host>,
    pub(super) ips: BTreeMap<IpAddr, usize>,
    pub(super) names: BTreeMap<String, Dns>,
    pub(super) sockets: BTreeMap<u64, Socket>,
    pub(super) listeners: BTreeMap<u64, ListenerState>,
    pub(super) config: NetConfig,
    pub(super) links: BTreeMap<(usize, usize), Link>,
    pub(super) blocked: BTreeSet<(usize, usize)>,
    /// Until when a direction of limited bandwidth is busy.
    pub(super) busy: BTreeMap<(usize, usize), u64>,
    /// Packets waiting for their direction, or the host at its end, to come back.
    pub(super) held: Vec<Packet>,
    pub(super) trace: Trace,
    /// Chooses tasks and breaks ties.
    pub(super) schedule: Rng,
    /// Draws delays and short reads and writes.
    pub(super) weather: Rng,
    pub(super) wakes: Vec<Waker>,
    pub(super) polls_at_now: u64,
    pub(super) poll_budget: u64,
}

impl World {
    fn new(seed: u64) -> World {
        World {
            seed,
            now: 0,
            next_id: 1,
            events: BTreeMap::new(),
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            hosts: Vec::new(),
            ips: BTreeMap::new(),
            names: BTreeMap::new(),
            sockets: BTreeMap::new(),
            listeners: BTreeMap::new(),
            config: NetConfig::default(),
            links: BTreeMap::new(),
            blocked: BTreeSet::new(),
            busy: BTreeMap::new(),
            held: Vec::new(),
            trace: Trace::new(),
            schedule: Rng::derive(seed, "schedule"),
            weather: Rng::derive(seed, "weather"),
            wakes: Vec::new(),
            polls_at_now: 0,
            poll_budget: 1_000_000,
        }
    }

    /// A number never given before; tasks, timers and sockets share the sequence.
    pub(super) fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.trace.mark(self.now, mark);
    }

    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.wakes.extend(waker);
    }

    pub(super) fn schedule(&mut self, at: u64, event: Event) -> When {
        let tie = (self.schedule.next() >> 32) as u32;
        let when = (at.max(self.now), tie, self.fresh_id());
        self.events.insert(when, event);
        when
    }

    /// `now` plus `duration`, in the world's nanoseconds.
    pub(super) fn after(&self, duration: Duration) -> u64 {
        self.now.saturating_add(nanos(duration))
    }

    /// A delay of up to `most`.
    pub(super) fn random_delay(&mut self, most: Duration) -> u64 {
        self.weather.below(nanos(most).saturating_add(1))
    }

    /// The time of the next event.
    pub(super) fn next_at(&self) -> Option<u64> {
        self.events.first_key_value().map(|(when, _)| when.0)
    }

    /// Moves time to the next event and lets it happen.
    pub(super) fn happen(&mut self) {
        let Some(((at, ..), event)) = self.events.pop_first() else {
            return;
        };
        self.advance(at);
        match event {
            Event::Timer(id) => {
                if let Some(timer) = self.timers.remove(&id) {
                    self.mark(Mark::Timer { timer: id });
                    self.wake(Some(timer.waker));
                }
            }
            Event::Packet(packet) => self.arrive(packet),
            Event::DialGiveUp(socket) => self.dial_give_up(socket),
            Event::RetransmitGiveUp { socket, since } => self.retransmit_give_up(socket, since),
        }
    }

    pub(super) fn advance(&mut self, to: u64) {
        if to > self.now {
            self.now = to;
            self.polls_at_now = 0;
        }
    }

    /// Starts a timer; the waker is called once, when it ends.
    pub(super) fn start_timer(&mut self, host: usize, at: u64, waker: Waker) -> u64 {
        let id = self.fresh_id();
        let when = self.schedule(at, Event::Timer(id));
        self.timers.insert(id, Timer { when, host, waker });
        id
    }

    pub(super) fn stop_timer(&mut self, id: u64) {
        if let Some(timer) = self.timers.remove(&id) {
            self.events.remove(&timer.when);
        }
    }

    pub(super) fn add_task(
        &mut self,
        host: usize,
        future: BoxFuture,
        ready: &Arc<Ready>,
        end: &Arc<super::task::End>,
    ) -> u64 {
        let id = self.fresh_id();
        let waker = TaskWaker::new(id, ready);
        self.wakes.push(waker.clone().into());
        let entry = TaskEntry {
            host,
            future: Some(future),
            waker,
            aborted: false,
            end: end.clone(),
        };
        self.tasks.insert(id, entry);
        self.mark(Mark::Spawn { task: id, host });
        id
    }

    pub(super) fn abort_task(&mut self, id: u64) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.aborted = true;
            let waker = task.waker.clone();
            self.wakes.push(waker.into());
            self.mark(Mark::Abort { task: id });
        }
    }

    /// Forgets the task; the future comes back to be dropped outside the lock.
    pub(super) fn end_task(&mut self, id: u64, how: Joined) -> Option<BoxFuture> {
        let task = self.tasks.remove(&id)?;
        self.mark(Mark::End { task: id });
        let joiner = task.end.set(how);
        self.wake(joiner);
        task.future
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
