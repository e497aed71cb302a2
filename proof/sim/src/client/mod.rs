//! A client of the simulated world: a small state machine on a host of its own, told what to do by the run
//! and writing all it sees into the journal. It connects to one server and comes back when it loses it.
//!
//! Not here: what it is told to do (`workload`), what must come of it (`check`).

mod codec;
mod conversation;
mod door;
mod task;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gannet_rt::sim::SimHost;
use parking_lot::Mutex;

use crate::journal::{Journal, MessageId};
use crate::tls::Encrypted;

/// The sid of the wildcard inbox that some clients keep for all their requests.
const INBOX_SID: u32 = 1;
/// The first sid for everything else.
const FIRST_SID: u32 = 2;

/// How a requester listens for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inbox {
    /// One wildcard subscription, there from the start.
    Shared,
    /// A new subscription in front of every request, ended after one answer.
    Fresh,
}

/// A subscription that a client wants to have, whatever happens to its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) pattern: String,
    pub(crate) queue: Option<String>,
    /// The client answers requests that come in here, after so much time.
    pub(crate) answers: Option<Duration>,
}

/// What a client is told to do. What concerns messages is forgotten if it has no connection.
#[derive(Clone, Debug)]
enum Order {
    Subscribe(u32),
    Unsubscribe(u32),
    Publish {
        subject: String,
        size: usize,
    },
    Request {
        subject: String,
        size: usize,
    },
    /// Answer a request at last.
    Answer {
        reply: String,
        request: MessageId,
    },
    /// Close the connection without a word, and come back.
    Drop,
    /// Say all there is to say, close, and do not come back.
    Leave,
}

/// What the run and the client's task share.
#[derive(Debug, Default)]
struct Desk {
    wanted: BTreeMap<u32, Wanted>,
    orders: VecDeque<Order>,
    waker: Option<Waker>,
    /// Connected, and every subscription confirmed.
    settled: bool,
    connected: bool,
    gone: bool,
    /// The addresses of the cluster's servers, as the server says.
    urls: BTreeSet<String>,
}

/// Handle of one client.
pub(crate) struct Client {
    pub(crate) home: usize,
    /// Who it says it is, if it says so.
    pub(crate) user: Option<String>,
    pub(crate) host: SimHost,
    desk: Arc<Mutex<Desk>>,
    next_sid: u32,
}

/// What a client is and where it belongs.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: usize,
    /// The server that it connects to, and its address.
    pub(crate) home: usize,
    pub(crate) server: SocketAddr,
    pub(crate) inbox: Inbox,
    /// Who it says it is, if it says so.
    pub(crate) user: Option<String>,
    /// What is encrypted.
    pub(crate) encrypted: Encrypted,
}

impl Client {
    /// Starts a client on `host`.
    pub(crate) fn start(host: SimHost, person: Person, journal: Arc<Mutex<Journal>>) -> Client {
        let desk = Arc::new(Mutex::new(Desk::default()));
        let (home, user) = (person.home, person.user.clone());
        let rt = host.rt();
        rt.spawn(task::live(rt.clone(), person, desk.clone(), journal));
        Client {
            home,
            user,
            host,
            desk,
            next_sid: FIRST_SID,
        }
    }

    /// Subscribes from now on; answers the subscription's sid.
    pub(crate) fn subscribe(&mut self, wanted: Wanted) -> u32 {
        let sid = self.next_sid;
        self.next_sid += 1;
        self.desk.lock().wanted.insert(sid, wanted);
        self.order(Order::Subscribe(sid));
        sid
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&self, sid: u32) {
        self.desk.lock().wanted.remove(&sid);
        self.order(Order::Unsubscribe(sid));
    }

    /// The subscriptions that the client wants now.
    pub(crate) fn wanted(&self) -> BTreeMap<u32, Wanted> {
        self.desk.lock().wanted.clone()
    }

    /// Publishes a message of about `size` bytes.
    pub(crate) fn publish(&self, subject: &str, size: usize) {
        self.order(Order::Publish {
            subject: subject.to_owned(),
            size,
        });
    }

    /// Publishes a request of about `size` bytes.
    pub(crate) fn request(&self, subject: &str, size: usize) {
        self.order(Order::Request {
            subject: subject.to_owned(),
            size,
        });
    }

    /// Closes the connection without a word; the client comes back.
    pub(crate) fn drop_connection(&self) {
        self.order(Order::Drop);
    }

    /// Sends the client away for good.
    pub(crate) fn leave(&self) {
        self.order(Order::Leave);
    }

    /// Whether the client is connected and all it asked for is confirmed.
    pub(crate) fn is_settled(&self) -> bool {
        let desk = self.desk.lock();
        desk.settled && desk.orders.is_empty()
    }

    /// Whether the client has a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.desk.lock().connected
    }

    /// The addresses of the cluster's servers, as its own server has told it last.
    pub(crate) fn urls(&self) -> BTreeSet<String> {
        self.desk.lock().urls.clone()
    }

    /// Whether the client has left.
    pub(crate) fn is_gone(&self) -> bool {
        self.desk.lock().gone
    }

    fn order(&self, order: Order) {
        give(&self.desk, order);
    }
}

/// Puts an order on the desk.
fn give(desk: &Mutex<Desk>, order: Order) {
    let waker = {
        let mut desk = desk.lock();
        desk.settled = false;
        desk.orders.push_back(order);
        desk.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Desk {
    /// The next order, or a note whom to wake when there is one.
    fn poll_order(&mut self, cx: &mut Context<'_>) -> Poll<Order> {
        match self.orders.pop_front() {
            Some(order) => Poll::Ready(order),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
