//! Particular cases of clusters of several servers, told in sentences.

mod common;

use common::{MS, SECOND, all_is_well, readers_at};
use gannet_simulation::{Remotes, Story, Town, Who};

/// Long enough to notice silence and to come back.
const HEALING: std::time::Duration = std::time::Duration::from_secs(20);

fn standing(story: Story, servers: usize) -> (Town, Vec<Who>) {
    let mut town = story.begin();
    town.mesh_is_complete_within(5 * SECOND);
    let readers = readers_at(&mut town, 0..servers);
    all_is_well(&mut town, &readers);
    (town, readers)
}

#[test]
fn a_cluster_becomes_a_mesh_however_its_servers_know_of_each_other() {
    for routes in [Remotes::Full, Remotes::Seed, Remotes::Chain] {
        for remotes in [Remotes::Full, Remotes::Seed, Remotes::Chain] {
            let story = Story::of_servers(&[3, 2, 1]);
            let story = story.with_routes_knowing(routes).knowing(remotes);
            standing(story.listing_one_server(), 6);
        }
    }
}

#[test]
fn a_cluster_of_five_whose_name_is_made_up_agrees_on_one() {
    for seed in 0..5 {
        let story = Story::of_servers(&[5]).with_seed(seed).with_made_up_name();
        let mut town = story.begin();
        town.mesh_is_complete_within(10 * SECOND);
        let readers = readers_at(&mut town, 0..5);
        all_is_well(&mut town, &readers);
    }
}

#[test]
fn pools_of_different_sizes_make_as_many_connections_as_the_larger_wants() {
    let pools = [None, Some(1), Some(3), Some(5)];
    for (one, other) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 2)] {
        for pinned in [false, true] {
            let mut story = Story::of_servers(&[2, 1]);
            story = story.with_pool(0, pools[one]).with_pool(1, pools[other]);
            if pinned {
                story = story.with_pinned_clients();
            }
            standing(story, 3);
        }
    }
}

#[test]
fn every_pair_of_compression_modes_works() {
    let modes = [
        "",
        "off",
        "not_supported",
        "s2_fast",
        "s2_better",
        "s2_best",
        "s2_auto",
    ];
    for one in modes {
        for other in modes {
            let story = Story::of_servers(&[2]).with_compression(0, one);
            standing(story.with_compression(1, other), 2);
        }
    }
}

#[test]
fn a_cluster_restarted_server_by_server_is_as_before() {
    let (mut town, readers) = standing(Story::of_servers(&[3, 2]), 5);
    for server in 0..3 {
        town.stop(server);
        town.wait(SECOND);
        town.start(server);
        town.wait(500 * MS);
    }
    town.mesh_is_complete_within(HEALING);
    all_is_well(&mut town, &readers);
}

#[test]
fn a_cluster_that_died_as_a_whole_is_back_with_all_its_interest() {
    let (mut town, readers) = standing(Story::of_servers(&[3, 2]), 5);
    for server in 0..3 {
        town.crash(server);
    }
    assert_eq!(town.readers_of(readers[4], "news.x"), readers[3..]);
    for server in [2, 0, 1] {
        town.wait(SECOND);
        town.start(server);
    }
    town.mesh_is_complete_within(HEALING);
    all_is_well(&mut town, &readers);
}

#[test]
fn routes_and_gateways_cut_at_once_heal_together() {
    let (mut town, readers) = standing(Story::of_servers(&[2, 2]), 4);
    for (one, other) in [(0, 1), (0, 2), (1, 3)] {
        town.partition(one, other);
    }
    town.partition_one_way(2, 3);
    town.wait(HEALING);
    for (one, other) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        town.heal(one, other);
    }
    town.mesh_is_complete_within(HEALING);
    town.wait(HEALING);
    all_is_well(&mut town, &readers);
}

#[test]
fn a_server_that_moved_is_found_where_it_is_now() {
    for server in 0..4 {
        let (mut town, readers) = standing(Story::of_servers(&[2, 2]), 4);
        for _ in 0..2 {
            town.move_elsewhere(server);
            town.mesh_is_complete_within(HEALING);
            all_is_well(&mut town, &readers);
        }
    }
}

#[test]
fn a_server_that_left_for_ever_is_forgotten_by_servers_and_clients() {
    for server in [0, 2] {
        let (mut town, mut readers) = standing(Story::of_servers(&[3, 2]), 5);
        town.bury(server);
        readers.remove(server);
        town.mesh_is_complete_within(HEALING);
        all_is_well(&mut town, &readers);
        for other in [1, 3] {
            town.crash(other);
            town.start(other);
        }
        town.mesh_is_complete_within(HEALING);
        all_is_well(&mut town, &readers);
    }
}

#[test]
fn any_member_in_the_publishers_cluster_comes_before_all_others() {
    let (mut town, readers) = standing(Story::of_servers(&[2, 2]), 4);
    for reader in &readers[1..] {
        town.join(*reader, "job", "crew");
    }
    town.settle();
    for _ in 0..20 {
        assert_eq!(town.readers_of(readers[0], "job"), [readers[1]]);
        let chosen = town.readers_of(readers[3], "job");
        assert!(
            chosen == [readers[2]] || chosen == [readers[3]],
            "{chosen:?}"
        );
    }
}
