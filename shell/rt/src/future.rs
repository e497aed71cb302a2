//! The few ways of waiting for more than one thing, all in a fixed order.
//!
//! Not here: anything that chooses at random which future to poll first; such a choice would be
//! drawn behind the simulator's back.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which of two futures came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first, with its output.
    First(A),
    /// The second, with its output.
    Second(B),
}

/// Waits for whichever future ends first and drops the other; the first one is always polled first
/// and so wins a tie.
pub async fn race<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let mut a = pin!(a);
    let mut b = pin!(b);
    poll_fn(|cx| {
        if let Poll::Ready(out) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::First(out));
        }
        b.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

/// Lets the other ready tasks run before going on, those included that a socket or a timer makes ready now:
/// a worker that only ran what is ready would look for those seldom.
pub async fn yield_now() {
    // Where there is no runtime of tokio's, as in the simulator, this wakes the task at once.
    tokio::task::yield_now().await;
}
