//! Certificates that change under standing links, told in sentences.

mod common;

use common::{SECOND, all_is_well, readers_at};
use gannet_simulation::{Story, Town, Who};

fn standing() -> (Town, Vec<Who>) {
    let mut town = Story::of_servers(&[2, 2]).encrypted().begin();
    town.mesh_is_complete_within(5 * SECOND);
    let readers = readers_at(&mut town, 0..4);
    all_is_well(&mut town, &readers);
    (town, readers)
}

fn ends(town: &Town) -> usize {
    town.told("connection closed").len() + town.told("lost connection").len()
}

#[test]
fn new_certificates_end_no_link_and_new_links_have_them() {
    let (mut town, readers) = standing();
    let before = ends(&town);
    for server in 0..4 {
        town.certify(server, 0);
    }
    all_is_well(&mut town, &readers);
    assert_eq!(ends(&town), before, "no connection ended");
    let late = town.client_of(2);
    town.settle();
    let shown = town.told("is shown");
    assert!(
        shown
            .last()
            .is_some_and(|line| line.contains("s2 certificate 7")),
        "{late:?}: {shown:?}"
    );
}

#[test]
fn somebody_else_vouches_for_everybody_and_the_one_before_is_forgotten() {
    let (mut town, readers) = standing();
    let before = ends(&town);
    for server in 0..4 {
        town.trust(server, &[0, 1]);
    }
    for server in 0..4 {
        town.certify(server, 1);
    }
    for server in 0..4 {
        town.trust(server, &[1]);
    }
    all_is_well(&mut town, &readers);
    assert_eq!(ends(&town), before, "no connection ended");
    // The links that are made now are judged by the new files.
    for server in 0..4 {
        town.crash(server);
        town.start(server);
        town.mesh_is_complete_within(10 * SECOND);
    }
    all_is_well(&mut town, &readers);
    for (one, other) in [(0, 1), (0, 2), (1, 3)] {
        let (a, b) = (town.host(one), town.host(other));
        town.net().reset_between(&a, &b);
        town.mesh_is_complete_within(10 * SECOND);
    }
    all_is_well(&mut town, &readers);
}

#[test]
fn a_server_whose_voucher_nobody_trusts_is_alone() {
    let (mut town, _) = standing();
    town.certify(3, 1);
    for other in 0..3 {
        let (a, b) = (town.host(3), town.host(other));
        town.net().reset_between(&a, &b);
    }
    town.wait(10 * SECOND);
    for other in 0..3 {
        assert_eq!(town.links_between(3, other), 0, "with {other}");
    }
    town.certify(3, 0);
    town.mesh_is_complete_within(10 * SECOND);
}
