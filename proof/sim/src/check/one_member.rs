//! One member: of a queue group, at most one member in the whole super-cluster gets a message, whatever breaks.
//!
//! Source: the manual's chapters on queue groups and on gateways; demand G13. A group is known by its name
//! alone, also where its members' patterns differ.

use std::collections::BTreeMap;

use super::Watcher;
use crate::journal::{Event, Journal, MessageId, SubId};

#[derive(Default)]
pub(super) struct OneMember {
    chosen: BTreeMap<(MessageId, String), SubId>,
}

impl Watcher for OneMember {
    fn name(&self) -> &'static str {
        "one queue member"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Delivered { sub, message, .. } = event else {
            return Ok(());
        };
        let Some(queue) = &journal.subs[*sub].queue else {
            return Ok(());
        };
        let place = |sub: SubId| format!("{sub} (server {})", journal.subs[sub].server);
        match self.chosen.insert((*message, queue.clone()), *sub) {
            Some(before) if before != *sub => Err(format!(
                "two members of {queue:?} got message {message}: {} and {}",
                place(before),
                place(*sub)
            )),
            _ => Ok(()),
        }
    }
}
