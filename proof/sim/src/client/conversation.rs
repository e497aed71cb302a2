//! One connection of a client, from the server's INFO to the end.
//!
//! Not here: reconnecting (`task`), the shape of what the server sends (`codec`).

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gannet_rt::{Rt, Sleep, Stream};
use gannet_units::Moment;
use gannet_wire::client::encode;
use parking_lot::Mutex;

use super::codec::{Received, ServerOp, connect_urls, decode};
use super::{Desk, FIRST_SID, INBOX_SID, Inbox, Order, Person, give};
use crate::journal::{Asked, Copy, Journal, Message, MessageId, SubId, Subscription};
use crate::topology::PASSWORD;

/// Time between two PINGs that confirm nothing.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A PING unanswered for so long means that the connection is dead.
const PATIENCE: Duration = Duration::from_secs(4);
/// Bytes read at a time.
const READ: usize = 16 << 10;
/// First sid of the inboxes that are used for one request each.
const FIRST_INBOX_SID: u32 = 1_000_000;

/// Every so many messages, one has a header.
const HEADER_EVERY: usize = 3;
/// That header.
const HEADER: &[u8] = b"NATS/1.0\r\nKind: simulated\r\n\r\n";

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client was sent away, and has said all it had to say unless the connection broke.
    Left,
    /// The connection broke, or the client was told to break it.
    Lost,
}

/// What came up.
enum Wake {
    Order(Order),
    Readable,
    Writable,
    Timer,
}

/// The state of one connection.
pub(super) struct Conversation<'a> {
    rt: &'a Rt,
    person: &'a Person,
    desk: &'a Arc<Mutex<Desk>>,
    journal: &'a Mutex<Journal>,
    stream: Stream,
    connection: u64,
    input: Vec<u8>,
    output: Vec<u8>,
    asked: VecDeque<Asked>,
    /// Written and not yet followed by a PING.
    unasked: Asked,
    timer: Sleep,
    greeted: bool,
    leaving: bool,
    subs: BTreeMap<u32, SubId>,
    next_inbox: u32,
    why: String,
    /// The client has broken it itself.
    pub(super) is_dropped: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        rt: &'a Rt,
        person: &'a Person,
        desk: &'a Arc<Mutex<Desk>>,
        journal: &'a Mutex<Journal>,
        stream: Stream,
        connection: u64,
    ) -> Self {
        Conversation {
            rt,
            person,
            desk,
            journal,
            stream,
            connection,
            input: Vec::new(),
            output: Vec::new(),
            asked: VecDeque::new(),
            unasked: Asked::default(),
            timer: rt.sleep(PATIENCE),
            greeted: false,
            leaving: false,
            subs: BTreeMap::new(),
            next_inbox: FIRST_INBOX_SID,
            why: String::new(),
            is_dropped: false,
        }
    }

    /// The server has said this already.
    pub(super) fn hear(&mut self, bytes: Vec<u8>) {
        self.input = bytes;
        // What is wrong with it, the journal is told.
        let _ = self.understand();
    }

    /// Why the connection ended, for the story.
    pub(super) fn why(&self) -> String {
        self.why.clone()
    }

    /// Talks until the end.
    pub(super) async fn run(&mut self) -> Ended {
        loop {
            let goes_on = match poll_fn(|cx| self.poll_wake(cx)).await {
                Wake::Order(order) => self.obey(order),
                Wake::Readable => self.read(),
                Wake::Writable => Ok(()),
                Wake::Timer => self.on_timer(),
            };
            if let Err(why) = goes_on.and_then(|()| self.write()) {
                self.why = why;
                return if self.leaving {
                    Ended::Left
                } else {
                    Ended::Lost
                };
            }
            if self.leaving && self.output.is_empty() && self.asked.is_empty() {
                self.why = "left".into();
                return Ended::Left;
            }
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if !self.output.is_empty() && self.stream.poll_write_ready(cx).is_ready() {
            return Poll::Ready(Wake::Writable);
        }
        if self.greeted
            && let Poll::Ready(order) = self.desk.lock().poll_order(cx)
        {
            return Poll::Ready(Wake::Order(order));
        }
        if Pin::new(&mut self.timer).poll(cx).is_ready() {
            return Poll::Ready(Wake::Timer);
        }
        self.stream.poll_read_ready(cx).map(|_| Wake::Readable)
    }

    fn on_timer(&mut self) -> Result<(), String> {
        let now = self.rt.now();
        let oldest = self.asked.front().map_or(now, |asked| asked.at);
        if !self.greeted || now.since(oldest) >= PATIENCE {
            return Err("the server is silent".into());
        }
        self.ping();
        self.timer.reset(now + HEARTBEAT);
        Ok(())
    }

    fn write(&mut self) -> Result<(), String> {
        if !self.unasked.is_empty() {
            self.ping();
        }
        while !self.output.is_empty() {
            match self.stream.try_write(&self.output) {
                Ok(n) => drop(self.output.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => return Err(format!("write: {e}")),
            }
        }
        let mut desk = self.desk.lock();
        desk.settled = self.greeted
            && desk.orders.is_empty()
            && self.output.is_empty()
            && self.asked.iter().all(Asked::is_empty);
        Ok(())
    }

    fn ping(&mut self) {
        self.output.extend_from_slice(encode::PING);
        let mut asked = std::mem::take(&mut self.unasked);
        asked.at = self.rt.now();
        self.asked.push_back(asked);
    }

    fn read(&mut self) -> Result<(), String> {
        let mut buf = [0; READ];
        match self.stream.try_read(&mut buf) {
            Ok(0) => return Err("the server closed it".into()),
            Ok(n) => self.input.extend_from_slice(&buf[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(format!("read: {e}")),
        }
        self.understand()
    }

    fn understand(&mut self) -> Result<(), String> {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        loop {
            match decode(&input[at..]) {
                Ok(Some((op, used))) => {
                    at += used;
                    self.handle(op);
                }
                Ok(None) => break,
                Err(text) => {
                    self.journal
                        .lock()
                        .nonsense(self.person.id, text, self.rt.now());
                    return Err("nonsense".into());
                }
            }
        }
        self.input = input[at..].to_vec();
        Ok(())
    }

    fn handle(&mut self, op: ServerOp<'_>) {
        match op {
            ServerOp::Info(text) => self.on_info(text),
            ServerOp::Ok => {}
            ServerOp::Ping => self.output.extend_from_slice(encode::PONG),
            ServerOp::Pong => self.on_pong(),
            ServerOp::Err(text) => {
                self.journal
                    .lock()
                    .server_error(self.person.id, text, self.rt.now());
            }
            ServerOp::Message(received) => self.on_message(&received),
        }
    }

    fn on_info(&mut self, text: &str) {
        match connect_urls(text) {
            Ok(urls) => self.desk.lock().urls = urls,
            Err(why) => {
                let text = format!("an INFO that cannot be read: {why}");
                self.journal
                    .lock()
                    .nonsense(self.person.id, text, self.rt.now());
            }
        }
        if !self.greeted {
            self.greet();
        }
    }

    /// Says who it is and subscribes to everything it wants.
    fn greet(&mut self) {
        self.greeted = true;
        let name = self.person.id;
        let user = self.person.user.as_ref();
        let credentials = user.map_or(String::new(), |user| {
            format!("\"user\":\"{user}\",\"pass\":\"{PASSWORD}\",")
        });
        let connect = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\
             \"protocol\":1,\"lang\":\"gannet-sim\",\"version\":\"1\",{credentials}\"name\":\"client{name}\"}}\r\n"
        );
        self.output.extend_from_slice(connect.as_bytes());
        if self.person.inbox == Inbox::Shared {
            self.subscribe_inbox(INBOX_SID, format!("_INBOX.{name}.answers.*"), false);
        }
        let wanted: Vec<u32> = {
            let mut desk = self.desk.lock();
            desk.connected = true;
            // They are all made now; of those told about meanwhile none must be made twice.
            desk.orders
                .retain(|order| !matches!(order, Order::Subscribe(_) | Order::Unsubscribe(_)));
            desk.wanted.keys().copied().collect()
        };
        for sid in wanted {
            self.subscribe(sid);
        }
        self.ping();
        self.timer.reset(self.rt.now() + HEARTBEAT);
    }

    fn on_pong(&mut self) {
        let Some(asked) = self.asked.pop_front() else {
            let text = "the server answered a PING that nobody sent".to_owned();
            self.journal
                .lock()
                .nonsense(self.person.id, text, self.rt.now());
            return;
        };
        self.journal
            .lock()
            .confirmed(self.connection, &asked, self.rt.now());
    }

    fn obey(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Subscribe(sid) => self.subscribe(sid),
            Order::Unsubscribe(sid) => self.unsubscribe(sid),
            Order::Publish { subject, size } => {
                self.send(&subject, size, None, None);
            }
            Order::Request { subject, size } => self.request(&subject, size),
            Order::Answer { reply, request } => self.send(&reply, 0, None, Some(request)),
            Order::Drop => {
                self.is_dropped = true;
                return Err("dropped on purpose".into());
            }
            Order::Leave => {
                self.leaving = true;
                self.ping();
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, sid: u32) {
        let Some(wanted) = self.desk.lock().wanted.get(&sid).cloned() else {
            return;
        };
        let queue = wanted
            .queue
            .as_deref()
            .map_or(String::new(), |q| format!("{q} "));
        let line = format!("SUB {} {queue}{sid}\r\n", wanted.pattern);
        self.note_subscription(sid, wanted.pattern, wanted.queue, false, false);
        self.output.extend_from_slice(line.as_bytes());
    }

    fn subscribe_inbox(&mut self, sid: u32, pattern: String, limited: bool) {
        let line = format!("SUB {pattern} {sid}\r\n");
        self.output.extend_from_slice(line.as_bytes());
        self.note_subscription(sid, pattern, None, true, limited);
    }

    fn note_subscription(
        &mut self,
        sid: u32,
        pattern: String,
        queue: Option<String>,
        inbox: bool,
        limited: bool,
    ) {
        let id = self.journal.lock().subscribed(Subscription {
            client: self.person.id,
            sid,
            connection: self.connection,
            server: self.person.home,
            pattern,
            queue,
            inbox,
            limited,
            sent_at: self.rt.now(),
            confirmed_at: None,
            heard_at: Moment::START,
            ended_at: None,
            end_confirmed: false,
            delivered: 0,
            looked_at: 0,
        });
        self.subs.insert(sid, id);
        self.unasked.subs.push(id);
    }

    fn unsubscribe(&mut self, sid: u32) {
        if let Some(id) = self.subs.get(&sid) {
            self.journal.lock().unsubscribed(*id, self.rt.now());
            self.unasked.ends.push(*id);
            self.output
                .extend_from_slice(format!("UNSUB {sid}\r\n").as_bytes());
        }
    }

    fn request(&mut self, subject: &str, size: usize) {
        let request = self.journal.lock().next_message();
        let inbox = format!("_INBOX.{}.answers.{request}", self.person.id);
        if self.person.inbox == Inbox::Fresh {
            let sid = self.next_inbox;
            self.next_inbox += 1;
            self.subscribe_inbox(sid, inbox.clone(), true);
            self.output
                .extend_from_slice(format!("UNSUB {sid} 1\r\n").as_bytes());
        }
        self.send(subject, size, Some(inbox), None);
    }

    /// Publishes; the payload is the message's number, padded to about `size`.
    fn send(
        &mut self,
        subject: &str,
        size: usize,
        reply: Option<String>,
        answers: Option<MessageId>,
    ) {
        let mut journal = self.journal.lock();
        let number = journal.next_message();
        let mut payload = format!("{number} ").into_bytes();
        payload.resize(size.max(payload.len()), b'.');
        let header = if number.is_multiple_of(HEADER_EVERY) {
            HEADER
        } else {
            b""
        };
        let verb = if header.is_empty() { "PUB" } else { "HPUB" };
        let line = match &reply {
            Some(reply) => format!("{verb} {subject} {reply} "),
            None => format!("{verb} {subject} "),
        };
        let id = journal.sent(Message {
            publisher: self.person.id,
            connection: self.connection,
            server: self.person.home,
            subject: subject.to_owned(),
            size: payload.len(),
            header: header.len(),
            sent_at: self.rt.now(),
            confirmed_at: None,
            reply,
            answers,
            deliveries: Vec::new(),
            refusals: 0,
        });
        self.unasked.messages.push(id);
        self.output.extend_from_slice(line.as_bytes());
        let header_len = Some(header.len()).filter(|len| *len > 0);
        encode::tail(&mut self.output, header_len, &[header, &payload].concat());
    }

    fn on_message(&mut self, received: &Received<'_>) {
        let now = self.rt.now();
        let Some(sub) = self.subs.get(&received.sid).copied() else {
            let text = format!("the server delivered to the unknown sid {}", received.sid);
            return self.journal.lock().nonsense(self.person.id, text, now);
        };
        if received.header.starts_with(b"NATS/1.0 503") {
            let request = received
                .subject
                .rsplit('.')
                .next()
                .and_then(|n| n.parse().ok());
            if let Some(request) = request {
                return self.journal.lock().no_responders(request, now);
            }
        }
        let number = std::str::from_utf8(received.payload)
            .ok()
            .and_then(|text| text.split(' ').next()?.parse::<MessageId>().ok());
        let Some(message) = number else {
            let text = format!("a payload that nobody sent: {:?}", received.payload);
            return self.journal.lock().nonsense(self.person.id, text, now);
        };
        let copy = Copy {
            subject: received.subject.to_owned(),
            size: received.payload.len(),
            header: received.header.len(),
        };
        self.journal.lock().delivered(sub, message, copy, now);
        let wanted = self.desk.lock().wanted.get(&received.sid).cloned();
        let answers = wanted.filter(|_| received.sid >= FIRST_SID);
        let answers = answers.and_then(|wanted| wanted.answers);
        if let (Some(after), Some(reply)) = (answers, received.reply) {
            self.answer(message, reply, after);
        }
    }

    /// Answers a request, at once or later.
    fn answer(&mut self, request: MessageId, reply: &str, after: Duration) {
        if after.is_zero() {
            return self.send(reply, 0, None, Some(request));
        }
        let (rt, desk, reply) = (self.rt.clone(), self.desk.clone(), reply.to_owned());
        self.rt.spawn(async move {
            rt.sleep(after).await;
            give(&desk, Order::Answer { reply, request });
        });
    }
}
