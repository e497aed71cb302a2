//! Which claims of an account count, who is asked for, and what follows.

use std::time::Duration;

use gannet_config::{Operator, OperatorClaims, OperatorOptions};
use gannet_identity::claims::{AccountClaims, Admitted};
use gannet_identity::operator::{Accounts, Found, Now, Output, Standing, Trust};
use gannet_units::Moment;
use nkeys::{KeyPair, KeyPairType};
use serde_json::{Value, json};

use crate::made::{account, account_body, at, key, operator, token, user};

fn options() -> OperatorOptions {
    let claims = OperatorClaims {
        subject: operator().public_key(),
        ..OperatorClaims::default()
    };
    OperatorOptions {
        operators: vec![Operator {
            jwt: String::new(),
            claims,
        }],
        ..OperatorOptions::default()
    }
}

/// The accounts of a test, with what they have said so far.
struct World {
    accounts: Accounts,
    seconds: i64,
}

impl World {
    fn new(options: &OperatorOptions) -> World {
        let trust = Trust::new(options, Some("SYS"));
        World {
            accounts: Accounts::new(trust, Duration::from_millis(1900)),
            seconds: 1000,
        }
    }

    fn now(&self) -> Now {
        Now {
            moment: Moment::START + Duration::from_secs(self.seconds.unsigned_abs()),
            wall: at(self.seconds),
        }
    }

    fn find(&mut self, pair: &KeyPair) -> (String, Vec<String>) {
        let mut out = Vec::new();
        let found = self.accounts.find(&pair.public_key(), self.now(), &mut out);
        let found = match found {
            Found::Account(claims) => format!("iat {}", claims.data.issued_at),
            other => format!("{other:?}"),
        };
        (found, names(&out))
    }

    fn fetched(&mut self, pair: &KeyPair, jwt: Option<&str>) -> (bool, Vec<String>) {
        let mut out = Vec::new();
        let taken = self
            .accounts
            .fetched(&pair.public_key(), jwt, self.now(), &mut out);
        (taken.is_ok(), names(&out))
    }

    fn update(&mut self, pair: &KeyPair, jwt: &str) -> (String, Vec<String>) {
        let mut out = Vec::new();
        let taken = self
            .accounts
            .update(&pair.public_key(), jwt, self.now(), &mut out);
        (
            taken.err().map_or(String::new(), |e| e.to_string()),
            names(&out),
        )
    }

    fn advance(&mut self, seconds: i64) -> Vec<String> {
        let mut out = Vec::new();
        self.seconds = seconds;
        self.accounts.advance(self.now(), &mut out);
        names(&out)
    }
}

/// Outputs in short: what, and the first letters of the account behind its `A`.
fn names(out: &[Output]) -> Vec<String> {
    let short = |name: &str| {
        let known = [(3, "A"), (4, "B"), (5, "C")];
        let found = known
            .iter()
            .find(|(n, _)| key(KeyPairType::Account, *n).public_key() == name);
        found.map_or(name, |(_, letter)| letter).to_string()
    };
    let name = |output: &Output| match output {
        Output::Fetch(name) => format!("fetch {}", short(name)),
        Output::Settled(name) => format!("settled {}", short(name)),
        Output::Apply(options) => {
            let activated = options
                .imports
                .iter()
                .filter(|one| one.activation.is_some())
                .count();
            format!("apply {} {activated}", short(&options.name))
        }
        Output::Judge { account, .. } => format!("judge {}", short(account)),
        Output::Expire(name) => format!("expire {}", short(name)),
    };
    out.iter().map(name).collect()
}

fn jwt(pair: &KeyPair, issued_at: i64, more: Value) -> String {
    let mut body = account_body(more);
    body["sub"] = json!(pair.public_key());
    body["iat"] = json!(issued_at);
    token(&operator(), body)
}

fn b() -> KeyPair {
    key(KeyPairType::Account, 4)
}

#[test]
fn an_account_is_asked_for_once_until_the_answer_is_there() {
    let mut world = World::new(&options());
    assert_eq!(
        world.find(&account()),
        ("Asked".into(), vec!["fetch A".into()])
    );
    assert_eq!(world.find(&account()), ("Asked".into(), vec![]));
    let good = jwt(&account(), 100, json!({}));
    let told = vec!["apply A 0".to_string(), "settled A".into()];
    assert_eq!(world.fetched(&account(), Some(&good)), (true, told));
    assert_eq!(world.find(&account()), ("iat 100".into(), vec![]));
}

#[test]
fn an_account_that_is_not_found_is_asked_for_again_after_a_pause() {
    let mut world = World::new(&options());
    world.find(&account());
    assert_eq!(
        world.fetched(&account(), None),
        (true, vec!["settled A".into()])
    );
    assert_eq!(world.find(&account()), ("Missing".into(), vec![]));
    world.seconds += 1;
    assert_eq!(
        world.find(&account()),
        ("Asked".into(), vec!["fetch A".into()])
    );
    // Nobody answers.
    let deadline = world.accounts.next_deadline().expect("patience ends");
    assert_eq!(deadline, world.now().moment + Duration::from_millis(1900));
    assert_eq!(world.advance(1002), Vec::<String>::new());
    assert_eq!(world.advance(1003), ["settled A"]);
    assert_eq!(world.accounts.next_deadline(), None);
    // A late answer counts all the same.
    let good = jwt(&account(), 100, json!({}));
    assert!(world.fetched(&account(), Some(&good)).0);
    assert_eq!(world.find(&account()).0, "iat 100");
}

#[test]
fn only_an_operators_word_counts() {
    let mut world = World::new(&options());
    let stranger = key(KeyPairType::Operator, 7);
    for wrong in [
        token(&stranger, account_body(json!({}))),
        token(&account(), account_body(json!({}))),
        jwt(&b(), 100, json!({})),
        jwt(&account(), 100, json!({"exp": 999})),
        jwt(&account(), 100, json!({"nbf": 2000})),
        jwt(
            &account(),
            100,
            json!({"nats": {"exports": [{"subject": "", "type": "stream"}]}}),
        ),
        "nonsense".into(),
    ] {
        world.find(&account());
        assert_eq!(
            world.fetched(&account(), Some(&wrong)),
            (false, vec!["settled A".into()])
        );
        assert_ne!(world.update(&account(), &wrong).0, "");
        world.seconds += 1;
    }
}

#[test]
fn the_claims_that_were_issued_last_count() {
    let mut world = World::new(&options());
    let (first, second) = (
        jwt(&account(), 100, json!({})),
        jwt(&account(), 101, json!({})),
    );
    assert_eq!(
        world.update(&account(), &second),
        (String::new(), vec!["apply A 0".into()])
    );
    let older = "newer claims of the account are known".to_string();
    assert_eq!(world.update(&account(), &first), (older, vec![]));
    assert_eq!(world.update(&account(), &second), (String::new(), vec![]));
    let same_second = jwt(&account(), 101, json!({"name": "other"}));
    let told = vec!["apply A 0".to_string(), "judge A".into()];
    assert_eq!(
        world.update(&account(), &same_second),
        (String::new(), told)
    );
    assert_eq!(
        world
            .accounts
            .jwt(&account().public_key())
            .map(|jwt| jwt.expose()),
        Some(&*same_second)
    );
}

#[test]
fn an_account_ends_with_its_claims_and_comes_back_with_newer_ones() {
    let mut world = World::new(&options());
    world.update(&account(), &jwt(&account(), 100, json!({"exp": 1010})));
    assert_eq!(world.accounts.next_end(), Some(at(1010)));
    assert_eq!(world.advance(1009), Vec::<String>::new());
    assert_eq!(world.advance(1010), ["expire A"]);
    assert_eq!(world.advance(1011), Vec::<String>::new());
    assert_eq!(world.accounts.next_end(), None);
    assert_eq!(
        world.find(&account()),
        ("Asked".into(), vec!["fetch A".into()])
    );
    world.fetched(&account(), None);
    assert_eq!(world.find(&account()).0, "Expired");
    let (_, told) = world.update(&account(), &jwt(&account(), 200, json!({})));
    assert_eq!(told, ["apply A 0", "judge A"]);
    assert_eq!(world.find(&account()).0, "iat 200");
}

#[test]
fn an_account_that_was_removed_may_come_back_as_it_was() {
    let mut world = World::new(&options());
    let first = jwt(&account(), 100, json!({}));
    world.update(&account(), &first);
    let mut out = Vec::new();
    world.accounts.remove(&account().public_key(), &mut out);
    assert_eq!(names(&out), ["expire A"]);
    assert_eq!(
        world.find(&account()),
        ("Asked".into(), vec!["fetch A".into()])
    );
    assert_eq!(
        world.fetched(&account(), Some(&first)).1,
        ["apply A 0", "settled A"]
    );
}

/// Claims of A that import from B with a token that B's signing key C has signed.
fn importing(end: i64) -> String {
    let body = json!({"iat": 7, "exp": end, "sub": account().public_key(), "nats": {
        "type": "activation", "version": 2, "kind": "stream", "subject": "s", "issuer_account": b().public_key(),
    }});
    let activation = token(&key(KeyPairType::Account, 5), body);
    let import =
        json!({"account": b().public_key(), "subject": "s", "type": "stream", "token": activation});
    jwt(&account(), 100, json!({"nats": {"imports": [import]}}))
}

#[test]
fn exporters_are_asked_for_and_decide_on_tokens() {
    let mut world = World::new(&options());
    let (_, told) = world.update(&account(), &importing(2000));
    assert_eq!(told, ["apply A 0", "fetch B"]);
    let signing = key(KeyPairType::Account, 5).public_key();
    let with = jwt(&b(), 100, json!({"nats": {"signing_keys": [signing]}}));
    assert_eq!(
        world.fetched(&b(), Some(&with)).1,
        ["apply B 0", "apply A 1", "settled B"]
    );
    // Its key signs no longer.
    let without = jwt(&b(), 101, json!({}));
    assert_eq!(
        world.update(&b(), &without).1,
        ["apply B 0", "judge B", "apply A 0"]
    );
    // Who no longer imports is not told.
    let alone = jwt(&account(), 101, json!({}));
    assert_eq!(world.update(&account(), &alone).1, ["apply A 0", "judge A"]);
    assert_eq!(
        world.update(&b(), &jwt(&b(), 102, json!({}))).1,
        ["apply B 0", "judge B"]
    );
}

#[test]
fn an_import_ends_with_its_token() {
    let mut world = World::new(&options());
    let signing = key(KeyPairType::Account, 5).public_key();
    world.update(
        &b(),
        &jwt(&b(), 100, json!({"nats": {"signing_keys": [signing]}})),
    );
    assert_eq!(world.update(&account(), &importing(2000)).1, ["apply A 1"]);
    assert_eq!(world.accounts.next_end(), Some(at(2000)));
    assert_eq!(world.advance(2000), ["apply A 0"]);
    assert_eq!(world.accounts.next_end(), None);
}

#[test]
fn with_pinned_accounts_there_are_no_others_but_the_system_account() {
    let mut options = options();
    assert!(Trust::new(&options, Some("SYS")).allows("X"));
    options.pinned_accounts.insert("P".into());
    let trust = Trust::new(&options, Some("SYS"));
    assert!(trust.allows("P") && trust.allows("SYS") && !trust.allows("X"));
}

#[test]
fn a_strict_operator_signs_with_its_signing_keys_alone() {
    let mut options = options();
    let claims = &mut options.operators[0].claims;
    claims.strict_signing_keys = true;
    claims.signing_keys = vec![key(KeyPairType::Operator, 2).public_key()];
    let trust = Trust::new(&options, None);
    let own = token(&operator(), account_body(json!({})));
    let name = account().public_key();
    assert!(trust.verify(&name, &own, at(0)).is_err());
    assert!(trust.is_idle(&operator().public_key()));
    let signed = token(&key(KeyPairType::Operator, 2), account_body(json!({})));
    let claims = trust.verify(&name, &signed, at(0)).expect("trusted");
    assert!(trust.is_strict(&claims));
}

#[test]
fn connected_users_are_judged_by_what_has_changed() {
    let signing = key(KeyPairType::Account, 5).public_key();
    let claims = |more: Value| {
        AccountClaims::decode(&token(&operator(), account_body(more))).expect("an account")
    };
    let scope = |subs: i64| {
        let scope =
            json!({"kind": "user_scope", "key": signing, "role": "r", "template": {"subs": subs}});
        claims(json!({"nats": {"signing_keys": [scope]}}))
    };
    let plain = claims(json!({}));
    let plain_user = || Admitted {
        user: user().public_key(),
        account: account().public_key(),
        name: String::new(),
        tags: vec![],
        permissions: None,
        has_default_permissions: true,
        subscriptions: None,
        payload: None,
        until: None,
        issued_at: 100,
        signing_key: None,
        bearer: false,
    };
    let signed = || Admitted {
        signing_key: Some(signing.clone()),
        ..plain_user()
    };
    for (user, before, now, wanted) in [
        (plain_user(), &plain, &plain, Standing::Stays),
        (signed(), &scope(1), &scope(1), Standing::Stays),
        (signed(), &scope(1), &scope(2), Standing::Refused),
        (signed(), &scope(1), &plain, Standing::Refused),
        (
            plain_user(),
            &plain,
            &claims(json!({"nats": {"revocations": {"*": 100}}})),
            Standing::Revoked,
        ),
        (
            plain_user(),
            &plain,
            &claims(json!({"nats": {"revocations": {"*": 99}}})),
            Standing::Stays,
        ),
        (
            Admitted {
                bearer: true,
                ..plain_user()
            },
            &plain,
            &claims(json!({"nats": {"limits": {"disallow_bearer": true}}})),
            Standing::Refused,
        ),
        (
            plain_user(),
            &plain,
            &claims(json!({"nats": {"default_permissions": {"pub": {"deny": ["x"]}}}})),
            Standing::NewDefaults,
        ),
    ] {
        assert_eq!(now.standing(&user, before, false), wanted, "{:?}", now.nats);
    }
}
