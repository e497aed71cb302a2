//! Messages that go to other subjects than those they were published on, as the account's mappings say.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_broker::{Hop, Origin, Run};
use gannet_config::{
    AccountOptions, Destination, Mapping, Permissions, ServiceExport, SubjectPermission,
};
use gannet_identity::Rights;

use crate::accounts::{NOW, account, service, take_service};
use crate::world::{End, OWN_PREFIX, Way, World, text};

fn map(source: &str, destinations: &[(&str, u8, Option<&str>)]) -> Mapping {
    let destination = |(subject, weight, cluster): &(&str, u8, Option<&str>)| Destination {
        subject: (*subject).into(),
        weight: *weight,
        cluster: cluster.map(Into::into),
    };
    Mapping {
        source: source.into(),
        destinations: destinations.iter().map(destination).collect(),
    }
}

fn mapping(mappings: Vec<Mapping>) -> AccountOptions {
    AccountOptions {
        mappings,
        ..account("$G", vec![], vec![])
    }
}

fn define(w: &World, mappings: Vec<Mapping>) {
    let defined = w.broker.define_accounts(&[mapping(mappings)], NOW);
    assert_eq!(defined.finish(w.now), []);
}

/// What arrives of a message on `subject`, in one word.
fn arrives(w: &World, way: &mut Way, from: &End, taker: &End, subject: &str) -> String {
    way.publish(w, from, &text(subject, "", "x").message());
    let got = taker.take();
    let word = got.split(' ').nth(1).unwrap_or("nowhere");
    assert!(got.matches("MSG").count() <= 1, "{got}");
    word.into()
}

#[test]
fn map_02_a_message_of_a_client_is_mapped_once() {
    let mut w = World::new();
    let (sender, taker) = (w.client(), w.client());
    w.subscribe(&taker, ">", None, "1");
    define(
        &w,
        vec![
            map("foo", &[("bar", 100, None)]),
            map("bar", &[("baz", 100, None)]),
            map("a.*.*", &[("b.$2.$1", 100, None)]),
            map(
                "c",
                &[("far", 100, Some("FAR")), ("here", 100, Some(OWN_PREFIX.0))],
            ),
        ],
    );
    let mut way = w.way();
    for (subject, want) in [
        ("foo", "bar"),
        ("bar", "baz"),
        ("a.1.2", "b.2.1"),
        ("c", "here"),
        ("d", "d"),
    ] {
        for _ in 0..3 {
            assert_eq!(arrives(&w, &mut way, &sender, &taker, subject), want);
        }
    }
    let messages = [text("foo", "", "1"), text("foo", "", "2")];
    let mut run = Run::default();
    run.begin(&messages[0].message());
    run.push(&messages[1].message());
    way.publish_run(&w, &sender, &run);
    assert_eq!(taker.take(), "MSG bar 1 1\r\n1\r\nMSG bar 1 1\r\n2\r\n");
    // What comes from another server was mapped there.
    let mut link = w.way();
    link.delivery.begin(w.now);
    let origin = Origin::link(Hop::Route);
    let message = text("foo", "", "x");
    let out = &mut link.delivery;
    link.publisher
        .publish_linked(&w.broker, out, &sender.peer, &message.message(), origin);
    link.delivery.finish(&w.broker);
    assert!(taker.take().starts_with("MSG foo "));
    define(&w, vec![map("foo", &[("other", 100, None)])]);
    assert_eq!(arrives(&w, &mut way, &sender, &taker, "foo"), "other");
    assert_eq!(arrives(&w, &mut way, &sender, &taker, "bar"), "bar");
}

#[test]
fn map_12_and_13_each_message_draws_its_subject_anew_and_some_are_lost() {
    let mut w = World::new();
    let (sender, taker) = (w.client(), w.client());
    w.subscribe(&taker, ">", None, "1");
    define(
        &w,
        vec![
            map("foo", &[("one", 50, None), ("two", 30, None)]),
            map("lossy", &[("one", 50, None), ("lossy", 10, None)]),
        ],
    );
    let mut way = w.way();
    for (subject, want) in [
        ("foo", vec![("foo", 20), ("one", 50), ("two", 30)]),
        ("lossy", vec![("lossy", 10), ("nowhere", 40), ("one", 50)]),
    ] {
        let mut counts: BTreeMap<String, i32> = BTreeMap::new();
        for _ in 0..2000 {
            let word = arrives(&w, &mut way, &sender, &taker, subject);
            *counts.entry(word).or_default() += 1;
        }
        let names: Vec<&str> = counts.keys().map(|name| &**name).collect();
        assert_eq!(names, want.iter().map(|w| w.0).collect::<Vec<_>>());
        for (name, percent) in want {
            let off = counts[name] - percent * 20;
            assert!(off.abs() < 150, "{name}: {counts:?}");
        }
    }
}

#[test]
fn permission_is_asked_for_the_subject_that_a_message_is_mapped_to() {
    let mut w = World::new();
    let (sender, taker) = (w.client(), w.client());
    w.subscribe(&taker, ">", None, "1");
    define(
        &w,
        vec![
            map("foo", &[("secret", 100, None)]),
            map("secret", &[("open", 100, None)]),
        ],
    );
    let publish = Some(SubjectPermission {
        allow: None,
        deny: vec!["secret".into()],
    });
    let limited = Permissions {
        publish,
        ..Permissions::default()
    };
    let rights = Some(Arc::new(Rights::new(&limited)));
    w.broker.set_rights(w.broker.global(), &sender.peer, rights);
    let mut way = w.way();
    for _ in 0..3 {
        assert_eq!(arrives(&w, &mut way, &sender, &taker, "foo"), "nowhere");
        assert_eq!(arrives(&w, &mut way, &sender, &taker, "secret"), "open");
    }
    assert_eq!(
        way.publisher.mapped(b"foo").as_deref(),
        Some(&b"secret"[..])
    );
}

#[test]
fn a_request_is_mapped_before_it_asks_and_where_it_is_asked() {
    let mut w = World::new();
    let accounts = [
        AccountOptions {
            mappings: vec![
                map("ask.me", &[("ask.v1", 50, None), ("ask.v2", 50, None)]),
                map("ask.them", &[("ask.all", 100, None)]),
            ],
            ..account(
                "A",
                vec![service("ask.*", ServiceExport::default())],
                vec![],
            )
        },
        AccountOptions {
            mappings: vec![map("svc", &[("ask.me", 100, None)])],
            ..account(
                "B",
                vec![],
                vec![
                    take_service("A", "ask.me", ""),
                    take_service("A", "ask.them", ""),
                ],
            )
        },
    ];
    let defined = w.broker.define_accounts(&accounts, NOW);
    assert_eq!(defined.finish(w.now), []);
    let get = |name| w.broker.account(name).expect("defined");
    let (a, b) = (get("A"), get("B"));
    let (asker, server) = (w.client(), w.client());
    w.subscribe_in(&a, &server, "ask.*", None, "1");
    w.subscribe_in(&b, &asker, "inbox", None, "9");
    let (mut way, mut back) = (w.way_into(b), w.way_into(a));
    assert_eq!(
        arrives(&w, &mut way, &asker, &server, "ask.them"),
        "ask.all"
    );
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..100 {
        way.publish(&w, &asker, &text("svc", "inbox", "?").message());
        let got = server.take();
        let words: Vec<&str> = got.split(' ').collect();
        *seen.entry(words[1].into()).or_default() += 1;
        back.publish(&w, &server, &text(words[3], "", "!").message());
        assert_eq!(asker.take(), "MSG inbox 9 1\r\n!\r\n");
    }
    let names: Vec<&str> = seen.keys().map(|name| &**name).collect();
    assert_eq!(names, ["ask.v1", "ask.v2"]);
}
