//! What a link is told of its own server.

use alloc::string::String;
use core::time::Duration;

use bytes::Bytes;
use gannet_config::LinkAuth;
use gannet_units::Moment;

use crate::keepalive::{KeepAlive, Policy};

/// PINGs on gateways are at most this far apart, whatever the configured interval.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(15);
/// The first PING comes soon, so that the distance is known.
const FIRST_PING: Duration = Duration::from_secs(1);

/// The part of a server's configuration and identity that its gateway links need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the own cluster.
    pub gateway: String,
    /// The own id.
    pub server_id: String,
    /// Who may connect, and who we are elsewhere.
    pub auth: LinkAuth,
    /// Who dials us must encrypt the connection.
    pub tls: bool,
    /// Only configured clusters may connect.
    pub reject_unknown: bool,
    /// Messages with headers are understood.
    pub headers: bool,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: unanswered PINGs after which a peer counts as gone.
    pub ping_max: u32,
    /// The own INFO as a whole line, `INFO {..}\r\n`.
    pub info: Bytes,
}

impl Settings {
    /// When the peer is pinged.
    pub fn pings(&self) -> Policy {
        Policy::link(self.ping_interval, MAX_PING_INTERVAL, self.ping_max)
    }

    /// How long a peer may keep silent before PINGs can be sent.
    pub fn silence_limit(&self) -> Duration {
        self.pings().silence_limit()
    }

    /// PING and PONG of a link that begins now; `seed` spreads the first PINGs of many links.
    pub(super) fn keepalive(&self, now: Moment, seed: u64) -> KeepAlive {
        let mut keepalive = KeepAlive::new(self.pings());
        keepalive.start(now, FIRST_PING, seed);
        keepalive
    }
}

/// What a link must know of the other links. The answers must stay true until the outputs of the call
/// are carried out: ask and act under the same lock.
pub trait Neighbours {
    /// Whether the cluster is one of the configured (or otherwise known) remotes.
    fn knows(&self, gateway: &str) -> bool;
    /// Whether a registered outbound link to the cluster exists.
    fn has_outbound(&self, gateway: &str) -> bool;
    /// Whether a server of the own cluster, this one included, has that name.
    fn has_server_named(&self, name: &str) -> bool;
}

/// What every call of a link is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The present moment.
    pub now: Moment,
    /// The own server.
    pub settings: &'a Settings,
    /// The other links.
    pub neighbours: &'a dyn Neighbours,
}
