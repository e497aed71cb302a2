//! What all tasks of one server share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use gannet_broker::{Broker, Signal};
use gannet_rt::Rt;
use gannet_rt::sync::{Notify, Semaphore};
use gannet_units::{Moment, WallTime};
use parking_lot::Mutex;

use crate::addresses::{joined, reachable};
use crate::buffers::Buffers;
use crate::channel::Writers;
use crate::face::Face;
use crate::gateway::Mesh;
use crate::host::Host;
use crate::lifecycle::Life;
use crate::live::Live;
use crate::log::{Logger, log};
use crate::ocsp;
use crate::preview::Trial;
use crate::registry::{Links, Registry};
use crate::route;

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
    /// The options, and what is made of them.
    pub(crate) live: Live,
    pub(crate) log: Logger,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) started: WallTime,
    pub(crate) started_at: Moment,
    /// When the options were taken over.
    pub(crate) configured: Mutex<WallTime>,
    /// Held while new options are taken over.
    pub(crate) reloading: Mutex<()>,
    /// Whose turn it is to ask what new options would do.
    pub(crate) trials: Semaphore,
    /// What connections are asked now.
    pub(crate) trial: Mutex<Option<Arc<Trial>>>,
    /// The process around the server, once it has introduced itself.
    pub(crate) host: OnceLock<Arc<dyn Host>>,
    pub(crate) broker: Broker,
    pub(crate) clients: Registry,
    pub(crate) links: Links,
    pub(crate) buffers: Buffers,
    /// Compressors for routes.
    pub(crate) writers: Arc<Writers>,
    pub(crate) trouble: Trouble,
    pub(crate) client_addr: OnceLock<SocketAddr>,
    pub(crate) monitor_addr: OnceLock<SocketAddr>,
    pub(crate) profiling_addr: OnceLock<SocketAddr>,
    /// Keys the hash tables of connections.
    pub(crate) seed: u64,
    /// Set if there are gateways.
    pub(crate) mesh: OnceLock<Arc<Mesh>>,
    /// Set if there are routes.
    pub(crate) routes: OnceLock<Arc<route::Mesh>>,
    /// What clients are told of the cluster.
    pub(crate) face: Face,
    pub(crate) stopping: AtomicBool,
    pub(crate) stop: Notify,
    pub(crate) life: Life,
    /// There are other certificates now.
    pub(crate) tls_changed: Notify,
    /// Somebody looks after the certificates.
    pub(crate) certificates_kept: AtomicBool,
    /// What authorities have said about the certificates of clients, if they are asked.
    pub(crate) ocsp_cache: ArcSwapOption<ocsp::Cache>,
    /// Whose turn it is to ask an authority about a peer.
    pub(crate) ocsp_turns: Semaphore,
}

impl Shared {
    /// Host and port that clients are told.
    pub(crate) fn advertised_client_address(&self) -> (String, u16) {
        let bound = self.client_addr.get().map_or(0, SocketAddr::port);
        let options = self.now();
        match &options.client_advertise {
            None => (options.host.clone(), bound),
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
        let options = self.options();
        if options.client_advertise.is_some() {
            let (host, port) = self.advertised_client_address();
            return vec![joined(&host, port)];
        }
        let host = &options.host;
        let urls = reachable(self, host, *bound);
        if urls.is_empty() {
            log!(
                self.log,
                Server,
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

    /// What connections are asked now.
    pub(crate) fn trial(&self) -> Option<Arc<Trial>> {
        self.trial.lock().clone()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
