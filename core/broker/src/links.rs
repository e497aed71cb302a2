//! Links to other clusters as delivery sees them. Not here: their conversation
//! (`gannet_session::gateway`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use gannet_subject::matches;
use gannet_wire::reply_prefix::{Hash, hash};
use parking_lot::Mutex;

use crate::broker::ACCOUNTS_MOST;
use crate::peer::Peer;

/// How a link decides whether to send a message that the remote cluster has not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterestMode {
    /// Everything is sent that the remote has not refused (servers before 2.9).
    Optimistic,
    /// The remote is sending its interest; until it is complete, still everything not refused is sent.
    Transitioning,
    /// Only what was asked for is sent.
    InterestOnly,
}

/// Subjects refused in optimistic mode that are remembered per account; the reference server switches
/// to interest-only at the same number.
const REFUSED_MOST: usize = 1000;

/// One account on a link to an old peer.
#[derive(Debug)]
struct Optimistic {
    mode: InterestMode,
    /// The remote has no interest at all in the account.
    refused_all: bool,
    refused: BTreeSet<Box<[u8]>>,
}

/// The connection that we dialled to another cluster: messages leave by it.
#[derive(Debug)]
pub struct OutboundLink {
    peer: Arc<Peer>,
    name: String,
    /// The remote's mark in mapped replies.
    hash: Hash,
    rtt_nanos: AtomicU64,
    /// `None` where the remote is known to switch every account to interest-only at once.
    optimistic: Option<Mutex<BTreeMap<Box<[u8]>, Optimistic>>>,
    /// Accounts whose interest the remote has announced, as monitoring shows them.
    told: Mutex<BTreeSet<Box<[u8]>>>,
}

/// What is known of the remote when the link is registered.
#[derive(Clone, Debug)]
pub struct LinkTraits {
    /// The remote cluster's name.
    pub name: String,
    /// It takes headers.
    pub headers: bool,
    /// It switches every account to interest-only (`gateway_iom`).
    pub interest_only: bool,
}

impl OutboundLink {
    /// A link over `peer`.
    pub fn new(peer: Arc<Peer>, traits: LinkTraits) -> OutboundLink {
        peer.set_headers(traits.headers);
        OutboundLink {
            peer,
            hash: hash(&traits.name),
            name: traits.name,
            rtt_nanos: AtomicU64::new(u64::MAX),
            optimistic: (!traits.interest_only).then(|| Mutex::new(BTreeMap::new())),
            told: Mutex::new(BTreeSet::new()),
        }
    }

    /// The connection.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// The remote cluster's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Round-trip time measured last; `None` before the first answer.
    pub fn rtt(&self) -> Option<Duration> {
        let nanos = self.rtt_nanos.load(Ordering::Relaxed);
        (nanos != u64::MAX).then(|| Duration::from_nanos(nanos))
    }

    pub(crate) fn rtt_nanos(&self) -> u64 {
        self.rtt_nanos.load(Ordering::Relaxed)
    }

    pub(crate) fn set_rtt(&self, rtt: Duration) {
        self.rtt_nanos.store(
            u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX - 1),
            Ordering::Relaxed,
        );
    }

    /// Whether a mapped reply with this mark belongs to the remote cluster.
    pub(crate) fn is_marked(&self, mark: &[u8]) -> bool {
        *mark == self.hash
    }

    /// The mode for one account.
    pub fn mode(&self, account: &[u8]) -> InterestMode {
        match &self.optimistic {
            None => InterestMode::InterestOnly,
            Some(accounts) => accounts
                .lock()
                .get(account)
                .map_or(InterestMode::Optimistic, |a| a.mode),
        }
    }

    /// How many subjects of the account the remote has refused.
    pub fn refused(&self, account: &[u8]) -> usize {
        let accounts = self.optimistic.as_ref().map(Mutex::lock);
        accounts
            .and_then(|a| a.get(account).map(|a| a.refused.len()))
            .unwrap_or(0)
    }

    /// Whether a message on `subject` is sent even if no interest in it is known.
    pub(crate) fn sends_without_interest(&self, account: &[u8], subject: &[u8]) -> bool {
        let Some(accounts) = &self.optimistic else {
            return false;
        };
        let accounts = accounts.lock();
        match accounts.get(account) {
            None => true,
            Some(a) => {
                a.mode != InterestMode::InterestOnly
                    && !a.refused_all
                    && !a.refused.contains(subject)
            }
        }
    }

    fn with_account(&self, account: &[u8], change: impl FnOnce(&mut Optimistic)) {
        let Some(accounts) = &self.optimistic else {
            return;
        };
        let mut accounts = accounts.lock();
        let state = accounts
            .entry(account.into())
            .or_insert_with(|| Optimistic {
                mode: InterestMode::Optimistic,
                refused_all: false,
                refused: BTreeSet::new(),
            });
        change(state);
    }

    /// The remote begins to send the account's interest (`gateway_cmd` 2).
    pub(crate) fn begin_switch(&self, account: &[u8]) {
        let mut told = self.told.lock();
        if told.len() < ACCOUNTS_MOST {
            told.insert(account.into());
        }
        drop(told);
        self.with_account(account, |a| a.mode = InterestMode::Transitioning);
    }

    /// The remote has sent all of the account's interest (`gateway_cmd` 3).
    pub(crate) fn complete_switch(&self, account: &[u8]) {
        self.with_account(account, |a| {
            a.mode = InterestMode::InterestOnly;
            a.refused_all = false;
            a.refused = BTreeSet::new();
        });
    }

    /// The remote has no subscription in the account (`A-`), or has one again (`A+`).
    pub(crate) fn refuse_account(&self, account: &[u8], refused: bool) {
        self.with_account(account, |a| a.refused_all = refused);
    }

    /// The remote does not want a subject it was sent (`RS-`).
    pub(crate) fn refuse_subject(&self, account: &[u8], subject: &[u8]) {
        self.with_account(account, |a| {
            if a.mode != InterestMode::InterestOnly && a.refused.len() < REFUSED_MOST {
                a.refused.insert(subject.into());
            }
        });
    }

    /// The remote wants a subject or pattern again (`RS+`).
    pub(crate) fn allow_subject(&self, account: &[u8], pattern: &[u8]) {
        self.with_account(account, |a| {
            a.refused_all = false;
            a.refused.retain(|subject| !matches(pattern, subject));
        });
    }

    /// Accounts that the remote has told about, other than by their interest.
    pub fn accounts(&self) -> BTreeSet<Box<[u8]>> {
        let mut accounts = self.told.lock().clone();
        if let Some(optimistic) = &self.optimistic {
            accounts.extend(optimistic.lock().keys().cloned());
        }
        accounts
    }
}

/// The connection that another cluster dialled to us: interest leaves by it.
#[derive(Debug)]
pub struct InboundLink {
    /// The connection.
    pub peer: Arc<Peer>,
    /// The remote cluster's name.
    pub name: String,
}
