//! What a client's connection does when the server's options have changed. Not here: which options may
//! change (`gannet_config::Diff`).

use std::mem;
use std::sync::Arc;

use gannet_identity::{Authenticator, Credentials, Decision};
use gannet_rt::Rt;
use gannet_session::CloseReason;
use gannet_session::client::Step;
use gannet_wire::client::ClientConnect;

use super::task::{After, Task};

impl Task {
    /// Goes by the options as they are now.
    pub(super) fn options_changed(&mut self) -> After {
        let limits = self.shared.client_limits();
        self.session.set_limits(limits, self.shared.rt.now());
        self.begin_trace();
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
        match judge(&self.shared.rt, &self.auth, &before, &connect).await {
            Judgement::Stays => After::Wait,
            Judgement::StaysAs(user) => {
                self.conn.facts.lock().user = user;
                After::Wait
            }
            Judgement::UserIsGone => After::Close(CloseReason::ClientClosed, None),
            Judgement::TurnedOut { who } => match self.session.turn_out(&who, &mut self.out) {
                Step::Close { reason, log } => After::Close(reason, log),
                _ => After::Wait,
            },
        }
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
        // Apart from the client's own task: a password may take long.
        drop(self.shared.rt.spawn(async move {
            let judgement = judge(&rt, &auth, &before, &connect).await;
            trial.answer(id, judgement.reason());
        }));
    }
}

/// What is thought of a client under other rules.
enum Judgement {
    /// The change does not concern it.
    Stays,
    /// It may stay, as this user.
    StaysAs(String),
    /// There is no such user any more. The reference server takes leave without a word.
    UserIsGone,
    /// Its credentials are wrong now.
    TurnedOut {
        /// Names it for the log.
        who: String,
    },
}

impl Judgement {
    /// Why it has to go, if it has to.
    fn reason(&self) -> Option<CloseReason> {
        match self {
            Judgement::Stays | Judgement::StaysAs(_) => None,
            Judgement::UserIsGone => Some(CloseReason::ClientClosed),
            Judgement::TurnedOut { .. } => Some(CloseReason::AuthenticationViolation),
        }
    }
}

/// Judges what a client has shown by `auth`, where it was found right by `before`.
async fn judge(
    rt: &Rt,
    auth: &Authenticator,
    before: &Authenticator,
    connect: &ClientConnect,
) -> Judgement {
    let given = Credentials {
        user: &connect.user,
        password: &connect.pass,
        token: &connect.auth_token,
    };
    if !auth.differs_for(&given, before) {
        return Judgement::Stays;
    }
    let (allowed, user) = match auth.decide(&given) {
        Decision::Allow { user } => (true, user),
        Decision::Deny => (false, String::new()),
        Decision::Check { check, user } => (rt.run_blocking(move || check.run()).await, user),
    };
    if allowed {
        Judgement::StaysAs(user)
    } else if !given.user.is_empty() && !auth.lists(given.user) {
        Judgement::UserIsGone
    } else {
        Judgement::TurnedOut {
            who: auth.name(&given),
        }
    }
}
