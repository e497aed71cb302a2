//! The bytes waiting for one peer: bounded, appended to by anybody under its small lock, flushed by
//! one at a time. Not here: which bytes, and for whom.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::answers::Answers;
use crate::hold::{Hold, Step};
use crate::peer::{Sink, Written};
use crate::replies::ReplyMap;
use crate::sub::Sub;

/// A chunk is closed, and a new one begun, at this size: large enough that a system call costs little
/// per message, small enough to stay in a core's own cache between being written here and sent.
const CHUNK: usize = 64 * 1024;
/// First size of a chunk for a peer that had none.
const CHUNK_MIN: usize = 2 * 1024;
/// Chunks handed to one system call.
const SLICES: usize = 32;
/// Rounds of one flush before the peer's own task takes over, so that two busy publishers can't keep a
/// third one's task writing for ever.
const ROUNDS: usize = 8;
/// Spare buffers kept by one connection during a batch.
const SPARES: usize = 128;

#[derive(Debug)]
enum Chunk {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Chunk::Owned(v) => v,
            Chunk::Shared(b) => b,
        }
    }
}

/// Why an outbox takes no more messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// More bytes were waiting than the peer may leave waiting.
    PendingBytes,
}

/// What a flush came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Everything is written, or somebody else is writing it.
    Done,
    /// The sink is full; the peer's own task goes on when it takes bytes again.
    Blocked,
    /// There is more than one flush should write in one go.
    More,
    /// The connection is gone.
    Broken,
}

/// Counters of what went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxStats {
    /// Messages delivered.
    pub msgs: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Messages that found the outbox full and were dropped (links between servers only).
    pub dropped: u64,
    /// Times a publisher was held back for this peer.
    pub stalls: u64,
}

/// The bytes waiting for one peer.
#[derive(Debug)]
pub struct Outbox {
    queue: VecDeque<Chunk>,
    tail: Vec<u8>,
    /// Bytes of the first chunk that are written already.
    written: usize,
    pending: usize,
    max_pending: usize,
    /// The same while messages go straight into the queue; zero while they are held.
    room_for: usize,
    /// Messages that wait for another connection to be read out.
    hold: Option<Box<Hold>>,
    /// Their bytes, which count as pending.
    held: usize,
    /// Bound for the protocol's own bytes; on links they are all the interest of this cluster.
    max_control: usize,
    /// Bytes written since the start; tells the write deadline whether there is progress.
    flushed: u64,
    stats: OutboxStats,
    /// Somebody has appended and will flush.
    touched: bool,
    flushing: bool,
    blocked: bool,
    closed: bool,
    /// The sink has taken nothing for so long that no publisher should wait for it.
    lagging: bool,
    overflow: Option<Overflow>,
    /// Subscriptions that had their last message; their connection's task takes them out of its table.
    ended: Vec<Sub>,
    replies: Option<Box<ReplyMap>>,
    /// Requests that its owner may answer.
    answers: Option<Box<Answers>>,
}

impl Outbox {
    pub(crate) fn new(max_pending: usize, max_control: usize) -> Outbox {
        Outbox {
            queue: VecDeque::new(),
            tail: Vec::new(),
            written: 0,
            pending: 0,
            max_pending,
            room_for: max_pending,
            hold: None,
            held: 0,
            max_control,
            flushed: 0,
            stats: OutboxStats::default(),
            touched: false,
            flushing: false,
            blocked: false,
            closed: false,
            lagging: false,
            overflow: None,
            ended: Vec::new(),
            replies: None,
            answers: None,
        }
    }

    /// Bytes waiting, those being written right now included.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Pieces that they are in, but for those being written right now.
    pub fn chunks(&self) -> usize {
        self.queue.len() + usize::from(!self.tail.is_empty())
    }

    /// Bytes written since the connection began.
    pub fn flushed(&self) -> u64 {
        self.flushed
    }

    /// Counters of what went out.
    pub fn stats(&self) -> OutboxStats {
        self.stats
    }

    /// Why the outbox takes no more messages, if it had to refuse some.
    pub fn overflow(&self) -> Option<Overflow> {
        self.overflow
    }

    /// Whether the sink took nothing more the last time.
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether three quarters of the bound are reached: the point from which a publisher should wait a
    /// moment for the peer.
    #[inline]
    pub fn is_crowded(&self) -> bool {
        self.pending > self.max_pending / 4 * 3 && !self.lagging
    }

    /// Says whether the sink has stopped taking bytes: then nobody is held back for it any more, and
    /// what does not fit is lost to it alone.
    pub fn set_lagging(&mut self, lagging: bool) {
        self.lagging = lagging;
    }

    /// Whether `more` bytes are past the bound.
    #[inline]
    pub(crate) fn is_full_for(&self, more: usize) -> bool {
        self.pending + more > self.room_for
    }

    /// Messages from now on wait until `token` is [released](Outbox::release): what was sent to the same
    /// server over another connection is read first. The conversation's own bytes do not wait.
    pub fn hold(&mut self, token: u64) {
        if !self.closed {
            self.hold.get_or_insert_default().wait_for(token);
            self.room_for = 0;
        }
    }

    /// Whether messages wait for another connection.
    pub fn is_holding(&self) -> bool {
        self.hold.is_some()
    }

    /// Whether everything before now is in the queue, so that a PING follows it. If not, [`Outbox::release`]
    /// answers the token when it is.
    pub fn is_in_order(&mut self, token: u64) -> bool {
        match &mut self.hold {
            Some(hold) => {
                hold.mark(token);
                false
            }
            None => true,
        }
    }

    /// What waited for `token` waits no longer. Answers tokens whose turn has come; the caller flushes.
    pub fn release(&mut self, token: u64) -> Vec<u64> {
        let mut marks = Vec::new();
        let Some(mut hold) = self.hold.take() else {
            return marks;
        };
        hold.release(token);
        while let Some(step) = hold.next_step() {
            match step {
                Step::Bytes(bytes) => {
                    self.held -= bytes.len();
                    self.seal();
                    self.queue.push_back(Chunk::Owned(bytes));
                }
                Step::Mark(token) => marks.push(token),
            }
        }
        if hold.is_empty() {
            self.room_for = self.max_pending;
        } else {
            self.hold = Some(hold);
        }
        marks
    }

    /// Takes a message for which [`Outbox::is_full_for`] says that there is no room, if it only has to
    /// wait. Answers whether it did.
    #[cold]
    pub(crate) fn push_held(&mut self, parts: &[&[u8]], tail: &[u8]) -> bool {
        let len = parts.iter().map(|p| p.len()).sum::<usize>() + tail.len();
        let Some(hold) = &mut self.hold else {
            return false;
        };
        if self.pending + len > self.max_pending {
            return false;
        }
        self.pending += len;
        self.held += len;
        hold.push(parts.iter().copied().chain([tail]), len);
        true
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn set_overflow(&mut self, overflow: Overflow) {
        self.overflow = Some(overflow);
        self.discard();
    }

    /// Takes no more bytes and forgets those it has.
    pub(crate) fn discard(&mut self) {
        self.closed = true;
        self.queue = VecDeque::new();
        self.tail = Vec::new();
        self.pending = 0;
        self.hold = None;
        self.held = 0;
        self.written = 0;
        self.replies = None;
    }

    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    #[inline]
    pub(crate) fn count_message(&mut self, size: usize) {
        self.count_messages(1, size);
    }

    #[inline]
    pub(crate) fn count_messages(&mut self, count: usize, size: usize) {
        self.stats.msgs += count as u64;
        self.stats.bytes += size as u64;
    }

    pub(crate) fn count_dropped(&mut self) {
        self.stats.dropped += 1;
    }

    /// Counts a publisher held back for this peer.
    pub fn count_stall(&mut self) {
        self.stats.stalls += 1;
    }

    /// Requests that its owner may answer.
    pub(crate) fn answers_mut(&mut self) -> &mut Option<Box<Answers>> {
        &mut self.answers
    }

    /// Marks the outbox as appended to; answers whether the caller is the first and so must flush.
    #[inline]
    pub(crate) fn touch(&mut self) -> bool {
        !mem::replace(&mut self.touched, true)
    }

    pub(crate) fn replies_mut(&mut self) -> &mut Option<Box<ReplyMap>> {
        &mut self.replies
    }

    pub(crate) fn end_sub(&mut self, sub: Sub) {
        self.ended.push(sub);
    }

    /// Subscriptions that had their last message since the last call.
    pub fn take_ended(&mut self) -> Vec<Sub> {
        mem::take(&mut self.ended)
    }

    /// Makes room for `len` bytes in one piece at the end of the last chunk, taking a buffer from
    /// `spare` if a new one is needed, and answers that chunk. The caller appends just `len` bytes.
    #[inline]
    pub(crate) fn room(&mut self, len: usize, spare: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
        self.pending += len;
        let have = self.tail.len();
        if have + len > self.tail.capacity() {
            self.make_room(len, spare);
        }
        &mut self.tail
    }

    #[cold]
    fn make_room(&mut self, len: usize, spare: &mut Vec<Vec<u8>>) {
        if !self.tail.is_empty() && self.tail.len() + len > CHUNK {
            self.seal();
        }
        if self.tail.capacity() == 0
            && let Some(buffer) = spare.pop()
        {
            self.tail = buffer;
        }
        if self.tail.capacity() - self.tail.len() < len {
            // Grows by doubling up to one chunk; a larger message gets just what it needs.
            let want = (self.tail.capacity() * 2)
                .clamp(CHUNK_MIN, CHUNK)
                .max(self.tail.len() + len);
            self.tail.reserve_exact(want - self.tail.len());
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.queue
                .push_back(Chunk::Owned(mem::take(&mut self.tail)));
        }
    }

    /// Links bytes instead of copying them.
    pub(crate) fn push_shared(&mut self, bytes: Bytes) {
        self.pending += bytes.len();
        self.seal();
        self.queue.push_back(Chunk::Shared(bytes));
    }

    /// Appends bytes of the protocol's own conversation. They can't be dropped: a peer that lets too many
    /// of them pile up is given up.
    pub(crate) fn push_control(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        if self.pending + bytes.len() > self.max_control {
            self.set_overflow(Overflow::PendingBytes);
            return;
        }
        self.room(bytes.len(), &mut Vec::new())
            .extend_from_slice(bytes);
    }

    /// Appends what a link is told of all interest when it begins. That is as much as there is, and may wait
    /// on top of the bound: a link that was closed for it would be told the same the next time.
    pub(crate) fn push_listing(&mut self, bytes: &[u8]) {
        self.max_control = self.max_control.saturating_add(bytes.len());
        self.push_control(bytes);
    }

    /// Writes what is there. One at a time: who finds another at it leaves, since that one looks again
    /// before it goes.
    pub(crate) fn flush(
        outbox: &Mutex<Outbox>,
        sink: &dyn Sink,
        spare: &mut Vec<Vec<u8>>,
    ) -> Flush {
        for _ in 0..ROUNDS {
            let mut batch = {
                let mut o = outbox.lock();
                o.touched = false;
                if o.flushing || o.closed {
                    return Flush::Done;
                }
                if o.blocked {
                    return Flush::Done;
                }
                if o.pending == o.held {
                    return Flush::Done;
                }
                o.flushing = true;
                o.take_batch()
            };
            let (written, end) = batch.write(sink, spare);
            let mut o = outbox.lock();
            o.flushing = false;
            o.flushed += written as u64;
            if o.closed {
                return Flush::Done;
            }
            o.pending -= written;
            match end {
                Written::Bytes(_) => recycle(batch.tail, spare),
                Written::Full => {
                    o.put_back(batch);
                    o.blocked = true;
                    return Flush::Blocked;
                }
                Written::Broken => {
                    o.discard();
                    return Flush::Broken;
                }
            }
            if o.pending == o.held {
                o.touched = false;
                return Flush::Done;
            }
        }
        Flush::More
    }

    fn take_batch(&mut self) -> Batch {
        Batch {
            queue: mem::take(&mut self.queue),
            tail: mem::take(&mut self.tail),
            written: mem::take(&mut self.written),
        }
    }

    /// Puts what a full sink left back in front of what came meanwhile.
    fn put_back(&mut self, batch: Batch) {
        let mut queue = batch.queue;
        if !batch.tail.is_empty() {
            queue.push_back(Chunk::Owned(batch.tail));
        }
        queue.append(&mut self.queue);
        self.queue = queue;
        self.written = batch.written;
    }
}

/// What one flush has taken out of the outbox to write.
struct Batch {
    queue: VecDeque<Chunk>,
    tail: Vec<u8>,
    /// Bytes of the first chunk (or of the tail, if there is no other) written already.
    written: usize,
}

impl Batch {
    /// Writes until all is written or the sink takes no more. Answers the bytes written and, as the
    /// last outcome, `Bytes` for "all".
    fn write(&mut self, sink: &dyn Sink, spare: &mut Vec<Vec<u8>>) -> (usize, Written) {
        let mut total = 0;
        // Nearly always there is nothing but a tail.
        while self.queue.is_empty() {
            if self.written == self.tail.len() {
                return (total, Written::Bytes(total));
            }
            match sink.try_write(&[&self.tail[self.written..]]) {
                Written::Bytes(n) => {
                    total += n;
                    self.written += n;
                }
                end => return (total, end),
            }
        }
        loop {
            let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
            let mut count = 0;
            let chunks = self.queue.iter().map(Chunk::bytes).chain([&self.tail[..]]);
            for (at, chunk) in chunks.take(SLICES).enumerate() {
                slices[at] = if at == 0 {
                    &chunk[self.written..]
                } else {
                    chunk
                };
                count = at + 1;
            }
            let wanted: usize = slices[..count].iter().map(|s| s.len()).sum();
            if wanted == 0 {
                return (total, Written::Bytes(total));
            }
            match sink.try_write(&slices[..count]) {
                Written::Bytes(n) => {
                    total += n;
                    self.advance(n, spare);
                }
                end => return (total, end),
            }
        }
    }

    fn advance(&mut self, mut n: usize, spare: &mut Vec<Vec<u8>>) {
        while let Some(first) = self.queue.front() {
            let left = first.bytes().len() - self.written;
            if n < left {
                break;
            }
            n -= left;
            self.written = 0;
            if let Some(Chunk::Owned(buffer)) = self.queue.pop_front() {
                recycle(buffer, spare);
            }
        }
        self.written += n;
    }
}

/// Keeps a buffer for somebody else.
fn recycle(mut buffer: Vec<u8>, spare: &mut Vec<Vec<u8>>) {
    if buffer.capacity() > 0 && buffer.capacity() <= 2 * CHUNK && spare.len() < SPARES {
        buffer.clear();
        spare.push(buffer);
    }
}
