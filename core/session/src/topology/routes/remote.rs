//! One address that is dialled: for whom, how often, and when next.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use gannet_config::{LinkAuth, ServerUrl, split_host_port};
use gannet_units::Moment;
use gannet_wire::server_info::{GossipMode, ServerInfo};

use super::settings::Settings;
use crate::route::RouteId;
use crate::topology::chance::Chance;

/// Time between two attempts.
const DELAY: Duration = Duration::from_secs(1);
/// The same after the first one that fails at a configured address; it doubles from there.
const FIRST_DELAY: Duration = Duration::from_millis(50);
/// Longest time between two attempts at a configured address.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// Longest time between two attempts at any other.
const LONGEST_PROBE: Duration = Duration::from_secs(60);
/// Longest time between two attempts at the connection of an account, while others stand.
const LONGEST_ACCOUNT_DELAY: Duration = Duration::from_secs(10);
/// What is tried again at the same time as elsewhere is spread by up to so many milliseconds.
const JITTER_MS: u64 = 100;
/// Both sides may have dialled at once, and each closed the other's connection: tried again so many
/// times, within so many milliseconds.
const RACE: (u32, u64) = (4, 400);
/// A connection that did not last so long was none.
const SHORT_LIFE: Duration = Duration::from_secs(1);
/// Addresses kept that lead to this server itself.
const MOST_SELVES: usize = 16;
/// Longest `host:port` that is believed: a DNS name has at most 253 characters.
const LONGEST_ADDRESS: usize = 264;

/// What the attempts of a lane are for: the pool, or an account's own connection.
pub(super) type LaneKey = Option<String>;

/// Where we know an address from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is configured.
    Explicit,
    /// It was heard of, or its server dialled us.
    Implicit {
        /// How the news of it may spread.
        gossip: GossipMode,
        /// If it is not reached by then, it is forgotten.
        until: Moment,
    },
}

/// Attempts for one purpose, one at a time.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// The attempt under way, until its connection has proved good.
    pub(super) attempt: Option<RouteId>,
    /// No attempt before.
    pub(super) due: Moment,
    /// Attempts that failed in a row.
    pub(super) fails: u32,
    delay: Duration,
}

impl Lane {
    fn new(due: Moment) -> Lane {
        Lane {
            attempt: None,
            due,
            fails: 0,
            delay: DELAY,
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.attempt = None;
        self.fails = 0;
        self.delay = DELAY;
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Nobody there, or not for us.
    Hard,
    /// Registered, and closed at once: perhaps both sides dialled.
    Race,
}

/// One address that is dialled.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub(super) url: ServerUrl,
    pub(super) kind: Kind,
    /// Id of the server that was found there, or is expected there.
    pub(super) peer: Option<String>,
    /// It is this server itself.
    pub(super) is_self: bool,
    /// Of its IP addresses, those that lead to this server itself.
    pub(super) selves: Vec<SocketAddr>,
    /// Where the peer was found.
    pub(super) at: Option<SocketAddr>,
    /// A connection was made here.
    pub(super) was_reached: bool,
    pub(super) lanes: BTreeMap<LaneKey, Lane>,
}

impl Remote {
    pub(super) fn new(url: ServerUrl, kind: Kind, due: Moment) -> Remote {
        Remote {
            url,
            kind,
            peer: None,
            is_self: false,
            selves: Vec::new(),
            at: None,
            was_reached: false,
            lanes: [(None, Lane::new(due))].into(),
        }
    }

    pub(super) fn is_explicit(&self) -> bool {
        self.kind == Kind::Explicit
    }

    pub(super) fn gossip(&self) -> GossipMode {
        match self.kind {
            Kind::Explicit => GossipMode::Default,
            Kind::Implicit { gossip, .. } => gossip,
        }
    }

    /// Whether the peer that should be there is `server_id`.
    pub(super) fn leads_to(&self, server_id: &str) -> bool {
        self.peer.as_deref() == Some(server_id)
    }

    pub(super) fn lane(&mut self, key: &LaneKey, now: Moment) -> &mut Lane {
        self.lanes
            .entry(key.clone())
            .or_insert_with(|| Lane::new(now))
    }

    /// Nobody at an address that is not configured: when it is given up.
    pub(super) fn given_up_at(&self, retries: u32) -> Moment {
        let Kind::Implicit { until, .. } = self.kind else {
            return Moment::NEVER;
        };
        let pool = self.lanes.get(&None);
        match pool {
            Some(lane) if lane.attempt.is_some() || lane.fails <= retries => Moment::NEVER,
            _ => until,
        }
    }

    /// The peer is lost, or was told of again: it is looked for.
    pub(super) fn look_again(&mut self, now: Moment, memory: Duration) {
        if let Kind::Implicit { until, .. } = &mut self.kind {
            *until = now + memory;
        }
    }

    /// Its next attempt need not wait, but for a second after the last.
    pub(super) fn hasten(&mut self, now: Moment) {
        if let Some(lane) = self.lanes.get_mut(&None) {
            lane.due = lane.due.min(now + DELAY);
            if lane.fails == 0 {
                lane.due = lane.due.min(now);
            }
        }
    }

    /// The very address to dial for a connection to a peer that is connected: where it was found, but
    /// every other time the name is looked up anew.
    pub(super) fn very_address(&self, key: &LaneKey) -> Option<SocketAddr> {
        let fails = self.lanes.get(key).map_or(0, |lane| lane.fails);
        self.at.filter(|_| fails.is_multiple_of(2))
    }

    /// It was this server itself that answered at `at`.
    pub(super) fn found_self(&mut self, at: Option<SocketAddr>) {
        let is_literal = self.url.host.parse::<IpAddr>().is_ok();
        match at {
            Some(at) if !is_literal && self.selves.len() < MOST_SELVES => self.selves.push(at),
            _ => self.is_self = true,
        }
    }

    /// An attempt failed.
    pub(super) fn failed(
        &mut self,
        key: &LaneKey,
        how: Failed,
        now: Moment,
        settings: &Settings,
        chance: &mut Chance,
    ) {
        let is_explicit = self.is_explicit();
        let lane = self.lane(key, now);
        lane.attempt = None;
        lane.fails = lane.fails.saturating_add(1);
        let spread = |chance: &mut Chance, ms| Duration::from_millis(chance.below(ms));
        if how == Failed::Race && lane.fails <= RACE.0 {
            lane.due = now + spread(chance, RACE.1);
            return;
        }
        let soon = FIRST_DELAY.saturating_mul(1 << (lane.fails - 1).min(16));
        if is_explicit && key.is_none() && soon < DELAY {
            // Servers that are started together, or one that is started anew, are found at once.
            lane.due = now + soon + spread(chance, JITTER_MS / 10);
            return;
        }
        let longest = match (key, is_explicit) {
            (Some(_), _) => Some(LONGEST_ACCOUNT_DELAY),
            (None, false) if lane.fails > settings.connect_retries => Some(LONGEST_PROBE),
            (None, _) => settings.connect_backoff.then_some(LONGEST_DELAY),
        };
        lane.due = now + lane.delay + spread(chance, JITTER_MS);
        if let Some(longest) = longest {
            lane.delay = (lane.delay * 2).min(longest);
        }
    }

    /// A connection that had proved good is gone after `life`; one that the peer dialled is left to it
    /// for a while.
    pub(super) fn lost(
        &mut self,
        key: &LaneKey,
        was_dialled: bool,
        life: Duration,
        now: Moment,
        chance: &mut Chance,
    ) {
        let mut pause = Duration::from_millis(chance.below(JITTER_MS));
        if life < SHORT_LIFE || !was_dialled {
            pause += DELAY;
        }
        let lane = self.lane(key, now);
        lane.due = lane.due.max(now + pause);
    }
}

/// `host:port`, with brackets around an IPv6 address, in lower case: what an address is known by.
pub(super) fn address_of(url: &ServerUrl) -> String {
    address(&url.host, url.port)
}

fn address(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Where a server says that it listens, in the two ways in which that may be configured.
pub(super) fn told_addresses(info: &ServerInfo) -> Vec<String> {
    let port = u16::try_from(info.port).ok().filter(|port| *port != 0);
    let mut told: Vec<String> = port
        .map(|port| address(&info.host, port))
        .into_iter()
        .collect();
    if let (Some(url), Some(port)) = (reachable_at(info), port) {
        told.push(address(&url.host, port));
        told.push(address_of(&url));
    }
    told
}

/// Where others can dial the server, according to its `ip`.
pub(super) fn reachable_at(info: &ServerInfo) -> Option<ServerUrl> {
    let (scheme, rest) = info.ip.split_once("://")?;
    let text = rest.trim_end_matches('/');
    if text.len() > LONGEST_ADDRESS {
        return None;
    }
    let (host, port) = split_host_port(text)?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let is_name =
        |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '?' | '#' | '"' | '\\');
    if host.is_empty() || !host.chars().all(is_name) || scheme.len() > 16 {
        return None;
    }
    Some(ServerUrl {
        scheme: scheme.to_ascii_lowercase(),
        user: None,
        password: None,
        host: host.to_string(),
        port,
    })
}

/// The same, with our credentials if the server asks for some.
pub(super) fn heard_url(info: &ServerInfo, auth: &LinkAuth) -> Option<ServerUrl> {
    let url = reachable_at(info)?;
    if !info.auth_required {
        return Some(url);
    }
    Some(ServerUrl {
        user: auth.user.clone(),
        password: Some(auth.password.clone()),
        ..url
    })
}
