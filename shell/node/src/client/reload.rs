//! What a client's connection does when the server's options have changed. Not here: which options may
//! change (`gannet_config::Diff`).

use std::mem;
use std::sync::Arc;

use gannet_identity::{Credentials, Decision};
use gannet_session::CloseReason;
use gannet_session::client::Step;

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
        let given = Credentials {
            user: &connect.user,
            password: &connect.pass,
            token: &connect.auth_token,
        };
        if !self.auth.differs_for(&given, &before) {
            return After::Wait;
        }
        let (allowed, user) = match self.auth.decide(&given) {
            Decision::Allow { user } => (true, user),
            Decision::Deny => (false, String::new()),
            Decision::Check { check, user } => {
                (self.shared.rt.run_blocking(move || check.run()).await, user)
            }
        };
        if allowed {
            self.conn.facts.lock().user = user;
            return After::Wait;
        }
        if !given.user.is_empty() && !self.auth.lists(given.user) {
            // Of a user that is gone, the reference server takes leave without a word.
            return After::Close(CloseReason::ClientClosed, None);
        }
        let who = self.auth.name(&given);
        match self.session.turn_out(&who, &mut self.out) {
            Step::Close { reason, log } => After::Close(reason, log),
            _ => After::Wait,
        }
    }
}
