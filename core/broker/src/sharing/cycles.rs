//! Imports that would bring messages back to where they were sent. Not here: what else an import must be.
//!
//! The search is the reference server's, so that the same configurations are refused: an account whose
//! imports were gone through counts as visited for the rest of the search.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;

use gannet_subject::{covers, overlaps};

use super::imports::Refusal;

/// Accounts that one search goes through, as the reference server has it.
const VISITED_MOST: usize = 1024;

/// Looks at an import: the exporter, the subject here and the one there.
pub(crate) type Visit<'a> = dyn FnMut(&str, &[u8], &[u8]) -> Found + 'a;

/// What the search must know of accounts.
pub(crate) trait Graph {
    /// Whether the account offers a stream that has all of `pattern`.
    fn offers_stream(&self, account: &str, pattern: &[u8]) -> bool;
    /// Visits the account's imports of streams, those that have nothing in common with `subject` here left out or not;
    /// until the visitor answers otherwise than `Ok`.
    fn streams(&self, account: &str, subject: &[u8], visit: &mut Visit<'_>) -> Found;
    /// Visits the account's imports of services in the same way, by the subject there.
    fn services(&self, account: &str, subject: &[u8], visit: &mut Visit<'_>) -> Found;
}

/// What a search has come to so far.
pub(crate) type Found = Result<(), Refusal>;

/// Whether a stream that `importer` takes from `exporter` on `subject` comes from `importer` itself.
pub(crate) fn check_stream(
    graph: &dyn Graph,
    importer: &str,
    exporter: &str,
    subject: &[u8],
) -> Found {
    Search::of(graph, importer).stream(exporter, subject)
}

/// Whether requests that `importer` sends to `exporter` for its own `subject` come back to `importer`.
pub(crate) fn check_service(
    graph: &dyn Graph,
    importer: &str,
    exporter: &str,
    subject: &[u8],
) -> Found {
    Search::of(graph, importer).service(exporter, subject)
}

struct Search<'a> {
    graph: &'a dyn Graph,
    visited: BTreeSet<String>,
}

impl<'a> Search<'a> {
    fn of(graph: &'a dyn Graph, importer: &str) -> Search<'a> {
        Search {
            graph,
            visited: BTreeSet::from([importer.to_owned()]),
        }
    }

    fn enter(&mut self, account: &str, next: &str) -> Found {
        if self.visited.contains(next) {
            return Err(Refusal::Cycle);
        }
        if !self.visited.contains(account) {
            self.visited.insert(account.to_owned());
        }
        Ok(())
    }

    fn stream(&mut self, account: &str, subject: &[u8]) -> Found {
        if self.visited.len() >= VISITED_MOST {
            return Err(Refusal::CycleDepth);
        }
        let graph = self.graph;
        if !graph.offers_stream(account, subject) {
            return Ok(());
        }
        graph.streams(account, subject, &mut |next, local, _| {
            if !overlaps(subject, local) {
                return Ok(());
            }
            self.enter(account, next)?;
            self.stream(next, narrower(subject, local))
        })
    }

    fn service(&mut self, account: &str, subject: &[u8]) -> Found {
        if self.visited.len() >= VISITED_MOST {
            return Err(Refusal::CycleDepth);
        }
        let graph = self.graph;
        graph.services(account, subject, &mut |next, local, remote| {
            if !overlaps(subject, remote) {
                return Ok(());
            }
            self.enter(account, next)?;
            self.service(next, narrower(subject, local))
        })
    }
}

/// `other` if it is a part of `subject`.
fn narrower<'a>(subject: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    if covers(subject, other) {
        other
    } else {
        subject
    }
}
