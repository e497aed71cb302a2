//! A fixed set of three hundred seeds, and those that once failed. More of them explores `gannet-sim`.

use gannet_simulation::{Config, run_seed};

/// Seeds that once failed, with the number of clusters if it was given, and what was wrong. They are run without
/// reloads and TLS, which there were none of at that time: they would make other stories of them.
const REGRESSIONS: [(u64, Option<usize>, &str); 17] = [
    (
        0,
        None,
        "plans kept by gateway links held the sockets of clients that had left",
    ),
    (
        304,
        None,
        "three servers dialled one that had gone, by turns: the checker took the dials for leaks",
    ),
    (700, None, "the same with four servers"),
    (
        256,
        None,
        "a late dial took the place of a connection that both servers had in use, with the messages on it",
    ),
    (
        2579,
        None,
        "a server that was given up while it stood still delivered what it had in hand, after what came later: \
         the checker did not allow for it",
    ),
    (3107, None, "the same"),
    (3482, None, "the same"),
    (4088, None, "the same"),
    (
        4379,
        None,
        "the same, with a server that could not reach its neighbour",
    ),
    (
        3753,
        None,
        "the checker did not know that a server's leaving for ever disturbs those who were linked to it",
    ),
    (14174, None, "as 256, where only one had noticed the use"),
    (17668, None, "the same"),
    (18214, None, "the same, with the answer to a request"),
    (
        11442,
        None,
        "a reply came home over another route than the other messages, and overtook one",
    ),
    (
        20816,
        None,
        "an account on its way to a route that had ended stayed there, and replies were sent to it",
    ),
    (21264, None, "the same"),
    (
        201_789,
        None,
        "a server that had lost sight of its neighbour told other clusters so, and left",
    ),
];

/// Runs seeds and reports all failures together, each with the command that replays it.
fn hold(as_of_old: bool, runs: impl Iterator<Item = (u64, Option<usize>, Option<usize>)>) {
    let mut failures = Vec::new();
    for (seed, clusters, servers) in runs {
        let config = Config {
            clusters,
            servers,
            reloads: !as_of_old,
            tls: !as_of_old,
            ..Config::default()
        };
        if let Some(failure) = run_seed(seed, &config).failure {
            let flag = |name, value: Option<usize>| {
                value.map_or(String::new(), |n| format!(" --{name} {n}"))
            };
            let without = match as_of_old {
                true => " --no-reloads --no-tls",
                false => "",
            };
            let flags = flag("clusters", clusters) + &flag("servers", servers) + without;
            failures.push(format!(
                "{failure}\n    cargo run -p gannet-sim -- --seed {seed}{flags}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn super_clusters_hold_whatever_breaks() {
    hold(false, (100..200).map(|seed| (seed, None, None)));
}

#[test]
fn more_super_clusters_hold_whatever_breaks() {
    hold(false, (200..300).map(|seed| (seed, None, None)));
}

#[test]
fn one_server_holds_whatever_breaks() {
    hold(false, (300..350).map(|seed| (seed, Some(1), Some(1))));
}

#[test]
fn one_cluster_holds_whatever_breaks() {
    hold(false, (400..430).map(|seed| (seed, Some(1), Some(3))));
}

#[test]
fn three_clusters_of_three_servers_hold_whatever_breaks() {
    hold(false, (500..520).map(|seed| (seed, Some(3), Some(3))));
}

#[test]
fn what_once_failed_holds() {
    hold(
        true,
        REGRESSIONS
            .iter()
            .map(|(seed, clusters, _)| (*seed, *clusters, None)),
    );
}
