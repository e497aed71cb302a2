//! Changes of the configuration while the cluster runs.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use gannet_wire::route::pool_index;
use gannet_wire::server_info::ServerInfo;

use super::super::Settings;
use super::super::{Change, Dial, Share};
use super::harness::{Harness, S, info, settings, url};
use crate::route::{News, Place, Refusal, RouteId};

fn change(hosts: &[&str], pool_size: Option<u32>, pinned: &[&str]) -> Change {
    let pinned: BTreeSet<String> = pinned.iter().map(ToString::to_string).collect();
    Change {
        routes: hosts.iter().map(|host| url(host)).collect(),
        pool_size,
        pinned,
    }
}

fn reload(harness: &mut Harness, change: &Change) {
    let update = Bytes::from_static(b"INFO {\"server_id\":\"N5\"} \r\n");
    harness
        .routes
        .reload(change, &update, harness.now, &mut harness.out);
}

#[test]
fn clu_26_addresses_come_and_go() {
    let mut harness = Harness::new(settings(), &["h1", "h2"]);
    let dials = harness.dials();
    harness.reach(&dials[0], 1);
    harness.wanted();
    reload(&mut harness, &change(&["h3"], Some(2), &["$SYS"]));
    assert_eq!(
        harness.wanted(),
        [
            format!("close {}: Route Removed", dials[0].id.0),
            "down N1".to_string(),
            "ClientUrlsChanged".to_string(),
            "LeafUrlsChanged".to_string(),
            "GatewayUrlsChanged".to_string(),
            format!("cancel {}", dials[1].id.0),
            "dial h3 ".to_string()
        ]
    );
    harness.wait(S * 15);
    assert_eq!(harness.wanted(), [""; 0]);
    // Back again: dialled at once.
    reload(&mut harness, &change(&["h1", "h3"], Some(2), &["$SYS"]));
    assert_eq!(harness.wanted(), ["dial h1 "]);
}

#[test]
fn an_address_heard_of_and_then_configured_keeps_its_connection() {
    let mut harness = Harness::new(settings(), &[]);
    let one = harness.accept(1, 0);
    harness.news(one, &News::Gossip(Box::new(info(2))));
    let dial = harness.dial();
    harness.reach(&dial, 2);
    harness.wanted();
    reload(&mut harness, &change(&["10.0.0.2"], Some(2), &["$SYS"]));
    assert_eq!(harness.wanted(), [""; 0]);
    assert!(harness.routes.origin(dial.id).unwrap().is_configured);
}

/// Server `n`, one of ours, dials for a place of its pool of `size`.
fn accept_ours(harness: &mut Harness, n: u32, (index, size): (i64, i64)) -> RouteId {
    let id = harness.routes.accepted();
    let info = ServerInfo {
        gannet: "0.1".to_string(),
        route_pool_idx: index,
        route_pool_size: size,
        ..info(n)
    };
    harness.register(id, false, &info).expect("a place");
    id
}

fn carries(harness: &Harness, n: u32, index: u32) -> Share {
    let place = Place::Pooled(index);
    harness.routes.carries(&format!("N{n}"), &place)
}

fn share(index: u32, of: u32, but: &[&str]) -> Share {
    let but = but.iter().map(ToString::to_string).collect();
    Share::Pooled { index, of, but }
}

fn moved(harness: &mut Harness, n: u32, number: u64) {
    let (now, out) = (harness.now, &mut harness.out);
    harness.routes.moved(&format!("N{n}"), number, now, out);
}

fn drained(harness: &mut Harness, id: RouteId) {
    harness.routes.drained(id, harness.now, &mut harness.out);
}

#[test]
fn clu_26_a_larger_pool_is_used_when_it_stands() {
    let mut harness = Harness::new(settings(), &[]);
    let first = accept_ours(&mut harness, 1, (0, 2));
    accept_ours(&mut harness, 1, (1, 2));
    harness.settle();
    reload(&mut harness, &change(&[], Some(4), &["$SYS"]));
    let told = format!("tell {} of N5  mode 0", first.0);
    assert_eq!(
        harness.wanted(),
        [told],
        "nothing is closed, and ours are told"
    );
    for index in [2, 3] {
        assert_eq!(carries(&harness, 1, 0), share(0, 2, &["$SYS"]));
        accept_ours(&mut harness, 1, (index, 4));
    }
    assert_eq!(
        harness.only("move"),
        [""; 0],
        "not before it is clear who stays"
    );
    harness.wait(S);
    assert_eq!(harness.only("move"), ["move 1 to N1"]);
    assert_eq!(carries(&harness, 1, 3), share(3, 4, &["$SYS"]));
    // What comes meanwhile waits, and what is out of date is nothing.
    reload(&mut harness, &change(&[], Some(3), &["$SYS"]));
    assert_eq!(carries(&harness, 1, 0), share(0, 4, &["$SYS"]));
    moved(&mut harness, 1, 7);
    assert_eq!(harness.only("move"), [""; 0]);
    moved(&mut harness, 1, 1);
    assert_eq!(harness.only("move"), ["move 2 to N1"]);
    assert_eq!(carries(&harness, 1, 3), share(3, 3, &["$SYS"]));
}

#[test]
fn clu_26_what_is_left_of_a_larger_pool_goes_when_neither_side_uses_it() {
    let mut harness = Harness::new(settings(), &[]);
    reload(&mut harness, &change(&[], Some(3), &["$SYS"]));
    let ids = [0, 1, 2].map(|index| accept_ours(&mut harness, 1, (index, 3)));
    harness.settle();
    reload(&mut harness, &change(&[], Some(2), &["$SYS"]));
    assert_eq!(harness.only("move"), ["move 1 to N1"]);
    moved(&mut harness, 1, 1);
    assert_eq!(harness.wanted(), [""; 0], "the other one still has three");
    harness.news(ids[0], &News::PoolSize(2));
    assert_eq!(harness.wanted(), [format!("drain {}", ids[2].0)]);
    // Meanwhile it is wanted again; and then not.
    harness.news(ids[0], &News::PoolSize(3));
    drained(&mut harness, ids[2]);
    assert_eq!(harness.wanted(), [""; 0]);
    harness.news(ids[0], &News::PoolSize(2));
    drained(&mut harness, ids[2]);
    let close = format!("close {}: Route Removed", ids[2].0);
    assert_eq!(harness.wanted(), [format!("drain {}", ids[2].0), close]);
}

/// The dial for the next place of the pool.
fn pooled_dial(harness: &mut Harness) -> Dial {
    let mut dials = harness.dials();
    dials.retain(|dial| dial.account.is_none());
    dials.pop().expect("a place is missing")
}

#[test]
fn clu_26_who_is_none_of_ours_and_dials_keeps_the_places_of_a_larger_pool() {
    let mut harness = Harness::new(settings(), &["h1"]);
    let dial = harness.dial();
    harness.reach(&dial, 1);
    harness.confirm(dial.id);
    let second = pooled_dial(&mut harness);
    harness.reach(&second, 1);
    harness.confirm(second.id);
    harness.settle();
    reload(&mut harness, &change(&["h1"], Some(3), &["$SYS"]));
    let third = pooled_dial(&mut harness);
    harness.reach(&third, 1);
    harness.settle();
    moved(&mut harness, 1, 1);
    reload(&mut harness, &change(&["h1"], Some(2), &["$SYS"]));
    moved(&mut harness, 1, 2);
    assert_eq!(harness.only("drain"), [format!("drain {}", third.id.0)]);
    drained(&mut harness, third.id);
    assert_eq!(
        harness.only("close"),
        [format!("close {}: Route Removed", third.id.0)]
    );
    // It makes the connection anew: then let it.
    let third = harness.accept(1, 2);
    harness.wait(S * 2);
    assert_eq!(harness.only("drain"), [""; 0]);
    drained(&mut harness, third);
    assert_eq!(harness.only("close"), [""; 0]);
}

#[test]
fn clu_26_all_is_made_anew_where_pools_come_or_go() {
    let mut harness = Harness::new(settings(), &[]);
    let pooled = [harness.accept(1, 0), harness.accept(1, 1)];
    let sys = harness.accept_for(1, "$SYS");
    harness.wanted();
    reload(&mut harness, &change(&[], None, &[]));
    let close = |id: RouteId| format!("close {}: Route Removed", id.0);
    assert_eq!(
        harness.only("close"),
        [close(pooled[0]), close(pooled[1]), close(sys)]
    );
    assert_eq!(
        (harness.routes.pool_size(), harness.routes.pinned().len()),
        (None, 0)
    );
}

#[test]
fn clu_26_an_account_moves_to_its_own_connection_when_that_stands_and_back() {
    let own = Place::Account("P".to_string());
    let mut harness = Harness::new(settings(), &[]);
    accept_ours(&mut harness, 1, (0, 2));
    accept_ours(&mut harness, 2, (0, 2));
    harness.settle();
    reload(&mut harness, &change(&[], Some(2), &["$SYS", "P"]));
    assert!(harness.routes.pinned().contains("P"));
    assert_eq!(carries(&harness, 1, 0), share(0, 2, &["$SYS"]));
    let id = harness.accept_for(1, "P");
    assert_eq!(harness.routes.carries("N1", &own), Share::Nothing);
    harness.wait(S);
    assert_eq!(harness.only("move"), ["move 1 to N1"]);
    assert_eq!(
        harness.routes.carries("N1", &own),
        Share::Account("P".to_string())
    );
    let both = [carries(&harness, 1, 0), carries(&harness, 2, 0)];
    assert_eq!(both, [share(0, 2, &["$SYS", "P"]), share(0, 2, &["$SYS"])]);
    moved(&mut harness, 1, 1);
    // A server that came later knows it from the start.
    accept_ours(&mut harness, 3, (0, 2));
    assert_eq!(carries(&harness, 3, 0), share(0, 2, &["$SYS", "P"]));
    // It breaks: until it is back, the pool has the account. (N1 is one of ours.)
    harness.over(id);
    harness.wait(S);
    assert_eq!(carries(&harness, 1, 0), share(0, 2, &["$SYS"]));
    moved(&mut harness, 1, 2);
    let id = harness.accept_for(1, "P");
    harness.wait(S);
    moved(&mut harness, 1, 3);
    assert_eq!(carries(&harness, 1, 0), share(0, 2, &["$SYS", "P"]));
    harness.wanted();
    // It has none any more: the interest moves, then the connection goes.
    reload(&mut harness, &change(&[], Some(2), &["$SYS"]));
    let moves = ["move 4 to N1".to_string(), "move 5 to N3".to_string()];
    assert_eq!(harness.wanted(), moves);
    assert_eq!(harness.routes.carries("N1", &own), Share::Nothing);
    moved(&mut harness, 1, 4);
    assert_eq!(harness.wanted(), [format!("drain {}", id.0)]);
    drained(&mut harness, id);
    assert_eq!(harness.wanted(), [format!("close {}: Route Removed", id.0)]);
}

#[test]
fn clu_26_another_servers_request_is_granted_by_its_own_pool_size() {
    let mut harness = Harness::new(settings(), &[]);
    let ids = [harness.accept(1, 0), harness.accept(1, 1)];
    harness.wanted();
    // P is on place 1 of 2; by another size it is on one that does not stand.
    let other = (3..100).find(|size| pool_index(*size, b"P") > 1).unwrap();
    for (size, forgets) in [(2, true), (i64::from(other), false)] {
        let request = ServerInfo::dedicated_route_request(size, "P", "id");
        harness.news(ids[0], &News::AccountLeaves(Box::new(request)));
        let mut wanted = Vec::new();
        if forgets {
            wanted.push(format!("forget P on {}", ids[1].0));
        }
        wanted.push(format!("tell {} of   mode 0", ids[0].0));
        assert_eq!(harness.wanted(), wanted);
    }
}

#[test]
fn clients_are_told_of_all_other_servers_or_of_none() {
    let mut harness = Harness::new(settings(), &[]);
    harness.accept(1, 0);
    harness.wanted();
    let told = |harness: &Harness| harness.routes.client_urls().count();
    let before = told(&harness);
    assert!(before > 0);
    for (no_advertise, count) in [(true, 0), (true, 0), (false, before)] {
        let other = Settings {
            no_advertise,
            ..settings()
        };
        harness.routes.tune(&other, &mut harness.out);
        assert_eq!(told(&harness), count);
    }
    assert_eq!(harness.wanted().len(), 2, "only what changes is told");
}

#[test]
fn a_configured_name_takes_the_place_of_another_one() {
    let mut harness = Harness::new(settings(), &[]);
    harness.routes.set_cluster("NEW", &mut harness.out);
    assert_eq!(harness.routes.cluster().name, "NEW");
    assert!(!harness.routes.cluster().is_dynamic);
    assert_eq!(harness.out.len(), 2);
    harness.routes.set_cluster("NEW", &mut harness.out);
    assert_eq!(harness.out.len(), 2, "it is called so already");
}

#[test]
fn clu_26_who_has_asked_for_an_accounts_own_connection_may_make_it() {
    let mut harness = Harness::new(settings(), &[]);
    let pooled = harness.accept(1, 0);
    harness.settle();
    let id = harness.routes.accepted();
    let for_p = ServerInfo {
        route_account: "P".to_string(),
        ..info(1)
    };
    assert_eq!(harness.claim(id, false, &for_p), Err(Refusal::NotDedicated));
    let request = ServerInfo::dedicated_route_request(2, "P", "id");
    harness.news(pooled, &News::AccountLeaves(Box::new(request)));
    harness.wanted();
    let own = harness.accept_for(1, "P");
    assert_eq!(harness.only("move"), ["move 1 to N1"]);
    assert_eq!(carries(&harness, 1, 0), share(0, 2, &["$SYS", "P"]));
    moved(&mut harness, 1, 1);
    assert_eq!(harness.wanted(), [""; 0], "it stays");
    // The other side has no such connection any more.
    harness.over(own);
    assert_eq!(carries(&harness, 1, 0), share(0, 2, &["$SYS"]));
}
