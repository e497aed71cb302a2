//! The connections of one server to the others of its cluster: the reconciler, and those that carry out
//! what it wants. Not here: its rules.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gannet_broker::{Carries, Signal};
use gannet_rt::Task;
use gannet_rt::sync::Notify;
use gannet_session::CloseReason;
use gannet_session::route::{Place, RouteId, Settings, info_line};
use gannet_session::topology::ServerNames;
use gannet_session::topology::routes::{Origin, Output, Routes, Share};
use gannet_units::ConnId;
use parking_lot::Mutex;

use super::conn::{Conn, Order, RouteLink};
use super::dial;
use super::filter::Filter;
use super::moves;
use crate::link::write_log;
use crate::log::Subsystem;
use crate::shared::Shared;
use crate::upkeep;

/// An attempt or a connection, as far as the mesh can end it.
pub(super) enum Attempt {
    /// Not connected yet.
    Dialling(Task),
    /// Connected, perhaps registered.
    Connected(Arc<Conn>),
}

/// Everything that must be decided on together.
pub(super) struct State {
    pub(super) routes: Routes,
    pub(super) attempts: BTreeMap<RouteId, Attempt>,
    /// What certificates of servers that were only heard of must be for.
    pub(super) server_names: ServerNames,
    pub(super) settings: Arc<Settings>,
    /// Which interest crosses routes; all if there is none.
    pub(super) filter: Option<Arc<Filter>>,
}

impl State {
    pub(super) fn conn(&self, id: RouteId) -> Option<&Arc<Conn>> {
        match self.attempts.get(&id) {
            Some(Attempt::Connected(conn)) => Some(conn),
            Some(Attempt::Dialling(_)) | None => None,
        }
    }

    /// The connections, registered or not yet.
    pub(super) fn conns(&self) -> Vec<Arc<Conn>> {
        let conns = self.attempts.values().filter_map(|attempt| match attempt {
            Attempt::Connected(conn) => Some(conn.clone()),
            Attempt::Dialling(_) => None,
        });
        conns.collect()
    }

    /// What a connection to a server carries at `place`.
    pub(super) fn carries(&self, server_id: &str, place: &Place) -> Carries {
        match self.routes.carries(server_id, place) {
            Share::All => Carries::All,
            Share::Pooled { index, of, but } => Carries::Share {
                index,
                of,
                but: Arc::new(but),
            },
            Share::Account(name) => Carries::Account(name.into()),
            Share::Nothing => Carries::Nothing,
        }
    }
}

/// The connections of one server to the others of its cluster.
pub(crate) struct Mesh {
    pub(super) state: Mutex<State>,
    /// There is a new deadline.
    changed: Notify,
    /// Number of the last [`Order::Sync`].
    last_sync: AtomicU64,
    pub(crate) bound: SocketAddr,
}

impl Mesh {
    pub(super) fn new(
        settings: Settings,
        filter: Option<Arc<Filter>>,
        (routes, server_names): (Routes, ServerNames),
        bound: SocketAddr,
    ) -> Mesh {
        let state = State {
            routes,
            attempts: BTreeMap::new(),
            server_names,
            settings: Arc::new(settings),
            filter,
        };
        Mesh {
            state: Mutex::new(state),
            changed: Notify::new(),
            last_sync: AtomicU64::new(0),
            bound,
        }
    }

    /// A number for [`Order::Sync`].
    pub(super) fn next_sync(&self) -> u64 {
        self.last_sync.fetch_add(1, Ordering::Relaxed)
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
        self.settle(shared, &mut state, &mut wanted);
        drop(state);
        self.changed.notify_one();
        result
    }

    /// Carries out what the reconciler wants.
    pub(super) fn settle(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        state: &mut State,
        wanted: &mut Vec<Output>,
    ) {
        for output in wanted.drain(..) {
            self.carry_out(shared, state, output);
        }
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
                Some(Attempt::Connected(conn)) => {
                    conn.order(Order::Close(CloseReason::DuplicateLink));
                }
                None => {}
            },
            Output::Close { id, reason } => {
                if let Some(Attempt::Connected(conn)) = state.attempts.remove(&id) {
                    // At once: whoever takes its place must not find interest twice.
                    conn.leave(shared);
                    conn.order(Order::Close(reason));
                }
            }
            Output::Probe(id) => {
                if let Some(conn) = state.conn(id) {
                    conn.order(Order::Probe);
                }
            }
            Output::Tell { id, line } => {
                if let Some(conn) = state.conn(id) {
                    conn.peer.send_later(&line);
                }
            }
            Output::PeerUp { id, .. } => {
                if let (Some(gateways), Some(conn)) = (shared.mesh.get(), state.conn(id)) {
                    conn.peer.send_later(&gateways.gossip_to_route(shared));
                }
                shared.names_changed(names(state));
            }
            Output::PeerDown { .. } => shared.names_changed(names(state)),
            Output::ClientUrlsChanged => {
                let urls = owned(state.routes.client_urls());
                shared.face.set_peer_urls(urls);
                shared.tell_clients();
            }
            Output::GatewayUrlsChanged => {
                if let Some(gateways) = shared.mesh.get() {
                    gateways.set_cluster_urls(shared, owned(state.routes.gateway_urls()));
                }
            }
            // There are no leaf nodes yet.
            Output::LeafUrlsChanged => {}
            Output::ClusterNameChanged => {
                shared.face.set_cluster(&state.routes.cluster().name);
            }
            Output::Move {
                server_id,
                number,
                is_gannet,
            } => moves::begin(shared, self, state, (server_id, number), is_gannet),
            Output::Drain { id, is_gannet } => moves::drain(shared, self, state, id, is_gannet),
            Output::ForgetInterest { id, account } => {
                if let Some(conn) = state.conn(id) {
                    conn.forget(shared, &account);
                }
            }
            Output::Log(line) => write_log(shared, Subsystem::Routes, None, &line),
        }
    }

    /// Appends a line to one connection of every other server.
    pub(crate) fn tell_peers(self: &Arc<Self>, shared: &Arc<Shared>, line: &Bytes) {
        self.change(shared, |state, wanted| {
            state.routes.tell_peers(line, wanted)
        });
    }

    /// Tells the others that this server will soon be gone.
    pub(crate) fn announce_lame_duck(self: &Arc<Self>, shared: &Arc<Shared>) {
        self.change(shared, |state, wanted| {
            let mut info = state.settings.update(state.routes.cluster());
            info.ldm = true;
            state.routes.tell_peers(&info_line(&info), wanted);
        });
    }

    /// Ends every attempt and every connection: the server stops.
    pub(crate) fn close_all(&self) {
        for attempt in std::mem::take(&mut self.state.lock().attempts).into_values() {
            match attempt {
                Attempt::Dialling(task) => task.abort(),
                Attempt::Connected(conn) => conn.peer.signal().raise(Signal::CLOSE),
            }
        }
    }

    /// The connections, registered or not yet.
    pub(crate) fn conns(&self) -> Vec<Arc<Conn>> {
        self.state.lock().conns()
    }

    /// Where each registered connection comes from.
    pub(crate) fn origins(&self) -> BTreeMap<ConnId, Origin> {
        let state = self.state.lock();
        let origin = |(id, attempt): (&RouteId, &Attempt)| match attempt {
            Attempt::Connected(conn) => Some((conn.peer.id(), state.routes.origin(*id)?)),
            Attempt::Dialling(_) => None,
        };
        state.attempts.iter().filter_map(origin).collect()
    }

    /// The registered connections.
    pub(crate) fn links(&self) -> Vec<RouteLink> {
        let state = self.state.lock();
        let conns = state.attempts.values().filter_map(|attempt| match attempt {
            Attempt::Connected(conn) => conn.view(),
            Attempt::Dialling(_) => None,
        });
        conns.collect()
    }
}

fn owned<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<String> {
    urls.map(str::to_owned).collect()
}

/// Names of the other servers.
fn names(state: &State) -> Vec<String> {
    let peers = state.routes.peers();
    peers.map(|peer| peer.info.server_name.clone()).collect()
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh")
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

/// Asks the reconciler again whenever something is due, until the server stops.
pub(super) async fn keep(shared: Arc<Shared>, mesh: Arc<Mesh>) {
    let poll = |now| mesh.change(&shared, |state, out| state.routes.poll(now, out));
    let deadline = || mesh.state.lock().routes.next_deadline();
    upkeep::keep(&shared, &mesh.changed, poll, deadline).await;
}
