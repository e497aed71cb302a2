//! Client connections: the accept loop and the task of one connection. Not here: rules of the
//! conversation (`gannet_session::client`), delivery (`gannet_broker`).

mod input;
mod task;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use gannet_broker::{Peer, PeerKind};
use gannet_rt::{Listener, Stream};
use parking_lot::Mutex;

use crate::log::log;
use crate::registry::{ClientConn, Facts};
use crate::shared::Shared;
use crate::sink::StreamSink;

/// Pauses between failed accepts: doubling, so that a server out of descriptors doesn't spin.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Accepts clients until the server stops.
pub(crate) async fn accept(shared: Arc<Shared>, listener: Listener) {
    let mut pause = ACCEPT_PAUSE.0;
    loop {
        let stop = std::pin::pin!(shared.stop.notified());
        let accepted = match gannet_rt::future::race(listener.accept(), stop).await {
            gannet_rt::future::Either::First(accepted) => accepted,
            gannet_rt::future::Either::Second(()) => return,
        };
        if shared.is_stopping() {
            return;
        }
        match accepted {
            Ok((stream, addr)) => {
                pause = ACCEPT_PAUSE.0;
                start(&shared, stream, addr);
            }
            Err(e) => {
                log!(shared.log, Error, "Error accepting a client connection, waiting {pause:?}: {e}");
                shared.rt.sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE.1);
            }
        }
    }
}

/// Starts the task of one new connection.
fn start(shared: &Arc<Shared>, stream: Stream, addr: SocketAddr) {
    let stream = Arc::new(stream);
    let id = shared.clients.next_id();
    let max_pending = shared.options.limits.max_pending.as_usize();
    let peer = Peer::new(id, PeerKind::Client, max_pending, Box::new(StreamSink(stream.clone())));
    let started_at = shared.rt.now();
    let conn = Arc::new(ClientConn {
        id,
        peer: Arc::new(peer),
        stream,
        addr,
        started: shared.rt.wall(),
        started_at,
        facts: Mutex::new(Facts::default()),
        in_msgs: AtomicU64::new(0),
        in_bytes: AtomicU64::new(0),
        last_active: AtomicU64::new(started_at.as_nanos()),
        subscriptions: AtomicU32::new(0),
        rtt_nanos: AtomicU64::new(0),
        close_with: Mutex::new(None),
    });
    shared.rt.spawn(task::run(shared.clone(), conn));
}
