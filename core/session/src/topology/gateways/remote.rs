//! One remote cluster: its addresses, the attempts at them, and its link.

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{GatewayUrl, split_host_port};
use gannet_units::Moment;

use super::Settings;
use super::output::{Dial, DialId};
use crate::topology::ServerNames;
use crate::topology::chance::Chance;

/// Time between two rounds.
const DELAY: Duration = Duration::from_secs(1);
/// The same after the very first round; it doubles from there.
const FIRST_DELAY: Duration = Duration::from_millis(50);
/// Longest time between two rounds.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// After a link was lost, and between rounds, up to so many milliseconds more.
const JITTER_MS: u64 = 100;
/// How long a silent address keeps the next one waiting.
const SILENCE: Duration = Duration::from_millis(250);
/// A link that did not last so long was none: the next round waits its turn.
const SHORT_LIFE: Duration = Duration::from_secs(1);
/// Addresses kept per remote; others heard of are ignored.
const MOST_ADDRESSES: usize = 128;
/// Longest `host:port` that is believed: a DNS name has at most 253 characters.
const LONGEST_ADDRESS: usize = 264;

/// Time after the first rounds at a remote that may be just about to start; `None` once it is no longer
/// likely.
fn soon_after(round: u32) -> Option<Duration> {
    let soon = FIRST_DELAY.checked_mul(1 << round.saturating_sub(1).min(16))?;
    (soon < DELAY).then_some(soon)
}

/// How the last attempt at an address ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It led to a link.
    Worked,
    /// There was none.
    Untried,
    /// Another address was faster.
    Slow,
    /// It failed, so many times in a row.
    Failed(u32),
}

impl Outcome {
    /// Lower is tried earlier.
    fn rank(self) -> u32 {
        match self {
            Outcome::Worked => 0,
            Outcome::Untried => 1,
            Outcome::Slow => 2,
            Outcome::Failed(_) => 3,
        }
    }
}

#[derive(Clone, Debug)]
struct Address {
    url: GatewayUrl,
    outcome: Outcome,
    /// The remote's servers do not name it any more. It is told to nobody, and tried after all others: whoever took it
    /// back may have lost sight of its neighbour, and be gone itself the next moment.
    is_taken_back: bool,
}

/// What is done about the remote.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// The next round starts then.
    Waiting { until: Moment },
    /// These addresses are still to be tried in this round, the next one then.
    Trying {
        queue: VecDeque<String>,
        next: Moment,
    },
    /// It is linked, since then.
    Linked {
        id: DialId,
        address: String,
        since: Moment,
    },
}

#[derive(Clone, Debug)]
struct Attempt {
    address: String,
    started: Moment,
}

/// One remote cluster.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    configured: Vec<GatewayUrl>,
    was_configured: bool,
    addresses: BTreeMap<String, Address>,
    /// Of the addresses, those that everybody linked to us has been told.
    told: BTreeSet<String>,
    pub(super) server_names: ServerNames,
    phase: Phase,
    attempts: BTreeMap<DialId, Attempt>,
    round: u32,
    round_started: Moment,
    delay: Duration,
    /// There was a link before.
    had_link: bool,
}

impl Remote {
    pub(super) fn configured(urls: &[GatewayUrl], now: Moment) -> Remote {
        let mut remote = Remote::heard_of(now);
        remote.configured = urls.to_vec();
        remote.add_configured();
        remote
    }

    /// The configuration names these addresses from now on. Answers whether that changes anything.
    pub(super) fn configure(&mut self, urls: &[GatewayUrl]) -> bool {
        if self.configured == urls {
            return false;
        }
        for url in core::mem::replace(&mut self.configured, urls.to_vec()) {
            if !urls.contains(&url) {
                self.addresses.remove(&address_of(&url));
            }
        }
        self.add_configured();
        true
    }

    /// The configuration does not name it any more.
    pub(super) fn unconfigure(&mut self) {
        self.was_configured |= self.is_configured();
        self.configured.clear();
    }

    /// It was configured before, and is not now.
    pub(super) fn was_configured(&self) -> bool {
        self.was_configured && !self.is_configured()
    }

    pub(super) fn heard_of(now: Moment) -> Remote {
        Remote {
            configured: Vec::new(),
            was_configured: false,
            addresses: BTreeMap::new(),
            told: BTreeSet::new(),
            server_names: ServerNames::default(),
            phase: Phase::Waiting { until: now },
            attempts: BTreeMap::new(),
            round: 0,
            round_started: now,
            delay: DELAY,
            had_link: false,
        }
    }

    pub(super) fn is_configured(&self) -> bool {
        !self.configured.is_empty()
    }

    pub(super) fn phase(&self) -> &Phase {
        &self.phase
    }

    pub(super) fn link(&self) -> Option<DialId> {
        match self.phase {
            Phase::Linked { id, .. } => Some(id),
            _ => None,
        }
    }

    pub(super) fn is_linked(&self) -> bool {
        self.link().is_some()
    }

    pub(super) fn is_link(&self, id: DialId) -> bool {
        self.link() == Some(id)
    }

    /// The addresses that count, with how the last attempt there ended; not those that were taken back.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&str, Outcome)> {
        let current = self.addresses.iter().filter(|(_, a)| !a.is_taken_back);
        current.map(|(address, a)| (address.as_str(), a.outcome))
    }

    pub(super) fn next_deadline(&self, attempt_limit: Duration) -> Moment {
        let phase = match self.phase {
            Phase::Waiting { until } => until,
            Phase::Trying { next, .. } => next,
            Phase::Linked { .. } => Moment::NEVER,
        };
        let attempts = self
            .attempts
            .values()
            .map(|attempt| attempt.started + attempt_limit);
        attempts.fold(phase, Moment::min)
    }

    /// Whether every round that it has was made, without success: to be forgotten, unless wanted.
    pub(super) fn has_failed(&self, settings: &Settings) -> bool {
        let waits = matches!(self.phase, Phase::Waiting { .. });
        waits && self.attempts.is_empty() && self.round > settings.connect_retries
    }

    /// Adds what is not there yet. Answers whether there was any such address.
    pub(super) fn add_addresses(&mut self, heard: &[String]) -> bool {
        let mut has_news = false;
        for url in heard.iter().filter_map(|text| parse_address(text)) {
            has_news |= (self.has(&url) || self.has_room()) && self.add(url);
        }
        has_news
    }

    /// The addresses that nobody has been told yet; from now on they have.
    pub(super) fn untold(&mut self) -> Vec<String> {
        let addresses: BTreeSet<String> = self
            .addresses()
            .map(|(address, _)| address.into())
            .collect();
        let news = addresses.difference(&self.told).cloned().collect();
        self.told = addresses;
        news
    }

    /// Keeps the configured addresses and those in `heard`, and takes the others back; does nothing if there is none
    /// in it.
    pub(super) fn replace_addresses(&mut self, heard: &[String]) {
        let fresh: Vec<GatewayUrl> = heard
            .iter()
            .filter_map(|text| parse_address(text))
            .take(MOST_ADDRESSES)
            .collect();
        if fresh.is_empty() {
            return;
        }
        for address in self.addresses.values_mut() {
            address.is_taken_back = true;
        }
        self.add_configured();
        let (known, new): (Vec<_>, Vec<_>) = fresh.into_iter().partition(|url| self.has(url));
        for url in known {
            self.add(url);
        }
        for url in new {
            if self.has_room() {
                self.add(url);
            }
        }
    }

    fn has(&self, url: &GatewayUrl) -> bool {
        self.addresses.contains_key(&address_of(url))
    }

    /// Whether one more address may be added. One that was taken back makes way.
    fn has_room(&mut self) -> bool {
        if self.addresses.len() < MOST_ADDRESSES {
            return true;
        }
        let mut addresses = self.addresses.iter();
        let gone = addresses.find(|(_, address)| address.is_taken_back);
        let gone = gone.map(|(text, _)| text.clone());
        gone.is_some_and(|gone| self.addresses.remove(&gone).is_some())
    }

    fn add_configured(&mut self) {
        for url in self.configured.clone() {
            self.add(url);
        }
    }

    /// Adds an address. Answers whether it was not there, or taken back.
    fn add(&mut self, url: GatewayUrl) -> bool {
        match self.addresses.entry(address_of(&url)) {
            Entry::Vacant(place) => {
                self.server_names.learn(&url.host);
                place.insert(Address {
                    url,
                    outcome: Outcome::Untried,
                    is_taken_back: false,
                });
                true
            }
            Entry::Occupied(mut known) => core::mem::take(&mut known.get_mut().is_taken_back),
        }
    }

    /// There is reason to believe that it can be reached: the next round starts at once, or `shortest`
    /// after the last.
    pub(super) fn hasten(&mut self, now: Moment, shortest: Duration) {
        if let Phase::Waiting { until } = &mut self.phase {
            *until = (*until).min(now.max(self.round_started + shortest));
        }
    }

    /// There is a new address: failures at the others don't count against it.
    pub(super) fn start_over(&mut self) {
        self.round = 0;
    }

    /// Starts a round of all addresses that no attempt is under way at; waits on if there are none.
    pub(super) fn start_round(&mut self, now: Moment, chance: &mut Chance) {
        let busy = |address: &String| {
            self.attempts
                .values()
                .any(|attempt| attempt.address == *address)
        };
        let mut order: Vec<((bool, u32), String)> = self
            .addresses
            .iter()
            .filter(|(address, _)| !busy(address))
            .map(|(address, a)| ((a.is_taken_back, a.outcome.rank()), address.clone()))
            .collect();
        self.round_started = now;
        if order.is_empty() {
            // Not a round: it neither counts nor makes the next one wait longer.
            self.phase = Phase::Waiting { until: now + DELAY };
            return;
        }
        chance.shuffle(&mut order);
        order.sort_by_key(|(rank, _)| *rank);
        self.round = self.round.saturating_add(1);
        let queue = order.into_iter().map(|(_, address)| address).collect();
        self.phase = Phase::Trying { queue, next: now };
    }

    /// Takes the next address of the round; after the last one, the wait for the next round begins.
    pub(super) fn next_dial(
        &mut self,
        name: &str,
        id: DialId,
        now: Moment,
        settings: &Settings,
        chance: &mut Chance,
    ) -> Option<Dial> {
        let Phase::Trying { queue, next } = &mut self.phase else {
            return None;
        };
        // An address may have been forgotten since the round started.
        while queue
            .front()
            .is_some_and(|address| !self.addresses.contains_key(address))
        {
            queue.pop_front();
        }
        let address = queue.pop_front();
        *next = now + SILENCE;
        if queue.is_empty() {
            let until = now + self.pause(settings, chance);
            self.phase = Phase::Waiting { until };
        }
        let address = address?;
        let url = self.addresses.get(&address)?.url.clone();
        self.attempts.insert(
            id,
            Attempt {
                address,
                started: now,
            },
        );
        Some(Dial {
            id,
            remote: name.to_string(),
            server_name: self.server_names.name_for(&url.host),
            url,
            is_configured: self.is_configured(),
            attempt: self.round,
            is_reported: self.is_reported(settings),
        })
    }

    fn is_reported(&self, settings: &Settings) -> bool {
        let every = if self.had_link {
            settings.reconnect_error_reports
        } else {
            settings.connect_error_reports
        };
        self.round == 1 || self.round.is_multiple_of(every.max(1))
    }

    /// Time to the next round; grows if it should.
    fn pause(&mut self, settings: &Settings, chance: &mut Chance) -> Duration {
        let jitter = Duration::from_millis(chance.below(JITTER_MS));
        if self.is_configured()
            && !self.had_link
            && let Some(soon) = soon_after(self.round)
        {
            // Servers that are started together find each other at once.
            return soon + jitter / 10;
        }
        let pause = self.delay + jitter;
        if settings.connect_backoff {
            self.delay = (self.delay * 2).min(LONGEST_DELAY);
        }
        pause
    }

    /// Attempts that nobody has reported on for `limit`.
    pub(super) fn overdue(&self, now: Moment, limit: Duration) -> Vec<DialId> {
        let overdue = self
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.started + limit <= now);
        overdue.map(|(id, _)| *id).collect()
    }

    /// An attempt failed: the next address need not wait.
    pub(super) fn failed(&mut self, id: DialId, now: Moment) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        if let Some(address) = self.addresses.get_mut(&attempt.address) {
            address.outcome = match address.outcome {
                Outcome::Failed(times) => Outcome::Failed(times.saturating_add(1)),
                _ => Outcome::Failed(1),
            };
        }
        if let Phase::Trying { next, .. } = &mut self.phase {
            *next = now;
        }
    }

    /// An attempt led to a link. Answers the other ones, which are not needed any more.
    pub(super) fn linked(&mut self, id: DialId, now: Moment) -> Vec<DialId> {
        let winner = self
            .attempts
            .remove(&id)
            .map(|attempt| attempt.address)
            .unwrap_or_default();
        self.judge(&winner, Outcome::Worked);
        let losers = core::mem::take(&mut self.attempts);
        for loser in losers.values() {
            self.judge(&loser.address, Outcome::Slow);
        }
        self.phase = Phase::Linked {
            id,
            address: winner,
            since: now,
        };
        self.had_link = true;
        self.round = 0;
        losers.into_keys().collect()
    }

    fn judge(&mut self, address: &str, outcome: Outcome) {
        if let Some(address) = self.addresses.get_mut(address) {
            address.outcome = outcome;
        }
    }

    /// The link is gone.
    pub(super) fn lost(&mut self, now: Moment, settings: &Settings, chance: &mut Chance) {
        let Phase::Linked { address, since, .. } = &self.phase else {
            return;
        };
        let address = address.clone();
        let pause = if now.since(*since) < SHORT_LIFE {
            // A peer that takes us and throws us out again is no success.
            self.judge(&address, Outcome::Failed(1));
            self.pause(settings, chance)
        } else {
            self.delay = DELAY;
            let jitter = Duration::from_millis(chance.below(JITTER_MS));
            if self.is_configured() {
                DELAY + jitter
            } else {
                jitter
            }
        };
        self.phase = Phase::Waiting { until: now + pause };
    }
}

/// `host:port`, with brackets around an IPv6 address: what an address is known by.
pub(super) fn address_of(url: &GatewayUrl) -> String {
    let GatewayUrl { host, port, .. } = url;
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Reads an address as servers tell it to each other.
fn parse_address(text: &str) -> Option<GatewayUrl> {
    if text.len() > LONGEST_ADDRESS {
        return None;
    }
    let (host, port) = split_host_port(text)?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let is_name =
        |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '?' | '#' | '"' | '\\');
    if host.is_empty() || !host.chars().all(is_name) {
        return None;
    }
    let scheme = "nats".to_string();
    Some(GatewayUrl {
        scheme,
        user: None,
        password: None,
        host: host.to_string(),
        port,
    })
}
