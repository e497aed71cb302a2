//! Messages that come over an inbound link, on their way into the switchboard. Not here: the link's own
//! conversation.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gannet_broker::{Delivery, Hop, Message, Peer, Publisher, Run};
use gannet_session::gateway::Refusals;
use gannet_wire::gateway;
use gannet_wire::reply_prefix::{self, Hash};

use crate::shared::Shared;

/// The accounts that messages of one inbound link go to.
pub(super) struct Inbound {
    publishers: BTreeMap<Box<[u8]>, Publisher>,
    refusals: Refusals,
    /// This cluster's mark in mapped replies.
    own_mark: Hash,
    /// This server's.
    own_server: Hash,
}

impl Inbound {
    pub(super) fn new(own_gateway: &str, server_id: &str) -> Inbound {
        Inbound {
            publishers: BTreeMap::new(),
            refusals: Refusals::default(),
            own_mark: reply_prefix::hash(own_gateway),
            own_server: reply_prefix::hash(server_id),
        }
    }

    /// Delivers one message. `words` are for the link: it is told of accounts that don't exist.
    pub(super) fn deliver(
        &mut self,
        shared: &Shared,
        delivery: &mut Delivery,
        from: &Arc<Peer>,
        m: &gateway::Message<'_>,
        whole: Option<&Bytes>,
        words: &mut Vec<u8>,
    ) {
        let (own_mark, own_server) = (self.own_mark, self.own_server);
        let publisher = match self.publishers.get_mut(m.account) {
            Some(publisher) => publisher,
            None => match self.open(shared, m.account) {
                Some(publisher) => publisher,
                None => return self.refusals.unknown_account(m.account, words),
            },
        };
        let tail = whole
            .filter(|_| !m.tail.is_empty())
            .map(|b| b.slice_ref(m.tail));
        let plain = Message {
            subject: m.subject,
            reply: reply_prefix::strip(m.reply),
            header_len: m.header_len,
            payload: m.payload,
            tail: m.tail,
            shared: tail.as_ref(),
        };
        let broker = &shared.broker;
        let mapped_reply = if plain.reply.len() < m.reply.len() {
            m.reply
        } else {
            b""
        };
        if let Some(mapped) = reply_prefix::parse(m.subject) {
            // A mapped reply is for the cluster that its mark names; another one has no use for it.
            if mapped.cluster == own_mark {
                if mapped.server != own_server
                    && let Some(route) = publisher.account().route_marked(mapped.server)
                {
                    let whole = Message {
                        reply: m.reply,
                        ..plain
                    };
                    publisher.relay(broker, delivery, from, &whole, &route);
                    return;
                }
                let home = Message {
                    subject: mapped.subject,
                    ..plain
                };
                publisher.publish_returned(
                    broker,
                    delivery,
                    from,
                    &home,
                    mapped_reply,
                    Hop::Gateway,
                );
            }
            return;
        }
        if reply_prefix::is_old_mapped(m.subject) {
            return;
        }
        publisher.publish_remote(broker, delivery, from, &plain, m.queues, mapped_reply);
    }

    /// Delivers messages without replies or queue groups that came in a row on one subject of `account`.
    /// `false`: they are not of the usual kind, and nothing was done.
    pub(super) fn deliver_run(
        &mut self,
        shared: &Shared,
        delivery: &mut Delivery,
        from: &Arc<Peer>,
        account: &[u8],
        run: &Run<'_>,
    ) -> bool {
        if reply_prefix::is_reserved(run.subject()) {
            return false;
        }
        let Some(publisher) = self.publishers.get_mut(account) else {
            return false;
        };
        publisher.publish_linked_run(&shared.broker, delivery, from, run, Hop::Gateway);
        true
    }

    fn open(&mut self, shared: &Shared, account: &[u8]) -> Option<&mut Publisher> {
        let known = shared.broker.account(std::str::from_utf8(account).ok()?)?;
        let publisher = Publisher::new(known, shared.seed);
        Some(self.publishers.entry(account.into()).or_insert(publisher))
    }

    /// Gives back what is kept for speed.
    pub(super) fn rest(&mut self) {
        self.publishers.values_mut().for_each(Publisher::rest);
    }
}
