//! Who is dialled when, how often, and who is not.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::Moment;
use gannet_wire::server_info::{GossipMode, ServerInfo};

use super::super::{Failure, Settings};
use super::harness::{Harness, S, info, settings};
use crate::route::{Ending, News};

fn fail(harness: &mut Harness) -> (u32, bool) {
    let dial = harness.dial();
    let now = harness.now;
    harness
        .routes
        .dial_failed(dial.id, Failure::Error, now, &mut harness.out);
    (dial.attempt, dial.is_reported)
}

fn hear_of(harness: &mut Harness, from: crate::route::RouteId, info: ServerInfo) {
    harness.news(from, &News::Gossip(Box::new(info)));
}

#[test]
fn clu_16_a_configured_address_is_dialled_soon_again_and_then_every_second_for_ever() {
    let mut harness = Harness::new(settings(), &["h"]);
    let mut reports = Vec::new();
    for n in 0..100 {
        reports.push(fail(&mut harness));
        let waited = harness.next();
        let wanted = match n {
            0 => 0..=1,
            1 => 1..=1,
            2 => 2..=2,
            3 => 4..=4,
            4 => 8..=8,
            _ => 10..=11,
        };
        assert!(wanted.contains(&waited), "{n}: {waited}");
    }
    // The first and every second one is an error.
    assert_eq!(reports[..4], [(1, true), (2, true), (3, false), (4, true)]);
}

#[test]
fn clu_16_with_backoff_attempts_come_ever_slower_up_to_30_seconds() {
    let backoff = Settings {
        connect_backoff: true,
        ..settings()
    };
    let mut harness = Harness::new(backoff, &["h"]);
    let waits: Vec<u128> = (0..13)
        .map(|_| {
            fail(&mut harness);
            harness.next() / 10
        })
        .collect();
    // The first ones less than a second apart.
    assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn clu_16_one_only_heard_of_is_dialled_as_often_as_configured_then_rarely_then_forgotten() {
    let retries = Settings {
        connect_retries: 2,
        ..settings()
    };
    let mut harness = Harness::new(retries, &[]);
    let from = harness.accept(1, 0);
    harness.settle();
    hear_of(&mut harness, from, info(2));
    let mut waits = Vec::new();
    let start = harness.now;
    while harness.now < start + S * 2000 {
        let dials = harness.dials();
        if let [dial] = &dials[..] {
            harness
                .routes
                .dial_failed(dial.id, Failure::Error, harness.now, &mut harness.out);
        }
        if harness.routes.next_deadline() == Moment::NEVER {
            break;
        }
        waits.push(harness.next() / 10);
    }
    assert_eq!(waits[..9], [1, 1, 1, 2, 4, 8, 16, 32, 60]);
    assert!(
        harness.now < start + S * 700 && waits.len() < 22,
        "{waits:?}"
    );

    // Without memory, as the reference server has it.
    let mut harness = Harness::new(
        Settings {
            memory: Duration::ZERO,
            ..settings()
        },
        &[],
    );
    let from = harness.accept(1, 0);
    harness.settle();
    hear_of(&mut harness, from, info(2));
    assert_eq!(fail(&mut harness), (1, true));
    assert_eq!(harness.routes.next_deadline(), Moment::NEVER);
}

#[test]
fn clu_08_clu_09_a_pool_is_filled_one_after_another_and_accounts_follow() {
    let mut harness = Harness::new(settings(), &["h"]);
    let first = harness.dial();
    assert_eq!((&first.account, first.at), (&None, None));
    harness.reach(&first, 1);
    // Nothing more until the first connection has proved good.
    assert_eq!(harness.dials(), []);
    harness.confirm(first.id);
    let dials = harness.dials();
    let accounts: Vec<_> = dials.iter().map(|dial| dial.account.as_deref()).collect();
    assert_eq!(accounts, [None, Some("$SYS")]);
    for dial in &dials {
        // The very address where the first one was made.
        assert_eq!(
            dial.at.map(|at| at.to_string()).as_deref(),
            Some("10.0.0.1:6222")
        );
        harness.reach(dial, 1);
        harness.confirm(dial.id);
    }
    assert_eq!(harness.dials(), []);
    assert_eq!(harness.routes.peers().next().unwrap().connections, 3);
    let origin = harness.routes.origin(first.id).unwrap();
    assert!(origin.is_configured && origin.is_solicited);
}

#[test]
fn of_two_that_have_dialled_each_other_the_lower_id_makes_the_rest_at_once() {
    for (other, is_dialled_at_once) in [(9, true), (1, false)] {
        let mut harness = Harness::new(settings(), &["h"]);
        let first = harness.dial();
        let theirs = ServerInfo {
            gannet: "1".to_string(),
            ..info(other)
        };
        harness.register(first.id, true, &theirs).unwrap();
        let own = ServerInfo {
            route_account: "$SYS".to_string(),
            ..theirs
        };
        let id = harness.routes.accepted();
        harness.register(id, false, &own).unwrap();
        harness.confirm(first.id);
        let dials = harness.dials().len();
        assert_eq!(dials, usize::from(is_dialled_at_once));
        // The other one has not done it.
        harness.wait(S);
        assert_eq!(dials + harness.dials().len(), 1);
    }
}

#[test]
fn what_breaks_is_dialled_again_by_itself() {
    let mut harness = Harness::new(settings(), &["h"]);
    let first = harness.dial();
    harness.reach(&first, 1);
    harness.confirm(first.id);
    let rest = harness.dials();
    for dial in &rest {
        harness.reach(dial, 1);
        harness.confirm(dial.id);
    }
    harness.wait(S * 10);
    harness.over(rest[1].id);
    assert!(harness.next() <= 1);
    assert_eq!(harness.dial().account.as_deref(), Some("$SYS"));
    // A connection that never proved good may have lost a race: a few times it is tried again soon.
    let mut harness = Harness::new(settings(), &["h"]);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let dial = harness.dial();
        harness.reach(&dial, 1);
        harness.over(dial.id);
        waits.push(harness.next());
    }
    assert!(waits[..4].iter().all(|wait| *wait <= 4), "{waits:?}");
    assert!(waits[4..].iter().all(|wait| *wait >= 8), "{waits:?}");
}

#[test]
fn an_attempt_that_nobody_reports_on_is_given_up() {
    let mut harness = Harness::new(settings(), &["h"]);
    let dial = harness.dial();
    assert_eq!(harness.next(), 200);
    assert_eq!(harness.wanted(), [format!("cancel {}", dial.id.0)]);
    assert!(harness.claim(dial.id, true, &info(1)).is_err());
    harness.next();
    assert_eq!(harness.dial().attempt, 2);
}

#[test]
fn clu_05_a_route_to_self_is_not_dialled_again() {
    // An address leads where it leads; a name has perhaps more of them.
    let mut harness = Harness::new(settings(), &["10.0.0.5", "h"]);
    let dials = harness.dials();
    for dial in &dials {
        harness
            .routes
            .connected(dial.id, "10.0.0.5:6222".parse().unwrap());
        harness.ended(dial.id, &Ending::ToSelf);
    }
    harness.next();
    let dial = harness.dial();
    assert_eq!(dial.url.host, "h");
    assert_eq!(dial.not_at, ["10.0.0.5:6222".parse().unwrap()]);
    harness
        .routes
        .dial_failed(dial.id, Failure::OnlySelf, harness.now, &mut harness.out);
    assert_eq!(harness.routes.next_deadline(), Moment::NEVER);
}

#[test]
fn who_is_connected_by_another_way_is_not_dialled_but_when_it_is_lost() {
    let mut harness = Harness::new(settings(), &["h"]);
    let dial = harness.dial();
    let theirs = [harness.accept(1, 0), harness.accept(1, 1)];
    harness.accept_for(1, "$SYS");
    let server_id = "N1".to_string();
    harness.ended(dial.id, &Ending::Duplicate { server_id });
    harness.wait(S * 60);
    assert_eq!(harness.dials(), []);
    // It stays configured, and is looked for when it is gone.
    assert!(harness.routes.origin(theirs[0]).unwrap().is_configured);
    for id in theirs {
        harness.over(id);
    }
    harness.next();
    assert_eq!(harness.dial().url.host, "h");
}

#[test]
fn who_dialled_us_is_left_to_come_back_and_then_looked_for() {
    let mut harness = Harness::new(settings(), &[]);
    let theirs = [harness.accept(1, 0), harness.accept(1, 1)];
    harness.accept_for(1, "$SYS");
    harness.wait(S * 60);
    assert_eq!(harness.routes.peers().count(), 1);
    for id in theirs {
        harness.over(id);
    }
    assert_eq!(harness.dials(), []);
    let waited = harness.next() / 10;
    assert!((2..=3).contains(&waited), "{waited}");
    let dial = harness.dial();
    assert_eq!(
        (dial.url.host.as_str(), dial.is_configured),
        ("10.0.0.1", false)
    );
    // Not so one that said it would go.
    let mut harness = Harness::new(settings(), &[]);
    let id = harness.accept(1, 0);
    harness.news(id, &News::LameDuck);
    harness.over(id);
    harness.wait(S * 60);
    assert_eq!(harness.dials(), []);
}

#[test]
fn gossip_is_followed_unless_it_tells_nothing_new() {
    let mut harness = Harness::new(settings(), &["10.0.0.3", "h4"]);
    let explicit = harness.dials();
    let from = harness.accept(1, 0);
    let odd = |change: fn(&mut ServerInfo)| {
        let mut info = info(9);
        change(&mut info);
        info
    };
    for ignored in [
        // Ourselves; who is connected; configured addresses, by either name.
        info(5),
        info(1),
        info(3),
        odd(|i| i.host = "H4".to_string()),
        // Accounts that have no connections of their own here.
        odd(|i| i.route_account = "P".to_string()),
        // Nowhere.
        odd(|i| i.ip = String::new()),
        odd(|i| i.ip = "nats-route://h:0/".to_string()),
        odd(|i| i.ip = "nats-route://a b:1/".to_string()),
        odd(|i| i.ip = format!("nats-route://{}:1/", "h".repeat(300))),
    ] {
        hear_of(&mut harness, from, ignored);
    }
    assert_eq!(harness.dials(), []);
    hear_of(&mut harness, from, odd(|i| i.gossip_mode = 2));
    let dial = harness.dial();
    assert_eq!(
        (dial.gossip, dial.url.user.as_deref()),
        (GossipMode::Override, None)
    );
    hear_of(&mut harness, from, odd(|i| i.auth_required = true));
    assert_eq!(harness.dials(), []);
    let mut asks = info(8);
    asks.auth_required = true;
    hear_of(&mut harness, from, asks);
    let dial = harness.dial();
    assert_eq!(dial.url.user.as_deref(), Some("u"));
    assert_eq!(dial.url.password.as_ref().map(|p| p.expose()), Some("pw"));
    assert_eq!(explicit.len(), 2);
}

#[test]
fn a_flood_of_gossip_is_bounded() {
    let mut harness = Harness::new(settings(), &[]);
    let from = harness.accept(1, 0);
    for n in 0..1100 {
        let mut info = info(9);
        info.ip = format!("nats-route://h{n}:6222/");
        info.server_id = format!("X{n}");
        hear_of(&mut harness, from, info);
    }
    assert_eq!(harness.dials().len(), 1024);
    let mut harness = Harness::new(settings(), &[]);
    let from = harness.accept(1, 0);
    for n in 0..100 {
        let mut info = info(9);
        info.ip = format!("nats-route://h{n}:6222/");
        hear_of(&mut harness, from, info);
    }
    assert_eq!(harness.dials().len(), 8);
}

#[test]
fn a_rename_ends_the_connections_to_all_others() {
    let mut harness = Harness::new(settings(), &[]);
    let (one, two) = (harness.accept(1, 0), harness.accept(2, 0));
    harness.wanted();
    let cluster = crate::route::ClusterName {
        name: "D".to_string(),
        is_dynamic: false,
    };
    let server_id = "N2".to_string();
    harness.news(two, &News::Rename { cluster, server_id });
    let wanted = harness.wanted();
    assert_eq!(
        wanted[..4],
        [
            "Cluster name updated to D".to_string(),
            "ClusterNameChanged".to_string(),
            format!("close {}: Cluster Name Conflict", one.0),
            "down N1".to_string()
        ]
    );
    assert_eq!(harness.routes.cluster().name, "D");
    assert_eq!(harness.routes.peers().count(), 1);
}
