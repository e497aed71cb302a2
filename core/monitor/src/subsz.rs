//! `/subsz` and its old name `/subscriptionsz`: figures of the subscription indexes, and their
//! content page by page.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_units::WallTime;
use serde::Serialize;

use crate::json::{float, time};
use crate::query::{BadValue, Query, Window};
use crate::response::Response;
use crate::sub::{Detail, SubInfo};

/// What is asked of `/subsz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    list: bool,
    window: Window,
    account: String,
    test: String,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Options, BadValue> {
        let list = query.flag("subs")?;
        let window = Window::parse(query)?;
        let test = query.text("test");
        // Spaces are let through, as the reference does: nothing matches them.
        let wild = |token: &[u8]| matches!(token, b"" | b"*" | b">");
        if !test.is_empty() && gannet_subject::tokens(test.as_bytes()).any(wild) {
            return Err(BadValue(format!(
                "invalid test subject, must be valid publish subject: {test}"
            )));
        }
        Ok(Options {
            list,
            window,
            account: query.text("acc").to_string(),
            test: test.to_string(),
        })
    }

    /// Whether the subscriptions themselves have to be gathered, not only the figures.
    pub fn wants_list(&self) -> bool {
        self.list
    }

    /// Whether just one account is asked about.
    pub fn names_account(&self) -> bool {
        !self.account.is_empty()
    }

    /// Whether the index of `account` takes part.
    pub fn wants_account(&self, account: &str) -> bool {
        self.account.is_empty() || self.account == account
    }
}

/// Figures of one account's index, added up over accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexStats {
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Cached match results now.
    pub cache_entries: u64,
    /// Subscriptions ever added.
    pub inserts: u64,
    /// Subscriptions ever removed.
    pub removes: u64,
    /// Look-ups.
    pub matches: u64,
    /// Look-ups that the cache answered.
    pub cache_hits: u64,
    /// Most receivers of one cached subject.
    pub max_fanout: u64,
    /// Receivers of all cached subjects together.
    pub total_fanout: u64,
}

impl IndexStats {
    /// Adds another account's figures.
    pub fn add(&mut self, other: &IndexStats) {
        self.subscriptions += other.subscriptions;
        self.cache_entries += other.cache_entries;
        self.inserts += other.inserts;
        self.removes += other.removes;
        self.matches += other.matches;
        self.cache_hits += other.cache_hits;
        self.max_fanout = self.max_fanout.max(other.max_fanout);
        self.total_fanout += other.total_fanout;
    }
}

/// What the caller gathered. The subscriptions come one by one, so that only a page of them is
/// ever held: their order is the caller's, and should not change while nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<I> {
    /// This server's id.
    pub server_id: String,
    /// When this was gathered.
    pub now: WallTime,
    /// The figures of every account that [`Options::wants_account`], added up.
    pub stats: IndexStats,
    /// The subscriptions of these accounts if [`Options::wants_list`], else nothing.
    pub subs: I,
}

/// The answer.
pub fn respond<I: IntoIterator<Item = SubInfo>>(
    options: &Options,
    snapshot: Snapshot<I>,
) -> Response {
    let tested = |sub: &SubInfo| {
        options.test.is_empty()
            || gannet_subject::matches(sub.subject.as_bytes(), options.test.as_bytes())
    };
    let (skip, take) = (options.window.skip(), options.window.take());
    let mut total = 0;
    let mut shown = Vec::new();
    if options.list {
        for sub in snapshot.subs.into_iter().filter(tested) {
            if total >= skip && shown.len() < take {
                shown.push(sub);
            }
            total += 1;
        }
    }
    let stats = &snapshot.stats;
    Response::json(&Subsz {
        server_id: &snapshot.server_id,
        now: snapshot.now,
        num_subscriptions: stats.subscriptions,
        num_cache: stats.cache_entries,
        num_inserts: stats.inserts,
        num_removes: stats.removes,
        num_matches: stats.matches,
        cache_hit_rate: ratio(stats.cache_hits, stats.matches),
        max_fanout: stats.max_fanout,
        avg_fanout: ratio(stats.total_fanout, stats.cache_entries),
        total,
        offset: options.window.offset,
        limit: options.window.limit,
        subscriptions_list: shown.iter().map(SubInfo::detail_with_account).collect(),
    })
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[derive(Serialize)]
struct Subsz<'a> {
    server_id: &'a str,
    #[serde(serialize_with = "time")]
    now: WallTime,
    num_subscriptions: u64,
    num_cache: u64,
    num_inserts: u64,
    num_removes: u64,
    num_matches: u64,
    #[serde(serialize_with = "float")]
    cache_hit_rate: f64,
    max_fanout: u64,
    #[serde(serialize_with = "float")]
    avg_fanout: f64,
    total: usize,
    offset: u64,
    limit: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<Detail<'a>>,
}
