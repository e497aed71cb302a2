//! Nothing after the end: once the server has confirmed an UNSUB, the subscription gets nothing any more; and
//! one that was limited to one message gets no second one.
//!
//! Source: the client protocol (UNSUB, with and without a number).

use super::Watcher;
use crate::journal::{Event, Journal};

pub(super) struct NothingAfterEnd;

impl Watcher for NothingAfterEnd {
    fn name(&self) -> &'static str {
        "nothing after the end"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Delivered {
            sub,
            message,
            too_late,
            ..
        } = event
        else {
            return Ok(());
        };
        let record = &journal.subs[*sub];
        if *too_late {
            return Err(format!(
                "subscription {sub} got message {message} after its UNSUB was confirmed"
            ));
        }
        if record.limited && record.delivered > 1 {
            return Err(format!(
                "subscription {sub}, good for one message, got message {message} as well"
            ));
        }
        Ok(())
    }
}
