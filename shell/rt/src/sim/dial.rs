//! How connections come about: listening, dialing, the backlog.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use super::host::FIRST_EPHEMERAL;
use super::socket::{ListenerState, Socket};
use super::trace::Mark;
use super::world::{Event, Packet, PacketKind, World};

/// A dial that found the backlog full is repeated after this long.
const SYN_RETRY: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn listen(
        &mut self,
        host: usize,
        addr: SocketAddr,
    ) -> io::Result<(u64, SocketAddr)> {
        let ip = addr.ip();
        if !ip.is_unspecified() && !ip.is_loopback() && self.ips.get(&ip) != Some(&host) {
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        let addr = match addr.port() {
            0 => SocketAddr::new(ip, self.free_port(host)?),
            _ => addr,
        };
        let clash = |l: &ListenerState| {
            let same_ip = l.addr.ip() == ip || l.addr.ip().is_unspecified() || ip.is_unspecified();
            l.host == host && l.addr.port() == addr.port() && same_ip
        };
        if self.listeners.values().any(clash) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let id = self.fresh_id();
        let state = ListenerState {
            host,
            addr,
            backlog: VecDeque::new(),
            waiting: Vec::new(),
        };
        self.listeners.insert(id, state);
        self.mark(Mark::Listen { listener: id, host });
        Ok((id, addr))
    }

    /// A port no listener and no connection of the host uses.
    fn free_port(&mut self, host: usize) -> io::Result<u16> {
        for _ in FIRST_EPHEMERAL..=u16::MAX {
            let port = self.hosts[host].next_port;
            self.hosts[host].next_port = port.checked_add(1).unwrap_or(FIRST_EPHEMERAL);
            let listens = self
                .listeners
                .values()
                .any(|l| l.host == host && l.addr.port() == port);
            let talks = self
                .sockets
                .values()
                .any(|s| s.host == host && s.local.port() == port);
            if !listens && !talks {
                return Ok(port);
            }
        }
        Err(ErrorKind::AddrInUse.into())
    }

    pub(super) fn close_listener(&mut self, id: u64) {
        let Some(listener) = self.listeners.remove(&id) else {
            return;
        };
        self.wakes.extend(listener.waiting);
        for socket in listener.backlog {
            self.vanish(socket, true);
        }
    }

    pub(super) fn poll_accept(&mut self, id: u64, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let Some(listener) = self.listeners.get_mut(&id) else {
            return Poll::Ready(Err(ErrorKind::NotConnected.into()));
        };
        if let Some(socket) = listener.backlog.pop_front() {
            return Poll::Ready(Ok(socket));
        }
        if !listener
            .waiting
            .iter()
            .any(|waker| waker.will_wake(cx.waker()))
        {
            listener.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(super) fn dial(&mut self, host: usize, addr: SocketAddr) -> io::Result<u64> {
        let target = match addr.ip() {
            ip if ip.is_loopback() || ip.is_unspecified() => Some(host),
            ip => self.ips.get(&ip).copied(),
        };
        let local_ip: IpAddr = if addr.ip().is_loopback() {
            addr.ip()
        } else {
            self.hosts[host].ips[0]
        };
        let local = SocketAddr::new(local_ip, self.free_port(host)?);
        let id = self.fresh_id();
        let mut socket = Socket::new(host, self.hosts[host].incarnation, local, addr);
        socket.peer_host = target.unwrap_or(host);
        self.sockets.insert(id, socket);
        self.mark(Mark::Dial { socket: id, host });
        let give_up = self.after(self.config.dial_timeout);
        self.schedule(give_up, Event::DialGiveUp(id));
        // Nobody has the address: packets to it end up nowhere.
        if let Some(to) = target {
            self.send(host, to, PacketKind::Syn { client: id });
        }
        Ok(id)
    }

    /// Ready when the dial is answered; an error lets go of the socket.
    pub(super) fn poll_dial(&mut self, id: u64, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        };
        if let Some(error) = socket.error.take() {
            return Poll::Ready(Err(error.into()));
        }
        if socket.peer.is_some() {
            return Poll::Ready(Ok(()));
        }
        socket.read_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(super) fn dial_give_up(&mut self, id: u64) {
        if self.sockets.get(&id).is_some_and(|s| s.peer.is_none()) {
            self.mark(Mark::TimedOut { socket: id });
            self.break_socket(id, ErrorKind::TimedOut);
        }
    }

    pub(super) fn syn_arrives(&mut self, client: u64, to: usize) {
        let Some(dialer) = self.sockets.get(&client) else {
            return;
        };
        let (from, local, remote) = (dialer.host, dialer.remote, dialer.local);
        let Some(listener) = self.listening(to, local) else {
            self.send(to, from, PacketKind::Refused { client });
            return;
        };
        let full = self
            .listeners
            .get(&listener)
            .is_some_and(|l| l.backlog.len() >= self.config.backlog);
        if full {
            let again = Packet {
                from,
                to,
                kind: PacketKind::Syn { client },
            };
            let at = self.after(SYN_RETRY);
            self.schedule(at, Event::Packet(again));
            return;
        }
        let server = self.fresh_id();
        let mut socket = Socket::new(to, self.hosts[to].incarnation, local, remote);
        socket.peer_host = from;
        socket.peer = Some(client);
        self.sockets.insert(server, socket);
        if let Some(listener) = self.listeners.get_mut(&listener) {
            listener.backlog.push_back(server);
            let waiting = std::mem::take(&mut listener.waiting);
            self.wakes.extend(waiting);
        }
        self.mark(Mark::Connected { client, server });
        self.send(to, from, PacketKind::SynAck { client, server });
    }

    fn listening(&self, host: usize, addr: SocketAddr) -> Option<u64> {
        if self.hosts[host].refusing {
            return None;
        }
        let fits = |l: &ListenerState| {
            let ip = l.addr.ip();
            l.host == host
                && l.addr.port() == addr.port()
                && (ip.is_unspecified() || ip == addr.ip())
        };
        self.listeners
            .iter()
            .find(|(_, l)| fits(l))
            .map(|(id, _)| *id)
    }

    pub(super) fn syn_ack_arrives(&mut self, client: u64, server: u64, server_host: usize) {
        match self.sockets.get(&client).map(|socket| socket.host) {
            Some(_) => self.established(client, server, server_host),
            // The dialer has given up meanwhile.
            None => {
                if let Some(socket) = self.sockets.get(&server) {
                    let (from, to) = (socket.peer_host, socket.host);
                    self.send(from, to, PacketKind::Rst { socket: server });
                }
            }
        }
    }

    /// The dialer learns who its peer is; nothing if it knows already.
    pub(super) fn established(&mut self, client: u64, server: u64, server_host: usize) {
        if let Some(socket) = self.sockets.get_mut(&client)
            && socket.peer.is_none()
            && !socket.dead
        {
            socket.peer = Some(server);
            socket.peer_host = server_host;
            let waker = socket.read_waker.take();
            self.wake(waker);
        }
    }
}
