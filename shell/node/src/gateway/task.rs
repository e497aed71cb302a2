//! The task of one link to another cluster, dialled or accepted. Not here: the loop around it
//! (`crate::link`), the rules of the conversation (`gannet_session::gateway`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use gannet_broker::{
    AccountChange, Forgetting, Hop, InboundLink, LinkTraits, OutboundLink, PeerKind,
    RemoteInterest, Run,
};
use gannet_config::GatewayOptions;
use gannet_rt::Stream;
use gannet_session::CloseReason;
use gannet_session::gateway::{
    Context, Direction, Link, Neighbours, Output, Refusals, RemoteServer,
};
use gannet_session::link_auth::Admission;
use gannet_session::patience::Patience;
use gannet_session::topology::gateways::{Dial, DialId, Output as Wanted, Standing};
use gannet_subject::is_valid_pattern;
use gannet_units::Moment;
use gannet_wire::gateway::{Decoded, GatewayOp, Interest, Limits, Message, decode, encode};
use gannet_wire::server_info::ServerInfo;

use super::mesh::{Attempt, Mesh, State, gossip_to_route};
use crate::bulk;
use crate::channel::Channel;
use crate::link::{self, Conversation, Counts, Inbound, Line, Purpose, UnknownAccount};
use crate::shared::{Shared, SlowLinks};
use crate::tls::Handshake;

/// What the link is for, once that is settled.
enum Role {
    Unregistered,
    Outbound {
        link: Arc<OutboundLink>,
        interest: RemoteInterest,
    },
    Inbound {
        gateway: String,
        /// The other server's own address.
        url: String,
        messages: Inbound,
        refusals: Refusals,
    },
}

/// The conversation on one link.
struct Gateway {
    mesh: Arc<Mesh>,
    link: Link,
    dial: Option<DialId>,
    role: Role,
    /// The INFO that the peer was told at first.
    info: Bytes,
    /// News for the other servers of this cluster.
    for_routes: Vec<Bytes>,
    outputs: Vec<Output>,
}

/// Starts the task of a connection that another cluster dialled.
pub(crate) fn accepted(shared: &Arc<Shared>, stream: Stream, addr: SocketAddr) {
    let Some(mesh) = shared.mesh.get().cloned() else {
        return;
    };
    let (mut outputs, settings) = (Vec::new(), mesh.settings());
    let (now, seed) = (shared.rt.now(), shared.rt.random_u64());
    let link = Link::accept(now, &settings, seed, &mut outputs);
    let mut line = new_line(shared, &link, None, stream, addr);
    let tls = shared.tls();
    line.handshake = (tls.gateway()).map(|tls| Handshake::accepted("gateway", tls));
    let gateway = Gateway {
        info: settings.info.clone(),
        ..Gateway::new(mesh, link, None, outputs)
    };
    shared.rt.spawn(link::run(line, gateway));
}

/// Runs a link that was dialled.
pub(super) async fn dialled(
    shared: Arc<Shared>,
    mesh: Arc<Mesh>,
    dial: Dial,
    stream: Stream,
    addr: SocketAddr,
) {
    let (mut outputs, settings) = (Vec::new(), mesh.settings());
    let (now, seed) = (shared.rt.now(), shared.rt.random_u64());
    let tls = shared.tls().to_gateway(&dial.remote).cloned();
    let link = Link::dial(
        &dial.remote,
        &dial.url,
        tls.is_some(),
        now,
        &settings,
        seed,
        &mut outputs,
    );
    let mut line = new_line(&shared, &link, Some(&dial), stream, addr);
    line.handshake = tls.map(|tls| Handshake::dialled("gateway", &tls, dial.server_name.clone()));
    match mesh.state.lock().attempts.get_mut(&dial.id) {
        Some(attempt) => *attempt = Attempt::Connected(line.peer().clone()),
        // Cancelled in the meantime.
        None => return,
    }
    let gateway = Gateway::new(mesh, link, Some(dial.id), outputs);
    link::run(line, gateway).await;
}

fn new_line(
    shared: &Arc<Shared>,
    link: &Link,
    dial: Option<&Dial>,
    stream: Stream,
    addr: SocketAddr,
) -> Line {
    let options = shared.options();
    let patience = match &options.gateway {
        Some(gateway) => Patience::with_gateway(gateway, &options.limits),
        None => Patience::with_gateway(&GatewayOptions::default(), &options.limits),
    };
    let purpose = Purpose {
        kind: match link.direction() {
            Direction::Outbound => PeerKind::OutboundGateway,
            Direction::Inbound => PeerKind::InboundGateway,
        },
        is_configured: dial.is_some_and(|dial| dial.is_configured),
        patience,
    };
    Line::new(shared, purpose, Arc::new(Channel::new(stream)), addr)
}

impl Gateway {
    fn new(mesh: Arc<Mesh>, link: Link, dial: Option<DialId>, outputs: Vec<Output>) -> Gateway {
        Gateway {
            mesh,
            link,
            dial,
            role: Role::Unregistered,
            info: Bytes::new(),
            for_routes: Vec::new(),
            outputs,
        }
    }

    /// Lets the link do something, and does what it wants, all under the mesh's lock.
    fn perform(
        &mut self,
        line: &mut Line,
        act: impl FnOnce(&mut Link, &Context<'_>, &mut Vec<Output>),
    ) {
        let (shared, mesh) = (line.shared.clone(), self.mesh.clone());
        mesh.change(&shared, |state, wanted| {
            let settings = state.settings.clone();
            let cx = Context {
                now: shared.rt.now(),
                settings: &settings,
                neighbours: &*state,
            };
            let mut outputs = std::mem::take(&mut self.outputs);
            act(&mut self.link, &cx, &mut outputs);
            for output in outputs.drain(..) {
                self.carry_out(line, output, state, wanted);
            }
            self.outputs = outputs;
        });
        // Not under the lock, since that of the routes is an outer one.
        for news in self.for_routes.drain(..) {
            if let Some(routes) = shared.routes.get() {
                routes.tell_peers(&shared, &news);
            }
        }
    }

    /// The servers of this cluster are to learn where those of the remote one are.
    fn tell_routes(&mut self, line: &Line, gateway: &str, urls: Vec<String>) {
        if !urls.is_empty() {
            let news = gossip_to_route(&line.shared, gateway, urls);
            self.for_routes.push(news);
        }
    }

    fn carry_out(
        &mut self,
        line: &mut Line,
        output: Output,
        state: &mut State,
        wanted: &mut Vec<Wanted>,
    ) {
        let now = line.shared.rt.now();
        match output {
            Output::Send(bytes) => line.peer().send(&bytes),
            Output::Log(text) => line.log(&text),
            Output::CheckPassword { hash, password } => line.check = Some((hash, password)),
            Output::Registered(remote) => self.register(line, remote, state, wanted),
            Output::Gossip { gateway, urls } => state.gateways.gossip(&gateway, &urls, now, wanted),
            Output::PeerUrls(urls) => {
                if let Some(dial) = self.dial {
                    state.gateways.peer_urls(dial, &urls, wanted);
                }
                if let Role::Outbound { link, .. } = &self.role {
                    let name = link.name().to_owned();
                    self.tell_routes(line, &name, urls);
                }
            }
            Output::InterestBegins { account } => {
                self.change_account(line, &account, AccountChange::SwitchBegins);
            }
            Output::InterestComplete { account } => {
                self.change_account(line, &account, AccountChange::SwitchComplete);
            }
            Output::Rtt(rtt) => {
                line.note_rtt(rtt);
                if let Role::Outbound { link, .. } = &self.role {
                    line.shared.broker.set_rtt(link, rtt);
                }
            }
            Output::Close(reason) => {
                line.closing.get_or_insert(reason);
            }
        }
    }

    fn register(
        &mut self,
        line: &mut Line,
        remote: RemoteServer,
        state: &mut State,
        wanted: &mut Vec<Wanted>,
    ) {
        let shared = line.shared.clone();
        let (now, peer) = (shared.rt.now(), line.peer().clone());
        let remote_id = remote.server_id.clone();
        match remote.direction {
            Direction::Outbound => {
                let Some(dial) = self.dial else { return };
                if state.gateways.link_up(dial, &remote.urls, now, wanted) == Standing::Unwanted {
                    state.attempts.remove(&dial);
                    self.dial = None;
                    line.closing.get_or_insert(CloseReason::DuplicateLink);
                    return;
                }
                state.outbound.insert(remote.gateway.clone(), peer.clone());
                self.tell_routes(line, &remote.gateway, remote.urls.clone());
                let traits = LinkTraits {
                    name: remote.gateway,
                    headers: remote.headers,
                    interest_only: remote.interest_only,
                };
                let link = Arc::new(OutboundLink::new(peer, traits));
                shared.broker.add_outbound(link.clone());
                self.role = Role::Outbound {
                    link,
                    interest: RemoteInterest::default(),
                };
            }
            Direction::Inbound => {
                let mut greeting = Vec::new();
                for (name, urls) in state.gateways.gossip_for(&remote.gateway) {
                    encode::info(&mut greeting, &ServerInfo::gossip(&shared.id, name, urls));
                }
                if state.settings.info != self.info {
                    // What it was told at first has changed in the meantime.
                    greeting.extend_from_slice(&state.settings.info);
                }
                let link = InboundLink {
                    peer,
                    name: remote.gateway.clone(),
                };
                let listing = shared.broker.add_inbound(Arc::new(link), &greeting);
                bulk::list(&shared, listing);
                let (name, url) = (&remote.gateway, &remote.url);
                let gateways = &mut state.gateways;
                gateways.inbound_up(name, url, &remote.urls, now, wanted);
                let messages = Inbound::new(&shared, Hop::Gateway);
                self.role = Role::Inbound {
                    gateway: remote.gateway,
                    url: remote.url,
                    messages,
                    refusals: Refusals::default(),
                };
            }
        }
        line.register(&remote_id);
    }

    fn change_account(&self, line: &Line, account: &[u8], change: AccountChange) {
        if let (Role::Outbound { link, .. }, Ok(name)) = (&self.role, std::str::from_utf8(account))
        {
            line.shared.broker.remote_account(link, name, change);
        }
    }

    fn interest(&mut self, line: &Line, i: &Interest<'_>, wanted: bool, now: Moment) {
        let Role::Outbound { link, interest } = &mut self.role else {
            return;
        };
        let Ok(account) = std::str::from_utf8(i.account) else {
            return;
        };
        if is_valid_pattern(i.subject).is_err() {
            return;
        }
        let broker = &line.shared.broker;
        if wanted {
            broker.remote_subscribe(link, interest, account, i.subject, i.queue, now);
        } else {
            broker.remote_unsubscribe(link, interest, account, i.subject, i.queue);
        }
        let count = u32::try_from(interest.len()).unwrap_or(u32::MAX);
        line.facts.subscriptions.store(count, Ordering::Relaxed);
    }

    fn limits(&self, line: &Line) -> Limits {
        let control_line = line.shared.now().limits.max_control_line.as_usize();
        self.link.limits(Limits {
            control_line,
            payload: Limits::ANY_PAYLOAD,
        })
    }

    /// Delivers a message, the first `used` of `bytes`, and those like it that follow. Answers the bytes
    /// of them all.
    #[inline]
    fn message<'a>(
        &mut self,
        line: &mut Line,
        m: &Message<'a>,
        whole: Option<&Bytes>,
        (bytes, used): (&'a [u8], usize),
        run: &mut Run<'a>,
        counts: &mut Counts,
    ) -> usize {
        let Role::Inbound {
            messages, refusals, ..
        } = &mut self.role
        else {
            return used;
        };
        let (taken, result) = messages.take(line, (m, whole), (bytes, used), run, counts);
        if let Err(UnknownAccount) = result {
            refusals.unknown_account(m.account, &mut line.words);
        }
        taken
    }

    /// Performs what is no message.
    fn other(&mut self, line: &Line, op: &GatewayOp<'_>, now: Moment) {
        if !matches!(self.role, Role::Outbound { .. }) {
            return;
        }
        match op {
            GatewayOp::Interest(interest) => self.interest(line, interest, true, now),
            GatewayOp::NoInterest(interest) => self.interest(line, interest, false, now),
            GatewayOp::AccountInterest(account) => {
                self.change_account(line, account, AccountChange::Allowed);
            }
            GatewayOp::NoAccountInterest(account) => {
                self.change_account(line, account, AccountChange::Refused);
            }
            _ => {}
        }
    }
}

impl Conversation for Gateway {
    fn begin(&mut self, line: &mut Line) {
        self.perform(line, |_, _, _| {});
    }

    fn secured(&mut self, line: &mut Line, admission: Admission) {
        self.perform(line, |link, cx, out| link.secured(admission, cx, out));
    }

    fn wrong_name(&mut self, name: &str) {
        if let Some(dial) = self.dial {
            self.mesh.state.lock().gateways.wrong_name(dial, name);
        }
    }

    fn is_waiting(&self) -> bool {
        self.link.is_waiting()
    }

    fn next_deadline(&self) -> Moment {
        self.link.next_deadline()
    }

    fn step(
        &mut self,
        line: &mut Line,
        bytes: &[u8],
        whole: Option<&Bytes>,
        now: Moment,
        counts: &mut Counts,
    ) -> (usize, Option<usize>) {
        let limits = self.limits(line);
        let mut run = Run::default();
        let mut at = 0;
        loop {
            let here = &bytes[at..];
            match decode(here, &limits) {
                Ok(Decoded::Incomplete { need }) => return (at, Some(need)),
                Ok(Decoded::Op { op, used }) if !self.link.accepts(&op) => {
                    self.perform(line, |link, cx, out| link.handle(&op, cx, out));
                    return (at + used, None);
                }
                Ok(Decoded::Op { op, used }) => {
                    counts.is_active = true;
                    if let GatewayOp::Message(m) = &op {
                        at += self.message(line, m, whole, (here, used), &mut run, counts);
                    } else {
                        at += used;
                        self.other(line, &op, now);
                        line.count_interest();
                        if line.is_turn_over() {
                            return (at, None);
                        }
                    }
                }
                Err(error) => {
                    self.perform(line, |link, _, out| link.undecodable(&error, out));
                    return (at, Some(0));
                }
            }
        }
    }

    fn password_checked(&mut self, line: &mut Line, is_right: bool) {
        self.perform(line, |link, cx, out| {
            link.password_checked(is_right, cx, out);
        });
    }

    fn tick(&mut self, line: &mut Line) {
        self.perform(line, |link, cx, out| link.tick(cx, out));
    }

    fn close(&mut self, line: &mut Line, reason: CloseReason) {
        self.perform(line, |link, _, out| link.close(reason, out));
    }

    fn on_news(&mut self, _line: &mut Line) {}

    fn options_changed(&mut self, line: &mut Line) {
        self.perform(line, |link, cx, _| link.options_changed(cx));
    }

    fn why_closed(&self, _line: &Line) -> CloseReason {
        let state = self.mesh.state.lock();
        let is_unknown = |gateway: &str| state.settings.reject_unknown && !state.knows(gateway);
        let is_removed = match &self.role {
            Role::Outbound { link, .. } => !state.knows(link.name()),
            Role::Inbound { gateway, .. } => is_unknown(gateway),
            Role::Unregistered => false,
        };
        let is_cancelled = |dial| !state.attempts.contains_key(&dial);
        if is_removed {
            CloseReason::RouteRemoved
        } else if self.dial.is_some_and(is_cancelled) {
            CloseReason::DuplicateLink
        } else {
            CloseReason::WriteError
        }
    }

    fn rest(&mut self) {
        if let Role::Inbound { messages, .. } = &mut self.role {
            messages.rest();
        }
    }

    fn counters(shared: &Shared) -> &SlowLinks {
        &shared.trouble.gateways
    }

    fn end(&mut self, line: &mut Line) {
        let (peer, shared) = (line.peer().clone(), line.shared.clone());
        let role = std::mem::replace(&mut self.role, Role::Unregistered);
        let dial = self.dial;
        let mut gone = None;
        self.mesh.change(&shared, |state, wanted| {
            match role {
                Role::Outbound { link, interest } => {
                    let registered = state.outbound.get(link.name());
                    if registered.is_some_and(|p| Arc::ptr_eq(p, &peer)) {
                        state.outbound.remove(link.name());
                    }
                    gone = Some((link, interest));
                }
                Role::Inbound { gateway, url, .. } => {
                    shared.broker.remove_inbound(&peer);
                    state.gateways.inbound_over(&gateway, &url);
                }
                Role::Unregistered => {}
            }
            if let Some(dial) = dial.filter(|dial| state.attempts.remove(dial).is_some()) {
                state.gateways.link_over(dial, shared.rt.now(), wanted);
            }
        });
        if let Some((link, interest)) = gone {
            shared.broker.remove_outbound(&link);
            bulk::forget(&shared, Forgetting::new(interest));
        }
    }
}
