//! Who is told of whom, and what is done about it.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use gannet_units::Moment;
use gannet_wire::gateway::encode;
use gannet_wire::server_info::{GossipMode, ServerInfo};

use super::output::Output;
use super::peer::Peer;
use super::remote::{Kind, Remote, address_of, heard_url, told_addresses};
use super::{Routes, tell};
use crate::route::{Place, RemoteServer, RouteId};

/// Addresses kept at most; others heard of are ignored.
pub(super) const MOST_REMOTES: usize = 1024;
/// Addresses kept at most of one server.
const MOST_ADDRESSES: usize = 8;

/// Time between two reminders, and servers named in one: a small cluster is through in seconds, a large
/// one has hardly any work with it.
const BETWEEN_REMINDERS: Duration = Duration::from_secs(2);
const MOST_REMINDERS: usize = 4;

/// Two servers that come at the same time, at different places, may miss the news of each other: whoever
/// tells of the one may not know the other yet, and is silent later. Therefore everybody is reminded of
/// everybody once, little by little, after each arrival. The reference server does not do that.
#[derive(Clone, Debug)]
pub(super) struct Reminders {
    next: Moment,
    /// How many there were.
    step: usize,
}

impl Routes {
    /// Tells the others of the server at the other end of a connection that was registered just now.
    pub(super) fn spread(&self, id: RouteId, remote: &RemoteServer, out: &mut Vec<Output>) {
        let Some(conn) = self.conns.get(&id) else {
            return;
        };
        let dialled = conn.dialled.as_ref();
        let is_explicit = dialled
            .and_then(|(address, _)| self.remotes.get(address))
            .is_some_and(Remote::is_explicit);
        let is_from_gossip = dialled.is_some() && !is_explicit;
        let info = &remote.info;
        if is_from_gossip && conn.gossip != GossipMode::Override
            || info.gossip_mode() == GossipMode::Disabled
        {
            return;
        }
        for (server_id, peer) in &self.peers {
            if *server_id == info.server_id {
                continue;
            }
            let way = match &remote.place {
                Place::Account(name) => peer.accounts.get(name).copied().or_else(|| {
                    let first = peer.first();
                    first.filter(|_| peer.pool_size.is_some())
                }),
                _ => peer.first(),
            };
            let Some(way) = way else {
                continue;
            };
            let mode = match (dialled, is_explicit) {
                (Some(_), true) => GossipMode::Override,
                (Some(_), false) => GossipMode::Default,
                (None, _) if self.is_explicit(server_id) => GossipMode::Override,
                (None, _) => GossipMode::Disabled,
            };
            out.push(tell(way, &gossip_line(info, mode)));
        }
    }

    /// There is a new server, or news may have been lost with their connection: everybody will be reminded
    /// of everybody.
    pub(super) fn remind_all(&mut self, now: Moment) {
        let spread = Duration::from_millis(self.chance.below(1000));
        self.reminders = Some(Reminders {
            next: now + BETWEEN_REMINDERS + spread,
            step: 0,
        });
    }

    pub(super) fn next_reminder(&self) -> Moment {
        let reminders = self.reminders.as_ref();
        reminders.map_or(Moment::NEVER, |reminders| reminders.next)
    }

    /// Reminds the next server of some others, if it is time. What it knows it ignores.
    pub(super) fn remind(&mut self, now: Moment, out: &mut Vec<Output>) {
        let Some(reminders) = self.reminders.as_mut().filter(|r| r.next <= now) else {
            return;
        };
        let peers: Vec<&Peer> = self.peers.values().filter(|peer| peer.is_up()).collect();
        let (count, step) = (peers.len(), reminders.step);
        let first = step.checked_div(count).unwrap_or(0) * MOST_REMINDERS + 1;
        reminders.next = now + BETWEEN_REMINDERS;
        reminders.step += 1;
        if first >= count {
            self.reminders = None;
            return;
        }
        let whom = step % count;
        let Some(way) = peers[whom].first() else {
            return;
        };
        for offset in first..count.min(first + MOST_REMINDERS) {
            let other = peers[(whom + offset) % count];
            if !other.is_lame {
                let line = gossip_line(&other.info, GossipMode::Disabled);
                out.push(tell(way, &line));
            }
        }
    }

    /// Somebody told of another server.
    pub(super) fn heard_of(&mut self, info: &ServerInfo, now: Moment) {
        let server_id = info.server_id.as_str();
        let is_for_account = !info.route_account.is_empty();
        let is_pinned = self.pinned().contains(&info.route_account);
        // Of a server that dialled us for its pool, the account's connection may still be missing.
        let is_connected = self.peers.get(server_id).is_some_and(|peer| {
            peer.is_up() && (!is_for_account || peer.accounts.contains_key(&info.route_account))
        });
        if server_id == self.settings.server_id || is_connected || is_for_account && !is_pinned {
            return;
        }
        let told = told_addresses(info);
        let mut is_configured = false;
        for (address, remote) in &mut self.remotes {
            if remote.is_explicit() && told.contains(address) {
                is_configured = true;
                remote.hasten(now);
            }
        }
        if is_configured || self.is_kept_away(server_id, now) {
            return;
        }
        let Some(url) = heard_url(info, &self.settings.auth) else {
            return;
        };
        let until = now + self.settings.memory;
        let gossip = info.gossip_mode();
        let address = address_of(&url);
        let same = self.remotes.values().filter(|r| r.leads_to(server_id));
        let is_full = self.remotes.len() >= MOST_REMOTES || same.count() >= MOST_ADDRESSES;
        if let Some(known) = self.remotes.get_mut(&address) {
            let mut others = self.peers.iter().filter(|(_, peer)| peer.is_up());
            if others.any(|(id, _)| known.leads_to(id)) {
                // Somebody else is there.
                return;
            }
            known.kind = Kind::Implicit { gossip, until };
            known.peer = Some(server_id.into());
            known.is_self = false;
            known.hasten(now);
        } else if !is_full {
            let mut remote = Remote::new(url, Kind::Implicit { gossip, until }, now);
            remote.peer = Some(server_id.into());
            self.remotes.insert(address, remote);
        }
    }
}

fn gossip_line(info: &ServerInfo, mode: GossipMode) -> Bytes {
    let info = ServerInfo {
        gossip_mode: mode.number(),
        ..info.clone()
    };
    let mut line = Vec::with_capacity(1024);
    encode::info(&mut line, &info);
    line.into()
}
