//! Keys and tokens of the tests.

use data_encoding::BASE64URL_NOPAD;
use gannet_units::WallTime;
use nkeys::{KeyPair, KeyPairType};
use serde_json::{Value, json};

/// The key of this kind with that number.
pub(crate) fn key(kind: KeyPairType, number: u8) -> KeyPair {
    KeyPair::new_from_raw(kind, [number; 32]).expect("any bytes are a seed")
}

pub(crate) fn operator() -> KeyPair {
    key(KeyPairType::Operator, 1)
}

pub(crate) fn account() -> KeyPair {
    key(KeyPairType::Account, 3)
}

pub(crate) fn user() -> KeyPair {
    key(KeyPairType::User, 6)
}

/// A token that `issuer` has signed.
pub(crate) fn token(issuer: &KeyPair, mut body: Value) -> String {
    body["iss"] = json!(issuer.public_key());
    let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    let body = BASE64URL_NOPAD.encode(body.to_string().as_bytes());
    let signed = format!("{header}.{body}");
    let signature = issuer.sign(signed.as_bytes()).expect("has a seed");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// Adds the fields of `more` to `body`, whatever their depth.
pub(crate) fn merge(body: &mut Value, more: Value) {
    match (body, more) {
        (Value::Object(body), Value::Object(more)) => {
            for (name, value) in more {
                merge(body.entry(name).or_insert(Value::Null), value);
            }
        }
        (body, more) => *body = more,
    }
}

/// The claims of an account without limits, and more.
pub(crate) fn account_body(more: Value) -> Value {
    let mut body = json!({
        "iat": 100, "sub": account().public_key(), "name": "A",
        "nats": {"type": "account", "version": 2, "limits": {
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1,
        }},
    });
    merge(&mut body, more);
    body
}

/// The claims of a user without limits, and more.
pub(crate) fn user_body(more: Value) -> Value {
    let mut body = json!({
        "iat": 100, "sub": user().public_key(), "name": "U",
        "nats": {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1},
    });
    merge(&mut body, more);
    body
}

/// So many seconds after 1970.
pub(crate) fn at(seconds: i64) -> WallTime {
    WallTime::from_unix_nanos(seconds * 1_000_000_000)
}
