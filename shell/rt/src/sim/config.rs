//! The figures of the simulated network.

use std::net::IpAddr;
use std::time::Duration;

/// How one direction between two hosts behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The least time a packet takes.
    pub latency: Duration,
    /// Up to this much is added at random, per packet; bytes of one connection keep their order.
    pub jitter: Duration,
    /// Bytes per second, shared by all connections of the direction; `None`: no limit.
    pub bandwidth: Option<u64>,
}

impl Default for Link {
    fn default() -> Link {
        Link {
            latency: Duration::from_micros(200),
            jitter: Duration::from_micros(300),
            bandwidth: None,
        }
    }
}

/// The figures of the whole network; a change counts from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetConfig {
    /// Between hosts for which [`super::Net::set_link`] set nothing else.
    pub link: Link,
    /// From a host to itself.
    pub loopback: Link,
    /// Bytes one direction of a connection holds between the writer and the reader's `try_read`;
    /// beyond, writes would block.
    pub window: usize,
    /// How many of a thousand reads bring less than there is.
    pub short_reads_per_mille: u32,
    /// How many of a thousand writes take less than there is room for.
    pub short_writes_per_mille: u32,
    /// How many of a thousand readiness polls answer "ready" without cause.
    pub false_readiness_per_mille: u32,
    /// After this long an unanswered dial fails as timed out.
    pub dial_timeout: Duration,
    /// After this long without getting a byte through, a connection fails as timed out.
    pub retransmit_timeout: Duration,
    /// A resolver's answer takes up to this long.
    pub resolve_time: Duration,
    /// Connections a listener keeps until they are accepted; further dials are retried each second.
    pub backlog: usize,
}

impl Default for NetConfig {
    fn default() -> NetConfig {
        NetConfig {
            link: Link::default(),
            loopback: Link {
                latency: Duration::from_micros(10),
                jitter: Duration::from_micros(20),
                bandwidth: None,
            },
            window: 64 << 10,
            short_reads_per_mille: 100,
            short_writes_per_mille: 100,
            false_readiness_per_mille: 20,
            // What Linux comes to with its defaults: 6 retries of a dial, 15 of a segment.
            dial_timeout: Duration::from_secs(127),
            retransmit_timeout: Duration::from_secs(924),
            resolve_time: Duration::from_millis(5),
            backlog: 4096,
        }
    }
}

/// What the resolver says about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dns {
    /// These addresses, in this order.
    Addrs(Vec<IpAddr>),
    /// There is no such name.
    Missing,
    /// Nothing, ever: the resolver is out of reach.
    Silent,
}
