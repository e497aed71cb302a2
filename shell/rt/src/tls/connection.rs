//! The record layer behind a stream's `try_read` and `try_write`.
//!
//! One small lock holds rustls' state. It is held for as long as it takes to encrypt or decrypt what one
//! call moves and for the system call that moves it, never across a wait, so that a task other than
//! the owner can flush an encrypted peer as it flushes a plain one.
//!
//! The contract of writing is the socket's own, with one addition: bytes count as written once their
//! whole ciphertext is in the socket. Bytes that were encrypted and could not leave are *held*: they
//! have not been reported, and the next call must begin with the same bytes (which whoever was told
//! less than he offered does anyway); it sends the rest of the ciphertext and then reports them. So
//! nobody but the writer needs to know that there is something left to flush, and "blocked" and "how
//! much has left" mean the same as on a plain socket.
//!
//! Not here: the handshake's course (`accept`), certificates.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write};
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};

use parking_lot::{Mutex, MutexGuard};
use rustls::Connection;

use super::error::TlsError;
use super::facts::TlsFacts;
use crate::net::Socket;

/// Ciphertext read with one system call. Never more than the caller has room for beyond the least, so
/// that what is read is also delivered.
const READ: std::ops::RangeInclusive<usize> = 4 * 1024..=32 * 1024;
/// Pieces encrypted together.
const PIECES: usize = 32;

/// The TLS side of one stream.
pub(crate) struct TlsConnection {
    state: Mutex<State>,
    facts: OnceLock<TlsFacts>,
}

pub(super) struct State {
    pub(super) connection: Connection,
    /// Ciphertext that was read while there was no room for its plaintext.
    unread: Backlog,
    /// Plaintext bytes that rustls keeps for us.
    readable: usize,
    /// Bytes that are encrypted and not yet reported as written.
    held: usize,
    /// The peer says no more.
    ended: bool,
    /// The peer broke the rules, or the handshake failed: nothing more can be read or written.
    pub(super) broken: bool,
    /// How the peer broke the rules.
    fault: Option<rustls::Error>,
}

/// Bytes that are used up from the front.
#[derive(Default)]
struct Backlog {
    bytes: Vec<u8>,
    used: usize,
}

impl TlsConnection {
    /// A connection that begins with `early`, bytes of the peer that were read already.
    pub(super) fn new(connection: Connection, early: &[u8]) -> TlsConnection {
        let state = State {
            connection,
            unread: Backlog {
                bytes: early.to_vec(),
                used: 0,
            },
            readable: 0,
            held: 0,
            ended: false,
            broken: false,
            fault: None,
        };
        TlsConnection {
            state: Mutex::new(state),
            facts: OnceLock::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// What the handshake found out; none while it lasts.
    pub(crate) fn facts(&self) -> Option<&TlsFacts> {
        self.facts.get()
    }

    pub(super) fn set_facts(&self, facts: TlsFacts) {
        // A second handshake does not happen on the same connection.
        let _ = self.facts.set(facts);
    }

    pub(crate) fn poll_read_ready(
        &self,
        socket: &Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.state().has_something() {
            return Poll::Ready(Ok(()));
        }
        socket.poll_read_ready(cx)
    }

    pub(crate) fn try_read(&self, socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let early = state.take_unread(buf);
        if early > 0 || buf.is_empty() {
            return Ok(early);
        }
        let mut ciphertext = [0; *READ.end()];
        let room = buf.len().clamp(*READ.start(), *READ.end());
        loop {
            if state.broken {
                state.answer(socket);
                return Err(state.fault());
            }
            if state.ended {
                return Ok(0);
            }
            let n = socket.try_read(&mut ciphertext[..room])?;
            if n == 0 {
                // Without a farewell, too: the protocol above knows where its messages end.
                state.ended = true;
                return Ok(0);
            }
            let have = state.take_in(&ciphertext[..n], buf);
            state.answer(socket);
            if have > 0 {
                return Ok(have);
            }
        }
    }

    pub(crate) fn try_write(&self, socket: &Socket, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let total: usize = bufs.iter().map(|buf| buf.len()).sum();
        if total == 0 {
            return Ok(0);
        }
        let mut state = self.state();
        if state.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // Nothing is said to a peer whose certificate has not been looked at.
        if self.facts.get().is_none() || !state.flush(socket)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut done = state.held.min(total);
        state.held -= done;
        while done < total {
            let n = state.encrypt(bufs, done)?;
            match state.flush(socket) {
                Ok(true) => done += n,
                Ok(false) => {
                    state.held = n;
                    break;
                }
                // What has left counts; the next call meets the error again.
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            }
        }
        if done == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(done)
    }

    /// Says farewell, as far as the socket takes it now.
    pub(crate) fn farewell(&self, socket: &Socket) {
        let mut state = self.state();
        if !state.broken && self.facts.get().is_some() {
            state.connection.send_close_notify();
            state.answer(socket);
        }
    }
}

impl State {
    fn fault(&self) -> io::Error {
        match &self.fault {
            Some(error) => io::Error::new(ErrorKind::InvalidData, TlsError::from(error.clone())),
            None => ErrorKind::InvalidData.into(),
        }
    }

    fn has_something(&self) -> bool {
        self.readable > 0 || !self.unread.is_empty() || self.ended || self.broken
    }

    /// Sends what rustls has to send. `false` if the socket is full.
    pub(super) fn flush(&mut self, socket: &Socket) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Door(socket)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Sends what the protocol itself has to say (a new key, an alert) if the socket takes it; it
    /// otherwise goes with the next bytes.
    fn answer(&mut self, socket: &Socket) {
        let _ = self.flush(socket);
    }

    /// Encrypts a batch of what follows the first `skip` bytes; answers its size, which is at least 1.
    fn encrypt(&mut self, bufs: &[IoSlice<'_>], skip: usize) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        let mut skip = skip;
        for buf in bufs {
            let used = skip.min(buf.len());
            skip -= used;
            if used < buf.len() {
                slices[count] = IoSlice::new(&buf[used..]);
                count += 1;
                if count == PIECES {
                    break;
                }
            }
        }
        match self.connection.writer().write_vectored(&slices[..count])? {
            0 => Err(ErrorKind::WriteZero.into()),
            n => Ok(n),
        }
    }

    /// Fills `buf` with what there is without asking the socket.
    fn take_unread(&mut self, buf: &mut [u8]) -> usize {
        let have = self.drain(buf);
        if self.unread.is_empty() {
            return have;
        }
        let mut backlog = std::mem::take(&mut self.unread);
        let (more, used) = self.feed(&backlog.bytes[backlog.used..], &mut buf[have..]);
        backlog.used += used;
        if !backlog.is_empty() {
            self.unread = backlog;
        }
        have + more
    }

    /// Decrypts `ciphertext` into `buf`; keeps what there was no room for.
    fn take_in(&mut self, ciphertext: &[u8], buf: &mut [u8]) -> usize {
        let (have, used) = self.feed(ciphertext, buf);
        if used < ciphertext.len() && !self.broken && !self.ended {
            self.unread = Backlog {
                bytes: ciphertext[used..].to_vec(),
                used: 0,
            };
        }
        have
    }

    /// Hands ciphertext to rustls for as long as there is room for what it makes of it. Answers how
    /// many bytes are in `buf` and how many of `ciphertext` were used.
    fn feed(&mut self, ciphertext: &[u8], buf: &mut [u8]) -> (usize, usize) {
        let mut rest = ciphertext;
        let mut have = 0;
        while !rest.is_empty() && self.readable == 0 && !self.ended && !self.broken {
            if let Err(error) = self.digest(&mut rest) {
                self.broken = true;
                self.fault = Some(error);
            }
            have += self.drain(&mut buf[have..]);
        }
        (have, ciphertext.len() - rest.len())
    }

    /// Hands rustls some of `rest`.
    fn digest(&mut self, rest: &mut &[u8]) -> Result<(), rustls::Error> {
        self.connection
            .read_tls(rest)
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let state = self.connection.process_new_packets()?;
        self.readable = state.plaintext_bytes_to_read();
        self.ended |= state.peer_has_closed();
        Ok(())
    }

    /// Takes what the handshake has to read, from `early` bytes or the socket. `Ok(false)`: the peer has
    /// ended.
    pub(super) fn read_handshake(&mut self, socket: &Socket) -> Result<bool, HandshakeStep> {
        let mut backlog = std::mem::take(&mut self.unread);
        if backlog.is_empty() {
            let mut ciphertext = [0; *READ.start()];
            let n = socket
                .try_read(&mut ciphertext)
                .map_err(HandshakeStep::Io)?;
            if n == 0 {
                return Ok(false);
            }
            backlog.bytes = ciphertext[..n].to_vec();
            backlog.used = 0;
        }
        let mut rest = &backlog.bytes[backlog.used..];
        // What comes behind the handshake is left for `try_read`.
        while !rest.is_empty() && self.readable == 0 && !self.ended {
            self.digest(&mut rest).map_err(HandshakeStep::Tls)?;
        }
        backlog.used = backlog.bytes.len() - rest.len();
        if !backlog.is_empty() {
            self.unread = backlog;
        }
        Ok(true)
    }

    /// Takes plaintext that rustls keeps.
    fn drain(&mut self, buf: &mut [u8]) -> usize {
        if self.readable == 0 || buf.is_empty() {
            return 0;
        }
        // The only errors are that there is nothing and that the peer has ended, both known from
        // elsewhere.
        let n = self.connection.reader().read(buf).unwrap_or(0);
        self.readable -= n.min(self.readable);
        n
    }
}

/// Why a handshake's read did not bring anything.
pub(super) enum HandshakeStep {
    Io(io::Error),
    Tls(rustls::Error),
}

impl Backlog {
    fn is_empty(&self) -> bool {
        self.used == self.bytes.len()
    }
}

impl fmt::Debug for TlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnection")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// A socket as rustls writes to it.
struct Door<'a>(&'a Socket);

impl Write for Door<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.try_write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One step of a handshake: `Ready` when it is over.
pub(super) fn poll_handshake(
    tls: &TlsConnection,
    socket: &Socket,
    cx: &mut Context<'_>,
) -> Poll<Result<(), TlsError>> {
    loop {
        let mut state = tls.state();
        if !state.flush(socket)? {
            drop(state);
            ready!(socket.poll_write_ready(cx))?;
            continue;
        }
        if !state.connection.is_handshaking() {
            return Poll::Ready(Ok(()));
        }
        match state.read_handshake(socket) {
            Ok(true) => {}
            Ok(false) => return Poll::Ready(Err(TlsError::Ended)),
            Err(HandshakeStep::Io(e)) if e.kind() == ErrorKind::WouldBlock => {
                drop(state);
                ready!(socket.poll_read_ready(cx))?;
            }
            Err(HandshakeStep::Io(e)) => return Poll::Ready(Err(e.into())),
            Err(HandshakeStep::Tls(e)) => {
                let error = TlsError::from(e);
                // The alert tells the peer why, if it speaks TLS.
                if !matches!(error, TlsError::NotTls) {
                    state.answer(socket);
                }
                return Poll::Ready(Err(error));
            }
        }
    }
}
