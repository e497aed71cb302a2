//! The switchboard itself: the accounts, the links to other clusters in order of nearness, the totals.
//! Not here: delivery (see `publish`).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use arc_swap::ArcSwap;
use gannet_identity::Rights;
use gannet_subject::Class;
use gannet_units::Moment;
use gannet_wire::reply_prefix::ReplyPrefix;
use parking_lot::{Mutex, RwLock};

use crate::account::Account;
use crate::chunks::ChunkPool;
use crate::drained::Drained;
use crate::links::{InboundLink, InterestMode, OutboundLink};
use crate::listing::Listing;
use crate::peer::Peer;
use crate::remote_interest::RemoteInterest;
use crate::reply_ids::ReplyIds;
use crate::routes::RouteLink;
use crate::sub::Sub;

/// Accounts that links may make known before their interest is ignored.
pub(crate) const ACCOUNTS_MOST: usize = 100_000;

/// What the switchboard must know of its server.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// Keys the hash tables.
    pub seed: u64,
    /// Put before replies that must find their way back here; `None` on a server without gateways.
    pub reply_prefix: Option<ReplyPrefix>,
    /// Name of this server's cluster for gateways; empty if there is none.
    pub gateway: String,
    /// Name of this server's cluster, which mappings may be for; empty if there is none.
    pub cluster: String,
}

/// Messages and bytes through the server.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Messages received.
    pub in_msgs: AtomicU64,
    /// Their bytes.
    pub in_bytes: AtomicU64,
    /// Messages delivered.
    pub out_msgs: AtomicU64,
    /// Their bytes.
    pub out_bytes: AtomicU64,
}

impl Traffic {
    /// Counts messages received.
    pub fn received(&self, msgs: u64, bytes: u64) {
        self.in_msgs.fetch_add(msgs, Ordering::Relaxed);
        self.in_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, msgs: u64, bytes: u64) {
        self.out_msgs.fetch_add(msgs, Ordering::Relaxed);
        self.out_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The switchboard of one server.
#[derive(Debug)]
pub struct Broker {
    options: BrokerOptions,
    pub(crate) accounts: RwLock<BTreeMap<Box<str>, Arc<Account>>>,
    global: Arc<Account>,
    /// Whoever changes what accounts share; before all other locks.
    pub(crate) defining: Mutex<()>,
    /// Stands for the server itself where something must have an owner.
    pub(crate) internal: Arc<Peer>,
    pub(crate) reply_ids: ReplyIds,
    /// Accounts that were asked by others.
    pub(crate) answering: Mutex<Vec<Arc<Account>>>,
    /// When the first request to one of them is over, in nanoseconds.
    pub(crate) next_expiry: AtomicU64,
    pub(crate) expiry_awaited: Drained,
    /// Links to other clusters, nearest first.
    outbound: ArcSwap<Vec<Arc<OutboundLink>>>,
    inbound: Mutex<Vec<Arc<InboundLink>>>,
    /// Routes to the other servers of this cluster.
    pub(crate) routes: Mutex<Vec<Arc<RouteLink>>>,
    pub(crate) chunks: ChunkPool,
    /// Messages and bytes of all connections.
    pub traffic: Traffic,
    /// The same of clients alone.
    pub client_traffic: Traffic,
}

/// Name of the account that everybody is in who is in no other.
const GLOBAL: &str = "$G";

impl Broker {
    /// A switchboard with the global account.
    pub fn new(options: BrokerOptions) -> Broker {
        let global = Arc::new(Account::new(GLOBAL, options.seed));
        let accounts = BTreeMap::from([(GLOBAL.into(), global.clone())]);
        let seed = options.seed;
        Broker {
            options,
            accounts: RwLock::new(accounts),
            global,
            defining: Mutex::new(()),
            internal: Arc::new(Peer::internal()),
            reply_ids: ReplyIds::new(seed),
            answering: Mutex::new(Vec::new()),
            next_expiry: AtomicU64::new(u64::MAX),
            expiry_awaited: Drained::default(),
            outbound: ArcSwap::from_pointee(Vec::new()),
            inbound: Mutex::new(Vec::new()),
            routes: Mutex::new(Vec::new()),
            chunks: ChunkPool::default(),
            traffic: Traffic::default(),
            client_traffic: Traffic::default(),
        }
    }

    pub(crate) fn options(&self) -> &BrokerOptions {
        &self.options
    }

    /// The account of everybody who is in no other.
    pub fn global(&self) -> &Arc<Account> {
        &self.global
    }

    /// The account of that name, if there is one.
    pub fn account(&self, name: &str) -> Option<Arc<Account>> {
        self.accounts.read().get(name).cloned()
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.read().values().cloned().collect()
    }

    /// A client may do this from now on; `None` is everything. What it has subscribed to already is its owner's to
    /// look at.
    pub fn set_rights(&self, account: &Account, peer: &Peer, rights: Option<Arc<Rights>>) {
        peer.set_rights(rights);
        account.touch();
        // Its subscriptions may have shadows in the accounts that this one imports from.
        let shares = account.shares();
        let exporters = shares.iter().flat_map(|shares| &shares.streams);
        for exporter in exporters.filter_map(|import| import.exporter.upgrade()) {
            exporter.touch();
        }
    }

    /// Links to other clusters, nearest first.
    pub fn outbound(&self) -> Arc<Vec<Arc<OutboundLink>>> {
        self.outbound.load_full()
    }

    /// Links from other clusters.
    pub fn inbound(&self) -> Vec<Arc<InboundLink>> {
        self.inbound.lock().clone()
    }

    /// The account of that name, made if there is none yet; `None` once there are too many.
    pub(crate) fn account_or_new(&self, name: &str) -> Option<Arc<Account>> {
        if let Some(account) = self.account(name) {
            return Some(account);
        }
        if self.accounts.read().len() >= ACCOUNTS_MOST {
            return None;
        }
        Some(self.account_to_define(name))
    }

    /// The account of that name, made if there is none yet, however many there are.
    pub(crate) fn account_to_define(&self, name: &str) -> Arc<Account> {
        let mut accounts = self.accounts.write();
        if let Some(account) = accounts.get(name) {
            return account.clone();
        }
        let account = Arc::new(Account::new(name, self.options.seed));
        // Others learn of it at once, so that they need not guess. It is empty: that is done at once.
        let one = [account.clone()];
        for link in self.inbound.lock().iter() {
            account.interest().write().announced.add(&link.peer);
            Listing::for_cluster(&link.peer, &one, b"").finish(self);
        }
        for link in self.routes.lock().iter() {
            if link.carries().carries(name) {
                account.tell(link);
            }
        }
        accounts.insert(name.into(), account.clone());
        account
    }

    // --- links that messages leave by ---

    /// Adds a link to another cluster.
    pub fn add_outbound(&self, link: Arc<OutboundLink>) {
        self.change_outbound(|links| links.push(link.clone()));
    }

    /// Notes a link's round-trip time; links are kept in its order.
    pub fn set_rtt(&self, link: &OutboundLink, rtt: Duration) {
        link.set_rtt(rtt);
        if !self.outbound.load().is_sorted_by_key(|l| l.rtt_nanos()) {
            self.change_outbound(|_| {});
        }
    }

    fn change_outbound(&self, change: impl Fn(&mut Vec<Arc<OutboundLink>>)) {
        self.outbound.rcu(|links| {
            let mut links = Vec::clone(links);
            change(&mut links);
            links.sort_by_key(|l| l.rtt_nanos());
            links
        });
        self.touch_all();
    }

    fn touch_all(&self) {
        for account in self.accounts() {
            account.touch();
        }
    }

    /// Removes a link to another cluster. What is left of it is the interest that came over it, which its
    /// owner has: nothing goes there any more.
    pub fn remove_outbound(&self, link: &Arc<OutboundLink>) {
        self.change_outbound(|links| links.retain(|l| !Arc::ptr_eq(l, link)));
    }

    /// Interest of a remote cluster: `RS+`. Interest already known is ignored.
    pub fn remote_subscribe(
        &self,
        link: &OutboundLink,
        interest: &mut RemoteInterest,
        name: &str,
        subject: &[u8],
        queue: Option<&[u8]>,
        now: Moment,
    ) {
        let Some(account) = self.account_or_new(name) else {
            return;
        };
        if queue.is_some() {
            // Who has a member of a group there has interest in the account.
            link.refuse_account(name.as_bytes(), false);
        } else {
            link.allow_subject(name.as_bytes(), subject);
            if link.mode(name.as_bytes()) == InterestMode::Optimistic {
                // Everything is sent anyway; the remote only takes back that it did not want this.
                return account.touch();
            }
        }
        let known = interest.account(name, self.options.seed);
        if known.get(subject, queue).is_some() {
            account.touch();
            return;
        }
        let sub = Sub::new(
            link.peer().clone(),
            Class::Gateway,
            subject,
            queue,
            b"",
            now,
        );
        known.insert(sub.clone());
        account.subscribe(sub, now);
    }

    /// Interest that a remote cluster no longer has: `RS-`.
    pub fn remote_unsubscribe(
        &self,
        link: &OutboundLink,
        interest: &mut RemoteInterest,
        name: &str,
        subject: &[u8],
        queue: Option<&[u8]>,
    ) {
        let known = interest
            .known_account(name)
            .and_then(|set| set.remove(subject, queue));
        let account = self.account(name);
        if let (Some(account), Some(sub)) = (&account, &known) {
            account.unsubscribe(sub);
        }
        if queue.is_none() {
            link.refuse_subject(name.as_bytes(), subject);
        }
        if let Some(account) = account {
            account.touch();
        }
    }

    /// A command of the remote about one whole account.
    pub fn remote_account(&self, link: &OutboundLink, name: &str, change: AccountChange) {
        let key = name.as_bytes();
        match change {
            AccountChange::Refused => link.refuse_account(key, true),
            AccountChange::Allowed => link.refuse_account(key, false),
            AccountChange::SwitchBegins => link.begin_switch(key),
            AccountChange::SwitchComplete => link.complete_switch(key),
        }
        if let Some(account) = self.account(name) {
            account.touch();
        }
    }

    // --- links that interest leaves by ---

    /// Registers a link from another cluster: every change is announced from here on. What it is told now
    /// is in the listing: the interest in queue groups of all accounts, then `greeting`, then the switch of
    /// every account to interest-only with its plain interest.
    pub fn add_inbound(&self, link: Arc<InboundLink>, greeting: &[u8]) -> Listing {
        // Holding the list of accounts keeps new ones from being announced twice or never.
        let accounts = self.accounts.read();
        self.inbound.lock().push(link.clone());
        let accounts: Vec<Arc<Account>> = accounts.values().cloned().collect();
        for account in &accounts {
            account.interest().write().announced.add(&link.peer);
        }
        Listing::for_cluster(&link.peer, &accounts, greeting)
    }

    /// Forgets a link from another cluster.
    pub fn remove_inbound(&self, peer: &Arc<Peer>) {
        self.inbound.lock().retain(|l| !Arc::ptr_eq(&l.peer, peer));
        for account in self.accounts() {
            account.interest().write().announced.remove(peer);
        }
    }

    /// The link to the cluster with this mark in mapped replies.
    pub(crate) fn marked_link(&self, mark: &[u8]) -> Option<Arc<OutboundLink>> {
        self.outbound
            .load()
            .iter()
            .find(|l| l.is_marked(mark))
            .cloned()
    }
}

/// What a remote says about a whole account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// `A-`: no interest at all.
    Refused,
    /// `A+`: interest again.
    Allowed,
    /// The interest of the account follows (`gateway_cmd` 2).
    SwitchBegins,
    /// The interest of the account is complete (`gateway_cmd` 3).
    SwitchComplete,
}
