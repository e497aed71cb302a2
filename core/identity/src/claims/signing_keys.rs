//! The keys that sign for an account besides its own, plain or with a scope: a template of what the users
//! may do whom such a key signs.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::issues::Issues;
use super::keys::{KeyKind, is_public_key};
use super::user::UserLimits;

/// Public keys, those with a scope with theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigningKeys(pub BTreeMap<String, Option<Box<UserScope>>>);

/// What the users of a signing key may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserScope {
    /// The signing key.
    pub key: String,
    /// For people.
    pub role: String,
    /// For people.
    pub description: String,
    /// Takes the place of what a user's own claims say; without a word, limits are none.
    #[serde(deserialize_with = "template")]
    pub template: UserLimits,
}

fn template<'de, D: Deserializer<'de>>(from: D) -> Result<UserLimits, D::Error> {
    let mut fields = serde_json::Map::deserialize(from)?;
    for name in ["subs", "data", "payload"] {
        fields.entry(name).or_insert(Value::from(-1));
    }
    UserLimits::deserialize(Value::Object(fields)).map_err(D::Error::custom)
}

impl<'de> Deserialize<'de> for SigningKeys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<SigningKeys, D::Error> {
        let mut keys = BTreeMap::new();
        for entry in Vec::<Value>::deserialize(from)? {
            match entry {
                Value::String(key) => {
                    keys.insert(key, None);
                }
                Value::Object(fields) => {
                    if fields.get("kind").and_then(Value::as_str) != Some("user_scope") {
                        return Err(D::Error::custom("unknown signing key scope"));
                    }
                    let scope = UserScope::deserialize(Value::Object(fields));
                    let scope = scope.map_err(D::Error::custom)?;
                    keys.insert(scope.key.clone(), Some(Box::new(scope)));
                }
                // The reference server passes over anything else.
                _ => {}
            }
        }
        Ok(SigningKeys(keys))
    }
}

impl SigningKeys {
    pub(super) fn check(&self, issues: &mut Issues) {
        for (key, scope) in &self.0 {
            if is_public_key(key, KeyKind::Account) {
                continue;
            }
            issues.error(match scope {
                Some(_) => format!("{key} is not an account public key"),
                None => format!("{key:?} is not a valid account signing key"),
            });
        }
    }
}
