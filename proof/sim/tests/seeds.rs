//! A fixed set of seeds, and those that once failed.

use gannet_simulation::{Config, run_seed};

/// Seeds that once failed, with the number of clusters if it was given and what was wrong.
const REGRESSIONS: [(u64, Option<usize>, &str); 1] = [(
    0,
    None,
    "plans kept by gateway links held the sockets of clients that had left",
)];

/// Runs seeds and reports all failures together, each with the command that replays it.
fn hold(runs: impl Iterator<Item = (u64, Option<usize>)>) {
    let mut failures = Vec::new();
    for (seed, clusters) in runs {
        let outcome = run_seed(
            seed,
            &Config {
                clusters,
                ..Config::default()
            },
        );
        if let Some(failure) = outcome.failure {
            let clusters = clusters.map_or(String::new(), |n| format!(" --clusters {n}"));
            failures.push(format!(
                "{failure}\n    cargo run -p gannet-sim -- --seed {seed}{clusters}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn super_clusters_hold_whatever_breaks() {
    hold((100..115).map(|seed| (seed, None)));
}

#[test]
fn more_super_clusters_hold_whatever_breaks() {
    hold((200..215).map(|seed| (seed, None)));
}

#[test]
fn one_server_holds_whatever_breaks() {
    hold((300..310).map(|seed| (seed, Some(1))));
}

#[test]
fn what_once_failed_holds() {
    hold(
        REGRESSIONS
            .iter()
            .map(|(seed, clusters, _)| (*seed, *clusters)),
    );
}
