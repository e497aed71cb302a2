//! Comparing passwords and tokens: plain ones in constant time, hashed ones with bcrypt.

use core::fmt;

use gannet_config::Secret;

/// Whether a configured secret is a bcrypt hash.
pub fn is_hashed(configured: &str) -> bool {
    // The forms of the crypt(3) prefix that exist: $2a$, $2b$, $2x$, $2y$.
    matches!(
        configured.as_bytes(),
        [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', ..]
    )
}

/// Whether both are the same, in a time that depends on the given one's length alone.
pub fn same_secret(configured: &str, given: &str) -> bool {
    let (configured, given) = (configured.as_bytes(), given.as_bytes());
    let mut difference = configured.len() ^ given.len();
    for (at, byte) in given.iter().enumerate() {
        // Past its end, the configured secret is compared as zeros; the lengths differ then anyway.
        difference |= usize::from(byte ^ configured.get(at).copied().unwrap_or(0));
    }
    difference == 0
}

/// A comparison with a bcrypt hash: hundreds of milliseconds of work, for a thread that may block.
#[derive(Clone)]
pub struct PasswordCheck {
    hash: Secret,
    given: Secret,
}

impl PasswordCheck {
    /// A comparison of what was given with `hash`.
    pub fn new(hash: &Secret, given: &str) -> PasswordCheck {
        PasswordCheck {
            hash: hash.clone(),
            given: Secret::new(given),
        }
    }

    /// Does the work.
    pub fn run(&self) -> bool {
        // `$2x$` marks hashes of an old broken implementation; nobody should have one, and bcrypt itself
        // refuses it.
        bcrypt::verify(self.given.expose(), self.hash.expose()).unwrap_or(false)
    }
}

impl fmt::Debug for PasswordCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordCheck([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_only_if_equal() {
        for (a, b, want) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "b", false),
            ("ab", "a", false),
            ("a", "ab", false),
            ("", "\0", false),
        ] {
            assert_eq!(same_secret(a, b), want, "{a:?} {b:?}");
        }
    }

    #[test]
    fn hashes_are_told_by_their_prefix() {
        assert!(is_hashed("$2a$11$abc"));
        assert!(is_hashed("$2b$04$abc"));
        assert!(!is_hashed("$2c$04$abc"));
        assert!(!is_hashed("2a$"));
        assert!(!is_hashed(""));
    }
}
