//! Listeners and streams.
//!
//! A [`Stream`] does everything by `&self`, so that a task other than its owner may write to it
//! without waiting. The rule that goes with it: only the owning task polls for readiness (one waker
//! per direction is kept), any task may `try_*`.
//!
//! Not here: how the simulated network behaves (`sim`), how bytes are encrypted (`tls`).

use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::sim::{SimListener, SimStream};
use crate::tls::TlsConnection;

/// A socket that accepts connections. Dropping it stops listening.
#[derive(Debug)]
pub struct Listener(ListenerKind);

#[derive(Debug)]
enum ListenerKind {
    Real(TcpListener),
    Sim(SimListener),
}

impl Listener {
    pub(crate) fn real(listener: TcpListener) -> Listener {
        Listener(ListenerKind::Real(listener))
    }

    pub(crate) fn sim(listener: SimListener) -> Listener {
        Listener(ListenerKind::Sim(listener))
    }

    /// Waits for the next connection; it comes with Nagle's algorithm off. Errors are the listener's
    /// (out of descriptors, say) or those of a connection that died in the backlog: the caller
    /// decides, after a pause, to go on. May be dropped without losing a connection.
    pub async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        match &self.0 {
            ListenerKind::Real(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::real(stream), peer))
            }
            ListenerKind::Sim(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream::sim(stream), peer))
            }
        }
    }

    /// The address listened on, with the port that was found if port 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            ListenerKind::Real(listener) => listener.local_addr(),
            ListenerKind::Sim(listener) => Ok(listener.local_addr()),
        }
    }
}

/// Reads, and takes a short read as the sign that the socket is empty, as tokio's own `poll_read` does
/// where epoll is edge-triggered: the next wait then needs no read that only says "nothing there".
/// The readiness is cleared as of before the read, so bytes that come meanwhile wake the task.
#[inline]
fn read_and_note_drained(stream: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    if !cfg!(target_os = "linux") {
        return stream.try_read(buf);
    }
    let mut short = None;
    let result = stream.try_io(Interest::READABLE, || {
        let n = (&*SockRef::from(stream)).read(buf)?;
        if 0 < n && n < buf.len() {
            short = Some(n);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(n)
    });
    short.map_or(result, Ok)
}

/// One TCP connection, plain or encrypted. Dropping it closes it: what was written still goes out,
/// unless something unread is left, which makes it a reset (as TCP does).
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    /// There from the beginning of a TLS handshake on. A plain stream pays a look at this pointer.
    tls: OnceLock<Box<TlsConnection>>,
}

impl Stream {
    #[inline]
    pub(crate) fn real(stream: TcpStream) -> Stream {
        Stream::plain(Socket::Real(stream))
    }

    pub(crate) fn sim(stream: SimStream) -> Stream {
        Stream::plain(Socket::Sim(stream))
    }

    fn plain(socket: Socket) -> Stream {
        Stream {
            socket,
            tls: OnceLock::new(),
        }
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(crate) fn tls_connection(&self) -> Option<&TlsConnection> {
        self.tls.get().map(|tls| &**tls)
    }

    /// From here on, bytes go through `tls`. `None` if they go through TLS already.
    pub(crate) fn begin_tls(&self, tls: TlsConnection) -> Option<&TlsConnection> {
        self.tls.set(Box::new(tls)).ok()?;
        if let Socket::Sim(stream) = &self.socket {
            stream.seal();
        }
        self.tls_connection()
    }

    /// Ready when a `try_read` may bring something: bytes, the end, an error. It may still answer
    /// [`io::ErrorKind::WouldBlock`]; then poll again.
    #[inline]
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.tls.get() {
            None => self.socket.poll_read_ready(cx),
            Some(tls) => tls.poll_read_ready(&self.socket, cx),
        }
    }

    /// Ready when a `try_write` may get something out or would report an error. It may still answer
    /// [`io::ErrorKind::WouldBlock`]; then poll again.
    #[inline]
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_write_ready(cx)
    }

    /// Reads what is there. `Ok(0)`: the peer has ended its side (or `buf` is empty).
    #[inline]
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self.tls.get() {
            None => self.socket.try_read(buf),
            Some(tls) => tls.try_read(&self.socket, buf),
        }
    }

    /// Reads up to `most` bytes onto the end of `buf`, within the room that it has. `Ok(0)`: the peer has
    /// ended its side (or there is no room).
    #[inline]
    pub fn try_read_buf(&self, buf: &mut BytesMut, most: usize) -> io::Result<usize> {
        if let (Socket::Real(stream), None) = (&self.socket, self.tls.get()) {
            return stream.try_read_buf(&mut buf.limit(most));
        }
        let have = buf.len();
        buf.resize(have + most.min(buf.capacity() - have), 0);
        let result = self.try_read(&mut buf[have..]);
        buf.truncate(have + result.as_ref().map_or(0, |n| *n));
        result
    }

    /// Writes as much of `buf` as the socket takes now; answers how much that was. Whoever was told less
    /// than he offered must go on with exactly the bytes that were left (an encrypted stream may have
    /// sent part of them).
    #[inline]
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        match self.tls.get() {
            None => self.socket.try_write(buf),
            Some(tls) => tls.try_write(&self.socket, &[IoSlice::new(buf)]),
        }
    }

    /// [`Stream::try_write`] of several pieces in one go.
    #[inline]
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.tls.get() {
            None => self.socket.try_write_vectored(bufs),
            Some(tls) => tls.try_write(&self.socket, bufs),
        }
    }

    /// The other end's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.socket {
            Socket::Real(stream) => stream.peer_addr(),
            Socket::Sim(stream) => Ok(stream.peer_addr()),
        }
    }

    /// This end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.socket {
            Socket::Real(stream) => stream.local_addr(),
            Socket::Sim(stream) => Ok(stream.local_addr()),
        }
    }

    /// Ends both directions at once: the peer sees the end after what was written, our own reads see
    /// it after what has already arrived, our own writes fail. The owning task wakes up. Errors
    /// (it is already ended) mean nothing to the caller and are not reported.
    pub fn shutdown(&self) {
        self.end(Shutdown::Both);
    }

    /// Ends our side only: the peer sees the end after what was written, and may go on talking.
    pub fn shutdown_write(&self) {
        self.end(Shutdown::Write);
    }

    fn end(&self, how: Shutdown) {
        if let Some(tls) = self.tls.get() {
            tls.farewell(&self.socket);
        }
        match &self.socket {
            Socket::Real(stream) => drop(SockRef::from(stream).shutdown(how)),
            Socket::Sim(stream) => stream.shutdown(how),
        }
    }

    /// Switches Nagle's algorithm off (`true`, which a stream starts with) or on.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match &self.socket {
            Socket::Real(stream) => stream.set_nodelay(nodelay),
            Socket::Sim(_) => Ok(()),
        }
    }

    /// The stream for code that wants the ecosystem's I/O traits.
    pub fn into_io(self) -> IoStream {
        IoStream(self)
    }
}

/// What carries a stream's bytes.
#[derive(Debug)]
pub(crate) enum Socket {
    Real(TcpStream),
    Sim(SimStream),
}

impl Socket {
    #[inline]
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Real(stream) => stream.poll_read_ready(cx),
            Socket::Sim(stream) => stream.poll_read_ready(cx),
        }
    }

    #[inline]
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Real(stream) => stream.poll_write_ready(cx),
            Socket::Sim(stream) => stream.poll_write_ready(cx),
        }
    }

    #[inline]
    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Real(stream) => read_and_note_drained(stream, buf),
            Socket::Sim(stream) => stream.try_read(buf),
        }
    }

    #[inline]
    pub(crate) fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Real(stream) => stream.try_write(buf),
            Socket::Sim(stream) => stream.try_write(buf),
        }
    }

    #[inline]
    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Real(stream) => stream.try_write_vectored(bufs),
            Socket::Sim(stream) => stream.try_write_vectored(bufs),
        }
    }
}

/// A [`Stream`] behind [`AsyncRead`] and [`AsyncWrite`], for TLS and HTTP.
#[derive(Debug)]
pub struct IoStream(Stream);

impl IoStream {
    /// The stream inside, for its addresses and its shutdown.
    pub fn get_ref(&self) -> &Stream {
        &self.0
    }

    /// Back to the plain stream.
    pub fn into_inner(self) -> Stream {
        self.0
    }
}

impl IoStream {
    /// Tries until `attempt` does not find the socket blocked any more.
    fn poll_until_done<T>(
        &self,
        cx: &mut Context<'_>,
        ready: fn(&Stream, &mut Context<'_>) -> Poll<io::Result<()>>,
        mut attempt: impl FnMut(&Stream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match attempt(&self.0) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => ready!(ready(&self.0, cx))?,
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for IoStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.tls.get().is_some() {
            let room = buf.initialize_unfilled();
            let n =
                ready!(self.poll_until_done(cx, Stream::poll_read_ready, |s| s.try_read(room)))?;
            buf.advance(n);
            return Poll::Ready(Ok(()));
        }
        match &mut self.0.socket {
            Socket::Real(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Sim(stream) => stream.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for IoStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(tls) = self.0.tls.get() {
            tls.farewell(&self.0.socket);
        }
        match &mut self.0.socket {
            Socket::Real(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Sim(stream) => {
                stream.shutdown(Shutdown::Write);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.0.tls.get().is_some() {
            return self
                .poll_until_done(cx, Stream::poll_write_ready, |s| s.try_write_vectored(bufs));
        }
        match &mut self.0.socket {
            Socket::Real(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Socket::Sim(stream) => stream.poll_write(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
