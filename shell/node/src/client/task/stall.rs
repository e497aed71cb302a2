//! Holding back a client that publishes faster than somebody reads. Not here: who is behind
//! (`gannet_broker`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Task;
use crate::log::log;

/// How long a fast publisher is held back for a slow subscriber, per batch, and in which steps: as the
/// reference server has it.
const STALL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(2));

impl Task {
    /// Holds the connection back for a moment where it publishes faster than somebody reads.
    pub(super) async fn stall(&mut self) {
        let Some(peer) = self.delivery.take_crowded() else {
            return;
        };
        if self.shared.now().limits.no_fast_producer_stall || Arc::ptr_eq(&peer, &self.conn.peer) {
            return;
        }
        self.shared
            .trouble
            .stalled_clients
            .fetch_add(1, Ordering::Relaxed);
        peer.outbox().count_stall();
        let mut waited = Duration::ZERO;
        while waited < STALL.0 && peer.outbox().is_crowded() {
            self.shared.rt.sleep(STALL.1).await;
            waited += STALL.1;
        }
        self.tell_of_stall(waited);
    }

    /// Warns of a client that had to wait for long; one for each account in a while.
    fn tell_of_stall(&self, waited: Duration) {
        const LONG: Duration = Duration::from_millis(5);
        const WORDS: &str = "Producer was stalled for a total of";
        let account = self.publisher.account().name();
        if waited < LONG || self.shared.log.has_just_said(&format!("{WORDS} {account}")) {
            return;
        }
        let about = self.conn.about();
        let suffix = match about.user.as_str() {
            "" => String::new(),
            user => format!(" - {user}"),
        };
        let waited = waited.as_millis();
        log!(
            self.shared.log,
            Warn,
            about about,
            "{WORDS} {waited}ms - Account:{account}{suffix}"
        );
    }
}
