//! The links within a cluster.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::{
    Compression, CompressionOptions, Limits, LinkAuth, Port, ServerUrl, SubjectPermission,
    TlsOptions, WriteTimeout,
};

/// Routes show signs of life at least this often.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(30);

/// The `cluster` block.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterOptions {
    /// `name`. Use [`Options::cluster_name`](super::Options::cluster_name), which also knows the
    /// gateway's.
    pub name: Option<String>,
    /// `host`, `net`, `listen`.
    pub host: String,
    /// `port`, `listen`: there are no routes without it.
    pub port: Option<Port>,
    /// `authorization`.
    pub auth: LinkAuth,
    /// `routes`: where other servers of the cluster listen. This server itself may be among them.
    pub routes: Vec<ServerUrl>,
    /// `tls`.
    pub tls: Option<TlsOptions>,
    /// `cluster_advertise`: the `host[:port]` to tell other servers; see
    /// [`advertised`](crate::advertised).
    pub advertise: Option<String>,
    /// `no_advertise`: clients are not told of the cluster's other servers.
    pub no_advertise: bool,
    /// `connect_retries`: attempts after the first at a server that was only heard of.
    pub connect_retries: u32,
    /// `connect_backoff`: whether the time between attempts grows.
    pub connect_backoff: bool,
    /// `permissions`: which interest crosses routes; all if there are none.
    pub permissions: Option<ClusterPermissions>,
    /// `pool_size`: routes between two servers; `None` (a negative number) is one, without a pool.
    pub pool_size: Option<u32>,
    /// `accounts` that have routes of their own. Use [`ClusterOptions::pinned_accounts`].
    pub accounts: Vec<String>,
    /// `compression`; see [`ClusterOptions::compression`].
    pub compression: CompressionOptions,
    /// `ping_interval` of routes. Use [`ClusterOptions::ping_interval`].
    pub ping_interval: Option<Duration>,
    /// `ping_max` of routes; the clients' if there is none.
    pub ping_max: Option<u32>,
    /// `write_deadline` of routes; the clients' if there is none.
    pub write_deadline: Option<Duration>,
    /// `write_timeout` of routes.
    pub write_timeout: WriteTimeout,
}

impl Default for ClusterOptions {
    fn default() -> ClusterOptions {
        ClusterOptions {
            name: None,
            host: "0.0.0.0".to_string(),
            port: None,
            auth: LinkAuth::default(),
            routes: Vec::new(),
            tls: None,
            advertise: None,
            no_advertise: false,
            connect_retries: 0,
            connect_backoff: false,
            permissions: None,
            pool_size: Some(3),
            accounts: Vec::new(),
            compression: CompressionOptions::default(),
            ping_interval: None,
            ping_max: None,
            write_deadline: None,
            write_timeout: WriteTimeout::Default,
        }
    }
}

impl ClusterOptions {
    /// It stands for no cluster between servers, so that none can have it for a name.
    pub(crate) const RESERVED_NAME: &str = "_";

    /// The accounts that have routes of their own: the configured ones and, where there is a pool, the
    /// system account, if there is one.
    pub fn pinned_accounts(&self, system_account: Option<&str>) -> Vec<String> {
        let mut accounts = self.accounts.clone();
        let system = system_account.filter(|_| self.pool_size.is_some());
        if let Some(system) = system.filter(|name| !accounts.iter().any(|a| a == name)) {
            accounts.push(system.to_string());
        }
        accounts
    }

    /// How routes are compressed. (A mode that means nothing has been refused by
    /// [`Options::validate`](super::Options::validate); it stands for the default here.)
    pub fn compression(&self) -> Compression {
        self.compression.resolve().unwrap_or(Compression::Accept)
    }

    /// The time between two signs of life on a route.
    pub fn ping_interval(&self, clients: &Limits) -> Duration {
        let wanted = self.ping_interval.unwrap_or(clients.ping_interval);
        wanted.min(MAX_PING_INTERVAL)
    }

    /// Whether `ping_interval` is longer than routes can do.
    pub(crate) fn is_ping_interval_too_long(&self) -> bool {
        self.ping_interval.is_some_and(|i| i > MAX_PING_INTERVAL)
    }
}

/// Which interest crosses the routes of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterPermissions {
    /// `import`: the interest that this server tells others.
    pub import: Option<SubjectPermission>,
    /// `export`: the interest that this server lets others have.
    pub export: Option<SubjectPermission>,
}
