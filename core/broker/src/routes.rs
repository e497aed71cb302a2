//! Routes, the connections to the other servers of this cluster, as delivery sees them: which accounts
//! each carries, and what is announced over it. Not here: their conversation
//! (`gannet_session::route`).

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use gannet_subject::Class;
use gannet_units::Moment;
use gannet_wire::reply_prefix::{Hash, hash};
use gannet_wire::route::{encode, pool_index};

use crate::account::Account;
use crate::broker::Broker;
use crate::forgetting::Forgetting;
use crate::listing::Listing;
use crate::peer::Peer;
use crate::remote_interest::RemoteInterest;
use crate::sub::Sub;

/// Which accounts a route carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carries {
    /// All of them: the only connection to a server that knows no pools.
    All,
    /// Its share of the accounts, by their names' hash.
    Share {
        /// The connection's place in the pool.
        index: u32,
        /// This server's size of the pool.
        of: u32,
        /// Accounts that have a connection of their own.
        but: Arc<BTreeSet<String>>,
    },
    /// One account; lines don't name it.
    Account(Box<str>),
    /// Nothing (any more).
    Nothing,
}

impl Carries {
    /// Whether what this server says about `account` goes over the route.
    pub fn carries(&self, account: &str) -> bool {
        match self {
            Carries::All => true,
            Carries::Share { index, of, but } => {
                pool_index(*of, account.as_bytes()) == *index && !but.contains(account)
            }
            Carries::Account(name) => **name == *account,
            Carries::Nothing => false,
        }
    }
}

/// Says which subjects may be announced over a route, and which announced there count.
pub trait RouteFilter: Send + Sync {
    /// Whether this server may ask for messages on `subject`.
    fn may_ask_for(&self, subject: &[u8]) -> bool;
    /// Whether the other server may.
    fn may_be_asked_for(&self, subject: &[u8]) -> bool;
}

/// The permissions of a route; `None` allows everything.
type Filter = Option<Arc<dyn RouteFilter>>;

/// What is known of a route when it is registered.
#[derive(Clone)]
pub struct RouteTraits {
    /// Id of the other server.
    pub server_id: String,
    /// It takes headers.
    pub headers: bool,
    /// Which accounts it carries.
    pub carries: Carries,
    /// Its cluster permissions; `None` allows everything.
    pub filter: Option<Arc<dyn RouteFilter>>,
}

/// One connection to another server of this cluster.
pub struct RouteLink {
    peer: Arc<Peer>,
    server_id: String,
    /// The other server's mark in mapped replies.
    mark: Hash,
    carries: Carries,
    filter: Filter,
    /// The filter before this one: what was told by it is taken back when it ends.
    before: Option<Filter>,
}

impl RouteLink {
    /// A route over `peer`.
    pub fn new(peer: Arc<Peer>, traits: RouteTraits) -> RouteLink {
        peer.set_headers(traits.headers);
        if matches!(traits.carries, Carries::Account(_)) {
            peer.set_one_account(true);
        }
        let mark = hash(&traits.server_id);
        peer.set_server(&mark);
        RouteLink {
            peer,
            mark,
            server_id: traits.server_id,
            carries: traits.carries,
            filter: traits.filter,
            before: None,
        }
    }

    /// The connection.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Id of the other server.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// Which accounts it carries.
    pub fn carries(&self) -> &Carries {
        &self.carries
    }

    /// The same connection, carrying something else from now on: for [`Broker::replace_routes`].
    pub fn carrying(&self, carries: Carries) -> RouteLink {
        RouteLink {
            peer: self.peer.clone(),
            server_id: self.server_id.clone(),
            mark: self.mark,
            carries,
            filter: self.filter.clone(),
            before: self.before.clone(),
        }
    }

    /// The same connection, with other permissions from now on: for [`Broker::refilter_route`].
    pub fn filtered(&self, filter: Option<Arc<dyn RouteFilter>>) -> RouteLink {
        RouteLink {
            peer: self.peer.clone(),
            server_id: self.server_id.clone(),
            mark: self.mark,
            carries: self.carries.clone(),
            filter,
            before: Some(self.filter.clone()),
        }
    }

    /// Whether a mapped reply with this mark belongs to the other server.
    pub(crate) fn is_marked(&self, mark: &[u8]) -> bool {
        *mark == self.mark
    }

    pub(crate) fn may_be_asked_for(&self, subject: &[u8]) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|f| f.may_be_asked_for(subject))
    }

    fn may_ask_for(&self, subject: &[u8]) -> bool {
        self.filter.as_ref().is_none_or(|f| f.may_ask_for(subject))
    }

    /// Whether the permissions before allowed to ask for it.
    fn could_ask_for(&self, subject: &[u8]) -> bool {
        let before = self.before.as_ref();
        before.is_some_and(|filter| filter.as_ref().is_none_or(|f| f.may_ask_for(subject)))
    }

    /// Appends what the change of permissions means for interest that there is here.
    pub(crate) fn write_refiltered(
        &self,
        out: &mut Vec<u8>,
        account: &str,
        subject: &[u8],
        queue: Queue<'_>,
    ) {
        match (self.could_ask_for(subject), self.may_ask_for(subject)) {
            (false, true) => self.write_interest(out, account, subject, queue),
            (true, false) => self.write_no_interest(out, account, subject, queue),
            (true, true) | (false, false) => {}
        }
    }

    /// Appends what tells the other server that now so many members here (at least one) are interested;
    /// no more than the first matters outside of queue groups.
    pub(crate) fn write_interest(
        &self,
        out: &mut Vec<u8>,
        account: &str,
        subject: &[u8],
        queue: Queue<'_>,
    ) {
        if self.may_ask_for(subject) {
            encode::interest(out, &self.line(account, subject, queue));
        }
    }

    pub(crate) fn write_no_interest(
        &self,
        out: &mut Vec<u8>,
        account: &str,
        subject: &[u8],
        queue: Queue<'_>,
    ) {
        if self.may_ask_for(subject) || self.could_ask_for(subject) {
            encode::no_interest(out, &self.line(account, subject, queue), true);
        }
    }

    fn line<'a>(
        &self,
        account: &'a str,
        subject: &'a [u8],
        queue: Queue<'a>,
    ) -> encode::Interest<'a> {
        encode::Interest {
            origin: None,
            account: self.peer.names_accounts().then_some(account.as_bytes()),
            subject,
            queue,
        }
    }
}

impl fmt::Debug for RouteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteLink")
            .field("peer", &self.peer)
            .field("server_id", &self.server_id)
            .field("carries", &self.carries)
            .finish_non_exhaustive()
    }
}

/// A queue group's name and the members that it has here.
pub(crate) type Queue<'a> = Option<(&'a [u8], u32)>;

/// A route that is told of one account's local interest.
#[derive(Debug)]
struct Listener {
    link: Arc<RouteLink>,
    /// What it was told is being taken back.
    is_leaving: bool,
}

/// The routes that are told of one account's local interest.
#[derive(Debug, Default)]
pub(crate) struct Told(Vec<Listener>);

impl Told {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn remove(&mut self, peer: &Arc<Peer>) {
        self.0.retain(|l| !Arc::ptr_eq(&l.link.peer, peer));
    }

    /// The route is told of no more interest, only of what ends.
    pub(crate) fn leave(&mut self, peer: &Arc<Peer>) {
        let mut listeners = self.0.iter_mut();
        if let Some(l) = listeners.find(|l| Arc::ptr_eq(&l.link.peer, peer)) {
            l.is_leaving = true;
        }
    }

    /// A local entry has come; now there are `count` on its subject and queue.
    pub(crate) fn added(&self, account: &str, subject: &[u8], queue: Option<&[u8]>, count: u32) {
        if queue.is_some() || count == 1 {
            self.tell(true, |link, out| {
                link.write_interest(out, account, subject, queue.map(|q| (q, count)));
            });
        }
    }

    /// A local entry has gone; now there are `count` on its subject and queue.
    pub(crate) fn removed(&self, account: &str, subject: &[u8], queue: Option<&[u8]>, count: u32) {
        match (queue, count) {
            (_, 0) => self.tell(false, |link, out| {
                link.write_no_interest(out, account, subject, queue.map(|q| (q, 0)));
            }),
            (Some(_), _) => self.added(account, subject, queue, count),
            (None, _) => {}
        }
    }

    fn tell(&self, is_new: bool, write: impl Fn(&RouteLink, &mut Vec<u8>)) {
        let mut text = Vec::new();
        for Listener { link, is_leaving } in &self.0 {
            if is_new && *is_leaving {
                continue;
            }
            text.clear();
            write(link, &mut text);
            if !text.is_empty() {
                link.peer.send_later(&text);
            }
        }
    }
}

impl Account {
    /// Tells a route every change of local interest from now on.
    pub(crate) fn tell(&self, link: &Arc<RouteLink>) {
        let told = &mut self.interest().write().told;
        told.remove(link.peer());
        // An account on its way to a route that has ended meanwhile: nobody would remove it again.
        if link.peer.is_gone() {
            return;
        }
        told.0.push(Listener {
            link: link.clone(),
            is_leaving: false,
        });
    }

    /// The route that this account's messages to the server with this mark go over: the one that its interest
    /// comes by, so that replies keep their order with all else. As long as there is none, the one that ours is
    /// told by.
    pub fn route_marked(&self, mark: &[u8]) -> Option<Arc<Peer>> {
        let mark = &Hash::try_from(mark).ok()?;
        let interest = self.interest().read();
        let told = || {
            let mut told = interest.told.0.iter();
            told.find(|l| l.link.is_marked(mark)).map(|l| &l.link.peer)
        };
        interest.ways.to_marked(mark).or_else(told).cloned()
    }

    /// Another server's interest: adds it, or notes its new weight.
    pub(crate) fn note_weight(&self, sub: &Sub, weight: u32) {
        if sub.weight() != weight.max(1) {
            sub.set_weight(weight);
            self.touch();
        }
    }
}

impl Broker {
    /// Registers a route: it is told every change of local interest of the accounts it carries from here on.
    /// What there is now is in the listing.
    pub fn add_route(&self, link: Arc<RouteLink>) -> Listing {
        // Holding the list of accounts keeps new ones from being told twice or never.
        let accounts = self.accounts.read();
        self.routes.lock().push(link.clone());
        Self::tell_all(accounts.values(), &link)
    }

    fn tell_all<'a>(
        accounts: impl Iterator<Item = &'a Arc<Account>>,
        link: &Arc<RouteLink>,
    ) -> Listing {
        let carried: Vec<Arc<Account>> = accounts
            .filter(|account| link.carries().carries(account.name()))
            .cloned()
            .collect();
        for account in &carried {
            account.tell(link);
        }
        Listing::for_route(link, carried)
    }

    /// Tells a route the local interest of the accounts it carries once more: the other server may take
    /// more of it now.
    pub fn tell_route_again(&self, link: &Arc<RouteLink>) -> Listing {
        Self::tell_all(self.accounts.read().values(), link)
    }

    /// The route has other permissions from now on, those of `new`, which has the same peer: it is told what
    /// that changes of local interest. What it has told itself is to be looked at by
    /// [`Broker::split_refused`].
    pub fn refilter_route(&self, old: &Arc<RouteLink>, new: &Arc<RouteLink>) -> Listing {
        let accounts = self.accounts.read();
        for link in self.routes.lock().iter_mut() {
            if Arc::ptr_eq(link, old) {
                *link = new.clone();
            }
        }
        let carried = accounts.values();
        let carried = carried.filter(|account| new.carries().carries(account.name()));
        let carried: Vec<Arc<Account>> = carried.cloned().collect();
        for account in &carried {
            account.tell(new);
        }
        Listing::for_refiltered(new, carried)
    }

    /// The interest that came over a route and that its permissions do not allow, taken out of the rest.
    pub fn split_refused(&self, link: &RouteLink, interest: &mut RemoteInterest) -> Forgetting {
        let is_refused = |subject: &[u8]| !link.may_be_asked_for(subject);
        Forgetting::new(interest.split_where(self.options().seed, is_refused))
    }

    /// The interest in one account that came over a route, taken out of the rest.
    pub fn split_routed(&self, interest: &mut RemoteInterest, name: &str) -> Forgetting {
        Forgetting::new(interest.split_off(name))
    }

    /// Routes to the other servers of this cluster.
    pub fn routes(&self) -> Vec<Arc<RouteLink>> {
        self.routes.lock().clone()
    }

    /// Forgets a route: nothing goes there any more. What is left of it is the interest that came over it,
    /// which its owner has.
    pub fn remove_route(&self, link: &Arc<RouteLink>) {
        self.routes.lock().retain(|l| !Arc::ptr_eq(l, link));
        link.peer().set_gone();
        for account in self.accounts() {
            let mut interest = account.interest().write();
            interest.told.remove(link.peer());
            interest.ways.remove(link.peer());
            drop(interest);
            account.touch();
        }
    }

    /// Interest of another server of this cluster: `RS+`. For a queue group, `weight` members of it are
    /// there; a new weight replaces the one told before.
    pub fn route_subscribe(
        &self,
        link: &RouteLink,
        interest: &mut RemoteInterest,
        name: &str,
        subject: &[u8],
        queue: Option<(&[u8], u32)>,
        now: Moment,
    ) {
        if !link.may_be_asked_for(subject) {
            return;
        }
        let Some(account) = self.account_or_new(name) else {
            return;
        };
        let weight = queue.map_or(1, |(_, weight)| weight);
        let queue = queue.map(|(name, _)| name);
        let known = interest.account(name, self.options().seed);
        if let Some(sub) = known.get(subject, queue) {
            account.note_weight(sub, weight);
            return;
        }
        let sub = Sub::new(link.peer().clone(), Class::Route, subject, queue, b"", now);
        sub.set_weight(weight);
        known.insert(sub.clone());
        account.subscribe(sub, now);
    }

    /// Interest that another server of this cluster no longer has: `RS-`.
    pub fn route_unsubscribe(
        &self,
        interest: &mut RemoteInterest,
        name: &str,
        subject: &[u8],
        queue: Option<&[u8]>,
    ) {
        let known = interest
            .known_account(name)
            .and_then(|set| set.remove(subject, queue));
        if let (Some(account), Some(sub)) = (self.account(name), known) {
            account.unsubscribe(&sub);
        }
    }
}
