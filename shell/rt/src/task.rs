//! Handles of running tasks.
//!
//! Not here: the executors (`real`, `sim`).

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::task::JoinHandle;

use crate::sim::SimTask;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It ran to its end.
    Finished,
    /// It was aborted, or its runtime (simulated: its host) went down.
    Aborted,
    /// It panicked. (A panic in a simulated task ends the simulation instead.)
    Panicked,
}

/// A running task. Dropping the handle detaches it: the task runs on.
pub struct Task(Kind);

enum Kind {
    Real(JoinHandle<()>),
    Sim(SimTask),
    Ended(Joined),
}

impl Task {
    pub(crate) fn real(handle: JoinHandle<()>) -> Task {
        Task(Kind::Real(handle))
    }

    pub(crate) fn sim(task: SimTask) -> Task {
        Task(Kind::Sim(task))
    }

    /// Asks the task to stop where it waits; its future is dropped soon after, by the executor.
    pub fn abort(&self) {
        match &self.0 {
            Kind::Real(handle) => handle.abort(),
            Kind::Sim(task) => task.abort(),
            Kind::Ended(_) => {}
        }
    }

    /// Whether the task has ended, in whichever way.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Kind::Real(handle) => handle.is_finished(),
            Kind::Sim(task) => task.joined().is_some(),
            Kind::Ended(_) => true,
        }
    }

    /// Waits for the task's end. May be dropped and called again; answers the same ever after.
    pub async fn join(&mut self) -> Joined {
        let how = match &mut self.0 {
            Kind::Ended(how) => return *how,
            Kind::Real(handle) => match handle.await {
                Ok(()) => Joined::Finished,
                Err(e) if e.is_panic() => Joined::Panicked,
                Err(_) => Joined::Aborted,
            },
            Kind::Sim(task) => {
                poll_fn(|cx| match task.poll_joined(cx) {
                    Some(how) => Poll::Ready(how),
                    None => Poll::Pending,
                })
                .await
            }
        };
        self.0 = Kind::Ended(how);
        how
    }
}

/// A future as the simulated executor keeps it.
pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;
