//! The other end of one connection, as the switchboard sees it: an outbox, a signal to its task, and
//! the few traits that delivery must know. Not here: its conversation (`gannet_session`), its socket.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};

use arc_swap::ArcSwapOption;
use gannet_identity::Rights;
use gannet_units::{ConnId, Moment};
use gannet_wire::reply_prefix::Hash;
use parking_lot::{Mutex, MutexGuard};

use crate::drained::Drained;
use crate::outbox::{Flush, Outbox};

/// Takes bytes without waiting.
pub trait Sink: Send + Sync {
    /// Writes as much of `chunks`, in order, as fits now.
    fn try_write(&self, chunks: &[&[u8]]) -> Written;
}

/// What became of an attempt to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// So many bytes were taken; more may fit.
    Bytes(usize),
    /// Nothing fits now.
    Full,
    /// The connection is gone.
    Broken,
}

/// Bytes of interest that may wait for a link, in multiples of the bound for messages: with the defaults,
/// interest in about ten million subjects.
const LINK_CONTROL: usize = 8;

/// What kind of peer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// A client.
    Client,
    /// A server of this cluster.
    Route,
    /// A server of another cluster, over the connection that we dialled: messages go out here.
    OutboundGateway,
    /// A server of another cluster, over the connection that it dialled: interest goes out here.
    InboundGateway,
}

/// Events for a connection's own task, as bits.
#[derive(Debug, Default)]
pub struct Signal {
    bits: AtomicU32,
    waker: Mutex<Option<Waker>>,
}

impl Signal {
    /// The outbox has bytes that nobody else will flush.
    pub const FLUSH: u32 = 1;
    /// The connection must end; the outbox or the connection's owner says why.
    pub const CLOSE: u32 = 2;
    /// Some of the connection's subscriptions have had all their messages.
    pub const ENDED_SUBS: u32 = 4;
    /// The server has news to tell the peer (a changed INFO).
    pub const NEWS: u32 = 8;
    /// The server's options have changed.
    pub const RELOAD: u32 = 16;
    /// Somebody wants to know what becomes of the connection under other options.
    pub const TRIAL: u32 = 32;

    /// Sets `bits` and wakes the task if they are news to it.
    pub fn raise(&self, bits: u32) {
        if self.bits.fetch_or(bits, Ordering::AcqRel) & bits != bits {
            let waker = self.waker.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Takes the bits that are set; registers the task for the next ones if there are none.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<u32> {
        let bits = self.bits.swap(0, Ordering::AcqRel);
        if bits != 0 {
            return Poll::Ready(bits);
        }
        {
            let mut waker = self.waker.lock();
            if !waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        // A bit raised between the swap and the registration found no waker to wake.
        match self.bits.swap(0, Ordering::AcqRel) {
            0 => Poll::Pending,
            bits => Poll::Ready(bits),
        }
    }
}

/// Takes nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn try_write(&self, _: &[&[u8]]) -> Written {
        Written::Broken
    }
}

/// The other end of one connection.
pub struct Peer {
    id: ConnId,
    kind: PeerKind,
    traits: AtomicU8,
    outbox: Mutex<Outbox>,
    signal: Signal,
    drained: Drained,
    /// When a batch last brought it messages, in nanoseconds.
    last_delivery: AtomicU64,
    /// Which server of the cluster it is: the mark of its id; zero if it is none.
    server: AtomicU64,
    /// What its user may do; everything if there are none.
    rights: ArcSwapOption<Rights>,
    sink: Box<dyn Sink>,
}

const HEADERS: u8 = 1;
const NO_ECHO: u8 = 2;
const REPLY_MAP: u8 = 4;
const ONE_ACCOUNT: u8 = 8;
const GONE: u8 = 16;
const RIGHTS: u8 = 32;
const ANSWERS: u8 = 64;
const INTERNAL: u8 = 128;

impl Peer {
    /// A peer whose outbox holds at most `max_pending` bytes and is flushed into `sink`.
    pub fn new(id: ConnId, kind: PeerKind, max_pending: usize, sink: Box<dyn Sink>) -> Peer {
        let max_control = match kind {
            PeerKind::Client => max_pending,
            PeerKind::Route | PeerKind::OutboundGateway | PeerKind::InboundGateway => {
                max_pending.saturating_mul(LINK_CONTROL)
            }
        };
        let outbox = Mutex::new(Outbox::new(max_pending, max_control));
        Peer {
            id,
            kind,
            traits: AtomicU8::new(0),
            outbox,
            signal: Signal::default(),
            drained: Drained::default(),
            last_delivery: AtomicU64::new(0),
            server: AtomicU64::new(0),
            rights: ArcSwapOption::empty(),
            sink,
        }
    }

    /// The server itself, which is sent nothing.
    pub(crate) fn internal() -> Peer {
        let peer = Peer::new(ConnId(0), PeerKind::Client, 0, Box::new(Nowhere));
        peer.outbox().discard();
        peer.set(INTERNAL, true);
        peer
    }

    /// Whether it is the server itself.
    pub(crate) fn is_internal(&self) -> bool {
        self.traits.load(Ordering::Relaxed) & INTERNAL != 0
    }

    /// The connection's number.
    pub fn id(&self) -> ConnId {
        self.id
    }

    /// What kind of peer it is.
    #[inline]
    pub fn kind(&self) -> PeerKind {
        self.kind
    }

    /// The signal of the connection's own task.
    pub fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Locks the outbox. Nothing else may be locked, nor anything waited for, while it is held.
    #[inline]
    pub fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock()
    }

    /// When it was last sent messages; the beginning of time if never.
    pub fn last_delivery(&self) -> Moment {
        Moment::from_nanos(self.last_delivery.load(Ordering::Relaxed))
    }

    /// A batch at `now` had messages for it.
    pub(crate) fn note_delivery(&self, now: Moment) {
        self.last_delivery.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Sets whether the peer takes headers.
    pub fn set_headers(&self, on: bool) {
        self.set(HEADERS, on);
    }

    /// Sets whether the peer's own messages come back to its own subscriptions.
    pub fn set_echo(&self, on: bool) {
        self.set(NO_ECHO, !on);
    }

    /// Sets whether the connection is one account's own, so that its lines don't name the account.
    pub fn set_one_account(&self, on: bool) {
        self.set(ONE_ACCOUNT, on);
    }

    /// Sets which server of the cluster it is.
    pub(crate) fn set_server(&self, mark: &Hash) {
        self.server.store(number(mark), Ordering::Relaxed);
    }

    /// Whether it is a connection to the server of the cluster with this mark.
    pub(crate) fn is_of(&self, mark: &Hash) -> bool {
        self.server.load(Ordering::Relaxed) == number(mark)
    }

    /// Whether both are connections to one server of the cluster.
    pub(crate) fn is_same_server(&self, other: &Peer) -> bool {
        self.server.load(Ordering::Relaxed) == other.server.load(Ordering::Relaxed)
    }

    /// The connection has ended: interest that still names it counts for nothing.
    pub(crate) fn set_gone(&self) {
        self.set(GONE, true);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.traits.load(Ordering::Relaxed) & GONE != 0
    }

    pub(crate) fn names_accounts(&self) -> bool {
        self.traits.load(Ordering::Relaxed) & ONE_ACCOUNT == 0
    }

    /// Sets what its user may do; `None` is everything. Plans that concern it are to be made anew.
    pub(crate) fn set_rights(&self, rights: Option<Arc<Rights>>) {
        let answers = rights.as_ref().is_some_and(|r| r.responses().is_some());
        let limited = rights.is_some();
        self.rights.store(rights);
        self.set(RIGHTS, limited);
        self.set(ANSWERS, answers);
        if !answers {
            *self.outbox().answers_mut() = None;
        }
    }

    /// What its user may do; `None` is everything.
    pub fn rights(&self) -> Option<Arc<Rights>> {
        if self.traits.load(Ordering::Relaxed) & RIGHTS == 0 {
            return None;
        }
        self.rights.load_full()
    }

    /// A message with this reply is delivered; `outbox` is this peer's own.
    #[inline]
    pub(crate) fn expect_answer(&self, outbox: &mut Outbox, reply: &[u8], now: Moment) {
        if self.traits.load(Ordering::Relaxed) & ANSWERS != 0 {
            outbox
                .answers_mut()
                .get_or_insert_default()
                .expect(reply, now);
        }
    }

    /// Whether it may send one (more) answer to a message with this reply; counts it.
    pub(crate) fn may_answer(&self, reply: &[u8], now: Moment) -> bool {
        let Some(allowed) = self.rights().and_then(|rights| rights.responses()) else {
            return false;
        };
        let mut outbox = self.outbox();
        let answers = outbox.answers_mut().as_mut();
        answers.is_some_and(|answers| answers.take(reply, allowed, now))
    }

    /// Remembers for a while that the reply subject `plain` stands for `mapped`; `outbox` is this
    /// peer's own.
    pub(crate) fn map_reply(&self, outbox: &mut Outbox, plain: &[u8], mapped: &[u8], now: Moment) {
        outbox
            .replies_mut()
            .get_or_insert_default()
            .insert(plain, mapped, now);
        self.set(REPLY_MAP, true);
    }

    /// The mapped form of a reply subject, if it is still remembered.
    pub(crate) fn mapped_reply(&self, plain: &[u8], now: Moment) -> Option<Box<[u8]>> {
        let mut outbox = self.outbox();
        let map = outbox.replies_mut();
        let found = map.as_mut().and_then(|m| m.get(plain, now));
        if map.as_ref().is_none_or(|m| m.is_empty()) {
            *map = None;
            self.set(REPLY_MAP, false);
        }
        found
    }

    #[inline]
    pub(crate) fn takes_headers(&self) -> bool {
        self.traits.load(Ordering::Relaxed) & HEADERS != 0
    }

    #[inline]
    pub(crate) fn wants_echo(&self) -> bool {
        self.traits.load(Ordering::Relaxed) & NO_ECHO == 0
    }

    #[inline]
    pub(crate) fn has_reply_map(&self) -> bool {
        self.traits.load(Ordering::Relaxed) & REPLY_MAP != 0
    }

    fn set(&self, bit: u8, on: bool) {
        if on {
            self.traits.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.traits.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Appends bytes of the connection's own conversation and leaves their flush to the caller.
    pub fn send(&self, bytes: &[u8]) {
        self.append(|outbox| outbox.push_control(bytes));
    }

    /// [`Peer::send`] of all the interest that a link begins with, however much that is.
    pub(crate) fn send_listing(&self, bytes: &[u8]) {
        self.append(|outbox| outbox.push_listing(bytes));
    }

    fn append(&self, push: impl FnOnce(&mut Outbox)) {
        let mut outbox = self.outbox();
        push(&mut outbox);
        let given_up = outbox.overflow().is_some();
        drop(outbox);
        if given_up {
            self.signal.raise(Signal::CLOSE);
            self.drained.tell();
        }
    }

    /// Appends bytes and asks the connection's own task to flush them.
    pub fn send_later(&self, bytes: &[u8]) {
        self.send(bytes);
        self.signal.raise(Signal::FLUSH);
    }

    /// Writes what the outbox holds, as far as the sink takes it. Buffers that became empty go to
    /// `spare`. Any thread may call it: whoever comes second leaves the work to the first.
    pub fn flush(&self, spare: &mut Vec<Vec<u8>>) -> Flush {
        let outcome = self.write_out(spare);
        match outcome {
            Flush::Done => {}
            Flush::Blocked | Flush::More => self.signal.raise(Signal::FLUSH),
            Flush::Broken => self.signal.raise(Signal::CLOSE),
        }
        outcome
    }

    /// As [`Peer::flush`], for the connection's own task once the sink takes bytes again.
    pub fn flush_unblocked(&self, spare: &mut Vec<Vec<u8>>) -> Flush {
        self.outbox().unblock();
        self.write_out(spare)
    }

    fn write_out(&self, spare: &mut Vec<Vec<u8>>) -> Flush {
        let outcome = Outbox::flush(&self.outbox, self.sink.as_ref(), spare);
        self.drained.tell();
        outcome
    }

    /// Forgets what waits, and takes nothing more.
    pub fn discard(&self) {
        self.outbox().discard();
        self.drained.tell();
    }

    /// Ready when no more than `most` bytes wait, or when nothing more is taken.
    pub fn poll_drained(&self, cx: &Context<'_>, most: usize) -> Poll<()> {
        let is_drained = || {
            let outbox = self.outbox();
            outbox.is_closed() || outbox.pending() <= most
        };
        if is_drained() {
            return Poll::Ready(());
        }
        self.drained.await_by(cx);
        // What was written before that has woken nobody.
        match is_drained() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A server's mark as a number; 0 stands for none.
fn number(mark: &Hash) -> u64 {
    let mut number = [0; 8];
    number[..6].copy_from_slice(mark);
    u64::from_be_bytes(number)
}
