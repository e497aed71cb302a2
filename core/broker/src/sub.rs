//! One subscription, in a single allocation: its fields, then subject, queue name and id.
//! Not here: where it is kept (the account's index, and its connection's table).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use core::time::Duration;

use gannet_subject::{Class, Entry};
use gannet_units::Moment;
use triomphe::ThinArc;

use crate::peer::Peer;

#[derive(Debug)]
struct Head {
    peer: Arc<Peer>,
    /// Messages delivered. Written only under the peer's outbox lock.
    delivered: AtomicU64,
    /// Messages after which the subscription ends; 0 is never. A size of the protocol has at most nine
    /// digits. Of another server's interest, which does not end so: its [weight](Sub::weight).
    max: AtomicU32,
    /// Position in the index's group; written only under the index's lock.
    slot: AtomicU32,
    subject_len: u32,
    queue_len: u32,
    /// When it was made, in [`TICK`]s; wraps around.
    made: u32,
    class: Class,
    in_queue: bool,
    /// It stands in the account of an export for a subscription in the importing one.
    is_shadow: bool,
}

/// Nanoseconds of one tick, about a millisecond.
const TICK: u64 = 1 << 20;

fn ticks(now: Moment) -> u32 {
    (now.as_nanos() / TICK) as u32
}

/// A subscription: interest of one peer in one subject. Clones share it.
#[derive(Clone, Debug)]
pub struct Sub(ThinArc<Head, u8>);

impl Sub {
    /// A subscription of `peer`. `subject` must be a valid pattern.
    pub fn new(
        peer: Arc<Peer>,
        class: Class,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
        now: Moment,
    ) -> Sub {
        Sub::build(peer, class, subject, queue, sid, now, false)
    }

    /// What stands for this subscription in another account, on `subject` there. Deliveries are counted at this
    /// one.
    pub(crate) fn shadow(&self, subject: &[u8], now: Moment) -> Sub {
        let (peer, class) = (self.peer().clone(), self.class());
        Sub::build(peer, class, subject, self.queue(), self.sid(), now, true)
    }

    fn build(
        peer: Arc<Peer>,
        class: Class,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
        now: Moment,
        is_shadow: bool,
    ) -> Sub {
        let name = queue.unwrap_or_default();
        let head = Head {
            peer,
            delivered: AtomicU64::new(0),
            max: AtomicU32::new(0),
            slot: AtomicU32::new(0),
            subject_len: u32::try_from(subject.len())
                .expect("a control line is shorter than 4 GiB"),
            queue_len: u32::try_from(name.len()).expect("a control line is shorter than 4 GiB"),
            made: ticks(now),
            class,
            in_queue: queue.is_some(),
            is_shadow,
        };
        let text: Vec<u8> = [subject, name, sid].concat();
        Sub(ThinArc::from_header_and_slice(head, &text))
    }

    fn head(&self) -> &Head {
        &self.0.header.header
    }

    fn text(&self) -> &[u8] {
        &self.0.slice
    }

    /// Whose interest it is.
    #[inline]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.head().peer
    }

    /// The id its owner gave it.
    pub fn sid(&self) -> &[u8] {
        &self.text()[(self.head().subject_len + self.head().queue_len) as usize..]
    }

    /// Whether it stands for a subscription in another account.
    #[inline]
    pub fn is_shadow(&self) -> bool {
        self.head().is_shadow
    }

    /// Tells it from all others, as long as there is one of it.
    pub(crate) fn address(&self) -> usize {
        core::ptr::from_ref(self.head()).addr()
    }

    /// Messages delivered to it.
    pub fn delivered(&self) -> u64 {
        self.head().delivered.load(Relaxed)
    }

    /// Messages after which it ends; 0 is never.
    pub fn max(&self) -> u64 {
        u64::from(self.head().max.load(Relaxed))
    }

    /// Ends it after `max` messages in all; 0 is never.
    pub fn set_max(&self, max: u64) {
        self.head()
            .max
            .store(u32::try_from(max).unwrap_or(u32::MAX), Relaxed);
    }

    /// Nothing is delivered to it any more, not even what another thread is about to: whoever is told after this
    /// that it has ended can rely on that.
    pub fn end(&self) {
        let _held = self.peer().outbox();
        self.head()
            .delivered
            .store(self.delivered().max(1), Relaxed);
        self.set_max(1);
    }

    /// How many members of its queue group stand behind it: more than one only for the interest of another
    /// server of this cluster.
    pub fn weight(&self) -> u32 {
        match self.head().class {
            Class::Route => self.head().max.load(Relaxed).max(1),
            Class::Local | Class::Gateway => 1,
        }
    }

    /// Sets the weight of another server's interest.
    pub(crate) fn set_weight(&self, weight: u32) {
        self.head().max.store(weight, Relaxed);
    }

    /// Whether it was made less than `age` before `now`.
    pub(crate) fn is_younger_than(&self, age: Duration, now: Moment) -> bool {
        u64::from(ticks(now).wrapping_sub(self.head().made)) * TICK < age.as_nanos() as u64
    }

    /// Counts one delivery, unless it has had all it may have. Answers whether this one is allowed and
    /// whether it is the last. Called under the peer's outbox lock.
    #[inline]
    pub(crate) fn count_delivery(&self) -> (bool, bool) {
        let (n, max) = (self.delivered() + 1, self.max());
        if max != 0 && n > max {
            return (false, true);
        }
        self.head().delivered.store(n, Relaxed);
        (true, n == max)
    }

    /// Whether it takes any number of messages.
    #[inline]
    pub(crate) fn has_no_end(&self) -> bool {
        self.head().max.load(Relaxed) == 0
    }

    /// Counts deliveries to one that [has no end](Sub::has_no_end), or to another server's interest. Called under the
    /// peer's outbox lock.
    #[inline]
    pub(crate) fn count_deliveries(&self, count: usize) {
        let n = self.delivered() + count as u64;
        self.head().delivered.store(n, Relaxed);
    }
}

impl Entry for Sub {
    #[inline]
    fn subject(&self) -> &[u8] {
        &self.text()[..self.head().subject_len as usize]
    }

    fn queue(&self) -> Option<&[u8]> {
        let head = self.head();
        let start = head.subject_len as usize;
        head.in_queue
            .then(|| &self.text()[start..start + head.queue_len as usize])
    }

    fn class(&self) -> Class {
        self.head().class
    }

    fn same(&self, other: &Self) -> bool {
        core::ptr::eq(self.head(), other.head())
    }

    fn slot(&self) -> u32 {
        self.head().slot.load(Relaxed)
    }

    fn set_slot(&self, slot: u32) {
        self.head().slot.store(slot, Relaxed);
    }
}
