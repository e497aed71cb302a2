//! What the tasks of all connections share: waiting for whatever comes next, flushing, noticing a peer
//! that takes nothing. Not here: what is said.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gannet_broker::{Flush, Peer, Signal};
use gannet_rt::future::yield_now;
use gannet_rt::{Rt, Sleep};
use gannet_session::CloseReason;
use gannet_units::Moment;
use gannet_wire::s2::Mode;

use crate::buffers::Buffers;
use crate::channel::{Channel, Writers};
use crate::input::Input;

/// How long an ended connection is read from, so that its last words (an `-ERR`) are not lost with a
/// reset, and at most how many bytes of it.
const LINGER: (Duration, usize) = (Duration::from_millis(250), 4 * 1024 * 1024);
/// The same for a peer that is healthy and busy, and must get everything that is on its way to it.
const LINGER_LONG: (Duration, usize) = (Duration::from_secs(2), 1024 * 1024 * 1024);
/// And so much longer where messages wait for those before them on another connection to be read: a little more than
/// anybody makes them wait (`crate::route`).
const LINGER_HELD: Duration = Duration::from_secs(6);

/// What a peer gets of a connection that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// What its socket takes at once: it is gone, or nobody can tell.
    Now,
    /// And a moment to read it.
    LastWords,
    /// Everything that is in its outbox, what waits for another connection there included, and time to read that,
    /// whatever it is sending itself.
    Complete,
}

impl Leave {
    fn bounds(self) -> Option<(Duration, usize)> {
        match self {
            Leave::Now => None,
            Leave::LastWords => Some(LINGER),
            Leave::Complete => Some(LINGER_LONG),
        }
    }
}

/// What woke a connection's task.
pub(crate) enum Wake {
    Readable,
    Writable,
    Deadline,
    /// Bits of [`Signal`].
    Signal(u32),
}

/// What one read brought.
pub(crate) enum Read {
    /// Bytes; `true` if there may be more at once.
    Bytes(bool),
    /// Nothing for now.
    Nothing,
    /// The end.
    Ended(CloseReason),
}

/// A socket that takes nothing.
#[derive(Clone, Copy)]
struct Blocked {
    since: Moment,
    /// Bytes that had been written by then.
    flushed: u64,
}

/// One connection's socket, outbox and timer, in the hands of its task.
pub(crate) struct Transport {
    rt: Rt,
    pub(crate) peer: Arc<Peer>,
    pub(crate) stream: Arc<Channel>,
    pub(crate) input: Input,
    sleep: Sleep,
    blocked: Option<Blocked>,
}

impl Transport {
    pub(crate) fn new(
        rt: &Rt,
        peer: Arc<Peer>,
        stream: Arc<Channel>,
        deadline: Moment,
    ) -> Transport {
        let sleep = rt.sleep_until(deadline);
        Transport {
            rt: rt.clone(),
            peer,
            stream,
            input: Input::default(),
            sleep,
            blocked: None,
        }
    }

    /// What comes next. Nothing is read while `reading` is false.
    pub(crate) fn poll_wake(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Wake> {
        if let Poll::Ready(bits) = self.peer.signal().poll(cx) {
            return Poll::Ready(Wake::Signal(bits));
        }
        if Pin::new(&mut self.sleep).poll(cx).is_ready() {
            // The timer is used up; until it is set again it stands for "never".
            self.sleep.reset(Moment::NEVER);
            return Poll::Ready(Wake::Deadline);
        }
        if self.blocked.is_some() && self.stream.poll_write_ready(cx).is_ready() {
            return Poll::Ready(Wake::Writable);
        }
        if !reading {
            return Poll::Pending;
        }
        self.stream.poll_read_ready(cx).map(|_| Wake::Readable)
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffers: &Buffers) -> Read {
        match self.input.read(&self.stream, buffers) {
            Ok((0, _)) => Read::Ended(CloseReason::ClientClosed),
            Ok((_, more)) => Read::Bytes(more),
            Err(e) => match e.kind() {
                io::ErrorKind::WouldBlock => Read::Nothing,
                io::ErrorKind::Interrupted => Read::Bytes(true),
                io::ErrorKind::ConnectionReset => Read::Ended(CloseReason::ClientClosed),
                _ => Read::Ended(CloseReason::ReadError),
            },
        }
    }

    /// Takes everything that the peer sends from here on for compressed, what was read and not used yet
    /// included. Call it with the read buffer put back.
    pub(crate) fn read_compressed(&mut self, writers: &Arc<Writers>) {
        let rest = self.input.take_rest();
        self.stream.read_compressed(writers, rest);
    }

    /// Compresses everything appended to the outbox from here on; what is in it leaves plain. Call it
    /// before anybody else appends or flushes. Another call sets another mode, at any time.
    pub(crate) fn write_compressed(&mut self, writers: &Arc<Writers>, mode: Mode) {
        let waiting = self.peer.outbox().pending();
        self.stream.write_compressed(writers, mode, waiting);
    }

    /// Appends `words` to the outbox and flushes it.
    pub(crate) fn speak(&mut self, words: &mut Vec<u8>, spare: &mut Vec<Vec<u8>>) {
        self.say(words);
        // A flush that can't finish raises the signal, and the task comes back for it.
        let _: Flush = self.peer.flush(spare);
    }

    /// Appends `words` to the outbox.
    pub(crate) fn say(&mut self, words: &mut Vec<u8>) {
        if !words.is_empty() {
            self.peer.send(words);
            words.clear();
        }
    }

    /// The socket takes bytes again. `false` if the connection is gone.
    pub(crate) fn on_writable(&mut self, spare: &mut Vec<Vec<u8>>) -> bool {
        match self.peer.flush_unblocked(spare) {
            Flush::Done => self.blocked = None,
            Flush::More => {
                self.blocked = None;
                self.peer.signal().raise(Signal::FLUSH);
            }
            Flush::Blocked => self.note_blocked(),
            Flush::Broken => return false,
        }
        true
    }

    /// Somebody left the flush to the task. `false` if the connection is gone.
    pub(crate) fn on_flush_signal(&mut self, spare: &mut Vec<Vec<u8>>) -> bool {
        if self.peer.outbox().is_blocked() {
            self.note_blocked();
            return true;
        }
        self.on_writable(spare)
    }

    /// Remembers since when the socket takes nothing: the last time that it took something.
    fn note_blocked(&mut self) {
        let flushed = self.peer.outbox().flushed();
        if self.blocked.is_none_or(|b| b.flushed != flushed) {
            self.blocked = Some(Blocked {
                since: self.rt.now(),
                flushed,
            });
        }
    }

    /// For how long the socket has taken nothing.
    pub(crate) fn stuck_for(&self, now: Moment) -> Option<Duration> {
        self.blocked
            .filter(|b| b.flushed == self.peer.outbox().flushed())
            .map(|b| now.since(b.since))
    }

    /// Since when the socket takes nothing.
    pub(crate) fn blocked_since(&self) -> Option<Moment> {
        self.blocked.map(|b| b.since)
    }

    /// Moves the timer if `deadline` is nearer than it; a later one is seen to when it fires.
    pub(crate) fn set_timer(&mut self, deadline: Moment) {
        if deadline < self.sleep.deadline() {
            self.sleep.reset(deadline);
        }
    }

    /// Ends the connection.
    pub(crate) async fn close(&mut self, buffers: &Buffers, leave: Leave) {
        let _: Flush = self.peer.flush(&mut Vec::new());
        if leave != Leave::Complete {
            self.peer.discard();
        }
        if let Some((mut time, most)) = leave.bounds() {
            if self.peer.outbox().is_holding() {
                time += LINGER_HELD;
            }
            // Out of time is as good as done.
            let _ = self.rt.timeout(time, self.finish(buffers, most)).await;
        }
        self.peer.discard();
        self.stream.shutdown();
    }

    /// Writes what waits, and then the end, while it reads on to the peer's own end.
    async fn finish(&self, buffers: &Buffers, most: usize) {
        let mut written = pin!(async {
            self.empty_outbox().await;
            self.stream.shutdown_write();
        });
        let mut is_written = false;
        let mut read = pin!(drain(&self.stream, buffers, most));
        poll_fn(|cx| {
            is_written = is_written || written.as_mut().poll(cx).is_ready();
            read.as_mut().poll(cx)
        })
        .await;
    }

    /// Writes until nothing waits.
    async fn empty_outbox(&self) {
        let mut spare = Vec::new();
        loop {
            match self.peer.flush_unblocked(&mut spare) {
                Flush::Broken => return,
                Flush::Done if self.is_drained().await => return,
                Flush::Done => {}
                Flush::More => yield_now().await,
                Flush::Blocked => {
                    let ready = poll_fn(|cx| self.stream.poll_write_ready(cx)).await;
                    if ready.is_err() {
                        return;
                    }
                }
            }
            spare.clear();
        }
    }

    /// Waits until nothing waits any more (`true`), or somebody leaves more of it to this task: messages that had to
    /// wait for another connection, or what somebody else was writing.
    async fn is_drained(&self) -> bool {
        poll_fn(|cx| {
            if self.peer.poll_drained(cx, 0).is_ready() {
                return Poll::Ready(true);
            }
            self.peer.signal().poll(cx).map(|_| false)
        })
        .await
    }
}

/// Reads on without looking: closing with unread bytes would reset the connection, and the peer might
/// never see why it ended.
async fn drain(stream: &Channel, buffers: &Buffers, most: usize) {
    let mut buffer = buffers.take();
    let mut total = 0;
    while total < most {
        if poll_fn(|cx| stream.poll_read_ready(cx)).await.is_err() {
            break;
        }
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => total += n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    buffers.give(buffer);
}

#[cfg(test)]
mod tests;
