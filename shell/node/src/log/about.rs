//! Whom a line of the log is about. Not here: who that is (`registry`, `link`).

use std::fmt;
use std::net::SocketAddr;

use gannet_config::{Subsystem, quoted};

/// A connection as lines of the log name it: its address and number, and what is known of who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The other end, or what a proxy has said of it.
    pub(crate) address: SocketAddr,
    pub(crate) kind: Kind,
    /// The connection's number.
    pub(crate) id: u64,
    /// `v1.2:lang:name`, as far as a client has told; empty if it hasn't.
    pub(crate) client: String,
    /// Empty unless there is a user.
    pub(crate) account: String,
    /// `user:NAME` or `token`; empty if nobody has logged in.
    pub(crate) user: String,
}

/// What the other end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Client,
    Route,
    Gateway,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Client => "client",
            Kind::Route => "route",
            Kind::Gateway => "gateway",
        }
    }

    /// What numbers of such connections are called.
    pub(super) fn id_name(self) -> &'static str {
        match self {
            Kind::Client => "cid",
            Kind::Route => "rid",
            Kind::Gateway => "gid",
        }
    }
}

impl About {
    /// The part of the server that has to do with the connection.
    pub(crate) fn subsystem(&self) -> Subsystem {
        match self.kind {
            Kind::Client => Subsystem::Clients,
            Kind::Route => Subsystem::Routes,
            Kind::Gateway => Subsystem::Gateways,
        }
    }

    /// Another server.
    pub(crate) fn link(kind: Kind, address: SocketAddr, id: u64) -> About {
        About {
            address,
            kind,
            id,
            client: String::new(),
            account: String::new(),
            user: String::new(),
        }
    }
}

/// As the reference server has it: `127.0.0.1:5000 - cid:7 - "v1.2:go:worker" - "ACCOUNT/user:me"`.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}:{}", self.address, self.kind.id_name(), self.id)?;
        if !self.client.is_empty() {
            write!(f, " - {}", quoted(&self.client))?;
        }
        if !self.user.is_empty() {
            let who = format!("{}/{}", self.account, self.user);
            write!(f, " - {}", quoted(&who))?;
        }
        Ok(())
    }
}
