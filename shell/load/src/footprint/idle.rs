//! Connections that are open and silent: what one costs to open, and to keep.

use std::time::{Duration, Instant};

use crate::error::LoadError;
use crate::link::Link;
use crate::metric::{Metric, Sample, per};
use crate::process::{Layout, raise_file_limit};
use crate::run::Bench;
use crate::stats::Histogram;

/// Files that a process needs besides its connections.
const OTHER_FILES: u64 = 64;
/// Both servers ping a new connection once, a good two seconds after it came; what they use after that is
/// what idle connections cost.
const FIRST_PINGS: Duration = Duration::from_millis(3500);

/// Runs the scenario once with so many connections.
pub(crate) fn idle(connections: u32, bench: &Bench<'_>) -> Result<Sample, LoadError> {
    let limit = raise_file_limit()?;
    if limit < u64::from(connections) + OTHER_FILES {
        return Err(LoadError::Usage(format!(
            "{connections} connections need more open files than the limit of {limit}"
        )));
    }
    let servers = bench.launcher().start(Layout::Single)?;
    let server = servers.near();
    let before = super::settled_memory(server, bench)?;
    let mut links = Vec::new();
    let mut latency = Histogram::new();
    let begun = (Instant::now(), server.cpu()?);
    for number in 0..connections {
        let start = Instant::now();
        links.push(Link::open(server.address, "idle", bench.patience)?);
        latency.record(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        if number % 64 == 0 {
            bench.progress.check_interrupt()?;
            bench
                .progress
                .rate("connecting", u64::from(number), begun.0.elapsed());
        }
    }
    let (opened, cpu) = (begun.0.elapsed(), server.cpu()? - begun.1);
    bench.progress.note("settling");
    let after = super::settled_memory(server, bench)?;
    while begun.0.elapsed() < opened + FIRST_PINGS {
        super::pause(super::LOOK_EVERY, server, bench)?;
    }
    let idle = super::idle_cpu(server, bench)?;
    // A connection that was dropped would look like a cheap one.
    for link in &mut links {
        link.fence()?;
    }
    Ok(vec![
        Metric::MEMORY_PER_CONNECTION.of(super::memory_per(before, after, connections)),
        Metric::P50.of(latency.quantile(0.5) as f64),
        Metric::P99.of(latency.quantile(0.99) as f64),
        Metric::CONNECTIONS.of(f64::from(connections) / opened.as_secs_f64()),
        Metric::CPU_PER_CONNECTION.of(per(cpu, u64::from(connections))),
        Metric::MEMORY.of(after as f64),
        Metric::IDLE_CPU.of(idle),
    ])
}
