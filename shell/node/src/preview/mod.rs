//! What a reload would do: which settings would change, and which connections would end. Nothing changes.
//!
//! What lives here: the question, put to everybody who would decide in earnest. The reconcilers of routes and
//! gateways try the change on a copy of themselves, each connection judges its peer by rules that do not hold yet
//! ([`Trial`]). So there is no second set of rules. What does not: the rules, and carrying anything out (`reload`).

mod trial;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gannet_broker::{PeerKind, Signal};
use gannet_config::{Change, Diff, Options};
use gannet_identity::Authenticator;
use gannet_session::CloseReason;
use gannet_units::ConnId;

pub(crate) use trial::{RouteTrial, Trial};

use crate::pinned::{Unpinned, unpinned};
use crate::registry::ClientConn;
use crate::reload::{
    Compared, ReloadError, is_auth_new, of_cluster, read_certificates, surplus, surplus_of_accounts,
};
use crate::server::Server;
use crate::shared::Shared;

/// How long connections may take to answer: their tasks may be busy, and hashes of passwords take long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a reload would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The options that the server goes by, with the ports that it listens on.
    pub running: Options,
    /// Those that it would go by.
    pub options: Options,
    /// What would become of each difference. If something is refused, nothing would change.
    pub diff: Diff,
    /// The connections that would end, in the order of their numbers.
    pub endings: Vec<Ending>,
    /// Connections that did not say in time what would become of them.
    pub unanswered: Vec<ConnId>,
}

/// A connection that a reload would end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its number.
    pub id: ConnId,
    /// What kind of peer it is.
    pub kind: PeerKind,
    /// Where the peer is.
    pub addr: SocketAddr,
    /// The client's own name, the other server's, or the other cluster's.
    pub name: String,
    /// The client's user.
    pub user: String,
    /// The client's account.
    pub account: String,
    /// Why it would end.
    pub reason: CloseReason,
    /// What comes then.
    pub then: Then,
}

/// What comes when a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Gone,
    /// It is made anew at once.
    MadeAnew,
    /// What it carried has moved to other connections before.
    Moved,
}

impl Server {
    /// What [`Server::reload`] would do with these options. Nothing changes.
    ///
    /// # Errors
    ///
    /// If the options cannot be used at all. (If some of them only cannot change while the server runs, the
    /// answer's [`Diff`] says so.)
    pub async fn preview(&self, options: Options) -> Result<Preview, ReloadError> {
        preview(&self.shared, options).await
    }
}

/// [`Server::preview`]
pub(crate) async fn preview(
    shared: &Arc<Shared>,
    options: Options,
) -> Result<Preview, ReloadError> {
    // One at a time: a trial is known to all connections. The semaphore is never closed.
    let _turn = shared.trials.acquire().await;
    let before = shared.options();
    let Compared {
        running,
        options,
        diff,
    } = Compared::new(shared, options)?;
    let mut endings = Endings {
        shared,
        found: BTreeMap::new(),
    };
    let mut unanswered = Vec::new();
    if diff.refused.is_empty() {
        read_certificates(shared, &options)?;
        endings.of_surplus_clients(&diff);
        endings.of_smaller_accounts(&options, &diff);
        unanswered = endings.of_trial(&options, &diff).await;
        endings.of_unpinned(&running, &options);
        endings.of_links(&options, &diff);
    }
    if !Arc::ptr_eq(&before, &shared.options()) {
        let text = "another configuration was taken over in the meantime";
        return Err(ReloadError::Options(text.into()));
    }
    Ok(Preview {
        endings: endings.found.into_values().collect(),
        running,
        options,
        diff,
        unanswered,
    })
}

/// The connections found so far. The first reason counts.
struct Endings<'a> {
    shared: &'a Arc<Shared>,
    found: BTreeMap<ConnId, Ending>,
}

impl Endings<'_> {
    fn of_surplus_clients(&mut self, diff: &Diff) {
        let open = self.shared.clients.open();
        for change in &diff.changes {
            if let Change::MaxConnections(most) = change {
                for conn in surplus(&open, *most) {
                    self.client(conn, CloseReason::MaxConnectionsExceeded);
                }
            }
        }
    }

    /// Clients that are too many for their account, or have too many subscriptions for it.
    fn of_smaller_accounts(&mut self, options: &Options, diff: &Diff) {
        let is_of_accounts = |change: &Change| matches!(change, Change::Accounts);
        if !diff.changes.iter().any(is_of_accounts) {
            return;
        }
        let open = self.shared.clients.open();
        for conn in surplus_of_accounts(&open, options) {
            self.client(&conn, CloseReason::MaxAccountConnectionsExceeded);
        }
        for conn in open {
            let name = conn.facts.lock().account.clone();
            let account = options.accounts.iter().find(|a| a.name == name);
            let most = account.and_then(|account| account.limits.subscriptions);
            let own = conn.subscriptions.load(Ordering::Relaxed) as usize;
            if most.is_some_and(|most| own > most as usize) {
                self.client(&conn, CloseReason::MaxSubscriptionsExceeded);
            }
        }
    }

    /// Asks the connections. Answers those that have said nothing.
    async fn of_trial(&mut self, options: &Options, diff: &Diff) -> Vec<ConnId> {
        let shared = self.shared;
        let auth = is_auth_new(diff).then(|| Arc::new(Authenticator::new(options)));
        let clients = shared.clients.open();
        let mut asked = BTreeMap::new();
        if auth.is_some() {
            // Who has not said anything yet is judged when it does.
            let has_spoken = |conn: &&Arc<ClientConn>| !conn.facts.lock().account.is_empty();
            for conn in clients.iter().filter(has_spoken) {
                asked.insert(conn.id, conn.peer.clone());
            }
        }
        let cluster = of_cluster(&diff.changes);
        let routes = shared.routes.get().and_then(|mesh| {
            let is_concerned = cluster.auth || cluster.compression;
            let settings = is_concerned.then(|| mesh.settings_of(shared, options))??;
            let registered = mesh.conns().into_iter();
            let registered = registered.filter(|conn| conn.remote.lock().is_some());
            asked.extend(registered.map(|conn| (conn.peer.id(), conn.peer.clone())));
            Some(RouteTrial {
                settings: Arc::new(settings),
                compression: cluster.compression,
            })
        });
        if asked.is_empty() {
            return Vec::new();
        }
        let trial = Arc::new(Trial::new(auth, routes, asked.keys().copied().collect()));
        *shared.trial.lock() = Some(trial.clone());
        for peer in asked.values() {
            peer.signal().raise(Signal::TRIAL);
        }
        trial.wait(shared, PATIENCE).await;
        *shared.trial.lock() = None;
        let (answers, unanswered) = trial.result();
        for conn in clients {
            if let Some(reason) = answers.get(&conn.id) {
                self.client(&conn, *reason);
            }
        }
        for conn in shared.routes.get().into_iter().flat_map(|m| m.conns()) {
            if let Some(reason) = answers.get(&conn.peer.id()) {
                // Of those that are not turned out, the other end or we make another one.
                let is_anew = *reason == CloseReason::ClientClosed;
                let then = if is_anew { Then::MadeAnew } else { Then::Gone };
                self.route(&conn, *reason, then);
            }
        }
        unanswered
    }

    fn of_unpinned(&mut self, running: &Options, options: &Options) {
        for connection in unpinned(self.shared, running, options) {
            match connection {
                Unpinned::Client(conn) => self.client(&conn, CloseReason::TlsHandshakeError),
                Unpinned::Link(peer) => self.link(&peer, CloseReason::WriteError),
            }
        }
    }

    /// Asks the reconcilers.
    fn of_links(&mut self, options: &Options, diff: &Diff) {
        let shared = self.shared;
        if let Some(mesh) = shared.routes.get() {
            for (conn, reason, then) in mesh.try_reload(shared, options) {
                self.route(&conn, reason, then);
            }
        }
        let is_of_gateways = |change: &Change| matches!(change, Change::Gateway(_));
        if let (Some(mesh), Some(block)) = (shared.mesh.get(), &options.gateway)
            && diff.changes.iter().any(is_of_gateways)
        {
            for peer in mesh.try_reload(shared, block) {
                self.link(&peer, CloseReason::RouteRemoved);
            }
        }
    }

    fn client(&mut self, conn: &ClientConn, reason: CloseReason) {
        let facts = conn.facts.lock().clone();
        self.found.entry(conn.id).or_insert_with(|| Ending {
            id: conn.id,
            kind: PeerKind::Client,
            addr: conn.addr(),
            name: facts.name,
            user: facts.who.name().to_owned(),
            account: facts.account,
            reason,
            then: Then::Gone,
        });
    }

    fn route(&mut self, conn: &crate::route::Conn, reason: CloseReason, then: Then) {
        let remote = conn.remote.lock().clone();
        let name = remote.map_or_else(String::new, |remote| remote.info.server_name.clone());
        self.server(conn.peer.id(), PeerKind::Route, name, (reason, then));
    }

    fn link(&mut self, peer: &gannet_broker::Peer, reason: CloseReason) {
        let (id, kind) = (peer.id(), peer.kind());
        let name = match kind {
            PeerKind::Route => {
                let conns = self.shared.routes.get().map(|mesh| mesh.conns());
                let conns = conns.unwrap_or_default();
                let conn = conns.iter().find(|conn| conn.peer.id() == id);
                let remote = conn.and_then(|conn| conn.remote.lock().clone());
                remote.map(|remote| remote.info.server_name.clone())
            }
            PeerKind::OutboundGateway => {
                let links = self.shared.broker.outbound();
                let link = links.iter().find(|link| link.peer().id() == id);
                link.map(|link| link.name().to_owned())
            }
            PeerKind::InboundGateway => {
                let links = self.shared.broker.inbound();
                let link = links.iter().find(|link| link.peer.id() == id);
                link.map(|link| link.name.clone())
            }
            PeerKind::Client => None,
        };
        self.server(id, kind, name.unwrap_or_default(), (reason, Then::Gone));
    }

    fn server(&mut self, id: ConnId, kind: PeerKind, name: String, end: (CloseReason, Then)) {
        // What is not registered is an attempt, not a connection yet.
        let Some(facts) = self.shared.links.get(id) else {
            return;
        };
        self.found.entry(id).or_insert_with(|| Ending {
            id,
            kind,
            addr: facts.addr,
            name,
            user: String::new(),
            account: String::new(),
            reason: end.0,
            then: end.1,
        });
    }
}
