//! What a client's connection does when something other than the client's bytes wakes it: a signal, the timer, a
//! socket that takes bytes again. Not here: waiting for them (`crate::transport`).

use std::sync::atomic::Ordering;
use std::time::Duration;

use gannet_broker::Signal;
use gannet_session::CloseReason;
use gannet_session::client::{ClientState, Step};
use gannet_units::Moment;
use gannet_wire::client::encode;

use super::{After, TOO_MANY, TOO_MANY_IN_ACCOUNT, Task};
use crate::client::slow;
use crate::info::client_info;
use crate::log::log;

impl Task {
    pub(super) fn on_writable(&mut self) -> After {
        if self.transport.on_writable(self.delivery.spare()) {
            self.judge()
        } else {
            After::Close(CloseReason::WriteError, None)
        }
    }

    pub(super) fn on_signal(&mut self, bits: u32) -> After {
        if bits & Signal::ENDED_SUBS != 0 {
            // Whoever sent the last message has not flushed it yet, perhaps.
            if self.trace.is_some() {
                self.speak();
            }
            self.forget_ended_subscriptions();
        }
        if bits & Signal::CLOSE != 0 {
            return self.closed_by_others();
        }
        if bits & Signal::NEWS != 0 && self.conn.takes_info.load(Ordering::Acquire) {
            // That the server is a lame duck was said once.
            let mut info = client_info(&self.shared, self.conn.id, self.conn.addr());
            info.ldm = false;
            info.encode(&mut self.out);
            self.speak();
        }
        if bits & Signal::FLUSH != 0 {
            if !self.transport.on_flush_signal(self.delivery.spare()) {
                return After::Close(CloseReason::WriteError, None);
            }
            if let After::Close(reason, text) = self.judge() {
                return After::Close(reason, text);
            }
        }
        if bits & Signal::TRIAL != 0 {
            self.try_on();
        }
        if bits & Signal::RELOAD != 0 {
            return self.options_changed();
        }
        After::Wait
    }

    pub(super) fn on_deadline(&mut self) -> After {
        let now = self.shared.rt.now();
        if let After::Close(reason, text) = self.judge() {
            return After::Close(reason, text);
        }
        let step = self.session.on_deadline(now, &mut self.out);
        self.note_rtt();
        self.speak();
        match step {
            Step::Close { reason, log } => self.gone_silent(reason, log),
            _ => {
                self.rest(now);
                After::Wait
            }
        }
    }

    /// Counts and tells of a client that has been silent for too long.
    fn gone_silent(&self, reason: CloseReason, log: Option<String>) -> After {
        let words = match reason {
            CloseReason::StaleConnection => {
                let stale = &self.shared.trouble.stale_clients;
                stale.fetch_add(1, Ordering::Relaxed);
                "Stale Client Connection - Closing"
            }
            CloseReason::AuthenticationTimeout => "Authentication Timeout",
            CloseReason::AuthenticationExpired => "User Authentication Expired",
            _ => return After::Close(reason, log),
        };
        // Silence is no error of ours.
        log!(self.shared.log, Debug, about self.conn.about(), "{words}");
        After::Close(reason, None)
    }

    /// Gives back what only a busy connection needs.
    fn rest(&mut self, now: Moment) {
        // Plans name peers that may be gone by now; a busy connection soon has those it needs.
        self.publisher.rest();
        let last = Moment::from_nanos(self.conn.last_active.load(Ordering::Relaxed));
        if now.since(last) > Duration::from_secs(1) {
            self.delivery.rest();
            self.out = Vec::new();
        }
    }

    /// Looks how the socket is getting on.
    fn judge(&mut self) -> After {
        let must_connect = self.session.state() == ClientState::ExpectConnect;
        let (shared, conn, transport) = (&self.shared, &self.conn, &self.transport);
        match slow::judge(shared, conn, transport, &mut self.patience, must_connect) {
            Some(reason) => After::Close(reason, None),
            None => After::Wait,
        }
    }

    fn closed_by_others(&mut self) -> After {
        if self.conn.peer.outbox().overflow().is_some() {
            self.shared
                .trouble
                .slow_clients
                .fetch_add(1, Ordering::Relaxed);
            let max = self.shared.now().limits.max_pending;
            log!(
                self.shared.log,
                Info,
                about self.conn.about(),
                "Slow Consumer Detected: MaxPending of {max} Exceeded"
            );
            return After::Close(CloseReason::SlowConsumerPendingBytes, None);
        }
        let asked = self.conn.close_with.lock().take();
        let reason = asked.unwrap_or(CloseReason::WriteError);
        let mut text = None;
        if reason == CloseReason::MaxConnectionsExceeded {
            encode::err(&mut self.out, TOO_MANY);
            text = Some(TOO_MANY.into());
        }
        if reason == CloseReason::MaxAccountConnectionsExceeded {
            encode::err(&mut self.out, TOO_MANY_IN_ACCOUNT);
            text = Some(TOO_MANY_IN_ACCOUNT.into());
        }
        After::Close(reason, text)
    }
}
