//! A connection's way into the switchboard: from a message to its plan, and from there to delivery.
//! What makes the next message cheap is kept here: the plans, and what `delivery` keeps.
//!
//! Not here: the decision where a message goes (`plan`), and whether its sender may send it
//! (`gannet_session`).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_wire::reply_prefix;

use crate::account::Account;
use crate::beyond::Beyond;
use crate::broker::Broker;
use crate::cache::{Lookup, PlanCache};
use crate::delivery::{Delivered, Delivery};
use crate::mapping::Mapped;
use crate::message::Message;
use crate::origin::{Hop, Origin};
use crate::peer::Peer;
use crate::plan::Plan;
use crate::run::Run;
use crate::services::{Onward, Passage, Requester};

/// One connection's way into one account.
#[derive(Debug)]
pub struct Publisher {
    account: Arc<Account>,
    cache: PlanCache,
    /// A plan that is not kept; an idle connection has none.
    scratch: Option<Box<Plan>>,
    /// Its ways into other accounts, and who asks there; nothing as long as it has not asked.
    onward: Option<Box<Onward>>,
    requester: Option<Arc<dyn Requester>>,
}

/// Who publishes, as far as a plan depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// A client of this server.
    Client,
    /// Another server.
    Link,
    /// Another account, through an import or in answer to a request.
    Account,
    /// A client, on a subject that the account's mappings have chosen.
    MappedClient,
    /// Another account, on a subject that the account's mappings have chosen.
    MappedAccount,
}

impl Publisher {
    /// A way into `account`. `seed` keys the cache of plans.
    pub fn new(account: Arc<Account>, seed: u64) -> Publisher {
        Publisher {
            account,
            cache: PlanCache::new(seed),
            scratch: None,
            onward: None,
            requester: None,
        }
    }

    /// Tells services of other accounts who asks.
    pub fn set_requester(&mut self, requester: Option<Arc<dyn Requester>>) {
        self.requester = requester;
    }

    /// A way into another account for the same connection.
    pub(crate) fn sibling(&self, account: &Arc<Account>) -> Publisher {
        Publisher {
            account: account.clone(),
            cache: PlanCache::like(&self.cache),
            scratch: None,
            onward: None,
            requester: None,
        }
    }

    pub(crate) fn onward(&mut self) -> &mut Onward {
        self.onward.get_or_insert_default()
    }

    /// The account published into.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Publishes into another account from now on.
    pub fn set_account(&mut self, account: Arc<Account>) {
        if !Arc::ptr_eq(&self.account, &account) {
            self.rest();
            self.account = account;
        }
    }

    /// Gives back what is kept for speed; for a connection that has gone quiet.
    pub fn rest(&mut self) {
        self.cache.clear();
        self.scratch = None;
        self.onward = None;
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

    /// Delivers a message that came over a link.
    pub fn publish_linked(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        origin: Origin<'_>,
    ) -> Delivered {
        self.route(broker, out, from, msg, origin)
    }

    /// Sends a message over one link, whatever the interest behind it: a mapped reply, on its way to
    /// the server of this cluster that it is for.
    pub fn relay(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        to: &Arc<Peer>,
    ) -> Delivered {
        let plan = Plan::direct(self.account.name().as_bytes(), msg.subject, to.clone());
        out.deliver(broker, &self.account, from, msg, Origin::Client, &plan)
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
        if let Some(rights) = from.rights()
            && !rights.may_publish(msg.subject)
            && !from.may_answer(msg.subject, out.now())
        {
            return Some(Delivered::REFUSED);
        }
        let cluster = reply_prefix::parse(&mapped)?.cluster;
        let Some(link) = broker.marked_link(cluster) else {
            return Some(Delivered::default());
        };
        let msg = Message {
            subject: &mapped,
            ..*msg
        };
        Some(self.relay(broker, out, from, &msg, link.peer()))
    }

    /// Delivers messages of a client of this server, in a row on one subject. Answers how many of them their sender
    /// may not publish.
    pub fn publish_run(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        run: &Run<'_>,
    ) -> usize {
        if from.has_reply_map() {
            let publish = |msg| self.publish(broker, out, from, &msg);
            return run.messages().map(publish).filter(|d| d.is_refused).count();
        }
        self.route_run(broker, out, from, run, Origin::Client)
    }

    /// Delivers messages that came in a row over a link, without queue groups or replies.
    pub fn publish_linked_run(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        run: &Run<'_>,
        hop: Hop,
    ) {
        self.route_run(broker, out, from, run, Origin::link(hop));
    }

    fn route_run(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        run: &Run<'_>,
        origin: Origin<'_>,
    ) -> usize {
        let at = self.find_plan(broker, from, run.subject(), Maker::of(origin));
        let Some(plan) = self.plan(at) else {
            return 0;
        };
        if plan.beyond.is_some() {
            let beyond = |msg| self.go_beyond(broker, out, from, &msg, origin, at);
            let refused = run.messages().map(beyond).filter(|d| d.is_refused).count();
            self.forget(at);
            return refused;
        }
        out.deliver_run(broker, &self.account, from, run, origin, plan);
        self.forget(at);
        0
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
        let at = self.find_plan(broker, from, msg.subject, Maker::of(origin));
        let Some(plan) = self.plan(at) else {
            return Delivered::default();
        };
        if plan.beyond.is_some() {
            let delivered = self.go_beyond(broker, out, from, msg, origin, at);
            self.forget(at);
            return delivered;
        }
        let delivered = out.deliver(broker, &self.account, from, msg, origin, plan);
        self.forget(at);
        delivered
    }

    /// A plan that is not kept holds its targets alive; a subject used once should not.
    #[inline]
    pub(crate) fn forget(&mut self, at: Option<usize>) {
        if at.is_none()
            && let Some(plan) = &mut self.scratch
        {
            plan.clear();
        }
    }

    /// Does what is more than delivery along the plan.
    #[cold]
    fn go_beyond(
        &mut self,
        broker: &Broker,
        out: &mut Delivery,
        from: &Arc<Peer>,
        msg: &Message<'_>,
        origin: Origin<'_>,
        at: Option<usize>,
    ) -> Delivered {
        let mut passage = Passage::new(broker, out, from, self.requester.clone());
        self.pass(&mut passage, msg, origin, Maker::of(origin), at)
    }

    /// The plan that was found.
    #[inline]
    pub(crate) fn plan(&self, at: Option<usize>) -> Option<&Plan> {
        match at {
            Some(at) => Some(self.cache.plan(at)),
            None => self.scratch.as_deref(),
        }
    }

    /// Where in the cache the plan for `subject` is; `None` if it was made in `scratch`, not to be kept.
    #[inline]
    pub(crate) fn find_plan(
        &mut self,
        broker: &Broker,
        from: &Arc<Peer>,
        subject: &[u8],
        maker: Maker,
    ) -> Option<usize> {
        let generation = self.account.generation();
        match self.cache.find(subject, generation) {
            Lookup::Hit(at) => Some(at),
            Lookup::Miss { hash, keep: true } => {
                let mut plan = Plan::default();
                Self::make_plan(&self.account, broker, from, subject, maker, &mut plan);
                Some(self.cache.keep(hash, subject, generation, plan))
            }
            Lookup::Miss { keep: false, .. } => {
                let plan = self.scratch.get_or_insert_default();
                Self::make_plan(&self.account, broker, from, subject, maker, plan);
                None
            }
        }
    }

    fn make_plan(
        account: &Account,
        broker: &Broker,
        from: &Peer,
        subject: &[u8],
        maker: Maker,
        plan: &mut Plan,
    ) {
        let mut mapped = Vec::new();
        match account.map(subject, maker, &mut mapped) {
            None => {
                plan.clear();
                plan.beyond = Some(Arc::new(Beyond::by_chance()));
            }
            Some(Mapped::Lost) => plan.clear(),
            Some(Mapped::Unchanged) => {
                account.make_plan(subject, &broker.outbound(), !maker.is_account(), plan);
                plan.beyond = Beyond::of(account, from, subject, plan, maker).map(Arc::new);
            }
            Some(Mapped::To) => {
                account.make_plan(&mapped, &broker.outbound(), !maker.is_account(), plan);
                let beyond = Beyond::of(account, from, &mapped, plan, maker);
                plan.beyond = beyond.map(|beyond| Arc::new(beyond.mapped_to(&mapped)));
            }
        }
    }

    /// The subject that messages of a client on `subject` are published on, as the account's mappings say; `None` if
    /// it is the same, or differs from message to message.
    pub fn mapped(&self, subject: &[u8]) -> Option<Vec<u8>> {
        let mut mapped = Vec::new();
        let chosen = self.account.map(subject, Maker::Client, &mut mapped);
        (chosen == Some(Mapped::To)).then_some(mapped)
    }
}

impl Maker {
    #[inline]
    fn of(origin: Origin<'_>) -> Maker {
        match origin {
            Origin::Client => Maker::Client,
            Origin::Link { .. } | Origin::ReturnedReply { .. } => Maker::Link,
        }
    }

    pub(crate) fn is_client(self) -> bool {
        matches!(self, Maker::Client | Maker::MappedClient)
    }

    fn is_account(self) -> bool {
        matches!(self, Maker::Account | Maker::MappedAccount)
    }

    /// Whether the account's mappings are yet to choose a subject.
    pub(crate) fn is_to_be_mapped(self) -> bool {
        matches!(self, Maker::Client | Maker::Account)
    }

    /// The same, on a subject that was chosen.
    pub(crate) fn mapped(self) -> Maker {
        match self {
            Maker::Client | Maker::MappedClient => Maker::MappedClient,
            Maker::Account | Maker::MappedAccount => Maker::MappedAccount,
            Maker::Link => Maker::Link,
        }
    }
}
