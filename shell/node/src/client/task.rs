//! The task of one client connection: waits for whatever comes next, and performs the session's steps.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use gannet_broker::{Delivery, Message, Publisher, Run, Signal, Sub, Subscriptions};
use gannet_identity::{Authenticator, Credentials, Decision};
use gannet_rt::future::yield_now;
use gannet_session::CloseReason;
use gannet_session::client::{ClientSession, ClientState, Patience, Refused, Step};
use gannet_session::trace::Speaker;
use gannet_subject::Class;
use gannet_units::Moment;
use gannet_wire::client::{ClientConnect, Publish, encode};

use super::door::Door;
use super::slow;
use crate::info::client_info;
use crate::input::Ready;
use crate::log::log;
use crate::monitor;
use crate::panics::caught;
use crate::registry::ClientConn;
use crate::shared::Shared;
use crate::trace::Trace;
use crate::transport::{Leave, Read, Transport, Wake};

/// Reads in a row before other tasks get their turn.
const READS_IN_A_ROW: usize = 16;
/// Subscriptions made and ended before other tasks get theirs: a read may bring thousands of them.
const CHANGES_AT_ONCE: u32 = 256;
/// How long a fast publisher is held back for a slow subscriber, per batch, and in which steps: as the
/// reference server has it.
const STALL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(2));
/// Room for the session's own words that an idle connection keeps: a PONG, not an INFO.
const WORDS_KEPT: usize = 256;
/// What a client is told that is one too many.
const TOO_MANY: &str = "maximum connections exceeded";
/// Subscriptions kept of a connection that has ended.
const SUBSCRIPTIONS_KEPT: usize = 100;

/// What to do after a batch of operations.
pub(super) enum After {
    Wait,
    Authenticate(Box<ClientConnect>, bool),
    Close(CloseReason, Option<String>),
    /// Other credentials are asked for now.
    LookAgain,
    /// Go on with what was read, after everybody else had their turn.
    GoOn,
}

pub(super) struct Task {
    pub(super) shared: Arc<Shared>,
    pub(super) conn: Arc<ClientConn>,
    pub(super) session: ClientSession,
    /// What the client's credentials were last looked at by.
    pub(super) auth: Arc<Authenticator>,
    publisher: Publisher,
    delivery: Delivery,
    subs: Subscriptions,
    transport: Transport,
    /// The session's own words, on their way to the outbox.
    pub(super) out: Vec<u8>,
    trace: Option<Box<Trace>>,
    patience: Patience,
}

/// Runs one connection from its INFO to its end.
pub(crate) async fn run(shared: Arc<Shared>, conn: Arc<ClientConn>) {
    let now = shared.rt.now();
    let session = ClientSession::new(shared.client_limits().clone(), now, shared.rt.random_u64());
    let transport = Transport::new(
        &shared.rt,
        conn.peer.clone(),
        conn.stream.clone(),
        session.deadline(),
    );
    let seed = shared.seed ^ conn.id.0;
    // In a box of its own, so that the futures around it stay small: an idle connection is mostly this.
    let mut task = Box::new(Task {
        publisher: Publisher::new(shared.broker.global().clone(), shared.seed),
        delivery: Delivery::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        subs: Subscriptions::new(shared.seed),
        out: Vec::new(),
        trace: None,
        patience: Patience::default(),
        auth: shared.auth(),
        session,
        transport,
        shared,
        conn,
    });
    task.begin_trace();
    match caught(task.converse()).await {
        Ok(reason) => task.end(reason).await,
        Err(panic) => {
            task.end(CloseReason::InternalClient).await;
            resume_unwind(panic);
        }
    }
}

impl Task {
    async fn converse(&mut self) -> CloseReason {
        match self.arrive() {
            Err(reason) => return reason,
            Ok(None) => {}
            Ok(Some(door)) => {
                if let Some(reason) = Box::pin(self.enter(door)).await {
                    return reason;
                }
            }
        }
        // They may have changed before anybody could tell this connection.
        let after = self.options_changed();
        if let Some(reason) = self.after(after).await {
            return reason;
        }
        loop {
            let wake = poll_fn(|cx| self.transport.poll_wake(cx, true)).await;
            let after = match wake {
                Wake::Readable => self.on_readable(),
                Wake::Writable => self.on_writable(),
                Wake::Deadline => self.on_deadline(),
                Wake::Signal(bits) => self.on_signal(bits),
            };
            if let Some(reason) = self.after(after).await {
                return reason;
            }
        }
    }

    /// Greets the client and counts it in. Answers the door that it has to pass, if there is one (in a box, so that the
    /// future of a connection without one does not keep room for it), or why it must go.
    fn arrive(&mut self) -> Result<Option<Box<Door>>, CloseReason> {
        let door = Door::of(&self.shared);
        door.greet(&self.shared, &self.conn, &mut self.out);
        let most = self.shared.now().limits.max_connections as usize;
        if !self.shared.clients.add(&self.conn, most) {
            encode::err(&mut self.out, TOO_MANY);
            if !self.shared.log.has_just_said(TOO_MANY) {
                log!(self.shared.log, Error, about self.conn.about(), "{TOO_MANY}");
            }
            self.speak();
            return Err(CloseReason::MaxConnectionsExceeded);
        }
        log!(
            self.shared.log,
            Debug,
            about self.conn.about(),
            "Client connection created"
        );
        self.speak();
        Ok(door.is_guarded().then(|| Box::new(door)))
    }

    /// Does what comes before the conversation; answers the reason if the connection ends.
    async fn enter(&mut self, door: Box<Door>) -> Option<CloseReason> {
        let (conn, transport) = (&self.conn, &mut self.transport);
        let early = match door
            .open(&self.shared, conn, transport, &mut self.out)
            .await
        {
            Ok(early) => early,
            Err(reason) => return Some(reason),
        };
        // The time for credentials and the like begins now.
        let (limits, chance) = (self.shared.client_limits(), self.shared.rt.random_u64());
        self.auth = self.shared.auth();
        self.session = ClientSession::new(limits, self.shared.rt.now(), chance);
        // A proxy may have said who it is.
        self.begin_trace();
        self.transport.input.begin(&early, &self.shared.buffers);
        let after = self.work();
        self.after(after).await
    }

    /// Does what has to wait; answers the reason if the connection ends.
    async fn after(&mut self, after: After) -> Option<CloseReason> {
        let mut after = after;
        loop {
            match after {
                After::Wait => break,
                After::Close(reason, text) => {
                    if let Some(text) = text {
                        log!(self.shared.log, Error, about self.conn.about(), "{text}");
                    }
                    return Some(reason);
                }
                After::GoOn => {
                    yield_now().await;
                    after = self.work();
                }
                After::LookAgain => after = Box::pin(self.look_again()).await,
                After::Authenticate(connect, again) => {
                    after = Box::pin(self.authenticate(connect, again)).await;
                    self.speak();
                    if matches!(after, After::Wait) {
                        // Operations that came with the CONNECT are waiting.
                        after = self.work();
                    }
                }
            }
        }
        self.transport.input.release(&self.shared.buffers);
        self.stall().await;
        self.set_timer();
        None
    }

    /// Holds the connection back for a moment where it publishes faster than somebody reads.
    async fn stall(&mut self) {
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

    /// Moves the timer if a deadline is nearer than it.
    fn set_timer(&mut self) {
        let deadline = self.session.deadline().min(self.patience.next_look());
        self.transport.set_timer(deadline);
    }

    /// Puts the session's own words into the outbox and flushes it.
    fn speak(&mut self) {
        self.transport.speak(&mut self.out, self.delivery.spare());
    }

    fn on_readable(&mut self) -> After {
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
    fn work(&mut self) -> After {
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
        if batch.msgs > 0 {
            self.session.active(now);
            self.conn.in_msgs.fetch_add(batch.msgs, Ordering::Relaxed);
            self.conn.in_bytes.fetch_add(batch.bytes, Ordering::Relaxed);
            self.shared.broker.traffic.received(batch.msgs, batch.bytes);
            self.shared
                .broker
                .client_traffic
                .received(batch.msgs, batch.bytes);
        }
        let active = self.session.last_active().as_nanos();
        self.conn.last_active.store(active, Ordering::Relaxed);
        after
    }

    /// Begins or ends the trace, as the log wants it now.
    pub(super) fn begin_trace(&mut self) {
        let whose = (Speaker::Client, self.shared.client_limits().control_line);
        let about = || self.conn.about();
        let (before, shared, transport) = (self.trace.take(), &self.shared, &self.transport);
        self.trace = Trace::now(before, shared, transport, whose, about);
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
        let (mut at, mut changes) = (0, 0);
        let mut run = Run::default();
        loop {
            while let Some((publish, used)) = self.session.plain_publish(&bytes[at..]) {
                let start = at;
                at += used;
                if publish.reply.is_empty() && shared.is_none() {
                    at += self.run(&mut run, &publish, &bytes[start..], used);
                    batch.msgs += run.len() as u64;
                    batch.bytes += run.size() as u64;
                    continue;
                }
                batch.msgs += 1;
                batch.bytes += publish.payload.len() as u64;
                self.publish(&publish, shared);
                if !self.out.is_empty() {
                    self.conn.peer.send(&self.out);
                    self.out.clear();
                }
            }
            if at == bytes.len() {
                return (at, 0, After::Wait);
            }
            let (used, step) = self.session.step(&bytes[at..], now, &mut self.out);
            at += used;
            if !self.out.is_empty() && !matches!(step, Step::NeedMore(_) | Step::Continue) {
                self.conn.peer.send(&self.out);
                self.out.clear();
            }
            match step {
                Step::NeedMore(need) => return (at, need, After::Wait),
                Step::Continue => {}
                Step::Publish(publish) => {
                    batch.msgs += 1;
                    batch.bytes += publish.payload.len() as u64;
                    self.publish(&publish, shared);
                }
                Step::RefusedPublish(size) => {
                    batch.msgs += 1;
                    batch.bytes += size as u64;
                }
                Step::Subscribe {
                    subject,
                    queue,
                    sid,
                } => {
                    self.subscribe(subject, queue, sid, now);
                    changes += 1;
                }
                Step::Unsubscribe { sid, max } => {
                    self.unsubscribe(sid, max);
                    changes += 1;
                }
                Step::SendConnectInfo => self.send_connect_info(),
                Step::Authenticate { connect, again } => {
                    return (at, 0, After::Authenticate(connect, again));
                }
                Step::Close { reason, log } => return (at, 0, After::Close(reason, log)),
            }
            if !self.out.is_empty() {
                self.conn.peer.send(&self.out);
                self.out.clear();
            }
            if changes == CHANGES_AT_ONCE {
                return (at, 0, After::GoOn);
            }
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
        if run.len() == 1 {
            self.publisher
                .publish(broker, &mut self.delivery, peer, &message(first, None));
        } else {
            self.publisher
                .publish_run(broker, &mut self.delivery, peer, run);
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
        if delivered.is_none() && !publish.reply.is_empty() && self.session.wants_no_responders() {
            self.no_responders(publish);
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
            encode::no_responders(&mut self.out, publish.reply, sub.sid(), publish.subject);
        }
    }

    fn subscribe(&mut self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8], now: Moment) {
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

    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        match (self.subs.get(sid), max) {
            (Some(sub), Some(max)) if max > sub.delivered() => sub.set_max(max),
            (Some(_), _) => {
                if let Some(sub) = self.subs.remove(sid) {
                    self.publisher.account().unsubscribe(&sub);
                    self.trace_deleted(&sub);
                }
                self.count_subscriptions();
            }
            (None, _) => {}
        }
        self.session.acknowledged(&mut self.out);
    }

    /// Takes off subscriptions that have had all their messages.
    fn forget_ended_subscriptions(&mut self) {
        let ended = self.conn.peer.outbox().take_ended();
        for sub in &ended {
            self.subs.remove(sub.sid());
            self.trace_deleted(sub);
        }
        if !ended.is_empty() {
            self.count_subscriptions();
        }
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

    fn send_connect_info(&mut self) {
        self.conn.takes_info.store(true, Ordering::Release);
        let mut info = client_info(&self.shared, self.conn.id, self.conn.addr());
        info.connect_info = true;
        info.remote_account = self.publisher.account().name().to_owned();
        info.encode(&mut self.out);
    }

    async fn authenticate(&mut self, connect: Box<ClientConnect>, again: bool) -> After {
        if again {
            self.drop_subscriptions();
        }
        let given = Credentials {
            user: &connect.user,
            password: &connect.pass,
            token: &connect.auth_token,
        };
        self.auth = self.shared.auth();
        let (allowed, user) = match self.auth.decide(&given) {
            Decision::Allow { user } => (true, user),
            Decision::Deny => (false, String::new()),
            Decision::Check { check, user } => {
                (self.shared.rt.run_blocking(move || check.run()).await, user)
            }
        };
        {
            let mut facts = self.conn.facts.lock();
            facts.name = connect.name.clone();
            facts.lang = connect.lang.clone();
            facts.version = connect.version.clone();
            if allowed && !again {
                facts.label = gannet_session::client::label(&connect);
            }
            facts.account = self.publisher.account().name().to_owned();
            facts.user = if allowed { user } else { String::new() };
        }
        if let Some(trace) = &self.trace {
            trace.set_about(self.conn.about());
        }
        self.conn.peer.set_headers(self.session.headers());
        self.conn.peer.set_echo(self.session.echo());
        self.note_rtt();
        let who = self.auth.name(&given);
        match self.session.authenticated(allowed, &who, &mut self.out) {
            Step::Close { reason, log } => After::Close(reason, log),
            _ => After::Wait,
        }
    }

    fn note_rtt(&self) {
        let nanos = self
            .session
            .rtt()
            .map_or(0, |rtt| u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX));
        self.conn.rtt_nanos.store(nanos, Ordering::Relaxed);
    }

    fn on_writable(&mut self) -> After {
        if self.transport.on_writable(self.delivery.spare()) {
            self.judge()
        } else {
            After::Close(CloseReason::WriteError, None)
        }
    }

    fn on_signal(&mut self, bits: u32) -> After {
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
        After::Close(reason, text)
    }

    fn on_deadline(&mut self) -> After {
        let now = self.shared.rt.now();
        if let After::Close(reason, text) = self.judge() {
            return After::Close(reason, text);
        }
        let step = self.session.on_deadline(now, &mut self.out);
        self.note_rtt();
        self.speak();
        match step {
            Step::Close { reason, log } => {
                let silent = match reason {
                    CloseReason::StaleConnection => {
                        self.shared
                            .trouble
                            .stale_clients
                            .fetch_add(1, Ordering::Relaxed);
                        "Stale Client Connection - Closing"
                    }
                    CloseReason::AuthenticationTimeout => "Authentication Timeout",
                    _ => return After::Close(reason, log),
                };
                // Silence is no error of ours.
                log!(self.shared.log, Debug, about self.conn.about(), "{silent}");
                After::Close(reason, None)
            }
            _ => {
                let last = Moment::from_nanos(self.conn.last_active.load(Ordering::Relaxed));
                // Plans name peers that may be gone by now; a busy connection soon has those it needs.
                self.publisher.rest();
                if now.since(last) > Duration::from_secs(1) {
                    self.delivery.rest();
                    self.out = Vec::new();
                }
                After::Wait
            }
        }
    }

    fn drop_subscriptions(&mut self) {
        for sub in self.subs.drain() {
            self.publisher.account().unsubscribe(&sub);
        }
        self.count_subscriptions();
    }

    async fn end(&mut self, reason: CloseReason) {
        self.speak();
        let kept = self.subs.iter().take(SUBSCRIPTIONS_KEPT);
        let closed = monitor::closed_info(&self.conn, self.shared.rt.wall(), reason, kept);
        for sub in self.subs.drain() {
            self.publisher.account().unsubscribe(&sub);
            if let Some(trace) = self.trace.as_ref().filter(|_| !self.shared.is_stopping()) {
                trace.deleted(sub.sid());
            }
        }
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

#[derive(Default)]
struct Counts {
    msgs: u64,
    bytes: u64,
}
