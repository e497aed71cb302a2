//! New options for a running server: all that has changed, or nothing. Not here: which options may change
//! (`gannet_config::Diff`), and what its connections make of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gannet_broker::Signal;
use gannet_config::{Change, ClusterChange, Diff, Options, Port, Refused};
use gannet_session::CloseReason;

use crate::certificates;
use crate::log::log;
use crate::pinned;
use crate::registry::ClientConn;
use crate::server::{Server, define_accounts};
use crate::shared::Shared;
use crate::tls::ServerTls;

/// Why a server goes on with the options that it has. The text is for the operator; there may be several
/// reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadError {
    /// The options contradict each other, or the files that they name cannot be used.
    Options(String),
    /// Some options cannot change while the server runs.
    Refused(Vec<Refused>),
}

impl ReloadError {
    /// The reasons, one for each line of the log.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            ReloadError::Options(text) => vec![text.clone()],
            ReloadError::Refused(refused) => refused.iter().map(ToString::to_string).collect(),
        }
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().join("; "))
    }
}

impl std::error::Error for ReloadError {}

/// Options that make sense, beside those that a server goes by.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    pub(crate) running: Options,
    pub(crate) options: Options,
    pub(crate) diff: Diff,
}

impl Compared {
    /// Compares `options` with those that the server goes by.
    pub(crate) fn new(shared: &Shared, mut options: Options) -> Result<Compared, ReloadError> {
        options
            .validate()
            .map_err(|e| ReloadError::Options(e.to_string()))?;
        let running = running_options(shared);
        options.keep_ports(&running);
        let mut diff = Diff::between(&running, &options);
        look_for_accounts(shared, &mut diff);
        Ok(Compared {
            running,
            options,
            diff,
        })
    }
}

/// The options that the server goes by, with the ports that it listens on.
fn running_options(shared: &Shared) -> Options {
    let mut running = Options::clone(&shared.options());
    if let Some(addr) = shared.client_addr.get() {
        running.port = Port::At(addr.port());
    }
    if let Some(mesh) = shared.routes.get() {
        running.cluster.port = Some(Port::At(mesh.bound.port()));
    }
    if let (Some(gateway), Some(mesh)) = (&mut running.gateway, shared.mesh.get()) {
        gateway.port = Some(Port::At(mesh.bound.port()));
    }
    running
}

/// Reads the certificates and keys that the options name.
pub(crate) fn read_certificates(
    shared: &Shared,
    options: &Options,
) -> Result<ServerTls, ReloadError> {
    ServerTls::load(&shared.rt, options).map_err(ReloadError::Options)
}

/// The clients that have to go where there may be only `most`, of those that are `open`: those that came last.
pub(crate) fn surplus(
    open: &[Arc<ClientConn>],
    most: u32,
) -> impl Iterator<Item = &Arc<ClientConn>> {
    let surplus = open.get(most as usize..).unwrap_or_default();
    surplus.iter().rev()
}

/// The clients that have to go, of those that are `open`, where accounts may have fewer: those that came first, as
/// with the reference server.
pub(crate) fn surplus_of_accounts(
    open: &[Arc<ClientConn>],
    options: &Options,
) -> Vec<Arc<ClientConn>> {
    let mut members: BTreeMap<String, Vec<&Arc<ClientConn>>> = BTreeMap::new();
    for conn in open {
        let account = conn.facts.lock().account.clone();
        members.entry(account).or_default().push(conn);
    }
    let mut surplus = Vec::new();
    for account in &options.accounts {
        let (Some(most), Some(members)) = (account.limits.connections, members.get(&account.name))
        else {
            continue;
        };
        let too_many = members.len().saturating_sub(most as usize);
        surplus.extend(members.iter().take(too_many).map(|conn| Arc::clone(conn)));
    }
    surplus
}

impl Server {
    /// Goes by `options` from now on: the whole configuration anew, not only what differs. Connections stay,
    /// unless the change concerns them. After an error nothing has changed.
    ///
    /// # Errors
    ///
    /// If something has changed that cannot while the server runs.
    pub fn reload(&self, options: Options) -> Result<Vec<Change>, ReloadError> {
        self.reload_with(options, |_| {})
    }

    /// [`Server::reload`], where `outside` does what a change means to the owner of the server: its log file
    /// and the files by which others find it. Of a new place for the log it is told last of all.
    ///
    /// # Errors
    ///
    /// As [`Server::reload`].
    pub fn reload_with(
        &self,
        options: Options,
        mut outside: impl FnMut(&Change),
    ) -> Result<Vec<Change>, ReloadError> {
        let shared = &self.shared;
        let one_at_a_time = shared.reloading.lock();
        let Compared {
            running,
            options,
            diff,
        } = Compared::new(shared, options)?;
        if !diff.refused.is_empty() {
            return Err(ReloadError::Refused(diff.refused));
        }
        let tls = read_certificates(shared, &options)?;
        let is_auth_new = is_auth_new(&diff);
        if options.accounts != running.accounts {
            define_accounts(&shared.broker, &shared.rt, &shared.log, &options);
        }
        let before = shared.live.replace(options.clone(), tls, is_auth_new);
        certificates::changed(shared, &before);
        self.apply(&options, &diff.changes, &mut outside);
        pinned::look_again(shared, &running, &options);
        *shared.configured.lock() = shared.rt.wall();
        drop(one_at_a_time);
        let digest = match &options.digest {
            Some(digest) => format!("({digest})"),
            None => String::new(),
        };
        log!(
            shared.log,
            Server,
            Info,
            "Reloaded server configuration {digest}"
        );
        Ok(diff.changes)
    }

    /// Carries the changes out, and tells of each.
    fn apply(&self, options: &Options, changes: &[Change], outside: &mut impl FnMut(&Change)) {
        let shared = &self.shared;
        for change in changes {
            self.apply_one(options, change);
            if !change.is_of_log_target() {
                outside(change);
            }
            if let Some(line) = change.line() {
                log!(shared.log, Server, Info, "{line}");
            }
        }
        shared.log.set_options(&options.logging);
        for change in changes {
            if change.is_of_log_target() {
                outside(change);
            }
        }
        if changes
            .iter()
            .any(|change| matches!(change, Change::Accounts))
        {
            self.close_surplus_of_accounts(options);
        }
        self.reload_links(options, changes);
        for conn in shared.clients.open() {
            conn.peer.signal().raise(Signal::RELOAD);
        }
        // Of a lame duck, clients are told no address any more.
        if changes.iter().any(is_told_to_clients) && !shared.is_lame_duck() {
            shared.face.set_own_urls(shared.own_connect_urls());
            shared.tell_clients();
        }
    }

    fn apply_one(&self, options: &Options, change: &Change) {
        if let Change::MaxConnections(most) = change {
            self.close_surplus(*most);
        }
        if let Change::BlockRate(_) = change {
            crate::monitor::warn_of_block_rate(&self.shared);
        }
        let tls = options.cluster.tls.as_ref().filter(|tls| tls.insecure);
        if let (Change::Cluster(_), Some(_)) = (change, tls) {
            log!(self.shared.log, Server, Warn, "{}", crate::route::INSECURE);
        }
    }

    /// Sends clients away where accounts may have fewer from now on.
    fn close_surplus_of_accounts(&self, options: &Options) {
        for conn in surplus_of_accounts(&self.shared.clients.open(), options) {
            conn.close(CloseReason::MaxAccountConnectionsExceeded);
        }
    }

    /// Sends the clients away that came last, until there are no more than `most`.
    fn close_surplus(&self, most: u32) {
        let open = self.shared.clients.open();
        let mut closed = 0;
        for conn in surplus(&open, most) {
            conn.close(CloseReason::MaxConnectionsExceeded);
            closed += 1;
        }
        if closed > 0 {
            log!(
                self.shared.log,
                Server,
                Info,
                "Closed {closed} connections to fall within max_connections"
            );
        }
    }

    /// Links to other servers go by the new options.
    fn reload_links(&self, options: &Options, changes: &[Change]) {
        let shared = &self.shared;
        if let Some(mesh) = shared.routes.get() {
            mesh.reload(shared, options, &of_cluster(changes));
        }
        if let (Some(mesh), Some(block)) = (shared.mesh.get(), &options.gateway) {
            mesh.reload(shared, block);
        }
    }
}

/// Refuses accounts for routes of their own that there are not.
fn look_for_accounts(shared: &Shared, diff: &mut Diff) {
    let pinned = diff.changes.iter().flat_map(|change| match change {
        Change::Cluster(cluster) => cluster.pinned.as_slice(),
        _ => &[],
    });
    let missing = pinned.filter(|account| !crate::route::is_known(shared, account));
    for account in missing.cloned().collect::<Vec<_>>() {
        diff.account_is_missing(&account);
    }
}

/// Whether clients are to be looked at again.
pub(crate) fn is_auth_new(diff: &Diff) -> bool {
    diff.changes.iter().any(Change::is_of_auth)
}

/// What changes of the cluster.
pub(crate) fn of_cluster(changes: &[Change]) -> ClusterChange {
    let cluster = changes.iter().find_map(|change| match change {
        Change::Cluster(cluster) => Some(cluster.clone()),
        _ => None,
    });
    cluster.unwrap_or_default()
}

/// Whether the INFO of clients says something else now that they should know.
fn is_told_to_clients(change: &Change) -> bool {
    matches!(change, Change::ClientAdvertise(_) | Change::MaxPayload(_))
}
