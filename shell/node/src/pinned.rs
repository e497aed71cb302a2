//! Connections that stand when `pinned_certs` change: those whose keys are not among the new ones have to
//! end. Not here: handshakes (`gannet_rt::tls`).

use std::collections::BTreeSet;

use gannet_broker::{Peer, Signal};
use gannet_config::{Options, TlsOptions};
use gannet_rt::tls::TlsFacts;
use gannet_session::CloseReason;

use crate::log::log;
use crate::shared::Shared;

/// Ends what `new` does not allow and `old` did.
pub(crate) fn look_again(shared: &Shared, old: &Options, new: &Options) {
    let mut ended = 0;
    if let Some(pinned) = changed(old.tls.as_ref(), new.tls.as_ref()) {
        for conn in shared.clients.open() {
            if !is_allowed(pinned, conn.stream.tls()) {
                conn.close(CloseReason::TlsHandshakeError);
                ended += 1;
            }
        }
    }
    if let Some(pinned) = changed(old.cluster.tls.as_ref(), new.cluster.tls.as_ref()) {
        let conns = shared.routes.get().map(|mesh| mesh.conns());
        for conn in conns.into_iter().flatten() {
            ended += u32::from(end_link(shared, pinned, &conn.peer));
        }
    }
    if let Some(pinned) = changed(of_gateways(old), of_gateways(new)) {
        for link in shared.broker.outbound().iter() {
            ended += u32::from(end_link(shared, pinned, link.peer()));
        }
        for link in shared.broker.inbound() {
            ended += u32::from(end_link(shared, pinned, &link.peer));
        }
    }
    if ended > 0 {
        log!(
            shared.log,
            Info,
            "Disconnect {ended} clients due to pinned certs reload"
        );
    }
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

/// Answers whether the link has to end.
fn end_link(shared: &Shared, pinned: &BTreeSet<String>, peer: &Peer) -> bool {
    let facts = shared.links.get(peer.id());
    let is_bad = facts.is_some_and(|facts| !is_allowed(pinned, facts.tls.get()));
    if is_bad {
        peer.signal().raise(Signal::CLOSE);
    }
    is_bad
}
