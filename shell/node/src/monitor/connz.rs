//! What `/connz` needs: client connections, open and closed.

use std::sync::atomic::Ordering;

use gannet_broker::Sub;
use gannet_monitor::connz::{Options, Snapshot, select};
use gannet_monitor::{
    ClientType, Closed, ConnInfo, ConnKind, PeerCertificate, Response, Subscriptions,
};
use gannet_rt::tls::TlsFacts;
use gannet_session::CloseReason;
use gannet_units::{Moment, WallTime};

use super::subs;
use crate::registry::ClientConn;
use crate::shared::Shared;

/// The page asked for.
pub(super) fn respond(shared: &Shared, options: Options) -> Response {
    let wanted = options.subscriptions();
    let mut snapshot = Snapshot {
        server_id: shared.id.clone(),
        now: shared.rt.wall(),
        account_known: options
            .account()
            .is_none_or(|name| shared.broker.account(name).is_some()),
        ..Snapshot::default()
    };
    if options.wants_open() {
        snapshot.open = shared
            .clients
            .open()
            .iter()
            .map(|conn| info(conn))
            .collect();
    }
    if options.wants_closed() {
        snapshot.closed = shared
            .clients
            .closed()
            .iter()
            .map(|info| ConnInfo::clone(info))
            .collect();
    }
    let mut page = select(options, snapshot);
    if wanted != Subscriptions::Count {
        subs::fill(
            shared,
            page.conns_mut()
                .iter_mut()
                .filter(|conn| conn.closed.is_none())
                .collect(),
        );
    }
    page.response()
}

/// A connection as it is now.
fn info(conn: &ClientConn) -> ConnInfo {
    let (stats, pending) = {
        let outbox = conn.peer.outbox();
        (outbox.stats(), outbox.pending())
    };
    let facts = conn.facts.lock().clone();
    let (addr, tls) = (conn.addr(), conn.stream.tls());
    let did = Moment::from_nanos(conn.last_active.load(Ordering::Relaxed));
    let last_active = did.max(conn.peer.last_delivery());
    ConnInfo {
        cid: conn.id,
        kind: ConnKind::Client,
        client_type: ClientType::Nats,
        ip: addr.ip().to_string(),
        port: addr.port(),
        start: conn.started,
        last_activity: conn.started + last_active.since(conn.started_at),
        rtt: std::time::Duration::from_nanos(conn.rtt_nanos.load(Ordering::Relaxed)),
        pending_bytes: pending as u64,
        in_msgs: conn.in_msgs.load(Ordering::Relaxed),
        out_msgs: stats.msgs,
        in_bytes: conn.in_bytes.load(Ordering::Relaxed),
        out_bytes: stats.bytes,
        stalls: stats.stalls,
        num_subs: conn.subscriptions.load(Ordering::Relaxed),
        name: facts.name,
        lang: facts.lang,
        version: facts.version,
        tls_version: tls.map(|tls| tls.version).unwrap_or_default(),
        tls_cipher: tls.map(|tls| tls.cipher.clone()).unwrap_or_default(),
        tls_peers: tls.map(certificates).unwrap_or_default(),
        tls_first: conn.tls_first.load(Ordering::Relaxed),
        user: facts.who.name().to_owned(),
        account: facts.account,
        ..ConnInfo::default()
    }
}

/// The certificates that a client has shown.
fn certificates(tls: &TlsFacts) -> Vec<PeerCertificate> {
    let shown = tls.peer.iter().chain(&tls.chain);
    let info = |certificate: &gannet_rt::tls::PeerCertificate| PeerCertificate {
        subject: certificate.subject.clone(),
        spki_sha256: certificate.key_sha256.clone(),
        cert_sha256: certificate.sha256.clone(),
    };
    shown.map(info).collect()
}

/// Bytes of subscriptions' text remembered of a connection that has ended: there may be ten thousand of
/// those, and each text is of the peer's choosing.
const REMEMBERED: usize = 4 * 1024;

/// A connection that ends now for `reason`, with those of its subscriptions that are to be remembered.
pub(crate) fn closed_info<'a>(
    conn: &ClientConn,
    at: WallTime,
    reason: CloseReason,
    kept: impl Iterator<Item = &'a Sub>,
) -> ConnInfo {
    let mut info = info(conn);
    // The reference does not remember them.
    info.tls_peers = Vec::new();
    info.closed = Some(Closed {
        at,
        reason: reason.text(),
    });
    let mut bytes = 0;
    let kept = kept.map(|sub| subs::info(&info.account, sub));
    info.subs = kept
        .take_while(|sub| {
            bytes += sub.subject.len() + sub.queue.len() + sub.sid.len();
            bytes <= REMEMBERED
        })
        .collect();
    info
}
