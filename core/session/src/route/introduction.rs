//! The lines in which this server says who it is.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use gannet_wire::gateway::encode;
use gannet_wire::server_info::{GossipMode, ServerConnect, ServerInfo};

use super::link::Common;
use super::settings::Context;
use super::standing::Errand;

/// Characters of a nonce.
const NONCE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Length of a nonce.
const NONCE_LEN: usize = 15;

/// What one INFO of a handshake says besides what all say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Introduction<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) compression: &'a str,
    pub(super) index: u32,
    pub(super) gossip: GossipMode,
}

/// `INFO {..} ` and a line end: a blank before it tells INFOs of a server itself from gossip.
pub fn info_line(info: &ServerInfo) -> Bytes {
    let json = info.to_json();
    let mut line = Vec::with_capacity(json.len() + 8);
    line.extend_from_slice(b"INFO ");
    line.extend_from_slice(json.as_bytes());
    line.extend_from_slice(b" \r\n");
    line.into()
}

/// Our INFO on this connection.
pub(super) fn info(common: &mut Common, cx: &Context<'_>, says: Introduction<'_>) -> Bytes {
    let cluster = common.cluster(cx).clone();
    let chance = &mut common.chance;
    let nonce: String = (0..NONCE_LEN)
        .map(|_| NONCE[chance.below(64) as usize % 64] as char)
        .collect();
    info_line(&ServerInfo {
        nonce,
        compression: says.compression.to_string(),
        route_pool_idx: i64::from(says.index),
        route_account: says.account.unwrap_or_default().to_string(),
        gossip_mode: says.gossip.number(),
        ..cx.settings.update(&cluster)
    })
}

/// Our CONNECT, as the user of the URL that was dialled.
pub(super) fn connect(errand: &Errand, cx: &Context<'_>) -> Vec<u8> {
    let cluster = cx.neighbours.cluster();
    let info = &cx.settings.info;
    let password = errand.url.password.as_ref();
    let connect = ServerConnect {
        echo: true,
        user: errand.url.user.clone().unwrap_or_default(),
        pass: password.map_or(String::new(), |p| p.expose().to_string()),
        tls_required: info.tls_required,
        headers: info.headers,
        name: info.server_id.clone(),
        cluster: cluster.name.clone(),
        cluster_dynamic: cluster.is_dynamic,
        lnoc: info.lnoc,
        ln: info.ln,
        ..ServerConnect::default()
    };
    let mut line = Vec::with_capacity(256);
    encode::connect(&mut line, &connect);
    line
}
