//! What two patterns have in common. Not here: matching against one pattern (`validity`).

use alloc::vec::Vec;

use crate::validity::tokens;

/// The pattern of the subjects that both match: there is one at most. `None` if they have none in common.
pub fn intersection(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut both = Vec::with_capacity(one.len().max(other.len()));
    let (mut left, mut right) = (tokens(one), tokens(other));
    loop {
        let token = match (left.next(), right.next()) {
            (None, None) => return Some(both),
            (Some(b">"), Some(token)) => {
                push(&mut both, token);
                right.for_each(|token| push(&mut both, token));
                return Some(both);
            }
            (Some(token), Some(b">")) => {
                push(&mut both, token);
                left.for_each(|token| push(&mut both, token));
                return Some(both);
            }
            (Some(b"*"), Some(token)) | (Some(token), Some(b"*")) => token,
            (Some(a), Some(b)) if a == b => a,
            _ => return None,
        };
        push(&mut both, token);
    }
}

fn push(subject: &mut Vec<u8>, token: &[u8]) {
    if !subject.is_empty() {
        subject.push(b'.');
    }
    subject.extend_from_slice(token);
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::{matches, overlaps};

    #[test]
    fn intersection_table() {
        for (one, other, want) in [
            ("foo", "foo", Some("foo")),
            ("foo", "bar", None),
            ("foo.*", "*.bar", Some("foo.bar")),
            ("foo.>", "*.bar", Some("foo.bar")),
            ("foo.>", "*.bar.>", Some("foo.bar.>")),
            ("foo.>", "*.>", Some("foo.>")),
            ("foo.>", "foo", None),
            (">", "a.*.c", Some("a.*.c")),
            ("*", ">", Some("*")),
            ("*.*", "a", None),
        ] {
            let both = |a: &str, b: &str| {
                let both = intersection(a.as_bytes(), b.as_bytes());
                both.map(|both| String::from_utf8(both).expect("text"))
            };
            assert_eq!(both(one, other).as_deref(), want, "{one} / {other}");
            assert_eq!(both(other, one).as_deref(), want, "{other} / {one}");
        }
    }

    proptest::proptest! {
        /// Patterns and subjects over few tokens, so that many of them meet.
        #[test]
        fn it_matches_what_both_match(
            one in "(a|b|\\*)(\\.(a|b|\\*)){0,2}(\\.>)?",
            other in "(a|b|\\*)(\\.(a|b|\\*)){0,2}(\\.>)?",
            subject in "(a|b)(\\.(a|b)){0,4}",
        ) {
            let (one, other, subject) = (one.as_bytes(), other.as_bytes(), subject.as_bytes());
            let both = intersection(one, other);
            proptest::prop_assert_eq!(both.is_some(), overlaps(one, other));
            let want = matches(one, subject) && matches(other, subject);
            proptest::prop_assert_eq!(both.is_some_and(|both| matches(&both, subject)), want);
        }
    }
}
