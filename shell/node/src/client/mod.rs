//! Client connections: how one starts, and its task. Not here: rules of the
//! conversation (`gannet_session::client`), delivery (`gannet_broker`).

mod credentials;
mod door;
mod reload;
mod requester;
mod slow;
mod task;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};

use gannet_broker::{Peer, PeerKind};
use gannet_rt::Stream;
use parking_lot::Mutex;

use crate::channel::Channel;
use crate::registry::{ClientConn, Facts};
use crate::shared::Shared;
use crate::sink::StreamSink;

/// Starts the task of one new connection.
pub(crate) fn start(shared: &Arc<Shared>, stream: Stream, addr: SocketAddr) {
    let stream = Arc::new(Channel::new(stream));
    let id = shared.clients.next_id();
    let max_pending = shared.now().limits.max_pending.as_usize();
    let peer = Peer::new(
        id,
        PeerKind::Client,
        max_pending,
        Box::new(StreamSink::new(&stream)),
    );
    let started_at = shared.rt.now();
    let conn = Arc::new(ClientConn {
        id,
        peer: Arc::new(peer),
        stream,
        addr: Mutex::new(addr),
        started: shared.rt.wall(),
        started_at,
        facts: Mutex::new(Facts::default()),
        nonce: OnceLock::new(),
        in_msgs: AtomicU64::new(0),
        in_bytes: AtomicU64::new(0),
        last_active: AtomicU64::new(started_at.as_nanos()),
        subscriptions: AtomicU32::new(0),
        takes_info: AtomicBool::new(false),
        tls_first: AtomicBool::new(false),
        rtt_nanos: AtomicU64::new(0),
        close_with: Mutex::new(None),
    });
    shared.rt.spawn(task::run(shared.clone(), conn));
}
