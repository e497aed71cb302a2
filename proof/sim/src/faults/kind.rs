//! The kinds of faults, as they are switched on and off as a whole and counted in the summary.

use std::fmt;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A link gets much slower, in one direction.
    Latency,
    /// The packets of a link take very different times.
    Jitter,
    /// Reads and writes everywhere bring and take little at a time.
    ShortIo,
    /// A connection, or all between two hosts, are reset.
    Reset,
    /// Nothing gets through in one direction for a while.
    OneWayPartition,
    /// Nothing gets through in either direction for a while.
    Partition,
    /// A server does not move for a while, although its machine does.
    Freeze,
    /// Dials to a server stay unanswered for a while.
    BlackHole,
    /// Dials to a server are refused for a while.
    RefusedDial,
    /// A server dies, its connections are reset, and it is started again.
    Crash,
    /// A server is killed and started again.
    Kill,
    /// A server's machine loses power without a word, and comes back.
    PowerOff,
    /// A server is told to stop, and started again.
    Stop,
    /// A link carries only so many bytes a second.
    SlowLink,
    /// All servers of a cluster die at once, and are started again one by one.
    ClusterCrash,
    /// The servers of a cluster are restarted one after the other, without waiting for each other.
    RollingRestart,
    /// Nothing gets through between a cluster and all others, in one direction or both.
    ClusterCut,
    /// Nothing gets through between a server and the rest of its cluster, in one direction or both.
    Island,
    /// A server is restarted, and listens for other servers elsewhere: what others have heard of it is wrong.
    Move,
    /// A server leaves its cluster for ever.
    Farewell,
    /// A server's clocks run fast or slow, or its wall clock jumps.
    Clock,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [FaultKind; 21] = [
        FaultKind::Latency,
        FaultKind::Jitter,
        FaultKind::ShortIo,
        FaultKind::Reset,
        FaultKind::OneWayPartition,
        FaultKind::Partition,
        FaultKind::Freeze,
        FaultKind::BlackHole,
        FaultKind::RefusedDial,
        FaultKind::Crash,
        FaultKind::Kill,
        FaultKind::PowerOff,
        FaultKind::Stop,
        FaultKind::SlowLink,
        FaultKind::ClusterCrash,
        FaultKind::RollingRestart,
        FaultKind::ClusterCut,
        FaultKind::Island,
        FaultKind::Move,
        FaultKind::Farewell,
        FaultKind::Clock,
    ];

    /// The kind's name, as the summary shows it.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Latency => "latency",
            FaultKind::Jitter => "jitter",
            FaultKind::ShortIo => "short-io",
            FaultKind::Reset => "reset",
            FaultKind::OneWayPartition => "one-way",
            FaultKind::Partition => "partition",
            FaultKind::Freeze => "freeze",
            FaultKind::BlackHole => "black-hole",
            FaultKind::RefusedDial => "refused-dial",
            FaultKind::Crash => "crash",
            FaultKind::Kill => "kill",
            FaultKind::PowerOff => "power-off",
            FaultKind::Stop => "stop",
            FaultKind::SlowLink => "slow-link",
            FaultKind::ClusterCrash => "cluster-crash",
            FaultKind::RollingRestart => "rolling-restart",
            FaultKind::ClusterCut => "cluster-cut",
            FaultKind::Island => "island",
            FaultKind::Move => "move",
            FaultKind::Farewell => "farewell",
            FaultKind::Clock => "clock",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
