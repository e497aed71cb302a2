//! Requests to services of other accounts, and the answers: a message that an import matches is published in
//! the exporting account as well, with a reply that stands for the requester's. Not here: which requests wait
//! for answers (`responses`).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use gannet_config::ImportKind;
use smallvec::SmallVec;

use crate::account::Account;
use crate::broker::Broker;
use crate::delivery::{Delivered, Delivery};
use crate::mapping::Mapped;
use crate::message::Message;
use crate::origin::Origin;
use crate::peer::Peer;
use crate::publish::{Maker, Publisher};
use crate::responses::{Request, THRESHOLD};
use crate::sharing::imports::ServiceImport;

/// Imports that one message goes through, one behind the other.
const CHAIN_MOST: usize = 64;
/// Other accounts whose plans one connection keeps.
const ONWARD_MOST: usize = 64;
/// Replies that carry a meaning of their own and stay as they are.
const ACK: &[u8] = b"$JS.ACK.";
/// The header that says who asks.
const INFO: &[u8] = b"Nats-Request-Info: ";

/// Tells services who asks.
pub trait Requester: fmt::Debug + Send + Sync {
    /// Appends what a service may know of the client, as JSON without line ends. `service` is the account that
    /// passes the request on, if there is one between.
    fn describe(&self, shared: Shared, service: Option<&str>, out: &mut Vec<u8>);
}

/// How much of who asks is shared with a service. The account and the round trip time always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Nothing else.
    Little,
    /// The server besides: an import behind the first one shares who asks, which it does not know.
    Server,
    /// All.
    All,
}

/// A message on its way through accounts.
pub(crate) struct Passage<'a> {
    pub(crate) broker: &'a Broker,
    pub(crate) out: &'a mut Delivery,
    pub(crate) from: &'a Arc<Peer>,
    pub(crate) requester: Option<Arc<dyn Requester>>,
    /// Imports it has come through, and whether the first one shares who asks.
    trail: SmallVec<[Arc<ServiceImport>; 2]>,
}

impl<'a> Passage<'a> {
    pub(crate) fn new(
        broker: &'a Broker,
        out: &'a mut Delivery,
        from: &'a Arc<Peer>,
        requester: Option<Arc<dyn Requester>>,
    ) -> Passage<'a> {
        Passage {
            broker,
            out,
            from,
            requester,
            trail: SmallVec::new(),
        }
    }

    /// Whether the message has come this way before, or too far.
    fn is_going_round(&self, import: &Arc<ServiceImport>) -> bool {
        self.trail.len() >= CHAIN_MOST || self.trail.iter().any(|one| Arc::ptr_eq(one, import))
    }
}

/// The ways of one connection into other accounts.
#[derive(Debug, Default)]
pub(crate) struct Onward {
    accounts: Vec<Publisher>,
    /// Into the same account, on subjects that its mappings have chosen by chance.
    mapped: Option<Box<Publisher>>,
}

impl Onward {
    fn take(&mut self, account: &Arc<Account>) -> Option<Publisher> {
        let known = self
            .accounts
            .iter()
            .position(|p| Arc::ptr_eq(p.account(), account));
        known.map(|at| self.accounts.swap_remove(at))
    }

    fn put_back(&mut self, publisher: Publisher) {
        if self.accounts.len() < ONWARD_MOST {
            self.accounts.push(publisher);
        }
    }
}

impl Publisher {
    /// Publishes what came from another account, by an import or in answer to a request, or what a mapping has
    /// chosen another subject for.
    fn carry(
        &mut self,
        passage: &mut Passage<'_>,
        msg: &Message<'_>,
        origin: Origin<'_>,
        maker: Maker,
    ) -> Delivered {
        let at = self.find_plan(passage.broker, passage.from, msg.subject, maker);
        let done = self.pass(passage, msg, origin, maker, at);
        self.forget(at);
        done
    }

    /// Delivers along the plan that was found, and does what there is beyond.
    pub(crate) fn pass(
        &mut self,
        passage: &mut Passage<'_>,
        msg: &Message<'_>,
        origin: Origin<'_>,
        maker: Maker,
        at: Option<usize>,
    ) -> Delivered {
        let (broker, from) = (passage.broker, passage.from);
        let Some(plan) = self.plan(at) else {
            return Delivered::default();
        };
        let Some(beyond) = plan.beyond.clone() else {
            return passage
                .out
                .deliver(broker, self.account(), from, msg, origin, plan);
        };
        if beyond.is_by_chance() {
            return self.pass_by_chance(passage, msg, origin, maker);
        }
        let msg = &Message {
            subject: beyond.subject(msg.subject),
            ..*msg
        };
        if !beyond.permits(from, msg.subject, passage.out.now()) {
            return Delivered::REFUSED;
        }
        let mut done = passage
            .out
            .deliver(broker, self.account(), from, msg, origin, plan);
        done += self.pass_on(passage, beyond.services(), beyond.is_response(), msg);
        done
    }

    /// Publishes a message on the subject that chance chooses for it.
    fn pass_by_chance(
        &mut self,
        passage: &mut Passage<'_>,
        msg: &Message<'_>,
        origin: Origin<'_>,
        maker: Maker,
    ) -> Delivered {
        let mut chosen = Vec::new();
        let mut random = |below: u32| (passage.out.random() % below.max(1) as usize) as u32;
        let subject = match self
            .account()
            .map_one(msg.subject, &mut random, &mut chosen)
        {
            Mapped::Lost => return Delivered::default(),
            Mapped::Unchanged => msg.subject,
            Mapped::To => &chosen,
        };
        let account = self.account().clone();
        let known = self.onward().mapped.take();
        let mut twin = known.unwrap_or_else(|| Box::new(self.sibling(&account)));
        let msg = Message { subject, ..*msg };
        let done = twin.carry(passage, &msg, origin, maker.mapped());
        self.onward().mapped = Some(twin);
        done
    }

    /// Brings a message to the services that it asks, or to who waits for this answer.
    fn pass_on(
        &mut self,
        passage: &mut Passage<'_>,
        services: &[Arc<ServiceImport>],
        is_response: bool,
        msg: &Message<'_>,
    ) -> Delivered {
        let mut done = Delivered::default();
        for service in services {
            done += self.request(passage, service, msg);
        }
        if is_response {
            done += self.respond(passage, msg);
        }
        done
    }

    fn bring_to(
        &mut self,
        passage: &mut Passage<'_>,
        account: &Arc<Account>,
        msg: &Message<'_>,
    ) -> Delivered {
        let known = self.onward().take(account);
        let mut next = known.unwrap_or_else(|| self.sibling(account));
        passage.out.settle(self.account());
        let done = next.carry(passage, msg, Origin::Client, Maker::Account);
        passage.out.settle(account);
        self.onward().put_back(next);
        done
    }

    /// Sends a request to the account that serves it.
    fn request(
        &mut self,
        passage: &mut Passage<'_>,
        import: &Arc<ServiceImport>,
        msg: &Message<'_>,
    ) -> Delivered {
        let Some(exporter) = import.exporter.upgrade() else {
            return Delivered::default();
        };
        if passage.is_going_round(import) {
            return Delivered::default();
        }
        let subject = import.requested_as(msg.subject);
        let now = passage.out.now();
        let awaited = (!msg.reply.is_empty() && !msg.reply.starts_with(ACK)).then(|| {
            let request = self.to_be_answered(&exporter, &subject, msg);
            exporter.await_response(passage.broker, request, now)
        });
        let mut told = Vec::new();
        let (header_len, is_told) = self.tell(passage, import, msg, &mut told);
        let asked = Message {
            subject: &subject,
            reply: awaited.as_ref().map_or(msg.reply, |(_, reply)| reply),
            header_len,
            payload: if is_told { &told } else { msg.payload },
            tail: if is_told { b"" } else { msg.tail },
            shared: msg.shared.filter(|_| !is_told),
        };
        passage.trail.push(import.clone());
        let done = self.bring_to(passage, &exporter, &asked);
        passage.trail.pop();
        if let Some((id, _)) = awaited.filter(|_| done.is_none()) {
            exporter.drop_response(id);
        }
        done
    }

    /// What is noted of a request on `subject` in the account that serves it.
    fn to_be_answered(&self, exporter: &Account, subject: &[u8], msg: &Message<'_>) -> Request {
        let shares = exporter.shares();
        let service = shares.as_ref().and_then(|shares| {
            let subject = str::from_utf8(subject).ok()?;
            shares.exports.service(subject)
        });
        Request {
            from: Arc::downgrade(self.account()),
            reply: msg.reply.into(),
            kind: service.map(|service| service.response).unwrap_or_default(),
            threshold: service
                .and_then(|service| service.threshold)
                .unwrap_or(THRESHOLD),
        }
    }

    /// Writes the payload with who asks in front, if that is known. Answers the length of its headers.
    fn tell(
        &self,
        passage: &Passage<'_>,
        import: &ServiceImport,
        msg: &Message<'_>,
        out: &mut Vec<u8>,
    ) -> (Option<usize>, bool) {
        let Some(requester) = &passage.requester else {
            return (msg.header_len, false);
        };
        let first = passage.trail.first().map_or(import, |first| first);
        let shared = if is_shared(first) {
            Shared::All
        } else if is_shared(import) || passage.trail.iter().any(|one| is_shared(one)) {
            Shared::Server
        } else {
            Shared::Little
        };
        let between = (!passage.trail.is_empty()).then(|| self.account().name());
        let mut info = Vec::new();
        requester.describe(shared, between, &mut info);
        let len = with_info(msg, &info, out);
        (Some(len), true)
    }

    /// Brings an answer to who asked.
    fn respond(&mut self, passage: &mut Passage<'_>, msg: &Message<'_>) -> Delivered {
        let account = self.account().clone();
        let is_end = msg.payload.is_empty();
        let Some((id, request)) = account.take_response(msg.subject, is_end) else {
            return Delivered::default();
        };
        let Some(asker) = request.from.upgrade() else {
            return Delivered::default();
        };
        let now = passage.out.now();
        // An answer may ask for an answer itself.
        let awaited = (!msg.reply.is_empty() && !msg.reply.starts_with(ACK)).then(|| {
            let back = Request {
                from: Arc::downgrade(&account),
                reply: msg.reply.into(),
                ..request.clone()
            };
            asker.await_response(passage.broker, back, now)
        });
        let answer = Message {
            subject: &request.reply,
            reply: awaited.as_ref().map_or(msg.reply, |(_, reply)| reply),
            ..*msg
        };
        let done = self.bring_to(passage, &asker, &answer);
        if done.is_none() {
            account.drop_response(id);
            if let Some((id, _)) = awaited {
                asker.drop_response(id);
            }
        } else {
            account.prolong_response(passage.broker, id, now);
        }
        done
    }
}

fn is_shared(import: &ServiceImport) -> bool {
    matches!(import.source.kind, ImportKind::Service { share: true, .. })
}

/// Writes headers that say who asks, in place of what they said of that before, and the body. Answers the
/// headers' length.
fn with_info(msg: &Message<'_>, info: &[u8], out: &mut Vec<u8>) -> usize {
    let len = msg.header_len.unwrap_or(0);
    let (headers, body) = msg.payload.split_at(len.min(msg.payload.len()));
    let mut lines = headers.split_inclusive(|byte| *byte == b'\n');
    out.reserve(msg.payload.len() + INFO.len() + info.len() + 16);
    out.extend_from_slice(lines.next().unwrap_or(b"NATS/1.0\r\n"));
    let name = &INFO[..INFO.len() - 1];
    for line in lines.filter(|line| !line.starts_with(name) && *line != b"\r\n") {
        out.extend_from_slice(line);
    }
    for part in [INFO, info, b"\r\n\r\n"] {
        out.extend_from_slice(part);
    }
    let len = out.len();
    out.extend_from_slice(body);
    len
}
