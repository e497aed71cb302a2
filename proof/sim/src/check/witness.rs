//! No local loss, whatever breaks elsewhere: a plain subscription that the server held for certain when it
//! handled a message of its own client has read it by the time its connection is heard of again.
//!
//! Source: a PONG follows everything that was queued for the connection before the PING was handled (the
//! client protocol's flush).

use super::Watcher;
use crate::journal::{Event, Journal};

pub(super) struct Witness;

impl Watcher for Witness {
    fn name(&self) -> &'static str {
        "no local loss"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Witnessed {
            sub,
            message,
            delivered: false,
        } = event
        else {
            return Ok(());
        };
        if journal.subs[*sub].queue.is_none() {
            let client = journal.subs[*sub].client;
            return Err(format!(
                "message {message} never reached subscription {sub} of client {client}, same server"
            ));
        }
        Ok(())
    }
}
