//! One connection to another server of the cluster, as everybody but its own task sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gannet_broker::{
    Broker, Forgetting, Listing, Peer, RemoteInterest, RouteFilter, RouteLink as Carrier, Signal,
};
use gannet_rt::sync::Notify;
use gannet_session::CloseReason;
use gannet_session::route::{Place, RemoteServer};
use gannet_subject::is_valid_pattern;
use gannet_units::Moment;
use gannet_wire::route::Interest;
use parking_lot::Mutex;

use crate::bulk;
use crate::registry::LinkFacts;
use crate::shared::Shared;

/// What a connection's messages may wait for at a time: a server that moves all accounts there can be asks for
/// less, and what one waits for takes a kilobyte.
const MOST_AWAITED: usize = 1024;

/// One connection between this server and another one of its cluster, as an embedder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteLink {
    /// Name of the other server.
    pub remote: String,
    /// Its id.
    pub remote_id: String,
    /// The account that has the connection to itself.
    pub account: Option<String>,
    /// This side dialled.
    pub dialled: bool,
    /// Round-trip time, once it was measured.
    pub rtt: Option<Duration>,
}

/// What somebody else wants a connection's task to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// End the connection.
    Close(CloseReason),
    /// See whether the peer is still there.
    Probe,
    /// Go over to the configured compression.
    Recompress,
    /// Find out when the peer has read everything sent so far; then tell [`Conn::synced`].
    Sync(u64),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) peer: Arc<Peer>,
    pub(crate) facts: Arc<LinkFacts>,
    /// Who is at the other end, once that is settled.
    pub(crate) remote: Mutex<Option<Arc<RemoteServer>>>,
    /// How the connection is compressed, as monitoring shows it.
    pub(crate) compression: Mutex<&'static str>,
    orders: Mutex<Vec<Order>>,
    heard: Mutex<Heard>,
    /// Numbers of [`Order::Sync`] that somebody waits for, and that have not been answered.
    expected: Mutex<BTreeSet<u64>>,
    /// What messages over this connection wait for, because the peer has asked for them here.
    awaited: AtomicUsize,
    /// The peer has asked for too much of that.
    has_asked_too_much: AtomicBool,
    /// Somebody waits for it to be of no use.
    is_draining: AtomicBool,
    /// There is another one, or there will be none any more; or the peer has taken all its interest back.
    news: Notify,
}

/// What the peer has told.
#[derive(Debug, Default)]
struct Heard {
    /// There while the connection is registered.
    link: Option<Arc<Carrier>>,
    interest: RemoteInterest,
    /// Interest of leaf nodes, by the name of their cluster: it comes and goes by itself.
    of_leaves: BTreeMap<Box<[u8]>, RemoteInterest>,
}

impl Heard {
    fn len(&self) -> usize {
        let leaves = self.of_leaves.values().map(RemoteInterest::len);
        self.interest.len() + leaves.sum::<usize>()
    }
}

impl Conn {
    pub(super) fn new(peer: Arc<Peer>, facts: Arc<LinkFacts>) -> Conn {
        Conn {
            peer,
            facts,
            remote: Mutex::default(),
            compression: Mutex::default(),
            orders: Mutex::default(),
            heard: Mutex::default(),
            expected: Mutex::default(),
            awaited: AtomicUsize::new(0),
            has_asked_too_much: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
            news: Notify::new(),
        }
    }

    /// Tells the connection's task to do something.
    pub(super) fn order(&self, order: Order) {
        self.orders.lock().push(order);
        self.peer.signal().raise(Signal::NEWS);
    }

    /// What was ordered since the last call.
    pub(super) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut self.orders.lock())
    }

    /// The connection carries traffic from now on.
    pub(super) fn join(&self, shared: &Arc<Shared>, link: Carrier, remote: RemoteServer) {
        let link = Arc::new(link);
        *self.remote.lock() = Some(Arc::new(remote));
        self.heard.lock().link = Some(link.clone());
        bulk::list(shared, shared.broker.add_route(link));
    }

    /// The connection carries no traffic any more: what the peer told counts for nothing, and it is told
    /// nothing. A second call does nothing.
    pub(super) fn leave(&self, shared: &Arc<Shared>) {
        let Heard {
            link,
            interest,
            of_leaves,
        } = std::mem::take(&mut *self.heard.lock());
        let Some(link) = link else { return };
        self.news.notify_waiters();
        shared.broker.remove_route(&link);
        for interest in std::iter::once(interest).chain(of_leaves.into_values()) {
            bulk::forget(shared, Forgetting::new(interest));
        }
    }

    /// The connection as delivery knows it, while it is registered.
    pub(super) fn carrier(&self) -> Option<Arc<Carrier>> {
        self.heard.lock().link.clone()
    }

    /// The connection is known to delivery as `new` from now on: it carries something else.
    pub(super) fn relink(&self, new: Arc<Carrier>) {
        if let Some(link) = &mut self.heard.lock().link {
            *link = new;
        }
    }

    /// [`Conn::synced`] will be called with this number, of an [`Order::Sync`] that comes now or later.
    pub(super) fn expect(&self, token: u64) {
        self.expected.lock().insert(token);
    }

    /// The peer has answered [`Order::Sync`].
    pub(super) fn answer(&self, token: u64) {
        self.expected.lock().remove(&token);
        self.news.notify_waiters();
    }

    /// Waits until [`Order::Sync`] with this number has been answered, the connection has ended, or so much
    /// time has passed.
    pub(super) async fn synced(&self, shared: &Shared, token: u64, limit: Duration) {
        let is_over = || !self.expected.lock().contains(&token) || self.carrier().is_none();
        // If time is up, so be it.
        let _: Result<(), _> = shared.rt.timeout(limit, self.wait_until(is_over)).await;
        self.expected.lock().remove(&token);
    }

    /// Messages over this connection are to wait for so much more. Answers whether they may.
    pub(super) fn may_await(&self, more: usize) -> bool {
        let add = |now: usize| now.checked_add(more).filter(|sum| *sum <= MOST_AWAITED);
        let (awaited, relaxed) = (&self.awaited, Ordering::Relaxed);
        awaited.fetch_update(relaxed, relaxed, add).is_ok()
    }

    /// One thing that [`Conn::may_await`] allowed for is over.
    pub(super) fn has_awaited(&self) {
        self.awaited.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the peer now asks for too much for the first time.
    pub(super) fn asks_too_much(&self) -> bool {
        !self.has_asked_too_much.swap(true, Ordering::Relaxed)
    }

    /// Waits until the peer has told nothing that still counts, or the connection has ended.
    pub(super) async fn unwanted(&self) {
        self.wait_until(|| self.heard.lock().len() == 0).await;
    }

    /// Whether nobody waits for the connection to be of no use yet: now somebody does.
    pub(super) fn begins_to_drain(&self) -> bool {
        !self.is_draining.swap(true, Ordering::Relaxed)
    }

    /// Nobody waits any more. Answers whether it is of no use.
    pub(super) fn is_drained(&self, is_gannet: bool) -> bool {
        self.is_draining.store(false, Ordering::Relaxed);
        !is_gannet || self.heard.lock().len() == 0
    }

    async fn wait_until(&self, is_so: impl Fn() -> bool) {
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            if is_so() {
                return;
            }
            news.await;
        }
    }

    /// The connection has other permissions from now on. Answers what the peer is to be told of that.
    pub(super) fn refilter(
        &self,
        shared: &Arc<Shared>,
        filter: Option<Arc<dyn RouteFilter>>,
    ) -> Option<Listing> {
        let mut heard = self.heard.lock();
        let Heard {
            link: Some(link),
            interest,
            of_leaves,
        } = &mut *heard
        else {
            return None;
        };
        let new = Arc::new(link.filtered(filter));
        let listing = shared.broker.refilter_route(link, &new);
        *link = new;
        for interest in std::iter::once(interest).chain(of_leaves.values_mut()) {
            bulk::forget(shared, shared.broker.split_refused(link, interest));
        }
        Some(listing)
    }

    /// Tells the peer all our interest once more: it takes more of it now.
    pub(super) fn tell_again(&self, shared: &Arc<Shared>) {
        if let Some(link) = &self.heard.lock().link {
            bulk::list(shared, shared.broker.tell_route_again(link));
        }
    }

    /// What the peer said of one account counts for nothing any more.
    pub(super) fn forget(&self, shared: &Arc<Shared>, account: &str) {
        let mut heard = self.heard.lock();
        let Heard {
            interest,
            of_leaves,
            ..
        } = &mut *heard;
        for interest in std::iter::once(interest).chain(of_leaves.values_mut()) {
            bulk::forget(shared, shared.broker.split_routed(interest, account));
        }
    }

    /// `RS+`, `LS+` if it is wanted, else `RS-`, `LS-`. Answers how many entries there are now.
    pub(super) fn interest(
        &self,
        broker: &Broker,
        i: &Interest<'_>,
        is_wanted: bool,
        now: Moment,
    ) -> Option<usize> {
        let account = std::str::from_utf8(i.account).ok()?;
        if is_valid_pattern(i.subject).is_err() {
            return None;
        }
        let mut heard = self.heard.lock();
        let Heard {
            link,
            interest,
            of_leaves,
        } = &mut *heard;
        // The connection may have lost its place in the meantime.
        let link = link.as_ref()?;
        if is_wanted {
            let interest = match i.origin {
                None => interest,
                Some(origin) => of_leaves.entry(origin.into()).or_default(),
            };
            let queue = i.queue.map(|queue| (queue, i.weight));
            broker.route_subscribe(link, interest, account, i.subject, queue, now);
        } else if i.leaf && i.origin.is_none() {
            // An old peer does not say whose interest has ended.
            for interest in of_leaves.values_mut() {
                broker.route_unsubscribe(interest, account, i.subject, i.queue);
            }
        } else if let Some(origin) = i.origin {
            if let Some(interest) = of_leaves.get_mut(origin) {
                broker.route_unsubscribe(interest, account, i.subject, i.queue);
                if interest.is_empty() {
                    of_leaves.remove(origin);
                }
            }
        } else {
            broker.route_unsubscribe(interest, account, i.subject, i.queue);
        }
        let left = heard.len();
        if left == 0 {
            self.news.notify_waiters();
        }
        Some(left)
    }

    /// The connection, once it is registered, as an embedder sees it.
    pub(super) fn view(&self) -> Option<RouteLink> {
        let remote = self.remote.lock().clone()?;
        let rtt = self.facts.rtt_nanos.load(Ordering::Relaxed);
        Some(RouteLink {
            remote: remote.info.server_name.clone(),
            remote_id: remote.info.server_id.clone(),
            account: match &remote.place {
                Place::Account(name) => Some(name.clone()),
                Place::Only | Place::Pooled(_) => None,
            },
            dialled: remote.is_dialled,
            rtt: (rtt > 0).then(|| Duration::from_nanos(rtt)),
        })
    }
}
