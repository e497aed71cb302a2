//! Tasks of the simulated executor: what it keeps of each, and the handle others hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use parking_lot::Mutex;

use super::world::Shared;
use crate::task::{BoxFuture, Joined};

/// The number of the future that [`super::Sim::block_on`] drives; tasks count from 1.
pub(super) const ROOT: u64 = 0;

/// The tasks that may be polled, in the order of their waking.
pub(super) struct Ready(Mutex<Vec<Arc<TaskWaker>>>);

impl Ready {
    pub(super) fn new() -> Arc<Ready> {
        Arc::new(Ready(Mutex::new(Vec::new())))
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(super) fn take(&self, index: usize) -> Arc<TaskWaker> {
        self.0.lock().swap_remove(index)
    }

    pub(super) fn push(&self, waker: Arc<TaskWaker>) {
        self.0.lock().push(waker);
    }
}

/// Wakes one task, once until it is next picked.
pub(super) struct TaskWaker {
    pub(super) id: u64,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    pub(super) fn new(id: u64, ready: &Arc<Ready>) -> Arc<TaskWaker> {
        Arc::new(TaskWaker {
            id,
            queued: AtomicBool::new(false),
            ready: ready.clone(),
        })
    }

    /// From now on a wake-up queues the task again.
    pub(super) fn picked(&self) {
        self.queued.store(false, Ordering::Relaxed);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.push(self.clone());
        }
    }
}

/// A task as the world keeps it. The future is out while it is being polled.
pub(super) struct TaskEntry {
    pub(super) host: usize,
    pub(super) future: Option<BoxFuture>,
    pub(super) waker: Arc<TaskWaker>,
    pub(super) aborted: bool,
    pub(super) end: Arc<End>,
}

/// How a task ended, and who waits to hear it.
#[derive(Default)]
pub(super) struct End(Mutex<(Option<Joined>, Option<Waker>)>);

impl End {
    /// Notes the end; answers the waker of the one waiting.
    pub(super) fn set(&self, how: Joined) -> Option<Waker> {
        let mut end = self.0.lock();
        end.0.get_or_insert(how);
        end.1.take()
    }
}

/// The handle of a simulated task.
pub(crate) struct SimTask {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
    pub(super) end: Arc<End>,
}

impl SimTask {
    /// The executor drops the future when it comes to it, as the real one does.
    pub(crate) fn abort(&self) {
        self.shared.with(|world| world.abort_task(self.id));
    }

    pub(crate) fn joined(&self) -> Option<Joined> {
        self.end.0.lock().0
    }

    pub(crate) fn poll_joined(&self, cx: &mut Context<'_>) -> Option<Joined> {
        let mut end = self.end.0.lock();
        if end.0.is_none() {
            end.1 = Some(cx.waker().clone());
        }
        end.0
    }
}
