//! The controlling thread's side of a measurement: warm-up, measured span, progress, patience, interruption. It decides
//! when; what is counted, the caller says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::error::LoadError;
use crate::process::Server;
use crate::report::Progress;

/// How often the controlling thread looks.
const TICK: Duration = Duration::from_millis(5);

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Span {
    /// This long.
    Time(Duration),
    /// Until this many messages are through.
    Count(u64),
}

/// What the working threads of one run are to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Work, but don't record.
    WarmUp,
    /// Work and record.
    Measure,
    /// Send nothing new, wait for what is under way.
    Drain,
    /// All has arrived: prove that nothing follows.
    Fence,
    /// Nothing followed.
    Done,
    /// Return at once.
    Abort,
}

/// Shared by the threads of one run: the phase, and the first error any of them met.
#[derive(Debug)]
pub(crate) struct Board {
    phase: AtomicU8,
    failed: AtomicBool,
    failure: Mutex<Option<LoadError>>,
}

impl Board {
    /// A board in [`Phase::WarmUp`].
    pub(crate) fn new() -> Self {
        Board {
            phase: AtomicU8::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// The present phase.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::WarmUp,
            1 => Phase::Measure,
            2 => Phase::Drain,
            3 => Phase::Fence,
            4 => Phase::Done,
            _ => Phase::Abort,
        }
    }

    /// Moves on; an abort stays.
    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
    }

    /// Records an error (the first one counts) and aborts.
    pub(crate) fn fail(&self, error: LoadError) {
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(error);
        }
        self.failed.store(true, Ordering::Release);
        self.advance(Phase::Abort);
    }

    /// Passes on a thread's result: its value, or `None` after noting its error.
    pub(crate) fn note<T>(&self, result: Result<T, LoadError>) -> Option<T> {
        result.map_err(|error| self.fail(error)).ok()
    }

    /// The recorded error, once.
    pub(crate) fn take_failure(&self) -> Result<(), LoadError> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.failure.lock() {
            Ok(mut failure) => failure.take().map_or(Ok(()), Err),
            Err(_) => Err(LoadError::Protocol("a working thread panicked".to_owned())),
        }
    }
}

/// What happened within the measured span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Messages (or round trips) counted.
    pub(crate) count: u64,
    /// Its length.
    pub(crate) wall: Duration,
    /// CPU time of all servers, in nanoseconds.
    pub(crate) server_cpu: u64,
    /// CPU time of this process, in nanoseconds.
    pub(crate) own_cpu: u64,
    /// Resident memory of all servers at its end, in bytes.
    pub(crate) memory: u64,
}

/// The controlling thread's view of one run.
pub(crate) struct Watch<'a> {
    /// The run's board.
    pub(crate) board: &'a Board,
    /// The servers whose cost is counted.
    pub(crate) servers: &'a [Server],
    /// Where progress is shown and interruption is noticed.
    pub(crate) progress: &'a Progress,
    /// How long nothing may move.
    pub(crate) patience: Duration,
}

impl Watch<'_> {
    /// Lets the run warm up, measures the span, and leaves the board in [`Phase::Measure`].
    pub(crate) fn measure(
        &self,
        warm_up: Span,
        span: Span,
        count: impl Fn() -> u64,
    ) -> Result<Measured, LoadError> {
        self.pass("warm-up", warm_up, &count)?;
        self.board.advance(Phase::Measure);
        let before = (
            count(),
            self.server_cpu()?,
            crate::process::own_cpu()?,
            Instant::now(),
        );
        self.pass("measuring", span, &count)?;
        let wall = before.3.elapsed();
        Ok(Measured {
            count: count() - before.0,
            wall,
            server_cpu: self.server_cpu()? - before.1,
            own_cpu: crate::process::own_cpu()? - before.2,
            memory: self.memory()?,
        })
    }

    /// CPU time of all servers so far, in nanoseconds.
    pub(crate) fn server_cpu(&self) -> Result<u64, LoadError> {
        self.servers.iter().map(Server::cpu).sum()
    }

    /// Resident memory of all servers, in bytes.
    pub(crate) fn memory(&self) -> Result<u64, LoadError> {
        self.servers.iter().map(Server::memory).sum()
    }

    fn pass(&self, what: &str, span: Span, count: &dyn Fn() -> u64) -> Result<(), LoadError> {
        let start = Instant::now();
        let first = count();
        self.wait(
            |now| {
                self.progress.rate(what, now - first, start.elapsed());
                match span {
                    // A span without a single message would have nothing to divide by.
                    Span::Time(time) => start.elapsed() >= time && now > first,
                    Span::Count(wanted) => now - first >= wanted,
                }
            },
            count,
            || "messages on their way to the receivers".to_owned(),
        )
    }

    /// Waits until `done` accepts the count. Fails with what `missing` says when the count stands still for longer than
    /// the patience, and on errors of other threads, the end of a server, or interruption.
    pub(crate) fn wait(
        &self,
        done: impl Fn(u64) -> bool,
        count: impl Fn() -> u64,
        missing: impl Fn() -> String,
    ) -> Result<(), LoadError> {
        let mut last = (count(), Instant::now());
        loop {
            let now = count();
            if done(now) {
                return self.check();
            }
            if now != last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() >= self.patience {
                return Err(LoadError::Stalled {
                    seconds: self.patience.as_secs(),
                    missing: missing(),
                });
            }
            self.check()?;
            std::thread::sleep(TICK);
        }
    }

    /// Fails on interruption, on the end of a server, and on errors of other threads.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        self.progress.check_interrupt()?;
        for server in self.servers {
            server.check_alive()?;
        }
        self.board.take_failure()
    }
}
