//! How a client's connection begins: plain, or with a TLS handshake before or after the server's first words.
//!
//! Not here: what is said then (`conversation`).

use std::future::poll_fn;
use std::io::ErrorKind;

use gannet_rt::tls::{TlsContext, TlsError, TlsSettings};
use gannet_rt::{Rt, Stream};
use parking_lot::Mutex;

use super::Person;
use crate::journal::Journal;
use crate::tls::AUTHORITIES;

/// Bytes read at a time; INFO is hardly longer.
const READ: usize = 4096;

/// The way to one server.
pub(super) struct Door {
    /// `None`: it is not encrypted.
    context: Option<TlsContext>,
    handshake_first: bool,
}

impl Door {
    /// The way to the person's server; whom to trust is on the client's disk.
    pub(super) fn of(rt: &Rt, person: &Person) -> Door {
        let settings = TlsSettings {
            ca_file: Some(AUTHORITIES.to_owned()),
            ..TlsSettings::default()
        };
        let context = person
            .encrypted
            .clients
            .then(|| TlsContext::load(rt, &settings).expect("the authorities' file is in order"));
        Door {
            context,
            handshake_first: person.encrypted.handshake_first,
        }
    }

    /// Dials; answers the connection with what the server has said on it. `None` if nothing came of it.
    pub(super) async fn pass(
        &self,
        rt: &Rt,
        person: &Person,
        journal: &Mutex<Journal>,
    ) -> Option<(Stream, Vec<u8>)> {
        let since = rt.now();
        let stream = rt.connect(person.server).await.ok()?;
        let Some(context) = &self.context else {
            return Some((stream, Vec::new()));
        };
        let mut heard = Vec::new();
        if !self.handshake_first {
            heard = first_line(&stream).await?;
            if !heard.starts_with(b"INFO ") {
                return Some((stream, heard));
            }
        }
        let name = person.server.ip().to_string();
        let deadline = since + super::task::DIAL;
        let shaken = stream.connect_tls(rt, context, &name, &[], deadline).await;
        let subject = match shaken {
            Ok(facts) => facts.peer.as_ref().map(|peer| peer.subject.clone()),
            // Machines and ways break; nothing else may be wrong.
            Err(TlsError::Timeout | TlsError::Ended | TlsError::Io(_)) => return None,
            Err(error) => {
                let text = format!("the handshake failed: {error}");
                journal.lock().nonsense(person.id, text, rt.now());
                return None;
            }
        };
        let who = (person.id, person.home);
        let subject = subject.unwrap_or_default();
        journal.lock().shown(who, subject, since, rt.now());
        Some((stream, heard))
    }
}

/// Reads to the end of the server's first line.
async fn first_line(stream: &Stream) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        poll_fn(|cx| stream.poll_read_ready(cx)).await.ok()?;
        let mut buf = [0; READ];
        match stream.try_read(&mut buf) {
            Ok(0) => return None,
            Ok(n) => line.extend_from_slice(&buf[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
    Some(line)
}
