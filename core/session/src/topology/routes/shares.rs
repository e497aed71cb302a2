//! Which connection to a server our interest goes over, and how that changes while messages flow: the new
//! connections come first, then the interest moves, then what is left over goes.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_units::Moment;

use super::Routes;
use super::output::Output;
use super::peer::{Peer, Shares};
use crate::CloseReason;
use crate::route::{Place, RouteId};

/// What one connection carries of our interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// Everything.
    All,
    /// Its part of the accounts, by their names' hash.
    Pooled {
        /// The place in the pool.
        index: u32,
        /// The size to share out by.
        of: u32,
        /// Accounts that are left out.
        but: BTreeSet<String>,
    },
    /// One account.
    Account(String),
    /// Nothing any more.
    Nothing,
}

impl Routes {
    /// By what the interest is to be shared out, when everything stands.
    pub(super) fn shares(&self) -> Shares {
        Shares {
            size: self.settings.pool_size,
            own: self.pinned().clone(),
        }
    }

    /// What a connection at `place` of this server carries now.
    pub fn carries(&self, server_id: &str, place: &Place) -> Share {
        let peer = self.peers.get(server_id);
        let shares = peer.map_or_else(|| self.shares(), |peer| peer.shares.clone());
        match (place, shares.size) {
            (Place::Account(name), _) if shares.own.contains(name) => Share::Account(name.clone()),
            (Place::Account(_), _) => Share::Nothing,
            (Place::Pooled(index), Some(of)) => Share::Pooled {
                index: *index,
                of,
                but: shares.own,
            },
            (Place::Only | Place::Pooled(_), _) => Share::All,
        }
    }

    /// A connection that was [registered](Routes::registered) carries what [`Routes::carries`] said before.
    pub fn joined(&mut self, server_id: &str, now: Moment, out: &mut Vec<Output>) {
        self.share_out(server_id, now, out);
    }

    /// Interest has moved as [`Output::Move`] with this number said.
    pub fn moved(&mut self, server_id: &str, number: u64, now: Moment, out: &mut Vec<Output>) {
        if let Some(peer) = self.peers.get_mut(server_id)
            && peer.moving == Some(number)
        {
            peer.moving = None;
            self.share_out(server_id, now, out);
        }
    }

    /// Nothing goes over the connection any more, as [`Output::Drain`] asked.
    pub fn drained(&mut self, id: RouteId, now: Moment, out: &mut Vec<Output>) {
        let home = self.conns.get(&id).and_then(|conn| conn.home.as_ref());
        let is_surplus = home.is_some_and(|(server_id, place)| {
            let peer = self.peers.get(server_id);
            peer.is_some_and(|peer| peer.moving.is_none() && self.is_surplus(peer, place))
        });
        if is_surplus {
            self.close(id, CloseReason::RouteRemoved, now, out);
            self.advance(now, out);
        }
    }

    /// What the interest can be shared out by: by the size before as long as a place of the new one is
    /// missing.
    fn possible(&self, peer: &Peer) -> Shares {
        let wanted = self.shares();
        let stands = |size| (0..size).all(|index| peer.pool.contains_key(&index));
        let size = match (peer.pool_size, wanted.size) {
            (Some(_), Some(size)) if !stands(size) => peer.shares.size,
            _ => wanted.size,
        };
        let pinned = wanted.own.difference(&peer.pooled);
        let granted = peer.granted.iter();
        let granted = granted.filter(|account| peer.accounts.contains_key(*account));
        let own = pinned.chain(granted).cloned().collect();
        Shares { size, own }
    }

    pub(super) fn share_all_out(&mut self, now: Moment, out: &mut Vec<Output>) {
        let all: Vec<String> = self.peers.keys().cloned().collect();
        for server_id in all {
            self.share_out(&server_id, now, out);
        }
    }

    /// Moves what has waited for connections to settle.
    pub(super) fn share_settled_out(&mut self, now: Moment, out: &mut Vec<Output>) {
        let is_due = |peer: &Peer| peer.is_waiting && peer.settled_at <= now;
        let due = self.peers.iter().filter(|(_, peer)| is_due(peer));
        let due: Vec<String> = due.map(|(id, _)| id.clone()).collect();
        for server_id in due {
            self.share_out(&server_id, now, out);
        }
    }

    pub(super) fn next_settled(&self) -> Moment {
        let waiting = self.peers.values().filter(|peer| peer.is_waiting);
        let settled = waiting.map(|peer| peer.settled_at);
        settled.min().unwrap_or(Moment::NEVER)
    }

    /// Moves what can move now, and lets go what is left over.
    pub(super) fn share_out(&mut self, server_id: &str, now: Moment, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get_mut(server_id) else {
            return;
        };
        let accounts = &peer.accounts;
        peer.pooled
            .retain(|account| !accounts.contains_key(account));
        peer.is_waiting = false;
        if peer.moving.is_some() {
            return;
        }
        let Some(peer) = self.peers.get(server_id) else {
            return;
        };
        let (possible, is_gannet) = (self.possible(peer), peer.is_gannet());
        if possible == peer.shares {
            return self.drain(peer, out);
        }
        if now < peer.settled_at {
            if let Some(peer) = self.peers.get_mut(server_id) {
                peer.is_waiting = true;
            }
            return;
        }
        self.last_move += 1;
        let number = self.last_move;
        out.push(Output::Move {
            server_id: server_id.to_string(),
            number,
            is_gannet,
        });
        if let Some(peer) = self.peers.get_mut(server_id) {
            peer.shares = possible;
            peer.moving = Some(number);
        }
    }

    fn drain(&self, peer: &Peer, out: &mut Vec<Output>) {
        let is_gannet = peer.is_gannet();
        let surplus = self.surplus_of(peer);
        out.extend(surplus.map(|id| Output::Drain { id, is_gannet }));
    }

    /// The connections that are not wanted any more by either side: they go when nothing goes over them.
    pub fn surplus(&self) -> impl Iterator<Item = RouteId> {
        let peers = self.peers.values();
        peers.flat_map(|peer| self.surplus_of(peer))
    }

    fn surplus_of(&self, peer: &Peer) -> impl Iterator<Item = RouteId> {
        let pooled = peer.pool.iter().map(|(i, id)| (Place::Pooled(*i), *id));
        let accounts = peer.accounts.iter();
        let accounts = accounts.map(|(name, id)| (Place::Account(name.clone()), *id));
        let all = pooled.chain(accounts);
        all.filter_map(|(place, id)| self.is_surplus(peer, &place).then_some(id))
    }

    /// Whether a place is not wanted any more by either side.
    fn is_surplus(&self, peer: &Peer, place: &Place) -> bool {
        let own = self.settings.pool_size;
        match place {
            Place::Only => false,
            Place::Pooled(index) => peer.pool_size.is_some() && *index >= peer.kept(own),
            Place::Account(name) => !self.pinned().contains(name) && !peer.granted.contains(name),
        }
    }

    /// An account's own connection to one of ours is gone: until it is back, the account is told over the
    /// pool.
    pub(super) fn fall_back(&mut self, server_id: &str, place: &Place) {
        let is_pinned = |name: &String| self.settings.pinned.contains(name);
        if let Place::Account(name) = place
            && is_pinned(name)
            && let Some(peer) = self.peers.get_mut(server_id)
            && peer.is_gannet()
            && peer.is_up()
        {
            peer.pooled.insert(name.clone());
        }
    }

    /// Another one of ours has a pool of this size now.
    pub(super) fn peer_resized(
        &mut self,
        id: RouteId,
        size: u32,
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        let home = self.conns.get(&id).and_then(|conn| conn.home.as_ref());
        let Some((server_id, _)) = home.cloned() else {
            return;
        };
        if let Some(peer) = self.peers.get_mut(&server_id)
            && peer.pool_size.is_some()
        {
            peer.pool_size = Some(size);
            peer.info.route_pool_size = i64::from(size);
            self.share_out(&server_id, now, out);
        }
    }

    /// Servers that are none of ours do not learn that the pool has grown: whoever has only dialled us is
    /// dialled, if it says where.
    pub(super) fn find_ways(&mut self, now: Moment) {
        let others = self.peers.iter().filter(|(_, peer)| !peer.is_gannet());
        let others: Vec<String> = others.map(|(id, _)| id.clone()).collect();
        for server_id in others {
            self.remember(&server_id, now);
        }
    }
}
