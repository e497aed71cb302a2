//! What `/varz` needs: identity, limits and totals of the server, and its use of the machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gannet_broker::Traffic;
use gannet_config::{GatewayOptions, ServerUrl, TlsOptions, WriteTimeout};
use gannet_monitor::varz::{self, ByKind, Cluster, Gateway, RemoteGateway, Varz};
use gannet_monitor::{Response, normalize_base};
use gannet_rt::process;
use gannet_units::Moment;

use super::cluster::{Standing, standing};
use super::{Monitor, routez, subs};
use crate::info::{COMPATIBLE_VERSION, git_commit};
use crate::ocsp;
use crate::shared::Shared;

/// How long TLS would take at most: the reference server's default, shown even without TLS.
const TLS_TIMEOUT: Duration = Duration::from_secs(2);
/// A processor figure is an average over at least this long.
const CPU_WINDOW: Duration = Duration::from_secs(1);

/// The answer.
pub(super) fn respond(monitor: &Monitor) -> Response {
    let shared = &monitor.shared;
    let cpu = monitor.cpu.lock().percent(shared);
    let counts = monitor.counts.lock().clone();
    let mut page = configured(shared);
    clustered(shared, &mut page);
    page.http_req_stats = counts;
    page.cpu = cpu;
    measure(shared, &mut page);
    varz::respond(&page)
}

/// What the configuration and the start decided.
fn configured(shared: &Shared) -> Varz {
    let options = shared.options();
    let (limits, monitoring) = (&options.limits, &options.monitoring);
    let (host, port) = shared.advertised_client_address();
    let bound = shared.monitor_addr.get().map_or(0, |addr| addr.port());
    let is_secure = monitoring.https_port.is_some();
    Varz {
        server_id: shared.id.clone(),
        server_name: shared.name.clone(),
        version: COMPATIBLE_VERSION.to_owned(),
        proto: 1,
        host,
        port,
        auth_required: shared.auth().required(),
        max_connections: i64::from(limits.max_connections),
        max_subscriptions: i64::from(limits.max_subscriptions.unwrap_or(0)),
        ping_interval: limits.ping_interval,
        ping_max: limits.ping_max,
        http_host: monitoring
            .host
            .clone()
            .unwrap_or_else(|| options.host.clone()),
        http_port: if is_secure { 0 } else { bound },
        https_port: if is_secure { bound } else { 0 },
        http_base_path: normalize_base(&monitoring.base_path),
        auth_timeout: options.auth_timeout(),
        max_control_line: limits.max_control_line.as_usize() as u64,
        git_commit: git_commit().unwrap_or_default().into(),
        max_payload: shared.max_payload() as u64,
        max_pending: limits.max_pending.as_usize() as u64,
        gateway: options
            .gateway
            .as_ref()
            .map(|options| gateway(shared, options))
            .unwrap_or_default(),
        tls_required: options.tls.is_some() && !options.allow_non_tls,
        tls_verify: options.tls.as_ref().is_some_and(|tls| tls.verify),
        tls_ocsp_peer_verify: options
            .tls
            .as_ref()
            .is_some_and(|tls| tls.ocsp_peer.is_some() && !options.allow_non_tls),
        tls_timeout: options
            .tls
            .as_ref()
            .map_or(TLS_TIMEOUT, TlsOptions::timeout),
        tls_cert_not_after: shared.tls().clients().and_then(|tls| tls.not_after()),
        write_deadline: limits.write_deadline,
        write_timeout: write_timeout(limits.write_timeout),
        start: shared.started,
        cores: process::cores(&shared.rt),
        gomaxprocs: process::cores(&shared.rt),
        config_load_time: *shared.configured.lock(),
        config_digest: options.digest.clone().unwrap_or_default(),
        tags: options.server_tags.clone(),
        metadata: options.server_metadata.clone(),
        feature_flags: feature_flags(shared),
        system_account: options.system_account().unwrap_or_default().to_owned(),
        ..Varz::default()
    }
}

/// The part about the cluster, and what it does to other parts.
fn clustered(shared: &Shared, page: &mut Varz) {
    let options = shared.options();
    let options = &options.cluster;
    let Standing {
        name,
        port,
        connect_urls,
    } = standing(shared);
    page.connect_urls = connect_urls;
    page.cluster.name = name;
    if options.port.is_none() {
        return;
    }
    let tls = options.tls.as_ref();
    let write_deadline = options.write_deadline.unwrap_or_default();
    let write_timeout = write_timeout(options.write_timeout);
    page.cluster = Cluster {
        host: options.host.clone(),
        port,
        auth_timeout: options.auth.timeout,
        urls: options.routes.iter().map(address).collect(),
        tls_timeout: tls.map_or(TLS_TIMEOUT, TlsOptions::timeout),
        tls_required: tls.is_some(),
        tls_verify: tls.is_some(),
        pool_size: options.pool_size.map_or(-1, i64::from),
        write_deadline,
        write_timeout: write_timeout.clone(),
        tls_cert_not_after: shared.tls().routes().and_then(|tls| tls.not_after()),
        ..std::mem::take(&mut page.cluster)
    };
    (page.gateway.write_deadline, page.leaf.write_deadline) = (write_deadline, write_deadline);
    (page.gateway.write_timeout, page.leaf.write_timeout) = (write_timeout.clone(), write_timeout);
}

fn gateway(shared: &Shared, options: &GatewayOptions) -> Gateway {
    let mesh = shared.mesh.get();
    // Of its own cluster a server learns nothing.
    let remote = |remote: &gannet_config::RemoteGateway| RemoteGateway {
        name: remote.name.clone(),
        tls_timeout: remote
            .tls
            .as_ref()
            .and_then(|tls| tls.timeout)
            .unwrap_or_default(),
        urls: mesh
            .and_then(|mesh| mesh.addresses(&remote.name))
            .unwrap_or_else(|| remote.urls.iter().map(address).collect()),
    };
    let tls = options.tls.as_ref();
    Gateway {
        name: options.name.clone(),
        host: options.host.clone(),
        port: mesh.map_or(0, |mesh| mesh.bound.port()),
        auth_timeout: options.auth.timeout,
        tls_timeout: tls.map_or(TLS_TIMEOUT, TlsOptions::timeout),
        tls_required: tls.is_some(),
        tls_verify: tls.is_some(),
        advertise: options.advertise.clone().unwrap_or_default(),
        connect_retries: i64::from(options.connect_retries),
        gateways: options.remotes.iter().map(remote).collect(),
        reject_unknown: options.reject_unknown,
        tls_cert_not_after: shared.tls().gateway().and_then(|tls| tls.not_after()),
        ..Gateway::default()
    }
}

fn address(url: &ServerUrl) -> String {
    let ServerUrl { host, port, .. } = url;
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn write_timeout(policy: WriteTimeout) -> String {
    match policy {
        WriteTimeout::Default => "",
        WriteTimeout::Close => "close",
        WriteTimeout::Retry => "retry",
    }
    .to_owned()
}

fn feature_flags(shared: &Shared) -> std::collections::BTreeMap<String, bool> {
    let options = shared.options();
    let mut flags = varz::feature_flags();
    for (name, on) in &mut flags {
        *on = options.feature_flags.get(name).copied().unwrap_or(*on);
    }
    flags
}

/// What changes while the server runs.
fn measure(shared: &Shared, page: &mut Varz) {
    let (now, trouble) = (shared.rt.wall(), &shared.trouble);
    page.now = now;
    page.uptime = shared.rt.now().since(shared.started_at);
    page.mem = process::rss_bytes(&shared.rt);
    (page.routes, page.remotes) = routez::count(shared);
    page.connections = shared.clients.len();
    page.total_connections = shared.clients.total();
    page.traffic = traffic(&shared.broker.traffic, &shared.broker.client_traffic);
    page.subscriptions = subs::total(shared);
    let by_kind = |clients, routes, gateways| {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let kinds = ByKind {
            clients: read(clients),
            routes: read(routes),
            gateways: read(gateways),
            ..ByKind::default()
        };
        (kinds, kinds.clients + kinds.routes + kinds.gateways)
    };
    (page.slow_consumer_stats, page.slow_consumers) = by_kind(
        &trouble.slow_clients,
        &trouble.routes.slow,
        &trouble.gateways.slow,
    );
    (page.stale_connection_stats, page.stale_connections) = by_kind(
        &trouble.stale_clients,
        &trouble.routes.stale,
        &trouble.gateways.stale,
    );
    page.ocsp_peer_cache = ocsp_peer_cache(shared);
    page.stalled_clients = trouble.stalled_clients.load(Ordering::Relaxed);
}

fn ocsp_peer_cache(shared: &Shared) -> Option<varz::OcspPeerCache> {
    let cache = shared
        .ocsp_cache
        .load_full()
        .filter(|cache| cache.is_on())?;
    let ocsp::Counts {
        hits,
        misses,
        size,
        revoked,
        good,
        unknown,
    } = cache.counts();
    Some(varz::OcspPeerCache {
        cache_type: "local",
        cache_hits: hits,
        cache_misses: misses,
        cached_responses: size,
        cached_revoked_responses: revoked,
        cached_good_responses: good,
        cached_unknown_responses: unknown,
    })
}

fn traffic(all: &Traffic, clients: &Traffic) -> varz::Traffic {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    varz::Traffic {
        in_msgs: read(&all.in_msgs),
        in_bytes: read(&all.in_bytes),
        in_client_msgs: read(&clients.in_msgs),
        in_client_bytes: read(&clients.in_bytes),
        out_msgs: read(&all.out_msgs),
        out_bytes: read(&all.out_bytes),
        out_client_msgs: read(&clients.out_msgs),
        out_client_bytes: read(&clients.out_bytes),
    }
}

/// Works out processor use between requests; nothing runs in between.
#[derive(Debug)]
pub(super) struct CpuMeter {
    since: Moment,
    used: Duration,
    percent: f64,
}

impl CpuMeter {
    pub(super) fn new(shared: &Shared) -> CpuMeter {
        CpuMeter {
            since: shared.rt.now(),
            used: process::cpu_time(&shared.rt),
            percent: 0.0,
        }
    }

    /// Percent of one processor since the last time that was long enough ago, to one decimal.
    fn percent(&mut self, shared: &Shared) -> f64 {
        self.percent_at(shared.rt.now(), process::cpu_time(&shared.rt))
    }

    fn percent_at(&mut self, now: Moment, used: Duration) -> f64 {
        let passed = now.since(self.since);
        if passed >= CPU_WINDOW {
            let share = used.saturating_sub(self.used).as_secs_f64() / passed.as_secs_f64();
            *self = CpuMeter {
                since: now,
                used,
                percent: (share * 1000.0).round() / 10.0,
            };
        }
        self.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_use_is_an_average_over_at_least_a_second() {
        let mut meter = CpuMeter {
            since: Moment::START,
            used: Duration::ZERO,
            percent: 0.0,
        };
        let at = |millis: u64| Moment::START + Duration::from_millis(millis);
        assert_eq!(meter.percent_at(at(999), Duration::from_millis(500)), 0.0);
        assert_eq!(
            meter.percent_at(at(2000), Duration::from_millis(2500)),
            125.0
        );
        assert_eq!(
            meter.percent_at(at(2500), Duration::from_millis(2600)),
            125.0
        );
        assert_eq!(meter.percent_at(at(5000), Duration::from_millis(2533)), 1.1);
    }
}
