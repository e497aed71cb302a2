//! Gateways: the listener, the dialler, and one task per link to another cluster. Not here: which links
//! should exist (`gannet_session::topology`), what is said on them (`gannet_session::gateway`), who
//! wants what (`gannet_broker`).

mod dial;
mod mesh;
mod reload;
mod setup;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gannet_rt::Listener;

pub use mesh::GatewayLink;
pub(crate) use mesh::Mesh;
pub(crate) use setup::listen;
pub(crate) use task::accepted;

use crate::panics::kept_up;
use crate::shared::Shared;

/// Starts accepting and dialling.
pub(crate) fn start(shared: &Arc<Shared>, listener: Listener) {
    let Some(mesh) = shared.mesh.get() else {
        return;
    };
    shared
        .rt
        .spawn(crate::accept::gateways(shared.clone(), listener));
    let (owner, mesh) = (shared.clone(), mesh.clone());
    shared
        .rt
        .spawn(async move { kept_up(&owner.rt, || mesh::keep(owner.clone(), mesh.clone())).await });
}
