//! The dialler's side up to its registration: it waits for INFO, then says everything at once.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::{GatewayUrl, Secret, quoted};
use gannet_units::Moment;
use gannet_wire::gateway::{GatewayOp, encode};
use gannet_wire::server_info::{ServerConnect, ServerInfo};

use super::link::{Common, Ended, Next, State, bad_json, check_server_name, everyday, violation};
use super::output::{Direction, Level, Output, RemoteServer, Say};
use super::registered::Outbound;
use super::settings::{Context, Settings};
use crate::CloseReason;

/// We dialled; the acceptor's INFO is to come.
#[derive(Debug)]
pub(super) struct AwaitInfo {
    /// Name of the cluster that should be there.
    gateway: String,
    user: String,
    password: Secret,
    /// The connection is encrypted.
    tls: bool,
    /// A listener that says nothing by then is given up: it could not take a PING before our CONNECT.
    pub(super) deadline: Moment,
}

impl AwaitInfo {
    pub(super) fn new(
        gateway: &str,
        url: &GatewayUrl,
        now: Moment,
        settings: &Settings,
    ) -> AwaitInfo {
        let (user, password) = match &url.user {
            Some(user) => (user.clone(), url.password.clone().unwrap_or_default()),
            None => (
                settings.auth.user.clone().unwrap_or_default(),
                settings.auth.password.clone(),
            ),
        };
        let deadline = now + settings.silence_limit();
        AwaitInfo {
            gateway: gateway.to_string(),
            user,
            password,
            tls: false,
            deadline,
        }
    }

    /// The connection is encrypted now, and the wait for INFO begins.
    pub(super) fn secured(self, cx: &Context<'_>) -> AwaitInfo {
        AwaitInfo {
            tls: true,
            deadline: cx.now + cx.settings.silence_limit(),
            ..self
        }
    }

    pub(super) fn handle(
        self,
        op: &GatewayOp<'_>,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, out) {
            return done.map(|()| State::AwaitInfo(self));
        }
        match op {
            GatewayOp::Info(json) => {
                let info = ServerInfo::parse(json).map_err(|e| bad_json(&e, out))?;
                self.first_info(info, cx, common, out)
            }
            GatewayOp::Message(_) => Err(violation(op, Direction::Outbound, out)),
            // Interest from somebody who has not said who it is means nothing.
            _ => Ok(State::AwaitInfo(self)),
        }
    }

    fn first_info(
        self,
        info: ServerInfo,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        common.remote_name.clone_from(&info.server_name);
        check_gateway(&self.gateway, &info, cx, out)?;
        check_server_name(&info.server_name, cx, out)?;
        if cx.neighbours.has_outbound(&self.gateway) {
            // Another attempt was faster.
            return Err(Ended(CloseReason::WrongGateway));
        }
        let name = quoted(&self.gateway);
        self.introduce(cx.settings, out);
        out.log(
            Level::Debug,
            format!("Gateway connect protocol sent to {name}"),
        );
        let id = &info.server_id;
        out.log(
            Level::Info,
            format!("Outbound gateway connection to {name} ({id}) registered"),
        );
        let remote = remote_server(Direction::Outbound, info, cx.settings);
        out.push(Output::Registered(remote.clone()));
        let keepalive = cx.settings.keepalive(cx.now, common.seed);
        Ok(State::Outbound(Outbound { remote, keepalive }))
    }

    /// CONNECT and INFO in one go.
    fn introduce(self, settings: &Settings, out: &mut Vec<Output>) {
        let connect = ServerConnect {
            user: self.user,
            pass: self.password.expose().to_string(),
            tls_required: self.tls,
            name: settings.server_id.clone(),
            gateway: settings.gateway.clone(),
            ..ServerConnect::default()
        };
        let mut lines = Vec::with_capacity(256 + settings.info.len());
        encode::connect(&mut lines, &connect);
        lines.extend_from_slice(&settings.info);
        out.push(Output::Send(lines.into()));
    }
}

/// Checks that the INFO is one of a server of cluster `wanted`.
pub(super) fn check_gateway(
    wanted: &str,
    info: &ServerInfo,
    cx: &Context<'_>,
    out: &mut Vec<Output>,
) -> Result<(), Ended> {
    if info.gateway == wanted {
        return Ok(());
    }
    let wanted = quoted(wanted);
    if info.gateway.is_empty() {
        let text = format!("Attempt to connect to gateway {wanted} using wrong port");
        out.complain(text);
        return Err(Ended(CloseReason::WrongPort));
    }
    let (found, own) = (quoted(&info.gateway), quoted(&cx.settings.gateway));
    out.log(
        Level::Error,
        format!("Failing connection to gateway {wanted}, remote gateway name is {found}"),
    );
    out.send_err(&format!(
        "Connection from {own} rejected, wanted to connect to {wanted}, this is {found}"
    ));
    Err(Ended(CloseReason::WrongGateway))
}

/// The peer as its INFO describes it.
pub(super) fn remote_server(
    direction: Direction,
    info: ServerInfo,
    settings: &Settings,
) -> RemoteServer {
    RemoteServer {
        direction,
        gateway: info.gateway,
        server_id: info.server_id,
        server_name: info.server_name,
        version: info.version,
        gannet: info.gannet,
        proto: info.proto,
        headers: settings.headers && info.headers,
        interest_only: info.gateway_iom,
        new_replies: info.gateway_nrp,
        url: info.gateway_url,
        urls: info.gateway_urls,
    }
}
