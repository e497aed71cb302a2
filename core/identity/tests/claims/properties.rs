//! Hostile tokens: nothing panics, and nothing counts that is not signed.

use gannet_identity::claims::{
    AccountClaims, ActivationClaims, GenericClaims, OperatorClaims, UserClaims,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::made::{account, account_body, at, operator, token, user_body};

/// JSON of every shape, with the words of claims among its names.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("nats"),
        Just("type"),
        Just("version"),
        Just("imports"),
        Just("exports"),
        Just("subject"),
        Just("limits"),
        Just("signing_keys"),
        Just("pub"),
        Just("allow"),
        Just("kind"),
        Just("template"),
        Just("src"),
        Just("times"),
        Just("mappings"),
        Just("local_subject"),
        Just("to"),
        Just("account"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z.*>$ ]{0,8}".prop_map(Value::from),
        Just(json!("stream")),
        Just(json!("service")),
        Just(json!("user_scope")),
        Just(json!("{{tag(a)}}")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(String::from), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn read_all(token: &str) {
    let now = at(1000);
    if let Ok(claims) = AccountClaims::decode(token) {
        let _ = (claims.issues(now), claims.refusal(now));
        let _ = claims.to_options(now, |_| None);
        let _ = format!("{claims:?}");
    }
    if let Ok(claims) = UserClaims::decode(token) {
        let _ = (claims.issues(now), claims.account());
    }
    let _ = OperatorClaims::decode(token).map(|claims| claims.issues(now));
    let _ = ActivationClaims::decode(token).map(|claims| claims.issues(now));
    let _ = GenericClaims::decode(token);
}

proptest! {
    // Signing takes long in a build for tests.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        read_all(&text);
    }

    #[test]
    fn any_claims_are_read_or_refused(nats in any_json(), outer in any_json()) {
        for mut body in [account_body(json!({})), user_body(json!({})), outer] {
            if body.is_object() {
                if nats.is_object() && !body["nats"].is_object() {
                    body["nats"] = nats.clone();
                } else {
                    crate::made::merge(&mut body["nats"], nats.clone());
                }
                read_all(&token(&operator(), body.clone()));
                read_all(&token(&account(), body));
            }
        }
    }

    #[test]
    fn a_token_with_another_byte_is_no_token(at in 0_usize..2000, with in "[A-Za-z0-9._-]") {
        let good = token(&operator(), account_body(json!({})));
        let at = at % good.len();
        let mut bad = good.clone();
        bad.replace_range(at..=at, &with);
        prop_assert_eq!(AccountClaims::decode(&bad).is_ok(), bad == good);
    }
}
