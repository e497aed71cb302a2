//! What the reconciler wants done, and the lines of the log that go with a dial.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use gannet_config::ServerUrl;
use gannet_wire::server_info::GossipMode;

use super::remote::address_of;
use crate::CloseReason;
use crate::route::{Errand, Level, Log, RouteId};

/// Why a dial led to no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It failed.
    Error,
    /// The host has no addresses but those of [`Dial::not_at`].
    OnlySelf,
}

/// What monitoring shows of where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// This server dialled it, or another one that it took the place of.
    pub is_solicited: bool,
    /// The peer's address is configured.
    pub is_configured: bool,
}

/// What the reconciler wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Try an address.
    Dial(Dial),
    /// Give up an attempt that has not led to a registered connection. Do not report on it.
    Cancel(RouteId),
    /// End a registered connection.
    Close {
        /// Which.
        id: RouteId,
        /// Why.
        reason: CloseReason,
    },
    /// Somebody asks for the place of this connection: see whether it is alive
    /// ([`Link::probe`](crate::route::Link::probe)).
    Probe(RouteId),
    /// Append a line to a registered connection's outbox.
    Tell {
        /// To which.
        id: RouteId,
        /// The line.
        line: Bytes,
    },
    /// The first connection to a server stands: tell it of all known gateways.
    PeerUp {
        /// The connection.
        id: RouteId,
        /// The server's id.
        server_id: String,
    },
    /// The last connection to a server is gone.
    PeerDown {
        /// The server's id.
        server_id: String,
    },
    /// The addresses for clients have changed.
    ClientUrlsChanged,
    /// The gateway addresses of the cluster have changed.
    GatewayUrlsChanged,
    /// The addresses for leaf nodes have changed.
    LeafUrlsChanged,
    /// The own cluster has another name.
    ClusterNameChanged,
    /// What the connections to a server carry has changed ([`Routes::carries`](super::Routes::carries)):
    /// the interest moves, then [`Routes::moved`](super::Routes::moved) is to be called.
    Move {
        /// The server's id.
        server_id: String,
        /// Number of the move.
        number: u64,
        /// It is one of ours.
        is_gannet: bool,
    },
    /// Nothing is told over this connection any more, and it is to go when the other server has no messages
    /// left for it, and with `is_gannet` has taken its interest back: then
    /// [`Routes::drained`](super::Routes::drained) is to be called. It may come again.
    Drain {
        /// The connection.
        id: RouteId,
        /// The server is one of ours.
        is_gannet: bool,
    },
    /// What the peer said over this connection about an account's interest does not count any more.
    ForgetInterest {
        /// The connection.
        id: RouteId,
        /// The account.
        account: String,
    },
    /// Write a line to the log.
    Log(Log),
}

/// An attempt at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Its number, and that of the connection it leads to.
    pub id: RouteId,
    /// Where to dial, and as whom. A host with several IP addresses may be dialled at any of them.
    pub url: ServerUrl,
    /// The very one to dial, if it matters.
    pub at: Option<SocketAddr>,
    /// Those that lead to this server itself.
    pub not_at: Vec<SocketAddr>,
    /// The account that the connection is for; the pool if there is none.
    pub account: Option<String>,
    /// How the news that we dial for may spread.
    pub gossip: GossipMode,
    /// The address is configured.
    pub is_configured: bool,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// A failure is for everybody to see, not only for debugging.
    pub is_reported: bool,
}

impl Dial {
    /// What to give to [`Link::dial`](crate::route::Link::dial).
    pub fn errand(&self) -> Errand {
        Errand {
            id: self.id,
            url: self.url.clone(),
            account: self.account.clone(),
            gossip: self.gossip,
        }
    }

    /// The line to log when dialling IP address `at` (`ip:port`).
    pub fn starting(&self, at: &str) -> Log {
        let text = format!(
            "Trying to connect to route on {} ({at})",
            address_of(&self.url)
        );
        Log {
            level: Level::Debug,
            text,
        }
    }

    /// The line to log when that failed.
    pub fn failed(&self, error: &str) -> Log {
        let level = if self.is_reported {
            Level::Error
        } else {
            Level::Debug
        };
        let text = format!(
            "Error trying to connect to route (attempt {}): {error}",
            self.attempt
        );
        Log { level, text }
    }
}
