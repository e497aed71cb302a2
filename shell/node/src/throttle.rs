//! A bound on handshakes with clients in a time: they cost far more than what follows them. Not here:
//! what a client is told that comes too early (`client::door`).

use std::sync::Arc;
use std::time::Duration;

use gannet_units::Moment;
use parking_lot::Mutex;

use crate::log::log;
use crate::shared::Shared;
use crate::tls::LinkTls;

/// How long a bound counts, and how often those that were turned away are told of.
const WINDOW: Duration = Duration::from_secs(1);

/// So many in a second, counted from the first one on.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: u64,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    ends: Moment,
    count: u64,
    /// Turned away, and not told of yet.
    turned_away: u64,
}

impl Throttle {
    pub(crate) fn new(limit: u64) -> Throttle {
        Throttle {
            limit,
            window: Mutex::default(),
        }
    }

    /// Whether one more may come at `now`. If not, answers whether it is the first since they were told of.
    fn admit(&self, now: Moment) -> Result<(), bool> {
        let mut window = self.window.lock();
        if now > window.ends {
            (window.count, window.ends) = (0, now + WINDOW);
        }
        if window.count < self.limit {
            window.count += 1;
            return Ok(());
        }
        window.turned_away += 1;
        Err(window.turned_away == 1)
    }

    fn take_turned_away(&self) -> u64 {
        std::mem::take(&mut self.window.lock().turned_away)
    }
}

/// Whether one more client may shake hands. Those that may not are told of in the log, together.
pub(crate) fn admits(shared: &Arc<Shared>, tls: &Arc<LinkTls>) -> bool {
    let Some(throttle) = &tls.throttle else {
        return true;
    };
    match throttle.admit(shared.rt.now()) {
        Ok(()) => true,
        Err(is_first) => {
            if is_first {
                shared.rt.spawn(tell(shared.clone(), tls.clone()));
            }
            false
        }
    }
}

async fn tell(shared: Arc<Shared>, tls: Arc<LinkTls>) {
    shared.rt.sleep(WINDOW).await;
    let turned_away = tls.throttle.as_ref().map_or(0, Throttle::take_turned_away);
    log!(
        shared.log,
        Clients,
        Warn,
        "Rejected {turned_away} connections due to TLS rate limiting"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_come_in_a_second() {
        let throttle = Throttle::new(2);
        let at = |millis| Moment::from_nanos(5_000_000_000) + Duration::from_millis(millis);
        let verdicts = [0, 500, 600, 1000, 1001, 1002, 1003].map(|m| throttle.admit(at(m)));
        let (yes, first, no) = (Ok(()), Err(true), Err(false));
        assert_eq!(verdicts, [yes, yes, first, no, yes, yes, no]);
        assert_eq!(throttle.take_turned_away(), 3);
        assert_eq!(throttle.admit(at(1004)), first);
    }
}
