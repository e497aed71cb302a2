//! A registered connection: what is not traffic.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{Compression, quoted};
use gannet_units::Moment;
use gannet_wire::gateway::encode;
use gannet_wire::route::{Form, RouteOp};
use gannet_wire::server_info::{GatewayCommand, ServerInfo};

use super::Level;
use super::compression::{InUse, level};
use super::join::check_cluster;
use super::link::{Common, Ended, Next, State, bad_json, everyday, stale};
use super::output::{News, Output, RemoteServer, Say};
use super::settings::Context;
use super::standing::Place;
use crate::keepalive::{Due, KeepAlive};

/// How long a peer whose place somebody else asks for may take to show that it is still there.
const PROBE: Duration = Duration::from_secs(2);

/// A registered connection.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) remote: RemoteServer,
    pub(super) keepalive: KeepAlive,
    /// The peer has answered a PING.
    is_confirmed: bool,
    /// The peer must have answered by then.
    probe: Moment,
    /// What each PING that is not answered yet is for, if its owner wants to know.
    asked: VecDeque<Option<u64>>,
}

impl Registered {
    /// With `is_asked`, a PING has been sent.
    pub(super) fn new(remote: RemoteServer, keepalive: KeepAlive, is_asked: bool) -> Registered {
        Registered {
            remote,
            keepalive,
            is_confirmed: false,
            probe: Moment::NEVER,
            asked: is_asked.then_some(None).into_iter().collect(),
        }
    }

    fn ping(&mut self, token: Option<u64>, out: &mut Vec<Output>) {
        self.asked.push_back(token);
        out.send(encode::PING);
    }

    /// Asks for a sign that the peer has read everything before: [`Output::Synced`].
    pub(super) fn sync(&mut self, token: u64, out: &mut Vec<Output>) {
        self.ping(Some(token), out);
    }

    pub(super) fn form(&self) -> Form<'_> {
        Form {
            account: match &self.remote.place {
                Place::Account(name) => Some(name.as_bytes()),
                _ => None,
            },
            unsub_origin: self.remote.info.lnocu,
        }
    }

    pub(super) fn next_deadline(&self) -> Moment {
        self.keepalive.deadline().min(self.probe)
    }

    pub(super) fn tick(&mut self, now: Moment, out: &mut Vec<Output>) -> Option<Ended> {
        if now >= self.probe {
            return Some(stale(out));
        }
        let due = self.keepalive.due(now, None);
        if due != Due::NotYet {
            out.log(Level::Debug, "Router Ping Timer".to_string());
        }
        match due {
            Due::NotYet | Due::Spared => None,
            Due::Ping => {
                self.ping(None, out);
                None
            }
            Due::Stale => Some(stale(out)),
        }
    }

    pub(super) fn probe(&mut self, cx: &Context<'_>, out: &mut Vec<Output>) {
        if self.probe == Moment::NEVER {
            self.probe = cx.now + PROBE;
            self.ping(None, out);
        }
    }

    pub(super) fn handle(
        mut self: Box<Self>,
        op: &RouteOp<'_>,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Next {
        if let Some(done) = everyday(op, common, out) {
            return done.map(|()| State::Registered(self));
        }
        match op {
            RouteOp::Pong => self.pong(cx, common, out),
            RouteOp::Info(json) => {
                let info = ServerInfo::parse(json).map_err(|e| bad_json(&e, out))?;
                self.info(info, cx, common, out)?;
            }
            // Who the peer is was said once.
            _ => {}
        }
        Ok(State::Registered(self))
    }

    fn pong(&mut self, cx: &Context<'_>, common: &mut Common, out: &mut Vec<Output>) {
        self.probe = Moment::NEVER;
        if let Some(Some(token)) = self.asked.pop_front() {
            out.push(Output::Synced(token));
        }
        if let Some(rtt) = self.keepalive.answered(cx.now) {
            out.push(Output::Rtt(rtt));
        }
        if let (Compression::Auto(thresholds), InUse::On(before), Some(rtt)) = (
            &cx.settings.compression,
            common.compression,
            self.keepalive.rtt(),
        ) {
            let mode = level(thresholds, rtt);
            if mode != before {
                common.compression = InUse::On(mode);
                out.push(Output::WriteCompressed(mode));
            }
        }
        if !self.is_confirmed {
            self.is_confirmed = true;
            out.push(Output::News(News::Confirmed));
        }
    }

    /// Any INFO after the registration.
    fn info(
        &mut self,
        info: ServerInfo,
        cx: &Context<'_>,
        common: &mut Common,
        out: &mut Vec<Output>,
    ) -> Result<(), Ended> {
        check_cluster(&info, cx, common, out)?;
        if !info.gannet_turn.is_empty() {
            out.push(Output::Turn(info.gannet_turn));
        } else if !info.route_acc_add_reqid.is_empty() {
            account_moves(info, cx, out);
        } else if !info.gateway.is_empty() {
            self.gateway(info, cx, out);
        } else if info.server_id != self.remote.info.server_id {
            if !info.server_id.is_empty() {
                out.push(Output::News(News::Gossip(Box::new(info))));
            }
        } else if info.ldm {
            out.push(Output::News(News::LameDuck));
        } else {
            let known = &mut self.remote.info;
            let is_resized = known.route_pool_size != info.route_pool_size;
            if is_resized && !known.gannet.is_empty() && info.route_pool_size > 0 {
                known.route_pool_size = info.route_pool_size;
                let size = u32::try_from(info.route_pool_size).unwrap_or(u32::MAX);
                out.push(Output::News(News::PoolSize(size)));
            }
            if known.import != info.import || known.export != info.export {
                known.import.clone_from(&info.import);
                known.export.clone_from(&info.export);
                out.push(Output::PeerPermissions {
                    import: info.import,
                    export: info.export,
                });
            }
        }
        Ok(())
    }

    /// News of another cluster.
    fn gateway(&self, info: ServerInfo, cx: &Context<'_>, out: &mut Vec<Output>) {
        let (gateway, peer) = (quoted(&info.gateway), &self.remote.info.server_id);
        if !cx.settings.has_gateways {
            let text = format!(
                "Received information about gateway {gateway} from {peer}, but gateway is not configured"
            );
            return out.log(Level::Error, text);
        }
        match info.command() {
            Some(GatewayCommand::Gossip) => out.push(Output::GatewayGossip {
                gateway: info.gateway,
                urls: info.gateway_urls,
            }),
            _ => {
                let text = format!(
                    "Unknown command {} from server {}",
                    info.gateway_cmd,
                    quoted(peer)
                );
                out.log(Level::Error, text);
            }
        }
    }
}

/// An account gets connections of its own.
fn account_moves(info: ServerInfo, cx: &Context<'_>, out: &mut Vec<Output>) {
    let account = info.route_account.as_str();
    if account.is_empty() {
        // An answer, but we do not ask.
    } else if (cx.knows_account)(account) {
        out.push(Output::News(News::AccountLeaves(Box::new(info))));
    } else {
        let text = format!(
            "Error looking up account {}: account missing",
            quoted(account)
        );
        out.log(Level::Error, text);
    }
}
