//! Requests to services of other accounts that may still be answered: which reply of which account each
//! stands for, and for how long. Not here: how requests and answers travel (`services`).
//!
//! An account's table is locked by itself: neither the account's interest nor another account's table is
//! locked with it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::ops::Bound;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll};
use core::time::Duration;

use gannet_config::ResponseType;
use gannet_subject::{Class, has_wildcard, matches, tokens};
use gannet_units::Moment;

use crate::account::Account;
use crate::broker::Broker;
use crate::reply_ids::{self, RequestId};
use crate::sub::Sub;

/// Requests to one account that may wait for answers; then those that end first make room.
const MOST: usize = 256 * 1024;
/// How long a request may be answered if its export does not say.
pub(crate) const THRESHOLD: Duration = Duration::from_secs(120);

/// A request that may be answered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The account that asked.
    pub(crate) from: Weak<Account>,
    /// Where the answer goes there.
    pub(crate) reply: Arc<[u8]>,
    pub(crate) kind: ResponseType,
    pub(crate) threshold: Duration,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    until: Moment,
}

/// A request, and the account that it was sent to.
type Sent = (Weak<Account>, RequestId);

/// One account's requests: those that it is to answer, and where its own are noted.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    /// What the replies of requests to this account begin with; made when the first one comes.
    prefix: Option<Box<[u8]>>,
    waiting: BTreeMap<RequestId, Waiting>,
    by_end: BTreeSet<(Moment, RequestId)>,
    /// Requests of this account, by the replies that it asked for.
    own: BTreeMap<Arc<[u8]>, Vec<Sent>>,
}

impl Responses {
    fn insert(
        &mut self,
        id: RequestId,
        request: Request,
        now: Moment,
    ) -> Option<(RequestId, Request)> {
        let crowded = match self.waiting.len() >= MOST {
            true => self.by_end.first().copied(),
            false => None,
        };
        let lost = crowded.and_then(|(_, id)| Some((id, self.remove(id)?)));
        let until = now + request.threshold;
        self.by_end.insert((until, id));
        self.waiting.insert(id, Waiting { request, until });
        lost
    }

    fn remove(&mut self, id: RequestId) -> Option<Request> {
        let waiting = self.waiting.remove(&id)?;
        self.by_end.remove(&(waiting.until, id));
        Some(waiting.request)
    }

    fn forget_own(&mut self, reply: &[u8], id: RequestId) {
        if let Some(list) = self.own.get_mut(reply) {
            list.retain(|(_, known)| *known != id);
            if list.is_empty() {
                self.own.remove(reply);
            }
        }
    }

    /// Replies that were asked for and that `pattern` matches.
    fn own_replies(&self, pattern: &[u8]) -> Vec<Arc<[u8]>> {
        if !has_wildcard(pattern) {
            let known = self.own.get_key_value(pattern);
            return known.into_iter().map(|(reply, _)| reply.clone()).collect();
        }
        let fixed = tokens(pattern).take_while(|t| !matches!(*t, b"*" | b">"));
        let fixed: usize = fixed.map(|token| token.len() + 1).sum();
        let start = &pattern[..fixed];
        let from = (Bound::Included(start), Bound::Unbounded);
        let candidates = self.own.range::<[u8], _>(from).map(|(reply, _)| reply);
        let candidates = candidates.take_while(|reply| reply.starts_with(start));
        let meant = candidates.filter(|reply| matches(pattern, reply));
        meant.cloned().collect()
    }
}

impl Account {
    /// Notes a request to this account, and answers the reply subject that stands for it here.
    pub(crate) fn await_response(
        self: &Arc<Self>,
        broker: &Broker,
        request: Request,
        now: Moment,
    ) -> (RequestId, Vec<u8>) {
        let prefix = self.reply_prefix(broker, now);
        let id = broker.reply_ids.new_request();
        let until = now + request.threshold;
        let (from, reply) = (request.from.clone(), request.reply.clone());
        if let Some(from) = from.upgrade() {
            let mut own = from.responses().lock();
            let own = &mut own.get_or_insert_default().own;
            own.entry(reply)
                .or_default()
                .push((Arc::downgrade(self), id));
            from.set_awaiting();
        }
        let lost = self
            .responses()
            .lock()
            .get_or_insert_default()
            .insert(id, request, now);
        if let Some((id, request)) = lost {
            request.forget(id);
        }
        broker.note_deadline(until);
        (id, [&*prefix, &id].concat())
    }

    /// What the replies of requests to this account begin with. With the first one, the account asks for them.
    fn reply_prefix(self: &Arc<Self>, broker: &Broker, now: Moment) -> Box<[u8]> {
        let known = || {
            self.responses()
                .lock()
                .as_ref()
                .and_then(|all| all.prefix.clone())
        };
        if let Some(prefix) = known() {
            return prefix;
        }
        let prefix = broker.reply_ids.new_prefix();
        let pattern = reply_ids::pattern(&prefix);
        let peer = broker.internal.clone();
        let sub = Sub::new(peer, Class::Local, &pattern, None, b"", now);
        // Interest first: nobody must send an answer that nobody waits for.
        self.insert(self.interest().write(), sub.clone(), now);
        let mut responses = self.responses().lock();
        let have = &mut responses.get_or_insert_default().prefix;
        if let Some(prefix) = have.clone() {
            drop(responses);
            self.unsubscribe(&sub);
            return prefix;
        }
        *have = Some(prefix.clone());
        drop(responses);
        broker.answering.lock().push(self.clone());
        prefix
    }

    /// The request that a message on `subject` answers. One that has all it may have with this answer is over.
    pub(crate) fn take_response(
        &self,
        subject: &[u8],
        is_end: bool,
    ) -> Option<(RequestId, Request)> {
        let mut responses = self.responses().lock();
        let all = responses.as_mut()?;
        let id = reply_ids::request_of(all.prefix.as_ref()?, subject)?;
        let known = &all.waiting.get(&id)?.request;
        if known.kind != ResponseType::Singleton && !is_end {
            return Some((id, known.clone()));
        }
        let request = all.remove(id)?;
        drop(responses);
        request.forget(id);
        Some((id, request))
    }

    /// An answer of several was delivered: the request goes on.
    pub(crate) fn prolong_response(&self, broker: &Broker, id: RequestId, now: Moment) {
        let mut responses = self.responses().lock();
        let Some(Responses {
            waiting, by_end, ..
        }) = responses.as_deref_mut()
        else {
            return;
        };
        if let Some(waiting) = waiting.get_mut(&id) {
            by_end.remove(&(waiting.until, id));
            waiting.until = now + waiting.request.threshold;
            by_end.insert((waiting.until, id));
            broker.note_deadline(waiting.until);
        }
    }

    /// The request is over.
    pub(crate) fn drop_response(&self, id: RequestId) {
        let request = self
            .responses()
            .lock()
            .as_mut()
            .and_then(|all| all.remove(id));
        if let Some(request) = request {
            request.forget(id);
        }
    }

    /// A subscription to `pattern` has gone: whoever asked for replies that nobody wants any more gets none.
    #[cold]
    pub(crate) fn drop_unwanted_responses(&self, pattern: &[u8]) {
        let replies = match self.responses().lock().as_ref() {
            Some(all) => all.own_replies(pattern),
            None => return,
        };
        for reply in replies
            .into_iter()
            .filter(|reply| !self.has_interest(reply))
        {
            let own = self
                .responses()
                .lock()
                .as_mut()
                .and_then(|all| all.own.remove(&reply));
            for (account, id) in own.into_iter().flatten() {
                if let Some(account) = account.upgrade() {
                    account.drop_response(id);
                }
            }
        }
    }

    /// Requests to this account that may still be answered, and own ones that wait for answers.
    pub fn pending_responses(&self) -> (usize, usize) {
        let responses = self.responses().lock();
        let all = responses.as_ref();
        all.map_or((0, 0), |all| {
            (all.waiting.len(), all.own.values().map(Vec::len).sum())
        })
    }

    /// Drops requests whose time is over at `now`; answers when the next one's is.
    fn expire_responses(&self, now: Moment) -> Option<Moment> {
        loop {
            let mut responses = self.responses().lock();
            let all = responses.as_mut()?;
            let &(until, id) = all.by_end.first()?;
            if until > now {
                return Some(until);
            }
            let request = all.remove(id);
            drop(responses);
            if let Some(request) = request {
                request.forget(id);
            }
        }
    }
}

impl Request {
    /// The account that asked forgets it.
    fn forget(&self, id: RequestId) {
        if let Some(from) = self.from.upgrade()
            && let Some(all) = from.responses().lock().as_mut()
        {
            all.forget_own(&self.reply, id);
        }
    }
}

impl Broker {
    /// Drops requests to services that were not answered in time; answers when to do so again, unless
    /// [`Broker::poll_earlier_expiry`] says sooner.
    pub fn expire_responses(&self, now: Moment) -> Moment {
        self.next_expiry.store(u64::MAX, Ordering::SeqCst);
        let accounts = self.answering.lock().clone();
        let next = accounts
            .iter()
            .filter_map(|account| account.expire_responses(now));
        self.note_deadline(next.min().unwrap_or(Moment::NEVER));
        Moment::from_nanos(self.next_expiry.load(Ordering::SeqCst))
    }

    /// Ready when requests are to be looked at before `expected`.
    pub fn poll_earlier_expiry(&self, cx: &Context<'_>, expected: Moment) -> Poll<()> {
        self.expiry_awaited.await_by(cx);
        match self.next_expiry.load(Ordering::SeqCst) < expected.as_nanos() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn note_deadline(&self, until: Moment) {
        let until = until.as_nanos();
        if self.next_expiry.load(Ordering::SeqCst) > until
            && self.next_expiry.fetch_min(until, Ordering::SeqCst) > until
        {
            self.expiry_awaited.tell();
        }
    }
}
