//! Who nobody harms stays: a client whose connection, machine and server are well keeps its connection, whatever breaks
//! elsewhere and whatever options its server is told, unless its own credentials are wrong.
//!
//! Source: the "0 clients disconnected, for everything that is declared live"; design, part 5.

use super::Watcher;
use crate::journal::{Event, Journal};

pub(super) struct Stays;

impl Watcher for Stays {
    fn name(&self) -> &'static str {
        "clients stay where nothing broke"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Disconnected {
            client,
            server,
            at,
            why,
            at_will: false,
        } = event
        else {
            return Ok(());
        };
        let explained = journal.is_client_disturbed(*client, *server, *at)
            || journal.may_be_turned_out(*client, *at);
        match explained {
            true => Ok(()),
            false => Err(format!(
                "client {client} lost its connection to server {server} although nothing broke there: {why}"
            )),
        }
    }
}
