//! Messages that come over an inbound link, on their way into the switchboard. Not here: the link's own
//! conversation.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gannet_broker::{Delivery, Message, Peer, Publisher};
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
}

impl Inbound {
    pub(super) fn new(own_gateway: &str) -> Inbound {
        Inbound {
            publishers: BTreeMap::new(),
            refusals: Refusals::default(),
            own_mark: reply_prefix::hash(own_gateway),
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
        let own_mark = self.own_mark;
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
                let home = Message {
                    subject: mapped.subject,
                    ..plain
                };
                publisher.publish_returned(broker, delivery, from, &home, mapped_reply);
            }
            return;
        }
        if reply_prefix::is_old_mapped(m.subject) {
            return;
        }
        publisher.publish_remote(broker, delivery, from, &plain, m.queues, mapped_reply);
    }

    fn open(&mut self, shared: &Shared, account: &[u8]) -> Option<&mut Publisher> {
        let known = shared.broker.account(std::str::from_utf8(account).ok()?)?;
        let publisher = Publisher::new(known, shared.seed);
        Some(self.publishers.entry(account.into()).or_insert(publisher))
    }

    /// Gives back what is kept for speed; for a link that has gone quiet.
    pub(super) fn rest(&mut self) {
        self.publishers.values_mut().for_each(Publisher::rest);
    }
}
