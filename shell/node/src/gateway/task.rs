//! The task of one link to another cluster, dialled or accepted. Not here: the rules of the
//! conversation (`gannet_session::gateway`).

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use gannet_broker::{
    AccountChange, Delivery, Forgetting, InboundLink, LinkTraits, Message, OutboundLink, Peer,
    PeerKind, RemoteInterest, Run, Signal,
};
use gannet_config::{GatewayOptions, Secret};
use gannet_identity::PasswordCheck;
use gannet_rt::Stream;
use gannet_rt::tls::TlsFacts;
use gannet_session::CloseReason;
use gannet_session::gateway::{Context, Direction, Link, Output, RemoteServer};
use gannet_session::patience::{Patience, Verdict};
use gannet_session::topology::gateways::{Dial, DialId, Output as Wanted, Standing};
use gannet_subject::is_valid_pattern;
use gannet_units::Moment;
use gannet_wire::gateway::{self, Decoded, GatewayOp, Interest, Limits, decode, encode};
use gannet_wire::message_again;
use gannet_wire::server_info::ServerInfo;

use super::mesh::{Attempt, Mesh, State, gossip_to_route};
use super::messages::Inbound;
use crate::bulk;
use crate::channel::Channel;
use crate::input::Ready;
use crate::link::write_log;
use crate::log::{log, shown_duration};
use crate::panics::caught;
use crate::registry::LinkFacts;
use crate::shared::Shared;
use crate::sink::StreamSink;
use crate::tls::{Failure, Handshake};
use crate::transport::{Read, Transport, Wake};

/// Reads in a row before other tasks get their turn.
const READS_IN_A_ROW: usize = 16;
/// A link that carried nothing for so long gives back what it keeps for speed.
const QUIET: Duration = Duration::from_secs(5);
/// How often a link that is never quiet forgets its plans, since they may name peers that are gone: those in
/// use are soon made again. It is looked at when the link's timer fires, at least every 15 seconds.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// What the link is for, once that is settled.
enum Role {
    Unregistered,
    Outbound {
        link: Arc<OutboundLink>,
        interest: RemoteInterest,
    },
    Inbound {
        gateway: String,
        messages: Inbound,
    },
}

struct LinkTask {
    shared: Arc<Shared>,
    mesh: Arc<Mesh>,
    link: Link,
    transport: Transport,
    delivery: Delivery,
    facts: Arc<LinkFacts>,
    /// Still to be made.
    handshake: Option<Handshake>,
    dial: Option<DialId>,
    role: Role,
    /// The beginning of its lines in the log.
    label: String,
    /// Words of our own, on their way to the outbox.
    words: Vec<u8>,
    /// The INFO that the peer was told at first.
    info: Bytes,
    /// News for the other servers of this cluster.
    for_routes: Vec<Bytes>,
    outputs: Vec<Output>,
    check: Option<(Secret, Secret)>,
    patience: Patience,
    /// When the messages' plans were last forgotten.
    forgot: Moment,
    closing: Option<CloseReason>,
}

/// Starts the task of a connection that another cluster dialled.
pub(crate) fn accepted(shared: &Arc<Shared>, stream: Stream, addr: SocketAddr) {
    let Some(mesh) = shared.mesh.get().cloned() else {
        return;
    };
    let (mut outputs, settings) = (Vec::new(), mesh.settings());
    let link = Link::accept(
        shared.rt.now(),
        &settings,
        shared.rt.random_u64(),
        &mut outputs,
    );
    let mut task = LinkTask::new(shared, mesh, link, outputs, None, stream, addr);
    task.info = settings.info.clone();
    task.handshake = (shared.tls.gateway()).map(|tls| Handshake::accepted("gateway", tls));
    shared.rt.spawn(async move { task.run().await });
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
    let tls = shared.tls.to_gateway(&dial.remote).cloned();
    let link = Link::dial(
        &dial.remote,
        &dial.url,
        tls.is_some(),
        now,
        &settings,
        seed,
        &mut outputs,
    );
    let mut task = LinkTask::new(
        &shared,
        mesh.clone(),
        link,
        outputs,
        Some(&dial),
        stream,
        addr,
    );
    task.handshake = tls.map(|tls| Handshake::dialled("gateway", &tls, dial.server_name.clone()));
    match mesh.state.lock().attempts.get_mut(&dial.id) {
        Some(attempt) => *attempt = Attempt::Connected(task.transport.peer.clone()),
        // Cancelled in the meantime.
        None => return,
    }
    task.run().await;
}

impl LinkTask {
    fn new(
        shared: &Arc<Shared>,
        mesh: Arc<Mesh>,
        link: Link,
        outputs: Vec<Output>,
        dial: Option<&Dial>,
        stream: Stream,
        addr: SocketAddr,
    ) -> LinkTask {
        let stream = Arc::new(Channel::new(stream));
        let id = shared.clients.next_id();
        let kind = match link.direction() {
            Direction::Outbound => PeerKind::OutboundGateway,
            Direction::Inbound => PeerKind::InboundGateway,
        };
        let max_pending = shared.options.limits.max_pending.as_usize();
        let peer = Arc::new(Peer::new(
            id,
            kind,
            max_pending,
            Box::new(StreamSink::new(&stream)),
        ));
        let started_at = shared.rt.now();
        let options = &shared.options;
        let patience = match &options.gateway {
            Some(gateway) => Patience::with_gateway(gateway, &options.limits),
            None => Patience::with_gateway(&GatewayOptions::default(), &options.limits),
        };
        let facts = LinkFacts {
            addr,
            started: shared.rt.wall(),
            started_at,
            remote_id: parking_lot::Mutex::default(),
            configured: dial.is_some_and(|dial| dial.is_configured),
            tls: OnceLock::new(),
            in_msgs: AtomicU64::new(0),
            in_bytes: AtomicU64::new(0),
            last_active: AtomicU64::new(started_at.as_nanos()),
            subscriptions: AtomicU32::new(0),
            rtt_nanos: AtomicU64::new(0),
        };
        LinkTask {
            transport: Transport::new(&shared.rt, peer, stream, link.next_deadline()),
            delivery: Delivery::new(shared.rt.random_u64()),
            facts: Arc::new(facts),
            dial: dial.map(|dial| dial.id),
            handshake: None,
            role: Role::Unregistered,
            label: format!("{addr} - gid:{} - ", id.0),
            words: Vec::new(),
            info: Bytes::new(),
            for_routes: Vec::new(),
            check: None,
            patience,
            forgot: started_at,
            closing: None,
            shared: shared.clone(),
            mesh,
            link,
            outputs,
        }
    }

    /// Runs the link from its first words to its end.
    async fn run(mut self) {
        match caught(self.converse()).await {
            Ok(()) => self.end().await,
            Err(panic) => {
                self.closing = Some(CloseReason::InternalClient);
                self.end().await;
                resume_unwind(panic);
            }
        }
    }

    async fn converse(&mut self) {
        self.perform(|_, _, _| {});
        if let Some(handshake) = self.handshake.take() {
            self.secure(&handshake).await;
        }
        self.flush();
        self.set_timer();
        while self.closing.is_none() {
            let reading = !self.link.is_waiting();
            match poll_fn(|cx| self.transport.poll_wake(cx, reading)).await {
                Wake::Readable => self.on_readable(),
                Wake::Writable => self.on_writable(),
                Wake::Deadline => self.on_deadline(),
                Wake::Signal(bits) => self.on_signal(bits),
            }
            if let Some((hash, given)) = self.check.take() {
                self.check_password(hash, given).await;
            }
            self.set_timer();
        }
    }

    /// Encrypts the connection, as the first thing of all.
    async fn secure(&mut self, handshake: &Handshake) {
        let (stream, peer) = (self.transport.stream.clone(), self.transport.peer.clone());
        let latest = self.link.next_deadline();
        let done = handshake
            .perform(&self.shared, &self.label, &stream, &peer, latest)
            .await;
        match done {
            Ok((facts, admission)) => {
                let _: Result<(), TlsFacts> = self.facts.tls.set(facts);
                self.perform(|link, cx, out| link.secured(admission, cx, out));
            }
            Err(failure) => {
                if let (Some(dial), Some(name)) = (self.dial, handshake.wrong_name(&failure)) {
                    self.mesh.state.lock().gateways.wrong_name(dial, name);
                }
                if let Failure::Tls(_) = failure {
                    self.close(CloseReason::TlsHandshakeError);
                }
            }
        }
    }

    /// Lets the link do something, and does what it wants, all under the mesh's lock.
    fn perform(&mut self, act: impl FnOnce(&mut Link, &Context<'_>, &mut Vec<Output>)) {
        let (shared, mesh) = (self.shared.clone(), self.mesh.clone());
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
                self.carry_out(output, state, wanted);
            }
            self.outputs = outputs;
        });
        // Not under the lock, since that of the routes is an outer one.
        for line in self.for_routes.drain(..) {
            if let Some(routes) = shared.routes.get() {
                routes.tell_peers(&shared, &line);
            }
        }
    }

    /// The servers of this cluster are to learn where those of the remote one are.
    fn tell_routes(&mut self, gateway: &str, urls: Vec<String>) {
        if !urls.is_empty() {
            let line = gossip_to_route(&self.shared, gateway, urls);
            self.for_routes.push(line);
        }
    }

    fn carry_out(&mut self, output: Output, state: &mut State, wanted: &mut Vec<Wanted>) {
        let now = self.shared.rt.now();
        match output {
            Output::Send(bytes) => self.transport.peer.send(&bytes),
            Output::Log(line) => write_log(&self.shared, &self.label, &line),
            Output::CheckPassword { hash, password } => self.check = Some((hash, password)),
            Output::Registered(remote) => self.register(remote, state, wanted),
            Output::Gossip { gateway, urls } => state.gateways.gossip(&gateway, &urls, now, wanted),
            Output::PeerUrls(urls) => {
                if let Some(dial) = self.dial {
                    state.gateways.peer_urls(dial, &urls);
                }
                if let Role::Outbound { link, .. } = &self.role {
                    let name = link.name().to_owned();
                    self.tell_routes(&name, urls);
                }
            }
            Output::InterestBegins { account } => {
                self.change_account(&account, AccountChange::SwitchBegins)
            }
            Output::InterestComplete { account } => {
                self.change_account(&account, AccountChange::SwitchComplete)
            }
            Output::Rtt(rtt) => {
                let nanos = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
                self.facts.rtt_nanos.store(nanos, Ordering::Relaxed);
                if let Role::Outbound { link, .. } = &self.role {
                    self.shared.broker.set_rtt(link, rtt);
                }
            }
            Output::Close(reason) => {
                self.closing.get_or_insert(reason);
            }
        }
    }

    fn register(&mut self, remote: RemoteServer, state: &mut State, wanted: &mut Vec<Wanted>) {
        let now = self.shared.rt.now();
        let peer = self.transport.peer.clone();
        *self.facts.remote_id.lock() = remote.server_id.clone();
        match remote.direction {
            Direction::Outbound => {
                let Some(dial) = self.dial else { return };
                if state.gateways.link_up(dial, &remote.urls, now, wanted) == Standing::Unwanted {
                    state.attempts.remove(&dial);
                    self.dial = None;
                    self.closing.get_or_insert(CloseReason::DuplicateLink);
                    return;
                }
                state.outbound.insert(remote.gateway.clone(), peer.clone());
                self.tell_routes(&remote.gateway, remote.urls.clone());
                let traits = LinkTraits {
                    name: remote.gateway,
                    headers: remote.headers,
                    interest_only: remote.interest_only,
                };
                let link = Arc::new(OutboundLink::new(peer, traits));
                self.shared.broker.add_outbound(link.clone());
                self.role = Role::Outbound {
                    link,
                    interest: RemoteInterest::default(),
                };
            }
            Direction::Inbound => {
                let mut greeting = Vec::new();
                for (name, urls) in state.gateways.gossip_for(&remote.gateway) {
                    encode::info(
                        &mut greeting,
                        &ServerInfo::gossip(&self.shared.id, name, urls),
                    );
                }
                if state.settings.info != self.info {
                    // What it was told at first has changed in the meantime.
                    greeting.extend_from_slice(&state.settings.info);
                }
                let link = InboundLink {
                    peer,
                    name: remote.gateway.clone(),
                };
                let listing = self.shared.broker.add_inbound(Arc::new(link), &greeting);
                bulk::list(&self.shared, listing);
                state
                    .gateways
                    .inbound_up(&remote.gateway, &remote.urls, now, wanted);
                let messages = Inbound::new(&state.settings.gateway, &self.shared.id);
                self.role = Role::Inbound {
                    gateway: remote.gateway,
                    messages,
                };
            }
        }
        self.shared
            .links
            .add(self.transport.peer.id(), self.facts.clone());
    }

    fn change_account(&mut self, account: &[u8], change: AccountChange) {
        if let (Role::Outbound { link, .. }, Ok(name)) = (&self.role, std::str::from_utf8(account))
        {
            self.shared.broker.remote_account(link, name, change);
        }
    }

    async fn check_password(&mut self, hash: Secret, given: Secret) {
        let check = PasswordCheck::new(&hash, given.expose());
        let right = self.shared.rt.run_blocking(move || check.run()).await;
        self.perform(|link, cx, out| link.password_checked(right, cx, out));
        // What came meanwhile is waiting.
        self.work();
        self.flush();
    }

    fn on_readable(&mut self) {
        for _ in 0..READS_IN_A_ROW {
            let more = match self.transport.read(&self.shared.buffers) {
                Read::Bytes(more) => more,
                Read::Nothing => break,
                Read::Ended(reason) => return self.close(reason),
            };
            self.work();
            if !more || self.closing.is_some() || self.link.is_waiting() {
                break;
            }
        }
        self.transport.input.release(&self.shared.buffers);
    }

    /// Performs every operation that is complete, then flushes everybody concerned.
    fn work(&mut self) {
        let now = self.shared.rt.now();
        self.delivery.begin(now);
        match self.transport.input.take() {
            Ready::Nothing => {}
            Ready::Buffer(buffer, filled) => {
                let (used, need) = self.operations(&buffer[..filled], None, now);
                self.transport.input.put_back(buffer, used, filled, need);
            }
            Ready::Large(bytes) => {
                let (used, need) = self.operations(&bytes, Some(&bytes), now);
                if used < bytes.len() {
                    self.transport.input.put_back_large(&bytes, used, need);
                }
            }
        }
        self.delivery.finish(&self.shared.broker);
        // Nobody is held back on a link: it serves many publishers.
        self.delivery.take_crowded();
        self.flush();
    }

    fn limits(&self) -> Limits {
        let control_line = self.shared.options.limits.max_control_line.as_usize();
        self.link.limits(Limits {
            control_line,
            payload: Limits::ANY_PAYLOAD,
        })
    }

    /// Performs the operations in `bytes`. Answers how many bytes were used, and how many the next one
    /// needs.
    fn operations(&mut self, bytes: &[u8], whole: Option<&Bytes>, now: Moment) -> (usize, usize) {
        let mut limits = self.limits();
        let (mut at, mut msgs, mut size) = (0, 0, 0);
        let mut carried = false;
        let mut run = (Run::default(), 0);
        let need = loop {
            if at == bytes.len() || self.closing.is_some() || self.link.is_waiting() {
                break 0;
            }
            match decode(&bytes[at..], &limits) {
                Ok(Decoded::Incomplete { need }) => break need,
                Ok(Decoded::Op { op, used }) => {
                    at += used;
                    if !self.link.accepts(&op) {
                        self.perform(|link, cx, out| link.handle(&op, cx, out));
                        limits = self.limits();
                        continue;
                    }
                    carried = true;
                    if let GatewayOp::Message(m) = &op {
                        msgs += 1;
                        size += m.payload.len() as u64;
                        let begun = at - used;
                        if whole.is_none()
                            && m.reply.is_empty()
                            && m.queues.is_empty()
                            && !m.tail.is_empty()
                            && self.deliver_run(&mut run, m, &bytes[begun..], used, limits.payload)
                        {
                            at = begun + run.1;
                            msgs += run.0.len() as u64 - 1;
                            size += (run.0.size() - m.payload.len()) as u64;
                            continue;
                        }
                    }
                    self.traffic(&op, whole, now);
                }
                Err(error) => {
                    self.perform(|link, _, out| link.undecodable(&error, out));
                    break 0;
                }
            }
        };
        // PING and PONG keep no link from being quiet, and are no activity for those who watch it.
        if carried {
            let nanos = now.as_nanos();
            self.facts.last_active.store(nanos, Ordering::Relaxed);
        }
        if msgs > 0 {
            self.facts.in_msgs.fetch_add(msgs, Ordering::Relaxed);
            self.facts.in_bytes.fetch_add(size, Ordering::Relaxed);
            self.shared.broker.traffic.received(msgs, size);
        }
        (at, need)
    }

    /// Delivers `first`, the `used` bytes at the start of `bytes`, together with all messages like it that
    /// follow, and notes in `run` how many bytes they took. `false`: there are none, or they are of no
    /// usual kind; nothing was done.
    #[inline]
    fn deliver_run<'a>(
        &mut self,
        (run, taken): &mut (Run<'a>, usize),
        first: &gateway::Message<'a>,
        bytes: &'a [u8],
        used: usize,
        max_payload: usize,
    ) -> bool {
        let Role::Inbound { messages, .. } = &mut self.role else {
            return false;
        };
        let start = &bytes[..used - first.tail.len()];
        let headers = first.header_len.is_some();
        let again = |at: usize| message_again(&bytes[at..], start, headers, max_payload);
        let Some(mut next) = again(used) else {
            return false;
        };
        let message = |header_len, payload, tail| Message {
            subject: first.subject,
            reply: b"",
            header_len,
            payload,
            tail,
            shared: None,
        };
        run.begin(&message(first.header_len, first.payload, first.tail));
        *taken = used;
        loop {
            run.push(&message(next.header_len, next.payload, next.tail));
            *taken += next.used;
            match again(*taken) {
                Some(more) if !run.is_full() => next = more,
                _ => break,
            }
        }
        let peer = &self.transport.peer;
        messages.deliver_run(&self.shared, &mut self.delivery, peer, first.account, run)
    }

    #[inline]
    fn traffic(&mut self, op: &GatewayOp<'_>, whole: Option<&Bytes>, now: Moment) {
        match (op, &mut self.role) {
            (GatewayOp::Message(m), Role::Inbound { messages, .. }) => {
                let peer = &self.transport.peer;
                messages.deliver(
                    &self.shared,
                    &mut self.delivery,
                    peer,
                    m,
                    whole,
                    &mut self.words,
                );
            }
            (GatewayOp::Interest(interest), Role::Outbound { .. }) => {
                self.interest(interest, true, now)
            }
            (GatewayOp::NoInterest(interest), Role::Outbound { .. }) => {
                self.interest(interest, false, now)
            }
            (GatewayOp::AccountInterest(account), Role::Outbound { .. }) => {
                self.change_account(account, AccountChange::Allowed);
            }
            (GatewayOp::NoAccountInterest(account), Role::Outbound { .. }) => {
                self.change_account(account, AccountChange::Refused);
            }
            _ => {}
        }
    }

    fn interest(&mut self, i: &Interest<'_>, wanted: bool, now: Moment) {
        let Role::Outbound { link, interest } = &mut self.role else {
            return;
        };
        let Ok(account) = std::str::from_utf8(i.account) else {
            return;
        };
        if is_valid_pattern(i.subject).is_err() {
            return;
        }
        let broker = &self.shared.broker;
        if wanted {
            broker.remote_subscribe(link, interest, account, i.subject, i.queue, now);
        } else {
            broker.remote_unsubscribe(link, interest, account, i.subject, i.queue);
        }
        let count = u32::try_from(interest.len()).unwrap_or(u32::MAX);
        self.facts.subscriptions.store(count, Ordering::Relaxed);
    }

    fn flush(&mut self) {
        self.transport.speak(&mut self.words, self.delivery.spare());
    }

    fn on_writable(&mut self) {
        if !self.transport.on_writable(self.delivery.spare()) {
            return self.close(CloseReason::WriteError);
        }
        self.judge(self.shared.rt.now());
    }

    /// Looks how long the link has taken nothing, and draws the consequences.
    fn judge(&mut self, now: Moment) {
        let verdict = self.patience.judge(self.transport.stuck_for(now));
        let lagging = verdict != Verdict::Fine;
        self.transport.peer.outbox().set_lagging(lagging);
        if matches!(verdict, Verdict::Slow | Verdict::GiveUp) {
            self.shared
                .trouble
                .slow_gateways
                .fetch_add(1, Ordering::Relaxed);
            let state = if self.patience.is_tried() {
                "State"
            } else {
                "Detected"
            };
            log!(
                self.shared.log,
                Info,
                "{}Slow Consumer {state}: WriteDeadline of {} exceeded",
                self.label,
                shown_duration(self.patience.deadline())
            );
        }
        if verdict == Verdict::GiveUp {
            self.close(CloseReason::SlowConsumerWriteDeadline);
        }
    }

    fn on_signal(&mut self, bits: u32) {
        if bits & Signal::CLOSE != 0 {
            let reason = if self.shared.is_stopping() {
                CloseReason::ServerShutdown
            } else if self.transport.peer.outbox().overflow().is_some() {
                self.shared
                    .trouble
                    .slow_gateways
                    .fetch_add(1, Ordering::Relaxed);
                CloseReason::SlowConsumerPendingBytes
            } else if self.is_cancelled() {
                CloseReason::DuplicateLink
            } else {
                CloseReason::WriteError
            };
            return self.close(reason);
        }
        if bits & Signal::FLUSH != 0 && !self.transport.on_flush_signal(self.delivery.spare()) {
            self.close(CloseReason::WriteError);
        }
    }

    /// Whether the reconciler has given the attempt up.
    fn is_cancelled(&self) -> bool {
        self.dial
            .is_some_and(|dial| !self.mesh.state.lock().attempts.contains_key(&dial))
    }

    fn close(&mut self, reason: CloseReason) {
        self.perform(|link, _, out| link.close(reason, out));
        self.closing.get_or_insert(reason);
    }

    fn on_deadline(&mut self) {
        let now = self.shared.rt.now();
        self.judge(now);
        if self.closing.is_some() {
            return;
        }
        self.perform(|link, cx, out| link.tick(cx, out));
        self.flush();
        if self.closing == Some(CloseReason::StaleConnection) {
            self.shared
                .trouble
                .stale_gateways
                .fetch_add(1, Ordering::Relaxed);
        }
        self.forget(now);
    }

    /// Lets go of what is only kept for speed, if the link is quiet or it has been kept for long.
    fn forget(&mut self, now: Moment) {
        let last = Moment::from_nanos(self.facts.last_active.load(Ordering::Relaxed));
        let quiet = now.since(last) > QUIET;
        if quiet {
            self.delivery.rest();
        }
        if quiet || now.since(self.forgot) >= FORGET_EVERY {
            self.forgot = now;
            if let Role::Inbound { messages, .. } = &mut self.role {
                messages.rest();
            }
        }
    }

    fn set_timer(&mut self) {
        let mut deadline = self.link.next_deadline();
        if let Some(since) = self.transport.blocked_since() {
            let now = self.shared.rt.now();
            deadline = deadline.min(self.patience.next_look(since, now));
        }
        self.transport.set_timer(deadline);
    }

    async fn end(mut self) {
        let reason = self.closing.unwrap_or(CloseReason::ClientClosed);
        let peer = self.transport.peer.clone();
        self.shared.links.remove(peer.id());
        let role = std::mem::replace(&mut self.role, Role::Unregistered);
        let (dial, shared) = (self.dial, self.shared.clone());
        let mut gone = None;
        self.mesh.change(&shared, |state, wanted| {
            match role {
                Role::Outbound { link, mut interest } => {
                    if state
                        .outbound
                        .get(link.name())
                        .is_some_and(|p| Arc::ptr_eq(p, &peer))
                    {
                        state.outbound.remove(link.name());
                    }
                    gone = Some((link, std::mem::take(&mut interest)));
                }
                Role::Inbound { gateway, .. } => {
                    shared.broker.remove_inbound(&peer);
                    state.gateways.inbound_over(&gateway);
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
        let lost = matches!(
            reason,
            CloseReason::ClientClosed | CloseReason::ReadError | CloseReason::WriteError
        );
        self.transport.close(&shared.buffers, !lost).await;
    }
}
