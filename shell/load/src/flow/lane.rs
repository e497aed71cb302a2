//! The one thing a publisher and its receivers share: how much was sent, how much of it has arrived, and the publisher's
//! sleep while too much is under way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};

use crate::link::SLICE;

/// No publisher waits.
const NOBODY: u64 = u64::MAX;

/// One publisher's account; aligned so that neighbours don't share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Lane {
    confirmed: AtomicU64,
    wake_at: AtomicU64,
    sent: AtomicU64,
    finished: AtomicBool,
    publisher: OnceLock<Thread>,
    step: u64,
    copies: u64,
}

impl Lane {
    /// An account for a publisher of whose messages one in `step` is delivered, `copies` times (0: to nobody; the server
    /// itself then confirms them).
    pub(crate) fn new(step: u64, copies: u64) -> Self {
        Lane {
            confirmed: AtomicU64::new(0),
            wake_at: AtomicU64::new(NOBODY),
            sent: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            publisher: OnceLock::new(),
            step,
            copies,
        }
    }

    /// Deliveries due for the first `sent` messages.
    pub(crate) fn due(&self, sent: u64) -> u64 {
        sent.div_ceil(self.step) * self.copies.max(1)
    }

    /// Deliveries confirmed so far.
    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Acquire)
    }

    /// Notes more deliveries, and wakes the publisher if that is what it waits for.
    pub(crate) fn confirm(&self, deliveries: u64) {
        // Both orders are sequentially consistent with those in `hold`: either we see that it waits, or it sees this.
        let confirmed = self.confirmed.fetch_add(deliveries, Ordering::SeqCst) + deliveries;
        if confirmed >= self.wake_at.load(Ordering::SeqCst) {
            self.wake_at.store(NOBODY, Ordering::SeqCst);
            if let Some(publisher) = self.publisher.get() {
                publisher.unpark();
            }
        }
    }

    /// Called by the publisher with `sent` messages out: sleeps while more than `window` deliveries are under way, until
    /// half of them have arrived or a slice of time is over. Says whether there is room now.
    pub(crate) fn hold(&self, sent: u64, window: u64) -> bool {
        let due = self.due(sent);
        let room = |confirmed: u64, limit: u64| due.saturating_sub(confirmed) <= limit;
        if room(self.confirmed(), window) {
            return true;
        }
        self.publisher.get_or_init(thread::current);
        self.wake_at
            .store(due.saturating_sub(window / 2), Ordering::SeqCst);
        if room(self.confirmed.load(Ordering::SeqCst), window / 2) {
            return true;
        }
        thread::park_timeout(SLICE);
        room(self.confirmed(), window)
    }

    /// Notes that the publisher has ended after `sent` messages.
    pub(crate) fn finish(&self, sent: u64) {
        self.sent.store(sent, Ordering::Release);
        self.finished.store(true, Ordering::Release);
    }

    /// Whether all that was sent has arrived.
    pub(crate) fn complete(&self) -> bool {
        self.finished.load(Ordering::Acquire)
            && self.confirmed() >= self.due(self.sent.load(Ordering::Acquire))
    }

    /// What is missing, for an error.
    pub(crate) fn state(&self) -> String {
        if !self.finished.load(Ordering::Acquire) {
            return format!(
                "the server takes no more messages; {} deliveries confirmed",
                self.confirmed()
            );
        }
        let due = self.due(self.sent.load(Ordering::Acquire));
        format!("{} of {due} deliveries arrived", self.confirmed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_due_follow_step_and_copies() {
        assert_eq!(Lane::new(1, 10).due(7), 70);
        assert_eq!(Lane::new(10, 1).due(20), 2);
        assert_eq!(Lane::new(10, 1).due(21), 3);
        assert_eq!(Lane::new(1, 0).due(5), 5);
    }

    #[test]
    fn a_publisher_beyond_its_window_sleeps_until_enough_arrived() {
        let lane = Lane::new(1, 1);
        assert!(lane.hold(10, 10));
        thread::scope(|scope| {
            let publisher = scope.spawn(|| {
                while !lane.hold(20, 10) {}
                lane.confirmed()
            });
            for _ in 0..10 {
                lane.confirm(1);
            }
            assert!(publisher.join().unwrap() >= 10);
        });
        lane.finish(20);
        assert!(!lane.complete());
        assert_eq!(lane.state(), "10 of 20 deliveries arrived");
        lane.confirm(10);
        assert!(lane.complete());
    }
}
