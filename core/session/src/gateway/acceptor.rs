//! The acceptor's side up to its registration: who is there, and may it be?

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::{Secret, quoted};
use gannet_units::Moment;
use gannet_wire::gateway::GatewayOp;
use gannet_wire::server_info::{ServerConnect, ServerInfo};

use super::dialler::remote_server;
use super::link::{
    Common, Ended, Next, State, bad_json, check_server_name, everyday, pong, violation,
};
use super::output::{Direction, Level, Output, Say};
use super::registered::Inbound;
use super::settings::{Context, Settings};
use crate::CloseReason;
use crate::keepalive::KeepAlive;
use crate::link_auth::{Admission, Verdict};

/// The peer dialled; its CONNECT is to come, and nothing else.
#[derive(Debug)]
pub(super) struct AwaitConnect {
    pub(super) deadline: Moment,
    pub(super) admission: Admission,
}

impl AwaitConnect {
    pub(super) fn new(now: Moment, settings: &Settings) -> AwaitConnect {
        AwaitConnect {
            deadline: now + settings.auth.timeout,
            admission: Admission::ByPassword,
        }
    }

    pub(super) fn handle(
        self,
        op: &GatewayOp<'_>,
        cx: &Context<'_>,
        common: &Common,
        out: &mut Vec<Output>,
    ) -> Next {
        let GatewayOp::Connect(json) = op else {
            return Err(refuse(None, out));
        };
        let mut connect = ServerConnect::parse(json).map_err(|e| bad_json(&e, out))?;
        let password = Secret::new(core::mem::take(&mut connect.pass));
        let (verdict, line) = self
            .admission
            .judge(&cx.settings.auth, &connect.user, &password);
        if let Some(line) = line {
            out.log(Level::Debug, line);
        }
        match verdict {
            Verdict::Right => welcome(connect, cx, common, out),
            Verdict::Wrong => Err(refuse(Some(&connect.user), out)),
            Verdict::Hashed => {
                out.push(Output::CheckPassword {
                    hash: cx.settings.auth.password.clone(),
                    password,
                });
                Ok(State::AwaitPassword(AwaitPassword {
                    connect,
                    deadline: self.deadline,
                }))
            }
        }
    }
}

/// The peer's password is being compared.
#[derive(Debug)]
pub(super) struct AwaitPassword {
    connect: ServerConnect,
    pub(super) deadline: Moment,
}

impl AwaitPassword {
    pub(super) fn checked(
        self,
        is_right: bool,
        cx: &Context<'_>,
        common: &Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if is_right {
            welcome(self.connect, cx, common, out)
        } else {
            Err(refuse(Some(&self.connect.user), out))
        }
    }
}

/// The peer may connect; its INFO is to come.
#[derive(Debug)]
pub(super) struct AwaitPeerInfo {
    gateway: String,
    pub(super) keepalive: KeepAlive,
    /// It sends CONNECT and INFO in one go: who only answers PINGs is not waited for.
    pub(super) deadline: Moment,
}

impl AwaitPeerInfo {
    pub(super) fn handle(
        mut self,
        op: &GatewayOp<'_>,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, out) {
            return done.map(|()| State::AwaitPeerInfo(self));
        }
        match op {
            GatewayOp::Info(json) => {
                let info = ServerInfo::parse(json).map_err(|e| bad_json(&e, out))?;
                self.first_info(info, cx, common, out)
            }
            GatewayOp::Pong => {
                pong(&mut self.keepalive, cx.now, out);
                Ok(State::AwaitPeerInfo(self))
            }
            GatewayOp::Connect(_) => Ok(State::AwaitPeerInfo(self)),
            _ => Err(violation(op, Direction::Inbound, out)),
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
        check_server_name(&info.server_name, cx, out)?;
        if info.gateway != self.gateway {
            // CONNECT was checked; INFO must not smuggle in another name.
            return Err(reject_unknown(&info.gateway, cx.settings, out));
        }
        let (name, id) = (quoted(&info.gateway), &info.server_id);
        out.log(
            Level::Info,
            format!("Inbound gateway connection from {name} ({id}) registered"),
        );
        let remote = remote_server(Direction::Inbound, info, cx.settings);
        out.push(Output::Registered(remote.clone()));
        Ok(State::Inbound(Inbound {
            remote,
            keepalive: self.keepalive,
        }))
    }
}

/// The credentials are right: is the peer a gateway, and a welcome one?
fn welcome(
    connect: ServerConnect,
    cx: &Context<'_>,
    common: &Common,
    out: &mut Vec<Output>,
) -> Next {
    if connect.gateway.is_empty() {
        out.complain("attempted to connect to gateway port".to_string());
        return Err(Ended(CloseReason::WrongPort));
    }
    if cx.settings.reject_unknown && !cx.neighbours.knows(&connect.gateway) {
        return Err(reject_unknown(&connect.gateway, cx.settings, out));
    }
    Ok(State::AwaitPeerInfo(AwaitPeerInfo {
        gateway: connect.gateway,
        keepalive: cx.settings.keepalive(cx.now, common.seed),
        deadline: cx.now + cx.settings.silence_limit(),
    }))
}

fn reject_unknown(gateway: &str, settings: &Settings, out: &mut Vec<Output>) -> Ended {
    let (theirs, own) = (quoted(gateway), quoted(&settings.gateway));
    out.log(
        Level::Error,
        format!("Rejecting connection from gateway {theirs}"),
    );
    out.send_err(&format!("Connection to gateway {own} rejected"));
    Ended(CloseReason::WrongGateway)
}

/// The peer may not connect.
pub(super) fn refuse(user: Option<&str>, out: &mut Vec<Output>) -> Ended {
    let who = match user {
        None | Some("") => String::new(),
        Some(user) => format!(" - User {}", quoted(user)),
    };
    out.log(Level::Error, format!("authentication error{who}"));
    out.send_err("Authorization Violation");
    Ended(CloseReason::AuthenticationViolation)
}
