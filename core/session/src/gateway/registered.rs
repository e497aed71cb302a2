//! Registered links: what is not traffic.

use alloc::format;
use alloc::vec::Vec;

use gannet_config::quoted;
use gannet_wire::gateway::GatewayOp;
use gannet_wire::server_info::{GatewayCommand, ServerInfo};

use super::dialler::check_gateway;
use super::link::{Ended, Next, State, bad_json, check_server_name, everyday, pong, violation};
use super::output::{Direction, Level, Output, RemoteServer, Say};
use super::settings::Context;
use crate::CloseReason;
use crate::keepalive::KeepAlive;

/// We dialled: our messages leave, the peer's interest comes.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) remote: RemoteServer,
    pub(super) keepalive: KeepAlive,
}

impl Outbound {
    pub(super) fn handle(
        mut self,
        op: &GatewayOp<'_>,
        cx: &Context<'_>,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, out) {
            return done.map(|()| State::Outbound(self));
        }
        match op {
            GatewayOp::Info(json) => {
                let info = ServerInfo::parse(json).map_err(|e| bad_json(&e, out))?;
                self.info(info, cx, out)?;
            }
            GatewayOp::Pong => pong(&mut self.keepalive, cx.now, out),
            GatewayOp::Message(_) => return Err(violation(op, Direction::Outbound, out)),
            // The acceptor has nobody to introduce itself to; the reference ignores it, too.
            _ => {}
        }
        Ok(State::Outbound(self))
    }

    /// Any INFO after the first.
    fn info(
        &mut self,
        info: ServerInfo,
        cx: &Context<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Ended> {
        let command = info.command();
        let about_other = !info.gateway.is_empty() && info.gateway != self.remote.gateway;
        if about_other && command == Some(GatewayCommand::Gossip) {
            if !cx.settings.reject_unknown || cx.neighbours.knows(&info.gateway) {
                out.push(Output::Gossip {
                    gateway: info.gateway,
                    urls: info.gateway_urls,
                });
            }
            return Ok(());
        }
        check_gateway(&self.remote.gateway, &info, cx, out)?;
        check_server_name(&info.server_name, cx, out)?;
        if !info.gateway_urls.is_empty() {
            self.remote.urls.clone_from(&info.gateway_urls);
            out.push(Output::PeerUrls(info.gateway_urls));
        }
        match command {
            None => Ok(()),
            Some(GatewayCommand::AllSubsStart) => {
                switch(info.gateway_cmd_payload, &info.gateway, false, out)
            }
            Some(GatewayCommand::AllSubsComplete) => {
                switch(info.gateway_cmd_payload, &info.gateway, true, out)
            }
            Some(GatewayCommand::Gossip | GatewayCommand::Unknown(_)) => {
                let (number, name) = (info.gateway_cmd, quoted(&info.gateway));
                out.log(
                    Level::Warn,
                    format!("Received unknown command {number} from gateway {name}"),
                );
                Ok(())
            }
        }
    }
}

/// The command that begins, or ends, an account's switch to interest-only.
fn switch(
    account: Option<Vec<u8>>,
    gateway: &str,
    complete: bool,
    out: &mut Vec<Output>,
) -> Result<(), Ended> {
    let Some(account) = account else {
        let which = if complete { "complete" } else { "start" };
        let text = format!("Account absent from receive-all-subscriptions-{which} command");
        out.complain(text);
        return Err(Ended(CloseReason::ProtocolViolation));
    };
    if account.is_empty() {
        return Ok(());
    }
    let (peer, name) = (
        quoted(gateway),
        quoted(&alloc::string::String::from_utf8_lossy(&account)),
    );
    let end = if complete { " complete" } else { "" };
    let text = format!("Gateway {peer}: switching account {name} to Interest-Only mode{end}");
    out.log(Level::Debug, text);
    out.push(if complete {
        Output::InterestComplete { account }
    } else {
        Output::InterestBegins { account }
    });
    Ok(())
}

/// The peer dialled: its messages come, our interest leaves.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) remote: RemoteServer,
    pub(super) keepalive: KeepAlive,
}

impl Inbound {
    pub(super) fn handle(
        mut self,
        op: &GatewayOp<'_>,
        cx: &Context<'_>,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, out) {
            return done.map(|()| State::Inbound(self));
        }
        match op {
            GatewayOp::Pong => pong(&mut self.keepalive, cx.now, out),
            // The dialler says who it is once; what it says later changes nothing.
            GatewayOp::Info(_) | GatewayOp::Connect(_) => {}
            _ => return Err(violation(op, Direction::Inbound, out)),
        }
        Ok(State::Inbound(self))
    }
}
