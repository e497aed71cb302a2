//! Who may link to this server: a peer's user and password against the configured ones. Not here: what it
//! is told, and the comparison with a hash, which takes long.

use gannet_config::{LinkAuth, Secret};

/// What is thought of a peer's credentials.
pub(crate) enum Verdict {
    /// They are right, or none are asked for.
    Right,
    /// They are wrong.
    Wrong,
    /// The configured password is a hash, which takes long to compare with.
    Hashed,
}

/// Compares what a peer sent with what is configured.
pub(crate) fn check(auth: &LinkAuth, user: &str, password: &Secret) -> Verdict {
    match auth.user.as_deref() {
        None | Some("") => return Verdict::Right,
        Some(wanted) if wanted != user => return Verdict::Wrong,
        Some(_) => {}
    }
    let (wanted, given) = (auth.password.expose(), password.expose());
    if is_bcrypt(wanted) {
        Verdict::Hashed
    } else if is_same(wanted.as_bytes(), given.as_bytes()) {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}

/// `$2a$`, `$2b$`, `$2x$` or `$2y$`, two digits for the cost, `$`.
fn is_bcrypt(password: &str) -> bool {
    matches!(
        password.as_bytes(),
        [
            b'$',
            b'2',
            b'a' | b'b' | b'x' | b'y',
            b'$',
            b'0'..=b'9',
            b'0'..=b'9',
            b'$',
            ..
        ]
    )
}

/// Compares without telling by its duration where the difference is.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_told_from_a_password() {
        for (text, expect) in [
            (
                "$2a$11$PWIFAL8RsWyGI3jVZtO9Nu8.6jOxzxfZo7c/W0eLk017hjgUKWrhy",
                true,
            ),
            ("$2y$04$x", true),
            ("$2a$1$x", false),
            ("$2c$11$x", false),
            ("secret", false),
            ("", false),
        ] {
            assert_eq!(is_bcrypt(text), expect, "{text}");
        }
    }
}
