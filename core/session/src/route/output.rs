//! What a connection wants done.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use gannet_config::Secret;
use gannet_wire::gateway::encode;
use gannet_wire::s2::Mode;
use gannet_wire::server_info::{ServerInfo, SubjectPermission};

use super::standing::{ClusterName, Place, RouteId};
use super::{Level, Log};
use crate::CloseReason;

/// The server at the other end of a registered connection, and the connection's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteServer {
    /// What it says of itself, as it is told to others: without nonce, `ip` and `route_account` filled in.
    pub info: ServerInfo,
    /// Which of the connections to it this is.
    pub place: Place,
    /// Its size of the pool; `None` if one of the two knows no pools.
    pub pool_size: Option<u32>,
    /// Messages to it may have headers.
    pub headers: bool,
    /// We dialled.
    pub is_dialled: bool,
    /// The connection that has to leave the place.
    pub replaces: Option<RouteId>,
}

/// What concerns the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The peer has answered the first PING: it means to stay.
    Confirmed,
    /// The peer told of another server.
    Gossip(Box<ServerInfo>),
    /// The own cluster is called so from now on; connections to others than this server must go.
    Rename {
        /// The new name.
        cluster: ClusterName,
        /// Id of the server whose connections stay.
        server_id: String,
    },
    /// The peer will shut down soon: its clients' addresses are not to be given to anybody.
    LameDuck,
    /// The peer gives an account a connection of its own: its interest no longer counts on this one. To
    /// be answered.
    AccountLeaves(Box<ServerInfo>),
    /// The peer, one of ours, has another size of the pool from now on.
    PoolSize(u32),
}

/// What a connection wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append these bytes to the connection's outbox.
    Send(Bytes),
    /// Write a line to the log, with the connection's label.
    Log(Log),
    /// Compare a password with its bcrypt hash, away from the reader, and answer with
    /// [`Link::password_checked`](super::Link::password_checked). Until then the link
    /// [waits](super::Link::is_waiting).
    CheckPassword {
        /// The hash from the configuration.
        hash: Secret,
        /// What the peer sent.
        password: Secret,
    },
    /// Whatever comes after the operation just handled is compressed.
    ReadCompressed,
    /// Whatever is sent from now on is compressed so. It may come again, with another level.
    WriteCompressed(Mode),
    /// The connection carries traffic from now on. Tell the reconciler, then announce interest.
    Registered(Box<RemoteServer>),
    /// Something for the reconciler.
    News(News),
    /// The peer told of another cluster.
    GatewayGossip {
        /// Its name.
        gateway: String,
        /// Gateway addresses of its servers.
        urls: Vec<String>,
    },
    /// The peer's permissions are these now: what it may export now and could not before must be
    /// announced to it.
    PeerPermissions {
        /// What it takes.
        import: Option<SubjectPermission>,
        /// What it gives.
        export: Option<SubjectPermission>,
    },
    /// The peer, one of ours, has told all its interest in these accounts over this connection, and wants
    /// their messages here from now on.
    Turn(Vec<String>),
    /// The peer has read everything that was sent before the PING with this number:
    /// [`Link::sync`](super::Link::sync).
    Synced(u64),
    /// A round trip took so long.
    Rtt(Duration),
    /// End the connection, after writing what is queued if the reason says so. It is the last output.
    /// Tell the reconciler at once, with [`Link::ending`](super::Link::ending).
    Close(CloseReason),
}

/// Collects outputs in the words of the states.
pub(super) trait Say {
    fn send(&mut self, bytes: &'static [u8]);
    fn send_err(&mut self, text: &str);
    fn log(&mut self, level: Level, text: String);
    /// Tells the peer and the log the same.
    fn reject(&mut self, text: String);
    /// The same, of what a peer may do again and again.
    fn complain(&mut self, text: String);
}

impl Say for Vec<Output> {
    fn send(&mut self, bytes: &'static [u8]) {
        self.push(Output::Send(Bytes::from_static(bytes)));
    }

    fn send_err(&mut self, text: &str) {
        let mut line = Vec::with_capacity(text.len() + 9);
        encode::err(&mut line, text);
        self.push(Output::Send(line.into()));
    }

    fn log(&mut self, level: Level, text: String) {
        self.push(Output::Log(Log { level, text }));
    }

    fn reject(&mut self, text: String) {
        self.send_err(&text);
        self.log(Level::Error, text);
    }

    fn complain(&mut self, text: String) {
        self.send_err(&text);
        self.log(Level::Complaint, text);
    }
}
