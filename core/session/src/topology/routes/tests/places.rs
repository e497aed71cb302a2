//! Who gets which place.

use alloc::format;
use alloc::string::{String, ToString};

use gannet_wire::server_info::ServerInfo;

use super::super::Settings;
use super::harness::{Harness, S, info, settings};
use crate::route::{Ending, Neighbours, Place, Refusal, RouteId};

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

/// Server `N5` has reached server `other`, which then dials us: has that one the place, and is ours closed?
fn race(other: u32, is_gannet: bool, is_late: bool) -> (Result<Place, Refusal>, bool) {
    let mut harness = Harness::new(settings(), &["h"]);
    let dial = harness.dial();
    harness.reach(&dial, other);
    if is_late {
        harness.wait(S * 6);
    }
    let id = harness.routes.accepted();
    let place = harness.register(id, false, &of(other, is_gannet));
    let closes = format!("close {}: Duplicate Route", dial.id.0);
    (place, harness.wanted().contains(&closes))
}

fn of(n: u32, is_gannet: bool) -> ServerInfo {
    let gannet = if is_gannet { "1" } else { "" };
    ServerInfo {
        gannet: gannet.to_string(),
        ..info(n)
    }
}

#[test]
fn what_the_lower_id_dials_takes_the_place_of_what_the_higher_one_dialled() {
    let (lost, won) = (
        (Err(Refusal::Duplicate), false),
        (Ok(Place::Pooled(0)), true),
    );
    assert_eq!(race(1, true, false), won);
    assert_eq!(race(9, true, false), lost);
    // Who dials although ours has stood for long has lost it, and we have not noticed.
    assert_eq!(race(1, true, true), won);
    // Others do not know the rule.
    assert_eq!(race(1, false, false), lost);
}

#[test]
fn what_was_accepted_is_registered_at_both_ends_and_stays() {
    for other in [9, 1] {
        let mut harness = Harness::new(settings(), &["h"]);
        let dial = harness.dial();
        let theirs = ServerInfo {
            route_account: "$SYS".to_string(),
            ..of(other, true)
        };
        harness.accept(other, 0);
        let id = harness.routes.accepted();
        harness.register(id, false, &theirs).unwrap();
        let late = harness.claim(dial.id, true, &theirs);
        assert_eq!(late, Err(Refusal::Duplicate));
    }
}

/// One end of a race: a server that has dialled the other one and been dialled by it.
struct End {
    harness: Harness,
    /// What the connections are called here: what the lower id has dialled, what the higher one has.
    ids: [RouteId; 2],
    theirs: ServerInfo,
    is_lower: bool,
    /// Which of the two it has registered.
    holds: Option<usize>,
}

impl End {
    fn new(own: u32, other: u32) -> End {
        let settings = Settings {
            server_id: format!("N{own}"),
            pool_size: None,
            ..settings()
        };
        let mut harness = Harness::new(settings, &["h"]);
        let (dialled, accepted) = (harness.dial().id, harness.routes.accepted());
        let is_lower = own < other;
        let ids = match is_lower {
            true => [dialled, accepted],
            false => [accepted, dialled],
        };
        let theirs = ServerInfo {
            route_pool_size: 0,
            ..of(other, true)
        };
        End {
            harness,
            ids,
            theirs,
            is_lower,
            holds: None,
        }
    }

    /// The other end's INFO on a connection: whether it was registered here by it.
    fn hears(&mut self, conn: usize) -> bool {
        let is_dialled = self.is_lower == (conn == 0);
        let place = self
            .harness
            .register(self.ids[conn], is_dialled, &self.theirs);
        if place.is_ok() {
            self.holds = Some(conn);
        }
        place.is_ok()
    }
}

#[test]
fn a_race_ends_with_one_connection_and_none_that_both_had_registered_goes() {
    // Each connection brings the acceptor's INFO to its dialler, and then, if that registers it, the dialler's
    // INFO to the acceptor. All orders of the four arrivals that there are.
    let orders = [
        [0, 0, 1, 1],
        [0, 1, 0, 1],
        [0, 1, 1, 0],
        [1, 0, 0, 1],
        [1, 0, 1, 0],
        [1, 1, 0, 0],
    ];
    for order in orders {
        let mut ends = [End::new(1, 5), End::new(5, 1)];
        let (mut arrivals, mut in_use) = ([0; 2], None);
        for conn in order {
            let (dialler, acceptor) = (conn, 1 - conn);
            match arrivals[conn] {
                0 => arrivals[conn] = if ends[dialler].hears(conn) { 1 } else { 2 },
                1 => {
                    arrivals[conn] = 2;
                    if !ends[acceptor].hears(conn) {
                        // It closes what its peer had registered.
                        ends[dialler].holds = ends[dialler].holds.filter(|held| *held != conn);
                    }
                }
                _ => {}
            }
            let both = ends[0].holds.filter(|held| ends[1].holds == Some(*held));
            assert!(in_use.is_none() || both == in_use, "{order:?}");
            in_use = both;
        }
        assert!(in_use.is_some(), "{order:?}");
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
