//! Every small static topology: all placements of a plain subscription and of the members of two queue groups on
//! two and on three clusters, each published into from every cluster, compared with the oracle.

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

/// Walks through all placements of `spots`, one change at a time, and checks each from every cluster.
fn all_placements(clusters: usize, spots: &[Option<&'static str>], trips: Vec<Vec<u64>>) {
    let mut story = Story::of_clusters(clusters);
    for (one, row) in trips.iter().enumerate() {
        for (other, trip) in row.iter().enumerate().skip(one + 1) {
            story = story.with_distance(one, other, Duration::from_millis(*trip));
        }
    }
    let mut town = story.begin();
    town.mesh_is_complete_within(Duration::from_secs(3));
    // The first PINGs tell who is near.
    town.wait(Duration::from_secs(2));
    let publishers: Vec<Who> = (0..clusters)
        .map(|cluster| town.client_of(cluster))
        .collect();
    let mut places: Vec<Spot> = (0..clusters)
        .flat_map(|cluster| spots.iter().map(move |queue| (cluster, *queue)))
        .map(|(cluster, queue)| Spot {
            who: town.client_of(cluster),
            queue,
            sid: None,
        })
        .collect();
    town.settle();
    let distances = Distances::Known(trips);
    let mut checked = 0_u32;
    for placement in 0..1_u32 << places.len() {
        // Gray code: from one placement to the next, one subscription comes or goes.
        let gray = placement ^ (placement >> 1);
        for (at, spot) in places.iter_mut().enumerate() {
            spot.set(&mut town, gray & (1 << at) != 0);
        }
        town.settle();
        let letters: Vec<(Letter, Answer)> = (0..clusters)
            .map(|origin| {
                let expected = answer(&town.members(), &distances, origin, "place.x");
                (town.publish(publishers[origin], "place.x"), expected)
            })
            .collect();
        town.settle();
        for (letter, expected) in letters {
            if let Err(wrong) = town.verdict(letter, &expected) {
                panic!("{wrong}\nsubscriptions: {:?}", town.members());
            }
            checked += 1;
        }
    }
    assert_eq!(checked, (1 << places.len()) * clusters as u32);
}

#[test]
fn every_placement_on_two_clusters_is_served_as_the_oracle_says() {
    let spots = [None, Some("a"), Some("a"), Some("b")];
    all_placements(2, &spots, vec![vec![0, 2], vec![2, 0]]);
}

#[test]
fn every_placement_on_three_clusters_is_served_as_the_oracle_says() {
    let spots = [None, Some("a"), Some("b")];
    all_placements(3, &spots, vec![vec![0, 2, 9], vec![2, 0, 5], vec![9, 5, 0]]);
}
