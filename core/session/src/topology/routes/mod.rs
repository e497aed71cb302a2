//! The mesh of a cluster: between any two of its servers one connection per place of the pool and one
//! per account that has its own, whatever happens.
//!
//! [`Routes`] knows the addresses (configured, or heard of), the attempts under way, and the servers
//! that we are connected to with their connections. Its owner tells it what happens and carries out the
//! outputs, all under one lock:
//!
//! 1. [`Output::Dial`]: resolve and connect. If that fails, [`Routes::dial_failed`]. If it succeeds,
//!    [`Routes::connected`], and start a [`Link`](crate::route::Link). For an accepted connection,
//!    [`Routes::accepted`] gives the number.
//! 2. What the link says: [`Routes::registered`], then [`Routes::joined`]; [`Routes::news`]; at its end, in whatever state it was,
//!    [`Routes::over`]. `Routes` is what the link must know of its neighbours.
//! 3. [`Output::Cancel`]: drop that attempt, be it a dial or a link not registered yet.
//! 4. At [`Routes::next_deadline`], call [`Routes::poll`].
//!
//! The rules: a configured address is dialled for ever, every second (sooner at first: after 50, 100, 200,
//! 400 and 800 ms; or from 1 to 30 seconds, growing,
//! with `connect_backoff`), until its server is connected. One that was only heard of is dialled once,
//! and `connect_retries` times more; then ever more rarely, and forgotten after `memory`. Of a connected
//! server, one address is responsible for the rest of the connections: those of the pool one after
//! another, each when the one before has proved good, those of accounts at once. An attempt that nobody
//! ever reports on is given up by itself.
//!
//! Better than the reference server: if two of ours dial each other at once, both keep the connection
//! that the one with the lower id registers first; a connection whose place is asked for is tested; a server
//! that dialled us is looked for, too, when it is lost; after an arrival, all are reminded of all; who
//! makes up the rest of a pool dials the very
//! address where the first connection was made.

mod dialling;
mod dismissal;
mod gossip;
mod moves;
mod output;
mod peer;
mod registry;
mod remote;
mod settings;
mod shares;
#[cfg(test)]
mod tests;
mod urls;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use gannet_config::ServerUrl;
use gannet_units::Moment;
use gannet_wire::server_info::{GossipMode, ServerInfo};

pub use output::{Dial, Failure, Origin, Output};
pub use settings::{Change, Settings};
pub use shares::Share;

use gossip::Reminders;
use peer::Peer;
use remote::{Failed, Kind, LaneKey, Remote, address_of};
use urls::Urls;

use crate::CloseReason;
use crate::route::{ClusterName, Ending, Level, Log, News, Place, RouteId};
use crate::topology::chance::Chance;

/// A connection that has lasted so long is tested when another one asks for its place.
const SETTLED: Duration = Duration::from_secs(5);

/// An attempt under way, or a registered connection.
#[derive(Clone, Debug)]
struct Conn {
    /// The address and the lane that it was dialled for.
    dialled: Option<(String, LaneKey)>,
    /// How the news that it was dialled for may spread.
    gossip: GossipMode,
    /// Where it was established.
    at: Option<SocketAddr>,
    /// When it was begun, or registered.
    since: Moment,
    /// Whose connection it is, and at which place, once registered.
    home: Option<(String, Place)>,
}

/// One server as monitoring shows it.
#[derive(Clone, Copy, Debug)]
pub struct PeerView<'a> {
    /// What it says of itself.
    pub info: &'a ServerInfo,
    /// The first connection to it; `None` if there are only those of accounts.
    pub first: Option<RouteId>,
    /// How many connections there are.
    pub connections: usize,
}

/// The reconciler: see the module's own text.
#[derive(Clone, Debug)]
pub struct Routes {
    settings: Settings,
    cluster: ClusterName,
    /// By `host:port`.
    remotes: BTreeMap<String, Remote>,
    /// By server id.
    peers: BTreeMap<String, Peer>,
    conns: BTreeMap<RouteId, Conn>,
    /// Servers that have sent us away, and until when nobody's word makes us look for them.
    kept_away: BTreeMap<String, Moment>,
    reminders: Option<Reminders>,
    client_urls: Urls,
    ws_urls: Urls,
    gateway_urls: Urls,
    leaf_urls: Urls,
    last_id: u64,
    last_move: u64,
    chance: Chance,
}

impl Routes {
    /// Starts with the configured addresses; call [`Routes::poll`] for the first dials.
    pub fn new(settings: Settings, configured: &[ServerUrl], now: Moment, seed: u64) -> Routes {
        let explicit = |url: &ServerUrl| {
            let remote = Remote::new(url.clone(), Kind::Explicit, now);
            (address_of(url), remote)
        };
        Routes {
            cluster: settings.cluster.clone(),
            settings,
            remotes: configured.iter().map(explicit).collect(),
            peers: BTreeMap::new(),
            conns: BTreeMap::new(),
            kept_away: BTreeMap::new(),
            reminders: None,
            client_urls: Urls::default(),
            ws_urls: Urls::default(),
            gateway_urls: Urls::default(),
            leaf_urls: Urls::default(),
            last_id: 0,
            last_move: 0,
            chance: Chance::new(seed),
        }
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Moment, out: &mut Vec<Output>) {
        self.expire(now, out);
        self.share_settled_out(now, out);
        self.remind(now, out);
        self.advance(now, out);
    }

    /// When [`Routes::poll`] must be called next, unless something else happens first.
    pub fn next_deadline(&self) -> Moment {
        let others = self.next_settled().min(self.next_reminder());
        self.next_dial_deadline().min(others)
    }

    /// The number of a connection that was accepted.
    pub fn accepted(&mut self) -> RouteId {
        self.last_id += 1;
        RouteId(self.last_id)
    }

    /// An attempt has connected, at this address.
    pub fn connected(&mut self, id: RouteId, at: SocketAddr) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.at = Some(at);
        }
    }

    /// An attempt did not even connect.
    pub fn dial_failed(&mut self, id: RouteId, why: Failure, now: Moment, out: &mut Vec<Output>) {
        let Some(conn) = self.conns.remove(&id) else {
            return;
        };
        if let Some((address, key)) = &conn.dialled {
            let chance = &mut self.chance;
            if let Some(remote) = self.remotes.get_mut(address) {
                remote.is_self |= why == Failure::OnlySelf;
                remote.failed(key, Failed::Hard, now, &self.settings, chance);
            }
        }
        self.advance(now, out);
    }

    /// A registered connection tells something.
    pub fn news(&mut self, id: RouteId, news: &News, now: Moment, out: &mut Vec<Output>) {
        match news {
            News::Confirmed => self.confirmed(id),
            News::Gossip(info) => self.heard_of(info, now),
            News::Rename { cluster, server_id } => self.rename(cluster, server_id, now, out),
            News::LameDuck => self.lame_duck(id, out),
            News::AccountLeaves(request) => self.account_leaves(id, request, out),
            News::PoolSize(size) => self.peer_resized(id, *size, now, out),
        }
        self.advance(now, out);
    }

    /// A connection ended, registered or not.
    pub fn over(&mut self, id: RouteId, ending: &Ending, now: Moment, out: &mut Vec<Output>) {
        self.remove(id, ending, now, out);
        self.advance(now, out);
    }

    /// Appends a line to one connection of every other server.
    pub fn tell_peers(&self, line: &Bytes, out: &mut Vec<Output>) {
        let firsts = self.peers.values().filter_map(Peer::first);
        out.extend(firsts.map(|id| tell(id, line)));
    }

    /// Appends a line to every registered connection.
    pub fn tell_all(&self, line: &Bytes, out: &mut Vec<Output>) {
        let all = self.peers.values().flat_map(Peer::connections);
        out.extend(all.map(|id| tell(id, line)));
    }

    /// What the own cluster is called now.
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// Where clients of the other servers connect; none if that is not to be told.
    pub fn client_urls(&self) -> impl Iterator<Item = &str> {
        self.client_urls.iter()
    }

    /// Where clients of the other servers connect by WebSocket.
    pub fn ws_urls(&self) -> impl Iterator<Item = &str> {
        self.ws_urls.iter()
    }

    /// Where other clusters connect to the other servers.
    pub fn gateway_urls(&self) -> impl Iterator<Item = &str> {
        self.gateway_urls.iter()
    }

    /// Where leaf nodes connect to the other servers.
    pub fn leaf_urls(&self) -> impl Iterator<Item = &str> {
        self.leaf_urls.iter()
    }

    /// The servers that we are connected to, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = PeerView<'_>> {
        self.peers.values().map(|peer| PeerView {
            info: &peer.info,
            first: peer.first(),
            connections: peer.connections().count(),
        })
    }

    /// The size of our pools.
    pub fn pool_size(&self) -> Option<u32> {
        self.settings.pool_size
    }

    /// Accounts that have connections of their own.
    pub fn pinned(&self) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        match self.settings.pool_size {
            Some(_) => &self.settings.pinned,
            None => &NONE,
        }
    }

    /// Where a registered connection comes from: what is true of one connection to a server is true of
    /// all in its pool.
    pub fn origin(&self, id: RouteId) -> Option<Origin> {
        let conn = self.conns.get(&id)?;
        let (server_id, _) = conn.home.as_ref()?;
        let mut leading = self.remotes.values().filter(|r| r.leads_to(server_id));
        Some(Origin {
            is_configured: self.is_explicit(server_id),
            is_solicited: conn.dialled.is_some() || leading.any(|r| r.was_reached),
        })
    }

    /// Whether a connected server's address is configured.
    fn is_explicit(&self, server_id: &str) -> bool {
        let mut remotes = self.remotes.values();
        remotes.any(|remote| remote.is_explicit() && remote.leads_to(server_id))
    }

    fn rename(
        &mut self,
        cluster: &ClusterName,
        server_id: &str,
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        self.cluster = cluster.clone();
        out.push(Output::Log(Log {
            level: Level::Info,
            text: format!("Cluster name updated to {}", cluster.name),
        }));
        out.push(Output::ClusterNameChanged);
        let is_other = |conn: &Conn| conn.home.as_ref().is_some_and(|(id, _)| id != server_id);
        let others = self.conns.iter().filter(|(_, conn)| is_other(conn));
        let others: Vec<RouteId> = others.map(|(id, _)| *id).collect();
        for id in others {
            self.close(id, CloseReason::ClusterNameConflict, now, out);
        }
    }

    fn lame_duck(&mut self, id: RouteId, out: &mut Vec<Output>) {
        let home = self.conns.get(&id).and_then(|conn| conn.home.as_ref());
        let Some(peer) = home.and_then(|(server_id, _)| self.peers.get_mut(server_id)) else {
            return;
        };
        if peer.is_lame || !peer.is_up() || self.settings.no_advertise {
            return;
        }
        peer.is_lame = true;
        let clients = self.client_urls.remove(&peer.info.connect_urls);
        let ws = self.ws_urls.remove(&peer.info.ws_connect_urls);
        if clients || ws {
            out.push(Output::ClientUrlsChanged);
        }
    }

    /// Ends a registered connection, and forgets it.
    fn close(&mut self, id: RouteId, reason: CloseReason, now: Moment, out: &mut Vec<Output>) {
        out.push(Output::Close { id, reason });
        self.remove(id, &Ending::Refused, now, out);
    }
}

fn tell(id: RouteId, line: &Bytes) -> Output {
    let line = line.clone();
    Output::Tell { id, line }
}
