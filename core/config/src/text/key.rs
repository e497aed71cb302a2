//! Public keys as texts: `UABC…`. Not here: what is done with keys.

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// An account's.
    Account,
    /// A user's.
    User,
    /// One to encrypt for.
    Curve,
}

impl KeyKind {
    /// The letter that such a key begins with.
    fn letter(self) -> u8 {
        match self {
            KeyKind::Account => b'A',
            KeyKind::User => b'U',
            KeyKind::Curve => b'X',
        }
    }
}

/// Whether `text` is a public key of this kind.
pub(crate) fn is_public_key(text: &str, kind: KeyKind) -> bool {
    text.as_bytes().first() == Some(&kind.letter()) && nkeys::from_public_key(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{KeyKind, is_public_key};
    use std::string::ToString;

    #[test]
    fn keys_are_of_one_kind_and_without_slips() {
        use nkeys::{KeyPair, KeyPairType};
        for (made, kind) in [
            (KeyPairType::Account, Some(KeyKind::Account)),
            (KeyPairType::User, Some(KeyKind::User)),
            (KeyPairType::Curve, Some(KeyKind::Curve)),
            (KeyPairType::Server, None),
        ] {
            let key = KeyPair::new_from_raw(made, [7; 32]).expect("a key");
            let key = key.public_key();
            let middle = if key.as_bytes()[20] == b'A' { "B" } else { "A" };
            for tried in [KeyKind::Account, KeyKind::User, KeyKind::Curve] {
                assert_eq!(is_public_key(&key, tried), Some(tried) == kind, "{key}");
                for wrong in [
                    key[..55].to_string(),
                    key.to_lowercase(),
                    [&key[..20], middle, &key[21..]].concat(),
                    std::string::String::new(),
                ] {
                    assert!(!is_public_key(&wrong, tried), "{wrong}");
                }
            }
        }
    }
}
