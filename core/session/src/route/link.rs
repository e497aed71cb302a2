//! One connection between two servers of a cluster: which state it is in, and what every state has in
//! common.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;
use core::net::IpAddr;
use core::time::Duration;

use gannet_units::Moment;
use gannet_wire::gateway::encode;
use gannet_wire::route::{DecodeError, Form, Limits, RouteOp};

use super::acceptor::{AwaitConnect, AwaitPassword, Shown};
use super::compression::InUse;
use super::join::{AwaitCompressed, AwaitInfo};
use super::output::{Output, RemoteServer, Say};
use super::registered::Registered;
use super::settings::Context;
use super::standing::{ClusterName, Ending, Errand, RouteId};
use super::{Level, acceptor, dialler};
use crate::CloseReason;
use crate::link_auth::{Admission, Verdict};
use crate::topology::chance::Chance;

/// Where the conversation stands; each state holds what only it needs.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// The peer dialled; its CONNECT is to come.
    AwaitConnect(AwaitConnect),
    /// The peer's password is being compared.
    AwaitPassword(AwaitPassword),
    /// The peer's first INFO is to come.
    AwaitInfo(AwaitInfo),
    /// Compression was agreed on; the peer's INFO is to come once more.
    AwaitCompressed(AwaitCompressed),
    /// Registered.
    Registered(Box<Registered>),
    /// Nothing is said or heard any more.
    Closed,
}

/// How a state wants to end: the reason, after it has said what is to be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended(pub(super) CloseReason);

/// What an operation leads to: another state (or the same), or the end.
pub(super) type Next = Result<State, Ended>;

/// What a link keeps through all states.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) id: RouteId,
    /// What we dialled for; `None` if the peer dialled.
    pub(super) errand: Option<Errand>,
    /// Where the peer's connection comes from.
    pub(super) peer: IpAddr,
    pub(super) chance: Chance,
    pub(super) started: Moment,
    /// The peer's server name, as soon as it has told it.
    pub(super) remote_name: String,
    pub(super) compression: InUse,
    /// How a peer that dialled us said who it is.
    pub(super) shown: Option<Shown>,
    /// The name that this server takes over in this very call.
    pub(super) renamed: Option<ClusterName>,
    pub(super) ending: Ending,
}

impl Common {
    fn new(id: RouteId, errand: Option<Errand>, peer: IpAddr, now: Moment, seed: u64) -> Common {
        Common {
            id,
            errand,
            peer,
            chance: Chance::new(seed),
            started: now,
            remote_name: String::new(),
            compression: InUse::default(),
            shown: None,
            renamed: None,
            ending: Ending::default(),
        }
    }

    pub(super) fn is_dialled(&self) -> bool {
        self.errand.is_some()
    }

    /// The name of the cluster, be it only just taken over.
    pub(super) fn cluster<'a>(&'a self, cx: &Context<'a>) -> &'a ClusterName {
        self.renamed
            .as_ref()
            .unwrap_or_else(|| cx.neighbours.cluster())
    }

    /// One of the two will not have the other.
    pub(super) fn refused(&mut self, reason: CloseReason) -> Ended {
        self.ending = Ending::Refused;
        Ended(reason)
    }
}

/// One connection between two servers of a cluster.
#[derive(Clone, Debug)]
pub struct Link {
    state: State,
    common: Common,
}

impl Link {
    /// A connection that was dialled, just established with address `peer`. `seed` is for all chance
    /// that the link needs.
    pub fn dial(
        errand: Errand,
        peer: IpAddr,
        cx: &Context<'_>,
        seed: u64,
        out: &mut Vec<Output>,
    ) -> Link {
        let id = errand.id;
        let common = Common::new(id, Some(errand), peer, cx.now, seed);
        dialler::introduce(&common, cx, out);
        out.log(Level::Info, "Route connection created".to_string());
        let state = State::AwaitInfo(AwaitInfo::new(cx));
        Link { state, common }
    }

    /// A connection that was accepted just now, from address `peer`.
    pub fn accept(
        id: RouteId,
        peer: IpAddr,
        cx: &Context<'_>,
        seed: u64,
        out: &mut Vec<Output>,
    ) -> Link {
        let mut common = Common::new(id, None, peer, cx.now, seed);
        acceptor::introduce(&mut common, cx, out);
        out.log(Level::Info, "Route connection created".to_string());
        let state = State::AwaitConnect(AwaitConnect::new(cx));
        Link { state, common }
    }

    /// The connection was encrypted before the link began, and the peer's certificate counts like this. To
    /// be said at once after [`Link::accept`].
    pub fn admit(&mut self, admission: Admission) {
        if let State::AwaitConnect(state) = &mut self.state {
            state.admission = admission;
        }
    }

    /// The limits to decode with now: a peer that is not registered yet has no messages to send, and
    /// cannot make us set memory aside for one.
    pub fn limits(&self, limits: Limits) -> Limits {
        match self.state {
            State::Registered(_) => limits,
            _ => Limits {
                payload: 0,
                ..limits
            },
        }
    }

    /// The form of the lines to decode now.
    pub fn form(&self) -> Form<'_> {
        match &self.state {
            State::Registered(link) => link.form(),
            _ => Form::default(),
        }
    }

    /// Whether the operation is traffic of a registered link, for the switchboard. The link need not see
    /// it.
    #[inline]
    pub fn accepts(&self, op: &RouteOp<'_>) -> bool {
        matches!(self.state, State::Registered(_))
            && matches!(
                op,
                RouteOp::Message(_) | RouteOp::Interest(_) | RouteOp::NoInterest(_)
            )
    }

    /// Whether nothing may be read until a password has been compared.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::AwaitPassword(_))
    }

    /// Whether the link is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether we dialled.
    pub fn is_dialled(&self) -> bool {
        self.common.is_dialled()
    }

    /// The connection's number.
    pub fn id(&self) -> RouteId {
        self.common.id
    }

    /// The peer, once the link is registered.
    pub fn remote(&self) -> Option<&RemoteServer> {
        match &self.state {
            State::Registered(link) => Some(&link.remote),
            _ => None,
        }
    }

    /// The round-trip time measured last.
    pub fn rtt(&self) -> Option<Duration> {
        match &self.state {
            State::Registered(link) => link.keepalive.rtt(),
            _ => None,
        }
    }

    /// How the connection is compressed, in the word that monitoring shows; empty until it is settled.
    pub fn compression(&self) -> &'static str {
        self.common.compression.text()
    }

    /// What the end of the connection tells.
    pub fn ending(&self) -> &Ending {
        &self.common.ending
    }

    /// When [`Link::tick`] must be called next, unless something else happens first.
    pub fn next_deadline(&self) -> Moment {
        match &self.state {
            State::AwaitConnect(state) => state.deadline,
            State::AwaitPassword(state) => state.deadline,
            State::AwaitInfo(state) => state.deadline,
            State::AwaitCompressed(state) => state.deadline,
            State::Registered(link) => link.next_deadline(),
            State::Closed => Moment::NEVER,
        }
    }

    /// Takes an operation that is not traffic.
    pub fn handle(&mut self, op: &RouteOp<'_>, cx: &Context<'_>, out: &mut Vec<Output>) {
        let common = &mut self.common;
        common.renamed = None;
        let next = match mem::replace(&mut self.state, State::Closed) {
            State::AwaitConnect(state) => state.handle(op, cx, common, out),
            State::AwaitInfo(state) => state.handle(op, cx, common, out),
            State::AwaitCompressed(state) => state.handle(op, cx, common, out),
            State::Registered(link) => link.handle(op, cx, common, out),
            state @ (State::AwaitPassword(_) | State::Closed) => Ok(state),
        };
        self.enter(next, out);
    }

    /// Takes the answer to [`Output::CheckPassword`].
    pub fn password_checked(&mut self, is_right: bool, cx: &Context<'_>, out: &mut Vec<Output>) {
        self.common.renamed = None;
        if matches!(self.state, State::Registered(_)) && !is_right {
            return self.turn_out(out);
        }
        let next = match mem::replace(&mut self.state, State::Closed) {
            State::AwaitPassword(state) => state.checked(is_right, cx, &mut self.common, out),
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
            acceptor::refuse(None, &mut self.common, out).0
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

    /// Does what is due at [`Link::next_deadline`]; earlier calls change nothing.
    pub fn tick(&mut self, cx: &Context<'_>, out: &mut Vec<Output>) {
        let now = cx.now;
        let ended = match &mut self.state {
            State::AwaitConnect(state) if now >= state.deadline => Some(if state.is_asked {
                late(out)
            } else {
                stale(out)
            }),
            State::AwaitPassword(state) if now >= state.deadline => Some(late(out)),
            State::AwaitInfo(state) if now >= state.deadline => Some(stale(out)),
            State::AwaitCompressed(state) if now >= state.deadline => Some(stale(out)),
            State::Registered(link) => link.tick(now, out),
            _ => None,
        };
        if let Some(Ended(reason)) = ended {
            self.close(reason, out);
        }
    }

    /// Asks the peer at once whether it is still there, and gives it little time for the answer: a second
    /// connection came for this one's place.
    pub fn probe(&mut self, cx: &Context<'_>, out: &mut Vec<Output>) {
        if let State::Registered(link) = &mut self.state {
            link.probe(cx, out);
        }
    }

    /// Asks for a sign that the peer has read everything that was sent before: [`Output::Synced`] with
    /// `token`.
    pub fn sync(&mut self, token: u64, out: &mut Vec<Output>) {
        if let State::Registered(link) = &mut self.state {
            link.sync(token, out);
        }
    }

    /// The options have changed: PINGs come as they say, and a peer that dialled us must be allowed to still.
    pub fn options_changed(&mut self, cx: &Context<'_>, out: &mut Vec<Output>) {
        let State::Registered(link) = &mut self.state else {
            return;
        };
        link.keepalive.set_policy(cx.settings.pings(), cx.now);
        let Some(shown) = &self.common.shown else {
            return;
        };
        match shown.judge(&cx.settings.auth) {
            Verdict::Right => {}
            Verdict::Wrong => self.turn_out(out),
            Verdict::Hashed => out.push(Output::CheckPassword {
                hash: cx.settings.auth.password.clone(),
                password: shown.password.clone(),
            }),
        }
    }

    /// A registered peer may not be connected any more.
    fn turn_out(&mut self, out: &mut Vec<Output>) {
        let user = self.common.shown.as_ref().map(|shown| shown.user.clone());
        let Ended(reason) = acceptor::refuse(user.as_deref(), &mut self.common, out);
        self.close(reason, out);
    }

    /// The configured compression has changed: goes over to the new level, or ends the connection, so
    /// that the next one is made anew.
    pub fn compression_changed(&mut self, cx: &Context<'_>, out: &mut Vec<Output>) {
        let State::Registered(link) = &self.state else {
            return;
        };
        let rtt = link.keepalive.rtt();
        if dialler::recompress(&mut self.common, rtt, cx, out).is_err() {
            self.close(CloseReason::ClientClosed, out);
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
            format!("Router connection closed: {reason}{remote}"),
        );
        out.push(Output::Close(reason));
    }
}

/// The peer keeps silent.
pub(super) fn stale(out: &mut Vec<Output>) -> Ended {
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
pub(super) fn everyday(
    op: &RouteOp<'_>,
    common: &mut Common,
    out: &mut Vec<Output>,
) -> Option<Result<(), Ended>> {
    match op {
        RouteOp::Ping => {
            out.send(encode::PONG);
            Some(Ok(()))
        }
        RouteOp::Err(text) => {
            out.log(
                Level::Error,
                format!("Route Error {}", String::from_utf8_lossy(text)),
            );
            let ended = common.refused(CloseReason::ParseError);
            let removed = format!("'{}'", CloseReason::RouteRemoved.text());
            if text.trim_ascii() == removed.as_bytes() {
                common.ending = Ending::SentAway;
            }
            Some(Err(ended))
        }
        RouteOp::Ok | RouteOp::Nothing => Some(Ok(())),
        _ => None,
    }
}

/// JSON that cannot be read.
pub(super) fn bad_json(
    error: &gannet_wire::server_info::JsonError,
    out: &mut Vec<Output>,
) -> Ended {
    out.log(Level::Error, error.to_string());
    Ended(CloseReason::ProtocolViolation)
}
