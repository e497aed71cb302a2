//! What one client may use, and when it is given up.

use core::time::Duration;

use gannet_units::ByteCount;

/// What one client may use, and when it is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `max_connections`: clients at a time; 0 refuses every client.
    pub max_connections: u32,
    /// `max_subscriptions` of one client; any number if there is none.
    pub max_subscriptions: Option<u32>,
    /// `max_sub_tokens`: tokens of one subscription's subject; any number if there is none.
    pub max_subscription_tokens: Option<u8>,
    /// `max_control_line`: bytes of one protocol line.
    pub max_control_line: ByteCount,
    /// `max_payload`: bytes of one message, headers included; `None` (`-1`) sets no limit.
    pub max_payload: Option<ByteCount>,
    /// `max_pending`: bytes waiting for one connection before it counts as a slow consumer.
    pub max_pending: ByteCount,
    /// `ping_interval`: the time between two signs of life.
    pub ping_interval: Duration,
    /// `ping_max`: how many pings may stay unanswered.
    pub ping_max: u32,
    /// `write_deadline`: how long one write to a connection may take.
    pub write_deadline: Duration,
    /// `write_timeout`: what happens when it takes longer.
    pub write_timeout: WriteTimeout,
    /// `no_header_support`: messages cannot carry headers.
    pub no_headers: bool,
    /// `no_fast_producer_stall`: publishers are never slowed down for a slow subscriber.
    pub no_fast_producer_stall: bool,
    /// `disable_sublist_cache`: match results are not remembered.
    pub no_match_cache: bool,
    /// `max_closed_clients`: how many closed connections monitoring remembers.
    pub max_closed_clients: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 64 * 1024,
            max_subscriptions: None,
            max_subscription_tokens: None,
            max_control_line: ByteCount::kib(4),
            max_payload: Some(ByteCount::mib(1)),
            max_pending: ByteCount::mib(64),
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            write_timeout: WriteTimeout::Default,
            no_headers: false,
            no_fast_producer_stall: false,
            no_match_cache: false,
            max_closed_clients: 10_000,
        }
    }
}

/// What happens to a connection whose write takes longer than its deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteTimeout {
    /// Clients are closed, links to servers retried.
    #[default]
    Default,
    /// The connection is closed.
    Close,
    /// The rest is written later.
    Retry,
}
