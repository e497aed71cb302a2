//! Whom the configured users let in.

use data_encoding::BASE64URL_NOPAD;
use gannet_config::{
    AccountOptions, AuthOptions, ConnectionType, Options, Permissions, Secret, SubjectPermission,
    TlsOptions, User,
};
use gannet_identity::{
    Admission, Authenticator, CertificateNames, Credentials, Decision, Denial, NONCE_BYTES, Who,
    nonce,
};
use nkeys::{KeyPair, KeyPairType};

const HASH_OF_SECRET: &str = "$2a$04$P/.bd.7unw9Ew7yWJqXsl.f4oNRLQGvadEL2YnqQXbbb.IVQajRdK";

fn user(name: &str, password: &str) -> User {
    User {
        name: name.into(),
        password: Secret::new(password),
        ..User::default()
    }
}

fn with_nkey(pair: &KeyPair) -> User {
    User {
        nkey: Some(pair.public_key()),
        ..User::default()
    }
}

fn key(kind: KeyPairType, seed: u8) -> KeyPair {
    KeyPair::new_from_raw(kind, [seed; 32]).expect("a key")
}

fn sign(pair: &KeyPair, nonce: &str) -> String {
    BASE64URL_NOPAD.encode(&pair.sign(nonce.as_bytes()).expect("signs"))
}

fn of(auth: AuthOptions) -> Options {
    Options {
        auth,
        ..Options::default()
    }
}

fn users(list: impl IntoIterator<Item = User>) -> Options {
    of(AuthOptions {
        users: Some(list.into_iter().collect()),
        ..AuthOptions::default()
    })
}

fn given<'a>(user: &'a str, password: &'a str, token: &'a str) -> Credentials<'a> {
    Credentials {
        user,
        password,
        token,
        ..Credentials::default()
    }
}

fn admitted(auth: &Authenticator, given: &Credentials<'_>) -> Result<Admission, Denial> {
    match auth.decide(given) {
        Decision::Allow(admission) => Ok(*admission),
        Decision::Deny(denial) => Err(denial),
        Decision::Check { check, admission } if check.run() => Ok(*admission),
        Decision::Check { .. } => Err(Denial::Credentials),
    }
}

fn who(auth: &Authenticator, given: &Credentials<'_>) -> Result<String, Denial> {
    admitted(auth, given).map(|admission| admission.who.label())
}

#[test]
fn nobody_is_asked_where_nothing_is_configured() {
    let auth = Authenticator::new(&Options::default());
    assert!(!auth.required() && !auth.needs_nonce());
    assert_eq!(who(&auth, &given("", "", "")), Ok(String::new()));
    assert_eq!(who(&auth, &given("a", "b", "c")), Ok(String::new()));
}

#[test]
fn users_tokens_and_the_single_user() {
    let wrong = Err(Denial::Credentials);
    let single = |user: &str| AuthOptions {
        user: Some(user.into()),
        password: Secret::new("pw"),
        ..AuthOptions::default()
    };
    let token = |token: &str| AuthOptions {
        token: Some(Secret::new(token)),
        ..AuthOptions::default()
    };
    let list = || users([user("a", "1"), user("h", HASH_OF_SECRET), user("none", "")]);
    let both = || {
        let mut options = list();
        options.auth.token = Some(Secret::new("t0k"));
        options
    };
    for (options, credentials, want) in [
        (
            of(single("bob")),
            given("bob", "pw", ""),
            Ok("user:bob".to_string()),
        ),
        (of(single("bob")), given("bob", "no", ""), wrong.clone()),
        (of(single("bob")), given("", "", ""), wrong.clone()),
        (of(token("t0k")), given("", "", "t0k"), Ok("token".into())),
        (of(token("t0k")), given("", "", "t0"), wrong.clone()),
        (
            of(token(HASH_OF_SECRET)),
            given("", "", "nope"),
            wrong.clone(),
        ),
        (list(), given("a", "1", ""), Ok("user:a".into())),
        (list(), given("a", "2", ""), wrong.clone()),
        (list(), given("h", "wrong", ""), wrong.clone()),
        (list(), given("none", "", ""), Ok("user:none".into())),
        (list(), given("x", "1", ""), wrong.clone()),
        (list(), given("", "", ""), wrong.clone()),
        (both(), given("a", "1", ""), Ok("user:a".into())),
        (both(), given("", "", "t0k"), Ok("token".into())),
    ] {
        let auth = Authenticator::new(&options);
        assert!(auth.required() && !auth.needs_nonce());
        assert_eq!(who(&auth, &credentials), want, "{credentials:?}");
    }
}

#[test]
fn a_hashed_password_is_compared_by_the_caller() {
    let hash = bcrypt::hash("secret", 4).expect("hashes");
    let auth = Authenticator::new(&users([user("h", &hash)]));
    assert!(matches!(
        auth.decide(&given("h", "secret", "")),
        Decision::Check { .. }
    ));
    assert_eq!(who(&auth, &given("h", "secret", "")), Ok("user:h".into()));
}

#[test]
fn who_shows_nothing_is_the_user_that_is_named_for_that() {
    let pair = key(KeyPairType::User, 1);
    let public = pair.public_key();
    for (nobody, credentials, want) in [
        (Some("a"), given("", "", ""), Ok("user:a".to_string())),
        (Some("a"), given("b", "pw", ""), Ok("user:b".into())),
        (Some("a"), given("a", "", ""), Err(Denial::Credentials)),
        (Some("a"), given("", "pw", ""), Err(Denial::Credentials)),
        (Some("a"), given("", "", "t"), Err(Denial::Credentials)),
        (Some("hashed"), given("", "", ""), Err(Denial::Credentials)),
        (
            Some(public.as_str()),
            given("", "", ""),
            Ok(format!("nkey:{public}")),
        ),
        (None, given("", "", ""), Err(Denial::Credentials)),
    ] {
        let list = [
            user("a", "pw"),
            user("b", "pw"),
            user("hashed", HASH_OF_SECRET),
            with_nkey(&pair),
        ];
        let mut options = users(list);
        options.auth.no_auth_user = nobody.map(Into::into);
        let auth = Authenticator::new(&options);
        assert_eq!(auth.takes_nobody(), nobody.is_some());
        assert_eq!(who(&auth, &credentials), want, "{nobody:?} {credentials:?}");
    }
}

#[test]
fn an_nkey_counts_with_the_signature_of_the_nonce() {
    let (pair, stranger) = (key(KeyPairType::User, 1), key(KeyPairType::User, 2));
    let (public, strange) = (pair.public_key(), stranger.public_key());
    let auth = Authenticator::new(&users([with_nkey(&pair), user("a", "1")]));
    assert!(auth.needs_nonce() && auth.lists(&Who::Nkey(public.clone())));
    let nonce = nonce([5; NONCE_BYTES]);
    let (right, wrong) = (sign(&pair, &nonce), sign(&stranger, &nonce));
    let named = format!("nkey:{public}");
    for (nkey, sig, nonce, want) in [
        (&public, right.as_str(), nonce.as_str(), Ok(named)),
        (&public, "", &nonce, Err(Denial::SignatureMissing)),
        (&public, "?", &nonce, Err(Denial::SignatureNotBase64)),
        (&public, &wrong, &nonce, Err(Denial::SignatureWrong)),
        (&public, &right, "another", Err(Denial::SignatureWrong)),
        (&strange, &wrong, &nonce, Err(Denial::Credentials)),
    ] {
        let credentials = Credentials {
            nkey,
            sig,
            nonce,
            ..given("a", "1", "")
        };
        assert_eq!(who(&auth, &credentials), want, "{credentials:?} {sig}");
    }
    assert_eq!(who(&auth, &given("a", "1", "")), Ok("user:a".into()));
}

#[test]
fn a_user_comes_only_by_the_connections_that_are_allowed() {
    let limited = User {
        connection_types: Some(vec![ConnectionType::Websocket]),
        ..user("ws", "1")
    };
    let any = User {
        connection_types: Some(Vec::new()),
        ..user("any", "1")
    };
    let auth = Authenticator::new(&users([limited, any]));
    for (name, connection, want) in [
        ("ws", ConnectionType::Websocket, Ok("user:ws".to_string())),
        ("ws", ConnectionType::Standard, Err(Denial::ConnectionType)),
        ("any", ConnectionType::Standard, Ok("user:any".into())),
    ] {
        let credentials = Credentials {
            connection,
            ..given(name, "1", "")
        };
        assert_eq!(who(&auth, &credentials), want, "{credentials:?}");
    }
}

#[test]
fn a_certificate_names_the_user() {
    let names = [
        "a@example.com",
        "a.example.com",
        "spiffe://a",
        "O=b,CN=a",
        "CN=x, O=y",
        "CN=plain",
        "CN=d,O=e,DC=f",
    ];
    let mut options = users(
        names
            .map(|name| user(name, ""))
            .into_iter()
            .chain([user("pw@example.com", "pw")]),
    );
    options.tls = Some(TlsOptions {
        verify: true,
        map: true,
        ..TlsOptions::default()
    });
    let auth = Authenticator::new(&options);
    let list = |name: &str| vec![name.to_string()];
    let none = Vec::new();
    let strangers = list("nobody");
    for (emails, dns_names, uris, subject, distinguished, want) in [
        (
            list("a@example.com"),
            list("a.example.com"),
            none.clone(),
            "",
            None,
            Ok("a@example.com"),
        ),
        (
            strangers.clone(),
            list("a.example.com"),
            none.clone(),
            "",
            None,
            Ok("a.example.com"),
        ),
        (
            none.clone(),
            none.clone(),
            list("spiffe://a"),
            "CN=plain",
            None,
            Ok("spiffe://a"),
        ),
        (
            none.clone(),
            none.clone(),
            none.clone(),
            "CN=a,O=b",
            Some("CN=a,O=b"),
            Ok("O=b,CN=a"),
        ),
        (
            none.clone(),
            none.clone(),
            none.clone(),
            "CN=x,O=y",
            Some("CN=x,O=y"),
            Ok("CN=x, O=y"),
        ),
        (
            none.clone(),
            none.clone(),
            none.clone(),
            "CN=plain",
            None,
            Ok("CN=plain"),
        ),
        (
            none.clone(),
            none.clone(),
            none.clone(),
            "CN=d,O=e",
            Some("DC=f,O=e,CN=d"),
            Ok("CN=d,O=e,DC=f"),
        ),
        (
            none.clone(),
            none.clone(),
            none.clone(),
            "CN=z",
            Some("CN=z"),
            Err(Denial::CertificateUnknown),
        ),
        (
            list("pw@example.com"),
            none.clone(),
            none.clone(),
            "",
            None,
            Err(Denial::Credentials),
        ),
    ] {
        let certificate = CertificateNames {
            emails: &emails,
            dns_names: &dns_names,
            uris: &uris,
            subject,
            domain_components: "",
            distinguished,
        };
        let credentials = Credentials {
            certificate: Some(certificate),
            ..Credentials::default()
        };
        let found = admitted(&auth, &credentials).map(|a| a.who.name().to_string());
        assert_eq!(found, want.map(ToString::to_string), "{certificate:?}");
    }
    // Its name alone lets nobody in.
    let unproven = given("a@example.com", "", "");
    assert_eq!(who(&auth, &unproven), Err(Denial::CertificateMissing));
}

#[test]
fn proxies_vouch_with_their_signature() {
    let (proxy, stranger) = (key(KeyPairType::Server, 1), key(KeyPairType::Server, 2));
    let mut options = users([
        user("free", "1"),
        User {
            proxy_required: true,
            ..user("proxied", "1")
        },
    ]);
    options.proxies = vec![proxy.public_key()];
    let auth = Authenticator::new(&options);
    assert!(auth.needs_nonce() && auth.trusts(&proxy.public_key()));
    let nonce = nonce([5; NONCE_BYTES]);
    let (right, wrong) = (sign(&proxy, &nonce), sign(&stranger, &nonce));
    let key = proxy.public_key();
    for (name, proxy_sig, want) in [
        ("free", "", Ok(None)),
        ("free", right.as_str(), Ok(Some(key.as_str()))),
        ("free", &wrong, Err(Denial::ProxyNotTrusted)),
        ("proxied", "", Err(Denial::ProxyRequired)),
        ("proxied", &right, Ok(Some(&key))),
    ] {
        let credentials = Credentials {
            proxy_sig,
            nonce: &nonce,
            ..given(name, "1", "")
        };
        let found = admitted(&auth, &credentials).map(|a| a.proxy.map(|key| key.to_string()));
        assert_eq!(
            found,
            want.map(|key| key.map(ToString::to_string)),
            "{name} {proxy_sig}"
        );
    }
    // Where no proxy is trusted, signatures mean nothing.
    let auth = Authenticator::new(&users([user("free", "1")]));
    let credentials = Credentials {
        proxy_sig: &wrong,
        ..given("free", "1", "")
    };
    assert_eq!(who(&auth, &credentials), Ok("user:free".into()));
}

#[test]
fn a_user_has_its_account_and_its_permissions_or_the_default_ones() {
    let publishing = |subject: &str| Permissions {
        publish: Some(SubjectPermission {
            allow: Some(vec![subject.into()]),
            deny: Vec::new(),
        }),
        ..Permissions::default()
    };
    let member = |name: &str, account: Option<&str>, permissions| User {
        account: account.map(Into::into),
        permissions,
        ..user(name, "")
    };
    let mut options = users([
        member("own", Some("A"), Some(publishing("own"))),
        member("default", Some("A"), None),
        member("default2", Some("A"), None),
        member("free", Some("B"), None),
        member("global", None, None),
    ]);
    options.auth.default_permissions = Some(publishing("global"));
    options.accounts = ["A", "B"]
        .map(|name| AccountOptions {
            name: name.into(),
            default_permissions: (name == "A").then(|| publishing("default")),
            ..AccountOptions::default()
        })
        .into();
    let auth = Authenticator::new(&options);
    let admission = |name| admitted(&auth, &given(name, "", "")).expect("let in");
    for (name, account, may) in [
        ("own", Some("A"), Some("own")),
        ("default", Some("A"), Some("default")),
        ("free", Some("B"), None),
        ("global", None, Some("global")),
    ] {
        let admission = admission(name);
        assert_eq!(admission.account.as_deref(), account, "{name}");
        for subject in ["own", "default", "global", "other"] {
            let allowed = admission
                .rights
                .as_ref()
                .is_none_or(|r| r.may_publish(subject.as_bytes()));
            assert_eq!(
                allowed,
                may.is_none_or(|may| may == subject),
                "{name} {subject}"
            );
        }
    }
    // What is the same is held once.
    let (one, other) = (admission("default").rights, admission("default2").rights);
    assert!(
        one.zip(other)
            .is_some_and(|(a, b)| std::sync::Arc::ptr_eq(&a, &b))
    );
}

#[test]
fn only_those_whom_a_change_concerns_are_looked_at_again() {
    let list = |list: &[(&str, &str)]| {
        Authenticator::new(&users(
            list.iter().map(|(name, password)| user(name, password)),
        ))
    };
    let before = list(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let after = list(&[("a", "1"), ("b", "9")]);
    let permitted = Authenticator::new(&users([User {
        permissions: Some(Permissions::default()),
        ..user("a", "1")
    }]));
    let moved = Authenticator::new(&users([User {
        account: Some("A".into()),
        ..user("a", "1")
    }]));
    let token = Authenticator::new(&of(AuthOptions {
        token: Some(Secret::new("t")),
        ..AuthOptions::default()
    }));
    let open = Authenticator::new(&Options::default());
    for (credentials, now, was, differs) in [
        (given("a", "1", ""), &after, &before, false),
        (given("b", "2", ""), &after, &before, true),
        (given("c", "3", ""), &after, &before, true),
        (given("a", "1", ""), &permitted, &before, true),
        (given("a", "1", ""), &moved, &before, true),
        (given("", "", "t"), &token, &token, false),
        (given("", "", "t"), &token, &open, true),
        (given("a", "1", ""), &open, &before, true),
        (given("", "", ""), &open, &open, false),
    ] {
        assert_eq!(
            now.differs_for(&credentials, was),
            differs,
            "{credentials:?}"
        );
    }
    let known = |name: &str| after.lists(&Who::User(name.into()));
    assert!(known("a") && !known("c") && !token.lists(&Who::Nobody));
}

#[test]
fn somebody_is_named_without_secrets() {
    let key = nkeys::KeyPair::new_user();
    let (public, seed) = (key.public_key(), key.seed().expect("a seed"));
    let nkey = Credentials {
        nkey: &public,
        ..given("a", "pw", "t")
    };
    let mistaken = Credentials {
        nkey: &seed,
        ..given("", "", "")
    };
    let jwt = Credentials {
        jwt: "ey",
        ..given("", "", "t")
    };
    let (label, shown) = (format!("nkey:{public}"), format!("Nkey \"{public}\""));
    for (credentials, label, text) in [
        (nkey, label.as_str(), shown.as_str()),
        (mistaken, "", ""),
        (given("a", "pw", "t"), "user:a", r#"User "a""#),
        (given("", "", "t"), "token", r#"Token "[REDACTED]""#),
        (jwt, "", ""),
        (given("", "pw", ""), "", ""),
    ] {
        let who = Who::of(&credentials);
        assert_eq!(
            (who.label().as_str(), who.to_string().as_str()),
            (label, text)
        );
    }
    let shown = format!(
        "{:?}",
        Credentials {
            sig: "sig-secret",
            jwt: "jwt-secret",
            ..given("bob", "pw-secret", "tok-secret")
        }
    );
    assert!(!shown.contains("secret"), "{shown}");
}
