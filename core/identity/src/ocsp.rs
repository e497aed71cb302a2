//! What follows from what authorities say about certificates: whether an answer is of today, when to ask again, and
//! whether a peer comes in. Not here: questions and answers themselves (`gannet_rt::tls`).

use core::time::Duration;

use gannet_config::OcspPeerOptions;
use gannet_units::WallTime;

/// When it is asked again about a certificate whose authority does not say.
const DEFAULT_REFRESH: Duration = Duration::from_secs(86_400);
/// It is asked again no sooner than after this, however soon there may be news.
const SOONEST: Duration = Duration::from_secs(1);
/// How soon it is asked again after what was known has become too old: until then, nobody can be shown
/// anything. (The reference server waits two minutes, but asks for each handshake in between.)
const OVERDUE: Duration = Duration::from_secs(10);

/// What an authority thinks of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspStatus {
    /// It is not revoked.
    Good,
    /// It is.
    Revoked,
    /// It does not know it.
    Unknown,
}

/// What an authority has said about a certificate, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcspStanding {
    /// What it thinks of it.
    pub status: OcspStatus,
    /// Since when.
    pub this_update: WallTime,
    /// Until when there will be news, if it says.
    pub next_update: Option<WallTime>,
}

/// Why an answer about our own certificate does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untimely {
    /// There should be a newer one, since then.
    Past(WallTime),
    /// It will count from then on.
    Future(WallTime),
}

impl OcspStanding {
    /// Whether this can be shown to others at `now` with our own certificate.
    pub fn is_timely(&self, now: WallTime) -> Result<(), Untimely> {
        match self.next_update {
            Some(next) if next < now => Err(Untimely::Past(next)),
            _ if self.this_update > now => Err(Untimely::Future(self.this_update)),
            _ => Ok(()),
        }
    }

    /// How long after `now` it is to be asked again about our own certificate: when half of the time has passed.
    pub fn refresh_in(&self, now: WallTime) -> Duration {
        match self.next_update {
            None => DEFAULT_REFRESH,
            Some(next) if next <= now => OVERDUE,
            Some(next) => (next.since(now) / 2).clamp(SOONEST, DEFAULT_REFRESH),
        }
    }

    /// Whether this is of today, if the authority's clock is up to `skew` before or behind ours, and what it
    /// says counts for `ttl` if it does not say how long.
    pub fn is_current(&self, now: WallTime, skew: Duration, ttl: Duration) -> bool {
        let until = self.next_update.unwrap_or(self.this_update + ttl);
        until + skew >= now && self.this_update <= now + skew
    }

    /// [`OcspStanding::is_current`] by the rules for peers where no configuration says otherwise.
    pub fn is_current_by_default(&self, now: WallTime) -> bool {
        let OcspPeerOptions {
            allowed_clockskew,
            unset_ttl,
            ..
        } = OcspPeerOptions::default();
        self.is_current(now, allowed_clockskew, unset_ttl)
    }
}

/// What was found out about one certificate of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerFinding {
    /// An authority's word, which is current.
    Known(OcspStatus),
    /// No authority has answered.
    Unreachable {
        /// Its last word was that the certificate is revoked.
        was_revoked: bool,
    },
    /// The answer is no answer, or none that counts now.
    Useless,
}

/// Whether a peer with such a certificate comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerVerdict {
    /// It does.
    Good,
    /// It does, since the configuration says to let it in all the same.
    Tolerated,
    /// It does, since there is nobody to ask, and nothing is known against it.
    Unasked,
    /// It does not.
    Bad,
}

impl PeerFinding {
    /// What follows from it.
    pub fn verdict(self, options: &OcspPeerOptions) -> PeerVerdict {
        let is_good = match self {
            PeerFinding::Known(OcspStatus::Good) => true,
            PeerFinding::Known(OcspStatus::Unknown) => options.unknown_is_good,
            _ => false,
        };
        match self {
            _ if is_good => PeerVerdict::Good,
            _ if options.warn_only => PeerVerdict::Tolerated,
            PeerFinding::Unreachable { was_revoked: false }
                if options.allow_when_ca_unreachable =>
            {
                PeerVerdict::Unasked
            }
            _ => PeerVerdict::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: u32) -> WallTime {
        WallTime::from_unix_nanos(0) + HOUR * hours
    }

    fn standing(this: u32, next: Option<u32>) -> OcspStanding {
        OcspStanding {
            status: OcspStatus::Good,
            this_update: at(this),
            next_update: next.map(at),
        }
    }

    #[test]
    fn proofs_have_their_time() {
        for (this, next, now, wanted) in [
            (1, Some(3), 2, Ok(())),
            (1, None, 1000, Ok(())),
            (1, Some(3), 3, Ok(())),
            (1, Some(3), 4, Err(Untimely::Past(at(3)))),
            (3, Some(5), 2, Err(Untimely::Future(at(3)))),
            (3, None, 2, Err(Untimely::Future(at(3)))),
        ] {
            assert_eq!(standing(this, next).is_timely(at(now)), wanted);
        }
    }

    #[test]
    fn it_is_asked_again_at_half_of_the_time() {
        for (next, now, wanted) in [
            (Some(12), 2, HOUR * 5),
            (Some(500), 0, HOUR * 24),
            (None, 2, HOUR * 24),
            (Some(2), 2, OVERDUE),
            (Some(2), 3, OVERDUE),
        ] {
            assert_eq!(
                standing(0, next).refresh_in(at(now)),
                wanted,
                "{next:?} {now}"
            );
        }
        let soon = OcspStanding {
            next_update: Some(at(0) + Duration::from_millis(1)),
            ..standing(0, None)
        };
        assert_eq!(soon.refresh_in(at(0)), SOONEST);
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let (skew, ttl) = (Duration::from_secs(30), HOUR);
        let second = Duration::from_secs(1);
        for (this, next, now, wanted) in [
            (1, Some(3), at(2), true),
            (1, Some(3), at(3) + skew, true),
            (1, Some(3), at(3) + skew + second, false),
            (1, None, at(2) + skew, true),
            (1, None, at(2) + skew + second, false),
            (3, Some(9), at(2), false),
        ] {
            let found = standing(this, next).is_current(now, skew, ttl);
            assert_eq!(found, wanted, "{this} {next:?} {now:?}");
            assert_eq!(standing(this, next).is_current_by_default(now), wanted);
        }
        let ahead = OcspStanding {
            this_update: at(2) + skew,
            ..standing(0, Some(9))
        };
        assert!(ahead.is_current(at(2), skew, ttl));
        assert!(!ahead.is_current(at(2), skew - second, ttl));
    }

    #[test]
    fn who_comes_in_is_the_configurations_to_say() {
        use OcspStatus::{Good, Revoked, Unknown};
        use PeerFinding::{Known, Useless};
        let (never, once) = (
            PeerFinding::Unreachable { was_revoked: false },
            PeerFinding::Unreachable { was_revoked: true },
        );
        let all = [
            Known(Good),
            Known(Revoked),
            Known(Unknown),
            never,
            once,
            Useless,
        ];
        let strict = OcspPeerOptions::default();
        let (yes, no) = (PeerVerdict::Good, PeerVerdict::Bad);
        let (warned, unasked) = (PeerVerdict::Tolerated, PeerVerdict::Unasked);
        for (options, wanted) in [
            (strict, [yes, no, no, no, no, no]),
            (
                OcspPeerOptions {
                    unknown_is_good: true,
                    ..strict
                },
                [yes, no, yes, no, no, no],
            ),
            (
                OcspPeerOptions {
                    warn_only: true,
                    ..strict
                },
                [yes, warned, warned, warned, warned, warned],
            ),
            (
                OcspPeerOptions {
                    allow_when_ca_unreachable: true,
                    ..strict
                },
                [yes, no, no, unasked, no, no],
            ),
        ] {
            let found = all.map(|finding| finding.verdict(&options));
            assert_eq!(found, wanted, "{options:?}");
        }
    }
}
