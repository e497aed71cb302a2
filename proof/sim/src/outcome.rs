//! What a run comes to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use gannet_units::Moment;

use crate::faults::FaultKind;
use crate::reloads::ReloadKind;

/// What a run is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many clusters; drawn from the seed (1 to 5) if not said.
    pub clusters: Option<usize>,
    /// How many servers each cluster has; drawn from the seed (1 to 5) if not said.
    pub servers: Option<usize>,
    /// How long faults strike, in virtual time.
    pub faults: Duration,
    /// Servers are told other options while they run, where the seed says so. Without, faults and workload are
    /// the same.
    pub reloads: bool,
    /// Connections are encrypted, where the seed says so. Without, faults and workload are the same.
    pub tls: bool,
    /// Keep the story as text.
    pub tale: bool,
    /// Keep the simulator's own trace (every packet, poll and timer; the last 20,000 lines) as text.
    pub packets: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            clusters: None,
            servers: None,
            faults: Duration::from_secs(20),
            reloads: true,
            tls: true,
            tale: false,
            packets: false,
        }
    }
}

/// In which way a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// Something panicked, would not start, or turned in circles without time passing.
    Crash,
    /// Something happened that must never happen.
    Safety,
    /// Something did not happen in time although nothing stood in its way any more.
    Liveness,
}

impl FailureKind {
    /// The exit code of a process that reports it.
    pub fn exit_code(self) -> u8 {
        match self {
            FailureKind::Crash => 10,
            FailureKind::Safety => 11,
            FailureKind::Liveness => 12,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Crash => "crash",
            FailureKind::Safety => "safety",
            FailureKind::Liveness => "liveness",
        })
    }
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In which way.
    pub kind: FailureKind,
    /// The checker or phase that noticed.
    pub check: &'static str,
    /// What it noticed.
    pub text: String,
    /// When, in virtual time.
    pub at: Moment,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_nanos() as f64 / 1e9;
        write!(
            f,
            "{} at {seconds:.3} s [{}]: {}",
            self.kind, self.check, self.text
        )
    }
}

/// One run, from its seed to its end.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// How many servers each cluster had.
    pub sizes: Vec<usize>,
    /// How much virtual time passed.
    pub virtual_time: Duration,
    /// Everything that happened, as one number.
    pub trace_hash: u64,
    /// Messages published, requests and answers included.
    pub messages: usize,
    /// Messages read by clients.
    pub deliveries: usize,
    /// How often each kind of fault struck.
    pub faults: BTreeMap<FaultKind, u64>,
    /// How often each kind of reload happened.
    pub reloads: BTreeMap<ReloadKind, u64>,
    /// The story, if it was asked for.
    pub tale: Vec<String>,
    /// The simulator's trace, if it was asked for.
    pub packets: Vec<String>,
}
