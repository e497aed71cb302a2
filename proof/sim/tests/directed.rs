//! Particular cases, told in sentences.

use std::time::Duration;

use gannet_config::Options;
use gannet_simulation::{Remotes, Story, Town, Who};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// Three unanswered PINGs, two seconds apart, and some more.
const NOTICE: Duration = Duration::from_secs(8);

/// A super-cluster whose mesh stands.
fn standing(story: Story) -> Town {
    let mut town = story.begin();
    town.mesh_is_complete_within(3 * SECOND);
    town
}

/// The same, after the first PINGs: now everybody knows how far the others are.
fn measured(story: Story) -> Town {
    let mut town = standing(story);
    town.wait(2 * SECOND);
    town
}

/// One client of every cluster, each subscribed to everything below `news`.
fn readers_everywhere(town: &mut Town, clusters: usize) -> Vec<Who> {
    let readers: Vec<Who> = (0..clusters)
        .map(|cluster| town.client_of(cluster))
        .collect();
    for reader in &readers {
        town.subscribe(*reader, "news.>");
    }
    town.settle();
    readers
}

/// A super-cluster whose mesh stands, with readers everywhere.
fn reading(clusters: usize) -> (Town, Vec<Who>) {
    let mut town = standing(Story::of_clusters(clusters));
    let readers = readers_everywhere(&mut town, clusters);
    (town, readers)
}

/// Clusters that know only some of the others and have found all, with readers everywhere.
fn finding_each_other(clusters: usize, remotes: Remotes) -> (Town, Vec<Who>) {
    let mut town = Story::of_clusters(clusters).knowing(remotes).begin();
    town.mesh_is_complete_within(5 * SECOND);
    let readers = readers_everywhere(&mut town, clusters);
    (town, readers)
}

/// All links come back within `bound`, and then everything is as before.
fn is_whole_within(town: &mut Town, bound: Duration, readers: &[Who]) {
    town.mesh_is_complete_within(bound);
    town.settle();
    everybody_reaches_everybody(town, readers);
}

/// The same after a partition: what was lost may have left PINGs unanswered, and links may end once more.
fn heals(town: &mut Town, readers: &[Who]) {
    town.heal(0, 1);
    town.mesh_is_complete_within(10 * SECOND);
    town.wait(NOTICE);
    town.settle();
    everybody_reaches_everybody(town, readers);
}

/// A message from any of them reaches all of them.
fn everybody_reaches_everybody(town: &mut Town, readers: &[Who]) {
    for from in readers {
        assert_eq!(town.readers_of(*from, "news.today"), readers);
    }
}

#[test]
fn a_queue_group_fails_over_to_the_nearest_cluster_and_comes_back() {
    let story = Story::of_clusters(3)
        .with_distance(0, 1, 40 * MS)
        .with_distance(0, 2, 5 * MS);
    let mut town = measured(story);
    let asker = town.client_of(0);
    let (own, far, near) = (town.client_of(0), town.client_of(1), town.client_of(2));
    town.join(far, "job", "crew");
    let place = town.join(near, "job", "crew");
    let mut own_place = town.join(own, "job", "crew");
    town.settle();
    for _ in 0..3 {
        assert_eq!(
            town.readers_of(asker, "job"),
            [own],
            "the own cluster wins while it has a member"
        );
        town.unsubscribe(own, own_place);
        town.settle();
        assert_eq!(
            town.readers_of(asker, "job"),
            [near],
            "then the nearest one"
        );
        own_place = town.join(own, "job", "crew");
        town.settle();
    }
    town.unsubscribe(own, own_place);
    town.unsubscribe(near, place);
    town.settle();
    assert_eq!(town.readers_of(asker, "job"), [far], "then whoever is left");
}

#[test]
fn the_nearest_cluster_is_measured_again_when_distances_change() {
    let story = Story::of_clusters(3)
        .with_distance(0, 1, 30 * MS)
        .with_distance(0, 2, 5 * MS);
    let mut town = measured(story);
    let asker = town.client_of(0);
    let (one, other) = (town.client_of(1), town.client_of(2));
    town.join(one, "job", "crew");
    town.join(other, "job", "crew");
    town.settle();
    assert_eq!(town.readers_of(asker, "job"), [other]);
    town.set_distance(0, 2, 200 * MS);
    town.wait(NOTICE);
    assert_eq!(town.readers_of(asker, "job"), [one]);
    town.set_distance(0, 2, 5 * MS);
    town.wait(NOTICE);
    assert_eq!(town.readers_of(asker, "job"), [other]);
}

#[test]
fn a_group_is_one_group_whatever_its_members_patterns() {
    let mut town = standing(Story::of_clusters(2));
    let asker = town.client_of(0);
    let (one, other) = (town.client_of(1), town.client_of(1));
    town.join(one, "job.*", "crew");
    town.join(other, "job.>", "crew");
    town.settle();
    for _ in 0..20 {
        assert_eq!(town.readers_of(asker, "job.x").len(), 1);
    }
}

#[test]
fn five_clusters_that_know_only_the_first_find_each_other() {
    let (mut town, readers) = finding_each_other(5, Remotes::Seed);
    everybody_reaches_everybody(&mut town, &readers);
}

#[test]
fn a_chain_of_five_clusters_becomes_a_mesh() {
    let (mut town, readers) = finding_each_other(5, Remotes::Chain);
    everybody_reaches_everybody(&mut town, &readers);
}

#[test]
fn the_seed_of_a_super_cluster_may_be_restarted() {
    let (mut town, readers) = finding_each_other(4, Remotes::Seed);
    town.crash(0);
    town.wait(5 * SECOND);
    town.start(0);
    is_whole_within(&mut town, 10 * SECOND, &readers);
}

#[test]
fn never_are_two_links_kept_where_one_is_meant() {
    for seed in 0..10 {
        let mut town = standing(Story::of_clusters(4).with_seed(seed));
        for _ in 0..100 {
            town.wait(50 * MS);
            for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
                assert_eq!(town.links_between(one, other), 2, "seed {seed}");
            }
        }
    }
}

#[test]
fn a_restarted_server_is_back_with_all_its_interest() {
    let (mut town, readers) = reading(3);
    for restarted in 0..3 {
        town.crash(restarted);
        town.wait(SECOND);
        town.start(restarted);
        is_whole_within(&mut town, 5 * SECOND, &readers);
    }
}

#[test]
fn a_server_that_stops_in_order_leaves_nothing_and_is_replaced() {
    let (mut town, readers) = reading(3);
    town.stop(1);
    town.until("the stopped server holds nothing", 3 * SECOND, |town| {
        town.usage()[1] == gannet_rt::sim::HostUsage::default()
    });
    town.start(1);
    is_whole_within(&mut town, 5 * SECOND, &readers);
}

#[test]
fn a_server_whose_machine_lost_power_is_noticed_and_comes_back() {
    let (mut town, readers) = reading(3);
    town.serve(readers[2], "time", "clocks");
    town.settle();
    town.power_off(2);
    let unanswered = town.request(readers[0], "time");
    town.wait(NOTICE);
    assert!(!town.is_refused(unanswered), "nobody could know yet");
    let refused = town.request(readers[0], "time");
    town.wait(SECOND);
    assert!(
        town.is_refused(refused),
        "a server that has been silent for so long is gone"
    );
    town.start(2);
    is_whole_within(&mut town, 10 * SECOND, &readers);
    let answered = town.request(readers[0], "time");
    town.wait(SECOND);
    assert_eq!(town.answers(answered), 1);
}

#[test]
fn two_clusters_that_only_heard_of_each_other_come_together_again() {
    let (mut town, readers) = finding_each_other(3, Remotes::Seed);
    town.partition(1, 2);
    town.wait(60 * SECOND);
    assert_eq!(town.links_between(1, 2), 0, "the links were given up");
    town.heal(1, 2);
    is_whole_within(&mut town, 10 * SECOND, &readers);
}

#[test]
fn a_partition_heals_however_long_it_was() {
    for length in [100 * MS, 3 * SECOND, 30 * SECOND] {
        let (mut town, readers) = reading(3);
        town.partition(0, 1);
        town.wait(length);
        assert!(
            !town
                .readers_of(readers[0], "news.cut")
                .contains(&readers[1])
        );
        heals(&mut town, &readers);
    }
}

#[test]
fn a_one_way_partition_heals_too() {
    let (mut town, readers) = reading(2);
    for (from, to) in [(0, 1), (1, 0)] {
        town.partition_one_way(from, to);
        town.wait(20 * SECOND);
        heals(&mut town, &readers);
    }
}

#[test]
fn somebody_silent_among_the_urls_holds_nobody_up() {
    let mut town = Story::of_clusters(3).with_a_silent_listener().begin();
    town.mesh_is_complete_within(3 * SECOND);
    let readers = readers_everywhere(&mut town, 3);
    everybody_reaches_everybody(&mut town, &readers);
}

#[test]
fn an_unknown_cluster_is_turned_away_where_that_is_wanted() {
    let strict = |options: &mut gannet_config::Options| {
        if let Some(gateway) = &mut options.gateway {
            gateway.reject_unknown = true;
            gateway.remotes.retain(|remote| remote.name != "C2");
        }
    };
    let mut town = Story::of_clusters(3).with_options(0, strict).begin();
    town.wait(5 * SECOND);
    let readers = readers_everywhere(&mut town, 3);
    assert_eq!(
        town.readers_of(readers[0], "news.x"),
        [readers[0], readers[1]]
    );
    assert_eq!(town.readers_of(readers[1], "news.x"), readers);
    assert_eq!(
        town.readers_of(readers[2], "news.x"),
        [readers[1], readers[2]]
    );
    assert_eq!((town.links_between(0, 1), town.links_between(1, 2)), (2, 2));
}

#[test]
fn an_inbox_made_just_before_the_request_gets_its_answer_from_afar() {
    for seed in 0..5 {
        let story = Story::of_clusters(3).with_seed(seed);
        let mut town = standing(story.with_distance(0, 1, 30 * MS));
        // The request and the interest in its inbox travel on different links: either may come first.
        town.set_jitter(0, 2, 80 * MS);
        town.set_jitter(1, 2, 20 * MS);
        let server = town.client_of(2);
        town.serve(server, "time", "clocks");
        let askers = [
            town.hasty_client_of(0),
            town.hasty_client_of(1),
            town.client_of(0),
            town.hasty_client_of(2),
        ];
        town.settle();
        for asker in askers {
            let requests: Vec<_> = (0..10).map(|_| town.request(asker, "time")).collect();
            town.wait(SECOND);
            for request in requests {
                assert_eq!(town.answers(request), 1);
            }
        }
    }
}

#[test]
fn interest_ends_with_the_last_subscriber() {
    let mut town = standing(Story::of_clusters(3));
    let asker = town.client_of(0);
    let (one, other) = (town.client_of(1), town.client_of(1));
    let first = town.serve(one, "time", "clocks");
    let second = town.serve(other, "time", "clocks");
    town.settle();
    town.unsubscribe(one, first);
    town.settle();
    let request = town.request(asker, "time");
    town.settle();
    assert_eq!(
        (town.answers(request), town.is_refused(request)),
        (1, false),
        "one is still there"
    );
    town.unsubscribe(other, second);
    town.settle();
    let request = town.request(asker, "time");
    town.settle();
    assert_eq!((town.answers(request), town.is_refused(request)), (0, true));
}

#[test]
fn interest_ends_with_the_server_that_had_it() {
    let mut town = standing(Story::of_clusters(2));
    let asker = town.client_of(0);
    let server = town.client_of(1);
    town.serve(server, "time", "clocks");
    town.settle();
    town.crash(1);
    town.wait(SECOND);
    let request = town.request(asker, "time");
    town.wait(SECOND);
    assert!(town.is_refused(request), "nobody is there any more");
}

#[test]
fn a_frozen_server_does_not_slow_the_clients_of_another() {
    let (mut town, readers) = reading(2);
    town.host(1).freeze();
    for _ in 0..50 {
        let letter = town.publish(readers[0], "news.x");
        town.until("the own cluster's reader has it", 100 * MS, |town| {
            town.readers(letter) == [readers[0]]
        });
    }
    town.host(1).thaw();
    town.wait(NOTICE);
    town.settle();
    everybody_reaches_everybody(&mut town, &readers);
}

#[test]
fn a_cluster_that_comes_late_is_joined_all_the_same() {
    let mut town = Story::of_clusters(3).without(2).begin();
    town.wait(60 * SECOND);
    town.start(2);
    town.mesh_is_complete_within(10 * SECOND);
    let readers = readers_everywhere(&mut town, 3);
    everybody_reaches_everybody(&mut town, &readers);
}

#[test]
fn clusters_that_come_at_the_same_moment_to_different_servers_hear_of_each_other() {
    let knowing_only = |server: usize| {
        move |options: &mut Options| {
            let Some(gateway) = &mut options.gateway else {
                return;
            };
            gateway.remotes.retain(|remote| remote.name == "C0");
            for remote in &mut gateway.remotes {
                remote.urls = vec![remote.urls[server].clone()];
            }
        }
    };
    let knowing_nobody = |options: &mut Options| {
        if let Some(gateway) = &mut options.gateway {
            gateway.remotes.clear();
        }
    };
    for seed in 0..5 {
        let story = Story::of_servers(&[2, 1, 1]).with_seed(seed);
        let story = story
            .with_options(0, knowing_nobody)
            .with_options(1, knowing_nobody)
            .with_options(2, knowing_only(0))
            .with_options(3, knowing_only(1));
        // By the time the one hears from the other of its newcomer, its own has come.
        let story = story.with_distance(0, 1, 100 * MS).without(2).without(3);
        let mut town = story.begin();
        town.wait(5 * SECOND);
        town.start(2);
        town.start(3);
        town.mesh_is_complete_within(5 * SECOND);
    }
}
