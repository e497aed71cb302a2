//! Requests: an answer, or the word that nobody is there, but never both; and when nothing breaks, one of the
//! two for certain, every answer of every responder included.
//!
//! Source: the manual's request-reply chapter, ADR-4's no-responders status 503; over gateways the requester's
//! inbox need not be known yet where the responder is (reply mapping, two seconds in the reference server).

use std::ops::Range;

use super::Watcher;
use crate::journal::{Event, Journal, Message, MessageId};
use crate::oracle::{Distances, Member, answer};

pub(super) struct OneWord;

impl Watcher for OneWord {
    fn name(&self) -> &'static str {
        "an answer or none"
    }

    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String> {
        let request = match event {
            Event::NoResponders { request } => *request,
            Event::Delivered { message, .. } => *message,
            _ => return Ok(()),
        };
        let Some(record) = journal.messages.get(request) else {
            return Err(format!(
                "no responders for request {request}, which nobody has made"
            ));
        };
        if record.refusals > 1 {
            return Err(format!(
                "request {request} was refused {} times",
                record.refusals
            ));
        }
        if record.refusals > 0 && !record.deliveries.is_empty() {
            return Err(format!(
                "request {request} was refused although {:?} got it",
                record.deliveries
            ));
        }
        Ok(())
    }
}

/// What is wrong with the requests among `messages`, made while nothing moved and nothing broke.
pub(crate) fn judge(
    journal: &Journal,
    messages: Range<MessageId>,
    members: &[Member],
) -> Result<(), String> {
    for request in messages {
        let record = &journal.messages[request];
        if record.reply.is_none() {
            continue;
        }
        let origin = journal.map.cluster_of(record.server);
        let expected = answer(members, &Distances::Unknown, origin, &record.subject);
        if expected.is_nobody() {
            if record.refusals != 1 {
                return Err(format!(
                    "request {request} on {:?} was not refused: nobody is there",
                    record.subject
                ));
            }
            continue;
        }
        if record.refusals > 0 {
            return Err(format!(
                "request {request} on {:?} was refused: members are there",
                record.subject
            ));
        }
        answered(journal, request, record)?;
    }
    Ok(())
}

fn answered(journal: &Journal, request: MessageId, record: &Message) -> Result<(), String> {
    let answers = || {
        journal
            .messages
            .iter()
            .enumerate()
            .filter(|(_, m)| m.answers == Some(request))
    };
    let arrived = answers().filter(|(_, m)| !m.deliveries.is_empty()).count();
    let sent = answers().count();
    // An inbox for one message closes behind the first answer.
    let fresh = answers().any(|(_, m)| m.deliveries.iter().any(|sub| journal.subs[*sub].limited));
    let wanted = if fresh { 1 } else { sent };
    if sent < record.deliveries.len() || arrived < wanted.max(1) {
        return Err(format!(
            "request {request} of client {} on {:?} went to {:?}, was answered {sent} times, and {arrived} answers arrived",
            record.publisher, record.subject, record.deliveries
        ));
    }
    Ok(())
}
