//! The mesh of clusters: one outbound link to every other cluster, whatever happens.
//!
//! [`Gateways`] knows the remotes (configured, or heard of), their addresses, the attempts under way
//! and the links that stand. Its owner tells it what happens and carries out the outputs:
//!
//! 1. [`Output::Dial`]: resolve and connect. If that fails, [`Gateways::dial_failed`]. If it succeeds,
//!    start a [`Link`](crate::gateway::Link); when that is registered, [`Gateways::link_up`]; when it
//!    ends, [`Gateways::link_over`], in whatever state it was.
//! 2. [`Output::Cancel`]: drop that attempt, be it a dial or a link not registered yet.
//! 3. At [`Gateways::next_deadline`], call [`Gateways::poll`].
//!
//! The rules: a configured remote is dialled for ever, a round of all its addresses every second (sooner
//! while it may be just about to start: after 50, 100, 200, 400 and 800 ms; or
//! from 1 to 30 seconds, growing, with `connect_backoff`). One that was only heard of is forgotten after
//! `connect_retries` rounds without success, unless a server of it is connected to us. Addresses that
//! worked come first, those that failed last; the next one is tried when the one before has failed or
//! kept silent for 250 ms. The first link that is registered ends all other attempts. A sign of life
//! (an inbound link, a new address) brings the next round forward. An attempt that nobody ever reports
//! on is given up by itself, so that nothing can be forgotten by accident.
//!
//! Whoever links to us is told of all remotes that we know ([`Gateways::gossip_for`]), and later of those that we
//! come to know ([`Output::Tell`]), each address once.
//!
//! This is the reference server's behaviour with its waiting removed: it delays the first round, tries
//! addresses one after another, and waits for a silent one until its ping timer gives up. It tells of others
//! on arrival only, so two clusters that come to different servers at the same moment may never hear of each
//! other.

mod changes;
#[cfg(test)]
mod newcomers;
mod output;
mod remote;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{GatewayOptions, Options, RemoteGateway, quoted};
use gannet_units::Moment;

pub use output::{Dial, DialId, Output, Standing};
pub use remote::Outcome;
use remote::{Phase, Remote};

use super::chance::Chance;
use crate::gateway::{Level, Log, Neighbours};

/// Remotes kept at most; others heard of are ignored.
const MOST_REMOTES: usize = 1024;
/// Shortest time from the start of a round to the next, however many signs of life there are.
const SHORTEST_ROUND: Duration = Duration::from_millis(100);

/// What the reconciler is told of its own server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the own cluster.
    pub own: String,
    /// Name of the own server.
    pub server_name: String,
    /// Clusters that are not configured are ignored.
    pub reject_unknown: bool,
    /// `connect_retries`: rounds after the first at a remote that was only heard of.
    pub connect_retries: u32,
    /// `connect_backoff`: rounds come ever slower.
    pub connect_backoff: bool,
    /// Of the failed rounds at a remote never linked to, the first and every n-th are errors.
    pub connect_error_reports: u32,
    /// The same after a link was lost.
    pub reconnect_error_reports: u32,
    /// An attempt that was not reported on for so long counts as failed: longer than a dial and a
    /// link's [silence limit](crate::gateway::Settings::silence_limit) together.
    pub attempt_limit: Duration,
}

impl Settings {
    /// What the configuration says: all of it, and its `gateway` block.
    pub fn new(
        options: &Options,
        gateway: &GatewayOptions,
        server_name: &str,
        attempt_limit: Duration,
    ) -> Settings {
        Settings {
            own: gateway.name.clone(),
            server_name: server_name.to_string(),
            reject_unknown: gateway.reject_unknown,
            connect_retries: gateway.connect_retries,
            connect_backoff: gateway.connect_backoff,
            connect_error_reports: options.connect_error_reports,
            reconnect_error_reports: options.reconnect_error_reports,
            attempt_limit,
        }
    }
}

/// One remote cluster as monitoring shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteView<'a> {
    /// Its name.
    pub name: &'a str,
    /// It is configured, not only heard of.
    pub is_configured: bool,
    /// The attempt whose link stands.
    pub link: Option<DialId>,
    /// Its addresses, and how the last attempt at each ended.
    pub addresses: Vec<(&'a str, Outcome)>,
}

/// The reconciler: see the module's own text.
#[derive(Clone, Debug)]
pub struct Gateways {
    settings: Settings,
    remotes: BTreeMap<String, Remote>,
    /// The addresses of servers that are linked to us, one for each link, per cluster.
    inbound: BTreeMap<String, Vec<String>>,
    /// The remote of every attempt under way and every link that stands.
    dials: BTreeMap<DialId, String>,
    last_dial: u64,
    chance: Chance,
}

impl Gateways {
    /// Starts with the configured remotes; call [`Gateways::poll`] for the first dials. An entry for the
    /// own cluster is ignored.
    pub fn new(
        settings: Settings,
        configured: &[RemoteGateway],
        now: Moment,
        seed: u64,
    ) -> Gateways {
        let mut remotes = BTreeMap::new();
        for remote in configured
            .iter()
            .filter(|remote| remote.name != settings.own)
        {
            remotes.insert(remote.name.clone(), Remote::configured(&remote.urls, now));
        }
        let (inbound, dials) = (BTreeMap::new(), BTreeMap::new());
        Gateways {
            settings,
            remotes,
            inbound,
            dials,
            last_dial: 0,
            chance: Chance::new(seed),
        }
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Moment, out: &mut Vec<Output>) {
        self.expire(now, out);
        let names: Vec<String> = self.remotes.keys().cloned().collect();
        for name in names {
            self.advance(&name, now, out);
        }
    }

    /// When [`Gateways::poll`] must be called next, unless something else happens first.
    pub fn next_deadline(&self) -> Moment {
        let limit = self.settings.attempt_limit;
        let due = self
            .remotes
            .values()
            .map(|remote| remote.next_deadline(limit));
        due.min().unwrap_or(Moment::NEVER)
    }

    /// An attempt did not even connect.
    pub fn dial_failed(&mut self, id: DialId, now: Moment, out: &mut Vec<Output>) {
        self.attempt_over(id, now, out);
    }

    /// The link of an attempt was registered; the servers of its cluster listen at `urls`. Unless the
    /// answer is [`Standing::Wanted`], it must be closed, without reporting on it.
    pub fn link_up(
        &mut self,
        id: DialId,
        urls: &[String],
        now: Moment,
        out: &mut Vec<Output>,
    ) -> Standing {
        let Some(name) = self.dials.get(&id).cloned() else {
            return Standing::Unwanted;
        };
        let Some(remote) = self.remotes.get_mut(&name) else {
            return Standing::Unwanted;
        };
        for loser in remote.linked(id, now) {
            self.dials.remove(&loser);
            out.push(Output::Cancel(loser));
        }
        remote.replace_addresses(urls);
        self.tell(&name, out);
        Standing::Wanted
    }

    /// The certificate found by attempt `id` is not for `name`, which the attempt was given.
    pub fn wrong_name(&mut self, id: DialId, name: &str) {
        let remote = self
            .dials
            .get(&id)
            .and_then(|remote| self.remotes.get_mut(remote));
        if let Some(remote) = remote {
            remote.server_names.mismatch(name);
        }
    }

    /// A link ended, registered or not.
    pub fn link_over(&mut self, id: DialId, now: Moment, out: &mut Vec<Output>) {
        let Some(name) = self.dials.get(&id) else {
            return;
        };
        let Some(remote) = self.remotes.get_mut(name) else {
            return;
        };
        if !remote.is_link(id) {
            return self.attempt_over(id, now, out);
        }
        let text = format!("Attempting reconnect for gateway {}", quoted(name));
        out.push(Output::Log(Log {
            level: Level::Debug,
            text,
        }));
        remote.lost(now, &self.settings, &mut self.chance);
        self.dials.remove(&id);
    }

    /// A link from cluster `gateway`, whose servers listen at `urls`, was registered. Its own server listens at `url`.
    pub fn inbound_up(
        &mut self,
        gateway: &str,
        url: &str,
        urls: &[String],
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        let linked = self.inbound.entry(gateway.to_string()).or_default();
        linked.push(url.to_string());
        self.gossip(gateway, urls, now, out);
        self.tell(gateway, out);
        // Whoever dials us can be dialled.
        if let Some(remote) = self.remotes.get_mut(gateway) {
            remote.hasten(now, SHORTEST_ROUND);
        }
        self.advance(gateway, now, out);
    }

    /// A registered link from cluster `gateway`, whose server listens at `url`, ended.
    pub fn inbound_over(&mut self, gateway: &str, url: &str) {
        let Some(linked) = self.inbound.get_mut(gateway) else {
            return;
        };
        if let Some(place) = linked.iter().position(|one| one == url) {
            linked.swap_remove(place);
        }
        if linked.is_empty() {
            self.inbound.remove(gateway);
        }
    }

    /// Another server of this cluster is linked to cluster `gateway`, whose servers listen at `urls`, among
    /// others perhaps: so it can be reached.
    pub fn reached(&mut self, gateway: &str, urls: &[String], now: Moment, out: &mut Vec<Output>) {
        self.gossip(gateway, urls, now, out);
        if let Some(remote) = self.remotes.get_mut(gateway) {
            remote.hasten(now, SHORTEST_ROUND);
        }
        self.advance(gateway, now, out);
    }

    /// Somebody told of cluster `gateway`, whose servers listen at `urls`, among others perhaps.
    pub fn gossip(&mut self, gateway: &str, urls: &[String], now: Moment, out: &mut Vec<Output>) {
        if gateway == self.settings.own || gateway.is_empty() {
            return;
        }
        if let Some(remote) = self.remotes.get_mut(gateway) {
            if remote.add_addresses(urls) {
                remote.start_over();
                remote.hasten(now, SHORTEST_ROUND);
            }
        } else if !self.settings.reject_unknown && self.remotes.len() < MOST_REMOTES {
            let mut remote = Remote::heard_of(now);
            if !remote.add_addresses(urls) {
                return;
            }
            self.remotes.insert(gateway.to_string(), remote);
        }
        self.advance(gateway, now, out);
    }

    /// The remote of link `id` says anew where all its servers listen: addresses heard of before and not
    /// named now are forgotten. But those of servers that are linked to us stay: whoever says so may have lost sight of
    /// its neighbour, and be gone itself the next moment.
    pub fn peer_urls(&mut self, id: DialId, urls: &[String], out: &mut Vec<Output>) {
        let Some(name) = self.dials.get(&id).cloned() else {
            return;
        };
        if let Some(remote) = self.remotes.get_mut(&name) {
            let linked = self.inbound.get(&name).into_iter().flatten();
            let urls: Vec<String> = urls.iter().chain(linked).cloned().collect();
            remote.replace_addresses(&urls);
            self.tell(&name, out);
        }
    }

    /// The remotes, for monitoring, in the order of their names.
    pub fn remotes(&self) -> impl Iterator<Item = RemoteView<'_>> {
        self.remotes.iter().map(|(name, remote)| RemoteView {
            name,
            is_configured: remote.is_configured(),
            link: remote.link(),
            addresses: remote.addresses().collect(),
        })
    }

    /// What to tell a server of cluster `gateway` that has just linked to us: every other remote, with
    /// its addresses.
    pub fn gossip_for(&self, gateway: &str) -> impl Iterator<Item = (&str, Vec<String>)> {
        let others = self
            .remotes
            .iter()
            .filter(move |(name, _)| *name != gateway);
        others.filter_map(|(name, remote)| {
            let urls: Vec<String> = remote
                .addresses()
                .map(|(address, _)| address.to_string())
                .collect();
            (!urls.is_empty()).then_some((name.as_str(), urls))
        })
    }

    /// Has those told of a remote who linked to us before we knew so much of it. To be called when the remote
    /// itself has spoken to us: if hearsay were passed on as well, news of a cluster that is gone could travel in
    /// circles, faster than it is forgotten.
    fn tell(&mut self, name: &str, out: &mut Vec<Output>) {
        let Some(remote) = self.remotes.get_mut(name) else {
            return;
        };
        let urls = remote.untold();
        let somebody_else_is_there = self.inbound.keys().any(|gateway| gateway != name);
        if somebody_else_is_there && !urls.is_empty() {
            out.push(Output::Tell {
                remote: name.to_string(),
                urls,
            });
        }
    }

    fn attempt_over(&mut self, id: DialId, now: Moment, out: &mut Vec<Output>) {
        let Some(name) = self.dials.remove(&id) else {
            return;
        };
        if let Some(remote) = self.remotes.get_mut(&name) {
            remote.failed(id, now);
            self.advance(&name, now, out);
        }
    }

    /// Gives up attempts that nobody reported on.
    fn expire(&mut self, now: Moment, out: &mut Vec<Output>) {
        for remote in self.remotes.values_mut() {
            for id in remote.overdue(now, self.settings.attempt_limit) {
                remote.failed(id, now);
                self.dials.remove(&id);
                out.push(Output::Cancel(id));
            }
        }
    }

    /// Brings one remote as far as it can come now.
    fn advance(&mut self, name: &str, now: Moment, out: &mut Vec<Output>) {
        let Some(remote) = self.remotes.get_mut(name) else {
            return;
        };
        loop {
            let is_wanted = remote.is_configured() || self.inbound.contains_key(name);
            if !is_wanted && remote.has_failed(&self.settings) {
                self.remotes.remove(name);
                out.push(Output::Forget {
                    remote: name.to_string(),
                });
                return;
            }
            match remote.phase() {
                Phase::Waiting { until } if *until <= now => {
                    remote.start_round(now, &mut self.chance);
                }
                Phase::Trying { next, .. } if *next <= now => {
                    self.last_dial += 1;
                    let id = DialId(self.last_dial);
                    let dial = remote.next_dial(name, id, now, &self.settings, &mut self.chance);
                    if let Some(dial) = dial {
                        self.dials.insert(id, name.to_string());
                        out.push(Output::Dial(dial));
                    }
                }
                _ => return,
            }
        }
    }
}

impl Neighbours for Gateways {
    fn knows(&self, gateway: &str) -> bool {
        self.remotes.contains_key(gateway)
    }

    fn has_outbound(&self, gateway: &str) -> bool {
        self.remotes.get(gateway).is_some_and(Remote::is_linked)
    }

    fn has_server_named(&self, name: &str) -> bool {
        self.settings.server_name == name
    }
}
