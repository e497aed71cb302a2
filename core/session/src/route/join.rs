//! From the peer's first INFO to the registration, for both sides: is it the right one, how do we
//! compress, and is there a place for the connection?

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use gannet_config::quoted;
use gannet_units::Moment;
use gannet_wire::gateway::encode;
use gannet_wire::route::RouteOp;
use gannet_wire::server_info::ServerInfo;

use super::Level;
use super::compression::{InUse, choose, chosen};
use super::dialler::introduce_at;
use super::introduction::{Introduction, info as own_info};
use super::link::{Common, Ended, Next, State, bad_json, everyday};
use super::output::{News, Output, RemoteServer, Say};
use super::registered::Registered;
use super::settings::Context;
use super::standing::{Admission, Claim, ClusterName, Ending, Place, Refusal};
use crate::CloseReason;

/// The peer's first INFO is to come.
#[derive(Clone, Debug)]
pub(super) struct AwaitInfo {
    pub(super) deadline: Moment,
}

impl AwaitInfo {
    pub(super) fn new(cx: &Context<'_>) -> AwaitInfo {
        AwaitInfo {
            deadline: cx.now + cx.settings.handshake_limit(),
        }
    }

    pub(super) fn handle(
        self,
        op: &RouteOp<'_>,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, common, out) {
            return done.map(|()| State::AwaitInfo(self));
        }
        // Interest from somebody who has not said who it is means nothing.
        let RouteOp::Info(json) = op else {
            return Ok(State::AwaitInfo(self));
        };
        let info = ServerInfo::parse(json).map_err(|e| bad_json(&e, out))?;
        recognise(&info, cx, common, out)?;
        let distance = cx.now.since(common.started);
        common.compression = choose(&cx.settings.compression, &info.compression, distance)
            .map_err(|text| {
                out.complain(text);
                common.refused(CloseReason::ProtocolViolation)
            })?;
        if let InUse::On(mode) = common.compression {
            let account = common.errand.as_ref().and_then(|e| e.account.clone());
            let says = Introduction {
                account: account.as_deref(),
                compression: chosen(&cx.settings.compression, common.compression),
                ..Introduction::default()
            };
            let line = Output::Send(own_info(common, cx, says));
            let switch = [Output::WriteCompressed(mode), Output::ReadCompressed];
            if common.is_dialled() {
                out.push(line);
                out.extend(switch);
            } else {
                out.extend(switch);
                out.push(line);
            }
            let deadline = cx.now + cx.settings.handshake_limit();
            return Ok(State::AwaitCompressed(AwaitCompressed { deadline }));
        }
        join(info, cx, common, out)
    }
}

/// Compression was agreed on; the peer's INFO is to come once more.
#[derive(Clone, Debug)]
pub(super) struct AwaitCompressed {
    pub(super) deadline: Moment,
}

impl AwaitCompressed {
    pub(super) fn handle(
        self,
        op: &RouteOp<'_>,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, common, out) {
            return done.map(|()| State::AwaitCompressed(self));
        }
        let RouteOp::Info(json) = op else {
            return Ok(State::AwaitCompressed(self));
        };
        let info = ServerInfo::parse(json).map_err(|e| bad_json(&e, out))?;
        recognise(&info, cx, common, out)?;
        join(info, cx, common, out)
    }
}

/// Takes over the name of the peer's cluster.
pub(super) fn rename(
    name: String,
    is_dynamic: bool,
    server_id: String,
    common: &mut Common,
    out: &mut Vec<Output>,
) {
    let cluster = ClusterName { name, is_dynamic };
    common.renamed = Some(cluster.clone());
    out.push(Output::News(News::Rename { cluster, server_id }));
}

/// Whether any INFO of a peer comes from a server that we can be linked to.
pub(super) fn check_cluster(
    info: &ServerInfo,
    cx: &Context<'_>,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> Result<(), Ended> {
    if info.server_id == cx.settings.info.server_id {
        common.ending = Ending::ToSelf;
        return Err(Ended(CloseReason::DuplicateLink));
    }
    let own = common.cluster(cx);
    if info.cluster.is_empty() || info.cluster == own.name {
        return Ok(());
    }
    if !own.yields_to(&info.cluster, info.cluster_dynamic) {
        return Err(common.refused(CloseReason::ClusterNameConflict));
    }
    let (name, id) = (info.cluster.clone(), info.server_id.clone());
    rename(name, info.cluster_dynamic, id, common, out);
    Ok(())
}

/// Whether the peer of a first INFO is another server of this cluster.
fn recognise(
    info: &ServerInfo,
    cx: &Context<'_>,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> Result<(), Ended> {
    if info.client_id != 0 {
        // Only clients are given a number.
        out.log(
            Level::Error,
            "attempted to connect to a port for clients".to_string(),
        );
        return Err(common.refused(CloseReason::WrongPort));
    }
    check_cluster(info, cx, common, out)?;
    common.remote_name.clone_from(&info.server_name);
    let (name, id) = (&info.server_name, &info.server_id);
    let has_own_name = *name == cx.settings.info.server_name && !name.is_empty();
    let text = || format!("Remote server has a duplicate name: {}", quoted(name));
    if has_own_name && !common.is_dialled() {
        out.log(Level::Error, text());
        return Err(common.refused(CloseReason::DuplicateServerName));
    }
    // The other one may be the same server before its restart, whose end was not noticed yet.
    if has_own_name || cx.neighbours.has_other_named(name, id) {
        out.log(Level::Warn, text());
    }
    Ok(())
}

/// Asks for the connection's place and takes it.
fn join(
    mut info: ServerInfo,
    cx: &Context<'_>,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> Next {
    complete(&mut info, common);
    let account = info.route_account.as_str();
    let account = (!account.is_empty()).then_some(account);
    if let Some(name) = account.filter(|name| !(cx.knows_account)(name)) {
        out.complain(format!(
            "Unable to lookup account {}: account missing",
            quoted(name)
        ));
        return Err(common.refused(CloseReason::MissingAccount));
    }
    let claim = Claim {
        id: common.id,
        is_dialled: common.is_dialled(),
        server_id: &info.server_id,
        is_gannet: !info.gannet.is_empty(),
        account,
        pool_size: info.route_pool_size,
        pool_index: info.route_pool_idx,
    };
    let admission = match cx.neighbours.admit(&claim) {
        Ok(admission) => admission,
        Err(refusal) => return Err(turn_away(&refusal, &info, common, out)),
    };
    Ok(register(info, admission, cx, common, out))
}

/// Fills in what the peer leaves to us to know.
fn complete(info: &mut ServerInfo, common: &Common) {
    info.nonce.clear();
    if info.ip.is_empty() {
        let port = info.port;
        info.ip = match common.peer {
            IpAddr::V4(ip) => format!("nats-route://{ip}:{port}/"),
            IpAddr::V6(ip) => format!("nats-route://[{ip}]:{port}/"),
        };
    }
    if let Some(errand) = &common.errand {
        info.route_account = errand.account.clone().unwrap_or_default();
    }
}

fn register(
    info: ServerInfo,
    admission: Admission,
    cx: &Context<'_>,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> State {
    let Admission {
        place,
        replaces,
        is_followed,
    } = admission;
    if common.is_dialled() {
        introduce_at(&place, common, cx, out);
    }
    let id = quoted(&info.server_id);
    let text = match &place {
        Place::Account(name) => {
            format!("Registering remote route {id} for account {}", quoted(name))
        }
        _ => format!("Registering remote route {id}"),
    };
    out.log(Level::Debug, text);
    let pool_size = match place {
        Place::Only => None,
        _ => u32::try_from(info.route_pool_size).ok(),
    };
    let remote = RemoteServer {
        headers: cx.settings.info.headers && info.headers,
        is_dialled: common.is_dialled(),
        info,
        place,
        pool_size,
        replaces,
    };
    out.push(Output::Registered(Box::new(remote.clone())));
    let asks = is_followed && common.is_dialled();
    if asks {
        out.send(encode::PING);
    }
    let chance = common.chance.below(u64::MAX);
    let keepalive = cx.settings.keepalive(cx.now, chance, asks);
    State::Registered(Box::new(Registered::new(remote, keepalive, asks)))
}

/// There is no place for the connection.
fn turn_away(
    refusal: &Refusal,
    info: &ServerInfo,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> Ended {
    let account = quoted(&info.route_account);
    let text = match refusal {
        Refusal::Duplicate => {
            let server_id = info.server_id.clone();
            out.log(
                Level::Debug,
                format!("Detected duplicate remote route {}", quoted(&server_id)),
            );
            common.ending = Ending::Duplicate { server_id };
            return Ended(CloseReason::DuplicateLink);
        }
        Refusal::NoPools => format!(
            "Not possible to have a dedicated route for account {account} between those servers"
        ),
        Refusal::NotDedicated => format!("No route for account {account}"),
        Refusal::IndexSet => format!(
            "Route pool index should not be set but is set to {}",
            info.route_pool_idx
        ),
        Refusal::NoSuchIndex => format!(
            "Invalid route pool index: {} - pool size is {}",
            info.route_pool_idx, info.route_pool_size
        ),
    };
    out.complain(text.to_string());
    common.refused(CloseReason::ProtocolViolation)
}
