//! A connection's way into the switchboard: from a message to its plan, and from there to delivery.
//! What makes the next message cheap is kept here: the plans, and what `delivery` keeps.
//!
//! Not here: the decision where a message goes (`plan`), and whether its sender may send it
//! (`gannet_session`).

use alloc::sync::Arc;

use gannet_wire::gateway::Queues;
use gannet_wire::reply_prefix;

use crate::account::Account;
use crate::broker::Broker;
use crate::cache::{Lookup, PlanCache};
use crate::delivery::{Delivered, Delivery, Origin};
use crate::message::Message;
use crate::peer::Peer;
use crate::plan::Plan;

/// One connection's way into one account.
#[derive(Debug)]
pub struct Publisher {
    account: Arc<Account>,
    cache: PlanCache,
    scratch: Plan,
}

impl Publisher {
    /// A way into `account`. `seed` keys the cache of plans.
    pub fn new(account: Arc<Account>, seed: u64) -> Publisher {
        Publisher {
            account,
            cache: PlanCache::new(seed),
            scratch: Plan::default(),
        }
    }

    /// The account published into.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Publishes into another account from now on.
    pub fn set_account(&mut self, account: Arc<Account>) {
        if !Arc::ptr_eq(&self.account, &account) {
            self.cache.clear();
            self.account = account;
        }
    }

    /// Gives back what is kept for speed; for a connection that has gone quiet.
    pub fn rest(&mut self) {
        self.cache.clear();
        self.scratch = Plan::default();
    }

    /// Delivers a message of a client of this server.
    #[inline]
    pub fn publish(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
    ) -> Delivered {
        if from.has_reply_map()
            && let Some(delivered) = self.publish_mapped(broker, out, from, msg)
        {
            return delivered;
        }
        self.route(broker, out, from, msg, Origin::Client)
    }

    /// Delivers a message of another cluster: to local subscriptions, and to one member of each queue
    /// group that `queues` lists. If its reply subject came mapped,
    /// `mapped_reply` is the mapped form and `msg.reply` the plain one.
    pub fn publish_remote(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        queues: Queues<'_>,
        mapped_reply: &[u8],
    ) -> Delivered {
        self.route(
            broker,
            out,
            from,
            msg,
            Origin::Gateway {
                queues,
                mapped_reply,
            },
        )
    }

    /// Delivers a mapped reply that has come home, to everybody interested in its plain subject. If it asks
    /// for an answer itself and that reply came mapped, `mapped_reply` is its mapped form.
    pub fn publish_returned(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        mapped_reply: &[u8],
    ) -> Delivered {
        self.route(
            broker,
            out,
            from,
            msg,
            Origin::ReturnedReply { mapped_reply },
        )
    }

    /// If the subject is the reply of a request that another cluster sent here a moment ago, sends the
    /// message straight to that cluster.
    #[cold]
    fn publish_mapped(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
    ) -> Option<Delivered> {
        let mapped = from.mapped_reply(msg.subject, out.now())?;
        let cluster = reply_prefix::parse(&mapped)?.cluster;
        let Some(link) = broker.marked_link(cluster) else {
            return Some(Delivered::default());
        };
        let plan = Plan::direct(self.account.name().as_bytes(), &mapped, link);
        let msg = Message {
            subject: &mapped,
            ..*msg
        };
        Some(out.deliver(broker, &self.account, from, &msg, Origin::Client, &plan))
    }

    #[inline]
    fn route(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        origin: Origin<'_>,
    ) -> Delivered {
        let generation = self.account.generation();
        let at = match self.cache.find(msg.subject, generation) {
            Lookup::Hit(at) => at,
            Lookup::Miss { hash, keep: true } => {
                let mut plan = Plan::default();
                self.account
                    .make_plan(msg.subject, &broker.outbound(), &mut plan);
                self.cache.keep(hash, msg.subject, generation, plan)
            }
            Lookup::Miss { keep: false, .. } => {
                self.account
                    .make_plan(msg.subject, &broker.outbound(), &mut self.scratch);
                let delivered =
                    out.deliver(broker, &self.account, from, msg, origin, &self.scratch);
                // The plan holds its targets alive; a subject used once should not.
                self.scratch.clear();
                return delivered;
            }
        };
        out.deliver(
            broker,
            &self.account,
            from,
            msg,
            origin,
            self.cache.plan(at),
        )
    }
}
