//! Large amounts of interest, told to a link or forgotten, in tasks of their own: part by part, with
//! everybody else getting their turn in between. Not here: the parts (`gannet_broker`).

use std::future::poll_fn;
use std::sync::Arc;

use gannet_broker::{Forgetting, Listing};
use gannet_rt::future::yield_now;

use crate::shared::Shared;

/// Parts done at once: nearly always all there is.
const AT_ONCE: usize = 8;
/// Bytes that may wait for a link before it is told more.
const WAITING: usize = 1024 * 1024;

/// Tells a link all that is listed, as fast as it takes it.
pub(crate) fn list(shared: &Arc<Shared>, mut listing: Listing) {
    for _ in 0..AT_ONCE {
        if !listing.step(&shared.broker) {
            return;
        }
    }
    let shared = shared.clone();
    shared
        .rt
        .clone()
        .spawn(async move { list_all(&shared, listing).await });
}

/// Tells a link all that is listed, as fast as it takes it, and waits until that is done.
pub(crate) async fn list_all(shared: &Shared, mut listing: Listing) {
    while !shared.is_stopping() && listing.step(&shared.broker) {
        yield_now().await;
        // Every link ends when the server stops, and this wait with it.
        poll_fn(|cx| listing.peer().poll_drained(cx, WAITING)).await;
    }
}

/// Takes what a link left behind out of the accounts.
pub(crate) fn forget(shared: &Arc<Shared>, mut forgetting: Forgetting) {
    for _ in 0..AT_ONCE {
        if !forgetting.step(&shared.broker) {
            return;
        }
    }
    let shared = shared.clone();
    shared.rt.clone().spawn(async move {
        while !shared.is_stopping() && forgetting.step(&shared.broker) {
            yield_now().await;
        }
    });
}
