//! Local members win: where the publisher's own server has a member of a group for certain, no member of
//! another cluster gets the message. (Members at other servers of the cluster are as good as it; nobody can be
//! certain of them while things move.)
//!
//! Source: the manual's chapter on gateways ("queue subscribers in the local cluster are preferred").

use std::collections::BTreeMap;

use super::Watcher;
use crate::journal::{Event, Journal, MessageId, SubId};

#[derive(Default)]
pub(super) struct LocalFirst {
    /// A member at the publisher's server that was there for certain.
    local: BTreeMap<(MessageId, String), SubId>,
    /// A member in another cluster that got it.
    remote: BTreeMap<(MessageId, String), SubId>,
}

impl Watcher for LocalFirst {
    fn name(&self) -> &'static str {
        "local queue members win"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let (Event::Witnessed { sub, message, .. } | Event::Delivered { sub, message, .. }) = event
        else {
            return Ok(());
        };
        let record = &journal.subs[*sub];
        let Some(queue) = &record.queue else {
            return Ok(());
        };
        let key = (*message, queue.clone());
        if let Event::Witnessed { .. } = event {
            self.local.insert(key.clone(), *sub);
        } else if !journal
            .map
            .are_neighbours(record.server, journal.messages[*message].server)
        {
            self.remote.insert(key.clone(), *sub);
        }
        match (self.local.get(&key), self.remote.get(&key)) {
            (Some(local), Some(remote)) => Err(format!(
                "message {message} of server {} went to member {remote} of {queue:?} at server {} although member {local} was there",
                journal.messages[*message].server, journal.subs[*remote].server
            )),
            _ => Ok(()),
        }
    }
}
