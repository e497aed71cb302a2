//! When it is time to say that a certificate will end. Not here: what is said, and where.

use core::time::Duration;

use gannet_units::WallTime;

const DAY: Duration = Duration::from_secs(86_400);
/// Days before the end at which it is said.
const DAYS: [u32; 3] = [30, 7, 1];

/// How far a certificate is on its way to its end: 0 as long as nothing is to be said of it, and one more each time
/// something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpiryStep(usize);

impl ExpiryStep {
    /// Of a certificate that ends at `not_after`.
    pub fn at(now: WallTime, not_after: WallTime) -> ExpiryStep {
        let left = not_after.since(now);
        let passed = |days: &&u32| left <= DAY * **days;
        ExpiryStep(match left {
            Duration::ZERO => DAYS.len() + 1,
            _ => DAYS.iter().filter(passed).count(),
        })
    }

    /// How long it is until the next step; none if there is none.
    pub fn next_in(now: WallTime, not_after: WallTime) -> Option<Duration> {
        let left = not_after.since(now);
        let ends = DAYS.iter().map(|days| DAY * *days).chain([Duration::ZERO]);
        ends.filter(|end| left > *end).map(|end| left - end).min()
    }

    /// Whether the certificate has ended.
    pub fn is_end(self) -> bool {
        self.0 > DAYS.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_a_month_a_week_and_a_day_before_and_at_the_end() {
        let end = WallTime::from_unix_nanos(0) + DAY * 1000;
        let at = |before: Duration| WallTime::from_unix_nanos(0) + (DAY * 1000 - before);
        let second = Duration::from_secs(1);
        for (before, step, next) in [
            (DAY * 365, 0, Some(DAY * 335)),
            (DAY * 30 + second, 0, Some(second)),
            (DAY * 30, 1, Some(DAY * 23)),
            (DAY * 7, 2, Some(DAY * 6)),
            (DAY, 3, Some(DAY)),
            (second, 3, Some(second)),
            (Duration::ZERO, 4, None),
        ] {
            let now = at(before);
            assert_eq!(ExpiryStep::at(now, end), ExpiryStep(step), "{before:?}");
            assert_eq!(ExpiryStep::next_in(now, end), next, "{before:?}");
            assert_eq!(ExpiryStep(step).is_end(), before.is_zero());
        }
        let long_after = end + DAY;
        assert!(ExpiryStep::at(long_after, end).is_end());
        assert_eq!(ExpiryStep::next_in(long_after, end), None);
    }
}
