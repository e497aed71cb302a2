//! The monitoring port: its listener, and the bound on what it may cost. Not here: one HTTP connection
//! (`connection`), what is gathered for which page (`answer` and its neighbours), what the pages say
//! (`gannet_monitor`).

mod answer;
mod cluster;
mod connection;
mod connz;
mod gatewayz;
mod link;
mod routez;
mod subs;
mod varz;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_config::Options;
use gannet_monitor::RequestCounts;
use gannet_rt::future::race;
use gannet_rt::sync::Semaphore;
use gannet_rt::{Listener, Stream};
use parking_lot::Mutex;

pub(crate) use connz::closed_info;

use crate::accept::{Pauses, is_the_peers};
use crate::log::{log, shown_duration};
use crate::panics::kept_up;
use crate::refusal::accept_error;
use crate::server::{StartError, shown};
use crate::shared::Shared;

/// HTTP connections at a time; more wait in the backlog.
const CONNECTIONS_MOST: usize = 64;
/// Pages that list connections or subscriptions made at a time: each may be as large as the server is
/// busy, so that their number, too, is a bound of memory.
const LISTS_MOST: usize = 2;
/// First pause after an accept that failed, as the reference server's HTTP library has it.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// What the monitoring port keeps.
struct Monitor {
    shared: Arc<Shared>,
    counts: Mutex<RequestCounts>,
    cpu: Mutex<varz::CpuMeter>,
    /// Room for connections.
    slots: Arc<Semaphore>,
    /// Room for lists.
    lists: Semaphore,
}

/// The address to listen on for monitoring, if there is to be any: host and port as configured.
pub(crate) fn wanted(options: &Options) -> Option<(&str, u16)> {
    let port = options.monitoring.port?;
    let host = options.monitoring.host.as_deref().unwrap_or(&options.host);
    Some((host, port.to_bind()))
}

/// Begins to answer on `listener`, which was opened on `host`.
pub(crate) fn start(
    shared: &Arc<Shared>,
    host: &str,
    listener: Listener,
) -> Result<(), StartError> {
    let addr = listener
        .local_addr()
        .map_err(|e| StartError::Listen(e.to_string()))?;
    let _: Result<(), SocketAddr> = shared.monitor_addr.set(addr);
    log!(
        shared.log,
        Info,
        "Starting http monitor on {}",
        shown(host, addr)
    );
    drop(shared.rt.spawn(listen_and_serve(shared.clone(), listener)));
    Ok(())
}

/// Answers monitoring requests until the server stops.
async fn listen_and_serve(shared: Arc<Shared>, listener: Listener) {
    let monitor = &Arc::new(Monitor {
        cpu: Mutex::new(varz::CpuMeter::new(&shared)),
        counts: Mutex::default(),
        slots: Arc::new(Semaphore::new(CONNECTIONS_MOST)),
        lists: Semaphore::new(LISTS_MOST),
        shared: shared.clone(),
    });
    let pauses = &Mutex::new(Pauses::from(FIRST_PAUSE));
    let serve = || async { accept(monitor, &listener, pauses).await };
    race(shared.stopped(), kept_up(&shared.rt, serve)).await;
}

/// Takes connections, as many as there is room for.
async fn accept(monitor: &Arc<Monitor>, listener: &Listener, pauses: &Mutex<Pauses>) {
    let shared = &monitor.shared;
    loop {
        // The semaphore is never closed.
        let slot = monitor.slots.clone().acquire_owned().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                pauses.lock().reset();
                let monitor = monitor.clone();
                drop(shared.rt.spawn(async move {
                    let _slot = slot;
                    converse(&monitor, stream, peer).await;
                }));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                let pause = pauses.lock().take();
                let why = accept_error(listener.local_addr().ok(), &error);
                let shown = shown_duration(pause);
                log!(
                    shared.log,
                    Error,
                    "monitoring: Accept error: {why}; retrying in {shown}"
                );
                shared.rt.sleep(pause).await;
            }
        }
    }
}

async fn converse(monitor: &Arc<Monitor>, stream: Stream, peer: SocketAddr) {
    if let Err(e) = connection::serve(monitor, stream).await {
        log!(
            monitor.shared.log,
            Debug,
            "{peer} - Monitoring connection ended: {e}"
        );
    }
}
