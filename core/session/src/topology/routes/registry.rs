//! Who gets which place, and what comes and goes with the connections of a server.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_units::Moment;

use super::output::Output;
use super::peer::{MOST_PLACES, Peer, places};
use super::remote::{Failed, Kind, Remote, address_of, heard_url, told_addresses};
use super::{Conn, Routes, SETTLED};
use crate::CloseReason;
use crate::route::{
    Admission, Claim, ClusterName, Ending, Neighbours, Place, Refusal, RemoteServer, RouteId,
};
use core::time::Duration;
use gannet_wire::server_info::GossipMode;

/// How long a server that dialled us is left to make the missing connections itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long after the last connection came to a server interest moves: by then it is clear which of two
/// that were dialled at once stays.
const SETTLING: Duration = Duration::from_secs(1);
/// How long one that was lost is waited for before we look for it.
const RETURN: Duration = Duration::from_secs(2);

impl Neighbours for Routes {
    fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    fn admit(&self, claim: &Claim<'_>) -> Result<Admission, Refusal> {
        let is_cancelled = claim.is_dialled && !self.conns.contains_key(&claim.id);
        if is_cancelled {
            return Err(Refusal::Duplicate);
        }
        let own = self.settings.pool_size;
        let theirs = u32::try_from(claim.pool_size).ok().filter(|size| *size > 0);
        let peer = self.peers.get(claim.server_id);
        let (place, is_followed) = match (own, theirs, claim.account) {
            (Some(_), Some(_), _) if claim.is_dialled && claim.pool_index != 0 => {
                return Err(Refusal::IndexSet);
            }
            (Some(_), Some(_), Some(account)) => {
                let is_granted = peer.is_some_and(|peer| peer.granted.contains(account));
                if !self.settings.pinned.contains(account) && !is_granted {
                    return Err(Refusal::NotDedicated);
                }
                (Place::Account(account.to_string()), false)
            }
            (Some(_), Some(_), None) => {
                let places = peer.map_or(places(own, theirs), |peer| peer.places(own, theirs));
                let index = if claim.is_dialled {
                    let free = peer.map_or(Some(0), |peer| peer.free_place(own));
                    free.ok_or(Refusal::Duplicate)?
                } else {
                    let index = u32::try_from(claim.pool_index).ok();
                    let index = index.filter(|index| *index < places);
                    index.ok_or(Refusal::NoSuchIndex)?
                };
                let filled = peer.map_or(0, |peer| peer.pool.len());
                let lacks_accounts = peer.is_none_or(|peer| !peer.is_proved);
                let is_followed = (filled as u64) + 1 < u64::from(places) || lacks_accounts;
                (Place::Pooled(index), is_followed)
            }
            (_, _, Some(_)) => return Err(Refusal::NoPools),
            (_, _, None) => (Place::Only, false),
        };
        let holder = peer.and_then(|peer| peer.holder(&place));
        let replaces = self.contest(holder, claim)?;
        Ok(Admission {
            place,
            replaces,
            is_followed,
        })
    }

    fn has_other_named(&self, name: &str, server_id: &str) -> bool {
        let mut peers = self.peers.iter();
        peers.any(|(id, peer)| id != server_id && peer.info.server_name == name)
    }
}

impl Routes {
    /// Whether the connection may have a place, be it another one's.
    ///
    /// If two of ours have dialled each other, the one with the lower id decides: it keeps what it registers
    /// first, and the other follows. A dialler says where its connection belongs only once it has registered it.
    /// So what the lower one has accepted is registered at both ends, with messages on their way over it, and
    /// stays; and what it has dialled and tells the higher one of is what it has chosen: what the higher one
    /// dialled itself was refused, or has ended, at the other end.
    fn contest(
        &self,
        holder: Option<RouteId>,
        claim: &Claim<'_>,
    ) -> Result<Option<RouteId>, Refusal> {
        let Some(id) = holder else {
            return Ok(None);
        };
        let conn = self.conns.get(&id).ok_or(Refusal::Duplicate)?;
        let is_race = conn.dialled.is_some() && !claim.is_dialled;
        let they_decide = claim.server_id < self.settings.server_id.as_str();
        if is_race && claim.is_gannet && they_decide {
            Ok(Some(id))
        } else {
            Err(Refusal::Duplicate)
        }
    }

    /// A connection was registered; its link has just asked for the place.
    pub fn registered(
        &mut self,
        id: RouteId,
        remote: &RemoteServer,
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        if let Some(loser) = remote.replaces {
            let server_id = remote.info.server_id.clone();
            let reason = CloseReason::DuplicateLink;
            out.push(Output::Close { id: loser, reason });
            self.remove(loser, &Ending::Duplicate { server_id }, now, out);
        }
        let server_id = remote.info.server_id.clone();
        self.kept_away.remove(&server_id);
        let shares = self.shares();
        let conn = self.conns.entry(id).or_insert(Conn {
            dialled: None,
            gossip: GossipMode::Default,
            at: None,
            since: now,
            home: None,
        });
        conn.since = now;
        conn.home = Some((server_id.clone(), remote.place.clone()));
        let at = conn.at;
        let peer = self
            .peers
            .entry(server_id.clone())
            .or_insert_with(|| Peer::new(remote, shares, now));
        let was_up = peer.is_up();
        if peer.is_gannet() {
            peer.settled_at = now + SETTLING;
        }
        peer.put(&remote.place, id);
        match conn.dialled.clone() {
            Some((address, _)) => {
                if let Some(remote) = self.remotes.get_mut(&address) {
                    remote.peer = Some(server_id.clone());
                    remote.was_reached = true;
                    remote.at = at.or(remote.at);
                }
            }
            None => {
                peer.has_dialled = true;
                peer.is_proved = true;
                peer.fill_after = now + GRACE;
                self.adopt(&server_id, remote);
            }
        }
        if self.makes_the_rest(&server_id)
            && let Some(peer) = self.peers.get_mut(&server_id)
        {
            peer.fill_after = now;
        }
        match remote.place {
            Place::Account(_) => self.spread(id, remote, out),
            _ if !was_up => self.peer_up(id, remote, now, out),
            _ => {}
        }
        self.advance(now, out);
    }

    /// Whether this server is to make the connections that are missing, although the other one has dialled, too:
    /// of two that have dialled each other, the one with the lower id does, or each would leave it to the other.
    fn makes_the_rest(&self, server_id: &str) -> bool {
        let is_dialled = |id: RouteId| self.conns.get(&id).is_some_and(|c| c.dialled.is_some());
        self.peers.get(server_id).is_some_and(|peer| {
            peer.is_gannet()
                && peer.has_dialled
                && self.settings.server_id.as_str() < server_id
                && peer.connections().any(is_dialled)
        })
    }

    /// A server that dialled us says where it listens: an address that we heard of need not be dialled to
    /// find out who is there. (A configured one must: behind a translator of addresses, it may be
    /// somebody else's.)
    fn adopt(&mut self, server_id: &str, remote: &RemoteServer) {
        for address in told_addresses(&remote.info) {
            let Some(known) = self.remotes.get_mut(&address) else {
                continue;
            };
            let is_lost = |id: &String| !self.peers.get(id).is_some_and(Peer::is_up);
            if !known.is_explicit() && known.peer.as_ref().is_none_or(is_lost) {
                known.peer = Some(server_id.to_string());
            }
        }
    }

    /// The first connection to a server stands.
    fn peer_up(&mut self, id: RouteId, remote: &RemoteServer, now: Moment, out: &mut Vec<Output>) {
        let info = &remote.info;
        if let Some(peer) = self.peers.get_mut(&info.server_id) {
            peer.info = info.clone();
            peer.pool_size = remote.pool_size;
            peer.is_lame = false;
        }
        self.spread(id, remote, out);
        self.remind_all(now);
        out.push(Output::PeerUp {
            id,
            server_id: info.server_id.clone(),
        });
        if !self.settings.no_advertise {
            let clients = self.client_urls.add(&info.connect_urls);
            let ws = self.ws_urls.add(&info.ws_connect_urls);
            if clients || ws {
                out.push(Output::ClientUrlsChanged);
            }
        }
        if self.leaf_urls.add(info.leafnode_urls.first()) {
            out.push(Output::LeafUrlsChanged);
        }
        if !info.gateway_url.is_empty() && self.gateway_urls.add([&info.gateway_url]) {
            out.push(Output::GatewayUrlsChanged);
        }
    }

    /// The last connection to a server is gone.
    fn peer_down(&mut self, server_id: &str, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get(server_id) else {
            return;
        };
        let info = &peer.info;
        out.push(Output::PeerDown {
            server_id: server_id.to_string(),
        });
        if !self.settings.no_advertise && !peer.is_lame {
            let clients = self.client_urls.remove(&info.connect_urls);
            let ws = self.ws_urls.remove(&info.ws_connect_urls);
            if clients || ws {
                out.push(Output::ClientUrlsChanged);
            }
        }
        if self.leaf_urls.remove(info.leafnode_urls.first()) {
            out.push(Output::LeafUrlsChanged);
        }
        if !info.gateway_url.is_empty() && self.gateway_urls.remove([&info.gateway_url]) {
            out.push(Output::GatewayUrlsChanged);
        }
    }

    /// A connection has proved good.
    pub(super) fn confirmed(&mut self, id: RouteId) {
        let Some(conn) = self.conns.get(&id) else {
            return;
        };
        if let Some((address, key)) = &conn.dialled {
            let lane = self.remotes.get_mut(address);
            let lane = lane.and_then(|remote| remote.lanes.get_mut(key));
            if let Some(lane) = lane.filter(|lane| lane.attempt == Some(id)) {
                lane.succeeded();
            }
        }
        let home = conn.home.as_ref();
        if let Some(peer) = home.and_then(|(id, _)| self.peers.get_mut(id)) {
            peer.is_proved = true;
        }
    }

    /// Forgets a connection, and draws the consequences for who was at its other end.
    pub(super) fn remove(
        &mut self,
        id: RouteId,
        ending: &Ending,
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        let Some(conn) = self.conns.remove(&id) else {
            if let Ending::Duplicate { server_id } = ending {
                self.probe(server_id, now, out);
            }
            return;
        };
        self.judge_attempt(id, &conn, ending, now);
        let Some((server_id, place)) = &conn.home else {
            return;
        };
        if *ending == Ending::SentAway {
            self.sent_away(server_id, now, out);
        }
        let Some(peer) = self.peers.get_mut(server_id) else {
            return;
        };
        let (was_up, was_first) = (peer.is_up(), peer.first() == Some(id));
        peer.take(place, id);
        let (is_up, is_gone) = (peer.is_up(), peer.connections().next().is_none());
        if was_up && !is_up {
            self.peer_down(server_id, out);
            for remote in self.remotes.values_mut() {
                if remote.leads_to(server_id) {
                    remote.look_again(now, self.settings.memory);
                }
            }
        }
        if was_first && is_up {
            self.remind_all(now);
        }
        if *ending == Ending::Plain {
            self.remember(server_id, now);
        }
        if is_gone {
            self.peers.remove(server_id);
            return;
        }
        if !matches!(ending, Ending::Duplicate { .. }) {
            self.fall_back(server_id, place);
        }
        self.share_out(server_id, now, out);
    }

    /// What the end of a connection means for the attempts at its address.
    fn judge_attempt(&mut self, id: RouteId, conn: &Conn, ending: &Ending, now: Moment) {
        let (settings, chance) = (&self.settings, &mut self.chance);
        if let Some((address, key)) = &conn.dialled
            && let Some(remote) = self.remotes.get_mut(address)
        {
            let was_attempt = remote.lanes.get(key).is_some_and(|l| l.attempt == Some(id));
            match ending {
                Ending::ToSelf => remote.found_self(conn.at),
                Ending::Duplicate { server_id } => remote.peer = Some(server_id.clone()),
                _ => {}
            }
            let how = match ending {
                Ending::Plain if conn.home.is_some() => Failed::Race,
                Ending::Duplicate { .. } => Failed::Race,
                _ => Failed::Hard,
            };
            if was_attempt {
                remote.failed(key, how, now, settings, chance);
                return;
            }
        }
        let Some((server_id, place)) = &conn.home else {
            return;
        };
        let key = match place {
            Place::Account(name) => Some(name.clone()),
            _ => None,
        };
        let life = now.since(conn.since);
        for remote in self.remotes.values_mut() {
            if remote.leads_to(server_id) {
                remote.lost(&key, conn.dialled.is_some(), life, now, chance);
            }
        }
    }

    /// A server that nobody here is responsible for has lost a connection: should it not come back, it is
    /// looked for.
    pub(super) fn remember(&mut self, server_id: &str, now: Moment) {
        let memory = self.settings.memory;
        let is_kept_away = self.is_kept_away(server_id, now);
        let mut known = self.remotes.values();
        let Some(peer) = self.peers.get_mut(server_id) else {
            return;
        };
        if memory.is_zero()
            || peer.is_lame
            || is_kept_away
            || self.remotes.len() >= super::gossip::MOST_REMOTES
            || known.any(|remote| remote.leads_to(server_id) && !remote.is_self)
        {
            return;
        }
        let Some(url) = heard_url(&peer.info, &self.settings.auth) else {
            return;
        };
        let told = told_addresses(&peer.info);
        if told
            .iter()
            .any(|address| self.remotes.contains_key(address))
        {
            return;
        }
        let spread = Duration::from_millis(self.chance.below(1000));
        let due = now + RETURN + spread;
        peer.fill_after = peer.fill_after.max(due);
        let kind = Kind::Implicit {
            gossip: GossipMode::Default,
            until: now + memory,
        };
        let mut remote = Remote::new(url, kind, due);
        remote.peer = Some(server_id.to_string());
        self.remotes.insert(address_of(&remote.url), remote);
    }

    /// Somebody asked in vain for a place of a server's connections: those that have stood for a while
    /// may be dead, and only the other side know it.
    fn probe(&mut self, server_id: &str, now: Moment, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get(server_id) else {
            return;
        };
        let is_settled = |id: &RouteId| {
            let conn = self.conns.get(id);
            conn.is_some_and(|conn| now.since(conn.since) >= SETTLED)
        };
        let settled = peer.connections().filter(is_settled);
        out.extend(settled.take(MOST_PLACES as usize).map(Output::Probe));
    }
}
