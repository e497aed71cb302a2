//! The links to other clusters when the server's options have changed. Not here: what becomes of remotes
//! (`gannet_session::topology::gateways`).

use std::sync::Arc;

use gannet_broker::Signal;
use gannet_config::GatewayOptions;
use gannet_session::gateway::Neighbours;

use super::mesh::{Attempt, Mesh, info_line};
use super::setup::{settings, topology};
use crate::shared::Shared;

impl Mesh {
    /// The server goes by new options; `block` is what they say of gateways.
    pub(crate) fn reload(self: &Arc<Self>, shared: &Arc<Shared>, block: &GatewayOptions) {
        let now = shared.rt.now();
        self.change(shared, |state, wanted| {
            state.info.auth_required = block.auth.user.is_some();
            state.info.tls_required = block.tls.is_some();
            state.info.tls_verify = block.tls.is_some();
            let fresh = settings(shared, block, info_line(&state.info));
            let tuned = topology(shared, block, &fresh);
            state.settings = Arc::new(fresh);
            state.gateways.reload(tuned, &block.remotes, now, wanted);
            for attempt in state.attempts.values() {
                if let Attempt::Connected(peer) = attempt {
                    peer.signal().raise(Signal::RELOAD);
                }
            }
            for link in shared.broker.inbound() {
                let is_unknown = block.reject_unknown && !state.knows(&link.name);
                let signal = link.peer.signal();
                signal.raise(if is_unknown {
                    Signal::CLOSE
                } else {
                    Signal::RELOAD
                });
            }
        });
    }
}
