//! Clients are told nothing but what the protocol has: no bytes that are no operation, no PONG without a
//! PING, no delivery to a subscription that was never made, and no `-ERR` except those that faults explain, or a
//! change of the client's own credentials.
//!
//! Source: the client protocol page of the NATS manual.

use super::Watcher;
use crate::journal::{Event, Journal};

/// What a well-behaved client may be told while the world around it breaks.
const EXPLICABLE: [&str; 3] = [
    // Its own words did not get through.
    "'Stale Connection'",
    // It was not heard of in time after it had connected.
    "'Authentication Timeout'",
    "'Server Shutdown'",
];

/// What a client is told whose credentials are not right, or no longer.
const TURNED_OUT: &str = "'Authorization Violation'";

pub(super) struct NoSurprises;

impl Watcher for NoSurprises {
    fn name(&self) -> &'static str {
        "no surprises"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        match event {
            Event::Nonsense { client, text } => Err(format!("client {client}: {text}")),
            Event::ServerError { client, at, text } => {
                let is_unwelcome = text == TURNED_OUT && journal.may_be_turned_out(*client, *at);
                match is_unwelcome || EXPLICABLE.contains(&text.as_str()) {
                    true => Ok(()),
                    false => Err(format!("client {client} was told -ERR {text}")),
                }
            }
            _ => Ok(()),
        }
    }
}
