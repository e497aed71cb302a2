//! What arrives is what was sent: the same subject, header and payload of the same length, the payload with the
//! message's number in it, to a subscription that covers the subject; an answer arrives at the place that its
//! request named.
//!
//! Source: subject-based messaging in the NATS manual; for answers over gateways, `_GR_` must be undone.

use super::Watcher;
use crate::journal::{Event, Journal};
use crate::oracle::matches;

pub(super) struct TrueCopy;

impl Watcher for TrueCopy {
    fn name(&self) -> &'static str {
        "true copy"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Delivered {
            sub, message, copy, ..
        } = event
        else {
            return Ok(());
        };
        let Some(record) = journal.messages.get(*message) else {
            return Err(format!("message {message} arrived, which nobody has sent"));
        };
        let expected = match record.answers {
            Some(request) => journal.messages[request].reply.as_deref(),
            None => Some(record.subject.as_str()),
        };
        let subject = copy.subject.as_str();
        if expected != Some(subject) {
            return Err(format!(
                "message {message} arrived on {subject:?} instead of {expected:?}"
            ));
        }
        if (copy.header, copy.size) != (record.header, record.size) {
            return Err(format!(
                "message {message} arrived with {} and {} bytes instead of {} of header and {} of payload",
                copy.header, copy.size, record.header, record.size
            ));
        }
        let pattern = &journal.subs[*sub].pattern;
        if !matches(pattern, subject) {
            return Err(format!(
                "message {message} on {subject:?} went to a subscription of {pattern:?}"
            ));
        }
        Ok(())
    }
}
