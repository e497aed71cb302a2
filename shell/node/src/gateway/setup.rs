//! What gateways need before the first link: the listener, the address to tell others, the INFO.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gannet_config::GatewayOptions;
use gannet_rt::Listener;
use gannet_session::gateway::Settings;
use gannet_session::topology::gateways::{self, Gateways};
use gannet_wire::server_info::ServerInfo;

use super::mesh::{Mesh, info_line};
use crate::addresses::{joined, reachable_ips};
use crate::info::{COMPATIBLE_VERSION, VERSION};
use crate::log::log;
use crate::server::{StartError, open_listener, shown};
use crate::shared::Shared;

/// How long a dial may take; as the reference server has it.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Said once at the start, if it applies.
const INSECURE: &str = "TLS certificate chain and hostname of solicited gateways will not be verified. \
    DO NOT USE IN PRODUCTION!";
/// Level of the protocol between servers.
const SERVER_PROTOCOL: i64 = 3;

/// Opens the gateway listener and makes the mesh, if gateways are configured. Nothing is dialled yet.
pub(crate) async fn listen(shared: &Arc<Shared>) -> Result<Option<Listener>, StartError> {
    let all = shared.options();
    let Some(options) = &all.gateway else {
        return Ok(None);
    };
    let port = options.port.map_or(0, |port| port.to_bind());
    let listener = open_listener(shared, &options.host, port, "gateway").await?;
    let bound = listener
        .local_addr()
        .map_err(|e| StartError::Listen(e.to_string()))?;
    log!(
        shared.log,
        Gateways,
        Info,
        "Gateway name is {}",
        options.name
    );
    log!(
        shared.log,
        Gateways,
        Info,
        "Listening for gateways connections on {}",
        shown(&options.host, bound)
    );
    let (host, port) = advertised(shared, options, bound)?;
    if shared.tls().trusts_any_gateway() {
        log!(shared.log, Gateways, Warn, "{INSECURE}");
    }
    let info = own_info(shared, options, &host, port);
    let settings = settings(shared, options, info_line(&info));
    let gateways = Gateways::new(
        topology(shared, options, &settings),
        &options.remotes,
        shared.rt.now(),
        shared.rt.random_u64(),
    );
    let mesh = Mesh::new(
        settings,
        info,
        gateways,
        bound,
        (host, port),
        shared.name.clone(),
    );
    // Set once, here: `listen` is called once per server.
    let _: Result<(), Arc<Mesh>> = shared.mesh.set(Arc::new(mesh));
    Ok(Some(listener))
}

/// What links are told of their own server.
pub(super) fn settings(shared: &Shared, block: &GatewayOptions, info: Bytes) -> Settings {
    let options = shared.now();
    let limits = &options.limits;
    Settings {
        gateway: block.name.clone(),
        server_id: shared.id.clone(),
        auth: block.auth.clone(),
        tls: block.tls.is_some(),
        reject_unknown: block.reject_unknown,
        headers: !limits.no_headers,
        ping_interval: limits.ping_interval,
        ping_max: limits.ping_max,
        info,
    }
}

/// What the reconciler is told of its own server.
pub(super) fn topology(
    shared: &Shared,
    block: &GatewayOptions,
    settings: &Settings,
) -> gateways::Settings {
    let handshake = shared.tls().longest_gateway_handshake();
    let attempt_limit =
        DIAL_TIMEOUT + handshake + settings.silence_limit() + Duration::from_secs(1);
    gateways::Settings::new(&shared.now(), block, &shared.name, attempt_limit)
}

/// Host and port that other clusters are told.
fn advertised(
    shared: &Shared,
    options: &GatewayOptions,
    bound: SocketAddr,
) -> Result<(String, u16), StartError> {
    let name = gannet_config::quoted(&options.name);
    if let Some(text) = &options.advertise {
        let address = gannet_config::advertised(text, bound.port()).map_err(StartError::Options)?;
        log!(
            shared.log,
            Gateways,
            Info,
            "Advertise address for gateway {name} is set to {}:{}",
            address.0,
            address.1
        );
        return Ok(address);
    }
    let host = if bound.ip().is_unspecified() {
        reachable_ip(shared, options)
    } else {
        options.host.clone()
    };
    log!(
        shared.log,
        Gateways,
        Info,
        "Address for gateway {name} is {host}:{}",
        bound.port()
    );
    Ok((host, bound.port()))
}

/// The first address of this machine that others can reach, where the listener is on all of them.
fn reachable_ip(shared: &Shared, options: &GatewayOptions) -> String {
    match reachable_ips(shared).first() {
        Some(ip) => ip.to_string(),
        None => {
            let host = &options.host;
            log!(
                shared.log,
                Gateways,
                Error,
                "Could not find any non-local IP for gateway {} with listen specification {}",
                gannet_config::quoted(&options.name),
                gannet_config::quoted(host)
            );
            host.clone()
        }
    }
}

fn own_info(shared: &Shared, options: &GatewayOptions, host: &str, port: u16) -> ServerInfo {
    let url = joined(host, port);
    ServerInfo {
        server_id: shared.id.clone(),
        server_name: shared.name.clone(),
        version: COMPATIBLE_VERSION.into(),
        proto: SERVER_PROTOCOL,
        host: host.into(),
        port: i64::from(port),
        headers: !shared.now().limits.no_headers,
        auth_required: options.auth.user.is_some(),
        tls_required: options.tls.is_some(),
        tls_verify: options.tls.is_some(),
        max_payload: i64::try_from(shared.max_payload()).unwrap_or(i64::MAX),
        gateway: options.name.clone(),
        gateway_urls: vec![url.clone()],
        gateway_url: url,
        gateway_nrp: true,
        gateway_iom: true,
        gannet: VERSION.into(),
        ..ServerInfo::default()
    }
}
