//! The links to other clusters when the server's options have changed. Not here: what becomes of remotes
//! (`gannet_session::topology::gateways`).

use std::sync::Arc;

use gannet_broker::{InboundLink, Peer, Signal};
use gannet_config::GatewayOptions;
use gannet_session::gateway::Neighbours;
use gannet_session::topology::gateways::{Gateways, Output};

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
                let signal = link.peer.signal();
                signal.raise(if is_unknown(&link, block, &state.gateways) {
                    Signal::CLOSE
                } else {
                    Signal::RELOAD
                });
            }
        });
    }

    /// The links that new options would end.
    pub(crate) fn try_reload(&self, shared: &Shared, block: &GatewayOptions) -> Vec<Arc<Peer>> {
        let state = self.state.lock();
        let mut gateways = state.gateways.clone();
        let mut wanted = Vec::new();
        let tuned = topology(shared, block, &state.settings);
        gateways.reload(tuned, &block.remotes, shared.rt.now(), &mut wanted);
        let cancelled = wanted.iter().filter_map(|output| match output {
            Output::Cancel(id) => state.attempts.get(id),
            _ => None,
        });
        let outbound = cancelled.filter_map(|attempt| match attempt {
            Attempt::Connected(peer) => Some(peer.clone()),
            Attempt::Dialling(_) => None,
        });
        let inbound = shared.broker.inbound().into_iter();
        let inbound = inbound.filter(|link| is_unknown(link, block, &gateways));
        let inbound = inbound.map(|link| link.peer.clone());
        outbound.chain(inbound).collect()
    }
}

/// Whether a link comes from a cluster that is not to be known.
fn is_unknown(link: &InboundLink, block: &GatewayOptions, gateways: &Gateways) -> bool {
    block.reject_unknown && !gateways.knows(&link.name)
}
