//! `gannet dev`: a super-cluster in this process, shown until Ctrl-C. Not here: which ports and options
//! its servers get (`plan`), what of them is up (`state`), how that is shown (`table`).

mod console;
mod plan;
mod state;
mod table;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use gannet_config::LoggingOptions;
use gannet_node::{Logger, Server, StartError};
use gannet_rt::future::{Either, race};
use gannet_rt::process::rss_bytes;
use gannet_rt::signal::{Signal, Signals};
use gannet_rt::{Rt, Runtime};
use gannet_units::Moment;

use crate::descriptors;
use crate::flags::DevOptions;
use console::Console;
use plan::{Plan, Site};
use state::State;
use table::Cost;

/// How often it is looked what has changed.
const LOOK: Duration = Duration::from_millis(50);
/// How long the first table waits for all links, for each server, so that it is complete as a rule.
const SETTLE: Duration = Duration::from_secs(1);
/// How often free ports are looked for anew when somebody else was faster.
const ATTEMPTS: usize = 3;
/// How long blocking work may take when the program ends.
const GRACE: Duration = Duration::from_millis(100);

/// One server that runs, and where.
struct Running {
    site: Site,
    server: Server,
}

/// Runs the super-cluster until Ctrl-C.
pub(crate) fn run(options: &DevOptions) -> ExitCode {
    descriptors::raise_limit();
    let runtime = match Runtime::new(None) {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let rt = runtime.rt();
    let code = match runtime.block_on(show(&rt, options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    };
    runtime.shutdown(GRACE);
    code
}

fn fail(why: &dyn std::fmt::Display) -> ExitCode {
    // Nobody is left to be told if this fails.
    let _ = writeln!(std::io::stderr(), "gannet dev: {why}");
    ExitCode::FAILURE
}

async fn show(rt: &Rt, options: &DevOptions) -> Result<(), String> {
    let mut signals = Signals::catch(rt).map_err(|e| format!("could not catch signals: {e}"))?;
    let began = rt.now();
    let running = start(rt, options).await?;
    let watching = watch(rt, began, &running);
    let watched = race(signals_to_end(&mut signals), watching).await;
    let Either::First(()) = watched;
    crate::say("Stopping.");
    stop(&running).await;
    Ok(())
}

/// Starts all servers, on other ports if some of the free ones have been taken meanwhile.
async fn start(rt: &Rt, options: &DevOptions) -> Result<Vec<Running>, String> {
    let mut attempts = if options.base_port.is_some() {
        1
    } else {
        ATTEMPTS
    };
    loop {
        attempts -= 1;
        let plan = Plan::make(rt, options).await?;
        match start_all(rt, options, &plan).await {
            Err(StartError::Listen(_)) if attempts > 0 => {}
            Err(error) => return Err(error.to_string()),
            Ok(running) => return Ok(running),
        }
    }
}

async fn start_all(rt: &Rt, options: &DevOptions, plan: &Plan) -> Result<Vec<Running>, StartError> {
    let mut running = Vec::new();
    let lines = LoggingOptions::default();
    for site in &plan.sites {
        let writer = Console {
            name: site.name().to_owned(),
            all: options.verbose,
        };
        let log = Logger::new(rt, &lines, Box::new(writer));
        match Server::start(plan.options(site), rt.clone(), log).await {
            Ok(server) => running.push(Running {
                site: site.clone(),
                server,
            }),
            Err(error) => {
                stop(&running).await;
                return Err(error);
            }
        }
    }
    Ok(running)
}

/// Waits for a signal that ends us; the others are for servers that one can reconfigure.
async fn signals_to_end(signals: &mut Signals) {
    while !matches!(signals.next().await, Signal::Interrupt | Signal::Terminate) {}
}

/// Shows the table, then every change, for ever.
async fn watch(rt: &Rt, began: Moment, running: &[Running]) -> std::convert::Infallible {
    let complete_by = rt.now() + SETTLE * u32::try_from(running.len()).unwrap_or(1);
    let mut state = State::of(running);
    while !state.is_complete() && rt.now() < complete_by {
        rt.sleep(LOOK).await;
        state = State::of(running);
    }
    let cost = Cost {
        time: rt.now().since(began),
        memory: rss_bytes(rt),
    };
    crate::say(&table::table(running, &state, &cost));
    loop {
        rt.sleep(LOOK).await;
        let next = State::of(running);
        for change in next.changes_since(&state) {
            crate::say(&table::change(rt, &change, &next));
        }
        state = next;
    }
}

async fn stop(running: &[Running]) {
    // All at once: a server that is alone would dial those that are gone.
    for one in running {
        one.server.stop();
    }
    for one in running {
        one.server.shut_down().await;
    }
}
