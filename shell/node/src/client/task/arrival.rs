//! How a client comes in: its greeting, the door it may have to pass, its credentials. Not here: the door itself
//! (`crate::client::door`), who is let in (`gannet_identity`), credentials that are looked at once more
//! (`crate::client::reload`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gannet_broker::Requester;
use gannet_config::GLOBAL_ACCOUNT;
use gannet_identity::{Admission, Who};
use gannet_session::CloseReason;
use gannet_session::client::{Answer, ClientSession, Step};
use gannet_wire::client::{ClientConnect, encode};

use super::{After, TOO_MANY, Task};
use crate::client::credentials::{Refusal, account_of, answer, credentials, decide};
use crate::client::door::Door;
use crate::client::requester::Asker;
use crate::info::client_info;
use crate::log::log;

impl Task {
    /// Greets the client and counts it in. Answers the door that it has to pass, if there is one (in a box, so that the
    /// future of a connection without one does not keep room for it), or why it must go.
    pub(super) fn arrive(&mut self) -> Result<Option<Box<Door>>, CloseReason> {
        let door = Door::of(&self.shared);
        door.greet(&self.shared, &self.conn, &mut self.out);
        let most = self.shared.now().limits.max_connections as usize;
        if !self.shared.clients.add(&self.conn, most) {
            encode::err(&mut self.out, TOO_MANY);
            if !self.shared.log.has_just_said(TOO_MANY) {
                log!(self.shared.log, Error, about self.conn.about(), "{TOO_MANY}");
            }
            self.speak();
            return Err(CloseReason::MaxConnectionsExceeded);
        }
        log!(
            self.shared.log,
            Debug,
            about self.conn.about(),
            "Client connection created"
        );
        self.speak();
        Ok(door.is_guarded().then(|| Box::new(door)))
    }

    /// Does what comes before the conversation; answers the reason if the connection ends.
    pub(super) async fn enter(&mut self, door: Box<Door>) -> Option<CloseReason> {
        let (conn, transport) = (&self.conn, &mut self.transport);
        let early = match door
            .open(&self.shared, conn, transport, &mut self.out)
            .await
        {
            Ok(early) => early,
            Err(reason) => return Some(reason),
        };
        // The time for credentials and the like begins now.
        let (limits, chance) = (self.shared.client_limits(), self.shared.rt.random_u64());
        self.auth = self.shared.auth();
        self.session = ClientSession::new(limits, self.shared.rt.now(), chance);
        // A proxy may have said who it is.
        self.begin_trace();
        self.transport.input.begin(&early, &self.shared.buffers);
        let after = self.work();
        self.after(after).await
    }

    pub(super) async fn authenticate(&mut self, connect: Box<ClientConnect>, again: bool) -> After {
        if again {
            self.drop_subscriptions();
            self.leave_account();
        }
        self.auth = self.shared.auth();
        let given = credentials(&self.conn, &connect);
        let decided = decide(&self.shared.rt, &self.auth, &given).await;
        let (step, who) = match decided {
            Ok(admission) => {
                let answer = self.admit(&admission);
                self.note_facts(&connect, Some(&admission), again);
                self.keep(admission);
                (self.session.authenticated(answer, &mut self.out), None)
            }
            Err(refusal) => {
                self.note_facts(&connect, None, again);
                let (reason, who) = (refusal.reason(), refusal.who.to_string());
                let answer = Answer::Denied { reason, who: &who };
                let step = self.session.authenticated(answer, &mut self.out);
                (step, Some(refusal))
            }
        };
        if let Some(trace) = &self.trace {
            trace.set_about(self.conn.about());
        }
        if let Some(refusal) = who {
            self.tell_more(&refusal);
        }
        self.conn.peer.set_headers(self.session.headers());
        self.conn.peer.set_echo(self.session.echo());
        self.note_rtt();
        match step {
            Step::Close { reason, log } => After::Close(reason, log),
            _ => After::Wait,
        }
    }

    /// Puts the client into its account, if there is room for it, with what its user may do there.
    fn admit(&mut self, admission: &Admission) -> Answer<'static> {
        let Some(account) = account_of(&self.shared, admission) else {
            return Answer::Denied {
                reason: CloseReason::AuthenticationViolation,
                who: "",
            };
        };
        let most = account.limits().connections;
        if !self.shared.clients.enter(account.name(), most) {
            return Answer::AccountFull;
        }
        self.is_member = true;
        let broker = &self.shared.broker;
        broker.set_rights(&account, &self.conn.peer, admission.rights.clone());
        let answer = answer(&self.shared, admission, &account);
        // The global account uses no services of others.
        let asks = account.name() != GLOBAL_ACCOUNT;
        let (shared, conn) = (&self.shared, &self.conn);
        let asker = || -> Arc<dyn Requester> {
            Arc::new(Asker {
                shared: shared.clone(),
                conn: conn.clone(),
            })
        };
        self.publisher.set_requester(asks.then(asker));
        self.publisher.set_account(account);
        answer
    }

    /// Keeps as what the client was let in. Whoever is nobody in particular needs no memory for it.
    pub(in crate::client) fn keep(&mut self, admission: Box<Admission>) {
        self.admission = Some(admission).filter(|admission| admission.who != Who::Nobody);
    }

    /// The client does not count in its account any more.
    pub(super) fn leave_account(&mut self) {
        if std::mem::take(&mut self.is_member) {
            self.shared.clients.leave(self.publisher.account().name());
        }
    }

    /// Says why a client was not let in, to whoever looks for it in the log.
    fn tell_more(&self, refusal: &Refusal) {
        if let Some(detail) = refusal.denial.detail() {
            log!(self.shared.log, Debug, about self.conn.about(), "{detail}");
        }
    }

    /// Keeps what the client has said of itself, with the user it is, for monitoring and the log.
    fn note_facts(&self, connect: &ClientConnect, admission: Option<&Admission>, again: bool) {
        let mut facts = self.conn.facts.lock();
        facts.name = connect.name.clone();
        facts.lang = connect.lang.clone();
        facts.version = connect.version.clone();
        if admission.is_some() && !again {
            facts.label = gannet_session::client::label(connect);
        }
        facts.account = self.publisher.account().name().to_owned();
        facts.who = admission.map_or(Who::Nobody, |admission| admission.who.clone());
        facts.proxy = admission.and_then(|admission| admission.proxy.clone());
    }

    pub(super) fn send_connect_info(&mut self) {
        self.conn.takes_info.store(true, Ordering::Release);
        let mut info = client_info(&self.shared, self.conn.id, self.conn.addr());
        info.connect_info = true;
        info.max_payload = self.session.max_payload() as u64;
        let account = self.publisher.account().name();
        info.remote_account = account.to_owned();
        info.acc_is_sys = self.shared.options().system_account() == Some(account);
        info.encode(&mut self.out);
    }

    pub(super) fn note_rtt(&self) {
        let nanos = self
            .session
            .rtt()
            .map_or(0, |rtt| u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX));
        self.conn.rtt_nanos.store(nanos, Ordering::Relaxed);
    }
}
