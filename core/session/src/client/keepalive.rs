//! When to ping a peer, and when it has left too many pings unanswered. Not here: the bytes.

use core::time::Duration;

use gannet_units::Moment;

/// After this long, a ping is sent even to a busy client, to measure its round-trip time anew.
const RTT_EVERY: Duration = Duration::from_secs(3600);

/// What the keep-alive wants when its deadline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing; there is a new deadline.
    Later,
    /// Send a ping.
    Ping,
    /// The peer is gone.
    Stale,
}

/// Pings of one connection.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    interval: Duration,
    /// Pings that may be unanswered at once.
    most: u32,
    unanswered: u32,
    deadline: Moment,
    /// When the last ping was sent, whose answer gives the round-trip time.
    asked: Option<Moment>,
    rtt: Option<Duration>,
}

impl KeepAlive {
    /// Pings every `interval`; `most` may be unanswered. None is sent before [`KeepAlive::start`].
    pub fn new(interval: Duration, most: u32) -> KeepAlive {
        KeepAlive {
            interval,
            most,
            unanswered: 0,
            deadline: Moment::NEVER,
            asked: None,
            rtt: None,
        }
    }

    /// Sends the first ping `first` from now (never later than the interval), plus up to a fifth of it
    /// chosen by `chance`, so that clients that came together are not pinged together.
    pub fn start(&mut self, now: Moment, first: Duration, chance: u64) {
        let first = first.min(self.interval);
        let spread = u64::try_from(first.as_nanos() / 5)
            .unwrap_or(u64::MAX)
            .max(1);
        self.deadline = now + first + Duration::from_nanos(chance % spread);
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

    /// The deadline has come. `last_heard` is when the peer last said something that counts as life.
    pub fn due(&mut self, now: Moment, last_heard: Moment) -> Due {
        if now < self.deadline {
            return Due::Later;
        }
        self.deadline = now + self.interval;
        let measured = self.asked.is_some_and(|asked| now.since(asked) < RTT_EVERY);
        if now.since(last_heard) < self.interval && measured {
            return Due::Later;
        }
        if self.unanswered + 1 > self.most {
            return Due::Stale;
        }
        self.unanswered += 1;
        self.asked = Some(now);
        Due::Ping
    }

    /// A pong came.
    pub fn answered(&mut self, now: Moment) {
        if let Some(asked) = self.asked.filter(|_| self.unanswered > 0) {
            self.rtt = Some(now.since(asked).max(Duration::from_nanos(1)));
        }
        self.unanswered = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn at(secs: u64) -> Moment {
        Moment::START + S * secs as u32
    }

    #[test]
    fn a_silent_peer_is_stale_after_its_last_allowed_ping() {
        let mut k = KeepAlive::new(S * 10, 2);
        k.start(at(0), S * 2, 0);
        assert_eq!(k.deadline(), at(2));
        assert_eq!(k.due(at(2), at(0)), Due::Ping);
        assert_eq!(k.due(at(12), at(0)), Due::Ping);
        assert_eq!(k.due(at(22), at(0)), Due::Stale);
    }

    #[test]
    fn an_answer_gives_the_round_trip_time_and_a_busy_client_is_left_alone() {
        let mut k = KeepAlive::new(S * 10, 2);
        k.start(at(0), S * 2, 0);
        assert_eq!(
            k.due(at(2), at(1)),
            Due::Ping,
            "a first round-trip time is wanted even from a busy client"
        );
        k.answered(at(3));
        assert_eq!(k.rtt(), Some(S));
        assert_eq!(k.due(at(12), at(11)), Due::Later);
        assert_eq!(k.due(at(22), at(11)), Due::Ping);
    }

    #[test]
    fn the_first_ping_waits_no_longer_than_the_interval() {
        let mut k = KeepAlive::new(S, 2);
        k.start(at(0), S * 2, 0);
        assert_eq!(k.deadline(), at(1));
    }
}
