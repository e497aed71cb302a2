//! Delivery of a run: target by target instead of message by message. Each target's lock is taken once,
//! and with many targets each one's bytes are written while they are still in the processor's cache.
//!
//! The order that one connection sees is the publisher's own only if no two targets are of one
//! connection; where they are, and wherever a message of a run may fare differently from the others,
//! the messages go one by one.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Delivery, Sent};
use crate::account::Account;
use crate::broker::Broker;
use crate::origin::Origin;
use crate::outbox::{Flush, Outbox};
use crate::peer::Peer;
use crate::plan::{LinkTarget, Plan, Queue, Target};
use crate::run::{Item, Run};

/// From so many targets on, one with enough to write is flushed before the next gets its bytes, so
/// that they all take turns with the same few buffers.
const WIDE: usize = 4;
/// What is enough to write.
const WORTH_A_FLUSH: usize = 16 * 1024;

/// Which of a run's items go to which member of a group, without a list for each.
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// For each member, the first of its items; [`NONE`] if it has none.
    first: Vec<u32>,
    /// For each item, the next one of the same member.
    next: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Shares {
    /// Gives each of `items` items to the member that `pick` names.
    fn draw(&mut self, items: usize, members: usize, mut pick: impl FnMut() -> usize) {
        self.first.clear();
        self.first.resize(members, NONE);
        self.next.clear();
        self.next.resize(items, NONE);
        // From the last to the first, so that each member's items are in order.
        for item in (0..items).rev() {
            let member = pick();
            self.next[item] = core::mem::replace(&mut self.first[member], item as u32);
        }
    }

    /// The items of a member, in order.
    fn of(&self, member: usize) -> impl Iterator<Item = usize> {
        let mut at = self.first[member];
        core::iter::from_fn(move || {
            let item = at as usize;
            at = *self.next.get(item)?;
            Some(item)
        })
    }
}

impl Delivery {
    /// Delivers a run along the plan of its subject. If it came over a link, no queue group is named.
    pub(crate) fn deliver_run(
        &mut self,
        broker: &Broker,
        account: &Account,
        from: &Arc<Peer>,
        run: &Run<'_>,
        origin: Origin<'_>,
        plan: &Plan,
    ) {
        let queues = match origin {
            Origin::Client => plan.queues.as_slice(),
            _ => &[],
        };
        let queues_cross = !queues.is_empty() && !plan.links.is_empty();
        if queues_cross || !plan.has_distinct_targets() {
            for msg in run.messages() {
                self.deliver(broker, account, from, &msg, origin, plan);
            }
            return;
        }
        let wide = plan.plain.len() >= WIDE;
        for target in &plan.plain {
            self.refill(broker);
            self.serve_run(plan, target, from, run, wide, origin);
        }
        for queue in queues {
            self.share_run(broker, plan, queue, from, run);
        }
        let (routes, gateways) = plan.links.split_at(plan.routes);
        let routes = if origin.goes_to_routes() { routes } else { &[] };
        let gateways = if origin.goes_to_gateways() {
            gateways
        } else {
            &[]
        };
        for target in routes.iter().chain(gateways) {
            self.refill(broker);
            self.forward_run(plan, target, run);
        }
        if !self.ended.is_empty() {
            self.end_subs(account, plan);
        }
    }

    fn serve_run(
        &mut self,
        plan: &Plan,
        target: &Target,
        from: &Arc<Peer>,
        run: &Run<'_>,
        wide: bool,
        origin: Origin<'_>,
    ) {
        let taken = self.append_items(plan, target, from, run, wide, || run.items().iter());
        if !taken {
            for msg in run.messages() {
                self.stripped.clear();
                let msg = &msg;
                let origin = &origin;
                self.serve(plan, target, Sent { from, msg, origin });
            }
        }
    }

    /// Appends items of `run` to a local target, if they can all go in the same way. `false`: nothing
    /// was done.
    fn append_items<'r, 'a: 'r, I: Iterator<Item = &'r Item<'a>>>(
        &mut self,
        plan: &Plan,
        target: &Target,
        from: &Arc<Peer>,
        run: &Run<'a>,
        wide: bool,
        items: impl Fn() -> I,
    ) -> bool {
        let peer = target.sub.peer();
        if Arc::ptr_eq(peer, from) && !from.wants_echo() {
            return true;
        }
        let headers = run.has_headers();
        let prefix = plan.delivery_prefix(target, headers);
        let mut outbox = peer.outbox();
        if !has_room_for(&outbox, target, run, prefix) {
            return false;
        }
        let (mut count, mut size) = (0, 0);
        for item in items() {
            append_item(&mut outbox, prefix, item, &mut self.spare);
            count += 1;
            size += item.size();
        }
        if count == 0 {
            return true;
        }
        target.sub.count_deliveries(count);
        outbox.count_messages(count, size);
        self.to_clients.add_many(count, size);
        if wide && outbox.pending() >= WORTH_A_FLUSH && !outbox.is_blocked() {
            let crowded = outbox.is_crowded();
            drop(outbox);
            // Whoever can't be flushed now is woken by `flush` itself.
            let _: Flush = peer.flush(&mut self.spare);
            if crowded && self.crowded.is_none() {
                self.crowded = Some(peer.clone());
            }
        } else {
            self.after_append(peer, outbox);
        }
        true
    }

    /// Spreads a run over the members of a group, each message to one of them at random.
    fn share_run(
        &mut self,
        broker: &Broker,
        plan: &Plan,
        queue: &Queue,
        from: &Arc<Peer>,
        run: &Run<'_>,
    ) {
        let members = &plan.members[queue.members.clone()];
        let takes_all = |member| takes_run(plan, member, from, run);
        // A share that is handed on later would arrive after messages that were sent after it.
        if members.is_empty() || !members.iter().all(takes_all) {
            for msg in run.messages() {
                self.stripped.clear();
                self.serve_one_member(plan, queue, Sent::by_client(from, &msg));
            }
            return;
        }
        let mut shares = core::mem::take(&mut self.shares);
        shares.draw(run.len(), members.len(), || self.random() % members.len());
        for (at, member) in members.iter().enumerate() {
            self.refill(broker);
            let items = || shares.of(at).map(|item| &run.items()[item]);
            if self.append_items(plan, member, from, run, false, items) {
                continue;
            }
            // It changed its mind just now.
            for item in items() {
                self.stripped.clear();
                self.serve_one_member(plan, queue, Sent::by_client(from, &run.message(item)));
            }
        }
        self.shares = shares;
    }

    fn forward_run(&mut self, plan: &Plan, target: &LinkTarget, run: &Run<'_>) {
        if !target.plain {
            return;
        }
        let headers = run.has_headers();
        let prefix = plan.link_prefix(target);
        let peer = &target.peer;
        if !headers || peer.takes_headers() {
            let verb: u8 = if headers { b'H' } else { b'R' };
            let mut outbox = peer.outbox();
            if outbox.is_closed() {
                return;
            }
            if !outbox.is_full_for(run.frames_len(prefix.len() + 1)) {
                for item in run.items() {
                    let len = 1 + prefix.len() + item.tail.len();
                    let room = outbox.room(len, &mut self.spare);
                    room.push(verb);
                    room.extend_from_slice(prefix);
                    room.extend_from_slice(item.tail);
                }
                target.count_deliveries(run.len());
                outbox.count_messages(run.len(), run.size());
                self.to_links.add_many(run.len(), run.size());
                self.after_append(peer, outbox);
                return;
            }
        }
        self.names.clear();
        for msg in run.messages() {
            self.stripped.clear();
            self.forward_to(plan, target, &msg, b"");
        }
    }
}

/// Whether a target will take any part of a run just as it is.
fn takes_run(plan: &Plan, target: &Target, from: &Arc<Peer>, run: &Run<'_>) -> bool {
    let peer = target.sub.peer();
    let prefix = plan.delivery_prefix(target, run.has_headers());
    (!Arc::ptr_eq(peer, from) || from.wants_echo())
        && has_room_for(&peer.outbox(), target, run, prefix)
}

#[inline]
fn has_room_for(outbox: &Outbox, target: &Target, run: &Run<'_>, prefix: &[u8]) -> bool {
    (!run.has_headers() || target.sub.peer().takes_headers())
        && !outbox.is_closed()
        && !outbox.is_full_for(run.frames_len(prefix.len()))
        && target.sub.has_no_end()
}

#[inline(always)]
fn append_item(outbox: &mut Outbox, prefix: &[u8], item: &Item<'_>, spare: &mut Vec<Vec<u8>>) {
    let room = outbox.room(prefix.len() + item.tail.len(), spare);
    room.extend_from_slice(prefix);
    room.extend_from_slice(item.tail);
}
