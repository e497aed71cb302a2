//! An account: a name and the interest in its subjects. Not here: who may use it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use gannet_config::{AccountLimits, Import};
use gannet_subject::{Class, Entry, Group, Index, MatchSink, Stats, tokens};
use gannet_units::Moment;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::announce::Announced;
use crate::broker::Traffic;
use crate::links::OutboundLink;
use crate::mapping::Mapped;
use crate::peer::Peer;
use crate::plan::{Plan, Planner};
use crate::publish::Maker;
use crate::replies;
use crate::responses::Responses;
use crate::routes::Told;
use crate::shadows::{Shadow, Shadows};
use crate::sharing::Shares;
use crate::sub::Sub;
use crate::ways::Ways;

/// Everything under the account's one lock.
#[derive(Debug)]
pub(crate) struct Interest {
    pub(crate) index: Index<Sub>,
    /// Links from other clusters to announce changes to.
    pub(crate) announced: Announced,
    /// Routes to announce local changes to.
    pub(crate) told: Told,
    /// Where messages to each other server go.
    pub(crate) ways: Ways,
    /// Shadows of and in other accounts; nothing where there are none.
    pub(crate) shadows: Option<Box<Shadows>>,
}

impl Interest {
    /// Removes an entry; answers whether that was announced to other clusters, or `None` if it was not
    /// there.
    pub(crate) fn remove(&mut self, account: &str, sub: &Sub) -> Option<bool> {
        let left = self.index.remove(sub)?;
        let (subject, queue) = (sub.subject(), sub.queue());
        if sub.class() == Class::Local {
            let local = left.of(Class::Local);
            self.told.removed(account, subject, queue, local);
        }
        let last = sub.class() != Class::Gateway && left.in_cluster() == 0;
        if last {
            self.announced.removed(account, subject, queue);
        }
        Some(last)
    }
}

/// What an insertion or removal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The change was announced to other clusters.
    pub announced: bool,
}

/// A space of subjects of its own.
#[derive(Debug)]
pub struct Account {
    name: Box<str>,
    interest: RwLock<Interest>,
    /// Goes up with every change that may alter a plan.
    generation: AtomicU64,
    looked_up: AtomicU64,
    /// When the newest local subscription was made, in nanoseconds.
    newest: AtomicU64,
    /// Exports, imports and bounds; nothing if it has none. Changed with the interest locked.
    shares: ArcSwapOption<Shares>,
    traffic: Traffic,
    clients: AtomicU32,
    /// It is configured, not just known from links.
    is_defined: AtomicBool,
    /// Requests have been sent from here to services of other accounts.
    is_awaiting: AtomicBool,
    /// Requests from and to other accounts; nothing if there never were any.
    responses: Mutex<Option<Box<Responses>>>,
}

impl Account {
    pub(crate) fn new(name: &str, seed: u64) -> Account {
        let interest = Interest {
            index: Index::new(seed),
            announced: Announced::default(),
            told: Told::default(),
            ways: Ways::default(),
            shadows: None,
        };
        Account {
            name: name.into(),
            interest: RwLock::new(interest),
            generation: AtomicU64::new(1),
            looked_up: AtomicU64::new(0),
            newest: AtomicU64::new(0),
            shares: ArcSwapOption::empty(),
            traffic: Traffic::default(),
            clients: AtomicU32::new(0),
            is_defined: AtomicBool::new(false),
            is_awaiting: AtomicBool::new(false),
            responses: Mutex::new(None),
        }
    }

    /// Whether it is configured, and not just known from links.
    pub fn is_defined(&self) -> bool {
        self.is_defined.load(Ordering::Relaxed)
    }

    pub(crate) fn set_defined(&self, is_defined: bool) {
        self.is_defined.store(is_defined, Ordering::Relaxed);
    }

    /// Messages and bytes from and to its connections on this server, as far as they were counted for it
    /// ([`Delivery::settle`](crate::Delivery::settle)).
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Its clients on this server.
    pub fn clients(&self) -> u32 {
        self.clients.load(Ordering::Relaxed)
    }

    /// A client comes in; `false` if there are as many as there may be.
    pub fn add_client(&self) -> bool {
        let most = self.limits().connections.unwrap_or(u32::MAX);
        let add = |clients: u32| (clients < most).then(|| clients + 1);
        let (order, load) = (Ordering::AcqRel, Ordering::Acquire);
        self.clients.fetch_update(order, load, add).is_ok()
    }

    /// A client that was added has gone.
    pub fn remove_client(&self) {
        self.clients.fetch_sub(1, Ordering::AcqRel);
    }

    /// Its bounds.
    pub fn limits(&self) -> AccountLimits {
        self.shares
            .load()
            .as_ref()
            .map(|s| s.limits.clone())
            .unwrap_or_default()
    }

    /// What it takes from other accounts, as far as it may.
    pub fn imports(&self) -> Vec<Import> {
        self.shares
            .load()
            .as_ref()
            .map(|s| s.allowed_imports())
            .unwrap_or_default()
    }

    pub(crate) fn shares(&self) -> Option<Arc<Shares>> {
        self.shares.load_full()
    }

    /// It shares so from now on. Plans that were made before are out of date.
    /// Answers whether subscriptions are to get other shadows.
    pub(crate) fn set_shares(&self, shares: Option<Shares>) -> bool {
        let interest = self.interest.write();
        let is_same = match (self.shares.load().as_deref(), &shares) {
            (Some(before), Some(after)) => before == after,
            (before, after) => before.is_none() && after.is_none(),
        };
        if is_same {
            return false;
        }
        let streams =
            |shares: Option<&Shares>| shares.map(|s| s.streams.clone()).unwrap_or_default();
        let before = streams(self.shares.load().as_deref());
        let after = streams(shares.as_ref());
        self.shares.store(shares.map(Arc::new));
        drop(interest);
        self.touch();
        !before.iter().eq(after.iter())
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The current generation: a plan made for another one is out of date.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Makes every plan out of date.
    pub(crate) fn touch(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Adds a subscription made at `now`, and announces it where it is the first of its kind: on this
    /// server to routes, in this cluster to other clusters.
    pub fn subscribe(&self, sub: Sub, now: Moment) -> Subscribed {
        let mut interest = self.interest.write();
        let shares = match sub.class() {
            Class::Local => self.shares.load_full(),
            Class::Route | Class::Gateway => None,
        };
        let shadows = match &shares {
            Some(shares) => interest.cast_shadows(&sub, shares, now),
            None => Vec::new(),
        };
        let subscribed = self.insert(interest, sub, now);
        self.enter_shadows(shadows, now);
        subscribed
    }

    /// Adds an entry and announces it.
    pub(crate) fn insert(
        &self,
        mut interest: RwLockWriteGuard<'_, Interest>,
        sub: Sub,
        now: Moment,
    ) -> Subscribed {
        let class = sub.class();
        if class == Class::Local {
            self.newest.store(now.as_nanos(), Ordering::Relaxed);
        }
        if class == Class::Route {
            interest.ways.learn(sub.peer());
        }
        let cluster_wide = class != Class::Gateway;
        let announce = cluster_wide && !(interest.announced.is_empty() && interest.told.is_empty());
        let again = announce.then(|| sub.clone());
        let counts = interest.index.insert(sub);
        let first = cluster_wide && counts.in_cluster() == 1;
        if let Some(sub) = again {
            let (subject, queue) = (sub.subject(), sub.queue());
            if class == Class::Local {
                let local = counts.of(Class::Local);
                interest.told.added(&self.name, subject, queue, local);
            }
            if first {
                interest.announced.added(&self.name, subject, queue);
            }
        }
        drop(interest);
        self.touch();
        Subscribed { announced: first }
    }

    /// Removes a subscription, and announces that where it was the last of its kind.
    /// Answers `None` if it was not there.
    pub fn unsubscribe(&self, sub: &Sub) -> Option<Subscribed> {
        let mut interest = self.interest.write();
        let announced = interest.remove(&self.name, sub)?;
        let shadows = interest.take_shadows(sub);
        drop(interest);
        self.touch();
        shadows.iter().for_each(Shadow::leave);
        if self.is_awaiting.load(Ordering::Relaxed)
            && sub.class() == Class::Local
            && !sub.is_shadow()
        {
            self.drop_unwanted_responses(sub.subject());
        }
        Some(Subscribed { announced })
    }

    /// Removes several subscriptions under one lock. The caller makes plans out of date.
    pub(crate) fn remove_all(&self, subs: &[Sub]) {
        let mut interest = self.interest.write();
        for sub in subs {
            interest.remove(&self.name, sub);
        }
        // Whoever waits comes next: who removes very many locks again at once, and would be faster.
        RwLockWriteGuard::unlock_fair(interest);
    }

    /// Makes the plan for `subject`, with `links` to other clusters, nearest first.
    /// What `with_shadows` says goes for subscriptions of other accounts.
    pub(crate) fn make_plan(
        &self,
        subject: &[u8],
        links: &[Arc<OutboundLink>],
        with_shadows: bool,
        plan: &mut Plan,
    ) {
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        if tokens(subject).any(<[u8]>::is_empty) {
            // No subject at all: nobody can have asked for it, `>` included.
            plan.clear();
            return;
        }
        let interest = self.interest.read();
        let mut planner = Planner::new(
            plan,
            self.name.as_bytes(),
            subject,
            links,
            &interest,
            with_shadows,
        );
        interest.index.find(subject, &mut planner);
        planner.finish();
    }

    /// What becomes of the subject of all messages on it, as the mappings say; `None` if that is decided for each message.
    pub(crate) fn map(&self, subject: &[u8], maker: Maker, out: &mut Vec<u8>) -> Option<Mapped> {
        let shares = self.shares.load();
        let renaming = shares.as_ref().and_then(|shares| shares.renaming.as_ref());
        match renaming {
            Some(renaming) if maker.is_to_be_mapped() => {
                let chosen = renaming.mappings.choose(subject, &mut |_| 0, out);
                chosen.is_fixed.then_some(chosen.mapped)
            }
            _ => Some(Mapped::Unchanged),
        }
    }

    /// What becomes of the subject of one message, by chance.
    pub(crate) fn map_one(
        &self,
        subject: &[u8],
        random: &mut impl FnMut(u32) -> u32,
        out: &mut Vec<u8>,
    ) -> Mapped {
        let shares = self.shares.load();
        let renaming = shares.as_ref().and_then(|shares| shares.renaming.as_ref());
        renaming.map_or(Mapped::Unchanged, |renaming| {
            renaming.mappings.choose(subject, random, out).mapped
        })
    }

    /// The subscription of `peer` itself, outside of queue groups, that `subject` would reach.
    pub fn own_subscription(&self, peer: &Arc<Peer>, subject: &[u8]) -> Option<Sub> {
        let interest = self.interest.read();
        let mut own = Own { peer, found: None };
        interest.index.find(subject, &mut own);
        own.found.cloned()
    }

    /// Whether a subscription made here only a moment ago wants `reply`: then other clusters may not know
    /// of it yet, and an answer must be told the way.
    pub(crate) fn subscribed_lately(&self, reply: &[u8], now: Moment) -> bool {
        let newest = Moment::from_nanos(self.newest.load(Ordering::Relaxed));
        if reply.is_empty() || now.since(newest) >= replies::KEEP {
            return false;
        }
        let mut young = Young { now, found: false };
        self.interest.read().index.find(reply, &mut young);
        young.found
    }

    pub(crate) fn responses(&self) -> &Mutex<Option<Box<Responses>>> {
        &self.responses
    }

    pub(crate) fn set_awaiting(&self) {
        self.is_awaiting.store(true, Ordering::Relaxed);
    }

    /// Whether anybody wants messages on `subject`.
    pub(crate) fn has_interest(&self, subject: &[u8]) -> bool {
        struct Any(bool);
        impl<'a> MatchSink<'a, Sub> for Any {
            fn one(&mut self, _: &'a Sub) {
                self.0 = true;
            }
            fn group(&mut self, _: &'a Group<Sub>) {
                self.0 = true;
            }
        }
        let mut any = Any(false);
        self.interest.read().index.find(subject, &mut any);
        any.0
    }

    pub(crate) fn interest(&self) -> &RwLock<Interest> {
        &self.interest
    }

    /// Figures of the account's index, and how often it was asked.
    pub fn stats(&self) -> (Stats, u64) {
        (
            self.interest.read().index.stats(),
            self.looked_up.load(Ordering::Relaxed),
        )
    }

    /// Visits the account's subscriptions in no particular order, with the index locked: be brief.
    pub fn for_each_subscription(&self, f: impl FnMut(&Sub)) {
        let interest: RwLockReadGuard<'_, Interest> = self.interest.read();
        interest.index.for_each(f);
    }

    /// All subscriptions that a message on `subject` would reach.
    pub fn matching(&self, subject: &[u8]) -> Vec<Sub> {
        struct All(Vec<Sub>);
        impl<'a> MatchSink<'a, Sub> for All {
            fn one(&mut self, entry: &'a Sub) {
                self.0.push(entry.clone());
            }
            fn group(&mut self, group: &'a Group<Sub>) {
                self.0.extend_from_slice(group.plain());
                for queue in group.queues() {
                    self.0.extend_from_slice(queue.members());
                }
            }
        }
        let mut all = All(Vec::new());
        self.interest.read().index.find(subject, &mut all);
        all.0
    }

    /// The account's name, owned; for messages.
    pub fn to_name(&self) -> String {
        self.name.clone().into()
    }
}

struct Young {
    now: Moment,
    found: bool,
}

impl<'a> MatchSink<'a, Sub> for Young {
    fn one(&mut self, entry: &'a Sub) {
        self.found |=
            entry.class() == Class::Local && entry.is_younger_than(replies::KEEP, self.now);
    }

    fn group(&mut self, group: &'a Group<Sub>) {
        group.plain().iter().for_each(|sub| self.one(sub));
        group
            .queues()
            .iter()
            .flat_map(|q| q.members())
            .for_each(|sub| self.one(sub));
    }
}

fn is_own(sub: &Sub, peer: &Arc<Peer>) -> bool {
    Arc::ptr_eq(sub.peer(), peer) && !sub.is_shadow()
}

struct Own<'p, 'a> {
    peer: &'p Arc<Peer>,
    found: Option<&'a Sub>,
}

impl<'a> MatchSink<'a, Sub> for Own<'_, 'a> {
    fn one(&mut self, entry: &'a Sub) {
        if entry.queue().is_none() && is_own(entry, self.peer) {
            self.found = Some(entry);
        }
    }

    fn group(&mut self, group: &'a Group<Sub>) {
        if self.found.is_none() {
            self.found = group.plain().iter().find(|sub| is_own(sub, self.peer));
        }
    }
}
