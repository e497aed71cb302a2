//! Every small static topology: all placements of a plain subscription and of the members of two queue groups on
//! two and on three clusters of one server, and all placements of the members of two queue groups on up to
//! three clusters of up to two servers, each published into from every server, compared with the oracle.

use std::time::Duration;

use gannet_simulation::oracle::{Answer, Distances, answer};
use gannet_simulation::{Letter, Story, Town, Who};

/// A thing that may or may not be subscribed.
struct Spot {
    who: Who,
    queue: Option<&'static str>,
    sid: Option<u32>,
}

impl Spot {
    fn set(&mut self, town: &mut Town, on: bool) {
        match (on, self.sid.take()) {
            (true, None) => {
                self.sid = Some(match self.queue {
                    None => town.subscribe(self.who, "place.*"),
                    Some(queue) => town.join(self.who, "place.*", queue),
                });
            }
            (false, Some(sid)) => town.unsubscribe(self.who, sid),
            (_, sid) => self.sid = sid,
        }
    }
}

/// How far the clusters are apart, in milliseconds each way.
const APART: [[u64; 3]; 3] = [[0, 2, 9], [2, 0, 5], [9, 5, 0]];

/// A super-cluster in which everybody knows how far the others are.
fn measured(sizes: &[usize]) -> Town {
    let mut story = Story::of_servers(sizes);
    for (one, row) in APART.iter().enumerate().take(sizes.len()) {
        for (other, apart) in row.iter().enumerate().take(sizes.len()).skip(one + 1) {
            story = story.with_clusters_apart(one, other, Duration::from_millis(*apart));
        }
    }
    let mut town = story.begin();
    town.mesh_is_complete_within(Duration::from_secs(3));
    // The first PINGs tell who is near.
    town.wait(Duration::from_secs(2));
    town
}

/// Walks through all placements of `spots` at each server, one change at a time, and checks each from every
/// server. The plain subscriptions, if wanted, are not placed on their own: each comes and goes with one of
/// those placed.
fn all_placements(sizes: &[usize], spots: &[Option<&'static str>], with_plain_ones: bool) {
    let mut town = measured(sizes);
    let clusters = sizes.iter().enumerate();
    let cluster_of: Vec<usize> = clusters
        .flat_map(|(cluster, size)| vec![cluster; *size])
        .collect();
    let servers = cluster_of.len();
    let publishers: Vec<Who> = (0..servers).map(|server| town.client_of(server)).collect();
    let mut spot = |server: usize, queue: Option<&'static str>| Spot {
        who: town.client_of(server),
        queue,
        sid: None,
    };
    let mut places = Vec::new();
    for server in 0..servers {
        places.extend(spots.iter().map(|queue| spot(server, *queue)));
    }
    let plain = (0..servers).filter(|_| with_plain_ones);
    let mut tied: Vec<Spot> = plain.map(|server| spot(server, None)).collect();
    town.settle();
    let trips = APART.iter().map(|row| row.to_vec()).collect();
    let distances = Distances::Known(trips);
    let mut checked = 0;
    for placement in 0..1_u32 << places.len() {
        // Gray code: from one placement to the next, one subscription comes or goes.
        let gray = placement ^ (placement >> 1);
        for (at, spot) in places.iter_mut().enumerate() {
            spot.set(&mut town, gray & (1 << at) != 0);
        }
        let next = places.len().saturating_sub(1);
        for (at, spot) in tied.iter_mut().enumerate() {
            spot.set(&mut town, gray & (1 << ((at * 3 + 1) % next.max(1))) != 0);
        }
        town.settle();
        checked += check_from_everywhere(&mut town, &publishers, &cluster_of, &distances);
    }
    assert_eq!(checked, (1 << places.len()) * servers);
}

/// Publishes at every server, and compares who gets it with the oracle; answers how many messages there were.
fn check_from_everywhere(
    town: &mut Town,
    publishers: &[Who],
    cluster_of: &[usize],
    distances: &Distances,
) -> usize {
    let members = town.members();
    let letters: Vec<(Letter, Answer)> = publishers
        .iter()
        .zip(cluster_of)
        .map(|(publisher, origin)| {
            let expected = answer(&members, distances, *origin, "place.x");
            (town.publish(*publisher, "place.x"), expected)
        })
        .collect();
    town.settle();
    for (letter, expected) in &letters {
        if let Err(wrong) = town.verdict(*letter, expected) {
            panic!("{wrong}\nsubscriptions: {members:?}");
        }
    }
    letters.len()
}

#[test]
fn every_placement_on_two_clusters_is_served_as_the_oracle_says() {
    all_placements(&[1, 1], &[None, Some("a"), Some("a"), Some("b")], false);
}

#[test]
fn every_placement_on_three_clusters_is_served_as_the_oracle_says() {
    all_placements(&[1, 1, 1], &[None, Some("a"), Some("b")], false);
}

#[test]
fn every_placement_on_one_cluster_of_up_to_two_servers_is_served_as_the_oracle_says() {
    for sizes in [[1], [2]] {
        all_placements(&sizes, &[None, Some("a"), Some("a"), Some("b")], false);
    }
}

#[test]
fn every_placement_on_two_clusters_of_up_to_two_servers_is_served_as_the_oracle_says() {
    for sizes in [[1, 2], [2, 1], [2, 2]] {
        all_placements(&sizes, &GROUPS, true);
    }
}

#[test]
fn every_placement_on_three_clusters_of_up_to_two_servers_is_served_as_the_oracle_says() {
    for sizes in [
        [1, 1, 2],
        [1, 2, 1],
        [2, 1, 1],
        [1, 2, 2],
        [2, 1, 2],
        [2, 2, 1],
    ] {
        all_placements(&sizes, &GROUPS, true);
    }
}

#[test]
fn every_placement_on_three_clusters_of_two_servers_is_served_as_the_oracle_says() {
    all_placements(&[2, 2, 2], &GROUPS, true);
}

/// The two queue groups.
const GROUPS: [Option<&str>; 2] = [Some("a"), Some("b")];
