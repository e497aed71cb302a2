//! Changes of the `gateway` block. The reference server takes only certificates over; which clusters
//! there are can change here, too.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Change, Diff};
use crate::options::{GatewayOptions, RemoteGateway};

/// What changes of the `gateway` block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayChange {
    /// Other clusters that are configured now, and were not before.
    pub added: Vec<String>,
    /// Other clusters with other addresses or another `tls`.
    pub changed: Vec<String>,
    /// Other clusters that are not configured any more.
    pub removed: Vec<String>,
    /// `reject_unknown_cluster`.
    pub reject_unknown: bool,
    /// Anything else: it counts from the next link on.
    pub rest: bool,
}

impl Diff {
    pub(super) fn gateway(&mut self, old: Option<&GatewayOptions>, new: Option<&GatewayOptions>) {
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return,
            (old, new) => {
                let name = |block: Option<&GatewayOptions>| {
                    block.map_or_else(String::new, |block| block.name.clone())
                };
                self.fixed("gateway", "Gateway", &name(old), &name(new));
                return;
            }
        };
        let GatewayOptions {
            name,
            host,
            port,
            auth,
            tls,
            advertise,
            connect_retries,
            connect_backoff,
            reject_unknown,
            remotes,
            write_deadline,
            write_timeout,
        } = new;
        self.dropped_links(old, new);
        self.fixed("gateway.name", "Gateway name", &old.name, name);
        self.fixed("gateway.host", "Gateway host", &old.host, host);
        self.fixed("gateway.port", "Gateway port", &old.port, port);
        self.fixed(
            "gateway.advertise",
            "Gateway advertise",
            &old.advertise,
            advertise,
        );
        self.live(
            Change::Gateway,
            &GatewayChange::default(),
            &GatewayChange {
                reject_unknown: old.reject_unknown != *reject_unknown,
                rest: old.auth != *auth
                    || old.tls != *tls
                    || old.connect_retries != *connect_retries
                    || old.connect_backoff != *connect_backoff
                    || old.write_deadline != *write_deadline
                    || old.write_timeout != *write_timeout,
                ..remote_changes(&old.remotes, remotes)
            },
        );
    }
}

fn remote_changes(old: &[RemoteGateway], new: &[RemoteGateway]) -> GatewayChange {
    let mut change = GatewayChange::default();
    for remote in new {
        match old.iter().find(|known| known.name == remote.name) {
            None => change.added.push(remote.name.clone()),
            Some(known) if known != remote => change.changed.push(remote.name.clone()),
            Some(_) => {}
        }
    }
    let is_gone = |known: &&RemoteGateway| new.iter().all(|remote| remote.name != known.name);
    change.removed = (old.iter().filter(is_gone))
        .map(|known| known.name.clone())
        .collect();
    change
}
