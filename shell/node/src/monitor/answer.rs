//! From a path and a query to an answer: which snapshot each page needs.

use std::sync::Arc;

use gannet_monitor::process::Profiling;
use gannet_monitor::{Request, Response, healthz, request, root};

use super::{Monitor, Pages, connz, gatewayz, process, reloadz, routez, subs, varz};
use crate::info::{COMPATIBLE_VERSION, VERSION};
use crate::log::log;
use crate::shared::Shared;

/// The answer to one request.
pub(super) async fn answer(monitor: &Arc<Monitor>, path: &str, query: &str) -> Response {
    match monitor.pages {
        Pages::Monitoring => of_monitoring(monitor, path, query).await,
        Pages::Profiling => of_profiling(monitor, path).await,
    }
}

async fn of_profiling(monitor: &Arc<Monitor>, path: &str) -> Response {
    match Profiling::at(path) {
        None => Response::not_found(),
        Some(Profiling::Index) => Profiling::index(),
        Some(Profiling::CommandLine) => {
            Profiling::command_line(&process::command_line(&monitor.shared))
        }
        Some(Profiling::Vars) => list(monitor, process::vars).await,
        Some(Profiling::Tasks) => list(monitor, process::tasks).await,
        Some(Profiling::Unmade) => Profiling::unmade(),
        Some(Profiling::Unknown) => Profiling::unknown(),
    }
}

async fn of_monitoring(monitor: &Arc<Monitor>, path: &str, query: &str) -> Response {
    let shared = &monitor.shared;
    let options = shared.options();
    let base_path = &options.monitoring.base_path;
    let request = match request(base_path, path, query) {
        Ok(request) => request,
        Err(refused) => {
            if let Some(endpoint) = refused.counts {
                monitor.counts.lock().count(endpoint);
            }
            return refused.response;
        }
    };
    monitor.counts.lock().count(request.endpoint());
    match request {
        Request::Root => root::respond(&root::Snapshot {
            base_path: base_path.clone(),
            server_name: shared.name.clone(),
            version: VERSION.to_owned(),
            compatible: COMPATIBLE_VERSION.to_owned(),
        }),
        Request::Varz => varz::respond(monitor),
        Request::Healthz(options) => health(shared, &options),
        Request::Connz(options) => {
            list(monitor, move |shared| connz::respond(shared, options)).await
        }
        Request::Routez(options) => {
            list(monitor, move |shared| routez::respond(shared, &options)).await
        }
        Request::Gatewayz(options) => {
            list(monitor, move |shared| gatewayz::respond(shared, &options)).await
        }
        Request::Subsz(options) => {
            list(monitor, move |shared| subs::respond(shared, &options)).await
        }
        Request::Reloadz(options) => {
            // As dear as a list.
            let _slot = monitor.lists.acquire().await;
            reloadz::respond(shared, &options).await
        }
        Request::Stacksz => list(monitor, process::tasks).await,
        Request::Vars => list(monitor, process::vars).await,
    }
}

/// Makes a page whose size grows with the server's, where that holds up nobody, and not too many at
/// a time.
async fn list(
    monitor: &Monitor,
    make: impl FnOnce(&Shared) -> Response + Send + 'static,
) -> Response {
    // The semaphore is never closed.
    let _slot = monitor.lists.acquire().await;
    let shared = monitor.shared.clone();
    monitor.shared.rt.run_blocking(move || make(&shared)).await
}

fn health(shared: &Shared, options: &healthz::Options) -> Response {
    if let Some(warning) = options.warning() {
        log!(shared.log, Monitoring, Warn, "{warning}");
    }
    let snapshot = healthz::Snapshot {
        closed_listeners: closed_listeners(shared),
    };
    let health = healthz::check(options, &snapshot);
    if let Some(warning) = health.warning() {
        log!(shared.log, Monitoring, Warn, "{warning}");
    }
    health.response()
}

/// Listeners that should be there and are not: not yet, while the server starts, or no longer.
fn closed_listeners(shared: &Shared) -> Vec<&'static str> {
    let options = shared.options();
    let clients_unwanted = shared.is_lame_duck() || shared.is_stopping();
    let clients = shared.client_addr.get().is_some() && !clients_unwanted;
    let routes = options.cluster.port.is_none() || shared.routes.get().is_some();
    let gateways = options.gateway.is_none() || shared.mesh.get().is_some();
    let open = [
        ("server", clients),
        ("route", routes),
        ("gateway", gateways),
    ];
    let closed = |(name, is_open): (_, bool)| (!is_open).then_some(name);
    open.into_iter().filter_map(closed).collect()
}
