//! Delivery: from a plan to the bytes in the outboxes, and at the end of a batch to the sockets. A
//! [`Delivery`] belongs to one connection's task; it holds the work of the batch just read that is
//! not done yet. Not here: the plan.

mod run;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::AddAssign;

use bytes::Bytes;
use gannet_units::Moment;
use gannet_wire::client::encode;

use crate::account::Account;
use crate::broker::Broker;
use crate::message::Message;
use crate::origin::Origin;
use crate::outbox::{Flush, Outbox, Overflow};
use crate::peer::{Peer, Signal};
use crate::plan::{LinkTarget, Plan, Queue, Target};
use crate::sub::Sub;

/// Messages from this size on are linked into an outbox instead of copied, where the sender's buffer can
/// be shared. Below it, a second chunk and its reference count cost more than the copy.
pub const LINK_FROM: usize = 16 * 1024;
/// Drained buffers held before they go back to the server's pool.
const SPARES_HELD: usize = 64;
/// A peer with this much waiting is flushed before the batch ends, so that a batch with a large
/// fan-out stays in the processor's cache and far from the peers' bounds.
const FLUSH_EARLY: usize = 256 * 1024;

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Local subscriptions that got it.
    pub local: u32,
    /// Other servers and clusters that it was sent to.
    pub remote: u32,
    /// Its sender may not publish on its subject.
    pub is_refused: bool,
}

impl AddAssign for Delivered {
    fn add_assign(&mut self, more: Delivered) {
        self.local += more.local;
        self.remote += more.remote;
    }
}

impl Delivered {
    pub(crate) const REFUSED: Delivered = Delivered {
        local: 0,
        remote: 0,
        is_refused: true,
    };

    /// Nobody got it.
    pub fn is_none(self) -> bool {
        self.local == 0 && self.remote == 0
    }
}

/// A message on its way to its targets.
#[derive(Clone, Copy)]
struct Sent<'a> {
    from: &'a Arc<Peer>,
    msg: &'a Message<'a>,
    origin: &'a Origin<'a>,
}

impl<'a> Sent<'a> {
    fn by_client(from: &'a Arc<Peer>, msg: &'a Message<'a>) -> Sent<'a> {
        let origin = &Origin::Client;
        Sent { from, msg, origin }
    }
}

/// Who took a message for a queue group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    Nobody,
    /// A member here.
    Here,
    /// The server behind this link will find one.
    By(usize),
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    msgs: u64,
    bytes: u64,
}

impl Totals {
    fn add(&mut self, size: usize) {
        self.add_many(1, size);
    }

    fn add_many(&mut self, count: usize, size: usize) {
        self.msgs += count as u64;
        self.bytes += size as u64;
    }
}

/// One connection's deliveries.
#[derive(Debug)]
pub struct Delivery {
    now: Moment,
    random: u64,
    touched: Vec<Arc<Peer>>,
    spare: Vec<Vec<u8>>,
    /// The server has no more spare buffers; not asked again in this batch.
    pool_dry: bool,
    ended: Vec<Sub>,
    /// A peer so far behind that the sender should wait for it a moment.
    crowded: Option<Arc<Peer>>,
    to_clients: Totals,
    to_links: Totals,
    /// What of both has been counted for an account.
    settled: Totals,
    /// A tail written anew where the sender's cannot be repeated.
    tail: Vec<u8>,
    /// The message without its headers, for those who don't take them.
    stripped: Vec<u8>,
    /// Names of queues for one link's frame.
    names: Vec<u8>,
    /// For each queue of the plan, who has got the message.
    served: Vec<Served>,
    /// Which messages of a run go to which member of a queue group.
    shares: run::Shares,
}

impl Delivery {
    /// Deliveries of one connection; `seed` picks queue members.
    pub fn new(seed: u64) -> Delivery {
        Delivery {
            now: Moment::START,
            random: seed | 1,
            touched: Vec::new(),
            spare: Vec::new(),
            pool_dry: false,
            ended: Vec::new(),
            crowded: None,
            to_clients: Totals::default(),
            to_links: Totals::default(),
            settled: Totals::default(),
            tail: Vec::new(),
            stripped: Vec::new(),
            names: Vec::new(),
            served: Vec::new(),
            shares: run::Shares::default(),
        }
    }

    /// Begins a batch at `now`.
    pub fn begin(&mut self, now: Moment) {
        self.now = now;
        self.pool_dry = false;
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// Gives back what is kept for speed; for a connection that has gone quiet.
    pub fn rest(&mut self) {
        *self = Delivery::new(self.random);
    }

    /// Buffers, for a flush on the connection's own behalf.
    pub fn spare(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.spare
    }

    /// A peer so far behind that the sender should wait for it a moment; asked once per batch.
    pub fn take_crowded(&mut self) -> Option<Arc<Peer>> {
        self.crowded.take()
    }

    /// Counts what was delivered since the last time for `account`: whenever messages of another one follow, and at
    /// the end of the batch.
    pub fn settle(&mut self, account: &Account) {
        let (clients, links) = (self.to_clients, self.to_links);
        let all = Totals {
            msgs: clients.msgs + links.msgs,
            bytes: clients.bytes + links.bytes,
        };
        let before = core::mem::replace(&mut self.settled, all);
        if all.msgs > before.msgs {
            let traffic = account.traffic();
            traffic.sent(all.msgs - before.msgs, all.bytes - before.bytes);
        }
    }

    /// Flushes every peer that the batch appended to, and adds its counts to the totals.
    pub fn finish(&mut self, broker: &Broker) {
        for peer in self.touched.drain(..) {
            peer.note_delivery(self.now);
            // Whoever can't be flushed now is woken by `flush` itself.
            let _: Flush = peer.flush(&mut self.spare);
            if self.spare.len() >= SPARES_HELD {
                broker.chunks.give(&mut self.spare);
            }
        }
        broker.chunks.give(&mut self.spare);
        self.settled = Totals::default();
        let Totals { msgs, bytes } = core::mem::take(&mut self.to_clients);
        if msgs > 0 {
            broker.traffic.sent(msgs, bytes);
            broker.client_traffic.sent(msgs, bytes);
        }
        let Totals { msgs, bytes } = core::mem::take(&mut self.to_links);
        if msgs > 0 {
            broker.traffic.sent(msgs, bytes);
        }
    }

    /// xorshift64*: enough to spread messages over queue members.
    pub(crate) fn random(&mut self) -> usize {
        let mut x = self.random;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random = x;
        (x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize
    }

    /// Delivers `msg` along `plan`.
    #[inline]
    pub(crate) fn deliver(
        &mut self,
        broker: &Broker,
        account: &Account,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        origin: Origin<'_>,
        plan: &Plan,
    ) -> Delivered {
        if msg.tail.is_empty() {
            return self.deliver_rewritten(broker, account, from, msg, origin, plan);
        }
        self.stripped.clear();
        let mut done = Delivered::default();
        let sent = Sent {
            from,
            msg,
            origin: &origin,
        };
        for target in &plan.plain {
            self.refill(broker);
            done.local += u32::from(self.serve(plan, target, sent));
        }
        if !plan.queues.is_empty() {
            self.refill(broker);
            self.serve_queues(plan, sent, &mut done);
        }
        if !plan.links.is_empty() {
            self.forward(broker, account, plan, sent, &mut done);
        }
        if !self.ended.is_empty() {
            self.end_subs(account, plan);
        }
        done
    }

    /// Writes the sizes and the payload anew, since the sender's spacing can't be repeated.
    #[cold]
    fn deliver_rewritten(
        &mut self,
        broker: &Broker,
        account: &Account,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        origin: Origin<'_>,
        plan: &Plan,
    ) -> Delivered {
        let mut tail = core::mem::take(&mut self.tail);
        tail.clear();
        encode::tail(&mut tail, msg.header_len, msg.payload);
        let done = self.deliver(
            broker,
            account,
            from,
            &Message {
                tail: &tail,
                shared: None,
                ..*msg
            },
            origin,
            plan,
        );
        self.tail = tail;
        done
    }

    /// Sees to it that a buffer is at hand, if the server has one. Before an outbox is locked: the pool
    /// has a lock of its own.
    #[inline]
    fn refill(&mut self, broker: &Broker) {
        if self.spare.is_empty() && !self.pool_dry {
            self.pool_dry = !broker.chunks.take(&mut self.spare);
        }
    }

    fn serve_queues(&mut self, plan: &Plan, sent: Sent<'_>, done: &mut Delivered) {
        self.served.clear();
        for queue in &plan.queues {
            let served = if sent.origin.asks_for(&queue.name) {
                self.serve_queue(plan, queue, sent)
            } else {
                Served::Nobody
            };
            done.local += u32::from(served == Served::Here);
            self.served.push(served);
        }
    }

    /// Picks one of all members in the cluster, each as likely as the others; if it is one here that
    /// can't take the message, another one.
    fn serve_queue(&mut self, plan: &Plan, queue: &Queue, sent: Sent<'_>) -> Served {
        let routed = match sent.origin.goes_to_routes() {
            true => &plan.routed[queue.routed.clone()],
            false => &[],
        };
        if !routed.is_empty() {
            let mut pick = self.random() % (queue.members.len() + queue.routed_weight);
            for route in routed {
                if pick < route.weight {
                    return Served::By(route.link);
                }
                pick -= route.weight;
            }
        }
        if self.serve_one_member(plan, queue, sent) {
            return Served::Here;
        }
        routed
            .first()
            .map_or(Served::Nobody, |route| Served::By(route.link))
    }

    /// Tries the members from a random one on, until one takes the message.
    fn serve_one_member(&mut self, plan: &Plan, queue: &Queue, sent: Sent<'_>) -> bool {
        let members = &plan.members[queue.members.clone()];
        if members.is_empty() {
            return false;
        }
        let start = self.random() % members.len();
        let (before, after) = members.split_at(start);
        after
            .iter()
            .chain(before)
            .any(|member| self.serve(plan, member, sent))
    }

    #[inline]
    fn serve(&mut self, plan: &Plan, target: &Target, sent: Sent<'_>) -> bool {
        let Sent { from, msg, origin } = sent;
        let sub = &target.sub;
        let peer = sub.peer();
        if Arc::ptr_eq(peer, from) && !from.wants_echo() {
            return false;
        }
        let headers = msg.header_len.is_some() && peer.takes_headers();
        if msg.header_len.is_some() && !headers {
            self.strip(msg);
        }
        let (tail, shared): (&[u8], _) = if msg.header_len.is_none() || headers {
            (msg.tail, msg.shared)
        } else {
            (&self.stripped, None)
        };
        let prefix = plan.delivery_prefix(target, headers);
        let spaced = if msg.reply.is_empty() { &b""[..] } else { b" " };

        let mut outbox = peer.outbox();
        if outbox.is_closed() {
            return false;
        }
        let (allowed, last) = sub.count_delivery();
        if !allowed {
            return false;
        }
        if outbox.is_full_for(prefix.len() + msg.reply.len() + tail.len() + 1) {
            outbox.set_overflow(Overflow::PendingBytes);
            drop(outbox);
            peer.signal().raise(Signal::CLOSE);
            return false;
        }
        append(
            &mut outbox,
            [prefix, msg.reply, spaced, b""],
            tail,
            shared,
            &mut self.spare,
        );
        outbox.count_message(msg.size());
        if !msg.reply.is_empty() {
            let mapped_reply = origin.mapped_reply();
            if !mapped_reply.is_empty() {
                peer.map_reply(&mut outbox, msg.reply, mapped_reply, self.now);
            }
            peer.expect_answer(&mut outbox, msg.reply, self.now);
        }
        if last {
            outbox.end_sub(sub.clone());
            self.ended.push(sub.clone());
        }
        self.to_clients.add(msg.size());
        self.after_append(peer, outbox);
        true
    }

    /// Notes what is left to do for a peer that was just appended to.
    #[inline]
    fn after_append(&mut self, peer: &Arc<Peer>, mut outbox: parking_lot::MutexGuard<'_, Outbox>) {
        let first = outbox.touch();
        let crowded = outbox.is_crowded();
        let early = outbox.pending() > FLUSH_EARLY && !outbox.is_blocked();
        drop(outbox);
        if first {
            self.touched.push(peer.clone());
        }
        if early {
            let _: Flush = peer.flush(&mut self.spare);
        }
        if crowded && self.crowded.is_none() {
            self.crowded = Some(peer.clone());
        }
    }

    /// Fills `stripped` with the tail of the message without its headers, once per message.
    #[cold]
    fn strip(&mut self, msg: &Message<'_>) {
        if self.stripped.is_empty() {
            encode::tail(
                &mut self.stripped,
                None,
                &msg.payload[msg.header_len.unwrap_or(0)..],
            );
        }
    }

    fn forward(
        &mut self,
        broker: &Broker,
        account: &Account,
        plan: &Plan,
        sent: Sent<'_>,
        done: &mut Delivered,
    ) {
        let Sent { msg, origin, .. } = sent;
        let (routes, gateways) = (origin.goes_to_routes(), origin.goes_to_gateways());
        let mapped_reply = origin.mapped_reply();
        let mut mapped = None;
        for (at, target) in plan.links.iter().enumerate() {
            let is_route = at < plan.routes;
            if !(if is_route { routes } else { gateways }) {
                continue;
            }
            self.name_queues(plan, at);
            if !target.plain && self.names.is_empty() {
                continue;
            }
            self.refill(broker);
            let prefix: &[u8] = match &broker.options().reply_prefix {
                _ if !mapped_reply.is_empty() => {
                    &mapped_reply[..mapped_reply.len() - msg.reply.len()]
                }
                Some(prefix)
                    if !is_route
                        && *mapped.get_or_insert_with(|| {
                            account.subscribed_lately(msg.reply, self.now)
                        }) =>
                {
                    prefix.as_bytes()
                }
                _ => b"",
            };
            done.remote += u32::from(self.forward_to(plan, target, msg, prefix));
        }
    }

    /// Collects the names of the queue groups that the server or cluster behind a link shall serve.
    fn name_queues(&mut self, plan: &Plan, link: usize) {
        self.names.clear();
        for (queue, served) in plan.queues.iter().zip(&self.served) {
            let asked = match *served {
                Served::Here => false,
                Served::By(at) => at == link,
                // Another cluster gets what no member in this one can take.
                Served::Nobody => queue.remote == Some(link),
            };
            if asked {
                self.names.extend_from_slice(&queue.name);
                self.names.push(b' ');
            }
        }
    }

    fn forward_to(
        &mut self,
        plan: &Plan,
        target: &LinkTarget,
        msg: &Message<'_>,
        reply_prefix: &[u8],
    ) -> bool {
        let peer = &target.peer;
        let headers = msg.header_len.is_some() && peer.takes_headers();
        if msg.header_len.is_some() && !headers {
            self.strip(msg);
        }
        let (tail, shared): (&[u8], _) = if msg.header_len.is_none() || headers {
            (msg.tail, msg.shared)
        } else {
            (&self.stripped, None)
        };
        let verb: &[u8] = if headers { b"H" } else { b"R" };
        let (mark, spaced): (&[u8], &[u8]) = match (self.names.is_empty(), msg.reply.is_empty()) {
            (true, true) => (b"", b""),
            (true, false) => (b"", b" "),
            (false, true) => (b"| ", b""),
            (false, false) => (b"+ ", b" "),
        };
        let parts = [
            verb,
            plan.link_prefix(target),
            mark,
            reply_prefix,
            msg.reply,
            spaced,
            &self.names,
        ];
        let len: usize = parts.iter().map(|p| p.len()).sum::<usize>() + tail.len();

        let mut outbox = peer.outbox();
        if outbox.is_closed() {
            return false;
        }
        if !outbox.is_full_for(len) {
            append(&mut outbox, parts, tail, shared, &mut self.spare);
        } else if !outbox.push_held(&parts, tail) {
            // The remote is too slow: the message is lost to it, and to nobody else. It still counts
            // as somebody who wanted it.
            outbox.count_dropped();
            return true;
        }
        target.count_deliveries(1);
        outbox.count_message(msg.size());
        self.to_links.add(msg.size());
        self.after_append(peer, outbox);
        true
    }

    /// Takes subscriptions that had their last message out of the account, and tells their owners.
    #[cold]
    fn end_subs(&mut self, account: &Account, plan: &Plan) {
        for sub in self.ended.drain(..) {
            if account.unsubscribe(&sub).is_none() {
                let mut owners = plan.owners.iter();
                owners.find(|owner| owner.unsubscribe(&sub).is_some());
            }
            sub.peer().signal().raise(Signal::ENDED_SUBS);
        }
    }
}

/// Appends one frame to an outbox.
#[inline]
fn append<const N: usize>(
    outbox: &mut Outbox,
    parts: [&[u8]; N],
    tail: &[u8],
    shared: Option<&Bytes>,
    spare: &mut Vec<Vec<u8>>,
) {
    let head: usize = parts.iter().map(|p| p.len()).sum();
    match shared {
        None => {
            let room = outbox.room(head + tail.len(), spare);
            for part in parts {
                room.extend_from_slice(part);
            }
            room.extend_from_slice(tail);
        }
        Some(shared) => {
            let room = outbox.room(head, spare);
            for part in parts {
                room.extend_from_slice(part);
            }
            outbox.push_shared(shared.clone());
        }
    }
}
