//! A server's life: start, run, stop. [`Server`] is the handle that everything hangs off, and the
//! embedding API.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use gannet_broker::{Broker, BrokerOptions};
use gannet_config::{HandshakeFirst, Options};
use gannet_identity::server_id;
use gannet_rt::sync::{Notify, Semaphore};
use gannet_rt::{Listener, Rt};
use gannet_session::CloseReason;
use gannet_wire::reply_prefix::ReplyPrefix;
use parking_lot::Mutex;

use crate::accept;
use crate::answers;
use crate::buffers::Buffers;
use crate::certificates;
use crate::face::Face;
use crate::gateway::{self, GatewayLink};
use crate::host::Host;
use crate::info::{COMPATIBLE_VERSION, VERSION, git_commit};
use crate::lifecycle::Life;
use crate::live::Live;
use crate::log::{Logger, log};
use crate::monitor;
use crate::ocsp;
use crate::refusal::{listen_error, lookup_error};
use crate::registry::{Links, Registry};
use crate::route::{self, RouteLink};
use crate::shared::{Shared, Trouble};
use crate::tls::ServerTls;

/// Why a server did not start. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The options contradict each other.
    #[error("{0}")]
    Options(String),
    /// A listener could not be opened.
    #[error("{0}")]
    Listen(String),
}

/// One running server. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) shared: Arc<Shared>,
}

impl Server {
    /// Starts a server: when this returns, it accepts connections.
    pub async fn start(options: Options, rt: Rt, log: Logger) -> Result<Server, StartError> {
        Server::start_from(None, options, rt, log).await
    }

    /// Starts a server whose options were read from `file`; the log names it.
    pub async fn start_from(
        file: Option<&str>,
        options: Options,
        rt: Rt,
        log: Logger,
    ) -> Result<Server, StartError> {
        options
            .validate()
            .map_err(|e| StartError::Options(e.to_string()))?;
        let tls = ServerTls::load(&rt, &options).map_err(StartError::Options)?;
        let shared = Arc::new(new_shared(options, tls, rt, log));
        greet(&shared, file);
        let server = Server { shared };
        let prepared = ocsp::prepare(&server.shared).await;
        prepared.map_err(StartError::Options)?;
        certificates::changed(&server.shared, &ServerTls::default());
        if let Err(error) = server.open().await {
            // What listens already does not go on without the rest.
            server.halt();
            return Err(error);
        }
        log!(server.shared.log, Server, Info, "Server is ready");
        Ok(server)
    }

    /// Introduces the process around the server to its monitoring pages. Only the first one counts.
    pub fn set_host(&self, host: Arc<dyn Host>) {
        let _: Result<(), Arc<dyn Host>> = self.shared.host.set(host);
    }

    /// Opens the listeners, clients' last: whoever can connect finds everything else in place.
    async fn open(&self) -> Result<(), StartError> {
        let shared = &self.shared;
        let options = shared.options();
        if let Some(text) = &options.client_advertise {
            gannet_config::advertised(text, 0).map_err(|e| {
                let what = "Error setting server INFO with ClientAdvertise value of";
                StartError::Options(format!("{what} {text}, err={e}"))
            })?;
        }
        if let Some((host, port)) = monitor::wanted_for_profiling(&options) {
            let listener = open_listener(shared, host, port, "profiling").await?;
            monitor::start_profiling(shared, listener)?;
        }
        monitor::warn_of_block_rate(shared);
        if let Some(wanted) = monitor::wanted(&options)? {
            let (host, port) = wanted.at;
            let listener = open_listener(shared, host, port, "monitor").await?;
            monitor::start(shared, &wanted, listener)?;
        }
        if let Some(listener) = gateway::listen(shared).await? {
            gateway::start(shared, listener);
        }
        let routes = route::bind(shared).await?;
        let (host, port) = (&options.host, options.port.to_bind());
        let clients = open_listener(shared, host, port, "client").await?;
        let addr = clients
            .local_addr()
            .map_err(|e| StartError::Listen(e.to_string()))?;
        let _: Result<(), SocketAddr> = shared.client_addr.set(addr);
        log!(
            shared.log,
            Clients,
            Info,
            "Listening for client connections on {}",
            shown(host, addr)
        );
        self.describe_door();
        shared.face.set_own_urls(shared.own_connect_urls());
        if let Some(listener) = routes {
            route::set_up(shared, &listener)?;
            route::start(shared, listener);
        }
        shared.rt.spawn(answers::keep(shared.clone()));
        shared.rt.spawn(accept::clients(shared.clone(), clients));
        Ok(())
    }

    /// Says in the log what clients must do before they can speak.
    fn describe_door(&self) {
        let (log, options) = (&self.shared.log, self.shared.options());
        if options.proxy_protocol {
            log!(
                log,
                Clients,
                Info,
                "PROXY protocol enabled for client connections"
            );
        }
        let Some(tls) = &options.tls else {
            return;
        };
        let always_first = tls.handshake_first == HandshakeFirst::Always;
        if options.allow_non_tls && !always_first {
            log!(log, Clients, Info, "TLS available for client connections");
        } else {
            log!(log, Clients, Info, "TLS required for client connections");
        }
        if always_first {
            let who = "Clients that are not using \"TLS Handshake First\" option";
            log!(log, Clients, Warn, "{who} will fail to connect");
        }
    }

    /// The server's public key.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The server's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The options that the server goes by now.
    pub fn options(&self) -> Options {
        Options::clone(&self.shared.options())
    }

    /// Where clients connect.
    pub fn client_addr(&self) -> Option<SocketAddr> {
        self.shared.client_addr.get().copied()
    }

    /// Where monitoring listens, if it does.
    pub fn monitor_addr(&self) -> Option<SocketAddr> {
        self.shared.monitor_addr.get().copied()
    }

    /// Where the profiling port listens, if there is one.
    pub fn profiling_addr(&self) -> Option<SocketAddr> {
        self.shared.profiling_addr.get().copied()
    }

    /// Where other clusters connect, if there are gateways.
    pub fn gateway_addr(&self) -> Option<SocketAddr> {
        self.shared.mesh.get().map(|mesh| mesh.bound)
    }

    /// The other clusters, and the links to and from them.
    pub fn gateway_links(&self) -> Vec<GatewayLink> {
        self.shared
            .mesh
            .get()
            .map_or_else(Vec::new, |mesh| mesh.links(&self.shared))
    }

    /// Where other servers of the cluster connect, if there are routes.
    pub fn route_addr(&self) -> Option<SocketAddr> {
        self.shared.routes.get().map(|mesh| mesh.bound)
    }

    /// The connections to other servers of the cluster.
    pub fn route_links(&self) -> Vec<RouteLink> {
        let mesh = self.shared.routes.get();
        mesh.map_or_else(Vec::new, |mesh| mesh.links())
    }

    /// Stops: accepts nothing more, ends all connections. Returns at once; the tasks end soon after.
    pub fn stop(&self) {
        if !self.shared.is_stopping() {
            log!(self.shared.log, Server, Info, "Initiating Shutdown...");
        }
        self.halt();
    }

    fn halt(&self) {
        if self.shared.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        self.shared.stop.notify_waiters();
        for conn in self.shared.clients.open() {
            conn.close(CloseReason::ServerShutdown);
        }
        if let Some(mesh) = self.shared.mesh.get() {
            mesh.close_all(&self.shared);
        }
        if let Some(mesh) = self.shared.routes.get() {
            mesh.close_all();
        }
    }
}

fn new_shared(options: Options, tls: ServerTls, rt: Rt, log: Logger) -> Shared {
    let mut seed = [0; 32];
    rt.fill_random(&mut seed);
    let id = server_id(seed);
    let name = options.server_name.clone().unwrap_or_else(|| id.clone());
    let gateway = options.gateway.as_ref().map(|gateway| gateway.name.clone());
    let cluster = match options.cluster_name() {
        Some(name) => name.to_owned(),
        None if options.cluster.port.is_some() => made_up_name(&rt),
        None => String::new(),
    };
    let broker = Broker::new(BrokerOptions {
        seed: rt.random_u64(),
        reply_prefix: gateway.as_ref().map(|name| ReplyPrefix::new(name, &id)),
        gateway: gateway.unwrap_or_default(),
        cluster: cluster.clone(),
    });
    if !options.accounts.is_empty() {
        define_accounts(&broker, &rt, &log, &options);
    }
    Shared {
        started: rt.wall(),
        started_at: rt.now(),
        configured: Mutex::new(rt.wall()),
        reloading: Mutex::default(),
        trials: Semaphore::new(1),
        trial: Mutex::default(),
        host: OnceLock::new(),
        seed: rt.random_u64(),
        clients: Registry::new(options.limits.max_closed_clients as usize),
        links: Links::default(),
        buffers: Buffers::default(),
        writers: Arc::default(),
        trouble: Trouble::default(),
        client_addr: OnceLock::new(),
        monitor_addr: OnceLock::new(),
        profiling_addr: OnceLock::new(),
        mesh: OnceLock::new(),
        routes: OnceLock::new(),
        face: Face::new(cluster),
        stopping: AtomicBool::new(false),
        stop: Notify::new(),
        life: Life::default(),
        tls_changed: Notify::new(),
        certificates_kept: AtomicBool::new(false),
        ocsp_cache: ArcSwapOption::empty(),
        ocsp_turns: Semaphore::new(ocsp::TURNS),
        rt,
        live: Live::new(options, tls),
        log,
        id,
        name,
        broker,
    }
}

/// There are these accounts from now on.
pub(crate) fn define_accounts(broker: &Broker, rt: &Rt, log: &Logger, options: &Options) {
    let defined = broker.define_accounts(&options.accounts, rt.wall());
    for refused in defined.finish(rt.now()) {
        log!(
            log,
            Server,
            Error,
            "Account {:?} does not import {:?} of {:?}: {}",
            refused.account,
            refused.import.subject,
            refused.import.account,
            refused.why
        );
    }
}

/// A name for a cluster that was given none.
fn made_up_name(rt: &Rt) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let letter = |_| char::from(LETTERS[(rt.random_u64() % 62) as usize]);
    (0..22).map(letter).collect()
}

fn greet(shared: &Shared, file: Option<&str>) {
    let log = &shared.log;
    log!(log, Server, Info, "Starting nats-server");
    log!(log, Server, Info, "  Version:  {COMPATIBLE_VERSION}");
    log!(log, Server, Info, "  Gannet:   {VERSION}");
    if let Some(commit) = git_commit() {
        log!(log, Server, Info, "  Git:      [{commit}]");
    }
    let cluster = shared.face.cluster();
    if !cluster.is_empty() {
        log!(log, Server, Info, "  Cluster:  {cluster}");
    }
    log!(log, Server, Info, "  Name:     {}", shared.name);
    log!(log, Server, Info, "  ID:       {}", shared.id);
    list_feature_flags(shared);
    if let Some(path) = file {
        let options = shared.options();
        let digest = options.digest.as_deref().unwrap_or_default();
        log!(
            log,
            Server,
            Info,
            "Using configuration file: {path} ({digest})"
        );
    }
    for advice in shared.options().advice() {
        log!(log, Server, Warn, "{advice}");
    }
    shared.tls().warn_of_left_out(log);
}

/// Says what the feature flags of the configuration change. They are all about parts that aren't built yet.
fn list_feature_flags(shared: &Shared) {
    let options = shared.options();
    if options.feature_flags.is_empty() {
        return;
    }
    let defaults = gannet_monitor::varz::feature_flags();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for (name, on) in &options.feature_flags {
        let what = match (defaults.get(name), on) {
            (None, _) => {
                unknown.push(name.as_str());
                continue;
            }
            (Some(true), true) => "enabled",
            (Some(true), false) => "opt-out",
            (Some(false), true) => "opt-in",
            (Some(false), false) => "disabled",
        };
        known.push(format!("{name} ({what})"));
    }
    let known = match known.is_empty() {
        true => "none".into(),
        false => known.join(", "),
    };
    log!(shared.log, Server, Info, "  Feature flags:");
    log!(shared.log, Server, Info, "    Configured:    {known}");
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        log!(shared.log, Server, Info, "    Unsupported:   {unknown}");
    }
}

/// Opens a listener on `host`, which may be a name or an address.
pub(crate) async fn open_listener(
    shared: &Shared,
    host: &str,
    port: u16,
    what: &str,
) -> Result<Listener, StartError> {
    let unknown = |e| StartError::Listen(lookup_error(what, host, port, &e));
    let addrs = shared.rt.resolve(host, port).await.map_err(unknown)?;
    let mut last = None;
    for addr in addrs {
        match shared.rt.listen(addr).await {
            Ok(listener) => return Ok(listener),
            Err(e) => last = Some(e),
        }
    }
    let why = last.unwrap_or_else(|| std::io::Error::other("no address"));
    Err(StartError::Listen(listen_error(what, host, port, &why)))
}

/// `host:port` as the log shows it: the host as configured, the port as bound.
pub(crate) fn shown(host: &str, addr: SocketAddr) -> String {
    if host.contains(':') {
        format!("[{host}]:{}", addr.port())
    } else {
        format!("{host}:{}", addr.port())
    }
}
