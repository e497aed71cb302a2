//! What is missing, and the attempts at it.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_units::Moment;

use super::output::{Dial, Output};
use super::remote::{Failed, LaneKey, Remote};
use super::{Conn, Routes};
use crate::route::RouteId;

impl Routes {
    /// Of every connected server, the address that is responsible for its missing connections: a
    /// configured one, if there is one.
    fn responsible(&self) -> BTreeMap<&str, &str> {
        let mut responsible: BTreeMap<&str, (bool, &str)> = BTreeMap::new();
        for (address, remote) in &self.remotes {
            let Some(peer) = remote.peer.as_deref().filter(|_| !remote.is_self) else {
                continue;
            };
            let entry = (!remote.is_explicit(), address.as_str());
            let best = responsible.entry(peer).or_insert(entry);
            *best = (*best).min(entry);
        }
        let address = |(peer, (_, address))| (peer, address);
        responsible.into_iter().map(address).collect()
    }

    /// What should be dialled at an address now or later, and not before when.
    fn wanted(
        &self,
        address: &str,
        remote: &Remote,
        responsible: &BTreeMap<&str, &str>,
    ) -> Vec<(LaneKey, Moment)> {
        if remote.is_self {
            return Vec::new();
        }
        let connected = remote
            .peer
            .as_deref()
            .and_then(|id| self.peers.get(id).map(|peer| (id, peer)))
            .filter(|(_, peer)| peer.is_up());
        let Some((server_id, peer)) = connected else {
            let given_up = remote.given_up_at(self.settings.connect_retries);
            let is_wanted = given_up == Moment::NEVER || !self.settings.memory.is_zero();
            return match is_wanted {
                true => [(None, Moment::START)].into(),
                false => Vec::new(),
            };
        };
        if responsible.get(server_id) != Some(&address) {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        if peer.pool_size.is_some() && peer.free_place(self.settings.pool_size).is_some() {
            wanted.push((None, peer.fill_after));
        }
        if peer.pool_size.is_some() && peer.is_proved {
            let missing = self.pinned().iter();
            let missing = missing.filter(|name| !peer.accounts.contains_key(*name));
            wanted.extend(missing.map(|name| (Some(name.clone()), peer.fill_after)));
        }
        wanted
    }

    /// Dials what is due, and forgets addresses that are given up.
    pub(super) fn advance(&mut self, now: Moment, out: &mut Vec<Output>) {
        let mut due: Vec<(String, LaneKey)> = Vec::new();
        let mut given_up: Vec<String> = Vec::new();
        let responsible = self.responsible();
        for (address, remote) in &self.remotes {
            let is_lost = |id: &String| !self.peers.get(id).is_some_and(super::Peer::is_up);
            if remote.given_up_at(self.settings.connect_retries) <= now
                && remote.peer.as_ref().is_none_or(is_lost)
            {
                given_up.push(address.clone());
                continue;
            }
            for (key, after) in self.wanted(address, remote, &responsible) {
                let lane = remote.lanes.get(&key);
                if lane.is_none_or(|lane| lane.attempt.is_none() && lane.due <= now) && after <= now
                {
                    due.push((address.clone(), key));
                }
            }
        }
        for address in given_up {
            self.remotes.remove(&address);
        }
        for (address, key) in due {
            self.dial(&address, key, now, out);
        }
    }

    fn dial(&mut self, address: &str, key: LaneKey, now: Moment, out: &mut Vec<Output>) {
        let id = self.accepted();
        let Some(remote) = self.remotes.get_mut(address) else {
            return;
        };
        let is_connected = remote
            .peer
            .as_ref()
            .is_some_and(|id| self.peers.get(id).is_some_and(super::Peer::is_up));
        let at = remote.very_address(&key).filter(|_| is_connected);
        let lane = remote.lane(&key, now);
        lane.attempt = Some(id);
        let attempt = lane.fails.saturating_add(1);
        let every = if remote.was_reached {
            self.settings.reconnect_error_reports
        } else {
            self.settings.connect_error_reports
        };
        out.push(Output::Dial(Dial {
            id,
            url: remote.url.clone(),
            at,
            not_at: remote.selves.clone(),
            account: key.clone(),
            gossip: remote.gossip(),
            is_configured: remote.is_explicit(),
            attempt,
            is_reported: attempt == 1 || attempt.is_multiple_of(every.max(1)),
        }));
        let conn = Conn {
            dialled: Some((address.to_string(), key)),
            gossip: remote.gossip(),
            at: None,
            since: now,
            home: None,
        };
        self.conns.insert(id, conn);
    }

    /// Takes an address out, with the attempts there that are under way. Answers what was known of it.
    pub(super) fn forget_address(
        &mut self,
        address: &str,
        out: &mut Vec<Output>,
    ) -> Option<Remote> {
        let removed = self.remotes.remove(address)?;
        for lane in removed.lanes.values() {
            self.cancel(lane.attempt, out);
        }
        Some(removed)
    }

    /// Gives an attempt up, unless its connection has been registered.
    pub(super) fn cancel(&mut self, attempt: Option<RouteId>, out: &mut Vec<Output>) {
        let Some(id) = attempt else {
            return;
        };
        if self.conns.get(&id).is_some_and(|conn| conn.home.is_none()) {
            self.conns.remove(&id);
            out.push(Output::Cancel(id));
        }
    }

    /// Gives up attempts that nobody reported on.
    pub(super) fn expire(&mut self, now: Moment, out: &mut Vec<Output>) {
        let limit = self.settings.attempt_limit;
        let is_overdue = |conn: &Conn| conn.home.is_none() && conn.since + limit <= now;
        let overdue = self.conns.iter().filter(|(_, conn)| is_overdue(conn));
        let overdue: Vec<RouteId> = overdue.map(|(id, _)| *id).collect();
        for id in overdue {
            out.push(Output::Cancel(id));
            let Some((address, key)) = self.conns.remove(&id).and_then(|conn| conn.dialled) else {
                continue;
            };
            if let Some(remote) = self.remotes.get_mut(&address) {
                let (settings, chance) = (&self.settings, &mut self.chance);
                remote.failed(&key, Failed::Hard, now, settings, chance);
            }
        }
    }

    /// When an attempt is due or given up, or an address forgotten.
    pub(super) fn next_dial_deadline(&self) -> Moment {
        let limit = self.settings.attempt_limit;
        let attempts = self.conns.values().filter(|conn| conn.home.is_none());
        let mut next = attempts
            .map(|conn| conn.since + limit)
            .fold(Moment::NEVER, Moment::min);
        let responsible = self.responsible();
        for (address, remote) in &self.remotes {
            for (key, after) in self.wanted(address, remote, &responsible) {
                let due = match remote.lanes.get(&key) {
                    Some(lane) if lane.attempt.is_some() => Moment::NEVER,
                    Some(lane) => lane.due.max(after),
                    None => after,
                };
                next = next.min(due);
            }
            let peer = remote.peer.as_ref().and_then(|id| self.peers.get(id));
            if !peer.is_some_and(super::Peer::is_up) {
                next = next.min(remote.given_up_at(self.settings.connect_retries));
            }
        }
        next
    }
}
