//! Upkeep of a mesh: its reconciler is asked again whenever something is due. Not here: what is due
//! (`gannet_session::topology`).

use gannet_rt::future::race;
use gannet_rt::sync::Notify;
use gannet_units::Moment;

use crate::shared::Shared;

/// Lets a reconciler do what is due (`poll`) now and at each of its deadlines (`deadline`), until the server
/// stops. There may be a nearer deadline after every change, which `changed` tells.
pub(crate) async fn keep(
    shared: &Shared,
    changed: &Notify,
    poll: impl Fn(Moment),
    deadline: impl Fn() -> Moment,
) {
    while !shared.is_stopping() {
        poll(shared.rt.now());
        loop {
            let woken = race(changed.notified(), shared.stopped());
            let deadline = deadline();
            if deadline <= shared.rt.now() || shared.is_stopping() {
                break;
            }
            race(shared.rt.sleep_until(deadline), woken).await;
        }
    }
}
