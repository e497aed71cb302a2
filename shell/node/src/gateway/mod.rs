//! Gateways: the listener, the dialler, and one task per link to another cluster. Not here: which links
//! should exist (`gannet_session::topology`), what is said on them (`gannet_session::gateway`), who
//! wants what (`gannet_broker`).

mod dial;
mod mesh;
mod messages;
mod setup;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gannet_rt::Listener;
use gannet_session::gateway::{Level, Log};

pub use mesh::GatewayLink;
pub(crate) use mesh::Mesh;
pub(crate) use setup::listen;
pub(crate) use task::accepted;

use crate::log::log;
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

/// Writes a line of a core to the server's log, behind `label`.
fn write_log(shared: &Shared, label: &str, line: &Log) {
    let text = &line.text;
    match line.level {
        Level::Debug => log!(shared.log, Debug, "{label}{text}"),
        Level::Info => log!(shared.log, Info, "{label}{text}"),
        Level::Warn => log!(shared.log, Warn, "{label}{text}"),
        Level::Error => log!(shared.log, Error, "{label}{text}"),
    }
}
