//! What breaks elsewhere harms nobody here: a plain subscription gets every message of another server exactly
//! once, even while faults strike, as long as none of them struck the two servers or a way between them (which
//! may lead over any server of the subscriber's cluster, if that is another one).
//!
//! Source: design, part 5 ("a slow remote never slows a local client"); demand G6 for the class of faults.

use std::time::Duration;

use gannet_units::Moment;

use super::Watcher;
use crate::journal::{Event, Journal, Message, Subscription};
use crate::oracle::matches;

/// How long interest, and then a message, may be on its way.
const PROPAGATION: Duration = Duration::from_secs(3);

pub(super) struct Undisturbed;

impl Watcher for Undisturbed {
    fn name(&self) -> &'static str {
        "no loss where nothing broke"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Due { message } = event else {
            return Ok(());
        };
        let record = &journal.messages[*message];
        let Some(confirmed_at) = record.confirmed_at.filter(|_| record.answers.is_none()) else {
            return Ok(());
        };
        for (id, sub) in journal.standing() {
            let must = sub.queue.is_none()
                && !sub.inbox
                && sub.heard_at >= confirmed_at + PROPAGATION
                && in_place(journal, record, sub)
                && matches(&sub.pattern, &record.subject);
            if must && !record.deliveries.contains(&id) {
                return Err(format!(
                    "message {message} of server {} never reached subscription {id} at server {}, and nothing broke between them",
                    record.server, sub.server
                ));
            }
        }
        Ok(())
    }
}

/// Whether the publisher's server must have known the subscription, at another server, when it handled the
/// message, and nothing has struck them since long before.
fn in_place(journal: &Journal, message: &Message, sub: &Subscription) -> bool {
    let known = sub
        .confirmed_at
        .is_some_and(|at| at + PROPAGATION <= message.sent_at);
    let calm =
        |since: Option<Moment>| since.is_none_or(|at| at + journal.recovery < message.sent_at);
    sub.server != message.server && known && calm(journal.disturbed_at(message.server, sub.server))
}
