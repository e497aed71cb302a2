//! Sentences that several files of stories begin and end with.

use std::time::Duration;

use gannet_simulation::{Town, Who};

#[allow(dead_code, reason = "not every file of stories is that short of time")]
pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// One client of each of these servers, each subscribed to everything below `news`.
pub(crate) fn readers_at(town: &mut Town, servers: impl IntoIterator<Item = usize>) -> Vec<Who> {
    let servers = servers.into_iter();
    let readers: Vec<Who> = servers.map(|server| town.client_of(server)).collect();
    for reader in &readers {
        town.subscribe(*reader, "news.>");
    }
    town.settle();
    readers
}

/// A message from any of them reaches all of them, and every server knows what the others want.
pub(crate) fn all_is_well(town: &mut Town, readers: &[Who]) {
    town.settle();
    for from in readers {
        assert_eq!(town.readers_of(*from, "news.today"), readers);
    }
    town.clients_know_their_cluster_within(5 * SECOND);
    town.interest_is_known_within(5 * SECOND);
}
