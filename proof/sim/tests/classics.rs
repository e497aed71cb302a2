//! Bugs that super-clusters of the reference server are known for, told as stories: each would turn red if the
//! server behaved as described. The numbers are those of the list of demands that this project keeps.

mod common;

use std::time::Duration;

use common::{MS, SECOND, all_is_well, readers_at};
use gannet_config::Options;
use gannet_rt::sim::Dns;
use gannet_simulation::{Remotes, Story, Town, Who};
use gannet_units::ByteCount;

const HEALING: Duration = Duration::from_secs(20);

fn standing(story: Story) -> Town {
    let mut town = story.begin();
    town.mesh_is_complete_within(5 * SECOND);
    town
}

/// Lines of the servers' logs that contain `text`, and are not only for those who look for trouble.
fn shown(town: &Town, text: &str) -> usize {
    let lines = town.told(text);
    let is_shown = |line: &&String| line.contains(" server ") && !line.contains("[DBG]");
    lines.iter().filter(is_shown).count()
}

/// All interest is sent again whenever a link comes back. A listing larger than what may wait for a link must not
/// end the link (it would be as large the next time), must not hold up those who have nothing to do with it, and must
/// leave nothing behind.
#[test]
fn g4_a_flapping_link_with_much_interest_comes_back_and_disturbs_nobody() {
    let little = |options: &mut Options| {
        options.limits.max_payload = Some(ByteCount::kib(1));
        options.limits.max_pending = ByteCount::kib(2);
    };
    let mut story = Story::of_servers(&[1, 1, 1]);
    for server in 0..3 {
        story = story.with_options(server, little);
    }
    let mut town = standing(story);
    let readers = readers_at(&mut town, 0..3);
    let eager = town.client_of(1);
    for subject in 0..2000 {
        town.subscribe(eager, &format!("a.subject.of.its.own.{subject}"));
        if subject % 100 == 0 {
            town.settle();
        }
    }
    town.settle();
    town.interest_is_known_within(5 * SECOND);
    let before = town.usage();
    for _ in 0..5 {
        town.net().reset_between(&town.host(0), &town.host(1));
        for _ in 0..10 {
            let letter = town.publish(readers[0], "news.x");
            town.until("others are not held up", 100 * MS, |town| {
                town.readers(letter).contains(&readers[2])
            });
        }
        town.mesh_is_complete_within(5 * SECOND);
        all_is_well(&mut town, &readers);
    }
    assert_eq!(
        town.readers_of(readers[0], "a.subject.of.its.own.1999"),
        [eager]
    );
    town.until("nothing is left behind", 5 * SECOND, |town| {
        town.usage() == before
    });
    town.interest_is_known_within(5 * SECOND);
}

/// Counts of a queue group's members drift when links come and go, so that the end of one member cuts off the others,
/// or the end of the last one is never noticed.
#[test]
fn g5_a_group_lives_until_its_last_member_goes_however_links_flap() {
    let mut town = standing(Story::of_servers(&[2, 2]));
    let asker = town.client_of(0);
    let members: Vec<Who> = [2, 3, 2].map(|server| town.client_of(server)).to_vec();
    let answered = |town: &mut Town| {
        let request = town.request(asker, "time");
        town.settle();
        (town.answers(request), town.is_refused(request))
    };
    for round in 0..12 {
        let mut places: Vec<(Who, u32)> = Vec::new();
        for member in &members {
            places.push((*member, town.serve(*member, "time", "clocks")));
        }
        if round % 2 == 0 {
            // In the midst of it, and once more when all is settled.
            flap(&mut town, round);
        }
        town.settle();
        flap(&mut town, round + 1);
        town.mesh_is_complete_within(HEALING);
        town.settle();
        places.rotate_left(round % 3);
        while let Some((member, place)) = places.pop() {
            assert_eq!(
                answered(&mut town),
                (1, false),
                "{} more are there",
                places.len()
            );
            town.unsubscribe(member, place);
            town.settle();
        }
        assert_eq!(answered(&mut town), (0, true), "nobody is there any more");
        town.interest_is_known_within(5 * SECOND);
    }
}

/// Every other connection between servers breaks: by turns all between two servers, and single ones of a pool.
fn flap(town: &mut Town, round: usize) {
    for one in 0..4 {
        for other in one + 1..4 {
            let (a, b) = (town.host(one), town.host(other));
            match (round + one + other) % 3 {
                0 => drop(town.net().reset_between(&a, &b)),
                1 => drop(town.net().reset_one(&a, &b)),
                _ => {}
            }
        }
    }
}

/// The reader of a link waits for something else (there: an account resolver), and PINGs starve. Here nothing but
/// names can hang: those of one cluster never resolve, and no other link notices.
#[test]
fn g6_a_resolver_that_hangs_starves_no_link() {
    let lost = |options: &mut Options| {
        for remote in options.gateway.iter_mut().flat_map(|g| &mut g.remotes) {
            if remote.name == "C2" {
                remote
                    .urls
                    .iter_mut()
                    .for_each(|url| url.host = "lost".into());
            }
        }
        let mut nowhere = options.cluster.routes[0].clone();
        nowhere.host = "lost".into();
        options.cluster.routes.push(nowhere);
    };
    let mut story = Story::of_servers(&[2, 2, 1]).without(4);
    for server in 0..4 {
        story = story.with_options(server, lost);
    }
    let mut town = story.begin();
    town.net().set_dns("lost", Dns::Silent);
    town.wait(5 * SECOND);
    let readers = readers_at(&mut town, 0..4);
    assert!(!town.told("lost").is_empty(), "somebody waits for the name");
    let closed = shown(&town, "connection closed");
    for _ in 0..60 {
        let letter = town.publish(readers[0], "news.x");
        town.until("the others have it", 100 * MS, |town| {
            town.readers(letter) == readers
        });
        town.wait(500 * MS);
    }
    assert_eq!(shown(&town, "connection closed"), closed, "no link ended");
    town.crash(3);
    town.wait(SECOND);
    assert!(
        shown(&town, "connection closed") > closed,
        "that would be seen"
    );
}

/// An outbound link is stuck for an hour at an address that accepts and never speaks.
#[test]
fn g7_of_a_black_hole_a_silent_listener_and_a_good_server_the_good_one_is_found() {
    for seed in 0..10 {
        let story = Story::of_servers(&[1, 3]).with_seed(seed);
        let mut town = story.with_a_silent_listener().without(1).begin();
        town.net().black_hole(&town.host(1), true);
        town.bury(1);
        town.mesh_is_complete_within(3 * SECOND);
        for _ in 0..20 {
            town.wait(100 * MS);
            town.mesh_is_complete_within(Duration::ZERO);
        }
        let readers = readers_at(&mut town, [0, 2, 3]);
        all_is_well(&mut town, &readers);
    }
}

/// Addresses that nobody else can reach are passed on, and tried for ever.
#[test]
fn g8_addresses_that_lead_nowhere_are_heard_of_and_hold_nobody_up() {
    let mut story = Story::of_servers(&[2, 2, 2]).knowing(Remotes::Seed);
    for server in [1, 3, 5] {
        story = story.with_options(server, |options| {
            if let Some(gateway) = &mut options.gateway {
                gateway.advertise = Some("10.99.99.99:7222".into());
            }
        });
    }
    let mut town = story.begin();
    town.mesh_is_complete_within(5 * SECOND);
    let readers = readers_at(&mut town, 0..6);
    all_is_well(&mut town, &readers);
    for server in 0..6 {
        // Whoever dials anew draws among all addresses that it has heard of.
        town.crash(server);
        town.start(server);
        town.mesh_is_complete_within(5 * SECOND);
    }
    town.wait(60 * SECOND);
    let before = attempts(&town, "10.99.99.99");
    assert!(before > 0, "the addresses have been heard of");
    town.wait(300 * SECOND);
    let more = attempts(&town, "10.99.99.99") - before;
    assert!(more <= 6 * 5, "{more} attempts in five minutes");
}

/// Attempts to reach an address.
fn attempts(town: &Town, address: &str) -> usize {
    let lines = town.told(address);
    let is_attempt = |line: &&String| line.contains("onnect") && !line.contains("Error");
    lines.iter().filter(is_attempt).count()
}

/// A connection that broke is not dialled again: one of a pool, or one to a server that was only heard of.
#[test]
fn g9_no_place_in_a_mesh_stays_empty() {
    for seed in 0..3 {
        let story = Story::of_servers(&[3, 2]).with_seed(seed);
        let story = story
            .knowing(Remotes::Seed)
            .with_routes_knowing(Remotes::Seed);
        let mut town = standing(story);
        let readers = readers_at(&mut town, 0..5);
        let pairs = [(0, 1), (0, 2), (1, 2), (3, 4), (1, 3), (2, 4), (0, 3)];
        for round in 0..28 {
            let (one, other) = pairs[round % pairs.len()];
            let (a, b) = (town.host(one), town.host(other));
            match round % 3 {
                0 => drop(town.net().reset_between(&a, &b)),
                _ => drop(town.net().reset_one(&a, &b)),
            }
            town.mesh_is_complete_within(10 * SECOND);
        }
        for (one, other) in [(0, 1), (3, 4), (2, 4)] {
            town.crash(one);
            town.crash(other);
            town.start(one);
            town.start(other);
            town.mesh_is_complete_within(10 * SECOND);
        }
        all_is_well(&mut town, &readers);
    }
}

/// Queue groups over several hops: several members get the message, none does, or the answer is lost between
/// two servers of the requester's cluster.
#[test]
fn g13_one_member_of_a_group_and_every_plain_subscriber_however_far_apart() {
    for responder in 0..5 {
        let mut town = standing(Story::of_servers(&[2, 2, 1]));
        let readers = readers_at(&mut town, 0..5);
        for reader in &readers {
            town.subscribe(*reader, "time.>");
        }
        let clock = town.client_of(responder);
        town.serve(clock, "time.now", "clocks");
        let crews: Vec<Who> = (0..5).map(|server| town.client_of(server)).collect();
        for crew in &crews {
            town.join(*crew, "time.*", "crew");
        }
        let askers: Vec<Who> = (0..5)
            .flat_map(|server| [town.client_of(server), town.hasty_client_of(server)])
            .collect();
        town.settle();
        for asker in askers {
            let request = town.request(asker, "time.now");
            town.settle();
            let got = town.readers(request);
            assert_eq!(got.len(), readers.len() + 2, "{got:?}");
            assert!(readers.iter().all(|reader| got.contains(reader)));
            assert_eq!(town.answers(request), 1);
        }
    }
}

/// Answers are lost, or their headers, when they come late or over a link that lags.
#[test]
fn g14_late_answers_arrive_over_links_that_lag() {
    let patient = |options: &mut Options| options.limits.ping_interval = 30 * SECOND;
    for after in [100 * MS, SECOND, 5 * SECOND, 30 * SECOND] {
        let mut story = Story::of_servers(&[2, 2]);
        for server in 0..4 {
            story = story.with_options(server, patient);
        }
        let mut town = standing(story);
        let clock = town.client_of(3);
        town.serve_slowly(clock, "time", "clocks", after);
        let askers = [
            town.hasty_client_of(0),
            town.hasty_client_of(1),
            town.client_of(1),
        ];
        town.settle();
        for one in [0, 1] {
            for other in [2, 3] {
                town.set_distance(one, other, 3 * SECOND);
            }
        }
        let requests: Vec<_> = (0..9)
            .map(|number| town.request(askers[number % 3], "time"))
            .collect();
        town.wait(after + 10 * SECOND);
        for request in requests {
            assert_eq!(town.answers(request), 1, "after {after:?}");
        }
    }
}

/// Attempts without end at clusters that are gone, each with a line in the log; and when such a cluster comes back,
/// everybody waits out a long pause.
#[test]
fn g25_a_cluster_that_is_gone_causes_no_storm_and_is_joined_when_it_returns() {
    let mut story = Story::of_servers(&[2, 2, 2]);
    for server in 0..6 {
        story = story.with_options(server, |options| {
            if let Some(gateway) = &mut options.gateway {
                gateway.connect_backoff = true;
            }
        });
    }
    let mut town = standing(story);
    let readers = readers_at(&mut town, 0..6);
    town.crash(4);
    town.crash(5);
    town.wait(120 * SECOND);
    let addresses = [town.host(4).ip().to_string(), town.host(5).ip().to_string()];
    let all_attempts = |town: &Town| -> usize {
        let of = |address: &String| attempts(town, &format!("{address}:7222"));
        addresses.iter().map(of).sum()
    };
    let lines = |town: &Town| shown(town, "gateway");
    let before = (all_attempts(&town), lines(&town));
    town.wait(300 * SECOND);
    let more = all_attempts(&town) - before.0;
    // Four servers, ten pauses of half a minute, two addresses.
    assert!(
        (4..=4 * 2 * 12).contains(&more),
        "{more} attempts in five minutes"
    );
    let more = lines(&town) - before.1;
    assert!(more <= 4 * 10 * 5, "{more} lines in five minutes");
    // All of them have just tried, and would do so again in half a minute.
    let before = all_attempts(&town);
    town.until("the next round", 40 * SECOND, |town| {
        all_attempts(town) == before + 4 * 2
    });
    town.start(4);
    town.start(5);
    town.mesh_is_complete_within(4 * SECOND);
    all_is_well(&mut town, &readers);
}
