//! What is read of users: what they may do, how they are known, and who decides on them.

use std::time::Duration;

use gannet_config::{
    CalloutOptions, ConnectionType, Permissions, ResponsePermission, Secret, SubjectPermission,
    User,
};

use crate::options::options;
use crate::world::World;

const NKEY: &str = "UANEWFG37ZVR6QT3MUKSDSNX3MDB3EBMAWXO6WSUIQZF7HDMDBKFKU4U";
const ISSUER: &str = "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA";
const XKEY: &str = "XDJR5XRBNU5BCFPNHN3VWNWG5MMG34M2NYVB7HH5BLUNJ2QOXMAQ6LZX";

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn subjects(allow: Option<&[&str]>, deny: &[&str]) -> Option<SubjectPermission> {
    Some(SubjectPermission {
        allow: allow.map(strings),
        deny: strings(deny),
    })
}

#[test]
fn a_user_is_read_whole() {
    let text = format!(
        "authorization {{ users: [
            {{user: a, password: b, permissions {{publish: c}}, clients: [mqtt, STANDARD, MQTT]}}
            {{nkey: {NKEY}, proxy_required: true}}
        ] }}"
    );
    let wanted = vec![
        User {
            name: "a".into(),
            password: Secret::new("b"),
            permissions: Some(Permissions {
                publish: subjects(Some(&["c"]), &[]),
                ..Permissions::default()
            }),
            connection_types: Some(vec![ConnectionType::Mqtt, ConnectionType::Standard]),
            ..User::default()
        },
        User {
            nkey: Some(NKEY.into()),
            proxy_required: true,
            ..User::default()
        },
    ];
    let auth = options(&text).auth;
    assert!(auth.required());
    assert_eq!(auth.users, Some(wanted));
}

#[test]
fn permissions_have_many_forms() {
    let responses = |messages, seconds: Option<u64>| Permissions {
        publish: subjects(Some(&[]), &[]),
        responses: Some(ResponsePermission {
            messages,
            expires: seconds.map(Duration::from_secs),
        }),
        ..Permissions::default()
    };
    let publish = |publish| Permissions {
        publish,
        ..Permissions::default()
    };
    for (text, wanted) in [
        ("{}", Permissions::default()),
        ("{publish {}}", Permissions::default()),
        ("{publish: a}", publish(subjects(Some(&["a"]), &[]))),
        ("{pub: [a, b]}", publish(subjects(Some(&["a", "b"]), &[]))),
        (
            "{publish {allow: a, deny: [b]}}",
            publish(subjects(Some(&["a"]), &["b"])),
        ),
        ("{publish {deny: b}}", publish(subjects(None, &["b"]))),
        // An empty list forbids nothing.
        ("{publish: []}", publish(subjects(None, &[]))),
        ("{publish {allow: []}}", publish(subjects(None, &[]))),
        (
            "{subscribe: [\"a q.*\"]}",
            Permissions {
                subscribe: subjects(Some(&["a q.*"]), &[]),
                ..Permissions::default()
            },
        ),
        ("{allow_responses: true}", responses(Some(1), Some(120))),
        ("{allow_responses {}}", responses(Some(1), Some(120))),
        ("{allow_responses: false}", Permissions::default()),
        (
            "{allow_responses {max: 0, ttl: \"0s\"}}",
            responses(Some(1), Some(120)),
        ),
        (
            "{allow_responses {max: -1, ttl: \"-1s\"}}",
            responses(None, None),
        ),
        (
            "{allow_responses {max: 7, expires: \"9s\"}}",
            responses(Some(7), Some(9)),
        ),
        (
            "{publish {deny: b}, allow_responses: true}",
            Permissions {
                publish: subjects(Some(&[]), &["b"]),
                ..responses(Some(1), Some(120))
            },
        ),
        (
            "{allow_responses: true, publish: a}",
            Permissions {
                publish: subjects(Some(&["a"]), &[]),
                ..responses(Some(1), Some(120))
            },
        ),
    ] {
        let text = format!("authorization {{users: [{{user: a, permissions {text}}}]}}");
        let users = options(&text).auth.users.expect("a user");
        assert_eq!(users[0].permissions, Some(wanted), "{text}");
    }
}

#[test]
fn default_permissions_are_those_of_users_without() {
    let text = "authorization {
        users: [{user: a}, {user: b, permissions {subscribe: x}}, {user: c, permissions {}}]
        default_permissions {publish: p}
    }";
    let loaded = World::of(text).load().expect("a good file");
    let users = loaded.options.auth.users.expect("users");
    let published: Vec<bool> = users
        .iter()
        .map(|user| {
            user.permissions
                .as_ref()
                .is_some_and(|p| p.publish.is_some())
        })
        .collect();
    assert_eq!(published, [true, false, false]);
    assert!(users.iter().all(|user| user.permissions.is_some()));
}

#[test]
fn a_callout_is_read_whole() {
    let text = format!(
        "authorization {{ auth_callout {{
            issuer: {ISSUER}, account: A, auth_users: [a, b], xkey: {XKEY}, allowed_accounts: []
        }} }}"
    );
    let wanted = CalloutOptions {
        issuer: ISSUER.into(),
        account: "A".into(),
        auth_users: strings(&["a", "b"]),
        xkey: Some(XKEY.into()),
        allowed_accounts: Vec::new(),
    };
    assert_eq!(options(&text).auth.callout, Some(wanted));
    let text = format!("authorization {{auth_callout {{issuer: {ISSUER}, users: [a]}}}}");
    let callout = options(&text).auth.callout.expect("a callout");
    assert_eq!((callout.account.as_str(), callout.xkey), ("$G", None));
}

#[test]
fn what_no_part_of_the_server_acts_on_is_refused_by_name() {
    let with = |user: &str| format!("authorization {{users: [{{{user}}}]}}");
    for (key, feature, text) in [
        (
            "proxy_required",
            "trusted proxies",
            with("user: a, proxy_required: true"),
        ),
        (
            "proxy_required",
            "trusted proxies",
            "authorization {proxy_required: true}".into(),
        ),
        (
            "auth_callout",
            "auth callout",
            format!("authorization {{auth_callout {{issuer: {ISSUER}, users: [a]}}}}"),
        ),
        (
            "latency",
            "service latency",
            "accounts {A {exports: [{service: q, latency: l}]}}".into(),
        ),
    ] {
        let why = options(&text).validate().map_err(|why| why.to_string());
        let wanted = format!(
            "\"{key}\" is known but not supported yet by this version of Gannet ({feature})"
        );
        assert_eq!(why, Err(wanted), "{text}");
    }
    assert_eq!(options(&with("user: a, password: b")).validate(), Ok(()));
}

#[test]
fn clients_without_credentials_may_be_one_with_an_nkey() {
    let text = format!("no_auth_user: {NKEY}, authorization {{users: [{{nkey: {NKEY}}}]}}");
    let why = options(&text).validate().map_err(|why| why.to_string());
    // It is an entry, and only the part that is not built yet stands against it.
    assert!(!why.is_err_and(|why| why.contains("no_auth_user")));
}
