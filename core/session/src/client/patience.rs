//! What is thought of a client that takes its bytes slowly, or not at all: when it counts as a slow consumer,
//! when it is given up. Not here: the socket, and how much may wait for it; links (`crate::patience`).
//!
//! The rule is the reference server's: whatever waits when the socket stops taking bytes must be out by the
//! write deadline. If it is not, the client counts as slow; it is closed then, or, if it may try again, once
//! such a time has passed without a byte.

use core::mem;
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
    /// Bytes the socket had taken by then; `None` if it has just taken some.
    from: Option<u64>,
    /// Bytes it has taken when all of it is out.
    until: u64,
    backlog: Backlog,
}

/// The patience with one client.
#[derive(Clone, Debug)]
pub struct Patience {
    deadline: Duration,
    may_retry: bool,
    attempt: Option<Attempt>,
    is_slow: bool,
}

impl Patience {
    /// The patience with a client.
    pub fn new(limits: &Limits) -> Patience {
        Patience {
            deadline: limits.write_deadline,
            may_retry: match limits.write_timeout {
                WriteTimeout::Retry => true,
                WriteTimeout::Default | WriteTimeout::Close => false,
            },
            attempt: None,
            is_slow: false,
        }
    }

    /// How long a write may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// When to judge again, if nothing happens.
    pub fn next_look(&self) -> Moment {
        let attempt = self.attempt.as_ref();
        attempt.map_or(Moment::NEVER, |attempt| attempt.begun + self.deadline)
    }

    /// Judges the client whose socket is getting on like this.
    pub fn judge(&mut self, now: Moment, progress: &Progress) -> Verdict {
        let Some(attempt) = self.attempt else {
            if progress.is_blocked {
                self.begin(now, None, progress);
            }
            return Verdict::Fine;
        };
        if progress.flushed >= attempt.until {
            self.attempt = None;
            if progress.is_blocked {
                self.begin(now, Some(progress.flushed), progress);
            }
            return match mem::take(&mut self.is_slow) {
                false => Verdict::Fine,
                true => Verdict::Recovered {
                    backlog: attempt.backlog,
                    took: now.since(attempt.begun),
                },
            };
        }
        if now < attempt.begun + self.deadline {
            return Verdict::Fine;
        }
        let has_moved = attempt.from.is_none_or(|from| progress.flushed > from);
        self.begin(now, Some(progress.flushed), progress);
        Verdict::Slow {
            backlog: attempt.backlog,
            again: mem::replace(&mut self.is_slow, true),
            give_up: !(self.may_retry && has_moved),
        }
    }

    fn begin(&mut self, now: Moment, from: Option<u64>, progress: &Progress) {
        self.attempt = Some(Attempt {
            begun: now,
            from,
            until: progress.flushed + progress.backlog.bytes as u64,
            backlog: progress.backlog,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fine, Recovered, Slow};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn patience(write_timeout: WriteTimeout) -> Patience {
        Patience::new(&Limits {
            write_deadline: MS * 500,
            write_timeout,
            ..Limits::default()
        })
    }

    fn backlog(bytes: usize) -> Backlog {
        Backlog { chunks: 1, bytes }
    }

    /// Looks `ms` after the start: the socket has taken `flushed` bytes, `bytes` wait, and it takes no more
    /// as long as some do.
    fn look(p: &mut Patience, ms: u32, flushed: u64, bytes: usize) -> Verdict {
        let progress = Progress {
            flushed,
            is_blocked: bytes > 0,
            backlog: backlog(bytes),
        };
        p.judge(Moment::START + MS * ms, &progress)
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
