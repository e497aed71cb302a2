//! A client in each cluster of a super-cluster, and the question whether each one reaches all others.

use crate::linked::client;
use crate::supercluster::name;
use crate::{SuperCluster, Wire};

/// A client of each server that gets headers and the status of requests that nobody answers.
pub fn clients(cluster: &SuperCluster) -> Vec<Wire> {
    (0..cluster.len())
        .map(|index| client(cluster.server(index)))
        .collect()
}

/// Waits until every server knows that every other cluster wants `subject`.
pub fn await_interest_everywhere(cluster: &SuperCluster, subject: &str, queue: &str) {
    for on in 0..cluster.len() {
        for remote in (0..cluster.len()).filter(|&remote| remote != on) {
            cluster.await_interest(on, remote, subject, queue);
        }
    }
}

/// Every client publishes one message that all get exactly once.
///
/// # Panics
/// When one of them gets something else.
pub fn check_reach(cluster: &SuperCluster, members: &mut [Wire], round: &str) {
    for (index, member) in members.iter_mut().enumerate() {
        member.send(&format!(
            "PUB reach.{round}.{} 2\r\n{index:02}\r\n",
            name(index)
        ));
    }
    for (index, member) in members.iter_mut().enumerate() {
        let mut heard: Vec<String> = Vec::new();
        for _ in 0..cluster.len() {
            let head = member.line();
            heard.push(format!("{head} {}", member.line()));
        }
        heard.sort();
        let expected: Vec<String> = (0..cluster.len())
            .map(|from| format!("MSG reach.{round}.{} 1 2 {from:02}", name(from)))
            .collect();
        assert_eq!(heard, expected, "at {}", name(index));
    }
    for member in members {
        member.fence();
    }
}

/// Every client subscribes to what [`check_reach`] publishes, and every server knows.
pub fn subscribe_for_reach(cluster: &SuperCluster, members: &mut [Wire]) {
    for member in members.iter_mut() {
        member.send("SUB reach.> 1\r\n");
        member.fence();
    }
    await_interest_everywhere(cluster, "reach.>", "");
}
