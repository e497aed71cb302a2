//! How packets travel: delay, order, bandwidth, partitions, and what they do on arrival.
//!
//! A direction that is blocked holds what arrives at its end and gives it back on heal, as
//! retransmission would; resets are never repeated and are lost.

use std::io::ErrorKind;

use super::config::Link;
use super::socket::Segment;
use super::trace::Mark;
use super::world::{Event, Packet, PacketKind, World, nanos};

const SECOND: u64 = 1_000_000_000;

impl World {
    fn link(&self, from: usize, to: usize) -> Link {
        if from == to {
            return self.config.loopback.clone();
        }
        self.links
            .get(&(from, to))
            .unwrap_or(&self.config.link)
            .clone()
    }

    /// When a packet of `bytes` sent now arrives.
    fn arrival(&mut self, from: usize, to: usize, bytes: usize) -> u64 {
        let link = self.link(from, to);
        let mut sent = self.now;
        if let (Some(rate), 1..) = (link.bandwidth, bytes) {
            let takes = (bytes as u64).saturating_mul(SECOND) / rate.max(1);
            let busy = self.busy.entry((from, to)).or_insert(0);
            *busy = (*busy).max(sent).saturating_add(takes);
            sent = *busy;
        }
        let jitter = self.random_delay(link.jitter);
        sent.saturating_add(nanos(link.latency))
            .saturating_add(jitter)
    }

    pub(super) fn send(&mut self, from: usize, to: usize, kind: PacketKind) {
        let at = self.arrival(from, to, 0);
        self.schedule(at, Event::Packet(Packet { from, to, kind }));
    }

    /// Sends bytes (`None`: the end of our side) to the peer, behind what went before.
    pub(super) fn send_segment(&mut self, id: u64, data: Option<Vec<u8>>) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let (from, to) = (socket.host, socket.peer_host);
        if let (Some(data), false) = (&data, socket.sealed) {
            self.trace.bytes(data);
        }
        let at = self.arrival(from, to, data.as_ref().map_or(0, Vec::len));
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        socket.tx.push_back(Segment { at, data });
        self.schedule(
            at,
            Event::Packet(Packet {
                from,
                to,
                kind: PacketKind::Data { sender: id },
            }),
        );
    }

    fn is_blocked(&self, packet: &Packet) -> bool {
        let unanswered =
            matches!(packet.kind, PacketKind::Syn { .. }) && self.hosts[packet.to].black_hole;
        unanswered || self.hosts[packet.to].down || self.blocked.contains(&(packet.from, packet.to))
    }

    pub(super) fn arrive(&mut self, packet: Packet) {
        let Packet { from, to, kind } = packet;
        if self.is_blocked(&packet) {
            self.hold(packet);
            return;
        }
        match kind {
            PacketKind::Syn { client } => self.syn_arrives(client, to),
            PacketKind::SynAck { client, server } => self.syn_ack_arrives(client, server, from),
            PacketKind::Refused { client } => {
                self.mark(Mark::Refused { socket: client });
                self.break_socket(client, ErrorKind::ConnectionRefused);
            }
            PacketKind::Data { sender } => self.data_arrives(sender),
            PacketKind::Ack { sender, bytes } => self.ack_arrives(sender, bytes),
            PacketKind::Rst { socket } => {
                self.mark(Mark::Reset { socket });
                self.break_socket(socket, ErrorKind::ConnectionReset);
            }
        }
    }

    fn hold(&mut self, packet: Packet) {
        let Packet { from, to, kind } = packet;
        if let PacketKind::Rst { .. } = kind {
            self.mark(Mark::Lost { from, to });
            return;
        }
        self.mark(Mark::Held { from, to });
        self.held.push(packet);
        let PacketKind::Data { sender } = kind else {
            return;
        };
        let since = self.now;
        if let Some(socket) = self.sockets.get_mut(&sender)
            && socket.stuck_since.is_none()
        {
            socket.stuck_since = Some(since);
            let at = self.after(self.config.retransmit_timeout);
            self.schedule(
                at,
                Event::RetransmitGiveUp {
                    socket: sender,
                    since,
                },
            );
        }
    }

    /// Sends on what was held and is not held any more: of one direction, or of all.
    pub(super) fn release_held(&mut self, direction: Option<(usize, usize)>) {
        for packet in std::mem::take(&mut self.held) {
            let asked = direction.is_none_or(|d| d == (packet.from, packet.to));
            if asked && !self.is_blocked(&packet) {
                self.send(packet.from, packet.to, packet.kind);
            } else {
                self.held.push(packet);
            }
        }
    }

    fn data_arrives(&mut self, sender: u64) {
        let now = self.now;
        loop {
            let Some(socket) = self.sockets.get_mut(&sender) else {
                return;
            };
            socket.stuck_since = None;
            let (from, to, peer) = (socket.host, socket.peer_host, socket.peer);
            if socket.tx.front().is_none_or(|segment| segment.at > now) {
                break;
            }
            let Some(segment) = socket.tx.pop_front() else {
                break;
            };
            let Some(peer) = peer else { break };
            // The dialer may hear its new peer's first words before it hears of the peer.
            self.established(peer, sender, from);
            match segment.data {
                Some(data) => self.deliver(sender, peer, (from, to), &data),
                None => {
                    self.mark(Mark::Fin { socket: peer });
                    if let Some(receiver) = self.sockets.get_mut(&peer) {
                        receiver.rx_ended = true;
                        let waker = receiver.read_waker.take();
                        self.wake(waker);
                    }
                }
            }
        }
        self.remove_if_drained(sender);
    }

    /// Bytes reach the peer; one that does not listen any more answers with a reset, and then has
    /// lost what it was still sending itself.
    fn deliver(&mut self, sender: u64, peer: u64, (from, to): (usize, usize), data: &[u8]) {
        match self.sockets.get_mut(&peer) {
            Some(receiver) if !receiver.closed && !receiver.read_shut && !receiver.dead => {
                receiver.rx.extend(data);
                let waker = receiver.read_waker.take();
                self.mark(Mark::Arrive {
                    socket: peer,
                    bytes: data.len(),
                });
                self.wake(waker);
            }
            receiver => {
                if receiver.is_some_and(|r| r.closed) {
                    self.sockets.remove(&peer);
                }
                self.send(to, from, PacketKind::Rst { socket: sender });
            }
        }
    }

    fn ack_arrives(&mut self, sender: u64, bytes: usize) {
        self.mark(Mark::Ack {
            socket: sender,
            bytes,
        });
        if let Some(socket) = self.sockets.get_mut(&sender) {
            socket.outstanding = socket.outstanding.saturating_sub(bytes);
            let waker = socket.write_waker.take();
            self.wake(waker);
        }
    }

    pub(super) fn retransmit_give_up(&mut self, socket: u64, since: u64) {
        if self
            .sockets
            .get(&socket)
            .is_some_and(|s| s.stuck_since == Some(since))
        {
            self.mark(Mark::TimedOut { socket });
            self.break_socket(socket, ErrorKind::TimedOut);
        }
    }
}
