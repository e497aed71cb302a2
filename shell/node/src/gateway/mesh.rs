//! The links of one server to other clusters: the reconciler, and the connections that carry out what it
//! wants. Not here: its rules.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gannet_broker::{Peer, Signal};
use gannet_rt::Task;
use gannet_rt::sync::Notify;
use gannet_session::gateway::{Neighbours, Settings};
use gannet_session::topology::gateways::{DialId, Gateways, Output};
use gannet_wire::gateway::encode;
use gannet_wire::server_info::ServerInfo;
use parking_lot::Mutex;

use super::dial;
use crate::link::write_log;
use crate::log::{Subsystem, log};
use crate::shared::Shared;
use crate::upkeep;

/// An attempt or a link, as far as the mesh can end it.
pub(super) enum Attempt {
    /// Not connected yet.
    Dialling(Task),
    /// Connected, perhaps registered.
    Connected(Arc<Peer>),
}

/// Everything that must be decided on together.
pub(super) struct State {
    pub(super) gateways: Gateways,
    pub(super) attempts: BTreeMap<DialId, Attempt>,
    /// Registered outbound links, by cluster.
    pub(super) outbound: BTreeMap<String, Arc<Peer>>,
    own_server_name: String,
    /// Names of the other servers of this cluster.
    server_names: Vec<String>,
    pub(super) settings: Arc<Settings>,
    /// What our INFO says.
    pub(super) info: ServerInfo,
}

impl Neighbours for State {
    fn knows(&self, gateway: &str) -> bool {
        self.gateways.remotes().any(|remote| remote.name == gateway)
    }

    fn has_outbound(&self, gateway: &str) -> bool {
        self.outbound.contains_key(gateway)
    }

    fn has_server_named(&self, name: &str) -> bool {
        self.own_server_name == name || self.server_names.iter().any(|known| known == name)
    }
}

/// The links of one server to other clusters.
pub(crate) struct Mesh {
    pub(super) state: Mutex<State>,
    /// There is a new deadline.
    changed: Notify,
    pub(crate) bound: SocketAddr,
    /// Host and port that other clusters are told.
    pub(crate) advertised: (String, u16),
}

/// One remote cluster, as an embedder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayLink {
    /// Name of the cluster.
    pub remote: String,
    /// The link that our messages leave by stands.
    pub outbound: bool,
    /// Links that its servers have dialled to us.
    pub inbound: usize,
    /// Round-trip time of the outbound link, once it was measured.
    pub rtt: Option<Duration>,
}

impl Mesh {
    pub(super) fn new(
        settings: Settings,
        info: ServerInfo,
        gateways: Gateways,
        bound: SocketAddr,
        advertised: (String, u16),
        own_server_name: String,
    ) -> Mesh {
        let state = State {
            gateways,
            attempts: BTreeMap::new(),
            outbound: BTreeMap::new(),
            own_server_name,
            server_names: Vec::new(),
            settings: Arc::new(settings),
            info,
        };
        Mesh {
            state: Mutex::new(state),
            changed: Notify::new(),
            bound,
            advertised,
        }
    }

    /// Changes the state by `change`, then carries out what the reconciler wants.
    pub(super) fn change<T>(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        change: impl FnOnce(&mut State, &mut Vec<Output>) -> T,
    ) -> T {
        let mut wanted = Vec::new();
        let mut state = self.state.lock();
        let result = change(&mut state, &mut wanted);
        for output in wanted {
            self.carry_out(shared, &mut state, output);
        }
        drop(state);
        self.changed.notify_one();
        result
    }

    fn carry_out(self: &Arc<Self>, shared: &Arc<Shared>, state: &mut State, output: Output) {
        match output {
            Output::Dial(_) if shared.is_stopping() => {}
            Output::Dial(wanted) => {
                let id = wanted.id;
                let task = shared
                    .rt
                    .spawn(dial::run(shared.clone(), self.clone(), wanted));
                state.attempts.insert(id, Attempt::Dialling(task));
            }
            Output::Cancel(id) => match state.attempts.remove(&id) {
                Some(Attempt::Dialling(task)) => task.abort(),
                Some(Attempt::Connected(peer)) => peer.signal().raise(Signal::CLOSE),
                None => {}
            },
            Output::Forget { remote } => log!(
                shared.log,
                Gateways,
                Debug,
                "Forgetting gateway {}",
                gannet_config::quoted(&remote)
            ),
            Output::Tell { remote, urls } => {
                let line = info_line(&ServerInfo::gossip(&shared.id, &remote, urls));
                let links = shared.broker.inbound();
                for link in links.iter().filter(|link| link.name != remote) {
                    link.peer.send_later(&line);
                }
            }
            Output::Log(line) => write_log(shared, Subsystem::Gateways, None, &line),
        }
    }

    /// Ends every attempt and every link: the server stops.
    pub(crate) fn close_all(&self, shared: &Shared) {
        for attempt in std::mem::take(&mut self.state.lock().attempts).into_values() {
            match attempt {
                Attempt::Dialling(task) => task.abort(),
                Attempt::Connected(peer) => peer.signal().raise(Signal::CLOSE),
            }
        }
        for link in shared.broker.inbound() {
            link.peer.signal().raise(Signal::CLOSE);
        }
    }

    /// The present settings.
    pub(super) fn settings(&self) -> Arc<Settings> {
        self.state.lock().settings.clone()
    }

    /// The other servers of this cluster are called so.
    pub(crate) fn set_server_names(&self, names: Vec<String>) {
        self.state.lock().server_names = names;
    }

    /// The other servers of this cluster accept gateways there: from now on, all other clusters are told.
    pub(crate) fn set_cluster_urls(&self, shared: &Shared, urls: Vec<String>) {
        // It is not the others that go: who believed that would be left with the address of a server that has gone.
        if shared.is_stopping() {
            return;
        }
        let mut state = self.state.lock();
        let mut all = vec![state.info.gateway_url.clone()];
        all.extend(urls);
        state.info.gateway_urls = all;
        let info = info_line(&state.info);
        state.settings = Arc::new(Settings {
            info: info.clone(),
            ..Settings::clone(&state.settings)
        });
        for link in shared.broker.inbound() {
            link.peer.send_later(&info);
        }
    }

    /// Another server of this cluster tells of a remote that it is linked to.
    pub(crate) fn heard_of(self: &Arc<Self>, shared: &Arc<Shared>, gateway: &str, urls: &[String]) {
        let now = shared.rt.now();
        self.change(shared, |state, out| {
            state.gateways.reached(gateway, urls, now, out);
        });
    }

    /// What a server of this cluster that has just come is told: the remotes that we are linked to.
    pub(crate) fn gossip_to_route(&self, shared: &Shared) -> Vec<u8> {
        let state = self.state.lock();
        let mut lines = Vec::new();
        for remote in state.gateways.remotes().filter(|r| r.link.is_some()) {
            let urls: Vec<String> = (remote.addresses.iter())
                .map(|(address, _)| (*address).to_owned())
                .collect();
            if !urls.is_empty() {
                lines.extend_from_slice(&gossip_to_route(shared, remote.name, urls));
            }
        }
        lines
    }

    /// Addresses of a remote cluster, configured and learnt, as `host:port`.
    pub(crate) fn addresses(&self, remote: &str) -> Option<Vec<String>> {
        let state = self.state.lock();
        let view = state.gateways.remotes().find(|view| view.name == remote)?;
        Some(
            view.addresses
                .iter()
                .map(|(address, _)| (*address).to_owned())
                .collect(),
        )
    }

    /// The remotes and their links.
    pub(crate) fn links(&self, shared: &Shared) -> Vec<GatewayLink> {
        let mut inbound: BTreeMap<String, usize> = BTreeMap::new();
        for link in shared.broker.inbound() {
            *inbound.entry(link.name.clone()).or_default() += 1;
        }
        let outbound = shared.broker.outbound();
        let mut names: Vec<String> = self
            .state
            .lock()
            .gateways
            .remotes()
            .map(|r| r.name.to_owned())
            .collect();
        names.extend(inbound.keys().cloned());
        names.sort();
        names.dedup();
        let view = |remote: String| {
            let link = outbound.iter().find(|link| link.name() == remote);
            GatewayLink {
                outbound: link.is_some(),
                inbound: inbound.get(&remote).copied().unwrap_or(0),
                rtt: link.and_then(|link| link.rtt()),
                remote,
            }
        };
        names.into_iter().map(view).collect()
    }
}

/// The line that tells a server of this cluster where servers of another one are.
pub(super) fn gossip_to_route(shared: &Shared, gateway: &str, urls: Vec<String>) -> Bytes {
    let info = ServerInfo::gossip_to_route(&shared.id, &shared.name, gateway, urls);
    info_line(&info)
}

pub(super) fn info_line(info: &ServerInfo) -> Bytes {
    let mut line = Vec::new();
    encode::info(&mut line, info);
    line.into()
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh")
            .field("advertised", &self.advertised)
            .finish_non_exhaustive()
    }
}

/// Asks the reconciler again whenever something is due, until the server stops.
pub(super) async fn keep(shared: Arc<Shared>, mesh: Arc<Mesh>) {
    let poll = |now| mesh.change(&shared, |state, out| state.gateways.poll(now, out));
    let deadline = || mesh.state.lock().gateways.next_deadline();
    upkeep::keep(&shared, &mesh.changed, poll, deadline).await;
}
