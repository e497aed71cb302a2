//! Simulated sockets: what one end of a connection knows and what its process can do with it.
//!
//! Not here: how packets travel (`packet`), how connections come about (`dial`).

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll, Waker};

use super::trace::Mark;
use super::world::{PacketKind, World};

pub(super) struct ListenerState {
    pub(super) host: usize,
    pub(super) addr: SocketAddr,
    pub(super) backlog: VecDeque<u64>,
    pub(super) waiting: Vec<Waker>,
}

/// One end of a connection.
pub(super) struct Socket {
    pub(super) host: usize,
    pub(super) incarnation: u32,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) peer_host: usize,
    /// The other end; none while dialing.
    pub(super) peer: Option<u64>,
    /// Arrived and unread.
    pub(super) rx: VecDeque<u8>,
    /// The peer has ended its side, and all before it has arrived.
    pub(super) rx_ended: bool,
    /// An error that nobody has been told yet.
    pub(super) error: Option<ErrorKind>,
    /// No byte will come or go any more.
    pub(super) dead: bool,
    pub(super) read_shut: bool,
    pub(super) write_shut: bool,
    /// The process has let go of it; what is written still goes out.
    pub(super) closed: bool,
    /// Its bytes are encrypted, by keys that no seed draws: the trace has how many there are, not which.
    pub(super) sealed: bool,
    /// Under way to the peer, each piece with its time of arrival; one that overtook waits for
    /// those before it.
    pub(super) tx: VecDeque<Segment>,
    /// Bytes written that the peer's process has not been heard to have read.
    pub(super) outstanding: usize,
    /// Since when the direction to the peer has been holding our bytes.
    pub(super) stuck_since: Option<u64>,
    pub(super) read_waker: Option<Waker>,
    pub(super) write_waker: Option<Waker>,
}

pub(super) struct Segment {
    pub(super) at: u64,
    /// `None`: our side has ended.
    pub(super) data: Option<Vec<u8>>,
}

impl Socket {
    pub(super) fn new(
        host: usize,
        incarnation: u32,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Self {
        Socket {
            host,
            incarnation,
            local,
            remote,
            peer_host: host,
            peer: None,
            rx: VecDeque::new(),
            rx_ended: false,
            error: None,
            dead: false,
            read_shut: false,
            write_shut: false,
            closed: false,
            sealed: false,
            tx: VecDeque::new(),
            outstanding: 0,
            stuck_since: None,
            read_waker: None,
            write_waker: None,
        }
    }

    fn read_ready(&self) -> bool {
        !self.rx.is_empty() || self.rx_ended || self.read_shut || self.broken()
    }

    fn write_ready(&self, window: usize) -> bool {
        self.outstanding < window || self.write_shut || self.broken()
    }

    fn broken(&self) -> bool {
        self.dead || self.error.is_some()
    }
}

/// What a socket that is gone (its process has ended) answers to everything.
fn gone() -> io::Error {
    ErrorKind::ConnectionReset.into()
}

/// Which readiness is asked for.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Read,
    Write,
}

impl World {
    pub(super) fn poll_ready(
        &mut self,
        id: u64,
        side: Side,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return Poll::Ready(Err(gone()));
        };
        let (ready, slot) = match side {
            Side::Read => (socket.read_ready(), &mut socket.read_waker),
            Side::Write => (
                socket.write_ready(self.config.window),
                &mut socket.write_waker,
            ),
        };
        if ready
            || self
                .weather
                .per_mille(self.config.false_readiness_per_mille)
        {
            return Poll::Ready(Ok(()));
        }
        match slot {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *slot = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    pub(super) fn try_read(&mut self, id: u64, buf: &mut [u8]) -> io::Result<usize> {
        let short = self.weather.per_mille(self.config.short_reads_per_mille);
        let socket = self.sockets.get_mut(&id).ok_or_else(gone)?;
        if buf.is_empty() {
            return Ok(0);
        }
        if socket.rx.is_empty() {
            if let Some(error) = socket.error.take() {
                return Err(error.into());
            }
            let ended = socket.rx_ended || socket.read_shut || socket.dead;
            return if ended {
                Ok(0)
            } else {
                Err(ErrorKind::WouldBlock.into())
            };
        }
        let mut n = buf.len().min(socket.rx.len());
        if short {
            n = 1 + self.weather.below(n as u64) as usize;
        }
        let (front, back) = socket.rx.as_slices();
        let first = n.min(front.len());
        buf[..first].copy_from_slice(&front[..first]);
        buf[first..n].copy_from_slice(&back[..n - first]);
        socket.rx.drain(..n);
        let (peer, host, peer_host) = (socket.peer, socket.host, socket.peer_host);
        let sealed = socket.sealed;
        self.mark(Mark::Read {
            socket: id,
            bytes: n,
        });
        if !sealed {
            self.trace.bytes(&buf[..n]);
        }
        if let Some(sender) = peer {
            self.send(host, peer_host, PacketKind::Ack { sender, bytes: n });
        }
        Ok(n)
    }

    pub(super) fn try_write(&mut self, id: u64, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let short = self.weather.per_mille(self.config.short_writes_per_mille);
        let socket = self.sockets.get_mut(&id).ok_or_else(gone)?;
        if let Some(error) = socket.error.take() {
            return Err(error.into());
        }
        if socket.dead || socket.write_shut {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let wanted: usize = bufs.iter().map(|buf| buf.len()).sum();
        if wanted == 0 {
            return Ok(0);
        }
        let room = self.config.window.saturating_sub(socket.outstanding);
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut n = wanted.min(room);
        if short {
            n = 1 + self.weather.below(n as u64) as usize;
        }
        let mut data = Vec::with_capacity(n);
        for buf in bufs {
            let left = n - data.len();
            data.extend_from_slice(&buf[..left.min(buf.len())]);
        }
        socket.outstanding += n;
        self.mark(Mark::Write {
            socket: id,
            bytes: n,
        });
        self.send_segment(id, Some(data));
        Ok(n)
    }

    /// From now on what is written and read is encrypted.
    pub(super) fn seal(&mut self, id: u64) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.sealed = true;
        }
    }

    pub(super) fn shutdown(&mut self, id: u64, how: Shutdown) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let reading = matches!(how, Shutdown::Read | Shutdown::Both);
        let writing = matches!(how, Shutdown::Write | Shutdown::Both);
        socket.read_shut |= reading;
        let ends = writing && !socket.write_shut && !socket.dead;
        socket.write_shut |= writing;
        let wakes = [socket.read_waker.take(), socket.write_waker.take()];
        self.wakes.extend(wakes.into_iter().flatten());
        self.mark(Mark::Shutdown { socket: id });
        if ends {
            self.send_segment(id, None);
        }
    }

    /// The process lets go of the socket.
    pub(super) fn close(&mut self, id: u64) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        self.trace.mark(self.now, Mark::Close { socket: id });
        if socket.closed {
            return;
        }
        socket.closed = true;
        socket.read_waker = None;
        socket.write_waker = None;
        if socket.peer.is_none() || socket.dead {
            self.sockets.remove(&id);
        } else if !socket.rx.is_empty() {
            self.vanish(id, true);
        } else if socket.write_shut {
            self.remove_if_drained(id);
        } else {
            socket.write_shut = true;
            self.send_segment(id, None);
        }
    }

    /// The socket is gone with all it had under way; the peer is told by a reset, or not at all.
    pub(super) fn vanish(&mut self, id: u64, tell: bool) {
        let Some(socket) = self.sockets.remove(&id) else {
            return;
        };
        self.wakes.extend(socket.read_waker);
        self.wakes.extend(socket.write_waker);
        if let (true, Some(peer)) = (tell, socket.peer) {
            self.send(
                socket.host,
                socket.peer_host,
                PacketKind::Rst { socket: peer },
            );
        }
    }

    /// The connection is broken as seen from this end: the process is told `error`, once.
    pub(super) fn break_socket(&mut self, id: u64, error: ErrorKind) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        if socket.closed {
            self.sockets.remove(&id);
            return;
        }
        if socket.dead {
            return;
        }
        socket.dead = true;
        socket.error = Some(error);
        socket.tx.clear();
        socket.outstanding = 0;
        let wakes = [socket.read_waker.take(), socket.write_waker.take()];
        self.wakes.extend(wakes.into_iter().flatten());
    }

    /// Forgets a closed socket once nothing of it is under way.
    pub(super) fn remove_if_drained(&mut self, id: u64) {
        if self
            .sockets
            .get(&id)
            .is_some_and(|s| s.closed && s.tx.is_empty())
        {
            self.sockets.remove(&id);
        }
    }
}
