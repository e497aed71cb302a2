//! The task of one link: waits for whatever comes next, and lets the conversation do it. Not here: the
//! conversation.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use gannet_broker::Signal;
use gannet_config::Secret;
use gannet_identity::PasswordCheck;
use gannet_rt::future::yield_now;
use gannet_rt::tls::TlsFacts;
use gannet_session::CloseReason;
use gannet_session::patience::Verdict;
use gannet_units::Moment;

use super::{Conversation, INTEREST_AT_ONCE, Line};
use crate::input::Ready;
use crate::log::{log, shown_duration};
use crate::panics::caught;
use crate::tls::{Failure, Handshake};
use crate::transport::{Leave, Read, Wake};

/// Reads in a row before other tasks get their turn.
const READS_IN_A_ROW: usize = 16;
/// A link that carried nothing for so long gives back what it keeps for speed.
const QUIET: Duration = Duration::from_secs(5);
/// How often a link that is never quiet forgets its plans, since they may name peers that are gone: those in
/// use are soon made again. It is looked at when the link's timer fires, at least every 15 seconds.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Runs a link from its first words to its end.
pub(crate) async fn run<C: Conversation>(line: Line, talk: C) {
    let mut task = LinkTask { line, talk };
    match caught(task.converse()).await {
        Ok(()) => task.end().await,
        Err(panic) => {
            task.line.closing = Some(CloseReason::InternalClient);
            task.end().await;
            resume_unwind(panic);
        }
    }
}

struct LinkTask<C> {
    line: Line,
    talk: C,
}

impl<C: Conversation> LinkTask<C> {
    async fn converse(&mut self) {
        self.talk.begin(&mut self.line);
        if let Some(handshake) = self.line.handshake.take() {
            // It is large, and done with soon: a link that stands has no room for it.
            Box::pin(self.secure(&handshake)).await;
        }
        self.line.flush();
        self.set_timer();
        while self.line.closing.is_none() {
            let reading = !self.talk.is_waiting();
            match poll_fn(|cx| self.line.transport.poll_wake(cx, reading)).await {
                Wake::Readable => self.on_readable(),
                Wake::Writable => self.on_writable(),
                Wake::Deadline => self.on_deadline(),
                Wake::Signal(bits) => self.on_signal(bits),
            }
            if let Some((hash, given)) = self.line.check.take() {
                self.check_password(hash, given).await;
            }
            self.go_on().await;
            self.set_timer();
        }
    }

    /// Encrypts the connection, as the first thing of all.
    async fn secure(&mut self, handshake: &Handshake) {
        let transport = &self.line.transport;
        let (stream, peer) = (transport.stream.clone(), transport.peer.clone());
        let latest = self.talk.next_deadline();
        let (shared, about) = (&self.line.shared, &self.line.about);
        match handshake
            .perform(shared, about, &stream, &peer, latest)
            .await
        {
            Ok((facts, admission)) => {
                let _: Result<(), TlsFacts> = self.line.facts.tls.set(facts);
                self.talk.secured(&mut self.line, admission);
            }
            Err(failure) => {
                if let Some(name) = handshake.wrong_name(&failure) {
                    self.talk.wrong_name(name);
                }
                if let Failure::Tls(_) = failure {
                    self.close(CloseReason::TlsHandshakeError);
                }
            }
        }
    }

    async fn check_password(&mut self, hash: Secret, given: Secret) {
        let check = PasswordCheck::new(&hash, given.expose());
        let is_right = self.line.shared.rt.run_blocking(move || check.run()).await;
        self.talk.password_checked(&mut self.line, is_right);
        // What came meanwhile is waiting.
        self.work();
        self.line.flush();
    }

    /// Does what is left of a batch that was too long for one turn.
    async fn go_on(&mut self) {
        while self.line.is_turn_over() && self.line.closing.is_none() {
            yield_now().await;
            self.work();
        }
        let line = &mut self.line;
        line.transport.input.release(&line.shared.buffers);
    }

    fn on_readable(&mut self) {
        for _ in 0..READS_IN_A_ROW {
            let line = &mut self.line;
            let more = match line.transport.read(&line.shared.buffers) {
                Read::Bytes(more) => more,
                Read::Nothing => break,
                Read::Ended(reason) => return self.close(reason),
            };
            let switched = self.work();
            let line = &self.line;
            if !(more || switched) || line.closing.is_some() || self.talk.is_waiting() {
                return;
            }
            if line.is_turn_over() {
                return;
            }
        }
        self.line.interest_left = 0;
    }

    /// Performs every operation that is complete, then flushes everybody concerned. Answers whether the
    /// stream is compressed from here on: what was read of it is to be read again.
    fn work(&mut self) -> bool {
        let LinkTask { line, talk } = self;
        let now = line.shared.rt.now();
        line.delivery.begin(now);
        line.interest_left = INTEREST_AT_ONCE;
        match line.transport.input.take() {
            Ready::Nothing => {}
            Ready::Buffer(buffer, filled) => {
                let (used, need) = take_in(line, talk, &buffer[..filled], None, now);
                line.transport.input.put_back(buffer, used, filled, need);
            }
            Ready::Large(bytes) => {
                let (used, need) = take_in(line, talk, &bytes, Some(&bytes), now);
                if used < bytes.len() {
                    line.transport.input.put_back_large(&bytes, used, need);
                }
            }
        }
        line.delivery.finish(&line.shared.broker);
        // Nobody is held back on a link: it serves many publishers.
        line.delivery.take_crowded();
        line.flush();
        let switched = std::mem::take(&mut line.reads_compressed);
        if switched {
            line.transport.read_compressed(&line.shared.writers);
        }
        switched
    }

    fn on_writable(&mut self) {
        let line = &mut self.line;
        if !line.transport.on_writable(line.delivery.spare()) {
            return self.close(CloseReason::WriteError);
        }
        self.judge(self.line.shared.rt.now());
    }

    /// Looks how long the link has taken nothing, and draws the consequences.
    fn judge(&mut self, now: Moment) {
        let line = &mut self.line;
        let verdict = line.patience.judge(line.transport.stuck_for(now));
        let lagging = verdict != Verdict::Fine;
        line.transport.peer.outbox().set_lagging(lagging);
        if matches!(verdict, Verdict::Slow | Verdict::GiveUp) {
            C::counters(&line.shared)
                .slow
                .fetch_add(1, Ordering::Relaxed);
            let state = if line.patience.is_tried() {
                "State"
            } else {
                "Detected"
            };
            let outbox = line.transport.peer.outbox();
            let (chunks, bytes) = (outbox.chunks(), outbox.pending());
            drop(outbox);
            log!(
                line.shared.log,
                Info,
                about line.about,
                "Slow Consumer {state}: WriteDeadline of {} exceeded with {chunks} chunks of {bytes} total bytes.",
                shown_duration(line.patience.deadline())
            );
        }
        if verdict == Verdict::GiveUp {
            self.close(CloseReason::SlowConsumerWriteDeadline);
        }
    }

    fn on_signal(&mut self, bits: u32) {
        if bits & Signal::CLOSE != 0 {
            let reason = self.why_closed();
            return self.close(reason);
        }
        if bits & Signal::NEWS != 0 {
            self.talk.on_news(&mut self.line);
            self.line.flush();
        }
        if bits & Signal::TRIAL != 0 {
            self.talk.try_on(&self.line);
        }
        if bits & Signal::RELOAD != 0 {
            self.line.begin_trace();
            self.talk.options_changed(&mut self.line);
            self.line.flush();
        }
        let line = &mut self.line;
        if bits & Signal::FLUSH != 0 && !line.transport.on_flush_signal(line.delivery.spare()) {
            self.close(CloseReason::WriteError);
        }
    }

    fn why_closed(&self) -> CloseReason {
        let shared = &self.line.shared;
        if shared.is_stopping() {
            CloseReason::ServerShutdown
        } else if self.line.peer().outbox().overflow().is_some() {
            C::counters(shared).slow.fetch_add(1, Ordering::Relaxed);
            CloseReason::SlowConsumerPendingBytes
        } else {
            self.talk.why_closed(&self.line)
        }
    }

    fn close(&mut self, reason: CloseReason) {
        self.talk.close(&mut self.line, reason);
        self.line.closing.get_or_insert(reason);
    }

    fn on_deadline(&mut self) {
        let now = self.line.shared.rt.now();
        self.judge(now);
        if self.line.closing.is_some() {
            return;
        }
        self.talk.tick(&mut self.line);
        self.line.flush();
        if self.line.closing == Some(CloseReason::StaleConnection) {
            let counters = C::counters(&self.line.shared);
            counters.stale.fetch_add(1, Ordering::Relaxed);
        }
        self.forget(now);
    }

    /// Lets go of what is only kept for speed, if the link is quiet or it has been kept for long.
    fn forget(&mut self, now: Moment) {
        let line = &mut self.line;
        let last = Moment::from_nanos(line.facts.last_active.load(Ordering::Relaxed));
        let quiet = now.since(last) > QUIET;
        if quiet {
            line.delivery.rest();
        }
        if quiet || now.since(line.forgot) >= FORGET_EVERY {
            line.forgot = now;
            self.talk.rest();
        }
    }

    fn set_timer(&mut self) {
        let line = &mut self.line;
        let mut deadline = self.talk.next_deadline();
        if let Some(since) = line.transport.blocked_since() {
            let now = line.shared.rt.now();
            deadline = deadline.min(line.patience.next_look(since, now));
        }
        line.transport.set_timer(deadline);
    }

    async fn end(&mut self) {
        let line = &mut self.line;
        let reason = *line.closing.get_or_insert(CloseReason::ClientClosed);
        line.shared.links.remove(line.transport.peer.id());
        self.talk.end(line);
        let leave = match reason {
            CloseReason::ClientClosed | CloseReason::ReadError | CloseReason::WriteError => {
                Leave::Now
            }
            // It is not wanted any more, but nothing is wrong with it: what it was promised it gets, and why it ends.
            CloseReason::RouteRemoved => Leave::Complete,
            _ => Leave::LastWords,
        };
        let buffers = &line.shared.buffers;
        line.transport.close(buffers, leave).await;
    }
}

/// [`Conversation::operations`], with a trace if there is one: then one by one, each with all that it brings
/// about, so that the lines of the trace have its order.
fn take_in<C: Conversation>(
    line: &mut Line,
    talk: &mut C,
    bytes: &[u8],
    whole: Option<&Bytes>,
    now: Moment,
) -> (usize, usize) {
    if line.trace.is_none() {
        return talk.operations(line, bytes, whole, now);
    }
    let mut at = 0;
    let is_stopped = |line: &Line, talk: &C| {
        line.closing.is_some() || line.reads_compressed || line.is_turn_over() || talk.is_waiting()
    };
    while !is_stopped(line, talk) {
        let rest = &bytes[at..];
        let len = line.trace.as_mut().and_then(|trace| trace.hear(rest));
        let this = len.map_or(rest, |len| &rest[..len]);
        let (mut used, mut need) = talk.operations(line, this, whole, now);
        let is_last = len.is_none() || used == 0;
        if used == 0 && len.is_some() && line.closing.is_none() {
            // What is no operation is for the decoder to judge.
            (used, need) = talk.operations(line, rest, whole, now);
        }
        line.flush();
        line.delivery.finish(&line.shared.broker);
        at += used;
        if is_last {
            return (at, need);
        }
    }
    (at, 0)
}
