//! Many patterns, found by a subject that they may have something in common with. An account may have thousands, and
//! each import asks; so they are kept by what they begin with.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use gannet_subject::{covers, overlaps};

/// Patterns with what stands behind each, by their tokens before the first wildcard.
pub(super) struct Patterns<'a, T> {
    entries: Vec<(Cow<'a, str>, T)>,
    by_beginning: BTreeSet<(&'a str, usize)>,
}

impl<T> Default for Patterns<'_, T> {
    fn default() -> Self {
        Patterns {
            entries: Vec::new(),
            by_beginning: BTreeSet::new(),
        }
    }
}

impl<'a, T> Patterns<'a, T> {
    /// Adds a pattern; `written` is how it stands in the options, where numbers (`$1`) may be in a wildcard's place.
    pub(super) fn push(&mut self, written: &'a str, pattern: Cow<'a, str>, value: T) {
        self.by_beginning
            .insert((beginning(written), self.entries.len()));
        self.entries.push((pattern, value));
    }

    /// All patterns that match everything that `subject` does, the first ones first.
    pub(super) fn covering(&self, subject: &str) -> impl Iterator<Item = (&str, &T)> {
        let alike = self.beginning_alike(subject).collect();
        self.in_order(alike)
            .filter(move |(pattern, _)| covers(pattern.as_bytes(), subject.as_bytes()))
    }

    /// All patterns that match something that `subject` does as well, the first ones first.
    pub(super) fn overlapping(&self, subject: &str) -> impl Iterator<Item = (&str, &T)> {
        let beginning = beginning(subject);
        let goes_on = |other: &str| match (other.strip_prefix(beginning), beginning) {
            (Some(rest), "") => !rest.is_empty(),
            (Some(rest), _) => rest.starts_with('.'),
            (None, _) => false,
        };
        let longer = self.by_beginning.range((beginning, usize::MAX)..);
        let longer = longer.take_while(|(other, _)| other.starts_with(beginning));
        let longer = longer
            .filter(|(other, _)| goes_on(other))
            .map(|(_, at)| *at);
        let all = self.beginning_alike(subject).chain(longer).collect();
        self.in_order(all)
            .filter(move |(pattern, _)| overlaps(pattern.as_bytes(), subject.as_bytes()))
    }

    /// Those that `subject` begins as.
    fn beginning_alike<'s>(&'s self, subject: &'s str) -> impl Iterator<Item = usize> + 's {
        beginnings(beginning(subject)).flat_map(|beginning| {
            let range = (beginning, 0)..=(beginning, usize::MAX);
            self.by_beginning.range(range).map(|(_, at)| *at)
        })
    }

    fn in_order(&self, mut numbers: Vec<usize>) -> impl Iterator<Item = (&str, &T)> {
        numbers.sort_unstable();
        let entries = numbers.into_iter().filter_map(|at| self.entries.get(at));
        entries.map(|(pattern, value)| (&**pattern, value))
    }
}

/// The tokens before the first wildcard, or before the first number of one (`$1`).
fn beginning(pattern: &str) -> &str {
    let mut end = 0;
    for token in pattern.split('.') {
        let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        let stands_for_one = token.strip_prefix('$').is_some_and(is_number);
        if matches!(token, "*" | ">") || stands_for_one || token.starts_with("{{") {
            return pattern[..end].trim_end_matches('.');
        }
        end += token.len() + 1;
    }
    pattern
}

/// The text itself and all that it begins with, token by token, down to nothing.
fn beginnings(text: &str) -> impl Iterator<Item = &str> {
    core::iter::successors(Some(text), |text| match *text {
        "" => None,
        text => Some(text.rfind('.').map_or("", |at| &text[..at])),
    })
}

#[cfg(test)]
mod tests {
    use super::Patterns;
    use gannet_subject::{covers, overlaps};
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    fn pattern() -> impl Strategy<Value = String> {
        let token = prop::sample::select(&["a", "b", "ab", "a-", "*"][..]);
        let tokens = prop::collection::vec(token, 1..4);
        (tokens, any::<bool>()).prop_map(|(mut tokens, is_open)| {
            if is_open {
                tokens.push(">");
            }
            tokens.join(".")
        })
    }

    fn indexed(patterns: &[String]) -> Patterns<'_, usize> {
        let mut all = Patterns::default();
        for (at, pattern) in patterns.iter().enumerate() {
            all.push(pattern, pattern.into(), at);
        }
        all
    }

    proptest! {
        #[test]
        fn those_found_are_those_that_a_look_at_each_finds(
            patterns in prop::collection::vec(pattern(), 0..20), subject in pattern(),
        ) {
            let all = indexed(&patterns);
            let by_looking = |test: fn(&[u8], &[u8]) -> bool| -> Vec<usize> {
                let is_so = |at: &usize| test(patterns[*at].as_bytes(), subject.as_bytes());
                (0..patterns.len()).filter(is_so).collect()
            };
            let found: Vec<usize> = all.covering(&subject).map(|(_, at)| *at).collect();
            prop_assert_eq!(found, by_looking(covers));
            let found: Vec<usize> = all.overlapping(&subject).map(|(_, at)| *at).collect();
            prop_assert_eq!(found, by_looking(overlaps));
        }
    }

    #[test]
    fn numbers_stand_for_wildcards() {
        let mut all = Patterns::default();
        all.push("a.$1.c", "a.*.c".into(), ());
        assert_eq!(all.covering("a.b.c").count(), 1);
        assert_eq!(all.overlapping("*.x.>").count(), 1);
    }
}
