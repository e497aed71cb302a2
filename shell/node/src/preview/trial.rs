//! Rules that do not hold yet, for connections to judge their peers by, and what they answer. Not here: who is asked
//! (`preview`), and the judging (`client`, `route`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gannet_identity::Authenticator;
use gannet_rt::sync::Notify;
use gannet_session::CloseReason;
use gannet_session::route;
use gannet_units::ConnId;
use parking_lot::Mutex;

use crate::shared::Shared;

/// How often is looked who is still there: a connection that ends says nothing.
const LOOK: Duration = Duration::from_millis(50);

/// What connections are asked.
#[derive(Debug)]
pub(crate) struct Trial {
    /// Who may connect as a client, if that would change.
    pub(crate) auth: Option<Arc<Authenticator>>,
    /// What routes would go by, if it concerns those that stand.
    pub(crate) routes: Option<RouteTrial>,
    state: Mutex<State>,
    news: Notify,
}

/// What routes would go by.
#[derive(Debug)]
pub(crate) struct RouteTrial {
    pub(crate) settings: Arc<route::Settings>,
    /// The compression would change.
    pub(crate) compression: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Who has not answered yet.
    awaited: BTreeSet<ConnId>,
    ending: BTreeMap<ConnId, CloseReason>,
}

impl Trial {
    /// A question to the connections `awaited`.
    pub(super) fn new(
        auth: Option<Arc<Authenticator>>,
        routes: Option<RouteTrial>,
        awaited: BTreeSet<ConnId>,
    ) -> Trial {
        Trial {
            auth,
            routes,
            state: Mutex::new(State {
                awaited,
                ending: BTreeMap::new(),
            }),
            news: Notify::new(),
        }
    }

    /// A connection says why it would end, if it would.
    pub(crate) fn answer(&self, id: ConnId, reason: Option<CloseReason>) {
        let mut state = self.state.lock();
        if !state.awaited.remove(&id) {
            return;
        }
        if let Some(reason) = reason {
            state.ending.insert(id, reason);
        }
        if state.awaited.is_empty() {
            self.news.notify_one();
        }
    }

    /// Waits until all have answered or ended, or so much time has passed.
    pub(super) async fn wait(&self, shared: &Shared, patience: Duration) {
        let deadline = shared.rt.now() + patience;
        while !self.state.lock().awaited.is_empty() && shared.rt.now() < deadline {
            // If time is up, so be it.
            let _: Result<(), _> = shared.rt.timeout(LOOK, self.news.notified()).await;
            let open = shared.clients.open();
            let open: BTreeSet<ConnId> = open.iter().map(|conn| conn.id).collect();
            let is_there = |id: &ConnId| open.contains(id) || shared.links.get(*id).is_some();
            self.state.lock().awaited.retain(is_there);
        }
    }

    /// Who would end, and who has not answered.
    pub(super) fn result(&self) -> (BTreeMap<ConnId, CloseReason>, Vec<ConnId>) {
        let state = std::mem::take(&mut *self.state.lock());
        (state.ending, state.awaited.into_iter().collect())
    }
}
