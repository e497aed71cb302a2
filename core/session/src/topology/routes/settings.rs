//! What the reconciler is told of its own server.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use core::time::Duration;

use gannet_config::{ClusterOptions, LinkAuth, Options, ServerUrl};

use crate::route::ClusterName;

/// How long a server that was lost is looked for, by default.
const MEMORY: Duration = Duration::from_secs(600);

/// What the reconciler is told of its own server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The own id.
    pub server_id: String,
    /// What the cluster is called to begin with.
    pub cluster: ClusterName,
    /// `pool_size`; `None` if there are no pools.
    pub pool_size: Option<u32>,
    /// Accounts that have connections of their own, if there are pools.
    pub pinned: BTreeSet<String>,
    /// Who we are at servers that were only heard of.
    pub auth: LinkAuth,
    /// `connect_retries`: attempts after the first at a server that was only heard of.
    pub connect_retries: u32,
    /// `connect_backoff`: attempts come ever slower.
    pub connect_backoff: bool,
    /// Of the failed attempts at an address never reached, the first and every n-th are errors.
    pub connect_error_reports: u32,
    /// The same after a connection was lost.
    pub reconnect_error_reports: u32,
    /// `no_advertise`: clients are not told of the other servers.
    pub no_advertise: bool,
    /// An attempt that was not reported on for so long counts as failed; see
    /// [`route::Settings::attempt_limit`](crate::route::Settings::attempt_limit).
    pub attempt_limit: Duration,
    /// A server that was only heard of, or that dialled us, is looked for so long after it was lost,
    /// ever slower, up to once a minute. The reference server does not; zero does as it does.
    pub memory: Duration,
}

impl Settings {
    /// What the configuration says: all of it, and its `cluster` block.
    pub fn new(
        options: &Options,
        block: &ClusterOptions,
        server_id: &str,
        cluster: ClusterName,
        attempt_limit: Duration,
    ) -> Settings {
        Settings {
            server_id: server_id.to_string(),
            cluster,
            pool_size: block.pool_size.filter(|size| *size > 0),
            pinned: block
                .pinned_accounts(options.system_account())
                .into_iter()
                .collect(),
            auth: block.auth.clone(),
            connect_retries: block.connect_retries,
            connect_backoff: block.connect_backoff,
            connect_error_reports: options.connect_error_reports,
            reconnect_error_reports: options.reconnect_error_reports,
            no_advertise: block.no_advertise,
            attempt_limit,
            memory: MEMORY,
        }
    }
}

/// What a new configuration says of the routes.
#[derive(Clone, Debug)]
pub struct Change {
    /// The configured addresses.
    pub routes: alloc::vec::Vec<ServerUrl>,
    /// `pool_size`.
    pub pool_size: Option<u32>,
    /// Accounts that have connections of their own, if there are pools.
    pub pinned: BTreeSet<String>,
}
