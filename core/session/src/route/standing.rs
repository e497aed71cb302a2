//! What a connection and the other connections of its server must tell each other: who asks for which
//! place, and what becomes of it. Not here: the answer (`crate::topology::routes`).

use alloc::string::String;

use gannet_config::ServerUrl;
use gannet_wire::server_info::GossipMode;

/// Number of a connection, or of the attempt that leads to it. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub(crate) u64);

/// What a cluster is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterName {
    /// The name.
    pub name: String,
    /// It was made up: it is given up for a configured one, or for a larger made-up one.
    pub is_dynamic: bool,
}

impl ClusterName {
    /// Whether a server of this cluster takes over the other name when they meet.
    pub fn yields_to(&self, name: &str, is_dynamic: bool) -> bool {
        self.is_dynamic && !name.is_empty() && (!is_dynamic || self.name.as_str() < name)
    }
}

/// Which of the connections between two servers it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The only one, for all accounts: one of the two knows no pools.
    Only,
    /// In the pool, with this index.
    Pooled(u32),
    /// The one that this account has to itself.
    Account(String),
}

/// What we dial for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The attempt's number.
    pub id: RouteId,
    /// Where to, and as whom.
    pub url: ServerUrl,
    /// The account that the connection is to be for; the pool if there is none.
    pub account: Option<String>,
    /// How the news that we dial for may spread.
    pub gossip: GossipMode,
}

/// A connection whose peer has said who it is asks for its place.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The connection.
    pub id: RouteId,
    /// We dialled.
    pub is_dialled: bool,
    /// The peer's id.
    pub server_id: &'a str,
    /// The peer is one of ours.
    pub is_gannet: bool,
    /// The account that the connection is for.
    pub account: Option<&'a str>,
    /// The peer's size of the pool; 0 if it has none.
    pub pool_size: i64,
    /// The place that the peer has chosen.
    pub pool_index: i64,
}

/// The place is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The place.
    pub place: Place,
    /// The connection that has to leave it.
    pub replaces: Option<RouteId>,
    /// There will be more connections to the peer as soon as this one has proved good.
    pub is_followed: bool,
}

/// There is no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is such a connection already, or none is taken at present.
    Duplicate,
    /// One of the two knows no pools, so no account can have a connection of its own.
    NoPools,
    /// The account has no connection of its own here.
    NotDedicated,
    /// The acceptor has no business to choose a place.
    IndexSet,
    /// There is no such place.
    NoSuchIndex,
}

/// What a connection must know of the others. The answers must stay true until the outputs of the call
/// are carried out: ask and act under the same lock.
pub trait Neighbours {
    /// What the own cluster is called now.
    fn cluster(&self) -> &ClusterName;
    /// Whether a connection may be registered, and at which place.
    ///
    /// # Errors
    ///
    /// If it may not.
    fn admit(&self, claim: &Claim<'_>) -> Result<Admission, Refusal>;
    /// Whether a server with another id has that name.
    fn has_other_named(&self, name: &str, server_id: &str) -> bool;
}

/// What the end of a connection tells about its peer's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more than that it has ended.
    #[default]
    Plain,
    /// The peer is this server itself.
    ToSelf,
    /// We are connected to the peer already.
    Duplicate {
        /// The peer's id.
        server_id: String,
    },
    /// One of the two will not have the other.
    Refused,
    /// The peer is to have no route to us any more.
    SentAway,
}
