//! PING and PONG on one connection of any kind: when to ask whether the peer is still there, when it has
//! left too many questions unanswered, and how far away it is. Kinds of peers differ in their [`Policy`].
//! Not here: the bytes, and what is said and logged about it.

use core::time::Duration;

use gannet_units::Moment;

/// After this long, a ping is sent even to a busy peer, to measure its round-trip time anew.
const RTT_EVERY: Duration = Duration::from_secs(3600);

/// How often a kind of peer is pinged, and what it may leave unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    interval: Duration,
    /// Pings that may be unanswered at once.
    most: u32,
}

impl Policy {
    /// For clients: pinged every `interval`; `most` pings may be unanswered.
    pub fn client(interval: Duration, most: u32) -> Policy {
        Policy { interval, most }
    }

    /// For links between servers: pinged every `interval`, but at least every `longest`, since their
    /// distance decides where messages go; `most` pings may be unanswered.
    pub fn link(interval: Duration, longest: Duration, most: u32) -> Policy {
        Policy::client(interval.min(longest), most)
    }

    /// How long a peer that says nothing at all is kept.
    pub fn silence_limit(&self) -> Duration {
        self.interval.saturating_mul(self.most.saturating_add(1))
    }
}

/// What the keep-alive wants when its deadline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The deadline has not come.
    NotYet,
    /// Nothing: the peer was heard lately. There is a new deadline.
    Spared,
    /// Send a ping.
    Ping,
    /// The peer is gone.
    Stale,
}

/// The state of PING and PONG on one connection.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    policy: Policy,
    unanswered: u32,
    deadline: Moment,
    /// When the last ping was sent, whose answer gives the round-trip time.
    asked: Option<Moment>,
    rtt: Option<Duration>,
}

impl KeepAlive {
    /// Pings as `policy` says; none before [`KeepAlive::start`].
    pub fn new(policy: Policy) -> KeepAlive {
        KeepAlive {
            policy,
            unanswered: 0,
            deadline: Moment::NEVER,
            asked: None,
            rtt: None,
        }
    }

    /// Sends the first ping `first` from now (never later than the interval), plus up to a fifth of it
    /// chosen by `chance`, so that peers that came together are not pinged together.
    pub fn start(&mut self, now: Moment, first: Duration, chance: u64) {
        let first = first.min(self.policy.interval);
        let spread = u64::try_from(first.as_nanos() / 5)
            .unwrap_or(u64::MAX)
            .max(1);
        self.deadline = now + first + Duration::from_nanos(chance % spread);
    }

    /// Pings as `policy` says from now on; the next one comes no later than it would have.
    pub fn set_policy(&mut self, policy: Policy, now: Moment) {
        if self.policy != policy {
            self.policy = policy;
            self.deadline = self.deadline.min(now + policy.interval);
        }
    }

    /// When [`KeepAlive::due`] wants to be asked.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// Round-trip time measured last.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Sets a first estimate of the round-trip time.
    pub fn estimate_rtt(&mut self, rtt: Duration) {
        self.rtt.get_or_insert(rtt.max(Duration::from_nanos(1)));
    }

    /// The deadline has come (or not yet). A peer that said something at `heard`, less than the interval
    /// ago, is spared the question; a kind of peer that is to be asked in any case is never heard.
    pub fn due(&mut self, now: Moment, heard: Option<Moment>) -> Due {
        if now < self.deadline {
            return Due::NotYet;
        }
        self.deadline = now + self.policy.interval;
        if heard.is_some_and(|heard| now.since(heard) < self.policy.interval)
            && self.asked.is_some_and(|asked| now.since(asked) < RTT_EVERY)
        {
            return Due::Spared;
        }
        if self.unanswered >= self.policy.most {
            return Due::Stale;
        }
        self.unanswered += 1;
        self.asked = Some(now);
        Due::Ping
    }

    /// A pong came. Answers the round-trip time; a pong that answers nothing measures nothing.
    pub fn answered(&mut self, now: Moment) -> Option<Duration> {
        if self.unanswered == 0 {
            return None;
        }
        self.unanswered = 0;
        let asked = self.asked?;
        let rtt = now.since(asked).max(Duration::from_nanos(1));
        self.rtt = Some(rtt);
        Some(rtt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn at(secs: u32) -> Moment {
        Moment::START + S * secs
    }

    fn started(policy: Policy, first: Duration) -> KeepAlive {
        let mut keepalive = KeepAlive::new(policy);
        assert_eq!(keepalive.deadline(), Moment::NEVER);
        keepalive.start(at(0), first, 0);
        keepalive
    }

    #[test]
    fn a_silent_peer_is_stale_after_its_last_allowed_ping() {
        for policy in [Policy::client(S * 10, 2), Policy::link(S * 60, S * 10, 2)] {
            let mut k = started(policy, S * 2);
            let due = [1, 2, 11, 12, 22].map(|s| k.due(at(s), None));
            use Due::{NotYet, Ping, Stale};
            assert_eq!(due, [NotYet, Ping, NotYet, Ping, Stale], "{policy:?}");
            assert_eq!(policy.silence_limit(), S * 30);
        }
    }

    #[test]
    fn a_shorter_interval_counts_at_once_and_a_longer_one_after_the_next_ping() {
        let mut k = started(Policy::client(S * 10, 2), S * 8);
        k.set_policy(Policy::client(S * 3, 2), at(1));
        assert_eq!(k.deadline(), at(4));
        k.set_policy(Policy::client(S * 60, 2), at(2));
        assert_eq!(k.deadline(), at(4));
        assert_eq!(k.due(at(4), None), Due::Ping);
        assert_eq!(k.deadline(), at(64));
    }

    #[test]
    fn who_is_heard_is_asked_once_an_hour_and_who_is_not_every_time() {
        let asked = |heard: fn(u32) -> Option<Moment>| {
            let mut k = started(Policy::client(S * 10, 2), S * 2);
            [2, 12, 22, 3602, 3612].map(|s| {
                let due = k.due(at(s), heard(s));
                k.answered(at(s));
                due
            })
        };
        use Due::{Ping, Spared};
        assert_eq!(
            asked(|s| Some(at(s - 1))),
            [Ping, Spared, Spared, Ping, Spared]
        );
        assert_eq!(asked(|s| Some(at(s.saturating_sub(10)))), [Ping; 5]);
        assert_eq!(asked(|_| None), [Ping; 5]);
    }

    #[test]
    fn an_answer_gives_the_round_trip_time_and_one_that_nobody_asked_for_does_not() {
        let mut k = started(Policy::client(S * 10, 2), S * 2);
        assert_eq!(k.answered(at(1)), None);
        k.estimate_rtt(S * 3);
        k.estimate_rtt(S * 4);
        assert_eq!(k.rtt(), Some(S * 3));
        k.due(at(2), None);
        assert_eq!(k.answered(at(3)), Some(S));
        assert_eq!(k.answered(at(9)), None);
        assert_eq!(k.rtt(), Some(S));
    }

    #[test]
    fn an_answer_makes_up_for_all_that_were_missing() {
        let mut k = started(Policy::link(S * 10, S * 10, 1), S * 2);
        for s in [2, 12, 22] {
            assert_eq!(k.due(at(s), None), Due::Ping);
            k.answered(at(s + 1));
        }
        assert_eq!(k.due(at(32), None), Due::Ping);
        assert_eq!(k.due(at(42), None), Due::Stale);
    }

    #[test]
    fn the_first_ping_waits_no_longer_than_the_interval_and_is_spread() {
        let mut k = started(Policy::client(S, 2), S * 2);
        assert_eq!(k.deadline(), at(1));
        k.start(at(0), S * 2, 250_000_000);
        assert_eq!(k.deadline(), at(1) + Duration::from_millis(50));
    }
}
