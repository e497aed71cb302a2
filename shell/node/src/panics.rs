//! What becomes of a task that panics: its own connection ends, and everything else goes on. Not here: the
//! report of the panic (whoever runs the process has a hook for that).

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use gannet_rt::Rt;

/// How long a loop that must not end rests after a panic, so that one that always panics does not spin.
const REST: Duration = Duration::from_millis(10);

/// What a panic leaves behind.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Runs `future` to its end, or to its panic.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = pin!(future);
    // What the future borrowed is used once more, to clean up behind it: locks are free again, and its
    // fields are whole, if perhaps not in step with each other.
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

/// Runs what `work` begins to its end, beginning anew after a panic. In the simulator the panic goes
/// on: there it is the end of the run, and a find.
pub(crate) async fn kept_up<F: Future>(rt: &Rt, mut work: impl FnMut() -> F) -> F::Output {
    loop {
        match caught(work()).await {
            Ok(output) => return output,
            Err(panic) if rt.is_simulated() => resume_unwind(panic),
            Err(_) => rt.sleep(REST).await,
        }
    }
}
