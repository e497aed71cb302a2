//! Whoever comes is shown the newest certificate: the one that its server was told of last before the handshake, or
//! one that came during it.
//!
//! Source: SEC-16. That links come up with new certificates, those see who no longer trust the old ones.

use super::Watcher;
use crate::journal::{Event, Journal};

pub(super) struct Certificates;

impl Watcher for Certificates {
    fn name(&self) -> &'static str {
        "the newest certificate is shown"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let Event::Shown {
            client,
            server,
            subject,
            since,
        } = event
        else {
            return Ok(());
        };
        match journal.had_certificate(*server, subject, *since) {
            true => Ok(()),
            false => Err(format!(
                "client {client} is shown {subject:?}, which server {server} has no more"
            )),
        }
    }
}
