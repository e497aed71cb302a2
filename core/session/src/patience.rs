//! What is thought of a server that takes nothing off its link: when publishers stop waiting for it, when
//! it counts as slow, when it is given up. Not here: the socket, and the bytes that wait for it.

use core::time::Duration;

use gannet_config::{ClusterOptions, GatewayOptions, Limits, WriteTimeout};
use gannet_units::Moment;

/// A link that has taken nothing for so long holds no publisher back any more.
const LAGGING_AFTER: Duration = Duration::from_millis(50);

/// What to do about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it takes bytes, or stopped only just now.
    Fine,
    /// Hold nobody back for it.
    Lagging,
    /// Hold nobody back for it, and count it as a slow consumer: its write deadline has passed.
    Slow,
    /// Count it as a slow consumer, and close it.
    GiveUp,
}

/// The patience with one link.
#[derive(Clone, Debug)]
pub struct Patience {
    deadline: Duration,
    /// Write deadlines that may pass without a byte.
    spared: u32,
    /// Those that have, since it last took something.
    passed: u32,
}

impl Patience {
    /// The patience with a gateway: its own write deadline, or else that of all connections. One that
    /// has let a deadline pass gets a second one, unless it is to be closed at once.
    pub fn with_gateway(options: &GatewayOptions, limits: &Limits) -> Patience {
        Patience::new(options.write_deadline, options.write_timeout, limits)
    }

    /// The same with a route.
    pub fn with_route(options: &ClusterOptions, limits: &Limits) -> Patience {
        Patience::new(options.write_deadline, options.write_timeout, limits)
    }

    fn new(own: Option<Duration>, write_timeout: WriteTimeout, limits: &Limits) -> Patience {
        let spared = match write_timeout {
            WriteTimeout::Close => 0,
            WriteTimeout::Default | WriteTimeout::Retry => 1,
        };
        Patience {
            deadline: own.unwrap_or(limits.write_deadline),
            spared,
            passed: 0,
        }
    }

    /// How long a write may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether more than one write deadline has passed since the link last took something.
    pub fn is_tried(&self) -> bool {
        self.passed > 1
    }

    /// Judges a link that has taken nothing for the time of `stuck`; `None` if it takes what there is.
    pub fn judge(&mut self, stuck: Option<Duration>) -> Verdict {
        let stuck = stuck.unwrap_or_default();
        if stuck >= self.until_next() {
            self.passed += 1;
            return if self.passed > self.spared {
                Verdict::GiveUp
            } else {
                Verdict::Slow
            };
        }
        if stuck < LAGGING_AFTER {
            self.passed = 0;
            Verdict::Fine
        } else {
            Verdict::Lagging
        }
    }

    /// When to judge again a link that has taken nothing since `since`.
    pub fn next_look(&self, since: Moment, now: Moment) -> Moment {
        let deadline = since + self.until_next();
        let lagging = since + LAGGING_AFTER;
        if lagging > now {
            lagging.min(deadline)
        } else {
            deadline
        }
    }

    /// How long the link must have been stuck for the next deadline to have passed.
    fn until_next(&self) -> Duration {
        self.deadline.saturating_mul(self.passed.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::Verdict::{Fine, GiveUp, Lagging, Slow};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn patience(own: Option<Duration>, write_timeout: WriteTimeout) -> Patience {
        let options = GatewayOptions {
            write_deadline: own,
            write_timeout,
            ..GatewayOptions::default()
        };
        let limits = Limits {
            write_deadline: MS * 500,
            ..Limits::default()
        };
        Patience::with_gateway(&options, &limits)
    }

    #[test]
    fn gw_14_a_stuck_link_lags_then_counts_as_slow_then_is_given_up() {
        let cases: [(WriteTimeout, &[Verdict]); 3] = [
            (WriteTimeout::Default, &[Lagging, Slow, Lagging, GiveUp]),
            (WriteTimeout::Retry, &[Lagging, Slow, Lagging, GiveUp]),
            (WriteTimeout::Close, &[Lagging, GiveUp]),
        ];
        for (policy, wanted) in cases {
            let mut p = patience(None, policy);
            assert_eq!([0, 49].map(|ms| p.judge(Some(MS * ms))), [Fine, Fine]);
            let times = [50, 500, 999, 1500].into_iter().take(wanted.len());
            let judged: Vec<Verdict> = times.map(|ms| p.judge(Some(MS * ms))).collect();
            assert_eq!(judged, wanted, "{policy:?}");
            assert_eq!(p.is_tried(), policy != WriteTimeout::Close);
        }
    }

    #[test]
    fn a_routes_policy_is_its_own_and_not_that_of_clients() {
        let limits = Limits {
            write_deadline: MS * 500,
            write_timeout: WriteTimeout::Close,
            ..Limits::default()
        };
        for (write_timeout, wanted) in [
            (WriteTimeout::Default, Slow),
            (WriteTimeout::Retry, Slow),
            (WriteTimeout::Close, GiveUp),
        ] {
            let options = ClusterOptions {
                write_deadline: Some(MS * 20),
                write_timeout,
                ..ClusterOptions::default()
            };
            let mut p = Patience::with_route(&options, &limits);
            assert_eq!(p.judge(Some(MS * 20)), wanted, "{write_timeout:?}");
        }
    }

    #[test]
    fn a_link_that_takes_something_again_starts_anew() {
        let mut p = patience(None, WriteTimeout::Default);
        assert_eq!(p.judge(Some(MS * 500)), Slow);
        assert_eq!(p.judge(None), Fine);
        assert_eq!(p.judge(Some(MS * 999)), Slow);
    }

    #[test]
    fn a_gateways_own_deadline_goes_before_that_of_all() {
        assert_eq!(patience(None, WriteTimeout::Default).deadline(), MS * 500);
        let own = patience(Some(MS * 20), WriteTimeout::Default);
        assert_eq!(own.deadline(), MS * 20);
    }

    #[test]
    fn it_is_looked_at_when_something_may_change() {
        let since = Moment::START + MS * 1000;
        let mut p = patience(None, WriteTimeout::Default);
        let look = |p: &Patience, after: u32| p.next_look(since, since + MS * after).since(since);
        assert_eq!(look(&p, 0), MS * 50);
        assert_eq!(look(&p, 50), MS * 500);
        p.judge(Some(MS * 500));
        assert_eq!(look(&p, 500), MS * 1000);
        assert_eq!(
            look(&patience(Some(MS * 20), WriteTimeout::Close), 0),
            MS * 20
        );
    }
}
