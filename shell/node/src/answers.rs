//! Requests to services that nobody answers in time are forgotten. Not here: which ones these are (`gannet_broker`).

use std::future::poll_fn;
use std::sync::Arc;

use gannet_rt::future::race;

use crate::shared::Shared;

/// Forgets them, each when its time is over, until the server stops.
pub(crate) async fn keep(shared: Arc<Shared>) {
    while !shared.is_stopping() {
        let next = shared.broker.expire_responses(shared.rt.now());
        let earlier = poll_fn(|cx| shared.broker.poll_earlier_expiry(cx, next));
        let woken = race(earlier, shared.stopped());
        race(shared.rt.sleep_until(next), woken).await;
    }
}
