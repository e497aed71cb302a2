//! What a link is told of all interest when it begins: in parts, so that nobody waits for a million
//! subjects. Changes are announced from the first moment on, under the same lock as each part: what is
//! told twice is ignored, and what has gone in between is taken back after it was told.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_subject::{Class, Cursor};
use gannet_wire::gateway::encode;
use gannet_wire::server_info::ServerInfo;

use crate::account::Account;
use crate::broker::Broker;
use crate::peer::{Peer, Signal};
use crate::routes::{Queue, RouteLink};

/// Places of an account's index that are looked at under one lock: a fraction of a millisecond.
const PART: usize = 2048;

/// What another server of this cluster is told of local interest in a subject.
type Words = fn(&RouteLink, &mut Vec<u8>, &str, &[u8], Queue<'_>);

#[derive(Debug)]
enum Step {
    /// Interest in queue groups, for another cluster.
    Queues(Arc<Account>, Cursor),
    /// Something else, in between.
    Text(Vec<u8>),
    /// The switch of an account to interest-only, with its plain interest, for another cluster.
    Switch(Arc<Account>),
    /// More of that interest.
    Plain(Arc<Account>, Cursor),
    /// Local interest, for another server of this cluster, in these words.
    Local(Arc<Account>, Arc<RouteLink>, Cursor, Words),
    /// The same interest, taken back.
    Retracted(Arc<Account>, Arc<RouteLink>, Cursor),
}

/// What a link is still to be told.
#[derive(Debug)]
#[must_use = "the link is not told what is not stepped through"]
pub struct Listing {
    peer: Arc<Peer>,
    steps: VecDeque<Step>,
}

impl Listing {
    /// For a link from another cluster: queue groups first, then `greeting`, then account by account the
    /// switch to interest-only.
    pub(crate) fn for_cluster(
        peer: &Arc<Peer>,
        accounts: &[Arc<Account>],
        greeting: &[u8],
    ) -> Listing {
        let queues = accounts
            .iter()
            .map(|account| Step::Queues(account.clone(), Cursor::default()));
        let greeting = (!greeting.is_empty()).then(|| Step::Text(greeting.to_vec()));
        let plain = accounts.iter().map(|account| Step::Switch(account.clone()));
        Listing {
            peer: peer.clone(),
            steps: queues.chain(greeting).chain(plain).collect(),
        }
    }

    /// For a route: the local interest of the accounts.
    pub(crate) fn for_route(link: &Arc<RouteLink>, accounts: Vec<Arc<Account>>) -> Listing {
        let step = |account| {
            Step::Local(
                account,
                link.clone(),
                Cursor::default(),
                RouteLink::write_interest,
            )
        };
        Listing {
            peer: link.peer().clone(),
            steps: accounts.into_iter().map(step).collect(),
        }
    }

    /// For a route that carries the accounts no longer: what it was told is taken back.
    pub(crate) fn for_retraction(link: &Arc<RouteLink>, accounts: Vec<Arc<Account>>) -> Listing {
        let step = |account| Step::Retracted(account, link.clone(), Cursor::default());
        Listing {
            peer: link.peer().clone(),
            steps: accounts.into_iter().map(step).collect(),
        }
    }

    /// Says this at the end, too.
    pub(crate) fn push_text(&mut self, text: Vec<u8>) {
        self.steps.push_back(Step::Text(text));
    }

    /// For a route with other permissions than before: what that changes of local interest.
    pub(crate) fn for_refiltered(link: &Arc<RouteLink>, accounts: Vec<Arc<Account>>) -> Listing {
        let step = |account| {
            Step::Local(
                account,
                link.clone(),
                Cursor::default(),
                RouteLink::write_refiltered,
            )
        };
        Listing {
            peer: link.peer().clone(),
            steps: accounts.into_iter().map(step).collect(),
        }
    }

    /// Who is told.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Tells a part, and leaves its flush to the link's task. Answers whether there is more.
    pub fn step(&mut self, broker: &Broker) -> bool {
        if self.peer.outbox().is_closed() {
            self.steps.clear();
        }
        let Some(step) = self.steps.pop_front() else {
            return false;
        };
        if let Some(more) = self.perform(broker, step) {
            self.steps.push_front(more);
        }
        self.peer.signal().raise(Signal::FLUSH);
        !self.steps.is_empty()
    }

    /// Tells all there is at once.
    pub fn finish(mut self, broker: &Broker) {
        while self.step(broker) {}
    }

    fn perform(&self, broker: &Broker, step: Step) -> Option<Step> {
        let mut text = Vec::new();
        match step {
            Step::Text(text) => {
                self.peer.send_listing(&text);
                None
            }
            Step::Queues(account, cursor) => {
                let interest = account.interest().read();
                let name = account.name().as_bytes();
                let next = interest
                    .index
                    .visit_some(cursor, PART, |subject, queue, counts| {
                        if queue.is_some() && counts.in_cluster() > 0 {
                            encode::interest(&mut text, name, subject, queue);
                        }
                    });
                self.peer.send_listing(&text);
                drop(interest);
                next.map(|cursor| Step::Queues(account, cursor))
            }
            Step::Switch(account) => {
                let gateway = &broker.options().gateway;
                let name = account.name().as_bytes();
                let start = ServerInfo::interest_switch(gateway, name, false);
                encode::info(&mut text, &start);
                let mut interest = account.interest().write();
                interest.announced.add_plain(&self.peer);
                self.peer.send_listing(&text);
                drop(interest);
                Some(Step::Plain(account, Cursor::default()))
            }
            Step::Plain(account, cursor) => {
                let interest = account.interest().read();
                let name = account.name().as_bytes();
                let next = interest
                    .index
                    .visit_some(cursor, PART, |subject, queue, counts| {
                        if queue.is_none() && counts.in_cluster() > 0 {
                            encode::interest(&mut text, name, subject, None);
                        }
                    });
                if next.is_none() {
                    let gateway = &broker.options().gateway;
                    let end = ServerInfo::interest_switch(gateway, name, true);
                    encode::info(&mut text, &end);
                }
                self.peer.send_listing(&text);
                drop(interest);
                next.map(|cursor| Step::Plain(account, cursor))
            }
            Step::Local(account, link, cursor, words) => {
                let interest = account.interest().read();
                let next = interest
                    .index
                    .visit_some(cursor, PART, |subject, queue, counts| {
                        let count = counts.of(Class::Local);
                        if count > 0 {
                            let queue = queue.map(|q| (q, count));
                            words(&link, &mut text, account.name(), subject, queue);
                        }
                    });
                self.peer.send_listing(&text);
                drop(interest);
                next.map(|cursor| Step::Local(account, link, cursor, words))
            }
            Step::Retracted(account, link, cursor) => {
                let mut interest = account.interest().write();
                interest.told.leave(&self.peer);
                let next = interest
                    .index
                    .visit_some(cursor, PART, |subject, queue, counts| {
                        if counts.of(Class::Local) > 0 {
                            let queue = queue.map(|q| (q, 0));
                            link.write_no_interest(&mut text, account.name(), subject, queue);
                        }
                    });
                self.peer.send_listing(&text);
                if next.is_none() {
                    interest.told.remove(&self.peer);
                }
                drop(interest);
                next.map(|cursor| Step::Retracted(account, link, cursor))
            }
        }
    }
}
