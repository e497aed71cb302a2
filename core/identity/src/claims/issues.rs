//! What is wrong with claims: some of it refuses them, some is only worth a word. The texts are the reference
//! server's.

use alloc::string::String;
use alloc::vec::Vec;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What.
    pub text: String,
    /// The claims cannot be gone by.
    pub blocking: bool,
    /// It is about the time, and so passes or comes by itself.
    pub time_check: bool,
}

/// A list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issues(Vec<Issue>);

/// More than so many are not worth telling.
const MAX_ISSUES: usize = 1000;

impl Issues {
    pub(super) fn error(&mut self, text: impl Into<String>) {
        self.add(text.into(), true, false);
    }

    pub(super) fn time_check(&mut self, text: &str) {
        self.add(text.into(), false, true);
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.add(text.into(), false, false);
    }

    fn add(&mut self, text: String, blocking: bool, time_check: bool) {
        // Past the bound, a blocking one must still not get lost.
        if self.0.len() < MAX_ISSUES || (blocking && !self.is_blocking(false)) {
            self.0.push(Issue {
                text,
                blocking,
                time_check,
            });
        }
    }

    /// Whether the claims cannot be gone by; those whose time is not right count as well if it is asked for.
    pub fn is_blocking(&self, include_time_checks: bool) -> bool {
        let counts = |issue: &Issue| issue.blocking || (include_time_checks && issue.time_check);
        self.0.iter().any(counts)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.0.iter()
    }

    /// The texts of those that block, as the reference server lists them.
    pub fn errors(&self) -> String {
        let texts: Vec<&str> = (self.0.iter())
            .filter(|issue| issue.blocking)
            .map(|issue| issue.text.as_str())
            .collect();
        alloc::format!("[{}]", texts.join(" "))
    }
}
