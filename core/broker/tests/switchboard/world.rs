//! A switchboard with peers whose sinks record everything and can be stopped.

use std::sync::Arc;

use gannet_broker::{
    Account, Broker, BrokerOptions, Delivered, Delivery, Hop, InboundLink, LinkTraits, Message,
    Origin, OutboundLink, Peer, PeerKind, Publisher, Run, Sink, Sub, Written,
};
use gannet_subject::Class;
use gannet_units::{ConnId, Moment};
use gannet_wire::gateway::Queues;
use gannet_wire::reply_prefix::ReplyPrefix;
use parking_lot::Mutex;

/// What a sink has taken, and how much more it takes.
#[derive(Default)]
pub(crate) struct Tap {
    pub(crate) bytes: Vec<u8>,
    pub(crate) room: Option<usize>,
    pub(crate) broken: bool,
    /// Most bytes taken at a time.
    pub(crate) step: Option<usize>,
}

struct TapSink(Arc<Mutex<Tap>>);

impl Sink for TapSink {
    fn try_write(&self, chunks: &[&[u8]]) -> Written {
        let mut tap = self.0.lock();
        if tap.broken {
            return Written::Broken;
        }
        let all: Vec<u8> = chunks.concat();
        let most = tap
            .room
            .unwrap_or(usize::MAX)
            .min(tap.step.unwrap_or(usize::MAX));
        let n = all.len().min(most);
        if n == 0 {
            return Written::Full;
        }
        tap.bytes.extend_from_slice(&all[..n]);
        if let Some(room) = &mut tap.room {
            *room -= n;
        }
        Written::Bytes(n)
    }
}

/// A peer and what it was sent.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) peer: Arc<Peer>,
    pub(crate) tap: Arc<Mutex<Tap>>,
}

impl End {
    /// Takes what was sent so far, as text.
    pub(crate) fn take(&self) -> String {
        self.peer.flush(&mut Vec::new());
        String::from_utf8(std::mem::take(&mut self.tap.lock().bytes)).expect("text")
    }
}

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) now: Moment,
    next: u64,
}

pub(crate) const OWN_PREFIX: (&str, &str) = ("HERE", "NSERVER");

impl World {
    pub(crate) fn new() -> World {
        let reply_prefix = Some(ReplyPrefix::new(OWN_PREFIX.0, OWN_PREFIX.1));
        let options = BrokerOptions {
            seed: 7,
            reply_prefix,
            gateway: OWN_PREFIX.0.into(),
            cluster: OWN_PREFIX.0.into(),
        };
        World {
            broker: Broker::new(options),
            now: Moment::from_nanos(10_000_000_000),
            next: 0,
        }
    }

    pub(crate) fn end_with(&mut self, kind: PeerKind, max_pending: usize) -> End {
        self.next += 1;
        let tap: Arc<Mutex<Tap>> = Arc::default();
        let peer = Arc::new(Peer::new(
            ConnId(self.next),
            kind,
            max_pending,
            Box::new(TapSink(tap.clone())),
        ));
        End { peer, tap }
    }

    pub(crate) fn client(&mut self) -> End {
        let end = self.end_with(PeerKind::Client, 1 << 20);
        end.peer.set_headers(true);
        end.peer.set_echo(true);
        end
    }

    pub(crate) fn subscribe(
        &self,
        end: &End,
        subject: &str,
        queue: Option<&str>,
        sid: &str,
    ) -> Sub {
        self.subscribe_in(self.broker.global(), end, subject, queue, sid)
    }

    pub(crate) fn subscribe_in(
        &self,
        account: &Account,
        end: &End,
        subject: &str,
        queue: Option<&str>,
        sid: &str,
    ) -> Sub {
        let sub = Sub::new(
            end.peer.clone(),
            Class::Local,
            subject.as_bytes(),
            queue.map(str::as_bytes),
            sid.as_bytes(),
            self.now,
        );
        account.subscribe(sub.clone(), self.now);
        sub
    }

    /// A link to another cluster, nearer the smaller its `rtt` in milliseconds.
    pub(crate) fn outbound(&mut self, name: &str, rtt: u64) -> (End, Arc<OutboundLink>) {
        let (end, link) = self.outbound_with(name, true);
        self.broker
            .set_rtt(&link, std::time::Duration::from_millis(rtt));
        (end, link)
    }

    /// A link to another cluster that takes headers or not.
    pub(crate) fn outbound_with(&mut self, name: &str, headers: bool) -> (End, Arc<OutboundLink>) {
        let end = self.end_with(PeerKind::OutboundGateway, 1 << 20);
        let traits = LinkTraits {
            name: name.into(),
            headers,
            interest_only: true,
        };
        let link = Arc::new(OutboundLink::new(end.peer.clone(), traits));
        self.broker.add_outbound(link.clone());
        (end, link)
    }

    /// A link from another cluster.
    pub(crate) fn inbound(&mut self, name: &str) -> End {
        let end = self.end_with(PeerKind::InboundGateway, 1 << 20);
        let link = InboundLink {
            peer: end.peer.clone(),
            name: name.into(),
        };
        let listing = self.broker.add_inbound(Arc::new(link), b"");
        listing.finish(&self.broker);
        end
    }

    pub(crate) fn way(&self) -> Way {
        self.way_into(self.broker.global().clone())
    }

    pub(crate) fn way_into(&self, account: Arc<Account>) -> Way {
        Way {
            publisher: Publisher::new(account, 3),
            delivery: Delivery::new(5),
        }
    }
}

/// One connection's way into the switchboard.
pub(crate) struct Way {
    pub(crate) publisher: Publisher,
    pub(crate) delivery: Delivery,
}

/// A message as it would have come in.
pub(crate) struct Text {
    subject: Vec<u8>,
    reply: Vec<u8>,
    header_len: Option<usize>,
    payload: Vec<u8>,
    tail: Vec<u8>,
}

pub(crate) fn text(subject: &str, reply: &str, payload: &str) -> Text {
    let tail = format!("{}\r\n{payload}\r\n", payload.len()).into_bytes();
    Text {
        subject: subject.into(),
        reply: reply.into(),
        header_len: None,
        payload: payload.into(),
        tail,
    }
}

pub(crate) fn with_headers(subject: &str, reply: &str, headers: &str, body: &str) -> Text {
    let payload = format!("{headers}{body}");
    let tail = format!("{} {}\r\n{payload}\r\n", headers.len(), payload.len()).into_bytes();
    let header_len = Some(headers.len());
    Text {
        subject: subject.into(),
        reply: reply.into(),
        header_len,
        payload: payload.into(),
        tail,
    }
}

impl Text {
    pub(crate) fn message(&self) -> Message<'_> {
        Message {
            subject: &self.subject,
            reply: &self.reply,
            header_len: self.header_len,
            payload: &self.payload,
            tail: &self.tail,
            shared: None,
        }
    }

    /// Without the tail: as if the sender's spacing could not be repeated.
    pub(crate) fn untidy(&self) -> Message<'_> {
        Message {
            tail: b"",
            ..self.message()
        }
    }
}

impl Way {
    pub(crate) fn publish(
        &mut self,
        world: &World,
        from: &End,
        message: &Message<'_>,
    ) -> Delivered {
        self.delivery.begin(world.now);
        let delivered =
            self.publisher
                .publish(&world.broker, &mut self.delivery, &from.peer, message);
        self.delivery.finish(&world.broker);
        delivered
    }

    pub(crate) fn publish_run(&mut self, world: &World, from: &End, run: &Run<'_>) -> usize {
        self.delivery.begin(world.now);
        let refused =
            self.publisher
                .publish_run(&world.broker, &mut self.delivery, &from.peer, run);
        self.delivery.finish(&world.broker);
        refused
    }

    pub(crate) fn remote(
        &mut self,
        world: &World,
        from: &End,
        message: &Message<'_>,
        queues: Queues<'_>,
        mapped: &[u8],
    ) -> Delivered {
        self.delivery.begin(world.now);
        let broker = &world.broker;
        let origin = Origin::Link {
            by: Hop::Gateway,
            queues,
            mapped_reply: mapped,
        };
        let out = &mut self.delivery;
        let delivered = self
            .publisher
            .publish_linked(broker, out, &from.peer, message, origin);
        self.delivery.finish(broker);
        delivered
    }

    /// A message that came over a route.
    pub(crate) fn routed(
        &mut self,
        world: &World,
        from: &End,
        message: &Message<'_>,
        queues: Queues<'_>,
    ) -> Delivered {
        self.delivery.begin(world.now);
        let broker = &world.broker;
        let origin = Origin::Link {
            by: Hop::Route,
            queues,
            mapped_reply: b"",
        };
        let out = &mut self.delivery;
        let delivered = self
            .publisher
            .publish_linked(broker, out, &from.peer, message, origin);
        self.delivery.finish(broker);
        delivered
    }

    pub(crate) fn returned(
        &mut self,
        world: &World,
        from: &End,
        message: &Message<'_>,
        mapped_reply: &[u8],
    ) -> Delivered {
        self.returned_by(world, from, message, mapped_reply, Hop::Gateway)
    }

    pub(crate) fn returned_by(
        &mut self,
        world: &World,
        from: &End,
        message: &Message<'_>,
        mapped_reply: &[u8],
        by: Hop,
    ) -> Delivered {
        self.delivery.begin(world.now);
        let origin = Origin::ReturnedReply { by, mapped_reply };
        let out = &mut self.delivery;
        let delivered =
            self.publisher
                .publish_linked(&world.broker, out, &from.peer, message, origin);
        self.delivery.finish(&world.broker);
        delivered
    }
}
