//! Timers.
//!
//! Not here: the clocks (`real`, `sim`).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gannet_units::Moment;

use crate::real::RealRt;
use crate::sim::{SimRt, SimSleep};

/// The time given to [`crate::Rt::timeout`] has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

/// A timer: a future that ends at its deadline. It may be moved to another deadline at any time,
/// also after it ended.
pub struct Sleep {
    kind: Kind,
    deadline: Moment,
}

enum Kind {
    Real {
        timer: Pin<Box<tokio::time::Sleep>>,
        rt: Arc<RealRt>,
    },
    Sim(SimSleep),
}

impl Sleep {
    pub(crate) fn real(rt: &Arc<RealRt>, deadline: Moment) -> Sleep {
        // A tokio timer binds to the runtime entered when it is made.
        let _in_runtime = rt.handle.enter();
        let timer = Box::pin(tokio::time::sleep_until(rt.instant(deadline)));
        Sleep {
            kind: Kind::Real {
                timer,
                rt: rt.clone(),
            },
            deadline,
        }
    }

    pub(crate) fn sim(rt: &SimRt, deadline: Moment) -> Sleep {
        Sleep {
            kind: Kind::Sim(SimSleep::new(rt.clone(), deadline)),
            deadline,
        }
    }

    /// Moves the end to `deadline`. A task already waiting on the timer goes on waiting for the new
    /// one only if it polls again, so call this from the task that owns the timer.
    pub fn reset(&mut self, deadline: Moment) {
        self.deadline = deadline;
        match &mut self.kind {
            Kind::Real { timer, rt } => timer.as_mut().reset(rt.instant(deadline)),
            Kind::Sim(sleep) => sleep.reset(deadline),
        }
    }

    /// When the timer ends, or ended.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.kind {
            Kind::Real { timer, .. } => timer.as_mut().poll(cx),
            Kind::Sim(sleep) => sleep.poll(cx),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Sleep({:?})",
            Duration::from_nanos(self.deadline.as_nanos())
        )
    }
}
