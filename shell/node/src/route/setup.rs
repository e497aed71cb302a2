//! What routes need before the first connection: the listener, the name of the cluster, the INFO.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_config::{ClusterOptions, Options, SubjectPermission as Permission};
use gannet_rt::Listener;
use gannet_session::route::{ClusterName, Settings};
use gannet_session::topology::ServerNames;
use gannet_session::topology::routes::{self, Routes};
use gannet_wire::server_info::{ServerInfo, SubjectPermission};

use super::filter::Filter;
use super::mesh::Mesh;
use crate::addresses::joined;
use crate::info::{COMPATIBLE_VERSION, VERSION};
use crate::log::log;
use crate::server::{StartError, open_listener, shown};
use crate::shared::Shared;

/// How long a dial may take; as the reference server has it.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Said once at the start, if it applies.
pub(crate) const INSECURE: &str = "TLS certificate chain and hostname of solicited routes will not be verified. \
    DO NOT USE IN PRODUCTION!";
/// Level of the protocol between servers.
const SERVER_PROTOCOL: i64 = 3;

/// Opens the listener for routes, if there are any. Nobody is let in yet.
pub(crate) async fn bind(shared: &Shared) -> Result<Option<Listener>, StartError> {
    let options = shared.options();
    let options = &options.cluster;
    let Some(port) = options.port else {
        return Ok(None);
    };
    let listener = open_listener(shared, &options.host, port.to_bind(), "router").await?;
    Ok(Some(listener))
}

/// Makes the mesh, once it is known where clients connect. Nothing is dialled yet.
pub(crate) fn set_up(shared: &Arc<Shared>, listener: &Listener) -> Result<(), StartError> {
    let all = shared.options();
    let options = &all.cluster;
    let bound = listener
        .local_addr()
        .map_err(|e| StartError::Listen(e.to_string()))?;
    let cluster = ClusterName {
        name: shared.face.cluster(),
        is_dynamic: all.cluster_name().is_none(),
    };
    log!(shared.log, Routes, Info, "Cluster name is {}", cluster.name);
    if cluster.is_dynamic {
        log!(
            shared.log,
            Routes,
            Warn,
            "Cluster name was dynamically generated, consider setting one"
        );
    }
    log!(
        shared.log,
        Routes,
        Info,
        "Listening for route connections on {}",
        shown(&options.host, bound)
    );
    let settings = settings(shared, &all, bound)?;
    if shared.tls().routes().is_some_and(|tls| tls.is_insecure()) {
        log!(shared.log, Routes, Warn, "{INSECURE}");
    }
    let topology = topology(shared, &all, &settings, cluster);
    let routes = Routes::new(
        topology,
        &options.routes,
        shared.rt.now(),
        shared.rt.random_u64(),
    );
    let filter = filter(options);
    let mut names = ServerNames::default();
    for url in &options.routes {
        names.learn(&url.host);
    }
    let mesh = Mesh::new(settings, filter, (routes, names), bound);
    // Set once, here: it is set up once per server.
    let _: Result<(), Arc<Mesh>> = shared.routes.set(Arc::new(mesh));
    Ok(())
}

/// What connections are told of their own server. (Its address must mean something: that is looked at when
/// the server starts, and before options change.)
pub(super) fn settings(
    shared: &Shared,
    options: &Options,
    bound: SocketAddr,
) -> Result<Settings, StartError> {
    let (cluster, limits) = (&options.cluster, &options.limits);
    Ok(Settings {
        info: own_info(shared, cluster, bound)?,
        auth: cluster.auth.clone(),
        compression: cluster.compression(),
        pooling: pool_size(cluster).is_some(),
        has_gateways: options.gateway.is_some(),
        ping_interval: cluster.ping_interval(limits),
        ping_max: cluster.ping_max.unwrap_or(limits.ping_max),
    })
}

/// What the reconciler is told of its own server.
pub(super) fn topology(
    shared: &Shared,
    options: &Options,
    settings: &Settings,
    cluster: ClusterName,
) -> routes::Settings {
    let tls = shared.tls();
    let tls = tls.routes();
    let limit = settings.attempt_limit() + tls.map_or(Duration::ZERO, |tls| tls.timeout);
    routes::Settings::new(options, &options.cluster, &shared.id, cluster, limit)
}

/// Which interest crosses routes; all if there is none.
pub(super) fn filter(options: &ClusterOptions) -> Option<Arc<Filter>> {
    options.permissions.clone().map(|p| Arc::new(Filter(p)))
}

fn pool_size(options: &ClusterOptions) -> Option<u32> {
    options.pool_size.filter(|size| *size > 0)
}

/// What the INFOs of all connections have in common.
fn own_info(
    shared: &Shared,
    options: &ClusterOptions,
    bound: SocketAddr,
) -> Result<ServerInfo, StartError> {
    let (host, port, ip) = match &options.advertise {
        None => (options.host.clone(), bound.port(), String::new()),
        Some(text) => {
            let told = gannet_config::advertised(text, bound.port());
            let (host, port) = told.map_err(StartError::Options)?;
            let ip = format!("nats-route://{}/", joined(&host, port));
            (host, port, ip)
        }
    };
    let permissions = options.permissions.clone().unwrap_or_default();
    let gateway = shared.mesh.get().map(|mesh| &mesh.advertised);
    Ok(ServerInfo {
        server_id: shared.id.clone(),
        server_name: shared.name.clone(),
        version: COMPATIBLE_VERSION.into(),
        proto: SERVER_PROTOCOL,
        host,
        port: i64::from(port),
        headers: !shared.now().limits.no_headers,
        auth_required: options.auth.user.is_some(),
        tls_required: options.tls.is_some(),
        tls_verify: options.tls.is_some(),
        max_payload: i64::try_from(shared.max_payload()).unwrap_or(i64::MAX),
        ip,
        connect_urls: if options.no_advertise {
            Vec::new()
        } else {
            shared.own_connect_urls()
        },
        import: permissions.import.as_ref().map(told),
        export: permissions.export.as_ref().map(told),
        lnoc: true,
        lnocu: true,
        ln: true,
        route_pool_size: pool_size(options).map_or(0, i64::from),
        gateway_url: gateway.map_or(String::new(), |(host, port)| joined(host, *port)),
        gannet: VERSION.into(),
        ..ServerInfo::default()
    })
}

fn told(permission: &Permission) -> SubjectPermission {
    SubjectPermission {
        allow: permission.allow.clone().unwrap_or_default(),
        deny: permission.deny.clone(),
    }
}
