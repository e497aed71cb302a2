//! The command line.

use std::time::Duration;

use clap::Parser;
use gannet_simulation::Config;

/// Simulates whole super-clusters of Gannet servers, with everything that can break breaking.
///
/// Every run is drawn from its seed: topology, clients, faults, the order of everything. The same seed gives the
/// same run, always. Exit code: 0 if all seeds hold, 10 for a crash, 11 for something that must never happen,
/// 12 for something that did not happen in time, 13 if a seed told two different stories; the lowest if several
/// apply.
#[derive(Debug, Parser)]
#[command(name = "gannet-sim", version)]
pub(crate) struct Flags {
    /// Run this one seed and tell what happened
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from", "jobs", "minutes"])]
    pub(crate) seed: Option<u64>,

    /// How many seeds to explore [default: 100, or no limit with --minutes]
    #[arg(long, value_name = "N")]
    pub(crate) seeds: Option<u64>,

    /// The first seed to explore
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) from: u64,

    /// Explore on so many threads
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,

    /// Start no further seed after so many minutes
    #[arg(long, value_name = "N")]
    pub(crate) minutes: Option<u64>,

    /// Clusters in every run, instead of as many as the seed says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) clusters: Option<u8>,

    /// Servers in every cluster, instead of as many as the seed says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) servers: Option<u8>,

    /// How long faults strike in every run, in seconds of virtual time
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(crate) faults: u64,

    /// Tell no server other options while it runs; faults and workload of a seed stay the same
    #[arg(long)]
    pub(crate) no_reloads: bool,

    /// Encrypt no connection; faults and workload of a seed stay the same
    #[arg(long)]
    pub(crate) no_tls: bool,

    /// Print the story: what clients did and saw, which faults struck, what the servers logged
    #[arg(long, requires = "seed")]
    pub(crate) trace: bool,

    /// Print the last 20,000 events below the story: packets, polls, timers
    #[arg(long, requires = "seed")]
    pub(crate) packets: bool,

    /// Run the seed a second time and compare
    #[arg(long, requires = "seed")]
    pub(crate) twice: bool,
}

impl Flags {
    /// What every run is to be like.
    pub(crate) fn config(&self) -> Config {
        Config {
            clusters: self.clusters.map(usize::from),
            servers: self.servers.map(usize::from),
            faults: Duration::from_secs(self.faults),
            reloads: !self.no_reloads,
            tls: !self.no_tls,
            tale: self.trace,
            packets: self.packets,
        }
    }

    /// The one command that runs a seed again.
    pub(crate) fn replay_command(&self, seed: u64) -> String {
        let mut command = format!("cargo run -p gannet-sim -- --seed {seed}");
        if let Some(clusters) = self.clusters {
            command += &format!(" --clusters {clusters}");
        }
        if let Some(servers) = self.servers {
            command += &format!(" --servers {servers}");
        }
        let config = self.config();
        if config.faults != Config::default().faults {
            command += &format!(" --faults {}", self.faults);
        }
        if self.no_reloads {
            command += " --no-reloads";
        }
        if self.no_tls {
            command += " --no-tls";
        }
        command
    }
}
