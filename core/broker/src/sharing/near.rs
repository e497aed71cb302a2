//! Which of many patterns may have subjects in common with another one. Not here: whether they have.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;

use gannet_subject::tokens;

/// Places of patterns, by what stands before their first wildcard: two patterns have nothing in common unless one
/// of these beginnings begins the other.
#[derive(Debug, Default)]
pub(crate) struct Near(BTreeMap<Box<[u8]>, Vec<usize>>);

impl Near {
    pub(crate) fn insert(&mut self, pattern: &[u8], at: usize) {
        self.0
            .entry(beginning(pattern).into())
            .or_default()
            .push(at);
    }

    /// The places of all patterns that may have something in common with `pattern`, in order.
    pub(crate) fn find(&self, pattern: &[u8]) -> Vec<usize> {
        let whole = beginning(pattern);
        let mut found = Vec::new();
        let mut above: Option<&[u8]> = Some(b"");
        while let Some(beginning) = above.filter(|b| b.len() < whole.len()) {
            found.extend(self.0.get(beginning).into_iter().flatten());
            let dot = whole[beginning.len()..].iter().position(|b| *b == b'.');
            above = dot.map(|dot| &whole[..=beginning.len() + dot]);
        }
        let from = (Bound::Included(whole), Bound::Unbounded);
        let below = self.0.range::<[u8], _>(from);
        let below = below.take_while(|(beginning, _)| beginning.starts_with(whole));
        found.extend(below.flat_map(|(_, places)| places));
        found.sort_unstable();
        found
    }
}

/// The tokens before the first wildcard, with the dot behind them.
fn beginning(pattern: &[u8]) -> &[u8] {
    let literal = tokens(pattern).take_while(|token| !matches!(*token, b"*" | b">"));
    let len: usize = literal.map(|token| token.len() + 1).sum();
    &pattern[..len.min(pattern.len())]
}

#[cfg(test)]
mod tests {
    use gannet_subject::overlaps;
    use proptest::prelude::*;

    use super::*;

    const PATTERN: &str = "(a|ab|b|\\*)(\\.(a|ab|b|\\*)){0,2}(\\.>)?";

    proptest! {
        #[test]
        fn no_pattern_is_missed(
            patterns in prop::collection::vec(PATTERN, 0..12),
            asked in PATTERN,
        ) {
            let mut near = Near::default();
            for (at, pattern) in patterns.iter().enumerate() {
                near.insert(pattern.as_bytes(), at);
            }
            let found = near.find(asked.as_bytes());
            prop_assert!(found.is_sorted_by(|a, b| a < b));
            for (at, pattern) in patterns.iter().enumerate() {
                if overlaps(pattern.as_bytes(), asked.as_bytes()) {
                    prop_assert!(found.contains(&at), "{} for {}", pattern, asked);
                }
            }
        }
    }
}
