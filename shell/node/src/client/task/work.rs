//! What a client sends: reading it, and performing its operations. Not here: what an operation is
//! (`gannet_session::client`), who gets a message (`gannet_broker`), subscriptions (`super::interest`).

use std::sync::atomic::Ordering;

use bytes::Bytes;
use gannet_broker::{Message, Run};
use gannet_session::client::{Step, Violation};
use gannet_units::Moment;
use gannet_wire::client::{Publish, encode};

use super::{After, Task};
use crate::input::Ready;
use crate::log::log;
use crate::transport::Read;

/// Reads in a row before other tasks get their turn.
const READS_IN_A_ROW: usize = 16;
/// Subscriptions made and ended before other tasks get theirs: a read may bring thousands of them.
const CHANGES_AT_ONCE: u32 = 256;
/// Room for the session's own words that an idle connection keeps: a PONG, not an INFO.
const WORDS_KEPT: usize = 256;

impl Task {
    pub(super) fn on_readable(&mut self) -> After {
        for _ in 0..READS_IN_A_ROW {
            let more = match self.transport.read(&self.shared.buffers) {
                Read::Bytes(more) => more,
                Read::Nothing => return After::Wait,
                Read::Ended(reason) => return After::Close(reason, None),
            };
            match self.work() {
                After::Wait if more => {}
                other => return other,
            }
        }
        After::Wait
    }

    /// Performs every operation that is complete, then flushes everybody concerned.
    pub(super) fn work(&mut self) -> After {
        let now = self.shared.rt.now();
        self.delivery.begin(now);
        let mut batch = Counts::default();
        let after = match self.transport.input.take() {
            Ready::Nothing => After::Wait,
            Ready::Buffer(buffer, filled) => {
                let (used, need, after) = self.take_in(&buffer[..filled], None, now, &mut batch);
                self.transport.input.put_back(buffer, used, filled, need);
                after
            }
            Ready::Large(bytes) => {
                let (used, need, after) = self.take_in(&bytes, Some(&bytes), now, &mut batch);
                if used < bytes.len() {
                    self.transport.input.put_back_large(&bytes, used, need);
                }
                after
            }
        };
        // In this order, since `finish` gives back the buffers that flushes have emptied.
        self.speak();
        self.delivery.finish(&self.shared.broker);
        if self.out.capacity() > WORDS_KEPT {
            self.out = Vec::new();
        }
        self.count(&batch, now);
        after
    }

    #[inline]
    fn count(&mut self, batch: &Counts, now: Moment) {
        if batch.msgs > 0 {
            self.session.active(now);
            self.conn.in_msgs.fetch_add(batch.msgs, Ordering::Relaxed);
            self.conn.in_bytes.fetch_add(batch.bytes, Ordering::Relaxed);
            let broker = &self.shared.broker;
            broker.traffic.received(batch.msgs, batch.bytes);
            broker.client_traffic.received(batch.msgs, batch.bytes);
        }
        let active = self.session.last_active().as_nanos();
        self.conn.last_active.store(active, Ordering::Relaxed);
    }

    /// [`Task::operations`], with a trace if there is one.
    fn take_in(
        &mut self,
        bytes: &[u8],
        shared: Option<&Bytes>,
        now: Moment,
        batch: &mut Counts,
    ) -> (usize, usize, After) {
        if self.trace.is_none() {
            return self.operations(bytes, shared, now, batch);
        }
        let mut at = 0;
        loop {
            let (used, after) = match self.hear(&bytes[at..]) {
                None => (0, After::Wait),
                Some(whole) => {
                    let (used, _, after) = self.operations(whole, shared, now, batch);
                    self.settle();
                    (used, after)
                }
            };
            at += used;
            if !matches!(after, After::Wait) {
                return (at, 0, after);
            }
            if used == 0 {
                // What is not whole, and what is no operation, is for the decoder to judge.
                let (used, need, after) = self.operations(&bytes[at..], shared, now, batch);
                self.settle();
                return (at + used, need, after);
            }
        }
    }

    /// Shows the operation at the start of `bytes`; answers it if it is whole.
    fn hear<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if self.session.is_too_early(bytes) {
            return None;
        }
        let len = self.trace.as_mut()?.hear(bytes)?;
        Some(&bytes[..len])
    }

    /// Sends all that the operations so far have brought about, so that the lines of the trace have its order.
    fn settle(&mut self) {
        self.speak();
        self.delivery.finish(&self.shared.broker);
        self.forget_ended_subscriptions();
    }

    /// Performs the operations in `bytes`. Answers how many bytes were used, how many the next operation
    /// needs, and what to do next.
    fn operations(
        &mut self,
        bytes: &[u8],
        shared: Option<&Bytes>,
        now: Moment,
        batch: &mut Counts,
    ) -> (usize, usize, After) {
        let mut at = 0;
        let mut run = Run::default();
        loop {
            at += self.plain_publishes(&mut run, &bytes[at..], shared, batch);
            if at == bytes.len() {
                return (at, 0, After::Wait);
            }
            let (used, step) = self.session.step(&bytes[at..], now, &mut self.out);
            at += used;
            if !matches!(step, Step::NeedMore(_) | Step::Continue) {
                self.hand_over();
            }
            if let Some((need, after)) = self.perform(step, shared, now, batch) {
                return (at, need, after);
            }
            self.hand_over();
            if batch.changes >= CHANGES_AT_ONCE {
                return (at, 0, After::GoOn);
            }
        }
    }

    /// Publishes the messages at the start of `bytes`, as far as there is nothing else to decide about them.
    /// Answers their bytes.
    #[inline]
    fn plain_publishes<'a>(
        &mut self,
        run: &mut Run<'a>,
        bytes: &'a [u8],
        shared: Option<&Bytes>,
        batch: &mut Counts,
    ) -> usize {
        let mut at = 0;
        while let Some((publish, used)) = self.session.plain_publish(&bytes[at..]) {
            let start = at;
            at += used;
            if publish.reply.is_empty() && shared.is_none() {
                at += self.run(run, &publish, &bytes[start..], used);
                batch.msgs += run.len() as u64;
                batch.bytes += run.size() as u64;
                continue;
            }
            batch.msgs += 1;
            batch.bytes += publish.payload.len() as u64;
            self.publish(&publish, shared);
            self.hand_over();
        }
        at
    }

    /// Does what the session asks for. Answers how many bytes the next operation needs and what to do next, if
    /// it can't go on at once.
    #[inline]
    fn perform(
        &mut self,
        step: Step<'_>,
        shared: Option<&Bytes>,
        now: Moment,
        batch: &mut Counts,
    ) -> Option<(usize, After)> {
        match step {
            Step::NeedMore(need) => return Some((need, After::Wait)),
            Step::Continue => {}
            Step::Publish(publish) => {
                batch.msgs += 1;
                batch.bytes += publish.payload.len() as u64;
                self.publish(&publish, shared);
            }
            Step::RefusedPublish(size, violation) => {
                batch.msgs += 1;
                batch.bytes += size as u64;
                self.tell_violation(&violation);
            }
            Step::Refused(violation) => self.tell_violation(&violation),
            Step::Subscribe {
                subject,
                queue,
                sid,
            } => {
                self.subscribe(subject, queue, sid, now);
                batch.changes += 1;
            }
            Step::Unsubscribe { sid, max } => {
                self.unsubscribe(sid, max);
                batch.changes += 1;
            }
            Step::SendConnectInfo => self.send_connect_info(),
            Step::Authenticate { connect, again } => {
                return Some((0, After::Authenticate(connect, again)));
            }
            Step::Close { reason, log } => return Some((0, After::Close(reason, log))),
        }
        None
    }

    /// Queues the session's own words behind what was delivered before them.
    #[inline]
    fn hand_over(&mut self) {
        if !self.out.is_empty() {
            self.conn.peer.send(&self.out);
            self.out.clear();
        }
    }

    /// Publishes `first`, the `used` bytes at the start of `bytes`, and all messages like it that follow.
    /// Answers the bytes of those.
    #[inline]
    fn run<'a>(
        &mut self,
        run: &mut Run<'a>,
        first: &Publish<'a>,
        bytes: &'a [u8],
        used: usize,
    ) -> usize {
        let verb = if first.header_len.is_some() { 5 } else { 4 };
        let start = &bytes[..verb + first.subject.len() + 1];
        let mut at = used;
        run.begin(&message(first, None));
        while !run.is_full()
            && let Some((publish, used)) = self.session.publish_again(&bytes[at..], start)
        {
            at += used;
            run.push(&message(&publish, None));
        }
        let (broker, peer) = (&self.shared.broker, &self.conn.peer);
        let refused = if run.len() == 1 {
            let message = message(first, None);
            let publisher = &mut self.publisher;
            let delivered = publisher.publish(broker, &mut self.delivery, peer, &message);
            usize::from(delivered.is_refused)
        } else {
            self.publisher
                .publish_run(broker, &mut self.delivery, peer, run)
        };
        for _ in 0..refused {
            self.refuse(first.subject);
        }
        at - used
    }

    #[inline]
    fn publish(&mut self, publish: &Publish<'_>, shared: Option<&Bytes>) {
        let tail = shared
            .filter(|_| !publish.tail.is_empty())
            .map(|b| b.slice_ref(publish.tail));
        let message = message(publish, tail.as_ref());
        let broker = &self.shared.broker;
        let delivered =
            self.publisher
                .publish(broker, &mut self.delivery, &self.conn.peer, &message);
        if delivered.is_refused {
            return self.refuse(publish.subject);
        }
        self.session.published(publish.subject, &mut self.out);
        if delivered.is_none() && !publish.reply.is_empty() && self.session.wants_no_responders() {
            self.no_responders(publish);
        }
    }

    /// Tells the client that it may not publish on `subject`.
    #[cold]
    fn refuse(&mut self, subject: &[u8]) {
        let mapped = self.publisher.mapped(subject);
        let subject = mapped.as_deref().unwrap_or(subject);
        let violation = self.session.refused_publish(subject, &mut self.out);
        self.tell_violation(&violation);
    }

    /// Tells the log what the client was not allowed to do; of the same again and again, now and then.
    #[cold]
    fn tell_violation(&self, violation: &Violation) {
        let text = &violation.log;
        if !self.shared.log.has_just_said(text) {
            log!(self.shared.log, Error, about self.conn.about(), "{text}");
        }
    }

    /// Tells the requester, on its own subscription to the reply, that nobody is there.
    #[cold]
    fn no_responders(&mut self, publish: &Publish<'_>) {
        if let Some(sub) = self
            .publisher
            .account()
            .own_subscription(&self.conn.peer, publish.reply)
        {
            let mapped = self.publisher.mapped(publish.subject);
            let subject = mapped.as_deref().unwrap_or(publish.subject);
            encode::no_responders(&mut self.out, publish.reply, sub.sid(), subject);
        }
    }
}

#[inline]
fn message<'a>(publish: &Publish<'a>, shared: Option<&'a Bytes>) -> Message<'a> {
    Message {
        subject: publish.subject,
        reply: publish.reply,
        header_len: publish.header_len,
        payload: publish.payload,
        tail: publish.tail,
        shared,
    }
}

/// What came in one read.
#[derive(Default)]
struct Counts {
    msgs: u64,
    /// Bytes of the messages' payloads.
    bytes: u64,
    /// Subscriptions made and ended.
    changes: u32,
}
