//! What the clients did and saw: every message, every subscription, every delivery. The checkers read it;
//! nothing else in a run knows what should happen.
//!
//! Not here: what must hold (`check`), who should get what (`oracle`).
//!
//! The words used here:
//! - a *subscription* of the journal is one SUB on one connection: a client that reconnects begins new ones;
//! - *confirmed* means that a PING sent after an operation was answered, so the server has handled it;
//! - a subscription *witnesses* a message if it was confirmed before the message was sent to the same
//!   server, and its connection was heard of again after the message was confirmed: then the server held
//!   the subscription for certain when it handled the message.

mod map;
mod records;

use std::collections::BTreeMap;
use std::time::Duration;

use gannet_units::Moment;

pub(crate) use map::Map;
pub(crate) use records::{Asked, Copy, Event, Message, MessageId, SubId, Subscription};

use crate::oracle::matches;

/// From a message's sending until it comes due.
const DUE: Duration = Duration::from_secs(5);

/// The journal of one run.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Which server belongs to which cluster.
    pub(crate) map: Map,
    pub(crate) messages: Vec<Message>,
    pub(crate) subs: Vec<Subscription>,
    /// Subscriptions of each connection that is open.
    by_connection: BTreeMap<u64, Vec<SubId>>,
    /// Confirmed messages of each server, in the order in which they were confirmed.
    confirmed: BTreeMap<usize, Vec<MessageId>>,
    connections: u64,
    /// Messages before this one have come due.
    due: MessageId,
    /// When a fault last struck the way between two servers, or one of them.
    disturbed: BTreeMap<(usize, usize), Moment>,
    /// When a fault last struck a client, or its way to its server.
    disturbed_clients: BTreeMap<usize, Moment>,
    /// When a server's pool of routes last changed.
    pools_changed: BTreeMap<usize, Moment>,
    /// When a client's credentials were last wrong.
    turned_out: BTreeMap<usize, Moment>,
    /// What certificates each server has had, by their subjects, and since when.
    certificates: BTreeMap<usize, Vec<(Moment, String)>>,
    /// How long it may take until the traces of a fault are gone.
    pub(crate) recovery: Duration,
    events: Vec<Event>,
    /// The story as text, if somebody wants to read it.
    tale: Option<Vec<String>>,
}

impl Journal {
    /// Keeps the story as text from now on.
    pub(crate) fn keep_tale(&mut self) {
        self.tale.get_or_insert_default();
    }

    /// Adds a line to the story's text; `line` is not asked for it if nobody reads.
    pub(crate) fn tell(&mut self, now: Moment, line: impl FnOnce() -> String) {
        if let Some(tale) = &mut self.tale {
            tale.push(format!("{} {}", shown(now), line()));
        }
    }

    /// Takes the story's text.
    pub(crate) fn take_tale(&mut self) -> Vec<String> {
        self.tale.as_mut().map_or_else(Vec::new, std::mem::take)
    }

    /// The lines of the story that contain `text`.
    pub(crate) fn tale_with(&self, text: &str) -> Vec<String> {
        let lines = self.tale.iter().flatten();
        lines.filter(|line| line.contains(text)).cloned().collect()
    }

    /// Takes what has happened since the last time.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// A number for a connection that is up.
    pub(crate) fn connected(&mut self, (client, server): (usize, usize), now: Moment) -> u64 {
        self.connections += 1;
        self.by_connection.insert(self.connections, Vec::new());
        let number = self.connections;
        self.tell(now, || {
            format!("client {client} connected to server {server} (connection {number})")
        });
        number
    }

    /// The connection is over, and with it its subscriptions.
    pub(crate) fn disconnected(
        &mut self,
        (client, server): (usize, usize),
        connection: u64,
        now: Moment,
        (why, at_will): (&str, bool),
    ) {
        self.tell(now, || {
            format!("client {client} lost connection {connection}: {why}")
        });
        self.events.push(Event::Disconnected {
            client,
            server,
            at: now,
            why: why.to_owned(),
            at_will,
        });
        for sub in self.by_connection.remove(&connection).unwrap_or_default() {
            self.subs[sub].ended_at.get_or_insert(now);
        }
    }

    /// A message is on its way into the connection.
    pub(crate) fn sent(&mut self, message: Message) -> MessageId {
        let id = self.messages.len();
        self.tell(message.sent_at, || {
            format!(
                "client {} sends {} {id} on {:?} ({} bytes)",
                message.publisher,
                message.kind(),
                message.subject,
                message.size
            )
        });
        self.messages.push(message);
        id
    }

    /// The number that the next message will get.
    pub(crate) fn next_message(&self) -> MessageId {
        self.messages.len()
    }

    /// A subscription is on its way into its connection.
    pub(crate) fn subscribed(&mut self, sub: Subscription) -> SubId {
        let id = self.subs.len();
        self.tell(sub.sent_at, || {
            let group = sub.queue.as_deref().unwrap_or("-");
            format!(
                "client {} subscribes {:?} queue {group} as {id}",
                sub.client, sub.pattern
            )
        });
        if let Some(subs) = self.by_connection.get_mut(&sub.connection) {
            subs.push(id);
        }
        self.subs.push(sub);
        id
    }

    /// The UNSUB of a subscription is on its way.
    pub(crate) fn unsubscribed(&mut self, sub: SubId, now: Moment) {
        self.subs[sub].ended_at.get_or_insert(now);
        let client = self.subs[sub].client;
        self.tell(now, || format!("client {client} unsubscribes {sub}"));
    }

    /// The server has handled what was written before the PING `asked`.
    pub(crate) fn confirmed(&mut self, connection: u64, asked: &Asked, now: Moment) {
        for sub in &asked.ends {
            self.subs[*sub].end_confirmed = true;
        }
        for sub in &asked.subs {
            self.subs[*sub].confirmed_at = Some(now);
            // What was confirmed earlier cannot be witnessed any more.
            let server = self.subs[*sub].server;
            self.subs[*sub].looked_at = self.confirmed.get(&server).map_or(0, Vec::len);
        }
        for id in &asked.messages {
            let message = &mut self.messages[*id];
            message.confirmed_at = Some(now);
            self.confirmed.entry(message.server).or_default().push(*id);
        }
        let own = self.by_connection.get(&connection).cloned();
        for sub in own.unwrap_or_default() {
            self.subs[sub].heard_at = asked.at;
            self.witness(sub, asked.at);
        }
    }

    /// Lets messages come due.
    pub(crate) fn come_due(&mut self, now: Moment) {
        while self
            .messages
            .get(self.due)
            .is_some_and(|message| message.sent_at + DUE <= now)
        {
            self.events.push(Event::Due { message: self.due });
            self.due += 1;
        }
    }

    /// A fault strikes the way between two servers, or is still there; of one server with itself: everything
    /// that it does.
    pub(crate) fn disturb(&mut self, one: usize, other: usize, now: Moment) {
        self.disturbed.insert((one.min(other), one.max(other)), now);
    }

    /// A fault strikes a client or its way to its server, or is still there.
    pub(crate) fn disturb_client(&mut self, client: usize, now: Moment) {
        self.disturbed_clients.insert(client, now);
    }

    /// A server's pool of routes changes.
    pub(crate) fn pool_changes(&mut self, server: usize, now: Moment) {
        self.pools_changed.insert(server, now);
    }

    /// Whether a server's accounts may have moved between its routes since then.
    pub(crate) fn pool_changed_since(&self, server: usize, since: Moment) -> bool {
        let last = self.pools_changed.get(&server);
        last.is_some_and(|at| *at + self.recovery >= since)
    }

    /// A server has a new certificate.
    pub(crate) fn certified(&mut self, server: usize, subject: String, now: Moment) {
        self.tell(now, || format!("server {server} has {subject:?}"));
        let all = self.certificates.entry(server).or_default();
        all.push((now, subject));
    }

    /// A client has been shown a certificate, in a handshake that it began at `since`.
    pub(crate) fn shown(
        &mut self,
        (client, server): (usize, usize),
        subject: String,
        since: Moment,
        now: Moment,
    ) {
        self.tell(now, || format!("client {client} is shown {subject:?}"));
        self.events.push(Event::Shown {
            client,
            server,
            subject,
            since,
        });
    }

    /// Whether a server has had this certificate at some time since then, as the newest of its own.
    pub(crate) fn had_certificate(&self, server: usize, subject: &str, since: Moment) -> bool {
        let all = self
            .certificates
            .get(&server)
            .map_or(&[][..], Vec::as_slice);
        let place = all.iter().rposition(|(_, own)| own == subject);
        place.is_some_and(|place| all.get(place + 1).is_none_or(|(until, _)| *until >= since))
    }

    /// A client's credentials are wrong now.
    pub(crate) fn turn_out(&mut self, client: usize, now: Moment) {
        self.turned_out.insert(client, now);
    }

    /// Whether a client may still be told that its credentials are wrong.
    pub(crate) fn may_be_turned_out(&self, client: usize, now: Moment) -> bool {
        let last = self.turned_out.get(&client);
        last.is_some_and(|at| *at + self.recovery >= now)
    }

    /// Whether a fault that struck a client, its way or its server may still be felt.
    pub(crate) fn is_client_disturbed(&self, client: usize, server: usize, now: Moment) -> bool {
        let own = self.disturbed_clients.get(&client);
        let all = [own, self.disturbed.get(&(server, server))];
        all.into_iter()
            .flatten()
            .any(|at| *at + self.recovery >= now)
    }

    /// When a fault last struck anything that a message from one server to another depends on, if ever.
    pub(crate) fn disturbed_at(&self, from: usize, to: usize) -> Option<Moment> {
        let ways = self.map.ways(from, to);
        ways.iter()
            .filter_map(|pair| self.disturbed.get(pair))
            .copied()
            .max()
    }

    fn witness(&mut self, id: SubId, asked_at: Moment) {
        let sub = &mut self.subs[id];
        let Some(since) = sub.confirmed_at else {
            return;
        };
        if sub.ended_at.is_some() || sub.limited {
            return;
        }
        let handled = self
            .confirmed
            .get(&sub.server)
            .map_or(&[][..], Vec::as_slice);
        for message in &handled[sub.looked_at.min(handled.len())..] {
            let record = &self.messages[*message];
            // Confirmed at the very same moment: no telling which came first.
            if record.confirmed_at.is_none_or(|at| at >= asked_at) {
                break;
            }
            sub.looked_at += 1;
            if record.sent_at > since && matches(&sub.pattern, &record.subject) {
                let delivered = record.deliveries.contains(&id);
                self.events.push(Event::Witnessed {
                    sub: id,
                    message: *message,
                    delivered,
                });
            }
        }
    }

    /// A client has read a message.
    pub(crate) fn delivered(&mut self, sub: SubId, message: MessageId, copy: Copy, now: Moment) {
        self.subs[sub].delivered += 1;
        let client = self.subs[sub].client;
        if let Some(record) = self.messages.get_mut(message) {
            record.deliveries.push(sub);
        }
        self.tell(now, || {
            format!(
                "client {client} gets {message} as {sub} on {:?}",
                copy.subject
            )
        });
        let too_late = self.subs[sub].end_confirmed;
        self.events.push(Event::Delivered {
            sub,
            message,
            copy,
            too_late,
        });
    }

    /// A requester has read that nobody takes its request.
    pub(crate) fn no_responders(&mut self, request: MessageId, now: Moment) {
        self.tell(now, || format!("request {request} has no responders"));
        if let Some(record) = self.messages.get_mut(request) {
            record.refusals += 1;
        }
        self.events.push(Event::NoResponders { request });
    }

    /// A client was told an error.
    pub(crate) fn server_error(&mut self, client: usize, text: &str, now: Moment) {
        self.tell(now, || format!("client {client} was told -ERR {text}"));
        self.events.push(Event::ServerError {
            client,
            at: now,
            text: text.to_owned(),
        });
    }

    /// A client has read what no server may send.
    pub(crate) fn nonsense(&mut self, client: usize, text: String, now: Moment) {
        self.tell(now, || format!("client {client}: {text}"));
        self.events.push(Event::Nonsense { client, text });
    }

    /// Subscriptions that stand, confirmed.
    pub(crate) fn standing(&self) -> impl Iterator<Item = (SubId, &Subscription)> {
        let open = |sub: &&Subscription| sub.ended_at.is_none() && sub.confirmed_at.is_some();
        self.subs
            .iter()
            .enumerate()
            .filter(move |(_, sub)| open(sub))
    }
}

/// A moment as the story shows it.
pub(crate) fn shown(now: Moment) -> String {
    format!("{:>11.6}", now.as_nanos() as f64 / 1e9)
}
