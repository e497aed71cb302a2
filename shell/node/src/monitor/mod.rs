//! The monitoring port: its listener, and the bound on what it may cost. Not here: one HTTP connection
//! (`connection`), what is gathered for which page (`answer` and its neighbours), what the pages say
//! (`gannet_monitor`).

mod answer;
mod cluster;
mod connection;
mod connz;
mod gatewayz;
mod link;
mod process;
mod reloadz;
mod routez;
mod subs;
mod varz;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_config::Options;
use gannet_monitor::RequestCounts;
use gannet_rt::future::{Either, race};
use gannet_rt::sync::Semaphore;
use gannet_rt::tls::TlsError;
use gannet_rt::{Listener, Stream};
use parking_lot::Mutex;

pub(crate) use connz::closed_info;

use crate::accept::{Pauses, is_the_peers};
use crate::log::{log, shown_duration};
use crate::ocsp;
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
    pages: Pages,
    /// Connections begin with TLS.
    is_secure: bool,
    counts: Mutex<RequestCounts>,
    cpu: Mutex<varz::CpuMeter>,
    /// Room for connections.
    slots: Arc<Semaphore>,
    /// Room for lists.
    lists: Semaphore,
}

/// What a listener answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pages {
    /// Those of the monitoring port.
    Monitoring,
    /// Those below `/debug`.
    Profiling,
}

/// A listener that is wanted.
pub(crate) struct Wanted<'a> {
    /// Host and port as configured.
    pub(crate) at: (&'a str, u16),
    /// It speaks TLS.
    is_secure: bool,
}

/// The listener for monitoring, if there is to be any.
pub(crate) fn wanted(options: &Options) -> Result<Option<Wanted<'_>>, StartError> {
    let monitoring = &options.monitoring;
    let failed = |why| StartError::Listen(format!("Can't start monitoring: {why}"));
    let (port, is_secure) = match (monitoring.port, monitoring.https_port) {
        (None, None) => return Ok(None),
        (Some(port), None) => (port, false),
        (None, Some(_)) if options.tls.is_none() => {
            return Err(failed("TLS cert and key required for HTTPS".into()));
        }
        (None, Some(port)) => (port, true),
        (Some(http), Some(https)) => {
            let both = format!("can't specify both HTTP ({http}) and HTTPs ({https}) ports");
            return Err(failed(both));
        }
    };
    let host = monitoring.host.as_deref().unwrap_or(&options.host);
    let at = (host, port.to_bind());
    Ok(Some(Wanted { at, is_secure }))
}

/// Begins to answer on `listener`.
pub(crate) fn start(
    shared: &Arc<Shared>,
    wanted: &Wanted<'_>,
    listener: Listener,
) -> Result<(), StartError> {
    let addr = address(&listener)?;
    let _: Result<(), SocketAddr> = shared.monitor_addr.set(addr);
    let scheme = if wanted.is_secure { "https" } else { "http" };
    log!(
        shared.log,
        Monitoring,
        Info,
        "Starting {scheme} monitor on {}",
        shown(wanted.at.0, addr)
    );
    begin(shared, listener, Pages::Monitoring, wanted.is_secure);
    Ok(())
}

/// The address to listen on for profiling, if there is to be any: where clients connect.
pub(crate) fn wanted_for_profiling(options: &Options) -> Option<(&str, u16)> {
    Some((&options.host, options.profiling.port?.to_bind()))
}

/// Begins to answer on `listener` what is asked of the profiling port.
pub(crate) fn start_profiling(shared: &Arc<Shared>, listener: Listener) -> Result<(), StartError> {
    let addr = address(&listener)?;
    let _: Result<(), SocketAddr> = shared.profiling_addr.set(addr);
    let port = addr.port();
    log!(shared.log, Monitoring, Info, "profiling port: {port}");
    begin(shared, listener, Pages::Profiling, false);
    Ok(())
}

/// Says that the server makes no block profiles, if some are wanted.
pub(crate) fn warn_of_block_rate(shared: &Shared) {
    let rate = shared.now().profiling.block_rate;
    if rate > 0 {
        log!(
            shared.log,
            Monitoring,
            Warn,
            "prof_block_rate ({rate}) has no effect: Gannet makes no block profiles"
        );
    }
}

fn address(listener: &Listener) -> Result<SocketAddr, StartError> {
    let failed = |e: std::io::Error| StartError::Listen(e.to_string());
    listener.local_addr().map_err(failed)
}

/// Answers requests until the server stops.
fn begin(shared: &Arc<Shared>, listener: Listener, pages: Pages, is_secure: bool) {
    let monitor = Arc::new(Monitor {
        cpu: Mutex::new(varz::CpuMeter::new(shared)),
        counts: Mutex::default(),
        slots: Arc::new(Semaphore::new(CONNECTIONS_MOST)),
        lists: Semaphore::new(LISTS_MOST),
        pages,
        is_secure,
        shared: shared.clone(),
    });
    drop(shared.rt.spawn(async move {
        let pauses = &Mutex::new(Pauses::from(FIRST_PAUSE));
        let serve = || async { accept(&monitor, &listener, pauses).await };
        let shared = &monitor.shared;
        race(shared.stopped(), kept_up(&shared.rt, serve)).await;
    }));
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
                    Monitoring,
                    Error,
                    "monitoring: Accept error: {why}; retrying in {shown}"
                );
                shared.rt.sleep(pause).await;
            }
        }
    }
}

async fn converse(monitor: &Arc<Monitor>, stream: Stream, peer: SocketAddr) {
    let shared = &monitor.shared;
    if monitor.is_secure
        && let Err(why) = shake_hands(shared, &stream).await
    {
        log!(
            shared.log,
            Monitoring,
            Debug,
            "{peer} - TLS handshake error: {why}"
        );
        return;
    }
    if let Err(e) = connection::serve(monitor, stream).await {
        log!(
            shared.log,
            Monitoring,
            Debug,
            "{peer} - Monitoring connection ended: {e}"
        );
    }
}

/// Encrypts a connection with the present certificate.
async fn shake_hands(shared: &Shared, stream: &Stream) -> Result<(), String> {
    let tls = shared.tls();
    // It was looked at before the listener was opened, and a reload cannot take it away without the listener.
    let tls = tls.monitoring().ok_or("there is no certificate any more")?;
    let deadline = shared.rt.now() + tls.timeout;
    let shaken = stream
        .accept_tls(&shared.rt, &tls.context(), &[], deadline)
        .await;
    shaken.map_err(|error| error.to_string())?;
    let Some(options) = &tls.ocsp_peer else {
        return Ok(());
    };
    let context = tls.context();
    let checked = ocsp::check_client(shared, stream, &context, options);
    match race(checked, shared.rt.sleep_until(deadline)).await {
        Either::First(checked) => checked,
        Either::Second(()) => Err(TlsError::Timeout.to_string()),
    }
}
