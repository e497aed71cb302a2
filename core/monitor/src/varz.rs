//! `/varz`: who this server is, what it allows and what it has done. The caller fills in
//! [`Varz`] itself; it is the JSON.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::WallTime;
use serde::Serialize;

use crate::endpoint::RequestCounts;
use crate::json::{float, is_default, nanos, seconds, some_time, time, uptime};
use crate::response::Response;

/// Everything `/varz` says. Parts of the reference's answer that belong to what this server
/// cannot do yet are left out where the reference leaves them out when they are not in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Varz {
    /// The server's id.
    pub server_id: String,
    /// The server's name.
    pub server_name: String,
    /// The reference version that we are compatible with.
    pub version: String,
    /// The protocol number in INFO.
    pub proto: u32,
    /// The commit this was built from; empty when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// The same text as `go` in INFO.
    pub go: String,
    /// Where clients connect.
    pub host: String,
    /// Where clients connect.
    pub port: u16,
    /// Whether clients must say who they are.
    #[serde(skip_serializing_if = "is_default")]
    pub auth_required: bool,
    /// Whether clients' connections must be encrypted.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_required: bool,
    /// Whether clients must show a certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_verify: bool,
    /// Whether authorities are asked about the certificates of clients.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_ocsp_peer_verify: bool,
    /// The address in INFO; empty when there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// The addresses in INFO.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    /// Most client connections at a time.
    pub max_connections: i64,
    /// Most subscriptions per connection; 0 for no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub max_subscriptions: i64,
    /// How often an idle connection is pinged; in nanoseconds.
    #[serde(serialize_with = "nanos")]
    pub ping_interval: Duration,
    /// Unanswered pings that make a connection stale.
    pub ping_max: u32,
    /// Where monitoring listens.
    pub http_host: String,
    /// Where monitoring listens.
    pub http_port: u16,
    /// The configured prefix of all monitoring paths.
    pub http_base_path: String,
    /// Where monitoring listens with TLS; 0 for nowhere.
    pub https_port: u16,
    /// How long a client may take to say who it is; in seconds.
    #[serde(serialize_with = "seconds")]
    pub auth_timeout: Duration,
    /// Most bytes of a protocol line.
    pub max_control_line: u64,
    /// Most bytes of a message.
    pub max_payload: u64,
    /// Most bytes waiting for one client.
    pub max_pending: u64,
    /// This cluster.
    pub cluster: Cluster,
    /// The gateway.
    pub gateway: Gateway,
    /// Leaf nodes.
    pub leaf: Leaf,
    /// MQTT.
    pub mqtt: Unused,
    /// WebSocket.
    pub websocket: Unused,
    /// JetStream.
    pub jetstream: Unused,
    /// How long TLS may take; in seconds.
    #[serde(serialize_with = "seconds")]
    pub tls_timeout: Duration,
    /// How long a write may be stuck; in nanoseconds.
    #[serde(serialize_with = "nanos")]
    pub write_deadline: Duration,
    /// What is done then, if configured.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub write_timeout: String,
    /// When the server started.
    #[serde(serialize_with = "time")]
    pub start: WallTime,
    /// When this was gathered.
    #[serde(serialize_with = "time")]
    pub now: WallTime,
    /// Time between the two.
    #[serde(serialize_with = "uptime")]
    pub uptime: Duration,
    /// Resident memory in bytes.
    pub mem: u64,
    /// Processor cores of the machine.
    pub cores: usize,
    /// Threads that run tasks.
    pub gomaxprocs: usize,
    /// A soft limit of memory; 0 for none.
    #[serde(skip_serializing_if = "is_default")]
    pub gomemlimit: u64,
    /// Processor use in percent of one core.
    #[serde(serialize_with = "float")]
    pub cpu: f64,
    /// Client connections now.
    pub connections: usize,
    /// Client connections ever.
    pub total_connections: u64,
    /// Routes now.
    pub routes: usize,
    /// Servers that routes lead to.
    pub remotes: usize,
    /// Leaf node connections now.
    pub leafnodes: usize,
    /// Messages and bytes, in and out.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Connections closed for being too slow.
    pub slow_consumers: u64,
    /// Connections closed for being silent.
    pub stale_connections: u64,
    /// How often a producer was held back.
    pub stalled_clients: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Requests to this port.
    pub http_req_stats: RequestCounts,
    /// When the configuration was read.
    #[serde(serialize_with = "time")]
    pub config_load_time: WallTime,
    /// `sha256:` and the hash of the configuration's text; empty without a file.
    pub config_digest: String,
    /// Configured tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Configured metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The reference's switches for changes under way: see [`feature_flags`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feature_flags: BTreeMap<String, bool>,
    /// The name of the system account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system_account: String,
    /// What authorities have said about peers, if that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ocsp_peer_cache: Option<OcspPeerCache>,
    /// `slow_consumers` by kind.
    pub slow_consumer_stats: ByKind,
    /// `stale_connections` by kind.
    pub stale_connection_stats: ByKind,
    /// Waiting for the disk.
    pub disk_io_wait_stats: DiskWaits,
    /// When the certificate that clients are shown ends.
    #[serde(serialize_with = "some_time", skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<WallTime>,
}

/// The answer.
pub fn respond(varz: &Varz) -> Response {
    Response::json(varz)
}

/// The reference's feature flags with its defaults; all are about JetStream.
pub fn feature_flags() -> BTreeMap<String, bool> {
    let defaults = [
        ("js_ack_fc_v2", false),
        ("js_api_reply_v2", false),
        ("js_raft_delete_range", true),
        ("js_snapshot_sources", false),
    ];
    defaults
        .into_iter()
        .map(|(name, on)| (name.to_string(), on))
        .collect()
}

/// Answers of authorities about the certificates of peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OcspPeerCache {
    /// `local`.
    pub cache_type: &'static str,
    /// How often one was at hand.
    #[serde(skip_serializing_if = "is_default")]
    pub cache_hits: i64,
    /// How often none was.
    #[serde(skip_serializing_if = "is_default")]
    pub cache_misses: i64,
    /// How many are kept.
    #[serde(skip_serializing_if = "is_default")]
    pub cached_responses: usize,
    /// How many of them say that a certificate is revoked.
    #[serde(skip_serializing_if = "is_default")]
    pub cached_revoked_responses: usize,
    /// How many say that it is good.
    #[serde(skip_serializing_if = "is_default")]
    pub cached_good_responses: usize,
    /// How many say that it is unknown.
    #[serde(skip_serializing_if = "is_default")]
    pub cached_unknown_responses: usize,
}

/// A part that is not in use: the reference prints an empty object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unused {}

/// This cluster; without a listener for routes all but the name is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cluster {
    /// Its name; with a gateway, the gateway's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where routes connect.
    #[serde(rename = "addr", skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Where routes connect.
    #[serde(rename = "cluster_port", skip_serializing_if = "is_default")]
    pub port: u16,
    /// How long a route may take to say who it is; in seconds.
    #[serde(serialize_with = "seconds", skip_serializing_if = "is_default")]
    pub auth_timeout: Duration,
    /// The configured routes as `host:port`, in the order of the configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// How long TLS may take; in seconds.
    #[serde(serialize_with = "seconds", skip_serializing_if = "is_default")]
    pub tls_timeout: Duration,
    /// Whether routes use TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_required: bool,
    /// Whether routes need certificates, which with TLS they always do.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_verify: bool,
    /// Routes between two servers; -1 for one, without a pool.
    #[serde(skip_serializing_if = "is_default")]
    pub pool_size: i64,
    /// How long a write to a route may be stuck, if configured; in nanoseconds.
    #[serde(serialize_with = "nanos", skip_serializing_if = "is_default")]
    pub write_deadline: Duration,
    /// What is done then, if configured.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub write_timeout: String,
    /// When the certificate for routes ends.
    #[serde(serialize_with = "some_time", skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<WallTime>,
}

/// Leaf nodes, as far as the reference says something even without any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leaf {
    /// The routes' (not the leaf nodes') [`Cluster::write_deadline`].
    #[serde(serialize_with = "nanos", skip_serializing_if = "is_default")]
    pub write_deadline: Duration,
    /// The routes' (not the leaf nodes') [`Cluster::write_timeout`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub write_timeout: String,
}

/// The configured gateway; all but the routes' deadline is empty without one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Gateway {
    /// This cluster's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where other clusters connect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Where other clusters connect.
    #[serde(skip_serializing_if = "is_default")]
    pub port: u16,
    /// How long a gateway may take to say who it is; in seconds.
    #[serde(serialize_with = "seconds", skip_serializing_if = "is_default")]
    pub auth_timeout: Duration,
    /// How long TLS may take; in seconds.
    #[serde(serialize_with = "seconds", skip_serializing_if = "is_default")]
    pub tls_timeout: Duration,
    /// Whether gateways use TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_required: bool,
    /// Whether gateways need certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_verify: bool,
    /// The address that others are told.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advertise: String,
    /// How often a cluster known by gossip only is dialled.
    #[serde(skip_serializing_if = "is_default")]
    pub connect_retries: i64,
    /// The configured clusters, in the order of the configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<RemoteGateway>,
    /// Whether clusters that are not configured are turned away.
    #[serde(skip_serializing_if = "is_default")]
    pub reject_unknown: bool,
    /// The routes' [`Cluster::write_deadline`], which the reference shows instead of the gateway's.
    #[serde(serialize_with = "nanos", skip_serializing_if = "is_default")]
    pub write_deadline: Duration,
    /// The routes' [`Cluster::write_timeout`], likewise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub write_timeout: String,
    /// When the certificate for gateways ends.
    #[serde(serialize_with = "some_time", skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<WallTime>,
}

/// A configured cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RemoteGateway {
    /// Its name.
    pub name: String,
    /// How long TLS may take; in seconds.
    #[serde(serialize_with = "seconds", skip_serializing_if = "is_default")]
    pub tls_timeout: Duration,
    /// Its addresses as `host:port`, configured and learnt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// Messages and payload bytes since the start; `client` counts those of clients alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Traffic {
    pub in_msgs: u64,
    pub in_bytes: u64,
    pub in_client_msgs: u64,
    pub in_client_bytes: u64,
    pub out_msgs: u64,
    pub out_bytes: u64,
    pub out_client_msgs: u64,
    pub out_client_bytes: u64,
}

/// A number per kind of connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ByKind {
    pub clients: u64,
    pub routes: u64,
    pub gateways: u64,
    pub leafs: u64,
}

/// Waiting for a turn at the disk; nothing writes yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiskWaits {
    /// Waiting now.
    pub waiters: u64,
    /// Waits so far.
    pub waits: u64,
    /// Nanoseconds waited so far.
    pub wait_time: u64,
    /// The longest wait in nanoseconds.
    pub max_wait_time: u64,
}
