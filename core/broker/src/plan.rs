//! The decision where a message goes: made once per subject and generation of the account's
//! interest, then used for every message on that subject. Not here: the delivery itself.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use gannet_subject::{Entry, Group, MatchSink};
use gannet_wire::client::encode;

use crate::links::OutboundLink;
use crate::peer::PeerKind;
use crate::sub::Sub;

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
    /// Positions in [`Plan::members`].
    pub(crate) members: Range<usize>,
    /// The nearest cluster with a member, for when this one has none (any more): position in
    /// [`Plan::links`].
    pub(crate) remote: Option<usize>,
}

/// A remote cluster that may have to get the message: once, whatever the number of its subscriptions.
#[derive(Debug)]
pub(crate) struct LinkTarget {
    pub(crate) link: Arc<OutboundLink>,
    /// It has interest outside of queue groups.
    pub(crate) plain: bool,
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
    pub(crate) links: Vec<LinkTarget>,
}

impl Plan {
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
        self.links.clear();
    }

    /// The plan for a message that goes to one cluster whatever its interest.
    pub(crate) fn direct(account: &[u8], subject: &[u8], link: Arc<OutboundLink>) -> Plan {
        let mut plan = Plan::default();
        plan.add_link(account, subject, link, true);
        plan
    }

    fn add_link(
        &mut self,
        account: &[u8],
        subject: &[u8],
        link: Arc<OutboundLink>,
        plain: bool,
    ) -> usize {
        let prefix = self.add_prefix(|out| {
            for part in [&b"MSG "[..], account, b" ", subject, b" "] {
                out.extend_from_slice(part);
            }
        });
        self.links.push(LinkTarget {
            link,
            plain,
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
    /// For each link, whether plain interest was found.
    plain_links: Vec<bool>,
    /// Queue members found: by name, local ones and positions of links.
    groups: Vec<Found<'a>>,
}

struct Found<'a> {
    name: &'a [u8],
    local: Vec<&'a Sub>,
    nearest: Option<usize>,
}

impl<'a, 'p> Planner<'a, 'p> {
    pub(crate) fn new(
        plan: &'p mut Plan,
        account: &'a [u8],
        subject: &'a [u8],
        links: &'a [Arc<OutboundLink>],
    ) -> Self {
        plan.clear();
        Planner {
            plan,
            account,
            subject,
            links,
            plain_links: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn add(&mut self, sub: &'a Sub) {
        if sub.peer().kind() == PeerKind::OutboundGateway {
            self.add_remote(sub);
            return;
        }
        match sub.queue() {
            None => {
                let target = self.plan.target(self.subject, sub);
                self.plan.plain.push(target);
            }
            Some(name) => self.group(name).local.push(sub),
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

    fn group(&mut self, name: &'a [u8]) -> &mut Found<'a> {
        let at = match self.groups.iter().position(|g| g.name == name) {
            Some(at) => at,
            None => {
                self.groups.push(Found {
                    name,
                    local: Vec::new(),
                    nearest: None,
                });
                self.groups.len() - 1
            }
        };
        &mut self.groups[at]
    }

    /// Lays out the plan from what was found.
    pub(crate) fn finish(mut self) {
        for (at, link) in self.links.iter().enumerate() {
            if link.sends_without_interest(self.account, self.subject) {
                self.plain_links.resize(self.links.len(), false);
                self.plain_links[at] = true;
            }
        }
        if !self.plain_links.is_empty() || !self.groups.is_empty() {
            self.lay_out_links_and_queues();
        }
    }

    fn lay_out_links_and_queues(&mut self) {
        let mut positions: Vec<Option<usize>> = alloc::vec![None; self.links.len()];
        let plain_links = core::mem::take(&mut self.plain_links);
        for (at, _) in plain_links.iter().enumerate().filter(|(_, plain)| **plain) {
            positions[at] = Some(self.link_target(at, true));
        }
        for found in core::mem::take(&mut self.groups) {
            let start = self.plan.members.len();
            for sub in &found.local {
                let target = self.plan.target(self.subject, sub);
                self.plan.members.push(target);
            }
            let remote = found.nearest.map(|at| match positions[at] {
                Some(position) => position,
                None => {
                    let position = self.link_target(at, false);
                    positions[at] = Some(position);
                    position
                }
            });
            let members = start..self.plan.members.len();
            self.plan.queues.push(Queue {
                name: found.name.into(),
                members,
                remote,
            });
        }
    }

    fn link_target(&mut self, at: usize, plain: bool) -> usize {
        self.plan
            .add_link(self.account, self.subject, self.links[at].clone(), plain)
    }
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
