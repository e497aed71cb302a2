//! Nothing leaked: when everybody has left, a server's process holds as many tasks, timers, sockets and
//! listeners as it did before anybody came; and none at all when it has stopped.
//!
//! Source: design, part 6 ("nothing leaks after heal").

use gannet_rt::sim::HostUsage;

/// What is held beyond `before`, if anything.
pub(crate) fn judge(before: &[HostUsage], after: &[HostUsage]) -> Result<(), String> {
    for (server, (before, after)) in before.iter().zip(after).enumerate() {
        if before != after {
            return Err(format!(
                "server {server} held {before:?} and now holds {after:?}"
            ));
        }
    }
    Ok(())
}
