//! What claims may have as subjects, by the rules of the claims. They are a little wider than those of the
//! server, which judges subjects again where it uses them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::issues::Issues;

/// Notes what is wrong with a subject.
pub(super) fn check(subject: &str, issues: &mut Issues) {
    if subject.is_empty() {
        issues.error("subject cannot be empty");
        return;
    }
    if subject.contains(' ') {
        issues.error(format!("subject {subject:?} cannot have spaces"));
    }
    if subject.starts_with('.') || subject.ends_with('.') {
        issues.error(format!(
            "subject {subject:?} cannot start or end with a `.`"
        ));
    }
    if subject.contains("..") {
        issues.error(format!(
            "subject {subject:?} cannot contain consecutive `.`"
        ));
    }
}

/// Whether a token of the subject is a wildcard.
pub(super) fn has_wildcard(subject: &str) -> bool {
    let last = subject.rsplit('.').next();
    subject.split('.').any(|token| token == "*") || last == Some(">")
}

/// Whether `narrow` lies in `wide`; what the claims mean by that is a little wider than what the server does.
pub(super) fn is_contained_in(narrow: &str, wide: &str) -> bool {
    let mut narrow = narrow.split('.');
    let mut wide = wide.split('.').peekable();
    while let Some(token) = wide.next() {
        let Some(have) = narrow.next() else {
            return false;
        };
        if token == ">" && wide.peek().is_none() {
            return true;
        }
        if token != have && token != "*" {
            return false;
        }
    }
    narrow.next().is_none()
}

/// Each subject that another one lies in, with the first of those.
pub(super) fn overlaps<'a>(subjects: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    let mut wider = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for subject in subjects {
        if !seen.insert(*subject) {
            wider.entry(*subject).or_insert(*subject);
        }
    }
    // Only a pattern holds others than itself.
    for wide in seen.iter().filter(|subject| has_wildcard(subject)) {
        let inside = |narrow: &&&str| *narrow != wide && is_contained_in(narrow, wide);
        if let Some(narrow) = subjects.iter().find(inside) {
            wider.entry(*wide).or_insert(*narrow);
        }
    }
    wider
}

/// Notes what is wrong with a `local_subject`, the other name of `from`.
pub(super) fn check_renaming(renaming: &str, from: &str, issues: &mut Issues) {
    check(renaming, issues);
    if from.is_empty() {
        issues.error("subject cannot be empty");
    }
    if renaming.contains(' ') {
        issues.error(format!("subject {renaming:?} cannot have spaces"));
    }
    if ends_wide(renaming) != ends_wide(from) {
        issues.error("both, renaming subject and subject, need to end or not end in >");
    }
    let wildcards = from.split('.').filter(|token| *token == "*").count();
    let mut named = 0;
    for token in renaming.split('.') {
        if token == "*" {
            named += 1;
        } else if let Some(index) = reference(token) {
            if usize::try_from(index).is_ok_and(|index| index <= wildcards) || index < 0 {
                named += 1;
            } else {
                issues.error(format!(
                    "Reference ${index} in {renaming:?} reference * in {from:?} that do not exist"
                ));
            }
        }
    }
    if named != wildcards {
        issues.error("subject does not contain enough * or reference wildcards $[0-9]");
    }
}

/// The subject that a renaming one listens on: references stand for any token.
pub(super) fn without_references(renaming: &str) -> String {
    let plain = |token| {
        if reference(token).is_some() {
            "*"
        } else {
            token
        }
    };
    let tokens: Vec<&str> = renaming.split('.').map(plain).collect();
    tokens.join(".")
}

fn ends_wide(subject: &str) -> bool {
    subject == ">" || subject.ends_with(".>")
}

/// The number of a `$1`.
fn reference(token: &str) -> Option<i64> {
    token.strip_prefix('$')?.parse().ok()
}
