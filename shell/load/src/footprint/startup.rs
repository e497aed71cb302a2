//! A server alone: how fast it is ready, and what it uses doing nothing.

use crate::error::LoadError;
use crate::metric::{Metric, Sample};
use crate::process::Layout;
use crate::run::Bench;

/// Runs the scenario once.
pub(crate) fn startup(bench: &Bench<'_>) -> Result<Sample, LoadError> {
    let servers = bench.launcher().start(Layout::Single)?;
    let server = servers.near();
    let memory = super::settled_memory(server, bench)?;
    let idle = super::idle_cpu(server, bench)?;
    Ok(vec![
        Metric::READY.of(server.ready_after.as_nanos() as f64),
        Metric::MEMORY.of(memory as f64),
        Metric::IDLE_CPU.of(idle),
    ])
}
