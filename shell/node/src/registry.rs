//! The connections of a server: those open, and the latest that ended. Not here: their tasks.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::channel::Channel;
use crate::log::{About, Kind};
use gannet_broker::Peer;
use gannet_identity::Who;
use gannet_monitor::ConnInfo;
use gannet_rt::tls::TlsFacts;
use gannet_session::CloseReason;
use gannet_units::{ConnId, Moment, WallTime};
use parking_lot::Mutex;

/// What a client said of itself, and what was found out about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) lang: String,
    pub(crate) version: String,
    pub(crate) who: Who,
    pub(crate) account: String,
    /// The public nkey of the trusted proxy that it came through.
    pub(crate) proxy: Option<Arc<str>>,
    /// Names the client in log lines.
    pub(crate) label: String,
}

/// One client connection, as everybody but its own task sees it.
#[derive(Debug)]
pub(crate) struct ClientConn {
    pub(crate) id: ConnId,
    pub(crate) peer: Arc<Peer>,
    pub(crate) stream: Arc<Channel>,
    /// Where the client is: what a proxy has said of it, or the other end of the connection.
    pub(crate) addr: Mutex<SocketAddr>,
    pub(crate) started: WallTime,
    pub(crate) started_at: Moment,
    pub(crate) facts: Mutex<Facts>,
    /// What the client may have to sign, if anybody may have to.
    pub(crate) nonce: OnceLock<Box<str>>,
    pub(crate) in_msgs: AtomicU64,
    pub(crate) in_bytes: AtomicU64,
    /// The last moment something came or an operation was performed, in nanoseconds.
    pub(crate) last_active: AtomicU64,
    pub(crate) subscriptions: AtomicU32,
    /// The client understands an INFO at any time and is ready for it.
    pub(crate) takes_info: AtomicBool,
    /// TLS came before anything else.
    pub(crate) tls_first: AtomicBool,
    /// 0 is unknown.
    pub(crate) rtt_nanos: AtomicU64,
    /// Why somebody else wants the connection to end.
    pub(crate) close_with: Mutex<Option<CloseReason>>,
}

impl ClientConn {
    /// Where the client is.
    pub(crate) fn addr(&self) -> SocketAddr {
        *self.addr.lock()
    }

    /// Asks the connection's task to end it.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.close_with.lock().get_or_insert(reason);
        self.peer.signal().raise(gannet_broker::Signal::CLOSE);
    }

    /// The client as lines of the log name it.
    pub(crate) fn about(&self) -> About {
        let facts = self.facts.lock();
        About {
            address: self.addr(),
            kind: Kind::Client,
            id: self.id.0,
            client: facts.label.clone(),
            account: facts.account.clone(),
            user: facts.who.label(),
        }
    }
}

/// What monitoring shows of one link to another server, beyond what the broker knows of it.
#[derive(Debug)]
pub(crate) struct LinkFacts {
    /// The other end of the connection.
    pub(crate) addr: SocketAddr,
    pub(crate) started: WallTime,
    pub(crate) started_at: Moment,
    /// The other server's id.
    pub(crate) remote_id: Mutex<String>,
    /// The configuration names the other cluster.
    pub(crate) configured: bool,
    /// Set if the link is encrypted.
    pub(crate) tls: OnceLock<TlsFacts>,
    pub(crate) in_msgs: AtomicU64,
    pub(crate) in_bytes: AtomicU64,
    /// The last moment something came, in nanoseconds.
    pub(crate) last_active: AtomicU64,
    /// Interest that came over the link, in entries.
    pub(crate) subscriptions: AtomicU32,
    /// 0 is unknown.
    pub(crate) rtt_nanos: AtomicU64,
}

/// The links that stand, by the number of their connection.
#[derive(Debug, Default)]
pub(crate) struct Links {
    facts: Mutex<BTreeMap<ConnId, Arc<LinkFacts>>>,
}

impl Links {
    pub(crate) fn add(&self, id: ConnId, facts: Arc<LinkFacts>) {
        self.facts.lock().insert(id, facts);
    }

    pub(crate) fn remove(&self, id: ConnId) {
        self.facts.lock().remove(&id);
    }

    pub(crate) fn get(&self, id: ConnId) -> Option<Arc<LinkFacts>> {
        self.facts.lock().get(&id).cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.facts.lock().is_empty()
    }
}

/// The connections of one server.
#[derive(Debug)]
pub(crate) struct Registry {
    open: Mutex<BTreeMap<ConnId, Arc<ClientConn>>>,
    /// Facts only: a connection itself would keep its socket.
    closed: Mutex<VecDeque<Arc<ConnInfo>>>,
    keep_closed: usize,
    /// Clients that have logged in, by account.
    members: Mutex<BTreeMap<Box<str>, u32>>,
    next: AtomicU64,
    total: AtomicU64,
}

impl Registry {
    pub(crate) fn new(keep_closed: usize) -> Registry {
        Registry {
            open: Mutex::default(),
            closed: Mutex::default(),
            keep_closed,
            members: Mutex::default(),
            next: AtomicU64::new(1),
            total: AtomicU64::new(0),
        }
    }

    /// A number for a new connection.
    pub(crate) fn next_id(&self) -> ConnId {
        ConnId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a client into its account, unless there are `most` already.
    pub(crate) fn enter(&self, account: &str, most: Option<u32>) -> bool {
        let mut members = self.members.lock();
        let members = match members.get_mut(account) {
            Some(members) => members,
            None => members.entry(account.into()).or_default(),
        };
        let is_full = most.is_some_and(|most| *members >= most);
        *members += u32::from(!is_full);
        !is_full
    }

    /// A client is not in this account any more.
    pub(crate) fn leave(&self, account: &str) {
        let mut all = self.members.lock();
        if let Some(members) = all.get_mut(account) {
            *members = members.saturating_sub(1);
            if *members == 0 {
                all.remove(account);
            }
        }
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
    pub(crate) fn end(&self, closed: ConnInfo) {
        self.open.lock().remove(&closed.cid);
        if self.keep_closed == 0 {
            return;
        }
        let mut ring = self.closed.lock();
        if ring.len() >= self.keep_closed {
            ring.pop_front();
        }
        ring.push_back(Arc::new(closed));
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

    /// The latest connections that ended, in the order of their ends.
    pub(crate) fn closed(&self) -> Vec<Arc<ConnInfo>> {
        self.closed.lock().iter().cloned().collect()
    }
}
