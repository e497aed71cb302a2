//! Whom an account lets in, and as what.

use std::net::IpAddr;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use gannet_config::ConnectionType;
use gannet_identity::claims::{AccountClaims, Admitted, Refusal, UserClaims, Visitor, Zones};
use gannet_units::WallTime;
use nkeys::{KeyPair, KeyPairType};
use serde_json::{Value, json};

use crate::made::{account, account_body, at, key, operator, token, user, user_body};

struct Utc;

impl Zones for Utc {
    fn ahead(&self, zone: &str, _: WallTime) -> Option<i32> {
        zone.is_empty().then_some(0)
    }
}

/// Somebody who shows a user's claims.
struct Try {
    account: Value,
    user: Value,
    issuer: KeyPair,
    strict: bool,
    connection: ConnectionType,
    host: Option<&'static str>,
    signature: Option<String>,
    proxied: bool,
    now: i64,
}

impl Default for Try {
    fn default() -> Try {
        Try {
            account: json!({}),
            user: json!({}),
            issuer: account(),
            strict: false,
            connection: ConnectionType::Standard,
            host: Some("127.0.0.1"),
            signature: None,
            proxied: false,
            now: 1000,
        }
    }
}

const NONCE: &str = "PXoWU7zWAMt75FY";

impl Try {
    fn admitted(&self) -> Result<Admitted, Refusal> {
        let claims = token(&operator(), account_body(self.account.clone()));
        let claims = AccountClaims::decode(&claims).expect("an account");
        let jwt = token(&self.issuer, user_body(self.user.clone()));
        let shown = UserClaims::shown(&jwt, self.proxied, at(self.now))?;
        let signature = user().sign(NONCE.as_bytes()).expect("has a seed");
        let signature = self
            .signature
            .clone()
            .unwrap_or(BASE64URL_NOPAD.encode(&signature));
        let visitor = Visitor {
            connection: self.connection,
            host: self
                .host
                .map(|host| host.parse::<IpAddr>().expect("an address")),
            nonce: NONCE,
            signature: &signature,
            proxied: self.proxied,
        };
        claims.admit(&shown, &visitor, self.strict, at(self.now), &Utc)
    }

    /// Empty if somebody is let in.
    fn refusal(&self) -> String {
        self.admitted()
            .err()
            .map_or(String::new(), |refusal| refusal.to_string())
    }
}

fn signing() -> KeyPair {
    key(KeyPairType::Account, 5)
}

fn scoped(template: Value) -> Value {
    let scope = json!({"kind": "user_scope", "key": signing().public_key(), "role": "r", "template": template});
    json!({"nats": {"signing_keys": [scope]}})
}

/// What makes a user one of a scoped key.
fn bare(more: Value) -> Value {
    let mut body = json!({"nats": {"subs": null, "data": null, "payload": null,
        "issuer_account": account().public_key()}});
    crate::made::merge(&mut body, more);
    body
}

#[test]
fn a_user_is_let_in_by_the_rules_of_its_claims() {
    let of_account = json!({"nats": {"issuer_account": account().public_key()}});
    let plain_key = json!({"nats": {"signing_keys": [signing().public_key()]}});
    let wrong = user().sign(b"something else").expect("has a seed");
    let right = user().sign(NONCE.as_bytes()).expect("has a seed");
    let tries = [
        (Try::default(), ""),
        (
            Try {
                strict: true,
                ..Try::default()
            },
            "User JWT issuer is not known",
        ),
        (
            Try {
                issuer: signing(),
                user: of_account.clone(),
                ..Try::default()
            },
            "User JWT issuer is not known",
        ),
        (
            Try {
                issuer: signing(),
                user: of_account.clone(),
                account: plain_key.clone(),
                strict: true,
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                signature: Some(BASE64.encode(&right)),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                signature: Some(BASE64.encode(&wrong)),
                ..Try::default()
            },
            "Signature not verified",
        ),
        (
            Try {
                signature: Some("AAAA".into()),
                ..Try::default()
            },
            "Signature not verified",
        ),
        (
            Try {
                signature: Some("*".into()),
                ..Try::default()
            },
            "Signature not valid base64",
        ),
        (
            Try {
                signature: Some(String::new()),
                ..Try::default()
            },
            "Signature missing",
        ),
        (
            Try {
                signature: Some(String::new()),
                user: json!({"nats": {"bearer_token": true}}),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                user: json!({"nats": {"bearer_token": true}}),
                account: json!({"nats": {"limits": {"disallow_bearer": true}}}),
                ..Try::default()
            },
            "Account does not allow bearer tokens",
        ),
        (
            Try {
                user: json!({"exp": 999}),
                ..Try::default()
            },
            "User JWT no longer valid: claim is expired",
        ),
        (
            Try {
                user: json!({"exp": 1001}),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                user: json!({"nbf": 1001}),
                ..Try::default()
            },
            "User JWT no longer valid: claim is not yet valid",
        ),
        (
            Try {
                account: json!({"exp": 1000}),
                ..Try::default()
            },
            "Account JWT has expired",
        ),
        (
            Try {
                account: json!({"nats": {"revocations": {"*": 99}}}),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                account: json!({"nats": {"revocations": {"*": 100}}}),
                ..Try::default()
            },
            "User authentication revoked",
        ),
        (
            Try {
                account: json!({"nats": {"revocations": {user().public_key(): 100}}}),
                ..Try::default()
            },
            "User authentication revoked",
        ),
        (
            Try {
                user: json!({"nats": {"src": ["10.0.0.0/8"]}}),
                ..Try::default()
            },
            "Bad src Ip 127.0.0.1",
        ),
        (
            Try {
                user: json!({"nats": {"src": "10.0.0.0/8, 127.0.0.0/8"}}),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                user: json!({"nats": {"src": ["0.0.0.0/0"]}}),
                host: None,
                ..Try::default()
            },
            "Bad src Ip ",
        ),
        (
            Try {
                user: json!({"nats": {"times": [{"start": "00:00:00", "end": "01:00:00"}]}}),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                user: json!({"nats": {"times": [{"start": "01:00:00", "end": "02:00:00"}]}}),
                ..Try::default()
            },
            "Outside connect times",
        ),
        (
            Try {
                user: json!({"nats": {"times": [{"start": "00:00:00", "end": "01:00:00"}], "times_location": "Nowhere"}}),
                ..Try::default()
            },
            "Outside connect times",
        ),
        (
            Try {
                user: json!({"nats": {"allowed_connection_types": ["standard", "NEW"]}}),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                user: json!({"nats": {"allowed_connection_types": ["MQTT"]}}),
                ..Try::default()
            },
            "Connection type not allowed",
        ),
        (
            Try {
                user: json!({"nats": {"allowed_connection_types": ["NEW"]}}),
                ..Try::default()
            },
            "invalid connection types",
        ),
        (
            Try {
                user: json!({"nats": {"proxy_required": true}}),
                ..Try::default()
            },
            "proxy connection required",
        ),
        (
            Try {
                user: json!({"nats": {"proxy_required": true}}),
                proxied: true,
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                issuer: signing(),
                account: scoped(json!({})),
                user: bare(json!({})),
                ..Try::default()
            },
            "",
        ),
        (
            Try {
                issuer: signing(),
                account: scoped(json!({})),
                user: of_account.clone(),
                ..Try::default()
            },
            "User JWT is not valid: scoped users require no permissions or limits set",
        ),
        (
            Try {
                issuer: signing(),
                account: scoped(json!({})),
                user: bare(json!({"nats": {"bearer_token": true}})),
                ..Try::default()
            },
            "User JWT is not valid: scoped users require no permissions or limits set",
        ),
        (
            Try {
                issuer: signing(),
                account: scoped(json!({"proxy_required": true})),
                user: bare(json!({})),
                ..Try::default()
            },
            "proxy connection required",
        ),
        (
            Try {
                issuer: signing(),
                account: scoped(json!({"pub": {"deny": ["{{tag(x)}}"]}})),
                user: bare(json!({})),
                ..Try::default()
            },
            "User JWT generated invalid permissions",
        ),
    ];
    for (attempt, wanted) in tries {
        assert_eq!(
            attempt.refusal(),
            wanted,
            "{} {}",
            attempt.user,
            attempt.account
        );
    }
}

#[test]
fn whoever_shows_no_user_is_not_looked_for() {
    let shown = |jwt: &str| {
        UserClaims::shown(jwt, false, at(0))
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(shown(""), "Authentication requires a user JWT");
    assert_eq!(shown("x"), "User JWT not valid: expected 3 chunks");
    let of_account = token(&operator(), account_body(json!({})));
    assert_eq!(shown(&of_account), "User JWT not valid: not user claim");
}

#[test]
fn a_user_has_what_its_claims_say() {
    let attempt = Try {
        user: json!({"exp": 5000, "nats": {
            "pub": {"allow": ["a"]}, "subs": 5, "payload": 7, "tags": ["t:1"],
            "times": [{"start": "00:00:00", "end": "01:00:00"}],
        }}),
        account: json!({"nats": {"default_permissions": {"sub": {"deny": ["x"]}}}}),
        ..Try::default()
    };
    let admitted = attempt.admitted().expect("is let in");
    assert_eq!(admitted.user, user().public_key());
    assert_eq!(admitted.account, account().public_key());
    assert_eq!(
        (admitted.name.as_str(), &admitted.tags[..]),
        ("U", &["t:1".to_string()][..])
    );
    assert_eq!(
        (admitted.subscriptions, admitted.payload),
        (Some(5), Some(7))
    );
    assert_eq!(
        (admitted.signing_key, admitted.issued_at, admitted.bearer),
        (None, 100, false)
    );
    // The time of day ends before the claims do.
    assert_eq!(admitted.until, Some(at(3600)));
    assert!(!admitted.has_default_permissions);
    let permissions = admitted.permissions.expect("its own");
    assert_eq!(
        permissions.publish.expect("some").allow,
        Some(vec!["a".to_string()])
    );
    assert_eq!(permissions.subscribe, None);
}

#[test]
fn a_user_without_permissions_has_those_of_its_account() {
    let attempt = Try {
        account: json!({"nats": {"default_permissions": {"sub": {"deny": ["x"]}}}}),
        ..Try::default()
    };
    let admitted = attempt.admitted().expect("is let in");
    assert!(admitted.has_default_permissions);
    assert_eq!(
        admitted
            .permissions
            .and_then(|all| all.subscribe)
            .expect("some")
            .deny,
        ["x"]
    );
    assert_eq!(
        (admitted.subscriptions, admitted.payload, admitted.until),
        (None, None, None)
    );
}

#[test]
fn a_scope_takes_the_place_of_what_claims_say() {
    let attempt = Try {
        issuer: signing(),
        account: scoped(json!({"pub": {"allow": ["{{name()}}.{{account-name()}}"]}, "subs": 3})),
        user: bare(json!({})),
        ..Try::default()
    };
    let admitted = attempt.admitted().expect("is let in");
    assert_eq!(admitted.signing_key, Some(signing().public_key()));
    assert_eq!((admitted.subscriptions, admitted.payload), (Some(3), None));
    let publish = admitted
        .permissions
        .and_then(|all| all.publish)
        .expect("some");
    assert_eq!(publish.allow, Some(vec!["U.A".to_string()]));
}
