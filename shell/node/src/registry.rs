//! The connections of a server: those open, and the latest that ended. Not here: their tasks.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use gannet_broker::Peer;
use gannet_rt::Stream;
use gannet_session::CloseReason;
use gannet_units::{ConnId, Moment, WallTime};
use parking_lot::Mutex;

/// What a client said of itself, and what was found out about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) lang: String,
    pub(crate) version: String,
    pub(crate) user: String,
    pub(crate) account: String,
    /// Names the client in log lines.
    pub(crate) label: String,
}

/// One client connection, as everybody but its own task sees it.
#[derive(Debug)]
pub(crate) struct ClientConn {
    pub(crate) id: ConnId,
    pub(crate) peer: Arc<Peer>,
    pub(crate) stream: Arc<Stream>,
    pub(crate) addr: SocketAddr,
    pub(crate) started: WallTime,
    pub(crate) started_at: Moment,
    pub(crate) facts: Mutex<Facts>,
    pub(crate) in_msgs: AtomicU64,
    pub(crate) in_bytes: AtomicU64,
    /// The last moment something came or an operation was performed, in nanoseconds.
    pub(crate) last_active: AtomicU64,
    pub(crate) subscriptions: AtomicU32,
    /// 0 is unknown.
    pub(crate) rtt_nanos: AtomicU64,
    /// Why somebody else wants the connection to end.
    pub(crate) close_with: Mutex<Option<CloseReason>>,
}

impl ClientConn {
    /// Asks the connection's task to end it.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.close_with.lock().get_or_insert(reason);
        self.peer.signal().raise(gannet_broker::Signal::CLOSE);
    }

    /// `ip:port - cid:n` and what else is known, for log lines.
    pub(crate) fn label(&self) -> String {
        let facts = self.facts.lock();
        let base = format!("{} - cid:{}", self.addr, self.id.0);
        let mut label = base;
        if !facts.label.is_empty() {
            label.push_str(&format!(" - \"{}\"", facts.label));
        }
        if !facts.user.is_empty() {
            label.push_str(&format!(" - \"{}/{}\"", facts.account, facts.user));
        }
        label
    }
}

/// A connection that has ended.
#[derive(Debug)]
pub(crate) struct ClosedConn {
    pub(crate) conn: Arc<ClientConn>,
    pub(crate) reason: CloseReason,
    pub(crate) stopped: WallTime,
    pub(crate) stopped_at: Moment,
    /// Subjects it was subscribed to at the end, up to a bound.
    pub(crate) subjects: Vec<String>,
}

/// The connections of one server.
#[derive(Debug)]
pub(crate) struct Registry {
    open: Mutex<BTreeMap<ConnId, Arc<ClientConn>>>,
    closed: Mutex<VecDeque<ClosedConn>>,
    keep_closed: usize,
    next: AtomicU64,
    total: AtomicU64,
}

impl Registry {
    pub(crate) fn new(keep_closed: usize) -> Registry {
        Registry {
            open: Mutex::default(),
            closed: Mutex::default(),
            keep_closed,
            next: AtomicU64::new(1),
            total: AtomicU64::new(0),
        }
    }

    /// A number for a new connection.
    pub(crate) fn next_id(&self) -> ConnId {
        ConnId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Adds a connection, unless there are `most` already.
    pub(crate) fn add(&self, conn: &Arc<ClientConn>, most: usize) -> bool {
        let mut open = self.open.lock();
        if open.len() >= most {
            return false;
        }
        open.insert(conn.id, conn.clone());
        self.total.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Moves a connection to those that ended.
    pub(crate) fn end(&self, closed: ClosedConn) {
        self.open.lock().remove(&closed.conn.id);
        if self.keep_closed == 0 {
            return;
        }
        let mut ring = self.closed.lock();
        if ring.len() >= self.keep_closed {
            ring.pop_front();
        }
        ring.push_back(closed);
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Connections accepted since the start.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self) -> Vec<Arc<ClientConn>> {
        self.open.lock().values().cloned().collect()
    }

    pub(crate) fn with_closed<T>(&self, f: impl FnOnce(&VecDeque<ClosedConn>) -> T) -> T {
        f(&self.closed.lock())
    }
}
