//! A client's subscriptions: made, ended, counted. Not here: who gets a message (`gannet_broker`).

use std::sync::atomic::Ordering;

use gannet_broker::Sub;
use gannet_session::client::Refused;
use gannet_subject::Class;
use gannet_units::Moment;

use super::Task;

impl Task {
    pub(super) fn subscribe(
        &mut self,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
        now: Moment,
    ) {
        let result = if self.subs.get(sid).is_some() {
            // The first one stays; the client is told all is well.
            Ok(())
        } else if self.subs.len() >= self.session.max_subscriptions() {
            Err(Refused::TooMany)
        } else {
            let sub = Sub::new(
                self.conn.peer.clone(),
                Class::Local,
                subject,
                queue,
                sid,
                now,
            );
            self.subs.insert(sub.clone());
            self.publisher.account().subscribe(sub, now);
            self.count_subscriptions();
            Ok(())
        };
        self.session.subscribed(result, &mut self.out);
    }

    pub(super) fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        match (self.subs.get(sid), max) {
            (Some(sub), Some(max)) if max > sub.delivered() => sub.set_max(max),
            (Some(_), _) => self.end_subscription(sid),
            (None, _) => {}
        }
        self.session.acknowledged(&mut self.out);
    }

    pub(in crate::client) fn end_subscription(&mut self, sid: &[u8]) {
        if let Some(sub) = self.subs.remove(sid) {
            sub.end();
            self.publisher.account().unsubscribe(&sub);
            self.trace_deleted(&sub);
        }
        self.count_subscriptions();
    }

    /// Takes off subscriptions that have had all their messages.
    pub(super) fn forget_ended_subscriptions(&mut self) {
        let ended = self.conn.peer.outbox().take_ended();
        for sub in &ended {
            self.subs.remove(sub.sid());
            self.trace_deleted(sub);
        }
        if !ended.is_empty() {
            self.count_subscriptions();
        }
    }

    pub(super) fn drop_subscriptions(&mut self) {
        for sub in self.subs.drain() {
            sub.end();
            self.publisher.account().unsubscribe(&sub);
        }
        self.count_subscriptions();
    }

    fn trace_deleted(&self, sub: &Sub) {
        if let Some(trace) = &self.trace {
            trace.deleted(sub.sid());
        }
    }

    fn count_subscriptions(&self) {
        let count = u32::try_from(self.subs.len()).unwrap_or(u32::MAX);
        self.conn.subscriptions.store(count, Ordering::Relaxed);
    }
}
