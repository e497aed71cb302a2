//! The acceptor's side until it knows who is there: CONNECT, and may it be?

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::{LinkAuth, Secret, quoted};
use gannet_units::Moment;
use gannet_wire::route::RouteOp;
use gannet_wire::server_info::ServerConnect;

use super::Level;
use super::compression::configured;
use super::introduction::{Introduction, info};
use super::join::{AwaitInfo, rename};
use super::link::{Common, Ended, Next, State, bad_json};
use super::output::{Output, Say};
use super::settings::Context;
use crate::CloseReason;
use crate::link_auth::{Admission, Verdict};

/// The acceptor speaks first.
pub(super) fn introduce(common: &mut Common, cx: &Context<'_>, out: &mut Vec<Output>) {
    let says = Introduction {
        compression: configured(&cx.settings.compression),
        ..Introduction::default()
    };
    out.push(Output::Send(info(common, cx, says)));
}

/// The peer dialled; its CONNECT is to come, and nothing else.
#[derive(Clone, Debug)]
pub(super) struct AwaitConnect {
    pub(super) deadline: Moment,
    /// The peer must show credentials.
    pub(super) is_asked: bool,
    pub(super) admission: Admission,
}

impl AwaitConnect {
    pub(super) fn new(cx: &Context<'_>) -> AwaitConnect {
        let auth = &cx.settings.auth;
        let is_asked = auth.user.as_deref().is_some_and(|user| !user.is_empty());
        let limit = match is_asked {
            true => auth.timeout,
            false => cx.settings.silence_limit(),
        };
        AwaitConnect {
            deadline: cx.now + limit,
            is_asked,
            admission: Admission::ByPassword,
        }
    }

    pub(super) fn handle(
        self,
        op: &RouteOp<'_>,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        let RouteOp::Connect(json) = op else {
            return Err(refuse(None, common, out));
        };
        let mut connect = ServerConnect::parse(json).map_err(|e| bad_json(&e, out))?;
        let password = Secret::new(core::mem::take(&mut connect.pass));
        let (verdict, line) = self
            .admission
            .judge(&cx.settings.auth, &connect.user, &password);
        common.shown = Some(Shown {
            admission: self.admission,
            user: connect.user.clone(),
            password: password.clone(),
        });
        if let Some(line) = line {
            out.log(Level::Debug, line);
        }
        match verdict {
            Verdict::Right => welcome(connect, cx, common, out),
            Verdict::Wrong => Err(refuse(Some(&connect.user), common, out)),
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

/// How a peer said who it is, to be looked at again when other credentials are asked for.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    admission: Admission,
    pub(super) user: String,
    pub(super) password: Secret,
}

impl Shown {
    /// What it is worth where `auth` is asked for.
    pub(super) fn judge(&self, auth: &LinkAuth) -> Verdict {
        self.admission.judge(auth, &self.user, &self.password).0
    }
}

/// The peer's password is being compared.
#[derive(Clone, Debug)]
pub(super) struct AwaitPassword {
    connect: ServerConnect,
    pub(super) deadline: Moment,
}

impl AwaitPassword {
    pub(super) fn checked(
        self,
        is_right: bool,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if is_right {
            welcome(self.connect, cx, common, out)
        } else {
            Err(refuse(Some(&self.connect.user), common, out))
        }
    }
}

/// The credentials are right: is the peer a server of this cluster?
fn welcome(
    connect: ServerConnect,
    cx: &Context<'_>,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> Next {
    if !connect.lang.is_empty() {
        out.complain("attempted to connect to route port".to_string());
        return Err(common.refused(CloseReason::WrongPort));
    }
    if !connect.gateway.is_empty() {
        out.reject(format!(
            "Rejecting connection from gateway {} on the Route port",
            quoted(&connect.gateway)
        ));
        return Err(common.refused(CloseReason::WrongGateway));
    }
    let own = common.cluster(cx);
    if connect.cluster != own.name {
        if !own.yields_to(&connect.cluster, connect.cluster_dynamic) {
            let (theirs, ours) = (quoted(&connect.cluster), quoted(&own.name));
            out.reject(format!(
                "Rejecting connection, cluster name {theirs} does not match {ours}"
            ));
            return Err(common.refused(CloseReason::ClusterNameConflict));
        }
        let is_dynamic = connect.cluster_dynamic;
        rename(connect.cluster, is_dynamic, connect.name, common, out);
    }
    Ok(State::AwaitInfo(AwaitInfo::new(cx)))
}

/// The peer may not connect.
pub(super) fn refuse(user: Option<&str>, common: &mut Common, out: &mut Vec<Output>) -> Ended {
    let who = match user {
        None | Some("") => String::new(),
        Some(user) => format!(" - User {}", quoted(user)),
    };
    out.log(Level::Error, format!("authentication error{who}"));
    out.send_err("Authorization Violation");
    common.refused(CloseReason::AuthenticationViolation)
}
