//! One link to another server, as the switchboard and its own task know it. Not here: what the link is for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gannet_broker::Peer;
use gannet_monitor::{ConnInfo, ConnKind};
use gannet_units::Moment;

use crate::registry::LinkFacts;

/// The link as a connection.
pub(super) fn conn(kind: ConnKind, peer: &Peer, facts: &LinkFacts) -> ConnInfo {
    let (stats, pending) = {
        let outbox = peer.outbox();
        (outbox.stats(), outbox.pending())
    };
    let carried = Moment::from_nanos(facts.last_active.load(Ordering::Relaxed));
    let last_active = carried.max(peer.last_delivery());
    let tls = facts.tls.get();
    ConnInfo {
        cid: peer.id(),
        kind,
        ip: facts.addr.ip().to_string(),
        port: facts.addr.port(),
        start: facts.started,
        last_activity: facts.started + last_active.since(facts.started_at),
        rtt: Duration::from_nanos(facts.rtt_nanos.load(Ordering::Relaxed)),
        pending_bytes: pending as u64,
        in_msgs: facts.in_msgs.load(Ordering::Relaxed),
        out_msgs: stats.msgs,
        in_bytes: facts.in_bytes.load(Ordering::Relaxed),
        out_bytes: stats.bytes,
        num_subs: facts.subscriptions.load(Ordering::Relaxed),
        name: facts.remote_id.lock().clone(),
        tls_version: tls.map(|tls| tls.version).unwrap_or_default(),
        tls_cipher: tls.map(|tls| tls.cipher.clone()).unwrap_or_default(),
        ..ConnInfo::default()
    }
}
