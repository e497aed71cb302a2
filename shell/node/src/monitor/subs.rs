//! Subscriptions for `/subsz` and `/connz`. The indexes are locked only while handles are taken out.

use std::sync::atomic::Ordering;

use gannet_broker::{Account, Sub};
use gannet_monitor::subsz::{self, IndexStats, Options, Snapshot};
use gannet_monitor::{ConnInfo, Response, SubInfo};
use gannet_subject::{Class, Entry};

use crate::shared::Shared;

/// The answer to `/subsz`: the figures are of this cluster's subscriptions, the list of this server's. What
/// other servers want is in `/routez`, what other clusters want in `/gatewayz`.
pub(super) fn respond(shared: &Shared, options: &Options) -> Response {
    let mut stats = IndexStats::default();
    let mut listed: Vec<(String, Vec<Sub>)> = Vec::new();
    for account in shared.broker.accounts() {
        if !options.wants_account(account.name()) {
            continue;
        }
        let mut figures = figures(&account);
        if options.names_account() {
            figures.subscriptions = local_and_routed(&account);
        }
        stats.add(&figures);
        if options.wants_list() {
            listed.push((account.to_name(), taken(&account, is_own)));
        }
    }
    if !options.names_account() {
        stats.subscriptions = stats
            .subscriptions
            .saturating_sub(of_other_clusters(shared));
    }
    let subs = listed
        .iter()
        .flat_map(|(account, subs)| subs.iter().map(|sub| info(account, sub)));
    subsz::respond(
        options,
        Snapshot {
            server_id: shared.id.clone(),
            now: shared.rt.wall(),
            stats,
            subs,
        },
    )
}

/// Subscriptions of this cluster, in all accounts.
pub(super) fn total(shared: &Shared) -> u64 {
    let all: u64 = shared
        .broker
        .accounts()
        .iter()
        .map(|account| account.stats().0.entries)
        .sum();
    all.saturating_sub(of_other_clusters(shared))
}

/// What other clusters want, in entries: the indexes hold that too.
fn of_other_clusters(shared: &Shared) -> u64 {
    let links = shared.broker.outbound();
    let facts = links
        .iter()
        .filter_map(|link| shared.links.get(link.peer().id()));
    facts
        .map(|facts| u64::from(facts.subscriptions.load(Ordering::Relaxed)))
        .sum()
}

/// Subscriptions of this cluster in one account, counted: an index does not tell whose its entries are.
fn local_and_routed(account: &Account) -> u64 {
    let mut count = 0;
    account.for_each_subscription(|sub| count += u64::from(sub.class() != Class::Gateway));
    count
}

fn figures(account: &Account) -> IndexStats {
    let (stats, looked_up) = account.stats();
    IndexStats {
        subscriptions: stats.entries,
        inserts: stats.inserts,
        removes: stats.removes,
        matches: looked_up,
        ..IndexStats::default()
    }
}

fn is_own(sub: &Sub) -> bool {
    sub.class() == Class::Local
}

/// Handles of an account's subscriptions that are `wanted`.
pub(super) fn taken(account: &Account, wanted: impl Fn(&Sub) -> bool) -> Vec<Sub> {
    let mut subs = Vec::new();
    account.for_each_subscription(|sub| {
        if wanted(sub) {
            subs.push(sub.clone());
        }
    });
    subs
}

/// Gives the connections of a page, ordered as they are, their subscriptions.
pub(super) fn fill(shared: &Shared, mut conns: Vec<&mut ConnInfo>) {
    conns.sort_unstable_by_key(|conn| conn.cid);
    let ids: Vec<_> = conns.iter().map(|conn| conn.cid).collect();
    if ids.is_empty() {
        return;
    }
    for account in shared.broker.accounts() {
        let name = account.name();
        for sub in taken(&account, |sub| {
            is_own(sub) && ids.binary_search(&sub.peer().id()).is_ok()
        }) {
            if let Ok(at) = ids.binary_search(&sub.peer().id()) {
                conns[at].subs.push(info(name, &sub));
            }
        }
    }
    for conn in conns {
        // The index has no order; pages should not change while nothing does.
        conn.subs
            .sort_by(|a, b| (a.sid.len(), &a.sid).cmp(&(b.sid.len(), &b.sid)));
    }
}

/// One subscription of a client.
pub(super) fn info(account: &str, sub: &Sub) -> SubInfo {
    SubInfo {
        account: account.to_owned(),
        subject: text(sub.subject()),
        queue: text(sub.queue().unwrap_or_default()),
        sid: text(sub.sid()),
        delivered: sub.delivered(),
        max: sub.max(),
        cid: sub.peer().id(),
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
