//! PING and PONG on one link: is the peer still there, and how far is it.

use core::time::Duration;

use gannet_units::Moment;
use gannet_wire::gateway::encode;

use alloc::string::ToString;
use alloc::vec::Vec;

use super::output::{Level, Output, Say};
use super::settings::Settings;

/// The first PING comes soon, so that the distance is known.
const FIRST_PING: Duration = Duration::from_secs(1);

/// The state of PING and PONG on one link.
#[derive(Debug)]
pub(super) struct KeepAlive {
    next: Moment,
    unanswered: u32,
    sent: Moment,
    rtt: Option<Duration>,
}

impl KeepAlive {
    /// Starts; `seed` spreads the first PINGs of many links.
    pub(super) fn new(now: Moment, settings: &Settings, seed: u64) -> KeepAlive {
        let first = settings.ping_every().min(FIRST_PING);
        let spread = u64::try_from(first.as_nanos() / 5)
            .unwrap_or(u64::MAX)
            .max(1);
        let next = now + first + Duration::from_nanos(seed % spread);
        KeepAlive {
            next,
            unanswered: 0,
            sent: now,
            rtt: None,
        }
    }

    pub(super) fn next_deadline(&self) -> Moment {
        self.next
    }

    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Sends a PING if it is time. Answers false if the peer left too many unanswered.
    #[must_use]
    pub(super) fn tick(&mut self, now: Moment, settings: &Settings, out: &mut Vec<Output>) -> bool {
        if now < self.next {
            return true;
        }
        out.log(Level::Debug, "Gateway Ping Timer".to_string());
        if self.unanswered >= settings.ping_max {
            return false;
        }
        self.unanswered += 1;
        self.sent = now;
        self.next = now + settings.ping_every();
        out.send(encode::PING);
        true
    }

    /// Takes a PONG. One that answers nothing measures nothing.
    pub(super) fn pong(&mut self, now: Moment, out: &mut Vec<Output>) {
        if self.unanswered == 0 {
            return;
        }
        self.unanswered = 0;
        let rtt = now.since(self.sent).max(Duration::from_nanos(1));
        self.rtt = Some(rtt);
        out.push(Output::Rtt(rtt));
    }
}
