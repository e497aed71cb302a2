//! A switchboard with peers whose sinks only count, and messages for it. Not here: what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gannet_broker::{
    Broker, BrokerOptions, Delivery, LinkTraits, Message, OutboundLink, Peer, PeerKind, Publisher,
    RemoteInterest, Sink, Sub, Written,
};
use gannet_subject::Class;
use gannet_units::{ConnId, Moment};
use gannet_wire::reply_prefix::ReplyPrefix;

/// Messages that come in one read.
pub(crate) const BATCH: usize = 64;
/// The subject of messages, where nothing else is said.
pub(crate) const SUBJECT: &str = "orders.eu.created";

const MAX_PENDING: usize = 64 << 20;

/// Takes everything and remembers how much.
struct Null(Arc<AtomicUsize>);

impl Sink for Null {
    fn try_write(&self, chunks: &[&[u8]]) -> Written {
        let bytes = chunks.iter().map(|chunk| chunk.len()).sum();
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Written::Bytes(bytes)
    }
}

/// A switchboard and what reached its peers.
pub(crate) struct Room {
    pub(crate) broker: Broker,
    pub(crate) now: Moment,
    taken: Arc<AtomicUsize>,
    next: u64,
}

impl Room {
    pub(crate) fn new() -> Room {
        let reply_prefix = Some(ReplyPrefix::new("here", "server"));
        let options = BrokerOptions {
            seed: 7,
            reply_prefix,
            gateway: "here".into(),
            cluster: "here".into(),
        };
        Room {
            broker: Broker::new(options),
            now: Moment::from_nanos(10_000_000_000),
            taken: Arc::default(),
            next: 0,
        }
    }

    /// Bytes that the sinks have taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn peer(&mut self, kind: PeerKind) -> Arc<Peer> {
        self.next += 1;
        let sink = Box::new(Null(self.taken.clone()));
        let peer = Peer::new(ConnId(self.next), kind, MAX_PENDING, sink);
        peer.set_headers(true);
        peer.set_echo(true);
        Arc::new(peer)
    }

    /// A subscription that nobody has made yet.
    pub(crate) fn sub(&self, peer: &Arc<Peer>, subject: &str, queue: Option<&str>) -> Sub {
        let queue = queue.map(str::as_bytes);
        Sub::new(
            peer.clone(),
            Class::Local,
            subject.as_bytes(),
            queue,
            b"1",
            self.now,
        )
    }

    /// A client that subscribes.
    pub(crate) fn subscriber(&mut self, subject: &str, queue: Option<&str>) {
        let peer = self.peer(PeerKind::Client);
        let sub = self.sub(&peer, subject, queue);
        self.broker.global().subscribe(sub, self.now);
    }

    /// Another cluster that wants `subject`.
    pub(crate) fn link(&mut self, subject: &str) {
        let peer = self.peer(PeerKind::OutboundGateway);
        let traits = LinkTraits {
            name: "there".into(),
            headers: true,
            interest_only: true,
        };
        let link = Arc::new(OutboundLink::new(peer, traits));
        self.broker.add_outbound(link.clone());
        self.broker.set_rtt(&link, Duration::from_millis(20));
        let account = self.broker.global().to_name();
        let mut interest = RemoteInterest::default();
        self.broker.remote_subscribe(
            &link,
            &mut interest,
            &account,
            subject.as_bytes(),
            None,
            self.now,
        );
    }

    /// A client's way into the switchboard.
    pub(crate) fn way(&mut self) -> Way {
        Way {
            from: self.peer(PeerKind::Client),
            publisher: Publisher::new(self.broker.global().clone(), 3),
            delivery: Delivery::new(5),
        }
    }
}

/// One connection's way into the switchboard.
pub(crate) struct Way {
    pub(crate) from: Arc<Peer>,
    pub(crate) publisher: Publisher,
    pub(crate) delivery: Delivery,
}

impl Way {
    /// Sends a message in.
    #[inline]
    pub(crate) fn publish(&mut self, room: &Room, message: &Message<'_>) {
        self.publisher
            .publish(&room.broker, &mut self.delivery, &self.from, message);
    }

    /// Does something `n` times, in batches as large as `batch`, each with its flush.
    #[inline]
    pub(crate) fn in_batches(
        &mut self,
        room: &Room,
        n: usize,
        batch: usize,
        mut once: impl FnMut(&mut Way, usize),
    ) {
        let mut done = 0;
        while done < n {
            self.delivery.begin(room.now);
            for at in done..n.min(done + batch) {
                once(self, at);
            }
            self.delivery.finish(&room.broker);
            done += batch;
        }
    }
}

/// The tail of a message: its size, and so much payload.
pub(crate) fn tail(size: usize) -> Vec<u8> {
    format!("{size}\r\n{}\r\n", "x".repeat(size)).into_bytes()
}

/// A message whose tail is one of [`tail`]'s.
#[inline]
pub(crate) fn message<'a>(
    subject: &'a [u8],
    reply: &'a [u8],
    size: usize,
    tail: &'a [u8],
) -> Message<'a> {
    let payload = &tail[tail.len() - 2 - size..tail.len() - 2];
    Message {
        subject,
        reply,
        header_len: None,
        payload,
        tail,
        shared: None,
    }
}
