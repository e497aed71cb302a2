//! What a connection is told of its own server.

use core::time::Duration;

use gannet_config::{Compression, LinkAuth};
use gannet_units::Moment;
use gannet_wire::server_info::ServerInfo;

use super::standing::{ClusterName, Neighbours};
use crate::keepalive::{KeepAlive, Policy};

/// PINGs on routes are at most this far apart, whatever the configured interval.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(30);
/// The first PING comes soon, so that the distance is known.
const FIRST_PING: Duration = Duration::from_secs(1);
/// A peer that has begun to speak says all that it has to say in this time.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a dial may take.
const DIAL: Duration = Duration::from_secs(1);

/// The part of a server's configuration and identity that its routes need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What all our INFOs have in common. The link adds its nonce, the name of the cluster, compression,
    /// its place and the mode of gossip.
    pub info: ServerInfo,
    /// Who may connect.
    pub auth: LinkAuth,
    /// How routes are compressed.
    pub compression: Compression,
    /// There are pools here.
    pub pooling: bool,
    /// There are gateways here.
    pub has_gateways: bool,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: unanswered PINGs after which a peer counts as gone.
    pub ping_max: u32,
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

    /// An attempt that has not led to a registered connection after so long never will.
    pub fn attempt_limit(&self) -> Duration {
        DIAL + self.handshake_limit() * 2 + DIAL
    }

    /// The INFO for all peers after a change here, or at the end.
    pub fn update(&self, cluster: &ClusterName) -> ServerInfo {
        ServerInfo {
            cluster: cluster.name.clone(),
            cluster_dynamic: cluster.is_dynamic,
            ..self.info.clone()
        }
    }

    /// How long the peer may take for its next step.
    pub(super) fn handshake_limit(&self) -> Duration {
        HANDSHAKE.min(self.silence_limit())
    }

    /// PING and PONG of a link that is registered now; `chance` spreads the first PINGs of many links.
    /// With `ask`, a PING is to be sent at once, and that counts.
    pub(super) fn keepalive(&self, now: Moment, chance: u64, ask: bool) -> KeepAlive {
        let mut keepalive = KeepAlive::new(self.pings());
        if ask {
            keepalive.start(now, Duration::ZERO, 0);
            keepalive.due(now, None);
        }
        keepalive.start(now, FIRST_PING, chance);
        keepalive
    }
}

/// What every call of a link is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The present moment.
    pub now: Moment,
    /// The own server.
    pub settings: &'a Settings,
    /// The other connections.
    pub neighbours: &'a dyn Neighbours,
    /// Whether there is an account of that name.
    pub knows_account: &'a dyn Fn(&str) -> bool,
}
