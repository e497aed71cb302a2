//! Many seeds on several threads, with a line that tells how far they are.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;
use std::time::Duration;

use gannet_rt::{Rt, Runtime};
use gannet_simulation::run_seed;
use gannet_units::Moment;
use parking_lot::Mutex;

use crate::flags::Flags;
use crate::report::{self, Sum};

/// How many seeds there are where nobody says.
const SEEDS: u64 = 100;
/// Time between two progress lines on a terminal, and elsewhere.
const PROGRESS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));

/// What the threads share.
struct Progress<'a> {
    flags: &'a Flags,
    rt: Rt,
    started_at: Moment,
    total: Option<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: u64,
    shown_at: Duration,
    sum: Sum,
    /// Lines about failures that wait to be printed.
    news: VecDeque<String>,
}

/// Explores; the exit code tells what was found.
pub(crate) fn explore(flags: &Flags) -> ExitCode {
    let runtime = match Runtime::new(Some(1)) {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("gannet-sim: {e}");
            return ExitCode::FAILURE;
        }
    };
    let limit = flags.minutes.is_none().then_some(SEEDS);
    let progress = Progress {
        flags,
        started_at: runtime.rt().now(),
        rt: runtime.rt(),
        total: flags.seeds.or(limit),
        state: Mutex::default(),
    };
    std::thread::scope(|threads| {
        for _ in 0..flags.jobs {
            threads.spawn(|| progress.work());
        }
    });
    let time = progress.time();
    let state = progress.state.into_inner();
    report::print(state.sum.lines(flags, time));
    state.sum.exit_code()
}

impl Progress<'_> {
    /// Time since the start.
    fn time(&self) -> Duration {
        self.rt.now().since(self.started_at)
    }

    fn work(&self) {
        while let Some(seed) = self.next_seed() {
            let outcome = run_seed(seed, &self.flags.config());
            let mut state = self.state.lock();
            if let Some(failure) = &outcome.failure {
                let replay = self.flags.replay_command(seed);
                state
                    .news
                    .push_back(format!("seed {seed} failed: {failure}\n    {replay}"));
            }
            state.sum.add(outcome);
            self.show(&mut state);
        }
    }

    fn next_seed(&self) -> Option<u64> {
        let time_is_up = self
            .flags
            .minutes
            .is_some_and(|minutes| self.time() >= Duration::from_secs(60 * minutes));
        let mut state = self.state.lock();
        if time_is_up || self.total.is_some_and(|total| state.started >= total) {
            return None;
        }
        let seed = self.flags.from.wrapping_add(state.started);
        state.started += 1;
        Some(seed)
    }

    fn show(&self, state: &mut State) {
        let terminal = stderr().is_terminal();
        let clear = if terminal { "\r\x1b[K" } else { "" };
        for line in state.news.drain(..) {
            eprintln!("{clear}{line}");
        }
        let now = self.time();
        let every = if terminal { PROGRESS.0 } else { PROGRESS.1 };
        if now.saturating_sub(state.shown_at) < every {
            return;
        }
        state.shown_at = now;
        let of = self
            .total
            .map_or(String::new(), |total| format!(" of {total}"));
        let line = format!(
            "{} seeds{of} done, {} failed",
            state.sum.seeds(),
            state.sum.failures()
        );
        if terminal {
            eprint!("{clear}{line}");
            // A progress line that cannot be shown is no loss.
            let _ = stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }
}
