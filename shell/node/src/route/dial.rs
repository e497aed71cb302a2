//! One attempt to reach another server of the cluster: resolve, connect, and hand the connection to its
//! task.

use std::net::SocketAddr;
use std::sync::Arc;

use gannet_rt::Stream;
use gannet_session::topology::routes::{Dial, Failure};

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
        Ok((stream, addr)) => task::dialled(shared, mesh, dial, stream, addr).await,
        Err(why) => {
            let now = shared.rt.now();
            mesh.change(&shared, |state, out| {
                state.attempts.remove(&dial.id);
                state.routes.dial_failed(dial.id, why, now, out);
            });
        }
    }
}

async fn connect(
    shared: &Shared,
    mesh: &Mesh,
    dial: &Dial,
) -> Result<(Stream, SocketAddr), Failure> {
    let failed = |why: &str| {
        write_log(shared, Subsystem::Routes, None, &dial.failed(why));
        Failure::Error
    };
    let addr = match dial.at {
        Some(addr) => addr,
        None => {
            let (host, port) = (&dial.url.host, dial.url.port);
            let resolving = shared.rt.resolve(host, port);
            let addrs = match shared.rt.timeout(DIAL_TIMEOUT, resolving).await {
                Ok(Ok(addrs)) => addrs,
                Ok(Err(e)) => return Err(failed(&refusal::unresolved(host, &e))),
                Err(e) => return Err(failed(&e.to_string())),
            };
            // A name may stand for several servers, this one among them.
            let is_own = |addr: &SocketAddr| *addr == mesh.bound || dial.not_at.contains(addr);
            let others: Vec<SocketAddr> = addrs.into_iter().filter(|a| !is_own(a)).collect();
            let chosen = (shared.rt.random_u64() % others.len().max(1) as u64) as usize;
            others.get(chosen).copied().ok_or(Failure::OnlySelf)?
        }
    };
    write_log(
        shared,
        Subsystem::Routes,
        None,
        &dial.starting(&addr.to_string()),
    );
    match shared
        .rt
        .timeout(DIAL_TIMEOUT, shared.rt.connect(addr))
        .await
    {
        Ok(Ok(stream)) => Ok((stream, addr)),
        Ok(Err(e)) => Err(failed(&refusal::dial_error(addr, &e))),
        Err(_) => Err(failed(&format!("dial tcp {addr}: i/o timeout"))),
    }
}
