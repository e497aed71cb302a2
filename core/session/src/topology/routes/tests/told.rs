//! Who is told of whom, and whose addresses are known.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use gannet_wire::server_info::ServerInfo;

use super::super::{Output, Settings};
use super::harness::{Harness, S, info, settings};
use crate::route::{News, RouteId, info_line};

/// Server 1 is connected by its own dial, server 2 by ours to a configured address.
fn harness() -> (Harness, RouteId, RouteId) {
    let mut harness = Harness::new(settings(), &["h"]);
    let dial = harness.dial();
    harness.reach(&dial, 2);
    let one = harness.accept(1, 0);
    harness.wanted();
    (harness, one, dial.id)
}

#[test]
fn an_accepted_server_is_told_of_in_the_mode_that_fits_the_listener() {
    let (mut harness, one, two) = harness();
    let three = harness.accept(3, 0);
    assert_eq!(
        harness.wanted()[..3],
        [
            format!("tell {} of N3  mode 1", one.0),
            format!("tell {} of N3  mode 2", two.0),
            format!("up N3 by {}", three.0)
        ]
    );
    // Only the first connection is news, and an account's.
    harness.accept(3, 1);
    assert_eq!(harness.only("tell"), [""; 0]);
    let one_sys = harness.accept_for(1, "$SYS");
    harness.wanted();
    harness.accept_for(3, "$SYS");
    assert_eq!(
        harness.only("tell"),
        [
            format!("tell {} of N3 $SYS mode 1", one_sys.0),
            format!("tell {} of N3 $SYS mode 2", two.0)
        ]
    );
}

#[test]
fn nobody_is_told_of_who_disabled_it_and_those_without_pools_of_no_account() {
    let (mut harness, one, two) = harness();
    let id = harness.routes.accepted();
    let quiet = ServerInfo {
        gossip_mode: 1,
        ..info(3)
    };
    harness.register(id, false, &quiet).unwrap();
    assert_eq!(harness.only("tell"), [""; 0]);
    let id = harness.routes.accepted();
    let old = ServerInfo {
        route_pool_size: 0,
        ..info(4)
    };
    harness.register(id, false, &old).unwrap();
    assert_eq!(harness.only("tell").len(), 3);
    harness.accept_for(1, "$SYS");
    let told = harness.only("tell");
    assert!(told[0].starts_with(&format!("tell {} of N1 $SYS", two.0)));
    assert!(
        told[1..]
            .iter()
            .all(|line| !line.starts_with(&format!("tell {} ", id.0)))
    );
    assert_eq!(told.len(), 2);
    assert!(one != id);
}

#[test]
fn who_was_dialled_for_gossip_is_told_of_only_if_it_was_to_be() {
    for (mode, wanted) in [(0, 0), (1, 0), (2, 2)] {
        let (mut harness, one, _) = harness();
        let heard = ServerInfo {
            gossip_mode: mode,
            ..info(3)
        };
        harness.news(one, &News::Gossip(Box::new(heard)));
        let dial = harness
            .dials()
            .into_iter()
            .find(|d| d.url.host == "10.0.0.3")
            .unwrap();
        harness.reach(&dial, 3);
        let told = harness.only("tell");
        assert_eq!(told.len(), wanted);
        assert!(told.iter().all(|line| line.ends_with("of N3  mode 0")));
    }
    // Who was dialled because it is configured is told of to everybody.
    let mut harness = Harness::new(settings(), &["h"]);
    let one = harness.accept(1, 0);
    let dial = harness.dial();
    harness.reach(&dial, 2);
    assert_eq!(
        harness.only("tell"),
        [format!("tell {} of N2  mode 2", one.0)]
    );
}

#[test]
fn gossip_is_what_the_server_said_of_itself_without_a_blank() {
    let (mut harness, ..) = harness();
    harness.accept(3, 0);
    let line = harness.out.iter().find_map(|output| match output {
        Output::Tell { line, .. } => Some(line.clone()),
        _ => None,
    });
    let mut wanted = info(3);
    wanted.gossip_mode = 1;
    assert_eq!(line.unwrap(), format!("INFO {}\r\n", wanted.to_json()));
}

#[test]
fn after_an_arrival_everybody_is_reminded_of_everybody_once() {
    let mut harness = Harness::new(settings(), &[]);
    let ids: Vec<RouteId> = (10..17).map(|n| harness.accept(n, 0)).collect();
    harness.wanted();
    let mut told = Vec::new();
    for _ in 0..60 {
        harness.wait(S * 2);
        let now = harness.only("tell");
        assert!(now.len() <= 4);
        told.extend(now);
    }
    let mut all = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let others = (10..17).enumerate().filter(|(n, _)| *n != at);
        all.extend(others.map(|(_, n)| format!("tell {} of N{n}  mode 1", id.0)));
    }
    told.sort();
    all.sort();
    assert_eq!(told, all);
}

#[test]
fn clu_19_clu_20_addresses_come_with_the_first_connection_and_go_with_the_last() {
    let urls = |harness: &Harness| {
        let routes = &harness.routes;
        let all: [Vec<&str>; 3] = [
            routes.client_urls().collect(),
            routes.gateway_urls().collect(),
            routes.leaf_urls().collect(),
        ];
        format!("{all:?}")
    };
    let mut harness = Harness::new(settings(), &[]);
    let one = [harness.accept(1, 0), harness.accept(1, 1)];
    let changed = ["ClientUrlsChanged", "LeafUrlsChanged", "GatewayUrlsChanged"];
    assert_eq!(harness.wanted()[1..], changed);
    let two = harness.accept(2, 0);
    let both = r#"[["c1:4222", "c2:4222", "shared:4222"], ["g1:7222", "g2:7222"], ["l1:7422", "l2:7422"]]"#;
    assert_eq!(urls(&harness), both);
    harness.wanted();
    harness.over(one[0]);
    assert_eq!((urls(&harness).as_str(), harness.wanted().len()), (both, 0));
    harness.over(one[1]);
    assert_eq!(harness.wanted()[1..], changed);
    let rest = r#"[["c2:4222", "shared:4222"], ["g2:7222"], ["l2:7422"]]"#;
    assert_eq!(urls(&harness), rest);
    // A lame duck's clients are told to go elsewhere, once.
    for _ in 0..2 {
        harness.news(two, &News::LameDuck);
    }
    assert_eq!(harness.wanted(), ["ClientUrlsChanged"]);
    assert_eq!(urls(&harness), r#"[[], ["g2:7222"], ["l2:7422"]]"#);
    harness.over(two);
    assert_eq!(
        harness.wanted(),
        ["down N2", "LeafUrlsChanged", "GatewayUrlsChanged"]
    );
    // Gateways are not for clients, and no_advertise is for clients.
    let silent = Settings {
        no_advertise: true,
        ..settings()
    };
    let mut harness = Harness::new(silent, &[]);
    harness.accept(1, 0);
    assert_eq!(urls(&harness), r#"[[], ["g1:7222"], ["l1:7422"]]"#);
}

#[test]
fn one_line_goes_to_each_server_or_to_each_connection() {
    let (mut harness, one, two) = harness();
    let more = [harness.accept(1, 1), harness.accept_for(1, "$SYS")];
    harness.wanted();
    let line = info_line(&info(5));
    harness.routes.tell_peers(&line, &mut harness.out);
    let line_to = |id: &RouteId| format!("tell {} of N5  mode 0", id.0);
    assert_eq!(
        harness.wanted(),
        [one, two].iter().map(line_to).collect::<Vec<_>>()
    );
    harness.routes.tell_all(&line, &mut harness.out);
    let all = [one, more[0], more[1], two];
    assert_eq!(
        harness.wanted(),
        all.iter().map(line_to).collect::<Vec<_>>()
    );
    assert_eq!(
        harness
            .routes
            .peers()
            .map(|p| p.first.unwrap())
            .collect::<Vec<_>>(),
        [one, two]
    );
    assert_eq!(harness.routes.pool_size(), Some(2));
    assert_eq!(info(5).server_id, "N5".to_string());
}
