//! Messages that come over a link, on their way into the switchboard. Not here: the link's own
//! conversation.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gannet_broker::{Delivery, Hop, Message, Origin, Peer, Publisher, Run};
use gannet_wire::reply_prefix::{self, Hash, Mapped};
use gannet_wire::{link, message_again};

use super::{Counts, Line};
use crate::shared::Shared;

/// What every delivery from a link needs.
pub(crate) struct Way<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) delivery: &'a mut Delivery,
    /// The link.
    pub(crate) from: &'a Arc<Peer>,
}

/// The account of a message is not known here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnknownAccount;

/// The accounts that messages of one link go to.
pub(crate) struct Inbound {
    publishers: BTreeMap<Box<[u8]>, Publisher>,
    hop: Hop,
    /// This cluster's mark in mapped replies, and this server's; `None` on a server without gateways.
    own: Option<(Hash, Hash)>,
}

impl Inbound {
    /// For a link of that kind.
    pub(crate) fn new(shared: &Shared, hop: Hop) -> Inbound {
        let options = shared.now();
        let gateway = options.gateway.as_ref();
        Inbound {
            publishers: BTreeMap::new(),
            hop,
            own: gateway.map(|g| {
                let cluster = reply_prefix::hash(&g.name);
                (cluster, reply_prefix::hash(&shared.id))
            }),
        }
    }

    /// Delivers `m`, the first `used` of `bytes`, and those like it that follow, and counts them. Answers the bytes of
    /// them all, and whether the account was known. `whole` is the operation's own buffer, if it has one.
    #[inline]
    pub(crate) fn take<'a>(
        &mut self,
        line: &mut Line,
        (m, whole): (&link::Message<'a>, Option<&Bytes>),
        (bytes, used): (&'a [u8], usize),
        run: &mut Run<'a>,
        counts: &mut Counts,
    ) -> (usize, Result<(), UnknownAccount>) {
        if whole.is_none()
            && let Some(taken) = self.deliver_run(line.way(), run, m, (bytes, used))
        {
            counts.msgs += run.len() as u64;
            counts.bytes += run.size() as u64;
            return (taken, Ok(()));
        }
        counts.msgs += 1;
        counts.bytes += m.payload.len() as u64;
        (used, self.deliver(line.way(), m, whole))
    }

    /// Delivers one message. `whole` is the operation's own buffer, if it has one.
    ///
    /// # Errors
    ///
    /// If its account is not known.
    #[inline]
    fn deliver(
        &mut self,
        way: Way<'_>,
        m: &link::Message<'_>,
        whole: Option<&Bytes>,
    ) -> Result<(), UnknownAccount> {
        let (own, hop) = (self.own, self.hop);
        let publisher = match self.publishers.get_mut(m.account) {
            Some(publisher) => publisher,
            None => self.open(way.shared, m.account).ok_or(UnknownAccount)?,
        };
        let tail = whole
            .filter(|_| !m.tail.is_empty())
            .map(|b| b.slice_ref(m.tail));
        let plain_reply = if own.is_some() {
            reply_prefix::strip(m.reply)
        } else {
            m.reply
        };
        let plain = Message {
            subject: m.subject,
            reply: plain_reply,
            header_len: m.header_len,
            payload: m.payload,
            tail: m.tail,
            shared: tail.as_ref(),
        };
        let mapped_reply = if plain_reply.len() < m.reply.len() {
            m.reply
        } else {
            b""
        };
        if let Some(own) = own.filter(|_| reply_prefix::is_reserved(m.subject)) {
            if let Some(mapped) = reply_prefix::parse(m.subject) {
                let reply = Reply {
                    mapped,
                    message: &plain,
                    mapped_reply,
                };
                reply.deliver(publisher, way, own, hop);
                return Ok(());
            }
            if reply_prefix::is_old_mapped(m.subject) {
                return Ok(());
            }
        }
        let Way {
            shared,
            delivery,
            from,
        } = way;
        let (broker, queues) = (&shared.broker, m.queues);
        let origin = Origin::Link {
            by: hop,
            queues,
            mapped_reply,
        };
        publisher.publish_linked(broker, delivery, from, &plain, origin);
        Ok(())
    }

    /// Delivers `first`, the `used` bytes at the start of `bytes`, together with all messages like it that
    /// follow. Answers how many bytes they took; `None` if there are none, or they are of no usual kind:
    /// nothing was done then.
    #[inline]
    fn deliver_run<'a>(
        &mut self,
        way: Way<'_>,
        run: &mut Run<'a>,
        first: &link::Message<'a>,
        (bytes, used): (&'a [u8], usize),
    ) -> Option<usize> {
        if !(first.reply.is_empty() && first.queues.is_empty()) || first.tail.is_empty() {
            return None;
        }
        let start = &bytes[..used - first.tail.len()];
        let headers = first.header_len.is_some();
        let again =
            |at: usize| message_again(&bytes[at..], start, headers, link::Limits::ANY_PAYLOAD);
        let mut next = again(used)?;
        if reply_prefix::is_reserved(first.subject) {
            return None;
        }
        let publisher = self.publishers.get_mut(first.account)?;
        let message = |header_len, payload, tail| Message {
            subject: first.subject,
            reply: b"",
            header_len,
            payload,
            tail,
            shared: None,
        };
        run.begin(&message(first.header_len, first.payload, first.tail));
        let mut taken = used;
        loop {
            run.push(&message(next.header_len, next.payload, next.tail));
            taken += next.used;
            match again(taken) {
                Some(more) if !run.is_full() => next = more,
                _ => break,
            }
        }
        publisher.publish_linked_run(&way.shared.broker, way.delivery, way.from, run, self.hop);
        Some(taken)
    }

    fn open(&mut self, shared: &Shared, account: &[u8]) -> Option<&mut Publisher> {
        let known = shared.broker.account(std::str::from_utf8(account).ok()?)?;
        let publisher = Publisher::new(known, shared.seed);
        Some(self.publishers.entry(account.into()).or_insert(publisher))
    }

    /// Gives back what is kept for speed.
    pub(crate) fn rest(&mut self) {
        self.publishers.values_mut().for_each(Publisher::rest);
    }
}

/// A message on a mapped reply subject.
struct Reply<'a> {
    mapped: Mapped<'a>,
    /// With the mapped subject, and the plain form of the reply that it asks for itself.
    message: &'a Message<'a>,
    mapped_reply: &'a [u8],
}

impl Reply<'_> {
    /// Delivers it, if it is for this cluster: another one has no use for it.
    fn deliver(
        &self,
        publisher: &mut Publisher,
        way: Way<'_>,
        (own_cluster, own_server): (Hash, Hash),
        hop: Hop,
    ) {
        let (mapped, broker) = (&self.mapped, &way.shared.broker);
        if mapped.cluster != own_cluster {
            return;
        }
        // What has come by a route goes to no other server: it was sent to this one because it is meant, or
        // because nobody knows any better.
        if hop == Hop::Gateway
            && mapped.server != own_server
            && let Some(route) = publisher.account().route_marked(mapped.server)
        {
            let reply = match self.mapped_reply {
                b"" => self.message.reply,
                mapped => mapped,
            };
            let whole = Message {
                reply,
                ..*self.message
            };
            publisher.relay(broker, way.delivery, way.from, &whole, &route);
            return;
        }
        let home = Message {
            subject: mapped.subject,
            ..*self.message
        };
        let origin = Origin::ReturnedReply {
            by: hop,
            mapped_reply: self.mapped_reply,
        };
        publisher.publish_linked(broker, way.delivery, way.from, &home, origin);
    }
}
