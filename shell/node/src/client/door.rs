//! How a client's connection begins where it is not just plain words: what a proxy says of it, and TLS,
//! at once, after INFO, or only if the client begins it. Not here: the forms (`gannet_wire::proxy`,
//! `gannet_rt::tls`), the conversation (`task`).

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gannet_broker::Signal;
use gannet_config::HandshakeFirst;
use gannet_rt::future::{Either, race};
use gannet_rt::tls::TlsError;
use gannet_session::CloseReason;
use gannet_units::Moment;
use gannet_wire::client::{ClientInfo, encode};
use gannet_wire::proxy::{self, Decoded};

use crate::info::client_info;
use crate::log::{About, Level, log};
use crate::ocsp;
use crate::registry::ClientConn;
use crate::shared::Shared;
use crate::throttle;
use crate::tls::{LinkTls, tell_secured, unwanted};
use crate::transport::Transport;

/// How long a proxy may take for its words.
const PROXY_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes read in one go. What is read and not used here fits into the conversation's first read.
const READ: usize = 2048;
/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// What a client is told that comes while there are too many handshakes.
const THROTTLED: &str = "Connection throttling is active. Please try again later.";

/// What one connection has to pass, by the options at its beginning.
pub(super) struct Door {
    tls: Option<Arc<LinkTls>>,
    first: HandshakeFirst,
    /// The client may go without TLS.
    is_open: bool,
    /// A proxy may speak first.
    proxied: bool,
}

impl Door {
    /// The door of clients now.
    pub(super) fn of(shared: &Shared) -> Door {
        let options = shared.now();
        let Some(block) = &options.tls else {
            return Door {
                tls: None,
                first: HandshakeFirst::No,
                is_open: true,
                proxied: options.proxy_protocol,
            };
        };
        Door {
            tls: shared.tls().clients().cloned(),
            first: block.handshake_first,
            is_open: options.allow_non_tls,
            proxied: options.proxy_protocol,
        }
    }

    /// Whether there is anything to pass.
    pub(super) fn is_guarded(&self) -> bool {
        self.tls.is_some() || self.proxied
    }

    /// Says INFO, if that is what comes first.
    pub(super) fn greet(&self, shared: &Shared, conn: &ClientConn, out: &mut Vec<u8>) {
        if self.first == HandshakeFirst::No {
            self.info(shared, conn).encode(out);
        }
    }

    fn info(&self, shared: &Shared, conn: &ClientConn) -> ClientInfo {
        let auth = shared.auth();
        let mut info = client_info(shared, conn.id, conn.addr());
        info.auth_required = auth.required() && !auth.takes_nobody();
        if auth.needs_nonce() {
            info.nonce = super::credentials::nonce(shared, conn).to_owned();
        }
        if self.proxied {
            // It would be the proxy's.
            info.client_ip = String::new();
        }
        info
    }

    /// Lets the client in: answers the first bytes that it has said, or why it must go.
    pub(super) async fn open(
        self,
        shared: &Arc<Shared>,
        conn: &ClientConn,
        transport: &mut Transport,
        out: &mut Vec<u8>,
    ) -> Result<Vec<u8>, CloseReason> {
        let mut opening = Opening {
            shared,
            conn,
            transport,
            early: Vec::new(),
            ended: false,
        };
        opening.leave_plain().await?;
        let first = self.first(&mut opening, out).await?;
        if self.proxied {
            opening.proxy().await?;
        }
        let Some(tls) = &self.tls else {
            return Ok(opening.early);
        };
        if self.is_open && !first && !opening.begins_tls(tls.timeout).await? {
            return Ok(opening.early);
        }
        if tls.throttle.is_some() && !throttle::admits(shared, tls) {
            encode::err(out, THROTTLED);
            return Err(CloseReason::MaxConnectionsExceeded);
        }
        opening.handshake(tls).await?;
        if first {
            conn.tls_first.store(true, Ordering::Relaxed);
            let mut info = self.info(shared, conn);
            info.tls_required = true;
            if self.proxied {
                info.client_ip = conn.addr().ip().to_string();
            }
            info.encode(out);
        }
        Ok(Vec::new())
    }

    /// Whether the handshake comes before INFO, which is said here if not.
    async fn first(
        &self,
        opening: &mut Opening<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, CloseReason> {
        let within = match self.first {
            HandshakeFirst::No => return Ok(false),
            HandshakeFirst::Always => return Ok(true),
            HandshakeFirst::Within(within) => within,
        };
        let deadline = opening.shared.rt.now() + within;
        opening
            .read_until(deadline, |early| !early.is_empty())
            .await?;
        if !opening.early.is_empty() {
            return Ok(true);
        }
        self.info(opening.shared, opening.conn).encode(out);
        opening.transport.speak(out, &mut Vec::new());
        opening.leave_plain().await?;
        Ok(false)
    }
}

/// A connection on its way through the door.
struct Opening<'a> {
    shared: &'a Shared,
    conn: &'a ClientConn,
    transport: &'a mut Transport,
    /// What the client has said and nobody has looked at.
    early: Vec<u8>,
    /// It will say no more.
    ended: bool,
}

impl Opening<'_> {
    /// Waits until all that was said has left, since nothing plain can leave during a handshake.
    async fn leave_plain(&mut self) -> Result<(), CloseReason> {
        let deadline = self.shared.rt.now() + self.shared.now().limits.write_deadline;
        while self.transport.peer.outbox().pending() > 0 {
            let stream = &self.transport.stream;
            let writable = poll_fn(|cx| stream.poll_write_ready(cx));
            if !matches!(self.wait(writable, deadline).await?, Some(Ok(()))) {
                return Err(CloseReason::WriteError);
            }
            if !self.transport.on_writable(&mut Vec::new()) {
                return Err(CloseReason::WriteError);
            }
        }
        Ok(())
    }

    /// Waits for `event`; `None` if the deadline comes first.
    async fn wait<T>(
        &self,
        event: impl Future<Output = T>,
        deadline: Moment,
    ) -> Result<Option<T>, CloseReason> {
        let event = race(event, self.shared.rt.sleep_until(deadline));
        match race(event, unwanted(&self.conn.peer)).await {
            Either::First(Either::First(event)) => Ok(Some(event)),
            Either::First(Either::Second(())) => Ok(None),
            Either::Second(()) => Err(self.unwanted()),
        }
    }

    fn unwanted(&self) -> CloseReason {
        let asked = self.conn.close_with.lock().take();
        asked.unwrap_or(CloseReason::WriteError)
    }

    /// Reads until there is enough, the deadline has come or the client has ended.
    async fn read_until(
        &mut self,
        deadline: Moment,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Result<(), CloseReason> {
        while !self.ended && !enough(&self.early) {
            let stream = self.transport.stream.clone();
            let readable = poll_fn(|cx| stream.poll_read_ready(cx));
            if self.wait(readable, deadline).await?.is_none() {
                break;
            }
            let mut bytes = [0; READ];
            match stream.try_read(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(n) => self.early.extend_from_slice(&bytes[..n]),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // Whoever reads next meets the error again.
                Err(_) => self.ended = true,
            }
        }
        Ok(())
    }

    /// Takes what a proxy says, if one does.
    async fn proxy(&mut self) -> Result<(), CloseReason> {
        let deadline = self.shared.rt.now() + PROXY_TIMEOUT;
        let incomplete = |early: &[u8]| matches!(proxy::decode(early), Ok(Decoded::Incomplete(_)));
        self.read_until(deadline, |early| !incomplete(early))
            .await?;
        let problem = match proxy::decode(&self.early) {
            Ok(Decoded::Absent) => return Ok(()),
            Ok(Decoded::Header { source, used }) => {
                self.early.drain(..used);
                if let Some(source) = source {
                    *self.conn.addr.lock() = source;
                }
                return Ok(());
            }
            Ok(Decoded::Incomplete(part)) => {
                let why = self.why_incomplete(part);
                format!("failed to read {part}: {why}")
            }
            Err(error) => error.to_string(),
        };
        let from = self.conn.addr();
        log!(
            self.shared.log,
            Clients,
            Warn,
            "Error reading PROXY protocol header from {from}: {problem}"
        );
        Err(CloseReason::ProtocolViolation)
    }

    /// In the words of the reference server, which calls it an end, too, if nothing at all has come.
    fn why_incomplete(&self, part: proxy::Part) -> String {
        match part {
            _ if self.early.is_empty() => "EOF".into(),
            proxy::Part::Version if self.ended => "unexpected EOF".into(),
            _ if self.ended => "EOF".into(),
            _ => self.timeout(),
        }
    }

    fn timeout(&self) -> String {
        let stream = &self.conn.stream;
        match (stream.local_addr(), stream.peer_addr()) {
            (Ok(here), Ok(there)) => format!("read tcp {here}->{there}: i/o timeout"),
            _ => "i/o timeout".into(),
        }
    }

    /// Whether the client begins a handshake within this time; one that says nothing does not.
    async fn begins_tls(&mut self, within: Duration) -> Result<bool, CloseReason> {
        let deadline = self.shared.rt.now() + within;
        self.read_until(deadline, |early| !early.is_empty()).await?;
        Ok(self.early.first() == Some(&HANDSHAKE))
    }

    /// Makes the connection an encrypted one.
    async fn handshake(&mut self, tls: &LinkTls) -> Result<(), CloseReason> {
        let (shared, rt) = (self.shared, &self.shared.rt);
        let about = self.conn.about();
        log!(
            shared.log,
            Debug,
            about about,
            "Starting TLS client connection handshake"
        );
        let early = std::mem::take(&mut self.early);
        let context = tls.context();
        let deadline = rt.now() + tls.timeout;
        let stream = &self.conn.stream;
        let shaken = stream.accept_tls(rt, &context, &early, deadline);
        let facts = match race(shaken, unwanted(&self.conn.peer)).await {
            Either::First(Ok(facts)) => facts,
            Either::First(Err(error)) => {
                self.complain(&about, &error);
                return Err(CloseReason::TlsHandshakeError);
            }
            Either::Second(()) => return Err(self.unwanted()),
        };
        tell_secured(shared, &about, facts);
        if let Some(options) = &tls.ocsp_peer {
            let checked = ocsp::check_client(shared, stream, &context, options);
            let checked = race(checked, rt.sleep_until(deadline));
            let problem = match race(checked, unwanted(&self.conn.peer)).await {
                Either::First(Either::First(Ok(()))) => None,
                Either::First(Either::First(Err(why))) => Some(TlsError::BadStatus(why)),
                Either::First(Either::Second(())) => Some(TlsError::Timeout),
                Either::Second(()) => return Err(self.unwanted()),
            };
            if let Some(error) = problem {
                self.complain(&about, &error);
                return Err(CloseReason::TlsHandshakeError);
            }
        }
        // What others have left to this task meanwhile is not forgotten.
        self.conn.peer.signal().raise(Signal::FLUSH);
        Ok(())
    }

    fn complain(&self, about: &About, error: &TlsError) {
        // Who says nothing or speaks no TLS may be somebody that looks whether we are there.
        let (level, problem) = match error {
            TlsError::Timeout => (Level::Debug, self.timeout()),
            TlsError::NotTls => (Level::Debug, error.to_string()),
            _ => (Level::Error, error.to_string()),
        };
        let log = &self.shared.log;
        match level {
            Level::Debug => log!(log, Debug, about about, "TLS handshake error: {problem}"),
            _ => log!(log, Error, about about, "TLS handshake error: {problem}"),
        }
    }
}
