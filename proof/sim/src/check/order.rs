//! Order: what one connection publishes reaches one subscription in the order in which it was published.
//!
//! Source: NATS' ordering promise, per publisher. A publisher that reconnects begins anew: its old connection
//! may still have something in the server's buffers when the new one is heard.

use std::collections::BTreeMap;

use super::Watcher;
use crate::journal::{Event, Journal, MessageId, SubId};

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
        let before = self.latest.insert((*sub, connection), *message);
        match before {
            Some(before) if before > *message => Err(format!(
                "subscription {sub} of client {} got message {message} after {before}, both from connection {connection}",
                journal.subs[*sub].client
            )),
            _ => Ok(()),
        }
    }
}
