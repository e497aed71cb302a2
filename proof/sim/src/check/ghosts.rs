//! No ghost interest: after everybody has unsubscribed, every server, asked from its own clients, says at once
//! that nobody is there. A server that believed in interest anywhere, its own or another cluster's, would send
//! the message there and keep silent.
//!
//! Source: demand G5, G13; ADR-4.

use std::ops::Range;

use crate::journal::{Journal, MessageId};

/// What is wrong with these requests, made when nobody was subscribed.
pub(crate) fn judge(journal: &Journal, messages: Range<MessageId>) -> Result<(), String> {
    for id in messages {
        let message = &journal.messages[id];
        if message.refusals != 1 || !message.deliveries.is_empty() {
            return Err(format!(
                "server {} still believes that somebody listens to {:?} (request {id} was refused {} times)",
                message.server, message.subject, message.refusals
            ));
        }
    }
    Ok(())
}
