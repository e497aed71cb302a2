//! Imports that would bring messages back to where they were sent. The search is the reference's, so that the same
//! configurations are refused: an account whose imports were gone through counts as visited for the rest of it.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;

use gannet_subject::covers;

use super::Known;

/// Accounts that one search goes through, as the reference has it.
const MOST_VISITED: usize = 1024;

/// Where an import comes from.
pub(super) struct Way<'a> {
    /// The subject here, as a pattern.
    pub(super) local: Cow<'a, str>,
    pub(super) exporter: usize,
}

/// A search that begins with one import.
pub(super) struct Search<'s, 'a> {
    accounts: &'s [Known<'a>],
    visited: BTreeSet<usize>,
}

/// What a search has come to so far.
type Found = Result<(), String>;

impl<'s, 'a> Search<'s, 'a> {
    /// A search for a way back to that account.
    pub(super) fn of(accounts: &'s [Known<'a>], importer: usize) -> Search<'s, 'a> {
        Search {
            accounts,
            visited: BTreeSet::from([importer]),
        }
    }

    /// Whether a stream on `subject` from that account comes from where the search began.
    pub(super) fn stream(&mut self, account: usize, subject: &str) -> Found {
        let known = &self.accounts[account];
        self.check_depth()?;
        if known.streams.covering(subject).next().is_none() {
            return Ok(());
        }
        for (_, way) in known.taken_streams.overlapping(subject) {
            self.go_on(account, way.exporter)?;
            self.stream(way.exporter, narrower(subject, &way.local))?;
        }
        Ok(())
    }

    /// Whether requests to that account on `subject` come back to where the search began.
    pub(super) fn service(&mut self, account: usize, subject: &str) -> Found {
        let known = &self.accounts[account];
        self.check_depth()?;
        for (_, way) in known.taken_services.overlapping(subject) {
            self.go_on(account, way.exporter)?;
            self.service(way.exporter, narrower(subject, &way.local))?;
        }
        Ok(())
    }

    fn check_depth(&self) -> Found {
        if self.visited.len() >= MOST_VISITED {
            return Err("search cycle depth exhausted".into());
        }
        Ok(())
    }

    fn go_on(&mut self, account: usize, next: usize) -> Found {
        if self.visited.contains(&next) {
            return Err("import forms a cycle".into());
        }
        self.visited.insert(account);
        Ok(())
    }
}

/// `other` if it is a part of `subject`.
fn narrower<'t>(subject: &'t str, other: &'t str) -> &'t str {
    if covers(subject.as_bytes(), other.as_bytes()) {
        other
    } else {
        subject
    }
}
