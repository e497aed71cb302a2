//! Changes of the configuration: addresses, the size of the pool, and accounts that get connections of
//! their own, or lose them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use gannet_config::ServerUrl;
use gannet_units::Moment;
use gannet_wire::route::pool_index;
use gannet_wire::server_info::ServerInfo;

use super::output::Output;
use super::peer::Peer;
use super::remote::{Kind, Remote, address_of};
use super::urls::Urls;
use super::{Change, Routes, Settings, tell};
use crate::CloseReason;
use crate::route::{ClusterName, Level, Log, RouteId, info_line};

/// What a server is told that is not wanted any more; it knows the text.
fn removed_line() -> Bytes {
    format!("-ERR '{}'\r\n", CloseReason::RouteRemoved.text()).into()
}

/// Accounts at most for which one server may ask for connections of their own.
const MOST_GRANTED: usize = 1024;

impl Routes {
    /// The configuration was changed. `update` is what other servers of our kind are told of it.
    ///
    /// What can stay stays: interest moves to other connections once they stand. Only where pools come or
    /// go altogether, all connections are made anew.
    pub fn reload(&mut self, change: &Change, update: &Bytes, now: Moment, out: &mut Vec<Output>) {
        self.change_addresses(&change.routes, now, out);
        let had_pools = self.settings.pool_size.is_some();
        let is_resized = self.settings.pool_size != change.pool_size;
        self.settings.pool_size = change.pool_size;
        if had_pools != change.pool_size.is_some() {
            self.settings.pinned.clone_from(&change.pinned);
            self.close_all(now, out);
        } else {
            if is_resized {
                let ours = self.peers.values().filter(|peer| peer.is_gannet());
                out.extend(ours.filter_map(Peer::first).map(|id| tell(id, update)));
            }
            self.change_pinned(&change.pinned, out);
            self.share_all_out(now, out);
            if is_resized {
                self.find_ways(now);
            }
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
        let Some(removed) = self.forget_address(address, out) else {
            return;
        };
        let Some(server_id) = removed.peer.filter(|id| !self.is_explicit(id)) else {
            return;
        };
        let peer = self.peers.get(&server_id);
        let connections: Vec<RouteId> =
            peer.map_or(Vec::new(), |peer| peer.connections().collect());
        let is_gannet = peer.is_some_and(|peer| !peer.info.gannet.is_empty());
        let line = removed_line();
        for id in connections {
            if is_gannet {
                // One of ours looks for a server that it has lost, unless it is told not to.
                out.push(tell(id, &line));
            }
            self.close(id, CloseReason::RouteRemoved, now, out);
        }
    }

    /// Closes all connections; they are made anew at once.
    fn close_all(&mut self, now: Moment, out: &mut Vec<Output>) {
        let homes = self.conns.iter().filter(|(_, conn)| conn.home.is_some());
        let all: Vec<RouteId> = homes.map(|(id, _)| *id).collect();
        for id in all {
            self.close(id, CloseReason::RouteRemoved, now, out);
        }
    }

    fn change_pinned(&mut self, wanted: &BTreeSet<String>, out: &mut Vec<Output>) {
        let unpinned: Vec<String> = self.pinned().difference(wanted).cloned().collect();
        for account in &unpinned {
            let key = Some(account.clone());
            let lanes = self.remotes.values_mut();
            let lanes: Vec<_> = lanes
                .filter_map(|remote| remote.lanes.remove(&key))
                .collect();
            for lane in lanes {
                self.cancel(lane.attempt, out);
            }
        }
        let pinned: Vec<String> = wanted.difference(self.pinned()).cloned().collect();
        for peer in self.peers.values_mut() {
            peer.pooled.extend(pinned.iter().cloned());
            peer.pooled.retain(|account| wanted.contains(account));
        }
        self.settings.pinned.clone_from(wanted);
    }

    /// Another server asks that an account leave the pool.
    pub(super) fn account_leaves(
        &mut self,
        id: RouteId,
        request: &ServerInfo,
        out: &mut Vec<Output>,
    ) {
        let home = self.conns.get(&id).and_then(|conn| conn.home.as_ref());
        let Some(peer) = home.and_then(|(server_id, _)| self.peers.get_mut(server_id)) else {
            return;
        };
        if peer.granted.len() < MOST_GRANTED {
            peer.granted.insert(request.route_account.clone());
        }
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
}
