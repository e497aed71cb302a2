//! At most once, always: no subscription gets a message twice, whatever breaks, not even if its client has
//! reconnected in between.
//!
//! Source: NATS promises at most once; demand G13 has the duplicates that real super-clusters showed.

use std::collections::BTreeSet;

use super::Watcher;
use crate::journal::{Event, Journal, MessageId};

#[derive(Default)]
pub(super) struct Once {
    seen: BTreeSet<(usize, u32, MessageId)>,
}

impl Watcher for Once {
    fn name(&self) -> &'static str {
        "at most once"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Delivered { sub, message, .. } = event else {
            return Ok(());
        };
        let record = &journal.subs[*sub];
        if self.seen.insert((record.client, record.sid, *message)) {
            return Ok(());
        }
        Err(format!(
            "client {} got message {message} twice for its sid {}",
            record.client, record.sid
        ))
    }
}
