//! The decision where a message goes: made once per subject and generation of the account's
//! interest, then used for every message on that subject. Not here: the delivery itself.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::ops::Range;

use gannet_subject::{Entry, Group, MatchSink};
use gannet_wire::client::encode;

use crate::account::{Account, Interest};
use crate::beyond::Beyond;
use crate::links::OutboundLink;
use crate::peer::{Peer, PeerKind};
use crate::shadows::Shadows;
use crate::sub::Sub;
use crate::ways::Ways;

/// A subscription of this server and the first bytes of each delivery to it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) sub: Sub,
    /// Where `HMSG subject sid ` stands in [`Plan::prefixes`]; without its first byte it is the one for
    /// messages without headers.
    prefix: Range<u32>,
}

/// A queue group: one of its members gets the message.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: Arc<[u8]>,
    /// Its members here: positions in [`Plan::members`].
    pub(crate) members: Range<usize>,
    /// Its members on other servers of this cluster: positions in [`Plan::routed`].
    pub(crate) routed: Range<usize>,
    /// How many members stand behind `routed`.
    pub(crate) routed_weight: usize,
    /// The nearest cluster with a member, for when this one has none (any more): position in
    /// [`Plan::links`].
    pub(crate) remote: Option<usize>,
}

/// Members of a queue group on another server of this cluster.
#[derive(Debug)]
pub(crate) struct Routed {
    /// Position in [`Plan::links`].
    pub(crate) link: usize,
    pub(crate) weight: usize,
}

/// Another server of this cluster, or another cluster, that may have to get the message: once, whatever
/// the number of its subscriptions.
#[derive(Debug)]
pub(crate) struct LinkTarget {
    pub(crate) peer: Arc<Peer>,
    /// It has interest outside of queue groups.
    pub(crate) plain: bool,
    /// The interest of a server of this cluster that deliveries are counted at, as monitoring shows them.
    counted: Option<Sub>,
    /// Where `MSG account subject ` stands in [`Plan::prefixes`].
    prefix: Range<u32>,
}

/// Where messages on one subject go.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    prefixes: Vec<u8>,
    pub(crate) plain: Vec<Target>,
    pub(crate) members: Vec<Target>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) routed: Vec<Routed>,
    /// First the routes, then the links to other clusters.
    pub(crate) links: Vec<LinkTarget>,
    /// How many of `links` are routes.
    pub(crate) routes: usize,
    /// Whether no two local targets are of one connection; found out when first asked.
    distinct: OnceCell<bool>,
    /// Other accounts that targets are subscribed in: this account's shadows stand for them.
    pub(crate) owners: Vec<Arc<Account>>,
    /// What else is to be done with each message, or instead; nothing in most accounts.
    pub(crate) beyond: Option<Arc<Beyond>>,
    /// The server itself wants it: it answers a request of another account.
    pub(crate) is_response: bool,
}

impl LinkTarget {
    /// Counts deliveries, under the peer's outbox lock.
    #[inline]
    pub(crate) fn count_deliveries(&self, count: usize) {
        if let Some(sub) = &self.counted {
            sub.count_deliveries(count);
        }
    }
}

impl Plan {
    /// Whether no two local targets are of one connection.
    pub(crate) fn has_distinct_targets(&self) -> bool {
        let targets = || self.plain.iter().chain(&self.members);
        *self.distinct.get_or_init(|| {
            let mut peers: Vec<u64> = targets().map(|t| t.sub.peer().id().0).collect();
            peers.sort_unstable();
            peers.is_sorted_by(|a, b| a < b)
        })
    }

    /// How many targets it names: its size in memory, for the cache's bound.
    pub(crate) fn weight(&self) -> usize {
        1 + self.plain.len() + self.members.len() + self.links.len()
    }

    /// First bytes of a delivery to `target`.
    #[inline]
    pub(crate) fn delivery_prefix(&self, target: &Target, headers: bool) -> &[u8] {
        let Range { start, end } = target.prefix;
        &self.prefixes[start as usize + usize::from(!headers)..end as usize]
    }

    /// First bytes of the frame for `target`, after `R` or `H`: `MSG account subject `.
    #[inline]
    pub(crate) fn link_prefix(&self, target: &LinkTarget) -> &[u8] {
        let Range { start, end } = target.prefix;
        &self.prefixes[start as usize..end as usize]
    }

    pub(crate) fn clear(&mut self) {
        self.prefixes.clear();
        self.plain.clear();
        self.members.clear();
        self.queues.clear();
        self.routed.clear();
        self.links.clear();
        self.routes = 0;
        self.distinct.take();
        self.owners.clear();
        self.beyond = None;
        self.is_response = false;
    }

    /// The plan for a message that goes over one link, whatever the interest behind it.
    pub(crate) fn direct(account: &[u8], subject: &[u8], peer: Arc<Peer>) -> Plan {
        let mut plan = Plan {
            routes: usize::from(peer.kind() == PeerKind::Route),
            ..Plan::default()
        };
        plan.add_link(account, subject, peer, true, None);
        plan
    }

    fn add_link(
        &mut self,
        account: &[u8],
        subject: &[u8],
        peer: Arc<Peer>,
        plain: bool,
        counted: Option<Sub>,
    ) -> usize {
        let named = peer.names_accounts();
        let prefix = self.add_prefix(|out| {
            out.extend_from_slice(b"MSG ");
            if named {
                out.extend_from_slice(account);
                out.push(b' ');
            }
            out.extend_from_slice(subject);
            out.push(b' ');
        });
        self.links.push(LinkTarget {
            peer,
            plain,
            counted,
            prefix,
        });
        self.links.len() - 1
    }

    fn add_prefix(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<u32> {
        let start = self.prefixes.len() as u32;
        write(&mut self.prefixes);
        start..self.prefixes.len() as u32
    }

    fn target(&mut self, subject: &[u8], sub: &Sub) -> Target {
        let prefix = self.add_prefix(|out| encode::delivery_prefix(out, true, subject, sub.sid()));
        Target {
            sub: sub.clone(),
            prefix,
        }
    }
}

/// Collects what the index finds for one subject, then lays out the plan.
pub(crate) struct Planner<'a, 'p> {
    plan: &'p mut Plan,
    account: &'a [u8],
    subject: &'a [u8],
    /// Clusters reachable now, nearest first.
    links: &'a [Arc<OutboundLink>],
    /// Which connection to a server counts where several were found.
    ways: &'a Ways,
    /// What shadows here stand for.
    shadows: Option<&'a Shadows>,
    /// What came by an import is not passed on by another one.
    with_shadows: bool,
    /// For each link, whether plain interest was found.
    plain_links: Vec<bool>,
    /// Servers of this cluster with interest.
    routes: Vec<Interested<'a>>,
    /// Queue members found, by name.
    groups: Vec<Found<'a>>,
}

/// What was found of a server of this cluster: its first interest, plain if it has any, by the connection
/// that counts.
struct Interested<'a> {
    by: &'a Sub,
    plain: bool,
    /// Another connection told interest, too: the same.
    is_doubled: bool,
}

struct Found<'a> {
    name: &'a [u8],
    local: Vec<&'a Sub>,
    /// Positions in [`Planner::routes`], and the interest.
    routed: Vec<(usize, &'a Sub)>,
    /// Position in [`Planner::links`].
    nearest: Option<usize>,
}

impl<'a, 'p> Planner<'a, 'p> {
    pub(crate) fn new(
        plan: &'p mut Plan,
        account: &'a [u8],
        subject: &'a [u8],
        links: &'a [Arc<OutboundLink>],
        interest: &'a Interest,
        with_shadows: bool,
    ) -> Self {
        plan.clear();
        Planner {
            plan,
            account,
            subject,
            links,
            ways: &interest.ways,
            shadows: interest.shadows.as_deref(),
            with_shadows,
            plain_links: Vec::new(),
            routes: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn add(&mut self, sub: &'a Sub) {
        match (sub.peer().kind(), sub.queue()) {
            (PeerKind::Route, _) if sub.peer().is_gone() => {}
            (PeerKind::Route, None) => {
                let at = self.route(sub);
                let route = &mut self.routes[at];
                if !route.plain && Arc::ptr_eq(route.by.peer(), sub.peer()) {
                    route.by = sub;
                }
                route.plain = true;
            }
            (PeerKind::Route, Some(name)) => {
                let at = self.route(sub);
                self.group(name).routed.push((at, sub));
            }
            (PeerKind::OutboundGateway, _) => self.add_remote(sub),
            _ if sub.peer().is_internal() => self.plan.is_response = true,
            _ if sub.is_shadow() && !self.with_shadows => {}
            (_, None) => {
                let target = self.target(sub);
                self.plan.plain.extend(target);
            }
            (_, Some(name)) => self.group(name).local.push(sub),
        }
    }

    fn add_remote(&mut self, sub: &'a Sub) {
        let Some(at) = self
            .links
            .iter()
            .position(|link| Arc::ptr_eq(link.peer(), sub.peer()))
        else {
            return;
        };
        match sub.queue() {
            None => self.mark_plain(at),
            Some(name) => {
                let nearest = &mut self.group(name).nearest;
                *nearest = Some(nearest.map_or(at, |best| best.min(at)));
            }
        }
    }

    fn mark_plain(&mut self, at: usize) {
        self.plain_links.resize(self.links.len(), false);
        self.plain_links[at] = true;
    }

    fn route(&mut self, by: &'a Sub) -> usize {
        let mut routes = self.routes.iter_mut().enumerate();
        let known = routes.find(|(_, route)| route.by.peer().is_same_server(by.peer()));
        let Some((at, route)) = known else {
            self.routes.push(Interested {
                by,
                plain: false,
                is_doubled: false,
            });
            return self.routes.len() - 1;
        };
        if !Arc::ptr_eq(route.by.peer(), by.peer()) {
            route.is_doubled = true;
            if self.ways.has(by.peer()) {
                route.by = by;
            }
        }
        at
    }

    fn group(&mut self, name: &'a [u8]) -> &mut Found<'a> {
        let at = match self.groups.iter().position(|g| g.name == name) {
            Some(at) => at,
            None => {
                self.groups.push(Found {
                    name,
                    local: Vec::new(),
                    routed: Vec::new(),
                    nearest: None,
                });
                self.groups.len() - 1
            }
        };
        &mut self.groups[at]
    }

    /// Members of a group that were told over two connections to one server count once: as they were told
    /// over the one that counts, or, where that has not been told of them, over the other.
    fn count_once(&mut self) {
        for (at, route) in self.routes.iter().enumerate().filter(|(_, r)| r.is_doubled) {
            for group in &mut self.groups {
                let of_server = |(of, _): &&(usize, &Sub)| *of == at;
                let mut told = group.routed.iter().filter(of_server).map(|(_, sub)| sub);
                let first = told.clone().next();
                let by = told.find(|sub| Arc::ptr_eq(sub.peer(), route.by.peer()));
                let Some(by) = by.or(first).map(|sub| sub.peer().clone()) else {
                    continue;
                };
                group
                    .routed
                    .retain(|(of, sub)| *of != at || Arc::ptr_eq(sub.peer(), &by));
            }
        }
    }

    /// Lays out the plan from what was found.
    pub(crate) fn finish(mut self) {
        for (at, link) in self.links.iter().enumerate() {
            if link.sends_without_interest(self.account, self.subject) {
                self.mark_plain(at);
            }
        }
        if !self.plain_links.is_empty() || !self.routes.is_empty() || !self.groups.is_empty() {
            self.lay_out_links_and_queues();
        }
    }

    fn lay_out_links_and_queues(&mut self) {
        self.count_once();
        for Interested { by, plain, .. } in core::mem::take(&mut self.routes) {
            let (peer, counted) = (by.peer().clone(), Some(by.clone()));
            self.plan
                .add_link(self.account, self.subject, peer, plain, counted);
        }
        self.plan.routes = self.plan.links.len();
        let mut positions: Vec<Option<usize>> = alloc::vec![None; self.links.len()];
        let plain_links = core::mem::take(&mut self.plain_links);
        for (at, _) in plain_links.iter().enumerate().filter(|(_, plain)| **plain) {
            positions[at] = Some(self.link_target(at, true));
        }
        for found in core::mem::take(&mut self.groups) {
            self.lay_out_queue(&found, &mut positions);
        }
    }

    fn lay_out_queue(&mut self, found: &Found<'_>, positions: &mut [Option<usize>]) {
        let members_from = self.plan.members.len();
        for sub in &found.local {
            let target = self.target(sub);
            self.plan.members.extend(target);
        }
        let routed_from = self.plan.routed.len();
        self.plan
            .routed
            .extend(found.routed.iter().map(|&(link, sub)| Routed {
                link,
                weight: sub.weight() as usize,
            }));
        let remote = found.nearest.map(|at| match positions[at] {
            Some(position) => position,
            None => {
                let position = self.link_target(at, false);
                positions[at] = Some(position);
                position
            }
        });
        self.plan.queues.push(Queue {
            name: found.name.into(),
            members: members_from..self.plan.members.len(),
            routed: routed_from..self.plan.routed.len(),
            routed_weight: self.plan.routed[routed_from..]
                .iter()
                .map(|r| r.weight)
                .sum(),
            remote,
        });
    }

    /// What is delivered by `sub`; `None` if its owner may not get it.
    fn target(&mut self, sub: &Sub) -> Option<Target> {
        if sub.is_shadow() {
            return self.shadowed(sub);
        }
        may_receive(sub, self.subject).then(|| self.plan.target(self.subject, sub))
    }

    /// The same, by what a shadow stands for.
    #[cold]
    fn shadowed(&mut self, shadow: &Sub) -> Option<Target> {
        let shadow = self.shadows?.origin(shadow)?;
        let subject = shadow.import.delivered_as(self.subject);
        if !may_receive(&shadow.primary, &subject) {
            return None;
        }
        let importer = shadow.import.importer.upgrade()?;
        let owners = &mut self.plan.owners;
        if !owners.iter().any(|owner| Arc::ptr_eq(owner, &importer)) {
            owners.push(importer);
        }
        Some(self.plan.target(&subject, &shadow.primary))
    }

    fn link_target(&mut self, at: usize, plain: bool) -> usize {
        let peer = self.links[at].peer().clone();
        self.plan
            .add_link(self.account, self.subject, peer, plain, None)
    }
}

/// Whether its owner may be sent messages on `subject` by this subscription.
#[inline]
fn may_receive(sub: &Sub, subject: &[u8]) -> bool {
    let rights = sub.peer().rights();
    rights.is_none_or(|rights| rights.may_receive(subject, sub.queue()))
}

impl<'a> MatchSink<'a, Sub> for Planner<'a, '_> {
    fn one(&mut self, entry: &'a Sub) {
        self.add(entry);
    }

    fn group(&mut self, group: &'a Group<Sub>) {
        for sub in group.plain() {
            self.add(sub);
        }
        for queue in group.queues() {
            for member in queue.members() {
                self.add(member);
            }
        }
    }
}
