//! Order: what one connection publishes reaches one subscription in the order in which it was published.
//!
//! Source: NATS' ordering promise, per publisher. A publisher that reconnects begins anew: its old connection
//! may still have something in the server's buffers when the new one is heard.
//!
//! Between clusters the promise ends where a link does: when the publisher's server gives one up, the next may lead to
//! another server. What the first one has in hand (it stood still, or its neighbour could not be reached) it delivers
//! when it can, and nobody can call it back. So a message that was sent while something was wrong between the two may
//! come after one that was sent much later; not after one that followed at once. The same goes for a cluster while its
//! pools change: accounts move to connections that are there already, without waiting for one that has broken.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Watcher;
use crate::journal::{Event, Journal, MessageId, SubId};

/// Messages sent within this time go over the same link: it takes longer to make another one.
const SAME_LINK: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(super) struct Order {
    latest: BTreeMap<(SubId, u64), MessageId>,
}

impl Watcher for Order {
    fn name(&self) -> &'static str {
        "order per publisher"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Delivered { sub, message, .. } = event else {
            return Ok(());
        };
        let connection = journal.messages[*message].connection;
        // Numbers rise with the time of sending.
        let latest = self.latest.entry((*sub, connection)).or_insert(*message);
        let before = *latest;
        *latest = before.max(*message);
        match before > *message && !may_have_waited(journal, *message, before, *sub) {
            true => Err(format!(
                "subscription {sub} of client {} got message {message} after {before}, both from connection {connection}",
                journal.subs[*sub].client
            )),
            false => Ok(()),
        }
    }
}

/// Whether the message may have gone over a link that was given up before the other one was sent.
fn may_have_waited(journal: &Journal, message: MessageId, other: MessageId, sub: SubId) -> bool {
    let (record, to) = (&journal.messages[message], journal.subs[sub].server);
    let was_disturbed = journal
        .disturbed_at(record.server, to)
        .is_some_and(|at| at + journal.recovery >= record.sent_at);
    let may_move = [record.server, to]
        .into_iter()
        .any(|server| journal.pool_changed_since(server, record.sent_at));
    (!journal.map.are_neighbours(record.server, to) || may_move)
        && was_disturbed
        && record.sent_at + SAME_LINK <= journal.messages[other].sent_at
}
