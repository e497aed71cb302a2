//! Points in time: monotonic moments and calendar time.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on the server's monotonic clock, in nanoseconds since the process (or simulation)
/// started. Only `gannet_rt` mints one from a clock; everybody else adds to and compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment the clock started.
    pub const START: Moment = Moment(0);
    /// A moment that never comes; a deadline that is not set.
    pub const NEVER: Moment = Moment(u64::MAX);

    /// The moment `nanos` nanoseconds after the start. For `gannet_rt` and tests.
    pub const fn from_nanos(nanos: u64) -> Moment {
        Moment(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time passed from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, d: Duration) -> Moment {
        Moment(
            self.0
                .saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;
    fn sub(self, d: Duration) -> Moment {
        Moment(
            self.0
                .saturating_sub(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// Calendar time: nanoseconds since 1970-01-01T00:00:00Z. Only `gannet_rt` mints one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(i64);

impl WallTime {
    /// The time `nanos` nanoseconds after the Unix epoch. For `gannet_rt` and tests.
    pub const fn from_unix_nanos(nanos: i64) -> WallTime {
        WallTime(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_unix_nanos(self) -> i64 {
        self.0
    }

    /// Time passed from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: WallTime) -> Duration {
        let d = self.0.saturating_sub(earlier.0);
        if d <= 0 {
            Duration::ZERO
        } else {
            Duration::from_nanos(d as u64)
        }
    }
}

impl Add<Duration> for WallTime {
    type Output = WallTime;
    fn add(self, d: Duration) -> WallTime {
        WallTime(
            self.0
                .saturating_add(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_saturates_at_both_ends() {
        assert_eq!(Moment::NEVER + Duration::from_secs(1), Moment::NEVER);
        assert_eq!(Moment::START - Duration::from_secs(1), Moment::START);
        assert_eq!(Moment::START.since(Moment::NEVER), Duration::ZERO);
    }

    #[test]
    fn wall_time_never_runs_backwards_in_a_difference() {
        let early = WallTime::from_unix_nanos(5);
        let late = early + Duration::from_nanos(7);
        assert_eq!(late.since(early), Duration::from_nanos(7));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
