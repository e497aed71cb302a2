//! What a server uses when hardly anything flows: at the start, as a super-cluster, with many idle connections, with many
//! subscriptions, when a link breaks.

mod boot;
mod flap;
mod idle;
mod startup;
mod subscriptions;

use std::time::{Duration, Instant};

use crate::error::LoadError;
use crate::process::Server;
use crate::run::Bench;

pub(crate) use boot::boot;
pub(crate) use flap::{beat, flap};
pub(crate) use idle::idle;
pub(crate) use startup::startup;
pub(crate) use subscriptions::{SUBJECT_BYTES, subscriptions};

/// Between two looks at a process's memory.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until the server's memory has stood still for as long as the bench says (or the patience is over) and returns
/// it, in bytes: servers give memory back, or take it, a while after the work.
fn settled_memory(server: &Server, bench: &Bench<'_>) -> Result<u64, LoadError> {
    settled_memory_of(std::slice::from_ref(server), bench)
}

/// [`settled_memory`] of several servers together.
fn settled_memory_of(servers: &[Server], bench: &Bench<'_>) -> Result<u64, LoadError> {
    let memory = || servers.iter().map(Server::memory).sum::<Result<u64, _>>();
    let begun = Instant::now();
    let mut last = (memory()?, Instant::now());
    while last.1.elapsed() < bench.settle && begun.elapsed() < bench.patience {
        for server in servers {
            server.check_alive()?;
        }
        bench.progress.check_interrupt()?;
        std::thread::sleep(LOOK_EVERY.min(bench.settle));
        let now = memory()?;
        // Less than half a percent is noise.
        if now.abs_diff(last.0) > last.0 / 200 {
            last = (now, Instant::now());
        }
    }
    memory()
}

fn pause(time: Duration, server: &Server, bench: &Bench<'_>) -> Result<(), LoadError> {
    bench.progress.check_interrupt()?;
    server.check_alive()?;
    std::thread::sleep(time);
    Ok(())
}

/// The share of one core that the server uses while left alone.
fn idle_cpu(server: &Server, bench: &Bench<'_>) -> Result<f64, LoadError> {
    let before = (server.cpu()?, Instant::now());
    while before.1.elapsed() < bench.settle {
        pause(LOOK_EVERY.min(bench.settle), server, bench)?;
    }
    let used = server.cpu()? - before.0;
    Ok(used as f64 / before.1.elapsed().as_nanos() as f64)
}

/// Memory per item; a server that had free memory to use needs none, not less than none.
fn memory_per(before: u64, after: u64, items: u32) -> f64 {
    after.saturating_sub(before) as f64 / f64::from(items.max(1))
}
