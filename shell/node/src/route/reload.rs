//! The routes when the server's options have changed. Not here: what becomes of addresses, pools and
//! accounts (`gannet_session::topology::routes`).

use std::sync::Arc;

use gannet_broker::{RouteFilter, Signal};
use gannet_config::{ClusterChange, Options};
use gannet_session::route::info_line;
use gannet_session::topology::routes::Change;

use super::conn::Order;
use super::mesh::{Attempt, Mesh};
use super::setup::{filter, settings, topology};
use crate::bulk;
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
            let Ok(fresh) = settings(shared, options, self.bound) else {
                // The address to tell was looked at before.
                return;
            };
            if let Some(name) = options.cluster_name() {
                state.routes.set_cluster(name, wanted);
            }
            let cluster = state.routes.cluster().clone();
            let tuned = topology(shared, options, &fresh, cluster);
            state.settings = Arc::new(fresh);
            for url in &block.routes {
                state.server_names.learn(&url.host);
            }
            state.routes.tune(&tuned, wanted);
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
            let moves = Change {
                routes: block.routes.clone(),
                pool_size: tuned.pool_size,
                pinned: tuned.pinned.clone(),
            };
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
}
