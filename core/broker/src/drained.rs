//! Who waits until less waits for a peer. Not here: what waits for it (see `outbox`).

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Waker};

use parking_lot::Mutex;

/// The tasks that wait for an outbox to be written out.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// There are some: all that a flush looks at where there are none.
    is_awaited: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Drained {
    /// Notes a task. It looks at the outbox after this, so that it misses nothing.
    pub(crate) fn await_by(&self, cx: &Context<'_>) {
        let mut wakers = self.wakers.lock();
        if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        self.is_awaited.store(true, Ordering::Release);
    }

    /// The outbox has fewer bytes than before, or is closed: everybody looks again.
    #[inline]
    pub(crate) fn tell(&self) {
        if self.is_awaited.load(Ordering::Acquire) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let wakers = {
            let mut wakers = self.wakers.lock();
            self.is_awaited.store(false, Ordering::Release);
            core::mem::take(&mut *wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}
