//! Exactly once: while nothing moves and nothing breaks, every message reaches exactly those that the oracle
//! names, in every cluster, exactly once. As every publisher reaches every subscriber, interest has then
//! converged to the answer computed from scratch.
//!
//! Source: `oracle`; demand G5, G13 and GW-05.

use std::ops::Range;

use crate::journal::{Journal, MessageId};
use crate::oracle::{Distances, Member, answer};

/// The subscriptions that stand, as the oracle wants them.
pub(crate) fn members(journal: &Journal) -> Vec<Member> {
    let standing = journal.standing().filter(|(_, sub)| !sub.inbox);
    let member = |(id, sub): (usize, &crate::journal::Subscription)| Member {
        id,
        cluster: journal.map.cluster_of(sub.server),
        pattern: sub.pattern.clone(),
        queue: sub.queue.clone(),
    };
    standing.map(member).collect()
}

/// What is wrong with the deliveries of `messages`, answers aside.
pub(crate) fn judge(
    journal: &Journal,
    messages: Range<MessageId>,
    members: &[Member],
    distances: &Distances,
) -> Result<(), String> {
    for id in messages {
        let message = &journal.messages[id];
        if message.answers.is_some() {
            continue;
        }
        let origin = journal.map.cluster_of(message.server);
        let expected = answer(members, distances, origin, &message.subject);
        expected.verdict(&message.deliveries).map_err(|wrong| {
            let who = members
                .iter()
                .map(|m| {
                    format!(
                        "{} in cluster {}: {} {:?}",
                        m.id, m.cluster, m.pattern, m.queue
                    )
                })
                .collect::<Vec<_>>()
                .join("; ");
            format!(
                "message {id} on {:?} from server {}: {wrong} (subscriptions: {who})",
                message.subject, message.server
            )
        })?;
    }
    Ok(())
}
