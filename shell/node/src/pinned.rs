//! Connections that stand when `pinned_certs` change: those whose keys are not among the new ones have to
//! end. Not here: handshakes (`gannet_rt::tls`).

use std::collections::BTreeSet;
use std::sync::Arc;

use gannet_broker::{Peer, Signal};
use gannet_config::{Options, TlsOptions};
use gannet_rt::tls::TlsFacts;
use gannet_session::CloseReason;

use crate::log::log;
use crate::registry::ClientConn;
use crate::shared::Shared;

/// A connection whose key is not allowed.
pub(crate) enum Unpinned {
    Client(Arc<ClientConn>),
    Link(Arc<Peer>),
}

/// Ends what `new` does not allow and `old` did.
pub(crate) fn look_again(shared: &Shared, old: &Options, new: &Options) {
    let unpinned = unpinned(shared, old, new);
    for connection in &unpinned {
        match connection {
            Unpinned::Client(conn) => conn.close(CloseReason::TlsHandshakeError),
            Unpinned::Link(peer) => peer.signal().raise(Signal::CLOSE),
        }
    }
    let ended = unpinned.len();
    if ended > 0 {
        log!(
            shared.log,
            Server,
            Info,
            "Disconnect {ended} clients due to pinned certs reload"
        );
    }
}

/// What stands, is not allowed by `new`, and was by `old`.
pub(crate) fn unpinned(shared: &Shared, old: &Options, new: &Options) -> Vec<Unpinned> {
    let mut unpinned = Vec::new();
    if let Some(pinned) = changed(old.tls.as_ref(), new.tls.as_ref()) {
        let clients = shared.clients.open().into_iter();
        let bad = clients.filter(|conn| !is_allowed(pinned, conn.stream.tls()));
        unpinned.extend(bad.map(Unpinned::Client));
    }
    if let Some(pinned) = changed(old.cluster.tls.as_ref(), new.cluster.tls.as_ref()) {
        let conns = shared.routes.get().map(|mesh| mesh.conns());
        let peers = conns.into_iter().flatten().map(|conn| conn.peer.clone());
        let bad = peers.filter(|peer| is_bad_link(shared, pinned, peer));
        unpinned.extend(bad.map(Unpinned::Link));
    }
    if let Some(pinned) = changed(of_gateways(old), of_gateways(new)) {
        let (outbound, inbound) = (shared.broker.outbound(), shared.broker.inbound());
        let outbound = outbound.iter().map(|link| link.peer().clone());
        let peers = outbound.chain(inbound.into_iter().map(|link| link.peer.clone()));
        let bad = peers.filter(|peer| is_bad_link(shared, pinned, peer));
        unpinned.extend(bad.map(Unpinned::Link));
    }
    unpinned
}

fn of_gateways(options: &Options) -> Option<&TlsOptions> {
    options.gateway.as_ref()?.tls.as_ref()
}

/// The keys that are allowed now, if those were others before.
fn changed<'a>(
    old: Option<&TlsOptions>,
    new: Option<&'a TlsOptions>,
) -> Option<&'a BTreeSet<String>> {
    let new = &new?.pinned;
    let is_same = old.map_or(new.is_empty(), |old| old.pinned == *new);
    (!is_same).then_some(new)
}

/// Whether a connection may stay. One without certificates is no matter of keys.
fn is_allowed(pinned: &BTreeSet<String>, facts: Option<&TlsFacts>) -> bool {
    let Some(facts) = facts else { return true };
    let is_pinned = |key: &String| pinned.contains(key);
    pinned.is_empty()
        || facts
            .peer
            .as_ref()
            .is_some_and(|peer| is_pinned(&peer.key_sha256))
}

fn is_bad_link(shared: &Shared, pinned: &BTreeSet<String>, peer: &Peer) -> bool {
    let facts = shared.links.get(peer.id());
    facts.is_some_and(|facts| !is_allowed(pinned, facts.tls.get()))
}
