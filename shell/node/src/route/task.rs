//! The task of one connection to another server of the cluster, dialled or accepted. Not here: the loop
//! around it (`crate::link`), the rules of the conversation (`gannet_session::route`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use gannet_broker::{Hop, PeerKind, RouteFilter, RouteLink, RouteTraits, Run};
use gannet_config::quoted;
use gannet_identity::PasswordCheck;
use gannet_rt::Stream;
use gannet_session::CloseReason;
use gannet_session::link_auth::Admission;
use gannet_session::patience::Patience;
use gannet_session::route::{Context, Link, Output, Place, RemoteServer, Settings};
use gannet_session::topology::routes::{Dial, Output as Wanted};
use gannet_units::Moment;
use gannet_wire::route::{Decoded, Form, Interest, Limits, Message, RouteOp, decode};

use super::conn::{Conn, Order};
use super::mesh::{Attempt, Mesh, State};
use super::moves;
use crate::channel::Channel;
use crate::link::{self, Conversation, Counts, Inbound, Line, Purpose, UnknownAccount};
use crate::log::log;
use crate::shared::{Shared, SlowLinks};
use crate::tls::Handshake;

/// The account that always exists.
const SYSTEM_ACCOUNT: &str = "$SYS";

/// The conversation on one connection.
struct Route {
    mesh: Arc<Mesh>,
    conn: Arc<Conn>,
    link: Link,
    /// The account that has the connection to itself.
    account: Option<Arc<[u8]>>,
    messages: Inbound,
    outputs: Vec<Output>,
}

/// Starts the task of a connection that another server dialled.
pub(crate) fn accepted(shared: &Arc<Shared>, stream: Stream, addr: SocketAddr) {
    let Some(mesh) = shared.routes.get().cloned() else {
        return;
    };
    let (mut line, conn) = new_line(shared, stream, addr, false);
    let tls = shared.tls();
    line.handshake = (tls.routes()).map(|tls| Handshake::accepted("route", tls));
    let route = mesh.clone().change(shared, |state, _| {
        let id = state.routes.accepted();
        state.attempts.insert(id, Attempt::Connected(conn.clone()));
        Route::new(shared, &mesh, conn, state, |cx, out| {
            Link::accept(id, addr.ip(), cx, shared.rt.random_u64(), out)
        })
    });
    shared.rt.spawn(link::run(line, route));
}

/// Runs a connection that was dialled.
pub(super) async fn dialled(
    shared: Arc<Shared>,
    mesh: Arc<Mesh>,
    dial: Dial,
    stream: Stream,
    addr: SocketAddr,
) {
    let (mut line, conn) = new_line(&shared, stream, addr, dial.is_configured);
    let route = mesh.clone().change(&shared, |state, _| {
        let name = state.server_names.name_for(&dial.url.host);
        let tls = shared.tls();
        line.handshake = (tls.routes()).map(|tls| Handshake::dialled("route", tls, name));
        // It may have been cancelled in the meantime.
        *state.attempts.get_mut(&dial.id)? = Attempt::Connected(conn.clone());
        state.routes.connected(dial.id, addr);
        Some(Route::new(&shared, &mesh, conn, state, |cx, out| {
            Link::dial(dial.errand(), addr.ip(), cx, shared.rt.random_u64(), out)
        }))
    });
    if let Some(route) = route {
        link::run(line, route).await;
    }
}

fn new_line(
    shared: &Arc<Shared>,
    stream: Stream,
    addr: SocketAddr,
    is_configured: bool,
) -> (Line, Arc<Conn>) {
    let options = shared.options();
    let purpose = Purpose {
        kind: PeerKind::Route,
        is_configured,
        patience: Patience::with_route(&options.cluster, &options.limits),
    };
    let line = Line::new(shared, purpose, Arc::new(Channel::new(stream)), addr);
    let conn = Conn::new(line.peer().clone(), line.facts.clone());
    (line, Arc::new(conn))
}

impl Route {
    fn new(
        shared: &Arc<Shared>,
        mesh: &Arc<Mesh>,
        conn: Arc<Conn>,
        state: &State,
        begin: impl FnOnce(&Context<'_>, &mut Vec<Output>) -> Link,
    ) -> Route {
        let mut outputs = Vec::new();
        let link = in_context(shared, &state.settings, state, |cx| begin(cx, &mut outputs));
        Route {
            link,
            mesh: mesh.clone(),
            conn,
            account: None,
            messages: Inbound::new(shared, Hop::Route),
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
            let mut outputs = std::mem::take(&mut self.outputs);
            let link = &mut self.link;
            in_context(&shared, &state.settings, state, |cx| {
                act(link, cx, &mut outputs)
            });
            for output in outputs.drain(..) {
                self.carry_out(line, output, state, wanted);
                mesh.settle(&shared, state, wanted);
            }
            self.outputs = outputs;
        });
    }

    fn carry_out(
        &mut self,
        line: &mut Line,
        output: Output,
        state: &mut State,
        wanted: &mut Vec<Wanted>,
    ) {
        let shared = line.shared.clone();
        let (id, now) = (self.link.id(), shared.rt.now());
        match output {
            Output::Send(bytes) => line.peer().send(&bytes),
            Output::Log(text) => line.log(&text),
            Output::CheckPassword { hash, password } => line.check = Some((hash, password)),
            Output::ReadCompressed => line.reads_compressed = true,
            Output::WriteCompressed(mode) => {
                line.transport.write_compressed(&shared.writers, mode);
                *self.conn.compression.lock() = self.link.compression();
            }
            Output::Registered(remote) => self.register(line, *remote, state, wanted),
            Output::News(news) => state.routes.news(id, &news, now, wanted),
            Output::GatewayGossip { gateway, urls } => {
                if let Some(gateways) = shared.mesh.get() {
                    gateways.heard_of(&shared, &gateway, &urls);
                }
            }
            Output::PeerPermissions { .. } => self.conn.tell_again(&shared),
            Output::Turn(accounts) => {
                moves::turn(&shared, &self.mesh, state, &self.conn, &accounts);
            }
            Output::Synced(token) => self.conn.answer(token),
            Output::Rtt(rtt) => line.note_rtt(rtt),
            Output::Close(reason) => {
                line.closing.get_or_insert(reason);
                self.conn.leave(&shared);
                state.attempts.remove(&id);
                state.routes.over(id, self.link.ending(), now, wanted);
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
        line.register(&remote.info.server_id);
        *self.conn.compression.lock() = self.link.compression();
        if let Place::Account(name) = &remote.place {
            self.account = Some(name.as_bytes().into());
            // Also while it carries nothing yet.
            line.peer().set_one_account(true);
        }
        let now = shared.rt.now();
        state
            .routes
            .registered(self.link.id(), &remote, now, wanted);
        // What was here before has left its place before this one's interest counts.
        self.mesh.settle(&shared, state, wanted);
        let filter = state.filter.clone();
        let traits = RouteTraits {
            server_id: remote.info.server_id.clone(),
            headers: remote.headers,
            carries: state.carries(&remote.info.server_id, &remote.place),
            filter: filter.map(|filter| filter as Arc<dyn RouteFilter>),
        };
        let carrier = RouteLink::new(line.peer().clone(), traits);
        let server_id = remote.info.server_id.clone();
        self.conn.join(&shared, carrier, remote);
        state.routes.joined(&server_id, now, wanted);
    }

    fn interest(&self, line: &Line, i: &Interest<'_>, is_wanted: bool, now: Moment) {
        let count = self.conn.interest(&line.shared.broker, i, is_wanted, now);
        if let Some(count) = count {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            line.facts.subscriptions.store(count, Ordering::Relaxed);
        }
    }

    /// Performs what is no message.
    fn other(&self, line: &Line, op: &RouteOp<'_>, now: Moment) {
        match op {
            RouteOp::Interest(i) => self.interest(line, i, true, now),
            RouteOp::NoInterest(i) => self.interest(line, i, false, now),
            _ => {}
        }
    }
}

/// Calls `act` with what a link must know of the world, under `settings`.
fn in_context<R>(
    shared: &Shared,
    settings: &Settings,
    state: &State,
    act: impl FnOnce(&Context<'_>) -> R,
) -> R {
    let knows_account = |name: &str| is_known(shared, name);
    act(&Context {
        now: shared.rt.now(),
        settings,
        neighbours: &state.routes,
        knows_account: &knows_account,
    })
}

/// Whether there is such an account.
pub(crate) fn is_known(shared: &Shared, account: &str) -> bool {
    account == SYSTEM_ACCOUNT || shared.broker.account(account).is_some()
}

impl Conversation for Route {
    fn begin(&mut self, line: &mut Line) {
        self.perform(line, |_, _, _| {});
    }

    fn secured(&mut self, line: &mut Line, admission: Admission) {
        self.perform(line, |link, _, _| link.admit(admission));
    }

    fn wrong_name(&mut self, name: &str) {
        self.mesh.state.lock().server_names.mismatch(name);
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
        let (account, limits) = (self.account.clone(), self.limits(line));
        let form = Form {
            account: account.as_deref(),
            ..self.link.form()
        };
        let mut run = Run::default();
        let mut at = 0;
        loop {
            let here = &bytes[at..];
            match decode(here, &form, &limits) {
                Ok(Decoded::Incomplete { need }) => return (at, Some(need)),
                Ok(Decoded::Op { op, used }) if !self.link.accepts(&op) => {
                    self.perform(line, |link, cx, out| link.handle(&op, cx, out));
                    return (at + used, None);
                }
                Ok(Decoded::Op { op, used }) => {
                    counts.is_active = true;
                    if let RouteOp::Message(m) = &op {
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
        // Before the lock: there may be much of it.
        self.conn.leave(&line.shared);
        self.perform(line, |link, _, out| link.close(reason, out));
    }

    fn on_news(&mut self, line: &mut Line) {
        for order in self.conn.take_orders() {
            match order {
                Order::Close(reason) => self.close(line, reason),
                Order::Probe => self.perform(line, |link, cx, out| link.probe(cx, out)),
                Order::Sync(token) => self.perform(line, |link, _, out| link.sync(token, out)),
                Order::Recompress => {
                    self.perform(line, |link, cx, out| link.compression_changed(cx, out));
                }
            }
        }
    }

    fn options_changed(&mut self, line: &mut Line) {
        self.perform(line, |link, cx, out| link.options_changed(cx, out));
    }

    fn try_on(&self, line: &Line) {
        let (shared, id) = (&line.shared, line.peer().id());
        let Some(trial) = shared.trial() else { return };
        let Some(routes) = &trial.routes else { return };
        // What happens to a copy happens to nobody.
        let (mut link, mut outputs) = (self.link.clone(), Vec::new());
        in_context(shared, &routes.settings, &self.mesh.state.lock(), |cx| {
            link.options_changed(cx, &mut outputs);
            if routes.compression {
                link.compression_changed(cx, &mut outputs);
            }
        });
        let mut reason = None;
        for output in outputs {
            match output {
                Output::Close(why) => reason = reason.or(Some(why)),
                Output::CheckPassword { hash, password } => {
                    let check = PasswordCheck::new(&hash, password.expose());
                    let (rt, trial) = (shared.rt.clone(), trial.clone());
                    let wrong = reason.or(Some(CloseReason::AuthenticationViolation));
                    drop(shared.rt.spawn(async move {
                        let is_right = rt.run_blocking(move || check.run()).await;
                        trial.answer(id, if is_right { reason } else { wrong });
                    }));
                    return;
                }
                _ => {}
            }
        }
        trial.answer(id, reason);
    }

    fn why_closed(&self, _line: &Line) -> CloseReason {
        CloseReason::WriteError
    }

    fn rest(&mut self) {
        self.messages.rest();
    }

    fn counters(shared: &Shared) -> &SlowLinks {
        &shared.trouble.routes
    }

    fn end(&mut self, line: &mut Line) {
        // After a panic nobody has said goodbye yet.
        self.conn.leave(&line.shared);
        let (shared, id) = (line.shared.clone(), self.link.id());
        self.mesh.change(&shared, |state, wanted| {
            if state.attempts.remove(&id).is_some() {
                let ending = self.link.ending();
                state.routes.over(id, ending, shared.rt.now(), wanted);
            }
        });
    }
}

impl Route {
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
        let (taken, result) = (self.messages).take(line, (m, whole), (bytes, used), run, counts);
        if let Err(UnknownAccount) = result {
            let account = String::from_utf8_lossy(m.account);
            let subject = String::from_utf8_lossy(m.subject);
            log!(
                line.shared.log,
                Debug,
                about line.about,
                "Unknown account {} for routed message on subject: {}",
                quoted(&account),
                quoted(&subject)
            );
        }
        taken
    }
}
