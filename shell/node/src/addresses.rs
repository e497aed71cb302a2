//! The addresses that a server tells others, where it listens on all of its own. Not here: what is
//! configured to be told instead.

use std::net::{IpAddr, SocketAddr};

use crate::shared::Shared;

/// The addresses of this machine that others can reach.
pub(crate) fn reachable_ips(shared: &Shared) -> Vec<IpAddr> {
    let is_local = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || (ip.segments()[0] & 0xffc0) == 0xfe80,
    };
    let mut ips = shared.rt.local_ips().unwrap_or_default();
    ips.retain(|ip| !is_local(ip));
    ips
}

/// Where a listener that is called `host` in the configuration and bound to `bound` can be reached:
/// nowhere, if it is on all addresses of a machine that has none but its own.
pub(crate) fn reachable(shared: &Shared, host: &str, bound: SocketAddr) -> Vec<String> {
    if !bound.ip().is_unspecified() {
        return vec![joined(host, bound.port())];
    }
    let ips = reachable_ips(shared).into_iter();
    ips.map(|ip| joined(&ip.to_string(), bound.port()))
        .collect()
}

/// `host:port`.
pub(crate) fn joined(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
