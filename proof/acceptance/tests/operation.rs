//! Operation under full load, briefly: reloads that nobody notices (rows OPS-11 to OPS-14), servers that end in every
//! way and come back (OPS-05, OPS-06, OPS-09). The same for long: `cargo run --release -p gannet-meshes -- --reloads N`
//! and `--lifecycle N`.

use gannet_acceptance::operate::lifecycle::{Event, Lifecycle};
use gannet_acceptance::operate::reloads::{Change, Reloads};

/// Every kind of change once, two rounds of it: nothing is lost, nobody loses a connection.
fn reloads(mix: &str, unless: &[Change]) {
    let mut reloads = Reloads::start(mix);
    for _ in 0..2 {
        for change in Change::ALL {
            if !unless.contains(&change) {
                reloads.change(change);
            }
        }
    }
    let outcome = reloads.finish();
    assert!(outcome.carried.delivered > 0);
}

/// A cluster, one of whose servers comes and goes.
#[test]
fn reloads_of_a_cluster_are_not_noticed() {
    reloads("GGG", &[Change::Gateways]);
}

/// A super-cluster, one of whose clusters comes and goes.
#[test]
fn reloads_of_a_super_cluster_are_not_noticed() {
    reloads("GG G G", &[Change::Routes]);
}

/// A neighbour over routes and one over gateways are Go servers, which are not reloaded. Pools are left alone: a Go
/// server closes its routes when they change.
#[test]
fn reloads_beside_go_servers_are_not_noticed() {
    reloads("GX X G", &[Change::Pools, Change::Routes]);
}

/// Servers end and come back; the others' clients notice nothing, no link to the dead stays, and nothing leaks.
#[test]
fn servers_end_and_come_back_under_load() {
    let mut lifecycle = Lifecycle::start(1);
    for _ in 0..4 * Event::ALL.len() {
        lifecycle.round();
        if lifecycle.is_turn_over() {
            lifecycle.look();
        }
    }
    let outcome = lifecycle.finish();
    assert!(outcome.counts.values().all(|&count| count == 4));
}
