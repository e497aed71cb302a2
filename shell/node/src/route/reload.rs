//! The routes when the server's options have changed. Not here: what becomes of addresses, pools and
//! accounts (`gannet_session::topology::routes`).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use gannet_broker::{RouteFilter, Signal};
use gannet_config::{ClusterChange, Options};
use gannet_session::CloseReason;
use gannet_session::route::{RouteId, Settings, info_line};
use gannet_session::topology::routes::{Change, Output, Routes};

use super::conn::{Conn, Order};
use super::mesh::{Attempt, Mesh};
use super::setup::{filter, settings, topology};
use crate::bulk;
use crate::preview::Then;
use crate::shared::Shared;

impl Mesh {
    /// The server goes by new options.
    pub(crate) fn reload(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        options: &Options,
        change: &ClusterChange,
    ) {
        let now = shared.rt.now();
        let block = &options.cluster;
        self.change(shared, |state, wanted| {
            let Some((fresh, moves)) = tune(shared, options, self.bound, &mut state.routes, wanted)
            else {
                return;
            };
            state.settings = Arc::new(fresh);
            for url in &block.routes {
                state.server_names.learn(&url.host);
            }
            if change.permissions {
                state.filter = filter(block);
                let filter = || state.filter.clone().map(|f| f as Arc<dyn RouteFilter>);
                // What the others answer to the news below counts by the new permissions.
                let conns = state.conns().into_iter();
                let listings: Vec<_> = conns
                    .filter_map(|conn| conn.refilter(shared, filter()))
                    .collect();
                let info = info_line(&state.settings.update(state.routes.cluster()));
                state.routes.tell_all(&info, wanted);
                self.settle(shared, state, wanted);
                for listing in listings {
                    bulk::list(shared, listing);
                }
            }
            let update = info_line(&state.settings.update(state.routes.cluster()));
            state.routes.reload(&moves, &update, now, wanted);
            for attempt in state.attempts.values() {
                if let Attempt::Connected(conn) = attempt {
                    if change.compression {
                        conn.order(Order::Recompress);
                    }
                    conn.peer.signal().raise(Signal::RELOAD);
                }
            }
        });
    }

    /// What connections would be told of their own server.
    pub(crate) fn settings_of(&self, shared: &Shared, options: &Options) -> Option<Settings> {
        settings(shared, options, self.bound).ok()
    }

    /// The connections that new options would end, as far as it is not for each of them to say.
    pub(crate) fn try_reload(
        &self,
        shared: &Shared,
        options: &Options,
    ) -> Vec<(Arc<Conn>, CloseReason, Then)> {
        let state = self.state.lock();
        let (before, mut routes) = (&state.routes, state.routes.clone());
        let mut wanted = Vec::new();
        let Some((fresh, moves)) = tune(shared, options, self.bound, &mut routes, &mut wanted)
        else {
            return Vec::new();
        };
        let update = info_line(&fresh.update(routes.cluster()));
        routes.reload(&moves, &update, shared.rt.now(), &mut wanted);
        let is_anew = before.pool_size().is_some() != routes.pool_size().is_some();
        let then = if is_anew { Then::MadeAnew } else { Then::Gone };
        let closed = wanted.iter().filter_map(|output| match output {
            Output::Close { id, reason } => Some((*id, *reason, then)),
            _ => None,
        });
        let was_surplus: BTreeSet<RouteId> = before.surplus().collect();
        let surplus = routes.surplus().filter(|id| !was_surplus.contains(id));
        let surplus = surplus.map(|id| (id, CloseReason::RouteRemoved, Then::Moved));
        let conn = |(id, reason, then)| Some((state.conn(id)?.clone(), reason, then));
        closed.chain(surplus).filter_map(conn).collect()
    }
}

/// Has the reconciler go by the options, but for what [`Routes::reload`] changes. Answers the settings of
/// connections, and that change.
fn tune(
    shared: &Shared,
    options: &Options,
    bound: SocketAddr,
    routes: &mut Routes,
    wanted: &mut Vec<Output>,
) -> Option<(Settings, Change)> {
    // The address to tell was looked at before.
    let fresh = settings(shared, options, bound).ok()?;
    if let Some(name) = options.cluster_name() {
        routes.set_cluster(name, wanted);
    }
    let tuned = topology(shared, options, &fresh, routes.cluster().clone());
    routes.tune(&tuned, wanted);
    let change = Change {
        routes: options.cluster.routes.clone(),
        pool_size: tuned.pool_size,
        pinned: tuned.pinned,
    };
    Some((fresh, change))
}
