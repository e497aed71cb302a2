//! Routes: the listener, the dialler, and one task per connection to another server of the cluster. Not
//! here: which connections should exist (`gannet_session::topology`), what is said on them
//! (`gannet_session::route`), who wants what (`gannet_broker`).

mod conn;
mod dial;
mod filter;
mod mesh;
mod moves;
mod reload;
mod setup;
mod task;

use std::sync::Arc;

use gannet_rt::Listener;

pub(crate) use conn::Conn;
pub use conn::RouteLink;
pub(crate) use mesh::Mesh;
pub(crate) use setup::{INSECURE, bind, set_up};
pub(crate) use task::{accepted, is_known};

use crate::panics::kept_up;
use crate::shared::Shared;

/// Starts accepting and dialling.
pub(crate) fn start(shared: &Arc<Shared>, listener: Listener) {
    let Some(mesh) = shared.routes.get() else {
        return;
    };
    shared
        .rt
        .spawn(crate::accept::routes(shared.clone(), listener));
    let (owner, mesh) = (shared.clone(), mesh.clone());
    shared
        .rt
        .spawn(async move { kept_up(&owner.rt, || mesh::keep(owner.clone(), mesh.clone())).await });
}
