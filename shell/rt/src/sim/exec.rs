//! The owner of a simulated world: moves it task by task and event by event.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use gannet_units::Moment;

use super::host::{Host, SimHost};
use super::net::Net;
use super::task::{ROOT, TaskWaker};
use super::trace::Mark;
use super::world::{Shared, World};
use crate::task::{BoxFuture, Joined};

/// Why the world stopped before what was asked for had happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The deadline came first.
    Deadline,
    /// Nothing is ready and nothing will ever happen any more.
    Idle,
    /// Tasks have been polled beyond the budget while time stood still; the last was this one's.
    Livelock {
        /// The host it runs on; empty for the future given to `block_on`.
        host: String,
    },
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stopped::Deadline => f.write_str("the deadline came first"),
            Stopped::Idle => f.write_str("nothing left to happen"),
            Stopped::Livelock { host } => write!(f, "livelock, last seen on host {host:?}"),
        }
    }
}

impl std::error::Error for Stopped {}

/// A simulated world. Moved only by its `run_*` methods and [`Sim::block_on`], on the thread that
/// calls them; dropping it drops all its tasks.
pub struct Sim {
    shared: Arc<Shared>,
}

/// What one step did.
enum Step {
    Moved,
    Root,
    AtLimit,
    Idle,
    Livelock(String),
}

/// What the next step is to do.
enum Choice {
    Poll(usize),
    Event,
    AtLimit,
    Idle,
}

/// What to do with the task that was picked.
enum Picked {
    Nothing,
    Drop(#[expect(dead_code, reason = "dropped outside the lock")] Option<BoxFuture>),
    Poll(BoxFuture),
    Livelock(String),
}

impl Sim {
    /// A world drawn from `seed`, at time zero, without hosts.
    pub fn new(seed: u64) -> Sim {
        Sim {
            shared: Shared::new(seed),
        }
    }

    /// Adds a host with a process running on it; its address is the next of 10.0.0.1, 10.0.0.2 and
    /// so on, and its name resolves to it.
    ///
    /// # Panics
    /// If a host has this name already.
    pub fn host(&self, name: &str) -> SimHost {
        let index = self.shared.with(|world| Host::add(world, name, &[]));
        SimHost::new(self.shared.clone(), index)
    }

    /// [`Sim::host`] with addresses of one's own, the first being where its dials come from.
    ///
    /// # Panics
    /// If a host has this name or one of the addresses already.
    pub fn host_with_ips(&self, name: &str, ips: &[std::net::IpAddr]) -> SimHost {
        let index = self.shared.with(|world| Host::add(world, name, ips));
        SimHost::new(self.shared.clone(), index)
    }

    /// The hand on the network.
    pub fn net(&self) -> Net {
        Net::new(self.shared.clone())
    }

    /// The world's time (hosts may see another: [`SimHost::set_drift_ppm`]).
    pub fn now(&self) -> Moment {
        Moment::from_nanos(self.shared.with(|world| world.now))
    }

    /// How many polls may happen while time stands still before it counts as a livelock; a million
    /// at first.
    pub fn set_poll_budget(&self, polls: u64) {
        self.shared.with(|world| world.poll_budget = polls);
    }

    /// Everything that has happened so far, as one number.
    pub fn trace_hash(&self) -> u64 {
        self.shared.with(|world| world.trace.hash())
    }

    /// How many events the trace has folded in.
    pub fn trace_events(&self) -> u64 {
        self.shared.with(|world| world.trace.events())
    }

    /// Keeps the trace also as text (the last 20,000 lines), or stops keeping it.
    pub fn keep_trace_text(&self, on: bool) {
        self.shared.with(|world| world.trace.keep_text(on));
    }

    /// Takes the trace's text so far.
    pub fn take_trace_text(&self) -> Vec<String> {
        self.shared.with(|world| world.trace.take_text())
    }

    /// Writes a line into the trace and folds it into the hash.
    pub fn note(&self, text: &str) {
        self.shared.with(|world| world.trace.note(world.now, text));
    }

    /// Runs the world up to `deadline`; ready early or late, it stops exactly there.
    pub fn run_until(&self, deadline: Moment) -> Result<(), Stopped> {
        match self.run_until_true(deadline, || false) {
            Ok(()) | Err(Stopped::Deadline) => Ok(()),
            Err(Stopped::Idle) => {
                self.shared.with(|world| world.advance(deadline.as_nanos()));
                Ok(())
            }
            Err(livelock) => Err(livelock),
        }
    }

    /// [`Sim::run_until`] as far from now as `duration`.
    pub fn run_for(&self, duration: std::time::Duration) -> Result<(), Stopped> {
        self.run_until(self.now() + duration)
    }

    /// Runs the world until `condition` holds; it is asked before each step.
    pub fn run_until_true(
        &self,
        deadline: Moment,
        mut condition: impl FnMut() -> bool,
    ) -> Result<(), Stopped> {
        while !condition() {
            match self.step(deadline.as_nanos()) {
                // A root future left behind by an interrupted `block_on` is of no interest here.
                Step::Moved | Step::Root => {}
                Step::AtLimit => return Err(Stopped::Deadline),
                Step::Idle => return Err(Stopped::Idle),
                Step::Livelock(host) => return Err(Stopped::Livelock { host }),
            }
        }
        Ok(())
    }

    /// Runs the world until `future` ends.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Stopped> {
        self.block_on_until(Moment::NEVER, future)
    }

    /// Runs the world until `future` ends or `deadline` comes.
    pub fn block_on_until<F: Future>(
        &self,
        deadline: Moment,
        future: F,
    ) -> Result<F::Output, Stopped> {
        let mut future = pin!(future);
        let waker = Waker::from(TaskWaker::new(ROOT, &self.shared.ready));
        let mut cx = Context::from_waker(&waker);
        waker.wake_by_ref();
        loop {
            match self.step(deadline.as_nanos()) {
                Step::Moved => {}
                Step::Root => {
                    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                        return Ok(output);
                    }
                }
                Step::AtLimit => return Err(Stopped::Deadline),
                Step::Idle => return Err(Stopped::Idle),
                Step::Livelock(host) => return Err(Stopped::Livelock { host }),
            }
        }
    }

    /// Polls one task or lets one event happen.
    fn step(&self, limit: u64) -> Step {
        let ready = self.shared.ready.len();
        match self.shared.with(|world| choose(world, ready, limit)) {
            Choice::Event => {
                self.shared.with(World::happen);
                Step::Moved
            }
            Choice::AtLimit => Step::AtLimit,
            Choice::Idle => Step::Idle,
            Choice::Poll(index) => {
                let waker = self.shared.ready.take(index);
                waker.picked();
                self.poll(&waker)
            }
        }
    }

    fn poll(&self, waker: &Arc<TaskWaker>) -> Step {
        let picked = self.shared.with(|world| pick(world, waker));
        let mut future = match picked {
            Picked::Livelock(host) => return Step::Livelock(host),
            Picked::Nothing if waker.id == ROOT => return Step::Root,
            Picked::Nothing | Picked::Drop(_) => return Step::Moved,
            Picked::Poll(future) => future,
        };
        let task_waker = Waker::from(waker.clone());
        let polled = future.as_mut().poll(&mut Context::from_waker(&task_waker));
        let to_drop = self.shared.with(|world| match polled {
            Poll::Ready(()) => {
                world.end_task(waker.id, Joined::Finished);
                Some(future)
            }
            Poll::Pending => match world.tasks.get_mut(&waker.id) {
                Some(task) => {
                    task.future = Some(future);
                    None
                }
                // Its host crashed under it.
                None => Some(future),
            },
        });
        drop(to_drop);
        Step::Moved
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Tasks hold handles that hold the world that holds the tasks.
        loop {
            let tasks = self.shared.with(|world| std::mem::take(&mut world.tasks));
            if tasks.is_empty() {
                break;
            }
            drop(tasks);
        }
    }
}

/// With tasks ready and an event due at the same time, either may come first.
fn choose(world: &mut World, ready: usize, limit: u64) -> Choice {
    let next = world.next_at();
    let due = next.is_some_and(|at| at <= world.now);
    if ready > 0 && !(due && world.schedule.below(2) == 0) {
        return Choice::Poll(world.schedule.below(ready as u64) as usize);
    }
    match next {
        None => Choice::Idle,
        Some(at) if at > limit => {
            world.advance(limit);
            Choice::AtLimit
        }
        Some(_) => Choice::Event,
    }
}

fn pick(world: &mut World, waker: &Arc<TaskWaker>) -> Picked {
    world.polls_at_now += 1;
    let over_budget = world.polls_at_now > world.poll_budget;
    let Some(task) = world.tasks.get_mut(&waker.id) else {
        if over_budget && waker.id == ROOT {
            return Picked::Livelock(String::new());
        }
        return Picked::Nothing;
    };
    let host = &mut world.hosts[task.host];
    if over_budget {
        return Picked::Livelock(host.name.clone());
    }
    if host.frozen {
        host.parked.push(waker.clone());
        return Picked::Nothing;
    }
    if task.aborted {
        return Picked::Drop(world.end_task(waker.id, Joined::Aborted));
    }
    match task.future.take() {
        Some(future) => {
            world.mark(Mark::Poll { task: waker.id });
            Picked::Poll(future)
        }
        None => Picked::Nothing,
    }
}
