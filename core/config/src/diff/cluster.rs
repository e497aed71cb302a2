//! Changes of the `cluster` block.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Change, Diff, Refused};
use crate::options::ClusterOptions;

/// What changes of the `cluster` block, but for its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterChange {
    /// `permissions`: interest that crosses routes is to be told anew.
    pub permissions: bool,
    /// `pool_size` or `accounts`: some routes are to be made anew.
    pub pool: bool,
    /// `accounts` that get routes of their own.
    pub pinned: Vec<String>,
    /// `compression`.
    pub compression: bool,
    /// `authorization`: servers that have dialled this one must be allowed to still.
    pub auth: bool,
    /// Anything else: it counts from the next route on, or the next time it is looked at.
    pub rest: bool,
}

impl Diff {
    pub(super) fn cluster(&mut self, old: &ClusterOptions, new: &ClusterOptions) {
        let ClusterOptions {
            name,
            host,
            port,
            auth,
            routes,
            tls,
            advertise,
            no_advertise,
            connect_retries,
            connect_backoff,
            permissions,
            pool_size,
            accounts,
            compression,
            ping_interval,
            ping_max,
            write_deadline,
            write_timeout,
        } = new;
        if old.port.is_none() && port.is_none() {
            return;
        }
        if old.port.is_some() != port.is_some() {
            self.listener_of_routes(old, new);
            return;
        }
        self.fixed("cluster.host", "cluster host", &old.host, host);
        self.fixed("cluster.port", "cluster port", &old.port, port);
        self.advertised(
            "cluster.advertise",
            "Cluster.Advertise",
            &old.advertise,
            advertise,
        );
        let is_new = |account: &&String| !old.accounts.contains(account);
        let change = ClusterChange {
            permissions: old.permissions != *permissions,
            pool: old.pool_size != *pool_size || old.accounts != *accounts,
            pinned: accounts.iter().filter(is_new).cloned().collect(),
            compression: old.compression != *compression,
            auth: old.auth != *auth,
            rest: old.name != *name
                // Certificates are read again, whether they are named otherwise or not.
                || old.tls.is_some()
                || tls.is_some()
                || old.advertise != *advertise
                || old.no_advertise != *no_advertise
                || old.connect_retries != *connect_retries
                || old.connect_backoff != *connect_backoff
                || old.ping_interval != *ping_interval
                || old.ping_max != *ping_max
                || old.write_deadline != *write_deadline
                || old.write_timeout != *write_timeout,
        };
        self.live(Change::Cluster, &ClusterChange::default(), &change);
        self.live(|_| Change::Routes, &old.routes, routes);
        self.dropped_routes(old, new);
    }

    /// Routes begin or end with their listener.
    fn listener_of_routes(&mut self, old: &ClusterOptions, new: &ClusterOptions) {
        let host = |block: &ClusterOptions| match block.port {
            Some(_) => block.host.clone(),
            None => String::new(),
        };
        self.fixed("cluster.host", "cluster host", &host(old), &host(new));
    }

    /// Notes that an account cannot have routes of its own, since there is no such account.
    pub fn account_is_missing(&mut self, account: &str) {
        let account = crate::quoted(account);
        let text = format!(
            "unable to add account {account} to the list of dedicated routes: account missing"
        );
        let key = "cluster.accounts";
        self.refused.push(Refused::Invalid { key, text });
    }
}
