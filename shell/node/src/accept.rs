//! The accept loop of every listener: it outlasts errors and panics. Not here: what is done with a
//! connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_rt::future::race;
use gannet_rt::{Listener, Stream};
use parking_lot::Mutex;

use crate::log::{Level, Subsystem};
use crate::panics::kept_up;
use crate::refusal::accept_error;
use crate::shared::Shared;

/// First pause after an accept that failed, as the reference server has it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pauses between failed accepts, doubling, so that a server out of descriptors doesn't spin.
pub(crate) struct Pauses {
    first: Duration,
    next: Duration,
}

impl Pauses {
    /// Pauses from `first` on.
    pub(crate) fn from(first: Duration) -> Pauses {
        Pauses { first, next: first }
    }

    /// The pause to make now.
    pub(crate) fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// An accept has succeeded.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Lets clients in until none are wanted any more.
pub(crate) async fn clients(shared: Arc<Shared>, listener: Listener) {
    race(
        shared.clients_unwanted(),
        accept(&shared, &listener, Subsystem::Clients, crate::client::start),
    )
    .await;
    drop(listener);
    shared.door_is_shut();
}

/// Lets other clusters in until the server stops.
pub(crate) async fn gateways(shared: Arc<Shared>, listener: Listener) {
    race(
        shared.stopped(),
        accept(
            &shared,
            &listener,
            Subsystem::Gateways,
            crate::gateway::accepted,
        ),
    )
    .await;
}

/// Lets other servers of the cluster in until the server stops.
pub(crate) async fn routes(shared: Arc<Shared>, listener: Listener) {
    race(
        shared.stopped(),
        accept(
            &shared,
            &listener,
            Subsystem::Routes,
            crate::route::accepted,
        ),
    )
    .await;
}

/// Hands connections to `start`. Dropping it loses none that `start` has not got.
async fn accept(
    shared: &Arc<Shared>,
    listener: &Listener,
    whose: Subsystem,
    start: fn(&Arc<Shared>, Stream, SocketAddr),
) {
    // They outlive a panic: what always fails is not tried the faster for it.
    let pauses = &Mutex::new(Pauses::from(FIRST_PAUSE));
    kept_up(&shared.rt, || async move {
        loop {
            match listener.accept().await {
                Ok((stream, addr)) => {
                    pauses.lock().reset();
                    start(shared, stream, addr);
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    let pause = pauses.lock().take();
                    complain(shared, listener, whose, &error, pause);
                    shared.rt.sleep(pause).await;
                }
            }
        }
    })
    .await
}

/// Whether the error is about one connection, which went before it was taken.
pub(crate) fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn complain(
    shared: &Shared,
    listener: &Listener,
    whose: Subsystem,
    error: &io::Error,
    pause: Duration,
) {
    let what = match whose {
        Subsystem::Gateways => "Gateway",
        Subsystem::Routes => "Route",
        _ => "Client",
    };
    let why = accept_error(listener.local_addr().ok(), error);
    let pause = pause.as_millis();
    let text = format_args!("Temporary {what} Accept Error({why}), sleeping {pause}ms");
    shared.log.write_about(whose, Level::Error, None, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_begin_anew_after_a_success() {
        let mut pauses = Pauses::from(FIRST_PAUSE);
        let taken: Vec<u128> = (0..9).map(|_| pauses.take().as_millis()).collect();
        assert_eq!(taken, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        pauses.reset();
        assert_eq!(pauses.take(), FIRST_PAUSE);
    }
}
