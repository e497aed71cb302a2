//! One link between two clusters: which state it is in, and what every state has in common.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use gannet_config::GatewayUrl;
use gannet_units::Moment;
use gannet_wire::gateway::{DecodeError, GatewayOp, Limits, encode};

use super::acceptor::{AwaitConnect, AwaitPassword, AwaitPeerInfo};
use super::dialler::AwaitInfo;
use super::output::{Direction, Level, Output, RemoteServer, Say};
use super::registered::{Inbound, Outbound};
use super::settings::{Context, Settings};
use crate::CloseReason;
use crate::keepalive::{Due, KeepAlive};
use crate::link_auth::Admission;

/// Where the conversation stands; each state holds what only it needs.
#[derive(Debug)]
pub(super) enum State {
    /// The connection is being encrypted.
    Securing(Securing),
    /// We dialled; the acceptor's INFO is to come.
    AwaitInfo(AwaitInfo),
    /// The peer dialled; its CONNECT is to come.
    AwaitConnect(AwaitConnect),
    /// The peer's password is being compared.
    AwaitPassword(AwaitPassword),
    /// The peer's INFO is to come.
    AwaitPeerInfo(AwaitPeerInfo),
    /// Registered; we dialled.
    Outbound(Outbound),
    /// Registered; the peer dialled.
    Inbound(Inbound),
    /// Nothing is said or heard any more.
    Closed,
}

/// What comes when the connection is encrypted.
#[derive(Debug)]
pub(super) enum Securing {
    Dialled(AwaitInfo),
    Accepted(AwaitConnect),
}

/// How a state wants to end: the reason, after it has said what is to be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended(pub(super) CloseReason);

/// What an operation leads to: another state (or the same), or the end.
pub(super) type Next = Result<State, Ended>;

/// What a link keeps through all states.
#[derive(Debug)]
pub(super) struct Common {
    /// For all chance that the link needs.
    pub(super) seed: u64,
    /// The peer's server name, as soon as it has told it.
    pub(super) remote_name: String,
}

/// One link between two clusters.
#[derive(Debug)]
pub struct Link {
    state: State,
    common: Common,
    direction: Direction,
}

impl Link {
    /// A link that was dialled to cluster `remote` at `url`, just connected. With `tls` it is encrypted
    /// next: see [`Link::secured`]. `seed` is for all chance that the link needs.
    pub fn dial(
        remote: &str,
        url: &GatewayUrl,
        tls: bool,
        now: Moment,
        settings: &Settings,
        seed: u64,
        out: &mut Vec<Output>,
    ) -> Link {
        let remote_text = gannet_config::quoted(remote);
        out.log(
            Level::Info,
            format!("Creating outbound gateway connection to {remote_text}"),
        );
        let next = AwaitInfo::new(remote, url, now, settings);
        let state = match tls {
            true => State::Securing(Securing::Dialled(next)),
            false => State::AwaitInfo(next),
        };
        let common = Common {
            seed,
            remote_name: String::new(),
        };
        Link {
            state,
            common,
            direction: Direction::Outbound,
        }
    }

    /// A link that was accepted just now. If [`Settings::tls`] says so, it is encrypted next: see
    /// [`Link::secured`].
    pub fn accept(now: Moment, settings: &Settings, seed: u64, out: &mut Vec<Output>) -> Link {
        out.log(
            Level::Info,
            "Processing inbound gateway connection".to_string(),
        );
        let next = AwaitConnect::new(now, settings);
        let state = if settings.tls {
            State::Securing(Securing::Accepted(next))
        } else {
            out.push(Output::Send(settings.info.clone()));
            State::AwaitConnect(next)
        };
        let common = Common {
            seed,
            remote_name: String::new(),
        };
        Link {
            state,
            common,
            direction: Direction::Inbound,
        }
    }

    /// Whether the connection must be encrypted before anything else happens on it.
    pub fn is_securing(&self) -> bool {
        matches!(self.state, State::Securing(_))
    }

    /// The connection is encrypted now, and the peer's certificate counts like this. If that does not
    /// succeed, [`Link::close`] with [`CloseReason::TlsHandshakeError`].
    pub fn secured(&mut self, admission: Admission, cx: &Context<'_>, out: &mut Vec<Output>) {
        self.state = match mem::replace(&mut self.state, State::Closed) {
            State::Securing(Securing::Dialled(next)) => State::AwaitInfo(next.secured(cx)),
            State::Securing(Securing::Accepted(next)) => {
                out.push(Output::Send(cx.settings.info.clone()));
                State::AwaitConnect(AwaitConnect { admission, ..next })
            }
            state => state,
        };
    }

    /// The limits to decode with now: a peer that is not registered yet has no messages to send, and
    /// cannot make us set memory aside for one.
    pub fn limits(&self, limits: Limits) -> Limits {
        match self.state {
            State::Outbound(_) | State::Inbound(_) => limits,
            _ => Limits {
                payload: 0,
                ..limits
            },
        }
    }

    /// Whether the operation is traffic of a registered link, for the switchboard: messages on an
    /// inbound one, interest on an outbound one. The link need not see it.
    #[inline]
    pub fn accepts(&self, op: &GatewayOp<'_>) -> bool {
        match self.state {
            State::Inbound(_) => matches!(op, GatewayOp::Message(_)),
            State::Outbound(_) => matches!(
                op,
                GatewayOp::Interest(_)
                    | GatewayOp::NoInterest(_)
                    | GatewayOp::AccountInterest(_)
                    | GatewayOp::NoAccountInterest(_)
            ),
            _ => false,
        }
    }

    /// Whether nothing may be read until the connection is encrypted or a password has been compared.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Securing(_) | State::AwaitPassword(_))
    }

    /// Whether the link is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Which side of it we are.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The peer, once the link is registered.
    pub fn remote(&self) -> Option<&RemoteServer> {
        match &self.state {
            State::Outbound(link) => Some(&link.remote),
            State::Inbound(link) => Some(&link.remote),
            _ => None,
        }
    }

    /// The round-trip time measured last.
    pub fn rtt(&self) -> Option<Duration> {
        match &self.state {
            State::AwaitPeerInfo(state) => state.keepalive.rtt(),
            State::Outbound(link) => link.keepalive.rtt(),
            State::Inbound(link) => link.keepalive.rtt(),
            _ => None,
        }
    }

    /// When [`Link::tick`] must be called next, unless something else happens first.
    pub fn next_deadline(&self) -> Moment {
        match &self.state {
            // The handshake has a deadline of its own.
            State::Securing(Securing::Dialled(_)) => Moment::NEVER,
            State::Securing(Securing::Accepted(next)) => next.deadline,
            State::AwaitInfo(state) => state.deadline,
            State::AwaitConnect(state) => state.deadline,
            State::AwaitPassword(state) => state.deadline,
            State::AwaitPeerInfo(state) => state.deadline.min(state.keepalive.deadline()),
            State::Outbound(link) => link.keepalive.deadline(),
            State::Inbound(link) => link.keepalive.deadline(),
            State::Closed => Moment::NEVER,
        }
    }

    /// Takes an operation that is not traffic.
    pub fn handle(&mut self, op: &GatewayOp<'_>, cx: &Context<'_>, out: &mut Vec<Output>) {
        let common = &mut self.common;
        let next = match mem::replace(&mut self.state, State::Closed) {
            State::AwaitInfo(state) => state.handle(op, cx, common, out),
            State::AwaitConnect(state) => state.handle(op, cx, common, out),
            State::AwaitPeerInfo(state) => state.handle(op, cx, common, out),
            State::Outbound(link) => link.handle(op, cx, out),
            State::Inbound(link) => link.handle(op, cx, out),
            state @ (State::Securing(_) | State::AwaitPassword(_) | State::Closed) => Ok(state),
        };
        self.enter(next, out);
    }

    /// Takes the answer to [`Output::CheckPassword`].
    pub fn password_checked(&mut self, is_right: bool, cx: &Context<'_>, out: &mut Vec<Output>) {
        let next = match mem::replace(&mut self.state, State::Closed) {
            State::AwaitPassword(state) => state.checked(is_right, cx, &self.common, out),
            state => Ok(state),
        };
        self.enter(next, out);
    }

    /// Takes bytes that are no operation: the link ends.
    pub fn undecodable(&mut self, error: &DecodeError, out: &mut Vec<Output>) {
        let first = match (&self.state, error) {
            (State::Closed, _) => return,
            (State::AwaitConnect(_), DecodeError::UnknownOperation { first, .. }) => *first,
            (
                State::AwaitConnect(_),
                DecodeError::BadArguments(_) | DecodeError::Payload { .. },
            ) => 0,
            _ => b'C',
        };
        let reason = if !first.eq_ignore_ascii_case(&b'C') {
            // Only CONNECT may come first.
            super::acceptor::refuse(None, out).0
        } else {
            if let Some(text) = error.peer_text() {
                out.send_err(text);
            }
            out.log(Level::Error, error.to_string());
            match error {
                DecodeError::ControlLine => CloseReason::MaxControlLineExceeded,
                DecodeError::Payload { .. } => CloseReason::MaxPayloadExceeded,
                DecodeError::UnknownOperation { .. } | DecodeError::BadArguments(_) => {
                    CloseReason::ProtocolViolation
                }
            }
        };
        self.close(reason, out);
    }

    /// The options have changed: PINGs come as they say.
    pub fn options_changed(&mut self, cx: &Context<'_>) {
        let keepalive = match &mut self.state {
            State::Outbound(link) => &mut link.keepalive,
            State::Inbound(link) => &mut link.keepalive,
            _ => return,
        };
        keepalive.set_policy(cx.settings.pings(), cx.now);
    }

    /// Does what is due at [`Link::next_deadline`]; earlier calls change nothing.
    pub fn tick(&mut self, cx: &Context<'_>, out: &mut Vec<Output>) {
        let now = cx.now;
        let ended = match &mut self.state {
            State::AwaitInfo(state) if now >= state.deadline => Some(stale(out)),
            State::AwaitConnect(state) if now >= state.deadline => Some(late(out)),
            State::Securing(Securing::Accepted(next)) if now >= next.deadline => Some(late(out)),
            State::AwaitPassword(state) if now >= state.deadline => Some(late(out)),
            State::AwaitPeerInfo(state) => {
                let ended = keep_alive(&mut state.keepalive, now, out);
                ended.or_else(|| (now >= state.deadline).then(|| stale(out)))
            }
            State::Outbound(link) => keep_alive(&mut link.keepalive, now, out),
            State::Inbound(link) => keep_alive(&mut link.keepalive, now, out),
            _ => None,
        };
        if let Some(Ended(reason)) = ended {
            self.close(reason, out);
        }
    }

    /// Ends the link for a reason of its owner's. Does nothing if it has ended.
    pub fn close(&mut self, reason: CloseReason, out: &mut Vec<Output>) {
        if !self.is_closed() {
            self.state = State::Closed;
            self.say_close(reason, out);
        }
    }

    fn enter(&mut self, next: Next, out: &mut Vec<Output>) {
        match next {
            Ok(state) => self.state = state,
            Err(Ended(reason)) => self.say_close(reason, out),
        }
    }

    fn say_close(&self, reason: CloseReason, out: &mut Vec<Output>) {
        let remote = match self.common.remote_name.as_str() {
            "" => String::new(),
            name => format!(" - Remote: {name}"),
        };
        out.log(
            Level::Info,
            format!("Gateway connection closed: {reason}{remote}"),
        );
        out.push(Output::Close(reason));
    }
}

/// Sends a PING if it is time, or ends the link if too many are unanswered.
fn keep_alive(keepalive: &mut KeepAlive, now: Moment, out: &mut Vec<Output>) -> Option<Ended> {
    let due = keepalive.due(now, None);
    if due != Due::NotYet {
        out.log(Level::Debug, "Gateway Ping Timer".to_string());
    }
    match due {
        Due::NotYet | Due::Spared => None,
        Due::Ping => {
            out.send(encode::PING);
            None
        }
        Due::Stale => Some(stale(out)),
    }
}

/// Takes a PONG.
pub(super) fn pong(keepalive: &mut KeepAlive, now: Moment, out: &mut Vec<Output>) {
    if let Some(rtt) = keepalive.answered(now) {
        out.push(Output::Rtt(rtt));
    }
}

/// The peer keeps silent.
fn stale(out: &mut Vec<Output>) -> Ended {
    out.log(
        Level::Debug,
        "Stale Client Connection - Closing".to_string(),
    );
    out.send_err("Stale Connection");
    Ended(CloseReason::StaleConnection)
}

/// The peer did not say in time who it is.
fn late(out: &mut Vec<Output>) -> Ended {
    out.send_err("Authentication Timeout");
    out.log(Level::Debug, "Authentication Timeout".to_string());
    Ended(CloseReason::AuthenticationTimeout)
}

/// What means the same in all states. `None` if it is none of that.
pub(super) fn everyday(op: &GatewayOp<'_>, out: &mut Vec<Output>) -> Option<Result<(), Ended>> {
    match op {
        GatewayOp::Ping => {
            out.send(encode::PONG);
            Some(Ok(()))
        }
        GatewayOp::Err(text) => {
            out.log(
                Level::Error,
                format!("Gateway Error {}", String::from_utf8_lossy(text)),
            );
            Some(Err(Ended(CloseReason::ParseError)))
        }
        GatewayOp::Ok => Some(Ok(())),
        _ => None,
    }
}

/// Something that the peer's side of the link must not send.
pub(super) fn violation(op: &GatewayOp<'_>, direction: Direction, out: &mut Vec<Output>) -> Ended {
    let verb = match op {
        GatewayOp::Message(_) => "RMSG",
        GatewayOp::Interest(_) => "RS+",
        GatewayOp::NoInterest(_) => "RS-",
        GatewayOp::AccountInterest(_) => "A+",
        GatewayOp::NoAccountInterest(_) => "A-",
        _ => "an unexpected operation",
    };
    let side = match direction {
        Direction::Outbound => "outbound",
        Direction::Inbound => "inbound",
    };
    out.log(
        Level::Error,
        format!("Received {verb} from gateway on {side} connection"),
    );
    Ended(CloseReason::ProtocolViolation)
}

/// The peer has the name of a server of our own cluster.
pub(super) fn check_server_name(
    name: &str,
    cx: &Context<'_>,
    out: &mut Vec<Output>,
) -> Result<(), Ended> {
    if name.is_empty() || !cx.neighbours.has_server_named(name) {
        return Ok(());
    }
    let name = gannet_config::quoted(name);
    out.log(
        Level::Error,
        format!("Remote server has a duplicate name: {name}"),
    );
    Err(Ended(CloseReason::DuplicateServerName))
}

/// JSON that cannot be read.
pub(super) fn bad_json(
    error: &gannet_wire::server_info::JsonError,
    out: &mut Vec<Output>,
) -> Ended {
    out.log(Level::Error, error.to_string());
    Ended(CloseReason::ProtocolViolation)
}
