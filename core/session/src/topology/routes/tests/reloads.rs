//! Changes of the configuration while the cluster runs.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_wire::route::pool_index;
use gannet_wire::server_info::ServerInfo;

use super::super::Settings;
use super::super::{Change, Output};
use super::harness::{Harness, S, info, settings, url};
use crate::route::{News, Refusal};

fn change(hosts: &[&str], pool_size: Option<u32>, pinned: &[&str]) -> Change {
    let pinned: BTreeSet<String> = pinned.iter().map(ToString::to_string).collect();
    Change {
        routes: hosts.iter().map(|host| url(host)).collect(),
        pool_size,
        pinned,
    }
}

fn reload(harness: &mut Harness, change: &Change) {
    harness.routes.reload(change, harness.now, &mut harness.out);
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

#[test]
fn clu_26_another_pool_size_makes_all_pooled_connections_anew() {
    let mut harness = Harness::new(settings(), &[]);
    let pooled = [harness.accept(1, 0), harness.accept(1, 1)];
    let sys = harness.accept_for(1, "$SYS");
    harness.wanted();
    reload(&mut harness, &change(&[], Some(4), &["$SYS"]));
    let close = |id: crate::route::RouteId| format!("close {}: Route Removed", id.0);
    assert_eq!(harness.only("close"), pooled.map(close));
    reload(&mut harness, &change(&[], None, &[]));
    assert_eq!(harness.wanted(), [close(sys), "PinnedChanged".to_string()]);
    assert_eq!(
        (harness.routes.pool_size(), harness.routes.pinned().len()),
        (None, 0)
    );
}

/// `P` is on place 1 of 2.
fn moving() -> (Harness, [crate::route::RouteId; 2], String) {
    let mut harness = Harness::new(settings(), &[]);
    harness.accept(1, 0);
    let ways = [harness.accept(1, 1), {
        harness.accept(2, 0);
        harness.accept(2, 1)
    }];
    harness.settle();
    reload(&mut harness, &change(&[], Some(2), &["$SYS", "P"]));
    let request = harness.out.iter().find_map(|output| match output {
        Output::Tell { line, .. } => {
            let text = core::str::from_utf8(line).unwrap();
            assert!(text.ends_with("} \r\n"));
            let info = ServerInfo::parse(text[5..].trim_end().as_bytes()).unwrap();
            assert_eq!(
                (info.route_account.as_str(), info.route_pool_size),
                ("P", 2)
            );
            Some(info.route_acc_add_reqid)
        }
        _ => None,
    });
    let asked: Vec<String> = ways
        .iter()
        .flat_map(|id| {
            [
                format!("forget P on {}", id.0),
                format!("tell {} of  P mode 0", id.0),
            ]
        })
        .collect();
    assert_eq!(harness.wanted(), asked);
    (harness, ways, request.unwrap())
}

#[test]
fn clu_26_an_account_gets_its_own_connections_when_all_have_agreed() {
    let (mut harness, ways, request_id) = moving();
    assert_eq!(request_id.len(), 22);
    // Meanwhile nobody new is taken.
    let id = harness.routes.accepted();
    assert_eq!(harness.claim(id, false, &info(3)), Err(Refusal::Duplicate));
    for (answers, id) in ways.into_iter().enumerate() {
        assert_eq!(
            (harness.routes.pinned().contains("P"), answers < 2),
            (false, true)
        );
        let request_id = request_id.clone();
        harness.news(id, &News::AccountLeft { request_id });
    }
    assert_eq!(harness.wanted(), ["PinnedChanged"]);
    assert!(harness.routes.pinned().contains("P"));
    assert!(harness.claim(id, false, &info(3)).is_ok());
    // It loses them again.
    let own = harness.accept_for(1, "P");
    harness.wanted();
    reload(&mut harness, &change(&[], Some(2), &["$SYS"]));
    let close = format!("close {}: Route Removed", own.0);
    assert_eq!(harness.wanted(), [close, "PinnedChanged".to_string()]);
}

#[test]
fn clu_26_who_does_not_answer_is_not_waited_for() {
    let (mut harness, ways, request_id) = moving();
    harness.news(ways[0], &News::AccountLeft { request_id });
    harness.over(ways[1]);
    assert!(harness.routes.pinned().contains("P"));

    let (mut harness, ..) = moving();
    assert_eq!(harness.next(), 20);
    let wanted = harness.wanted();
    assert_eq!(
        wanted,
        [
            "Timed out waiting for confirmation from all routes regarding per-account routes changes: account P",
            "PinnedChanged"
        ]
    );
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
