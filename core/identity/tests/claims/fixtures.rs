//! Tokens made by the reference's library, with what it says of them.

use gannet_identity::claims::{
    AccountClaims, ActivationClaims, DecodeError, Issues, OperatorClaims, UserClaims,
};
use serde_json::Value;

use crate::made::at;

/// When the fixtures were judged; none of their times is near.
const NOW: i64 = 1_800_000_000;

fn judge(kind: &str, token: &str) -> Result<Issues, DecodeError> {
    let now = at(NOW);
    Ok(match kind {
        "operator" => OperatorClaims::decode(token)?.issues(now),
        "account" => AccountClaims::decode(token)?.issues(now),
        "user" => UserClaims::decode(token)?.issues(now),
        "activation" => ActivationClaims::decode(token)?.issues(now),
        other => panic!("{other}"),
    })
}

fn texts(of: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = of.collect();
    texts.sort();
    texts.dedup();
    texts
}

#[test]
fn tokens_are_judged_as_the_reference_does() {
    let cases = include_str!("../fixtures/claims.json");
    let cases: Vec<Value> = serde_json::from_str(cases).expect("JSON");
    assert!(cases.len() > 50);
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let token = case["token"].as_str().expect("a token");
        let refused = case["error"].as_str();
        let kind = case["kind"].as_str().filter(|kind| !kind.is_empty());
        match (judge(kind.unwrap_or("account"), token), refused) {
            (Ok(issues), None) => {
                let have = texts(issues.iter().map(|issue| issue.text.clone()));
                let wanted = case["issues"].as_array().expect("a list").iter();
                let wanted = texts(wanted.map(|text| text.as_str().expect("a text").to_string()));
                assert_eq!(have, wanted, "{name}");
                assert_eq!(
                    Value::from(issues.is_blocking(true)),
                    case["blocks"],
                    "{name}"
                );
            }
            // The words about broken JSON are each parser's own.
            (Err(DecodeError::Json(_)), Some(refused)) => {
                assert!(refused.contains("JSON"), "{name}")
            }
            (Err(error), Some(refused)) => assert_eq!(error.to_string(), refused, "{name}"),
            (have, wanted) => panic!(
                "{name}: {:?} where the reference has {wanted:?}",
                have.err()
            ),
        }
    }
}

#[test]
fn a_token_is_of_one_kind() {
    let cases = include_str!("../fixtures/claims.json");
    let cases: Vec<Value> = serde_json::from_str(cases).expect("JSON");
    let known = |case: &&Value| case["error"].is_null();
    for case in cases.iter().filter(known) {
        let token = case["token"].as_str().expect("a token");
        for kind in ["operator", "account", "user", "activation"] {
            let have = judge(kind, token);
            assert_eq!(have.is_ok(), case["kind"] == kind, "{case} as {kind}");
            if let Err(error) = have {
                assert_eq!(error.to_string(), format!("not {kind} claim"));
            }
        }
    }
}
