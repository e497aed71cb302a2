//! What all tasks of one server share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use gannet_broker::{Broker, Signal};
use gannet_config::Options;
use gannet_identity::Authenticator;
use gannet_rt::Rt;
use gannet_rt::sync::Notify;
use gannet_session::client::ClientLimits;
use gannet_units::{Moment, WallTime};

use crate::addresses::{joined, reachable};
use crate::buffers::Buffers;
use crate::channel::Writers;
use crate::face::Face;
use crate::gateway::Mesh;
use crate::lifecycle::Life;
use crate::log::{Logger, log};
use crate::registry::{Links, Registry};
use crate::route;
use crate::tls::ServerTls;

/// Largest payload where the configuration names none: the reference server's default.
const DEFAULT_MAX_PAYLOAD: usize = 1024 * 1024;

/// Links of one kind that were in trouble.
#[derive(Debug, Default)]
pub(crate) struct SlowLinks {
    /// How often one counted as a slow consumer.
    pub(crate) slow: AtomicU64,
    /// How often one was closed because its peer kept silent.
    pub(crate) stale: AtomicU64,
}

/// Connections that were too slow, by kind and by the bound they broke.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) slow_clients: AtomicU64,
    pub(crate) stale_clients: AtomicU64,
    pub(crate) stalled_clients: AtomicU64,
    pub(crate) routes: SlowLinks,
    pub(crate) gateways: SlowLinks,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rt: Rt,
    pub(crate) options: Options,
    pub(crate) log: Logger,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) started: WallTime,
    pub(crate) started_at: Moment,
    pub(crate) broker: Broker,
    pub(crate) auth: Authenticator,
    /// Of links to other servers.
    pub(crate) tls: ServerTls,
    pub(crate) clients: Registry,
    pub(crate) links: Links,
    pub(crate) buffers: Buffers,
    /// Compressors for routes.
    pub(crate) writers: Arc<Writers>,
    pub(crate) trouble: Trouble,
    pub(crate) client_addr: OnceLock<SocketAddr>,
    pub(crate) monitor_addr: OnceLock<SocketAddr>,
    /// Keys the hash tables of connections.
    pub(crate) seed: u64,
    /// Set if there are gateways.
    pub(crate) mesh: OnceLock<Arc<Mesh>>,
    /// Set if there are routes.
    pub(crate) routes: OnceLock<Arc<route::Mesh>>,
    /// What clients are told of the cluster.
    pub(crate) face: Face,
    pub(crate) client_limits: OnceLock<Arc<ClientLimits>>,
    pub(crate) stopping: AtomicBool,
    pub(crate) stop: Notify,
    pub(crate) life: Life,
}

impl Shared {
    /// Bounds of a client's conversation.
    pub(crate) fn client_limits(&self) -> &Arc<ClientLimits> {
        self.client_limits
            .get_or_init(|| Arc::new(self.make_client_limits()))
    }

    /// Largest payload in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        self.options
            .limits
            .max_payload
            .map_or(DEFAULT_MAX_PAYLOAD, |n| n.as_usize())
    }

    /// Bounds of a client's conversation. Made once: all conversations share them.
    fn make_client_limits(&self) -> ClientLimits {
        let limits = &self.options.limits;
        ClientLimits {
            control_line: limits.max_control_line.as_usize(),
            payload: self.max_payload(),
            subscriptions: limits.max_subscriptions.unwrap_or(0) as usize,
            subject_tokens: usize::from(limits.max_subscription_tokens.unwrap_or(0)),
            ping_interval: limits.ping_interval,
            pings_out: limits.ping_max,
            headers: !limits.no_headers,
            auth_timeout: self.auth.required().then_some(self.options.auth.timeout),
        }
    }

    /// Host and port that clients are told.
    pub(crate) fn advertised_client_address(&self) -> (String, u16) {
        let bound = self.client_addr.get().map_or(0, SocketAddr::port);
        match &self.options.client_advertise {
            None => (self.options.host.clone(), bound),
            Some(text) => {
                gannet_config::advertised(text, bound).unwrap_or_else(|_| (text.clone(), bound))
            }
        }
    }

    /// Where clients of this server connect, as other servers are told; known once the listener is open.
    pub(crate) fn own_connect_urls(&self) -> Vec<String> {
        let Some(bound) = self.client_addr.get() else {
            return Vec::new();
        };
        if self.options.client_advertise.is_some() {
            let (host, port) = self.advertised_client_address();
            return vec![joined(&host, port)];
        }
        let host = &self.options.host;
        let urls = reachable(self, host, *bound);
        if urls.is_empty() {
            log!(
                self.log,
                Error,
                "Address {} can not be resolved properly",
                gannet_config::quoted(host)
            );
        }
        urls
    }

    /// What clients are told of the cluster has changed: tells those that understand it.
    pub(crate) fn tell_clients(&self) {
        for conn in self.clients.open() {
            conn.peer.signal().raise(Signal::NEWS);
        }
    }

    /// The other servers of the cluster have these names now.
    pub(crate) fn names_changed(&self, names: Vec<String>) {
        if let Some(mesh) = self.mesh.get() {
            mesh.set_server_names(names);
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
