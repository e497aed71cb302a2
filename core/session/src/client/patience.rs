//! What is thought of a client that takes its bytes slowly, or not at all: when it counts as a slow consumer,
//! when it is given up. Not here: the socket, and how much may wait for it; links (`crate::patience`).
//!
//! The rule is the reference server's: whatever waits when the socket stops taking bytes must be out by the
//! write deadline. If it is not, the client counts as slow; it is closed then, or, if it may try again, once
//! such a time has passed without a byte.

use alloc::boxed::Box;
use core::time::Duration;

use gannet_config::{Limits, WriteTimeout};
use gannet_units::Moment;

/// Bytes that wait, and in how many pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The pieces.
    pub chunks: usize,
    /// The bytes of them all.
    pub bytes: usize,
}

/// How a socket is getting on.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Bytes it has taken since the start.
    pub flushed: u64,
    /// It takes nothing more now.
    pub is_blocked: bool,
    /// What waits for it.
    pub backlog: Backlog,
}

/// What to do about a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// Count it as a slow consumer: this was not out by the deadline.
    Slow {
        /// What waited.
        backlog: Backlog,
        /// It counted as slow already.
        again: bool,
        /// Close it, too.
        give_up: bool,
    },
    /// It is no slow consumer any more: this is out.
    Recovered {
        /// What waited.
        backlog: Backlog,
        /// For how long.
        took: Duration,
    },
}

/// Something that waits to be out.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    begun: Moment,
    due: Moment,
    /// Bytes the socket had taken by then; `None` if it has just taken some.
    from: Option<u64>,
    /// Bytes it has taken when all of it is out.
    until: u64,
    backlog: Backlog,
    /// The client counts as slow already.
    is_slow: bool,
}

/// The patience with one client. Few clients ever need any, so it is small until then.
#[derive(Clone, Debug, Default)]
pub struct Patience(Option<Box<Attempt>>);

impl Patience {
    /// When to judge again, if nothing happens.
    pub fn next_look(&self) -> Moment {
        self.0.as_ref().map_or(Moment::NEVER, |attempt| attempt.due)
    }

    /// Judges the client whose socket is getting on like this.
    pub fn judge(&mut self, now: Moment, limits: &Limits, progress: &Progress) -> Verdict {
        let Some(attempt) = self.0.as_deref().copied() else {
            if progress.is_blocked {
                self.begin(now, limits, None, progress);
            }
            return Verdict::Fine;
        };
        if progress.flushed >= attempt.until {
            self.0 = None;
            if progress.is_blocked {
                self.begin(now, limits, Some(progress.flushed), progress);
            }
            return match attempt.is_slow {
                false => Verdict::Fine,
                true => Verdict::Recovered {
                    backlog: attempt.backlog,
                    took: now.since(attempt.begun),
                },
            };
        }
        if now < attempt.due {
            return Verdict::Fine;
        }
        let may_retry = match limits.write_timeout {
            WriteTimeout::Retry => true,
            WriteTimeout::Default | WriteTimeout::Close => false,
        };
        let has_moved = attempt.from.is_none_or(|from| progress.flushed > from);
        self.begin(now, limits, Some(progress.flushed), progress)
            .is_slow = true;
        Verdict::Slow {
            backlog: attempt.backlog,
            again: attempt.is_slow,
            give_up: !(may_retry && has_moved),
        }
    }

    fn begin(
        &mut self,
        now: Moment,
        limits: &Limits,
        from: Option<u64>,
        progress: &Progress,
    ) -> &mut Attempt {
        self.0.insert(Box::new(Attempt {
            begun: now,
            due: now + limits.write_deadline,
            from,
            until: progress.flushed + progress.backlog.bytes as u64,
            backlog: progress.backlog,
            is_slow: false,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fine, Recovered, Slow};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    struct Client {
        patience: Patience,
        limits: Limits,
    }

    impl Client {
        fn next_look(&self) -> Moment {
            self.patience.next_look()
        }
    }

    fn patience(write_timeout: WriteTimeout) -> Client {
        Client {
            patience: Patience::default(),
            limits: Limits {
                write_deadline: MS * 500,
                write_timeout,
                ..Limits::default()
            },
        }
    }

    fn backlog(bytes: usize) -> Backlog {
        Backlog { chunks: 1, bytes }
    }

    /// Looks `ms` after the start: the socket has taken `flushed` bytes, `bytes` wait, and it takes no more
    /// as long as some do.
    fn look(p: &mut Client, ms: u32, flushed: u64, bytes: usize) -> Verdict {
        let progress = Progress {
            flushed,
            is_blocked: bytes > 0,
            backlog: backlog(bytes),
        };
        p.patience
            .judge(Moment::START + MS * ms, &p.limits, &progress)
    }

    fn slow(bytes: usize, again: bool, give_up: bool) -> Verdict {
        Slow {
            backlog: backlog(bytes),
            again,
            give_up,
        }
    }

    #[test]
    fn core_31_what_is_not_out_by_the_deadline_ends_the_connection() {
        for policy in [WriteTimeout::Default, WriteTimeout::Close] {
            let mut p = patience(policy);
            assert_eq!(p.next_look(), Moment::NEVER);
            assert_eq!(look(&mut p, 0, 10, 100), Fine);
            assert_eq!(p.next_look(), Moment::START + MS * 500);
            // That some of it leaves is not enough.
            assert_eq!(look(&mut p, 499, 109, 40), Fine);
            assert_eq!(look(&mut p, 500, 109, 40), slow(100, false, true));
        }
    }

    #[test]
    fn core_31_what_comes_later_has_its_own_deadline() {
        let mut p = patience(WriteTimeout::Close);
        assert_eq!(look(&mut p, 0, 10, 100), Fine);
        assert_eq!(look(&mut p, 400, 110, 70), Fine);
        assert_eq!(p.next_look(), Moment::START + MS * 900);
        assert_eq!(look(&mut p, 899, 180, 0), Fine);
        assert_eq!(p.next_look(), Moment::NEVER);
        assert_eq!(look(&mut p, 5000, 180, 0), Fine);
    }

    #[test]
    fn core_31_with_retries_a_client_stays_while_it_takes_bytes() {
        let mut p = patience(WriteTimeout::Retry);
        assert_eq!(look(&mut p, 0, 10, 100), Fine);
        // Before it was full, the socket took the first of them.
        assert_eq!(look(&mut p, 500, 10, 100), slow(100, false, false));
        assert_eq!(look(&mut p, 1000, 11, 200), slow(100, true, false));
        assert_eq!(p.next_look(), Moment::START + MS * 1500);
        assert_eq!(look(&mut p, 1499, 11, 200), Fine);
        assert_eq!(look(&mut p, 1500, 11, 300), slow(200, true, true));
    }

    #[test]
    fn core_31_a_client_recovers_when_all_that_waited_is_out() {
        let mut p = patience(WriteTimeout::Retry);
        assert_eq!(look(&mut p, 0, 0, 100), Fine);
        assert_eq!(look(&mut p, 500, 50, 90), slow(100, false, false));
        assert_eq!(look(&mut p, 700, 139, 9), Fine);
        let recovered = Recovered {
            backlog: backlog(90),
            took: MS * 300,
        };
        assert_eq!(look(&mut p, 800, 140, 8), recovered);
        assert_eq!(look(&mut p, 900, 148, 0), Fine);
        assert_eq!(look(&mut p, 1000, 148, 9), Fine);
        assert_eq!(look(&mut p, 1500, 148, 9), slow(9, false, false));
    }
}
