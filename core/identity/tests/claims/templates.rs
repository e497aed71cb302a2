//! Templates of scoped signing keys, with what the reference server makes of them.

use gannet_identity::claims::{
    AccountClaims, Admitted, Refusal, SubjectPermissionClaims, UserClaims, UserScope, Visitor,
    Zones,
};
use gannet_units::WallTime;
use serde::Deserialize;

use crate::made::at;

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    pub_allow: Vec<String>,
    #[serde(default)]
    pub_deny: Vec<String>,
    #[serde(default)]
    sub_allow: Vec<String>,
    #[serde(default)]
    sub_deny: Vec<String>,
    name: String,
    tags: Option<Vec<String>>,
    account_tags: Option<Vec<String>>,
    error: bool,
    want_pub_allow: Option<Vec<String>>,
    want_pub_deny: Option<Vec<String>>,
    want_sub_allow: Option<Vec<String>>,
    want_sub_deny: Option<Vec<String>>,
}

struct NoZones;

impl Zones for NoZones {
    fn ahead(&self, _: &str, _: WallTime) -> Option<i32> {
        None
    }
}

fn admitted(case: &Case) -> Result<Admitted, Refusal> {
    let list = |allow: &[String], deny: &[String]| SubjectPermissionClaims {
        allow: allow.to_vec(),
        deny: deny.to_vec(),
    };
    let mut scope = UserScope::default();
    scope.template.bearer_token = true;
    scope.template.permissions.r#pub = list(&case.pub_allow, &case.pub_deny);
    scope.template.permissions.sub = list(&case.sub_allow, &case.sub_deny);
    let mut account = AccountClaims::default();
    account.data.subject = "AKEY".into();
    account.data.name = "accname".into();
    account.nats.tags = case.account_tags.clone().unwrap_or_default();
    account
        .nats
        .signing_keys
        .0
        .insert("SIGNER".into(), Some(Box::new(scope)));
    let mut user = UserClaims::default();
    user.data.issuer = "SIGNER".into();
    user.data.subject = "UKEY".into();
    user.data.name = case.name.clone();
    user.nats.issuer_account = "AKEY".into();
    user.nats.tags = case.tags.clone().unwrap_or_default();
    let visitor = Visitor {
        connection: gannet_config::ConnectionType::Standard,
        host: None,
        nonce: "",
        signature: "",
        proxied: false,
    };
    account.admit(&user, &visitor, false, at(0), &NoZones)
}

/// Of long lists, the fixtures have the first three and the last.
fn shortened(mut list: Vec<String>) -> Vec<String> {
    if list.len() > 100 {
        let last = list.pop();
        list.truncate(3);
        list.extend(last);
    }
    list
}

#[test]
fn templates_become_what_the_reference_makes_of_them() {
    let cases = include_str!("../fixtures/templates.json");
    let cases: Vec<Case> = serde_json::from_str(cases).expect("JSON");
    assert!(cases.len() >= 30);
    for case in cases {
        let have = match admitted(&case) {
            Ok(admitted) => admitted.permissions.unwrap_or_default(),
            Err(Refusal::Template(_)) => {
                assert!(case.error, "{case:?}");
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        assert!(!case.error, "{case:?}");
        let (publish, subscribe) = (
            have.publish.unwrap_or_default(),
            have.subscribe.unwrap_or_default(),
        );
        for (have, wanted) in [
            (publish.allow.unwrap_or_default(), &case.want_pub_allow),
            (publish.deny, &case.want_pub_deny),
            (subscribe.allow.unwrap_or_default(), &case.want_sub_allow),
            (subscribe.deny, &case.want_sub_deny),
        ] {
            assert_eq!(
                shortened(have),
                wanted.clone().unwrap_or_default(),
                "{case:?}"
            );
        }
    }
}

#[test]
fn long_tags_do_not_become_longer_lists_than_there_is_room_for() {
    let long: Vec<String> = (0..64)
        .map(|n| format!("t:{n}{}", "x".repeat(5000)))
        .collect();
    let case = Case {
        pub_allow: vec!["{{tag(t)}}.{{tag(t)}}".into()],
        tags: Some(long),
        ..serde_json::from_str(r#"{"name": "n", "error": false}"#).expect("JSON")
    };
    let refused = admitted(&case).expect_err("too long");
    assert!(matches!(refused, Refusal::Template(_)), "{refused}");
}
