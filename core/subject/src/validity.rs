//! What a subject is: the token rules, and matching of one pattern against one subject.
//!
//! Not here: the index over many patterns. Rules as the reference server has them: tokens are
//! separated by `.`, none is empty, none holds white space; `*` as a whole token stands for any one
//! token, `>` as the whole last token for one or more. Inside a longer token both are ordinary
//! characters.

/// Why bytes are not a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidSubject {
    /// Nothing at all, or two separators in a row, or one at either end.
    EmptyToken,
    /// Space, tab, form feed, carriage return or line feed.
    WhiteSpace,
    /// `>` somewhere else than as the last token.
    TokenAfterFullWildcard,
    /// A wildcard where a literal subject is asked for.
    Wildcard,
}

/// The tokens of a subject, from left to right. Empty tokens are yielded as empty slices.
pub fn tokens(subject: &[u8]) -> impl Iterator<Item = &[u8]> {
    subject.split(|&b| b == b'.')
}

/// How many tokens the subject has; at least one.
pub fn token_count(subject: &[u8]) -> usize {
    memchr::memchr_iter(b'.', subject).count() + 1
}

/// Whether any token of the subject is a wildcard.
pub fn has_wildcard(subject: &[u8]) -> bool {
    if memchr::memchr2(b'*', b'>', subject).is_none() {
        return false;
    }
    tokens(subject).any(|t| matches!(t, b"*" | b">"))
}

/// Checks a subject one can subscribe to: wildcards allowed.
pub fn is_valid_pattern(subject: &[u8]) -> Result<(), InvalidSubject> {
    let mut ended = false;
    for token in tokens(subject) {
        if ended {
            return Err(InvalidSubject::TokenAfterFullWildcard);
        }
        if token.is_empty() {
            return Err(InvalidSubject::EmptyToken);
        }
        if token
            .iter()
            .any(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c))
        {
            return Err(InvalidSubject::WhiteSpace);
        }
        ended = token == b">";
    }
    Ok(())
}

/// Checks a subject one can publish on: a valid pattern without wildcards.
pub fn is_valid_literal(subject: &[u8]) -> Result<(), InvalidSubject> {
    is_valid_pattern(subject)?;
    if has_wildcard(subject) {
        return Err(InvalidSubject::Wildcard);
    }
    Ok(())
}

/// Whether `subject`, taken as a literal, is matched by `pattern`.
pub fn matches(pattern: &[u8], subject: &[u8]) -> bool {
    let (mut pattern, mut subject) = (pattern, subject);
    loop {
        match pattern {
            b">" => return true,
            [b'*', rest @ ..] if matches!(rest, [] | [b'.', ..]) => {
                let end = subject.iter().position(|&b| b == b'.');
                (pattern, subject) = (rest, &subject[end.unwrap_or(subject.len())..]);
            }
            _ => {
                let end = pattern.iter().position(|&b| b == b'.');
                let (token, rest) = pattern.split_at(end.unwrap_or(pattern.len()));
                let Some(after) = subject.strip_prefix(token) else {
                    return false;
                };
                (pattern, subject) = (rest, after);
            }
        }
        match (pattern, subject) {
            ([], []) => return true,
            ([b'.', wanted @ ..], [b'.', have @ ..]) => (pattern, subject) = (wanted, have),
            _ => return false,
        }
    }
}

/// Whether every subject that `narrow` matches is also matched by `wide`.
pub fn covers(wide: &[u8], narrow: &[u8]) -> bool {
    let mut narrow = tokens(narrow);
    for want in tokens(wide) {
        match (want, narrow.next()) {
            (_, None) => return false,
            (b">", Some(_)) => return true,
            (b"*", Some(have)) if have != b">" => {}
            (want, Some(have)) if want == have => {}
            _ => return false,
        }
    }
    narrow.next().is_none()
}

/// Whether some subject is matched by both patterns.
pub fn overlaps(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (tokens(one), tokens(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) | (Some(b">"), Some(_)) | (Some(_), Some(b">")) => return true,
            (Some(b"*"), Some(_)) | (Some(_), Some(b"*")) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_follow_the_token_rules() {
        for good in [
            "foo", "foo.bar", "foo.*", "*", ">", "foo.>", "foo*bar", "a.b>c", "foo.>bar", "*.*.>",
            "$SYS.a",
        ] {
            assert_eq!(is_valid_pattern(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", InvalidSubject::EmptyToken),
            (".", InvalidSubject::EmptyToken),
            ("foo.", InvalidSubject::EmptyToken),
            (".foo", InvalidSubject::EmptyToken),
            ("foo..bar", InvalidSubject::EmptyToken),
            ("foo bar", InvalidSubject::WhiteSpace),
            ("foo.\t", InvalidSubject::WhiteSpace),
            (">.foo", InvalidSubject::TokenAfterFullWildcard),
            ("foo.>.bar", InvalidSubject::TokenAfterFullWildcard),
        ] {
            assert_eq!(is_valid_pattern(bad.as_bytes()), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn literals_have_no_wildcard_token_but_may_hold_the_characters() {
        assert_eq!(is_valid_literal(b"foo*bar.>x"), Ok(()));
        assert_eq!(is_valid_literal(b"foo.*"), Err(InvalidSubject::Wildcard));
        assert_eq!(is_valid_literal(b"foo.>"), Err(InvalidSubject::Wildcard));
    }

    #[test]
    fn matching_table() {
        for (pattern, subject, want) in [
            ("foo", "foo", true),
            ("foo", "foo.bar", false),
            ("foo.*", "foo.bar", true),
            ("foo.*", "foo", false),
            ("foo.*", "foo.bar.baz", false),
            ("foo.>", "foo", false),
            ("foo.>", "foo.bar", true),
            ("foo.>", "foo.bar.baz", true),
            ("*.bar", "foo.bar", true),
            (">", "a.b.c", true),
            ("foo*", "foobar", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), subject.as_bytes()),
                want,
                "{pattern} / {subject}"
            );
        }
    }

    #[test]
    fn covering_table() {
        for (wide, narrow, want) in [
            (">", "foo.*", true),
            ("foo.*", "foo.bar", true),
            ("foo.*", "foo.*", true),
            ("foo.*", "foo.>", false),
            ("foo.>", "foo.*", true),
            ("foo.>", "foo.>", true),
            ("foo.bar", "foo.*", false),
            ("*.*", "foo.>", false),
        ] {
            assert_eq!(
                covers(wide.as_bytes(), narrow.as_bytes()),
                want,
                "{wide} / {narrow}"
            );
        }
    }

    #[test]
    fn overlapping_table() {
        for (one, other, want) in [
            ("foo", "foo", true),
            ("foo", "bar", false),
            ("foo.*", "*.bar", true),
            ("foo.*", "foo", false),
            ("foo.>", "foo", false),
            ("foo.>", "*.*.c", true),
            ("foo.>", "bar.>", false),
            (">", "*", true),
            ("*", "*.>", false),
            ("a.*.c", "a.b.*", true),
            ("a.*.c", "a.b.d", false),
        ] {
            let (a, b) = (one.as_bytes(), other.as_bytes());
            assert_eq!(
                (overlaps(a, b), overlaps(b, a)),
                (want, want),
                "{one} / {other}"
            );
        }
    }
}
