//! The line that is kept up to date on a terminal, plain lines elsewhere, and the ear for Ctrl-C.

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::Outcome;
use crate::error::LoadError;
use crate::metric::Metric;
use crate::scenario::Scenario;

/// Between two states of the line.
const REDRAW_EVERY: Duration = Duration::from_millis(200);

/// Shows on standard error what is going on, and knows whether the user wants it to end.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    interrupted: Arc<AtomicBool>,
    heading: RefCell<String>,
    drawn: Cell<Option<Instant>>,
}

impl Progress {
    /// Listens for SIGINT and SIGTERM from now on.
    pub(crate) fn new() -> Result<Self, LoadError> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .map_err(LoadError::io("listen for signals"))?;
        }
        Ok(Progress {
            terminal: std::io::stderr().is_terminal(),
            interrupted,
            heading: RefCell::default(),
            drawn: Cell::default(),
        })
    }

    /// Fails once SIGINT or SIGTERM has arrived.
    pub(crate) fn check_interrupt(&self) -> Result<(), LoadError> {
        if self.interrupted.load(Ordering::Acquire) {
            Err(LoadError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// One run of a scenario begins; `side` is 0 for our server and 1 for the other where there are two.
    pub(crate) fn begin(&self, scenario: &Scenario, round: u32, rounds: u32, side: Option<usize>) {
        let who = match side {
            None => "",
            Some(0) => ", ours",
            Some(_) => ", theirs",
        };
        *self.heading.borrow_mut() = format!("{} · round {round} of {rounds}{who}", scenario.title);
        self.note("starting");
    }

    /// Something countable moves.
    pub(crate) fn rate(&self, what: &str, count: u64, elapsed: Duration) {
        if !self.terminal
            || self
                .drawn
                .get()
                .is_some_and(|drawn| drawn.elapsed() < REDRAW_EVERY)
        {
            return;
        }
        let rate = count as f64 / elapsed.as_secs_f64().max(1e-3);
        self.note(&format!(
            "{what} {:.1} s · {}",
            elapsed.as_secs_f64(),
            Metric::MESSAGES.show(rate)
        ));
    }

    /// Something else goes on.
    pub(crate) fn note(&self, what: &str) {
        if self.terminal {
            self.drawn.set(Some(Instant::now()));
            self.write(&format!("\r\x1b[2K{} · {what}", self.heading.borrow()));
        }
    }

    /// A scenario is over.
    pub(crate) fn finished(&self, outcome: &Outcome) {
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        let name = outcome.scenario.name;
        let line = match (&outcome.error, outcome.figures().first()) {
            (Some(error), _) => format!("{name}: FAILED: {error}"),
            (None, Some(figure)) => {
                let shown = figure
                    .median(0)
                    .map(|value| figure.metric.show(value))
                    .unwrap_or_default();
                let ratio = figure
                    .ratio()
                    .map(|ratio| format!(", ratio {ratio:.3}"))
                    .unwrap_or_default();
                format!("{name}: {} {shown}{ratio}", figure.metric.label)
            }
            (None, None) => format!("{name}: nothing measured"),
        };
        self.write(&format!("{clear}{line}\n"));
    }

    fn write(&self, text: &str) {
        // A closed standard error is no reason to end a measurement.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}
