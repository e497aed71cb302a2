//! Who gets which place.

use alloc::format;
use alloc::string::{String, ToString};

use gannet_wire::server_info::ServerInfo;

use super::super::Settings;
use super::harness::{Harness, S, info, settings};
use crate::route::{Ending, Neighbours, Place, Refusal};

fn with(change: impl Fn(&mut ServerInfo)) -> ServerInfo {
    let mut info = info(1);
    change(&mut info);
    info
}

#[test]
fn clu_08_the_acceptor_follows_the_dialler_and_refuses_what_cannot_be() {
    let index = |index| with(move |i| i.route_pool_idx = index);
    let account = |name: &'static str| with(move |i| i.route_account = name.to_string());
    let without = |name: &'static str| {
        with(move |i| {
            i.route_pool_size = 0;
            i.route_account = name.to_string();
        })
    };
    let larger = with(|i| (i.route_pool_size, i.route_pool_idx) = (5, 4));
    let huge = with(|i| (i.route_pool_size, i.route_pool_idx) = (1 << 40, 2000));
    for (info, wanted) in [
        (index(0), Ok(Place::Pooled(0))),
        (index(1), Ok(Place::Pooled(1))),
        (index(2), Err(Refusal::NoSuchIndex)),
        (index(-1), Err(Refusal::NoSuchIndex)),
        (larger, Ok(Place::Pooled(4))),
        (huge, Ok(Place::Only)),
        (account("$SYS"), Ok(Place::Account("$SYS".to_string()))),
        (account("P"), Err(Refusal::NotDedicated)),
        (without(""), Ok(Place::Only)),
        (without("$SYS"), Err(Refusal::NoPools)),
    ] {
        let mut harness = Harness::new(settings(), &[]);
        let id = harness.routes.accepted();
        let shown = format!("{info:?}");
        assert_eq!(harness.register(id, false, &info), wanted, "{shown}");
    }
    let no_pools = Settings {
        pool_size: None,
        ..settings()
    };
    let mut harness = Harness::new(no_pools, &[]);
    let id = harness.routes.accepted();
    assert_eq!(
        harness.claim(id, false, &account("$SYS")).unwrap_err(),
        Refusal::NoPools
    );
    assert_eq!(harness.register(id, false, &index(1)), Ok(Place::Only));
    assert!(harness.routes.pinned().is_empty());
}

#[test]
fn clu_08_the_dialler_takes_the_first_free_place() {
    let mut harness = Harness::new(settings(), &["h"]);
    let dial = harness.dial();
    let set = with(|i| i.route_pool_idx = 1);
    assert_eq!(harness.claim(dial.id, true, &set), Err(Refusal::IndexSet));
    harness.accept(1, 0);
    let admission = harness.claim(dial.id, true, &info(1)).unwrap();
    assert_eq!(admission.place, Place::Pooled(1));
    harness.accept(1, 1);
    assert_eq!(
        harness.claim(dial.id, true, &info(1)),
        Err(Refusal::Duplicate)
    );
}

/// Both sides of a race, as server `N5` sees it: `other` dials us while our dial is there first.
fn race(other: u32, is_gannet: bool, is_late: bool) -> (Result<Place, Refusal>, bool) {
    let ours = if is_gannet { "1" } else { "" };
    let mut harness = Harness::new(settings(), &["h"]);
    let dial = harness.dial();
    harness.reach(&dial, other);
    if is_late {
        harness.wait(S * 6);
    }
    let theirs = ServerInfo {
        gannet: ours.to_string(),
        ..info(other)
    };
    let id = harness.routes.accepted();
    let place = harness.register(id, false, &theirs);
    let closes = format!("close {}: Duplicate Route", dial.id.0);
    (place, harness.wanted().contains(&closes))
}

#[test]
fn who_dial_each_other_at_once_both_keep_what_the_lower_id_dialled() {
    let (lost, won) = (
        (Err(Refusal::Duplicate), false),
        (Ok(Place::Pooled(0)), true),
    );
    assert_eq!(race(1, true, false), won);
    assert_eq!(race(9, true, false), lost);
    // Others do not know the rule, and what has stood for a while is no race.
    assert_eq!(race(1, false, false), lost);
    assert_eq!(race(1, true, true), lost);
}

#[test]
fn a_dialler_that_should_win_takes_the_place_of_what_it_accepted() {
    for (other, wins) in [(9, true), (1, false)] {
        let mut harness = Harness::new(settings(), &["h"]);
        let dial = harness.dial();
        harness.accept(other, 0);
        let theirs = ServerInfo {
            gannet: "1".to_string(),
            route_account: "$SYS".to_string(),
            ..info(other)
        };
        let id = harness.routes.accepted();
        harness.register(id, false, &theirs).unwrap();
        let replaces = harness.claim(dial.id, true, &theirs).map(|a| a.replaces);
        let wanted = if wins {
            Ok(Some(id))
        } else {
            Err(Refusal::Duplicate)
        };
        assert_eq!(replaces, wanted);
        // Once both sides have registered what was accepted, messages are on their way over it.
        harness.confirm(id);
        let late = harness.claim(dial.id, true, &theirs).map(|a| a.replaces);
        assert_eq!(late, Err(Refusal::Duplicate));
    }
}

#[test]
fn whose_place_is_asked_for_is_tested_once_it_has_stood_for_a_while() {
    let mut harness = Harness::new(settings(), &[]);
    let old = harness.accept(1, 0);
    harness.wait(S * 6);
    harness.accept(1, 1);
    harness.wanted();
    let late = harness.routes.accepted();
    assert_eq!(
        harness.claim(late, false, &info(1)),
        Err(Refusal::Duplicate)
    );
    let server_id = "N1".to_string();
    harness.ended(late, &Ending::Duplicate { server_id });
    assert_eq!(harness.wanted(), [format!("probe {}", old.0)]);
    // It was dead: the place is free.
    harness.over(old);
    assert!(harness.claim(late, false, &info(1)).is_ok());
}

#[test]
fn names_of_other_servers_are_known_by_their_ids() {
    let mut harness = Harness::new(settings(), &[]);
    harness.accept(1, 0);
    let routes = &harness.routes;
    let known = [("s1", "N2"), ("s1", "N1"), ("s2", "N2")];
    let known = known.map(|(name, id)| routes.has_other_named(name, id));
    assert_eq!(known, [true, false, false]);
    let names: alloc::vec::Vec<String> = routes
        .peers()
        .map(|peer| peer.info.server_name.clone())
        .collect();
    assert_eq!(names, ["s1"]);
}
