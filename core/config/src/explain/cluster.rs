//! Settings of the `cluster` block.

use alloc::vec::Vec;

use super::{Settings, Shown, urls};
use crate::options::{ClusterOptions, CompressionOptions, Limits};
use crate::text::duration::format_duration;

impl Settings<'_> {
    /// Says nothing of a cluster if nobody has.
    pub(super) fn cluster(&mut self, cluster: &ClusterOptions, clients: &Limits) {
        if *cluster != ClusterOptions::default() {
            self.block("cluster", |s| s.within_cluster(cluster, clients));
        }
    }

    fn within_cluster(&mut self, cluster: &ClusterOptions, clients: &Limits) {
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
        } = cluster;
        self.put("name", name);
        self.put("host", host);
        self.put("port", *port);
        self.link_auth(auth);
        self.put("routes", urls(routes));
        self.tls(tls.as_ref());
        self.put("advertise", advertise);
        self.put("no_advertise", *no_advertise);
        self.put("connect_retries", *connect_retries);
        self.put("connect_backoff", *connect_backoff);
        self.cluster_permissions(permissions.as_ref());
        let none = || Shown::Integer(-1);
        self.put("pool_size", pool_size.map_or_else(none, Into::into));
        self.put("accounts", accounts);
        self.compression(compression);
        let interval = cluster.ping_interval(clients);
        let own = ping_interval.map(|_| interval.into());
        self.put_or("ping_interval", own, "ping_interval", interval);
        let own = ping_max.map(Into::into);
        self.put_or("ping_max", own, "ping_max", clients.ping_max);
        let own = write_deadline.map(Into::into);
        self.put_or(
            "write_deadline",
            own,
            "write_deadline",
            clients.write_deadline,
        );
        self.put("write_timeout", *write_timeout);
    }

    fn compression(&mut self, compression: &CompressionOptions) {
        let CompressionOptions {
            mode,
            rtt_thresholds,
        } = compression;
        self.block("compression", |s| {
            s.put("mode", if mode.is_empty() { "accept" } else { mode });
            let thresholds = rtt_thresholds
                .iter()
                .map(|nanos| format_duration(*nanos).into());
            s.put(
                "rtt_thresholds",
                Shown::List(thresholds.collect::<Vec<_>>()),
            );
        });
    }
}
