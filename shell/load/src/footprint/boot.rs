//! A super-cluster from nothing: how long until every server reaches every other, and what they all use then.

use std::time::Instant;

use crate::error::LoadError;
use crate::metric::{Metric, Sample};
use crate::process::Layout;
use crate::run::Bench;

/// Runs the scenario once.
pub(crate) fn boot(layout: Layout, bench: &Bench<'_>) -> Result<Sample, LoadError> {
    let launcher = bench.launcher();
    let begun = Instant::now();
    let servers = launcher.launch_all(layout)?;
    launcher.await_all_interest(&servers)?;
    let complete = begun.elapsed();
    let mut cpu = 0;
    let mut memory = 0;
    for server in servers.iter() {
        cpu += server.cpu()?;
    }
    for server in servers.iter() {
        memory += super::settled_memory(server, bench)?;
    }
    let count = servers.len().max(1) as f64;
    Ok(vec![
        Metric::COMPLETE.of(complete.as_nanos() as f64),
        Metric::BOOT_CPU.of(cpu as f64),
        Metric::MEMORY.of(memory as f64),
        Metric::MEMORY_PER_SERVER.of(memory as f64 / count),
    ])
}
