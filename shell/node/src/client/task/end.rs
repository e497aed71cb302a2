//! The end of a client's connection: what is kept of it, and what becomes of its subscriptions. Not here: its
//! last bytes (`crate::transport`).

use gannet_session::CloseReason;

use super::Task;
use crate::log::log;
use crate::monitor;
use crate::transport::Leave;

/// Subscriptions kept of a connection that has ended.
const SUBSCRIPTIONS_KEPT: usize = 100;

impl Task {
    pub(super) async fn end(&mut self, reason: CloseReason) {
        self.speak();
        let kept = self.subs.iter().take(SUBSCRIPTIONS_KEPT);
        let closed = monitor::closed_info(&self.conn, self.shared.rt.wall(), reason, kept);
        for sub in self.subs.drain() {
            self.publisher.account().unsubscribe(&sub);
            if let Some(trace) = self.trace.as_ref().filter(|_| !self.shared.is_stopping()) {
                trace.deleted(sub.sid());
            }
        }
        self.leave_account();
        self.shared.clients.end(closed);
        log!(
            self.shared.log,
            Debug,
            about self.conn.about(),
            "Client connection closed: {reason}"
        );
        let gone = matches!(
            reason,
            CloseReason::ClientClosed | CloseReason::ReadError | CloseReason::WriteError
        );
        let leave = if gone { Leave::Now } else { Leave::LastWords };
        Box::pin(self.transport.close(&self.shared.buffers, leave)).await;
    }
}
