//! What claims of an account mean as options.

use std::collections::BTreeMap;
use std::time::Duration;

use gannet_config::{
    Access, AccountLimits, Activation, Destination, Export, ExportKind, Import, ImportKind,
    LatencyOptions, Mapping, Permissions, ResponsePermission, ResponseType, Sampling,
    ServiceExport, SubjectPermission,
};
use gannet_identity::claims::AccountClaims;
use nkeys::KeyPairType;
use serde_json::{Value, json};

use crate::made::{account, account_body, at, key, operator, token};

fn fixture(name: &str) -> AccountClaims {
    let cases = include_str!("../fixtures/claims.json");
    let cases: Vec<Value> = serde_json::from_str(cases).expect("JSON");
    let case = cases.iter().find(|case| case["name"] == name);
    let token = case.expect("is there")["token"].as_str().expect("a token");
    AccountClaims::decode(token).expect("is an account")
}

fn other() -> String {
    key(KeyPairType::Account, 4).public_key()
}

#[test]
fn everything_that_claims_say_becomes_options() {
    let options = fixture("account rich").to_options(at(0), |_| None);
    assert_eq!(options.name, account().public_key());
    let exports = [
        (
            "events.>",
            Access::Activated {
                revoked: vec![(other(), 5)],
                token_position: None,
            },
            ExportKind::Stream,
        ),
        (
            "svc.*",
            Access::TokenPosition(2),
            ExportKind::Service(ServiceExport {
                response: ResponseType::Stream,
                threshold: Some(Duration::from_secs(1)),
                latency: Some(LatencyOptions {
                    subject: "lat".into(),
                    sampling: Sampling::Headers,
                }),
                allow_trace: true,
            }),
        ),
        (
            "svc2",
            Access::Public,
            ExportKind::Service(ServiceExport {
                latency: Some(LatencyOptions {
                    subject: "lat2".into(),
                    sampling: Sampling::Percent(50),
                }),
                ..ServiceExport::default()
            }),
        ),
    ];
    let exports = exports.map(|(subject, access, kind)| Export {
        subject: subject.into(),
        access,
        kind,
    });
    assert_eq!(options.exports, exports);
    let imports = [
        (
            "b.*.*",
            ImportKind::Stream {
                to: "l.$2.$1".into(),
                allow_trace: true,
            },
        ),
        (
            "older",
            ImportKind::Service {
                to: "old".into(),
                share: false,
            },
        ),
        (
            "q.*",
            ImportKind::Service {
                to: "qq.*".into(),
                share: true,
            },
        ),
        (
            "st.>",
            ImportKind::Stream {
                to: "pre.st.>".into(),
                allow_trace: false,
            },
        ),
    ];
    let imports = imports.map(|(subject, kind)| Import {
        account: other(),
        subject: subject.into(),
        kind,
        activation: None,
    });
    assert_eq!(options.imports, imports);
    let destinations = [
        ("n.$1", 20, None),
        ("o.$1", 80, None),
        ("c.$1", 100, Some("C".into())),
    ];
    let destinations = destinations.map(|(subject, weight, cluster)| Destination {
        subject: subject.into(),
        weight,
        cluster,
    });
    assert_eq!(
        options.mappings,
        [Mapping {
            source: "m.*".into(),
            destinations: destinations.into()
        }]
    );
    assert_eq!(
        options.limits,
        AccountLimits {
            connections: Some(10),
            leaf_nodes: Some(0),
            subscriptions: Some(7),
            payload: Some(i32::MAX as u32),
        }
    );
    assert_eq!(
        options.default_permissions,
        Some(Permissions {
            publish: Some(SubjectPermission {
                allow: Some(vec![]),
                deny: vec![]
            }),
            subscribe: Some(SubjectPermission {
                allow: None,
                deny: vec!["secret.>".into()]
            }),
            responses: Some(ResponsePermission {
                messages: Some(3),
                expires: Some(Duration::from_secs(1)),
            }),
        })
    );
}

#[test]
fn an_account_without_limits_has_none() {
    let options = fixture("account plain").to_options(at(0), |_| None);
    assert_eq!(options.limits, AccountLimits::default());
    assert_eq!(options.default_permissions, None);
}

/// What becomes of the token in the import of a fixture.
fn activation(name: &str, exporter: Option<&AccountClaims>, now: i64) -> Option<Activation> {
    let options =
        fixture(name).to_options(at(now), |account| exporter.filter(|_| account == other()));
    options.imports[0].activation.clone()
}

fn exporter(signing_keys: Value) -> AccountClaims {
    let mut body = account_body(json!({"nats": {"signing_keys": signing_keys}}));
    body["sub"] = json!(other());
    AccountClaims::decode(&token(&operator(), body)).expect("an account")
}

#[test]
fn activation_tokens_count_if_the_exporter_signs_with_that_key() {
    let signing = key(KeyPairType::Account, 5).public_key();
    let (with, without) = (exporter(json!([signing])), exporter(json!([])));
    let now = 1_800_000_000;
    for (name, exporter, wanted) in [
        ("account import activated", Some(&without), true),
        // An exporter that is not known yet cannot deny its own signature.
        ("account import activated", None, true),
        (
            "account import activated by a signing key",
            Some(&with),
            true,
        ),
        (
            "account import activated by a signing key",
            Some(&without),
            false,
        ),
        ("account import activated by a signing key", None, false),
        ("account import with a stranger's token", Some(&with), false),
        (
            "account import with another importer's token",
            Some(&with),
            false,
        ),
        ("account import with an expired token", Some(&with), false),
        ("account import with nonsense", Some(&with), false),
    ] {
        assert_eq!(activation(name, exporter, now).is_some(), wanted, "{name}");
    }
}

#[test]
fn the_first_token_that_ends_is_told() {
    let mut ends = BTreeMap::new();
    for end in [500, 300, 100, 0] {
        let body = json!({"iat": 7, "exp": end, "sub": account().public_key(), "nats": {
            "type": "activation", "version": 2, "kind": "stream", "subject": format!("s{end}"),
        }});
        ends.insert(end, token(&key(KeyPairType::Account, 4), body));
    }
    let imports: Vec<Value> = (ends.iter())
        .map(|(end, token)| json!({"account": other(), "subject": format!("s{end}"), "type": "stream", "token": token}))
        .collect();
    let body = account_body(json!({"nats": {"imports": imports}}));
    let claims = AccountClaims::decode(&token(&operator(), body)).expect("an account");
    assert_eq!(claims.next_activation_end(at(100)), Some(300));
    assert_eq!(claims.next_activation_end(at(500)), None);
    let options = claims.to_options(at(299), |_| None);
    let mut have: Vec<_> = (options.imports.iter())
        .map(|import| {
            import
                .activation
                .as_ref()
                .map(|activation| (activation.issued, activation.expires))
        })
        .collect();
    have.sort();
    assert_eq!(
        have,
        [
            None,
            Some((7, None)),
            Some((7, Some(300))),
            Some((7, Some(500)))
        ]
    );
}
