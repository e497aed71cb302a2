//! Public keys: what kind one is of, and whether it has signed something. Not here: secret halves.

use nkeys::{KeyPair, KeyPairType};

/// What a public key stands for; its first letter says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `A`.
    Account,
    /// `O`.
    Operator,
    /// `U`.
    User,
    /// `X`: for encryption, not for signatures.
    Curve,
}

impl KeyKind {
    fn of(kind: &KeyPairType) -> Option<KeyKind> {
        match kind {
            KeyPairType::Account => Some(KeyKind::Account),
            KeyPairType::Operator => Some(KeyKind::Operator),
            KeyPairType::User => Some(KeyKind::User),
            KeyPairType::Curve => Some(KeyKind::Curve),
            _ => None,
        }
    }
}

/// Whether `key` is a public key of this kind.
pub fn is_public_key(key: &str, kind: KeyKind) -> bool {
    nkeys::from_public_key(key)
        .is_ok_and(|(prefix, _)| KeyKind::of(&KeyPairType::from(prefix)) == Some(kind))
}

/// Whether the owner of `key` has signed `text`.
pub fn verifies(key: &str, text: &[u8], signature: &[u8]) -> bool {
    KeyPair::from_public_key(key).is_ok_and(|pair| pair.verify(text, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{KeyKind, is_public_key};
    use nkeys::{KeyPair, KeyPairType};

    #[test]
    fn a_key_is_of_one_kind() {
        for (made, wanted) in [
            (KeyPairType::Account, Some(KeyKind::Account)),
            (KeyPairType::Operator, Some(KeyKind::Operator)),
            (KeyPairType::User, Some(KeyKind::User)),
            (KeyPairType::Server, None),
        ] {
            let pair = KeyPair::new_from_raw(made.clone(), [9; 32]).expect("a key");
            let public = pair.public_key();
            for kind in [KeyKind::Account, KeyKind::Operator, KeyKind::User] {
                assert_eq!(
                    is_public_key(&public, kind),
                    wanted == Some(kind),
                    "{made:?}"
                );
            }
            assert!(!is_public_key(&public[1..], KeyKind::Account));
        }
    }
}
