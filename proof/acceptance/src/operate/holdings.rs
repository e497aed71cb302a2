//! What a server's process holds: descriptors, threads, memory. Read from `/proc`, as an operator would.

use crate::mesh::{Node, settled};
use std::fmt;
use std::path::PathBuf;

/// So many looks in a row must show the same before it counts: connections to the monitoring page come and go.
const LOOKS: usize = 3;

/// What one process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Descriptors, without those of links from other clusters: these may end at any server of a cluster.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Resident memory in KiB.
    pub resident: u64,
}

impl Holdings {
    /// What the server holds, when nothing of it changes any more.
    ///
    /// # Panics
    /// When it goes on changing.
    pub fn settled_of(node: &Node) -> Holdings {
        let mut seen: Vec<usize> = Vec::new();
        settled(&format!("the descriptors of {} to stay", node.name), || {
            let holdings = Holdings::try_of(node)?;
            seen.push(holdings.descriptors);
            let last = seen.iter().rev().take(LOOKS);
            match last.clone().count() == LOOKS && last.clone().all(|n| *n == holdings.descriptors)
            {
                true => Ok(holdings),
                false => Err(format!("{seen:?}")),
            }
        })
    }

    /// What the server holds now.
    pub fn try_of(node: &Node) -> Result<Holdings, String> {
        let page = node.server.try_monitor("/gatewayz")?;
        let inbound = page["inbound_gateways"].as_object().into_iter().flatten();
        let inbound: usize = inbound
            .map(|(_, links)| links.as_array().map_or(0, Vec::len))
            .sum();
        let folder = PathBuf::from(format!("/proc/{}", node.server.pid()));
        let open = std::fs::read_dir(folder.join("fd")).map_err(|error| error.to_string())?;
        let status =
            std::fs::read_to_string(folder.join("status")).map_err(|error| error.to_string())?;
        let number = |key: &str| -> Result<u64, String> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse().ok())
                .ok_or_else(|| format!("no {key} in {status}"))
        };
        Ok(Holdings {
            descriptors: open.count().saturating_sub(inbound),
            threads: usize::try_from(number("Threads:")?).unwrap_or(usize::MAX),
            resident: number("VmRSS:")?,
        })
    }
}

impl fmt::Display for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.resident as f64 / 1024.0;
        write!(
            f,
            "{} descriptors, {} threads, {mib:.1} MiB",
            self.descriptors, self.threads
        )
    }
}
