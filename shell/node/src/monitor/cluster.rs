//! What is known of the cluster besides its configuration: what it is called, where it listens, its routes.
//! The only place where the pages depend on how routes are kept. Not here: what the pages make of it
//! (`routez`, `varz`).

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_session::topology::routes::Origin;
use gannet_units::ConnId;

use crate::route::Conn;
use crate::shared::Shared;

/// The cluster as it stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// What it is called now: a name that was made up may change.
    pub(super) name: String,
    /// The port that routes are accepted on; 0 for none.
    pub(super) port: u16,
    /// Addresses of all its servers for clients; none as long as there is no other server.
    pub(super) connect_urls: Vec<String>,
}

/// The cluster as it stands.
pub(super) fn standing(shared: &Shared) -> Standing {
    Standing {
        name: shared.face.cluster(),
        port: shared.routes.get().map_or(0, |mesh| mesh.bound.port()),
        connect_urls: shared.face.connect_urls(),
    }
}

/// Where the registered connections to other servers of the cluster come from, by number.
pub(super) fn origins(shared: &Shared) -> BTreeMap<ConnId, Origin> {
    let mesh = shared.routes.get();
    mesh.map_or_else(BTreeMap::new, |mesh| mesh.origins())
}

/// The connections to other servers of the cluster, by number, whether they are registered or not yet.
pub(super) fn conns(shared: &Shared) -> BTreeMap<ConnId, Arc<Conn>> {
    let conns = shared.routes.get().map(|mesh| mesh.conns());
    let conns = conns.into_iter().flatten();
    conns.map(|conn| (conn.peer.id(), conn)).collect()
}
