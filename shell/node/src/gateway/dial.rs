//! One attempt to reach another cluster: resolve, connect, and hand the connection to a link's task.

use std::net::SocketAddr;
use std::sync::Arc;

use gannet_rt::Stream;
use gannet_session::topology::gateways::Dial;

use super::mesh::Mesh;
use super::setup::DIAL_TIMEOUT;
use super::task;
use crate::link::write_log;
use crate::log::Subsystem;
use crate::refusal;
use crate::shared::Shared;

/// Carries out one attempt.
pub(super) async fn run(shared: Arc<Shared>, mesh: Arc<Mesh>, dial: Dial) {
    match connect(&shared, &mesh, &dial).await {
        Some((stream, addr)) => task::dialled(shared, mesh, dial, stream, addr).await,
        None => {
            let now = shared.rt.now();
            mesh.change(&shared, |state, out| {
                state.attempts.remove(&dial.id);
                state.gateways.dial_failed(dial.id, now, out);
            });
        }
    }
}

async fn connect(shared: &Shared, mesh: &Mesh, dial: &Dial) -> Option<(Stream, SocketAddr)> {
    let resolved = shared
        .rt
        .timeout(
            DIAL_TIMEOUT,
            shared.rt.resolve(&dial.url.host, dial.url.port),
        )
        .await;
    let addrs = match resolved {
        Ok(Ok(addrs)) => addrs,
        Ok(Err(e)) => {
            let why = refusal::unresolved(&dial.url.host, &e);
            write_log(shared, Subsystem::Gateways, None, &dial.unresolved(&why));
            return None;
        }
        Err(e) => {
            write_log(
                shared,
                Subsystem::Gateways,
                None,
                &dial.unresolved(&e.to_string()),
            );
            return None;
        }
    };
    // A name may stand for several servers; and our own address is no other cluster's.
    let others: Vec<SocketAddr> = addrs
        .into_iter()
        .filter(|addr| *addr != mesh.bound)
        .collect();
    let chosen = (shared.rt.random_u64() % others.len().max(1) as u64) as usize;
    let Some(addr) = others.get(chosen).copied() else {
        write_log(
            shared,
            Subsystem::Gateways,
            None,
            &dial.unresolved("it is this server's own address"),
        );
        return None;
    };
    write_log(
        shared,
        Subsystem::Gateways,
        None,
        &dial.starting(&addr.to_string()),
    );
    let error = match shared
        .rt
        .timeout(DIAL_TIMEOUT, shared.rt.connect(addr))
        .await
    {
        Ok(Ok(stream)) => return Some((stream, addr)),
        Ok(Err(e)) => refusal::dial_error(addr, &e),
        Err(_) => format!("dial tcp {addr}: i/o timeout"),
    };
    write_log(
        shared,
        Subsystem::Gateways,
        None,
        &dial.failed(&addr.to_string(), &error),
    );
    None
}
