//! The accept loop of every listener. Not here: what is done with a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_rt::future::race;
use gannet_rt::{Listener, Stream};

use crate::log::log;
use crate::shared::Shared;

/// Pauses between failed accepts: doubling, so that a server out of descriptors doesn't spin.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Lets clients in until none are wanted any more.
pub(crate) async fn clients(shared: Arc<Shared>, listener: Listener) {
    race(
        shared.clients_unwanted(),
        accept(&shared, &listener, "client", crate::client::start),
    )
    .await;
    drop(listener);
    shared.door_is_shut();
}

/// Lets other clusters in until the server stops.
pub(crate) async fn gateways(shared: Arc<Shared>, listener: Listener) {
    race(
        shared.stopped(),
        accept(&shared, &listener, "gateway", crate::gateway::accepted),
    )
    .await;
}

/// Hands connections to `start`. Dropping it loses none that `start` has not got.
async fn accept(
    shared: &Arc<Shared>,
    listener: &Listener,
    what: &str,
    start: fn(&Arc<Shared>, Stream, SocketAddr),
) {
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, addr)) => {
                pause = PAUSE.0;
                start(shared, stream, addr);
            }
            Err(e) => {
                log!(
                    shared.log,
                    Error,
                    "Error accepting a {what} connection, waiting {pause:?}: {e}"
                );
                shared.rt.sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}
