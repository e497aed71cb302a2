//! What `/gatewayz` needs: links to and from other clusters, and the interest that came over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_broker::{Account, Sub};
use gannet_monitor::gatewayz::{Interest, InterestMode, Link, Local, Options, Snapshot};
use gannet_monitor::{ConnKind, Response, SubInfo, gatewayz};
use gannet_subject::{Class, Entry};
use gannet_units::ConnId;

use super::link::conn;
use super::subs;
use crate::shared::Shared;

/// The answer.
pub(super) fn respond(shared: &Shared, options: &Options) -> Response {
    let snapshot = Snapshot {
        server_id: shared.id.clone(),
        now: shared.rt.wall(),
        local: local(shared),
        outbound: outbound(shared, options),
        inbound: inbound(shared, options),
    };
    gatewayz::respond(options, &snapshot)
}

fn local(shared: &Shared) -> Option<Local> {
    let options = shared.options();
    let gateway = options.gateway.as_ref()?;
    let (host, port) = shared.mesh.get()?.advertised.clone();
    Some(Local {
        name: gateway.name.clone(),
        host,
        port,
    })
}

fn outbound(shared: &Shared, options: &Options) -> Vec<Link> {
    let links = shared.broker.outbound();
    let links: Vec<_> = links
        .iter()
        .filter(|link| options.wants_gateway(link.name()))
        .collect();
    let mut interest = interest(
        shared,
        options,
        &links
            .iter()
            .map(|link| link.peer().id())
            .collect::<Vec<_>>(),
    );
    let view = |link: &&Arc<gannet_broker::OutboundLink>| {
        let peer = link.peer();
        let facts = shared.links.get(peer.id())?;
        let mut known = interest.remove(&peer.id()).unwrap_or_default();
        for account in link.accounts() {
            let name = subs::text(&account);
            if options.wants_account(&name) {
                let entry = known.entry(name).or_default();
                entry.mode = mode(link.mode(&account));
                entry.no_interest = link.refused(&account) as u64;
            }
        }
        Some(Link {
            gateway: link.name().to_owned(),
            configured: facts.configured,
            conn: conn(ConnKind::Gateway, peer, &facts),
            accounts: named(known),
        })
    };
    links.iter().filter_map(view).collect()
}

fn inbound(shared: &Shared, options: &Options) -> Vec<Link> {
    let accounts: Vec<_> = shared.broker.accounts();
    let view = |link: Arc<gannet_broker::InboundLink>| {
        let facts = shared.links.get(link.peer.id())?;
        // Whoever dials us gets all of our interest at once, in every account.
        let interest = |account: &Arc<Account>| Interest {
            account: account.to_name(),
            mode: InterestMode::InterestOnly,
            ..Interest::default()
        };
        let wanted = accounts
            .iter()
            .filter(|account| options.wants_account(account.name()));
        Some(Link {
            gateway: link.name.clone(),
            configured: false,
            conn: conn(ConnKind::Gateway, &link.peer, &facts),
            accounts: wanted.map(interest).collect(),
        })
    };
    let links = shared.broker.inbound().into_iter();
    links
        .filter(|link| options.wants_gateway(&link.name))
        .filter_map(view)
        .collect()
}

type ByAccount = BTreeMap<String, Interest>;

fn named(known: ByAccount) -> Vec<Interest> {
    let interest = |(account, mut interest): (String, Interest)| {
        // The index has no order; pages should not change while nothing does.
        interest
            .subs
            .sort_by(|a, b| (&a.subject, &a.queue).cmp(&(&b.subject, &b.queue)));
        Interest {
            account,
            ..interest
        }
    };
    known.into_iter().map(interest).collect()
}

/// The interest that came over `links`, by link and account: those accounts of which there is any.
fn interest(shared: &Shared, options: &Options, links: &[ConnId]) -> BTreeMap<ConnId, ByAccount> {
    let mut found: BTreeMap<ConnId, ByAccount> =
        links.iter().map(|id| (*id, ByAccount::new())).collect();
    for account in shared.broker.accounts() {
        if !options.wants_account(account.name()) {
            continue;
        }
        for sub in subs::taken(&account, |sub| sub.class() == Class::Gateway) {
            if let Some(of_link) = found.get_mut(&sub.peer().id()) {
                let entry = of_link.entry(account.to_name()).or_insert(Interest {
                    mode: InterestMode::InterestOnly,
                    ..Interest::default()
                });
                note(entry, &sub, options.wants_subscriptions());
            }
        }
    }
    found
}

fn note(entry: &mut Interest, sub: &Sub, listed: bool) {
    entry.num_subs += 1;
    entry.num_queue_subs += u64::from(sub.queue().is_some());
    if listed {
        entry.subs.push(SubInfo {
            subject: subs::text(sub.subject()),
            queue: subs::text(sub.queue().unwrap_or_default()),
            delivered: sub.delivered(),
            cid: sub.peer().id(),
            ..SubInfo::default()
        });
    }
}

fn mode(mode: gannet_broker::InterestMode) -> InterestMode {
    match mode {
        gannet_broker::InterestMode::Optimistic => InterestMode::Optimistic,
        gannet_broker::InterestMode::Transitioning => InterestMode::Transitioning,
        gannet_broker::InterestMode::InterestOnly => InterestMode::InterestOnly,
    }
}
