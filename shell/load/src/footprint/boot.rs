//! A super-cluster from nothing: how long until every server reaches every other, and what they all use then.

use std::time::{Duration, Instant};

use crate::error::LoadError;
use crate::metric::{Metric, Sample};
use crate::process::Layout;
use crate::run::Bench;

/// Servers of a large super-cluster may take this long each to start, and to find the others.
const PATIENCE_PER_SERVER: Duration = Duration::from_secs(2);

/// Runs the scenario once.
pub(crate) fn boot(layout: Layout, bench: &Bench<'_>) -> Result<Sample, LoadError> {
    let mut launcher = bench.launcher();
    // All start at once on a machine that may have few cores.
    let servers = u32::try_from(layout.servers()).unwrap_or(u32::MAX);
    launcher.patience = launcher.patience.max(PATIENCE_PER_SERVER * servers);
    let begun = Instant::now();
    let servers = launcher.launch_all(layout)?;
    launcher.await_all_interest(&servers)?;
    let complete = begun.elapsed();
    let mut cpu = 0;
    for server in servers.iter() {
        cpu += server.cpu()?;
    }
    let memory = super::settled_memory_of(&servers, bench)?;
    let mut in_common = 0;
    for server in servers.iter() {
        in_common += server.memory_in_common()?;
    }
    let count = servers.len().max(1) as f64;
    Ok(vec![
        Metric::COMPLETE.of(complete.as_nanos() as f64),
        Metric::BOOT_CPU.of(cpu as f64),
        Metric::MEMORY.of(memory as f64),
        Metric::MEMORY_IN_COMMON.of(in_common as f64),
        Metric::MEMORY_PER_SERVER.of(memory as f64 / count),
    ])
}
