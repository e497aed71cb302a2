//! Changes of the configuration: addresses, the size of the pool, and accounts that get connections of
//! their own, or lose them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use gannet_config::ServerUrl;
use gannet_units::Moment;
use gannet_wire::route::pool_index;
use gannet_wire::server_info::ServerInfo;

use super::output::Output;
use super::remote::{Kind, Remote, address_of};
use super::urls::Urls;
use super::{Change, Routes, Settings, tell};
use crate::CloseReason;
use crate::route::{ClusterName, Level, Log, Place, RouteId, info_line};

/// How long the others may take to agree that an account gets connections of its own.
const ANSWER: Duration = Duration::from_secs(2);
/// What a server is told that is not wanted any more.
const REMOVED: &[u8] = b"-ERR 'Route Removed'\r\n";
/// What an id of a request is made of, and how long it is.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LEN: usize = 22;

/// An account on its way to connections of its own.
#[derive(Debug)]
pub(super) struct Move {
    account: String,
    /// Who has not answered yet.
    pub(super) waiting: BTreeSet<RouteId>,
    deadline: Moment,
}

impl Routes {
    /// The configuration was changed.
    pub fn reload(&mut self, change: &Change, now: Moment, out: &mut Vec<Output>) {
        self.change_addresses(&change.routes, now, out);
        let had_pools = self.settings.pool_size.is_some();
        if self.settings.pool_size != change.pool_size {
            self.settings.pool_size = change.pool_size;
            let is_all = had_pools != change.pool_size.is_some();
            self.close_where(now, out, |place| {
                is_all || !matches!(place, Place::Account(_))
            });
        }
        if !had_pools || change.pool_size.is_none() {
            // Nobody to ask: all connections are new.
            if self.settings.pinned != change.pinned || had_pools {
                out.push(Output::PinnedChanged);
            }
            self.moves.clear();
            self.settings.pinned.clone_from(&change.pinned);
        } else {
            self.change_pinned(&change.pinned, now, out);
        }
        self.advance(now, out);
    }

    /// The own server goes by these settings from now on. What [`Routes::reload`] and
    /// [`Routes::set_cluster`] change is left to them.
    pub fn tune(&mut self, settings: &Settings, out: &mut Vec<Output>) {
        let Settings {
            server_id: _,
            cluster: _,
            pool_size: _,
            pinned: _,
            auth,
            connect_retries,
            connect_backoff,
            connect_error_reports,
            reconnect_error_reports,
            no_advertise,
            attempt_limit,
            memory: _,
        } = settings;
        let own = &mut self.settings;
        own.auth = auth.clone();
        own.connect_retries = *connect_retries;
        own.connect_backoff = *connect_backoff;
        own.connect_error_reports = *connect_error_reports;
        own.reconnect_error_reports = *reconnect_error_reports;
        own.attempt_limit = *attempt_limit;
        if own.no_advertise != *no_advertise {
            own.no_advertise = *no_advertise;
            self.tell_clients_anew(out);
        }
    }

    /// Clients are told of all other servers from now on, or of none.
    fn tell_clients_anew(&mut self, out: &mut Vec<Output>) {
        (self.client_urls, self.ws_urls) = <(Urls, Urls)>::default();
        if !self.settings.no_advertise {
            for peer in self.peers.values().filter(|p| p.is_up() && !p.is_lame) {
                self.client_urls.add(&peer.info.connect_urls);
                self.ws_urls.add(&peer.info.ws_connect_urls);
            }
        }
        out.push(Output::ClientUrlsChanged);
    }

    /// The configuration gives the own cluster this name.
    pub fn set_cluster(&mut self, name: &str, out: &mut Vec<Output>) {
        if self.cluster.name == name {
            self.cluster.is_dynamic = false;
            return;
        }
        self.cluster = ClusterName {
            name: name.to_string(),
            is_dynamic: false,
        };
        out.push(Output::Log(Log {
            level: Level::Info,
            text: format!("Cluster name updated to {name}"),
        }));
        out.push(Output::ClusterNameChanged);
    }

    fn change_addresses(&mut self, routes: &[ServerUrl], now: Moment, out: &mut Vec<Output>) {
        let wanted: BTreeMap<String, &ServerUrl> =
            routes.iter().map(|url| (address_of(url), url)).collect();
        let is_removed = |address: &&String| !wanted.contains_key(*address);
        let explicit = self.remotes.iter().filter(|(_, r)| r.is_explicit());
        let removed = explicit.map(|(address, _)| address).filter(is_removed);
        let removed: Vec<String> = removed.cloned().collect();
        for address in removed {
            self.remove_address(&address, now, out);
        }
        for (address, url) in wanted {
            match self.remotes.get_mut(&address) {
                Some(known) => {
                    known.kind = Kind::Explicit;
                    known.is_self &= known.url == *url;
                    known.url = url.clone();
                    known.hasten(now);
                }
                None => {
                    let remote = Remote::new(url.clone(), Kind::Explicit, now);
                    self.remotes.insert(address, remote);
                }
            }
        }
    }

    /// An address is not configured any more: its attempts end, and the connections of its server,
    /// unless that is configured elsewhere.
    fn remove_address(&mut self, address: &str, now: Moment, out: &mut Vec<Output>) {
        let Some(removed) = self.remotes.remove(address) else {
            return;
        };
        let attempts = removed.lanes.values().filter_map(|lane| lane.attempt);
        for id in attempts {
            if self.conns.get(&id).is_some_and(|conn| conn.home.is_none()) {
                self.conns.remove(&id);
                out.push(Output::Cancel(id));
            }
        }
        let Some(server_id) = removed.peer.filter(|id| !self.is_explicit(id)) else {
            return;
        };
        let peer = self.peers.get(&server_id);
        let connections: Vec<RouteId> =
            peer.map_or(Vec::new(), |peer| peer.connections().collect());
        let is_gannet = peer.is_some_and(|peer| !peer.info.gannet.is_empty());
        for id in connections {
            if is_gannet {
                // One of ours looks for a server that it has lost, unless it is told not to.
                out.push(tell(id, &Bytes::from_static(REMOVED)));
            }
            self.close(id, CloseReason::RouteRemoved, now, out);
        }
    }

    /// Closes connections by their places; they are made anew at once.
    fn close_where(
        &mut self,
        now: Moment,
        out: &mut Vec<Output>,
        is_meant: impl Fn(&Place) -> bool,
    ) {
        let homes = self.conns.iter();
        let homes = homes.filter_map(|(id, conn)| Some((*id, &conn.home.as_ref()?.1)));
        let meant: Vec<RouteId> = homes
            .filter(|(_, place)| is_meant(place))
            .map(|(id, _)| id)
            .collect();
        for id in meant {
            self.close(id, CloseReason::RouteRemoved, now, out);
        }
    }

    fn change_pinned(&mut self, wanted: &BTreeSet<String>, now: Moment, out: &mut Vec<Output>) {
        let unpinned = self.settings.pinned.difference(wanted);
        let unpinned: Vec<String> = unpinned.cloned().collect();
        for account in &unpinned {
            self.settings.pinned.remove(account);
            for remote in self.remotes.values_mut() {
                let lane = remote.lanes.remove(&Some(account.clone()));
                if let Some(id) = lane.and_then(|lane| lane.attempt)
                    && self.conns.get(&id).is_some_and(|conn| conn.home.is_none())
                {
                    self.conns.remove(&id);
                    out.push(Output::Cancel(id));
                }
            }
            self.close_where(
                now,
                out,
                |place| matches!(place, Place::Account(name) if name == account),
            );
        }
        self.moves.retain(|_, m| wanted.contains(&m.account));
        if !unpinned.is_empty() {
            out.push(Output::PinnedChanged);
        }
        let moving = |account: &&String| !self.moves.values().any(|m| m.account == **account);
        let pinned = wanted.difference(&self.settings.pinned).filter(moving);
        let pinned: Vec<String> = pinned.cloned().collect();
        for account in pinned {
            self.pin(account, now, out);
        }
        self.finish_moves(now, out);
    }

    /// Asks all servers to agree that the account leaves the pool.
    fn pin(&mut self, account: String, now: Moment, out: &mut Vec<Output>) {
        let Some(size) = self.settings.pool_size else {
            return;
        };
        let chance = &mut self.chance;
        let request_id: String = (0..ID_LEN)
            .map(|_| ALPHABET[chance.below(62) as usize % 62] as char)
            .collect();
        let request = ServerInfo::dedicated_route_request(i64::from(size), &account, &request_id);
        let line = info_line(&request);
        let index = pool_index(size, account.as_bytes());
        let pooled = self.peers.values().filter(|peer| peer.pool_size.is_some());
        let waiting: BTreeSet<RouteId> = pooled
            .filter_map(|peer| peer.pool.get(&index).copied())
            .collect();
        for id in &waiting {
            out.push(Output::ForgetInterest {
                id: *id,
                account: account.clone(),
            });
            out.push(tell(*id, &line));
        }
        let deadline = now + ANSWER;
        let request = Move {
            account,
            waiting,
            deadline,
        };
        self.moves.insert(request_id, request);
    }

    /// Another server asks that an account leave the pool.
    pub(super) fn account_leaves(
        &mut self,
        id: RouteId,
        request: &ServerInfo,
        out: &mut Vec<Output>,
    ) {
        let home = self.conns.get(&id).and_then(|conn| conn.home.as_ref());
        let Some(peer) = home.and_then(|(server_id, _)| self.peers.get(server_id)) else {
            return;
        };
        let size = u32::try_from(request.route_pool_size).unwrap_or(0);
        let index = pool_index(size, request.route_account.as_bytes());
        if let Some(way) = peer.pool.get(&index).filter(|_| peer.pool_size.is_some()) {
            out.push(Output::ForgetInterest {
                id: *way,
                account: request.route_account.to_string(),
            });
        }
        out.push(tell(id, &info_line(&request.dedicated_route_answer())));
    }

    /// Another server has agreed.
    pub(super) fn account_left(
        &mut self,
        id: RouteId,
        request_id: &str,
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        if let Some(request) = self.moves.get_mut(request_id) {
            request.waiting.remove(&id);
            self.finish_moves(now, out);
        }
    }

    pub(super) fn next_move_deadline(&self) -> Moment {
        let deadlines = self.moves.values().map(|request| request.deadline);
        deadlines.min().unwrap_or(Moment::NEVER)
    }

    /// Pins the accounts that everybody has agreed on, or that nobody more is waited for.
    pub(super) fn finish_moves(&mut self, now: Moment, out: &mut Vec<Output>) {
        let is_over = |request: &Move| request.waiting.is_empty() || request.deadline <= now;
        let over = self.moves.iter().filter(|(_, request)| is_over(request));
        let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
        for id in over {
            let Some(request) = self.moves.remove(&id) else {
                continue;
            };
            if !request.waiting.is_empty() {
                let text = "Timed out waiting for confirmation from all routes regarding per-account routes changes";
                out.push(Output::Log(Log {
                    level: Level::Error,
                    text: format!("{text}: account {}", request.account),
                }));
            }
            self.settings.pinned.insert(request.account);
            out.push(Output::PinnedChanged);
        }
    }
}
