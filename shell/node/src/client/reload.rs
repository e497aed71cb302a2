//! What a client's connection does when the server's options have changed. Not here: which options may
//! change (`gannet_config::Diff`).

use std::mem;
use std::sync::Arc;

use gannet_broker::Sub;
use gannet_config::GLOBAL_ACCOUNT;
use gannet_identity::{Admission, Authenticator, Denial, Who};
use gannet_rt::Rt;
use gannet_session::CloseReason;
use gannet_session::client::{Bounds, Step};
use gannet_subject::Entry;
use gannet_wire::client::{ClientConnect, encode};

use super::credentials::{Refusal, bounds, credentials, decide, until};
use super::task::{After, Task};
use crate::log::log;
use crate::registry::ClientConn;

impl Task {
    /// Goes by the options as they are now.
    pub(super) fn options_changed(&mut self) -> After {
        let limits = self.shared.client_limits();
        self.session.set_limits(limits, self.shared.rt.now());
        let bounds = self.renew_permits();
        self.begin_trace();
        let own = self.subs.iter().count();
        if bounds.subscriptions.is_some_and(|most| own > most) {
            encode::err(&mut self.out, "maximum subscriptions exceeded");
            self.speak();
            return After::Close(CloseReason::MaxSubscriptionsExceeded, None);
        }
        if Arc::ptr_eq(&self.auth, &self.shared.auth()) {
            After::Wait
        } else {
            After::LookAgain
        }
    }

    /// Looks at the client's credentials again, if the change concerns them: it may have to go.
    pub(super) async fn look_again(&mut self) -> After {
        let before = mem::replace(&mut self.auth, self.shared.auth());
        let Some(connect) = self.session.shown() else {
            return After::Wait;
        };
        let (rt, conn) = (&self.shared.rt, &self.conn);
        match judge(rt, &self.auth, &before, conn, &connect).await {
            Judgement::Stays => After::Wait,
            Judgement::StaysAs(admission) => {
                self.become_anew(admission);
                After::Wait
            }
            Judgement::UserIsGone => After::Close(CloseReason::ClientClosed, None),
            Judgement::TurnedOut(refusal) => {
                let who = refusal.who.to_string();
                let reason = refusal.reason();
                match self.session.turn_out(reason, &who, &mut self.out) {
                    Step::Close { reason, log } => After::Close(reason, log),
                    _ => After::Wait,
                }
            }
        }
    }

    /// The client is the same user with other permissions, perhaps.
    fn become_anew(&mut self, admission: Box<Admission>) {
        let (broker, peer) = (&self.shared.broker, &self.conn.peer);
        broker.set_rights(self.publisher.account(), peer, admission.rights.clone());
        {
            let mut facts = self.conn.facts.lock();
            facts.who = admission.who.clone();
            facts.proxy = admission.proxy.clone();
        }
        self.keep(admission);
        self.renew_permits();
        self.take_subscriptions_away();
    }

    /// Goes by the bounds of the account as they are now.
    fn renew_permits(&mut self) -> Bounds {
        let free = Admission::default();
        let admission = self.admission.as_deref().unwrap_or(&free);
        let bounds = bounds(admission, self.publisher.account());
        let until = until(&self.shared.rt, admission);
        self.session
            .set_permits(admission.rights.clone(), bounds, until);
        bounds
    }

    /// Ends the subscriptions that are not allowed any more.
    fn take_subscriptions_away(&mut self) {
        let Some(admission) = &self.admission else {
            return;
        };
        let Some(rights) = admission.rights.clone() else {
            return;
        };
        let who = admission.who.to_string();
        let lost = self.subs.iter();
        let lost = lost.filter(|sub| !rights.may_subscribe(sub.subject(), sub.queue()));
        let lost: Vec<Sub> = lost.cloned().collect();
        for sub in lost {
            let (subject, queue, sid) = (sub.subject(), sub.queue(), sub.sid());
            let line = self
                .session
                .take_away(subject, queue, sid, &who, &mut self.out);
            self.end_subscription(sid);
            log!(self.shared.log, Info, about self.conn.about(), "{line}");
        }
        self.speak();
    }

    /// Answers somebody who wants to know which clients would have to go.
    pub(super) fn try_on(&self) {
        let Some(trial) = self.shared.trial() else {
            return;
        };
        let (id, Some(auth)) = (self.conn.id, trial.auth.clone()) else {
            return;
        };
        let Some(connect) = self.session.shown() else {
            return trial.answer(id, None);
        };
        let (rt, before) = (self.shared.rt.clone(), self.auth.clone());
        let conn = self.conn.clone();
        // Apart from the client's own task: a password may take long.
        drop(self.shared.rt.spawn(async move {
            let judgement = judge(&rt, &auth, &before, &conn, &connect).await;
            trial.answer(id, judgement.reason());
        }));
    }
}

/// What is thought of a client under other rules.
enum Judgement {
    /// The change does not concern it.
    Stays,
    /// It may stay, as this user.
    StaysAs(Box<Admission>),
    /// There is no such user any more, or it is in another account. The reference server takes leave without a word.
    UserIsGone,
    /// Its credentials are wrong now.
    TurnedOut(Refusal),
}

impl Judgement {
    /// Why it has to go, if it has to.
    fn reason(&self) -> Option<CloseReason> {
        match self {
            Judgement::Stays | Judgement::StaysAs(_) => None,
            Judgement::UserIsGone => Some(CloseReason::ClientClosed),
            Judgement::TurnedOut(refusal) => Some(refusal.reason()),
        }
    }
}

/// Judges what a client has shown by `auth`, where it was found right by `before`.
async fn judge(
    rt: &Rt,
    auth: &Authenticator,
    before: &Authenticator,
    conn: &ClientConn,
    connect: &ClientConnect,
) -> Judgement {
    let given = credentials(conn, connect);
    let (who, account, proxy) = {
        let facts = conn.facts.lock();
        (
            facts.who.clone(),
            facts.account.clone(),
            facts.proxy.clone(),
        )
    };
    let who = match who {
        Who::Nobody => Who::of(&given),
        who => who,
    };
    if proxy.is_some_and(|proxy| !auth.trusts(&proxy)) {
        let denial = Denial::ProxyNotTrusted;
        return Judgement::TurnedOut(Refusal { denial, who });
    }
    if !auth.differs_for(&given, before) {
        return Judgement::Stays;
    }
    match decide(rt, auth, &given).await {
        Ok(admission) => {
            let name = admission.account.as_deref().unwrap_or(GLOBAL_ACCOUNT);
            if name == account {
                Judgement::StaysAs(admission)
            } else {
                Judgement::UserIsGone
            }
        }
        Err(_) if matches!(who, Who::User(_) | Who::Nkey(_)) && !auth.lists(&who) => {
            Judgement::UserIsGone
        }
        Err(refusal) => Judgement::TurnedOut(refusal),
    }
}
