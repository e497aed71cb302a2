//! What a link wants done.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use gannet_config::Secret;
use gannet_wire::gateway::encode;

use crate::CloseReason;

/// Which side of a link this server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// We dialled: our messages leave by it.
    Outbound,
    /// The peer dialled: our interest leaves by it.
    Inbound,
}

/// How important a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What changed.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
    /// What is wrong and the peer is told, too. Of the same ones in a row, one is enough.
    Complaint,
}

/// A line for the log, without the connection's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How important it is.
    pub level: Level,
    /// The text.
    pub text: String,
}

/// The server at the other end of a registered link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteServer {
    /// Which side we are.
    pub direction: Direction,
    /// Name of its cluster.
    pub gateway: String,
    /// Its id.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// The version it claims.
    pub version: String,
    /// Its version of Gannet; empty if it is another server.
    pub gannet: String,
    /// Level of the protocol between servers that it speaks.
    pub proto: i64,
    /// Messages to it may have headers.
    pub headers: bool,
    /// It switches every account to interest-only by itself (`gateway_iom`, servers from 2.9 on).
    pub interest_only: bool,
    /// It writes mapped replies with `_GR_.` (`gateway_nrp`).
    pub new_replies: bool,
    /// Its own gateway address; empty if it didn't say.
    pub url: String,
    /// Gateway addresses of all servers of its cluster.
    pub urls: Vec<String>,
}

/// What a link wants done, in order.
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
    /// The link carries traffic from now on.
    Registered(RemoteServer),
    /// The peer told of another cluster.
    Gossip {
        /// Its name.
        gateway: String,
        /// Gateway addresses of its servers.
        urls: Vec<String>,
    },
    /// The addresses of the peer's own cluster are these now, instead of those heard before.
    PeerUrls(Vec<String>),
    /// The peer begins to send all its plain interest in an account.
    InterestBegins {
        /// The account's name.
        account: Vec<u8>,
    },
    /// The peer has sent all its plain interest in an account: only that is wanted.
    InterestComplete {
        /// The account's name.
        account: Vec<u8>,
    },
    /// A round trip took so long.
    Rtt(Duration),
    /// End the connection, after writing what is queued if the reason says so. It is the last output.
    Close(CloseReason),
}

/// Collects outputs in the words of the states.
pub(super) trait Say {
    fn send(&mut self, bytes: &'static [u8]);
    fn send_err(&mut self, text: &str);
    fn log(&mut self, level: Level, text: String);
    /// Says what is wrong, to the peer and to the log.
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

    fn complain(&mut self, text: String) {
        self.send_err(&text);
        self.log(Level::Complaint, text);
    }
}
