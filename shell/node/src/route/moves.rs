//! Interest on its way from one connection to another one to the same server, and the messages that follow
//! it. Not here: which connections carry what (`gannet_session::topology`), the lines
//! (`gannet_broker::Moving`).
//!
//! Between two of ours nothing is lost, doubled or overtaken. Who moves its interest tells it over the new
//! connection, asks for the messages there, and takes it back on the old one when the other has read
//! that. Who is asked holds new messages until those before, on the old connection, have been read; a peer that
//! asks for more than anybody needs is not waited for. Other servers would send twice: there the interest is taken back
//! first, and told anew when they have read that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gannet_broker::{Listing, Peer, Signal};
use gannet_config::quoted;
use gannet_session::route::RouteId;
use gannet_units::ConnId;

use super::conn::{Conn, Order};
use super::mesh::{Mesh, State};
use crate::bulk;
use crate::log::log;
use crate::shared::Shared;

/// How long the other server may take for a step. Beyond, things may come out of order, or be lost.
const LIMIT: Duration = Duration::from_secs(5);

/// The connections of the mesh, by what delivery calls them.
type Conns = BTreeMap<ConnId, Arc<Conn>>;

/// Moves interest to where it belongs now.
pub(super) fn begin(
    shared: &Arc<Shared>,
    mesh: &Arc<Mesh>,
    state: &State,
    (server_id, number): (String, u64),
    is_gannet: bool,
) {
    let (mut conns, mut pairs) = (Conns::new(), Vec::new());
    for conn in state.conns() {
        let (remote, carrier) = (conn.remote.lock().clone(), conn.carrier());
        let (Some(remote), Some(old)) = (remote, carrier) else {
            continue;
        };
        let carries = state.carries(&server_id, &remote.place);
        if remote.info.server_id != server_id || *old.carries() == carries {
            continue;
        }
        let new = Arc::new(old.carrying(carries));
        pairs.push((old, new.clone()));
        conn.relink(new);
        conns.insert(conn.peer.id(), conn);
    }
    let moving = shared.broker.replace_routes(&pairs);
    let (shared, mesh) = (shared.clone(), mesh.clone());
    shared.rt.clone().spawn(async move {
        if is_gannet {
            list(&shared, moving.tell(true)).await;
            sync(&shared, &mesh, &conns, moving.to()).await;
            list(&shared, moving.take_back()).await;
        } else {
            list(&shared, moving.take_back()).await;
            sync(&shared, &mesh, &conns, moving.from()).await;
            list(&shared, moving.tell(false)).await;
        }
        let now = shared.rt.now();
        mesh.change(&shared, |state, out| {
            state.routes.moved(&server_id, number, now, out);
        });
    });
}

async fn list(shared: &Arc<Shared>, listings: Vec<Listing>) {
    for listing in listings {
        bulk::list_all(shared, listing).await;
    }
}

/// Waits until the other server has read what was sent over these connections.
async fn sync<'a>(
    shared: &Shared,
    mesh: &Mesh,
    conns: &Conns,
    peers: impl Iterator<Item = &'a Arc<Peer>>,
) {
    let asked = peers.filter_map(|peer| {
        let (conn, token) = (conns.get(&peer.id())?, mesh.next_sync());
        conn.expect(token);
        conn.order(Order::Sync(token));
        Some((conn, token))
    });
    let asked: Vec<_> = asked.collect();
    for (conn, token) in asked {
        conn.synced(shared, token, LIMIT).await;
    }
}

/// The other server wants the messages of these accounts over connection `new`, where all its interest in
/// them was told.
pub(super) fn turn(
    shared: &Arc<Shared>,
    mesh: &Arc<Mesh>,
    state: &State,
    new: &Arc<Conn>,
    accounts: &[String],
) {
    let Some(link) = new.carrier() else {
        return;
    };
    let before = shared.broker.ways_before(&link, accounts);
    let conns = state.conns().into_iter();
    let old = conns.filter(|conn| before.iter().any(|peer| peer.id() == conn.peer.id()));
    let mut held: Vec<(Arc<Conn>, u64)> = old.map(|conn| (conn, mesh.next_sync())).collect();
    if !new.may_await(held.len()) {
        // As if it had taken too long.
        held.clear();
        if new.asks_too_much() {
            let peer = new.remote.lock().clone();
            let name = peer.as_ref().map_or("", |peer| &peer.info.server_name);
            log!(
                shared.log,
                Routes,
                Warn,
                "Server {} moves its accounts between routes faster than it confirms that: messages may overtake each other",
                quoted(name)
            );
        }
    }
    // Before the first message goes there.
    for (_, token) in &held {
        new.peer.outbox().hold(*token);
    }
    shared.broker.turn_ways(&link, accounts);
    for (old, token) in held {
        old.expect(token);
        // Behind what is held there itself, if anything is.
        if old.peer.outbox().is_in_order(token) {
            old.order(Order::Sync(token));
        }
        let (owner, new) = (shared.clone(), new.clone());
        shared.rt.spawn(async move {
            old.synced(&owner, token, LIMIT).await;
            new.has_awaited();
            let next = new.peer.outbox().release(token);
            new.peer.signal().raise(Signal::FLUSH);
            for token in next {
                new.order(Order::Sync(token));
            }
        });
    }
}

/// Ends a connection when nothing goes over it any more.
pub(super) fn drain(
    shared: &Arc<Shared>,
    mesh: &Arc<Mesh>,
    state: &State,
    id: RouteId,
    is_gannet: bool,
) {
    let Some(conn) = state.conn(id).cloned() else {
        return;
    };
    if !conn.begins_to_drain() {
        return;
    }
    let (shared, mesh) = (shared.clone(), mesh.clone());
    shared.rt.clone().spawn(async move {
        if is_gannet {
            conn.unwanted().await;
        }
        let token = mesh.next_sync();
        conn.expect(token);
        // Behind what is held there.
        if conn.peer.outbox().is_in_order(token) {
            conn.order(Order::Sync(token));
        }
        conn.synced(&shared, token, LIMIT).await;
        let now = shared.rt.now();
        mesh.change(&shared, |state, out| {
            if conn.is_drained(is_gannet) {
                state.routes.drained(id, now, out);
            }
        });
    });
}
