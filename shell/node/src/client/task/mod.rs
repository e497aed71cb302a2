//! The task of one client connection: waits for whatever comes next, and has the parts of this folder do it.
//! Not here: rules of the conversation (`gannet_session::client`).

mod arrival;
mod end;
mod interest;
mod stall;
mod wake;
mod work;

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::Arc;

use gannet_broker::{Delivery, Publisher, Subscriptions};
use gannet_identity::{Admission, Authenticator};
use gannet_rt::future::yield_now;
use gannet_session::CloseReason;
use gannet_session::client::{ClientSession, Patience};
use gannet_session::trace::Speaker;
use gannet_wire::client::ClientConnect;

use crate::log::log;
use crate::panics::caught;
use crate::registry::ClientConn;
use crate::shared::Shared;
use crate::trace::Trace;
use crate::transport::{Transport, Wake};

/// What a client is told that is one too many.
const TOO_MANY: &str = "maximum connections exceeded";
/// What a client is told that is one too many in its account.
const TOO_MANY_IN_ACCOUNT: &str = "maximum account active connections exceeded";

/// What to do after a batch of operations.
pub(super) enum After {
    Wait,
    Authenticate(Box<ClientConnect>, bool),
    Close(CloseReason, Option<String>),
    /// Other credentials are asked for now.
    LookAgain,
    /// Go on with what was read, after everybody else had their turn.
    GoOn,
}

pub(super) struct Task {
    pub(super) shared: Arc<Shared>,
    pub(super) conn: Arc<ClientConn>,
    pub(super) session: ClientSession,
    /// What the client's credentials were last looked at by.
    pub(super) auth: Arc<Authenticator>,
    /// As what the client was let in, if it was.
    pub(super) admission: Option<Box<Admission>>,
    /// It counts in its account.
    is_member: bool,
    pub(super) publisher: Publisher,
    delivery: Delivery,
    pub(super) subs: Subscriptions,
    transport: Transport,
    /// The session's own words, on their way to the outbox.
    pub(super) out: Vec<u8>,
    trace: Option<Box<Trace>>,
    patience: Patience,
}

/// Runs one connection from its INFO to its end.
pub(crate) async fn run(shared: Arc<Shared>, conn: Arc<ClientConn>) {
    let now = shared.rt.now();
    let session = ClientSession::new(shared.client_limits().clone(), now, shared.rt.random_u64());
    let transport = Transport::new(
        &shared.rt,
        conn.peer.clone(),
        conn.stream.clone(),
        session.deadline(),
    );
    let seed = shared.seed ^ conn.id.0;
    // In a box of its own, so that the futures around it stay small: an idle connection is mostly this.
    let mut task = Box::new(Task {
        publisher: Publisher::new(shared.broker.global().clone(), shared.seed),
        delivery: Delivery::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        subs: Subscriptions::new(shared.seed),
        out: Vec::new(),
        trace: None,
        patience: Patience::default(),
        auth: shared.auth(),
        admission: None,
        is_member: false,
        session,
        transport,
        shared,
        conn,
    });
    task.begin_trace();
    match caught(task.converse()).await {
        Ok(reason) => task.end(reason).await,
        Err(panic) => {
            task.end(CloseReason::InternalClient).await;
            resume_unwind(panic);
        }
    }
}

impl Task {
    async fn converse(&mut self) -> CloseReason {
        match self.arrive() {
            Err(reason) => return reason,
            Ok(None) => {}
            Ok(Some(door)) => {
                if let Some(reason) = Box::pin(self.enter(door)).await {
                    return reason;
                }
            }
        }
        // They may have changed before anybody could tell this connection.
        let after = self.options_changed();
        if let Some(reason) = self.after(after).await {
            return reason;
        }
        loop {
            let wake = poll_fn(|cx| self.transport.poll_wake(cx, true)).await;
            let after = match wake {
                Wake::Readable => self.on_readable(),
                Wake::Writable => self.on_writable(),
                Wake::Deadline => self.on_deadline(),
                Wake::Signal(bits) => self.on_signal(bits),
            };
            if let Some(reason) = self.after(after).await {
                return reason;
            }
        }
    }

    /// Does what has to wait; answers the reason if the connection ends.
    async fn after(&mut self, after: After) -> Option<CloseReason> {
        let mut after = after;
        loop {
            match after {
                After::Wait => break,
                After::Close(reason, text) => {
                    if let Some(text) = text {
                        log!(self.shared.log, Error, about self.conn.about(), "{text}");
                    }
                    return Some(reason);
                }
                After::GoOn => {
                    yield_now().await;
                    after = self.work();
                }
                After::LookAgain => after = Box::pin(self.look_again()).await,
                After::Authenticate(connect, again) => {
                    after = Box::pin(self.authenticate(connect, again)).await;
                    self.speak();
                    if matches!(after, After::Wait) {
                        // Operations that came with the CONNECT are waiting.
                        after = self.work();
                    }
                }
            }
        }
        self.transport.input.release(&self.shared.buffers);
        self.stall().await;
        self.set_timer();
        None
    }

    /// Moves the timer if a deadline is nearer than it.
    fn set_timer(&mut self) {
        let deadline = self.session.deadline().min(self.patience.next_look());
        self.transport.set_timer(deadline);
    }

    /// Puts the session's own words into the outbox and flushes it.
    pub(super) fn speak(&mut self) {
        self.transport.speak(&mut self.out, self.delivery.spare());
    }

    /// Begins or ends the trace, as the log wants it now.
    pub(super) fn begin_trace(&mut self) {
        let whose = (Speaker::Client, self.shared.client_limits().control_line);
        let about = || self.conn.about();
        let (before, shared, transport) = (self.trace.take(), &self.shared, &self.transport);
        self.trace = Trace::now(before, shared, transport, whose, about);
    }
}
