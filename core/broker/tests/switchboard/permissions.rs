//! What a user may not publish goes nowhere, and what it may not receive is kept from it.

use std::sync::Arc;
use std::time::Duration;

use gannet_broker::Run;
use gannet_config::{Permissions, ResponsePermission, SubjectPermission};
use gannet_identity::Rights;

use crate::world::{End, World, text};

fn permission(allow: Option<&[&str]>, deny: &[&str]) -> Option<SubjectPermission> {
    let list = |subjects: &[&str]| subjects.iter().map(|s| (*s).into()).collect();
    Some(SubjectPermission {
        allow: allow.map(list),
        deny: list(deny),
    })
}

fn limit(w: &World, end: &End, permissions: &Permissions) {
    let rights = Some(Arc::new(Rights::new(permissions)));
    w.broker.set_rights(w.broker.global(), &end.peer, rights);
}

#[test]
fn what_may_not_be_published_is_refused_and_goes_nowhere() {
    let mut w = World::new();
    let (sender, taker) = (w.client(), w.client());
    w.subscribe(&taker, ">", None, "1");
    let mut way = w.way();
    let mut send = |w: &World, subject: &str| {
        let delivered = way.publish(w, &sender, &text(subject, "", "x").message());
        (delivered.is_refused, !taker.take().is_empty())
    };
    let publish = permission(Some(&["a.>"]), &["a.secret"]);
    let limited = Permissions {
        publish,
        ..Permissions::default()
    };
    assert_eq!(send(&w, "b"), (false, true));
    limit(&w, &sender, &limited);
    // From the second time on, the plan is one that was kept.
    for _ in 0..3 {
        assert_eq!(send(&w, "b"), (true, false));
        assert_eq!(send(&w, "a.secret"), (true, false));
        assert_eq!(send(&w, "a.open"), (false, true));
    }
    w.broker.set_rights(w.broker.global(), &sender.peer, None);
    assert_eq!(send(&w, "b"), (false, true));
}

#[test]
fn a_run_that_may_not_be_published_is_refused_message_by_message() {
    let mut w = World::new();
    let (sender, taker) = (w.client(), w.client());
    w.subscribe(&taker, ">", None, "1");
    let publish = permission(None, &["no"]);
    let limited = Permissions {
        publish,
        ..Permissions::default()
    };
    limit(&w, &sender, &limited);
    let mut way = w.way();
    for (subject, refused) in [("no", 2), ("yes", 0), ("no", 2), ("no", 2)] {
        let messages = [text(subject, "", "1"), text(subject, "", "2")];
        let mut run = Run::default();
        run.begin(&messages[0].message());
        run.push(&messages[1].message());
        assert_eq!(way.publish_run(&w, &sender, &run), refused, "{subject}");
        assert_eq!(taker.take().is_empty(), refused > 0, "{subject}");
    }
}

#[test]
fn sec_31_a_wide_subscription_is_not_sent_what_is_denied() {
    let mut w = World::new();
    let (sender, taker) = (w.client(), w.client());
    w.subscribe(&taker, ">", None, "1");
    w.subscribe(&taker, "*.x", Some("q"), "2");
    let mut way = w.way();
    let mut send = |w: &World, subject: &str| {
        let got = way.publish(w, &sender, &text(subject, "", "x").message());
        (got.local, taker.take().matches("MSG").count())
    };
    assert_eq!(send(&w, "secret.x"), (2, 2));
    let subscribe = permission(None, &["secret.>", "work.x q"]);
    let limited = Permissions {
        subscribe,
        ..Permissions::default()
    };
    limit(&w, &taker, &limited);
    for _ in 0..3 {
        assert_eq!(send(&w, "secret.x"), (0, 0));
        assert_eq!(
            send(&w, "work.x"),
            (1, 1),
            "the group may not, the other may"
        );
        assert_eq!(send(&w, "open.x"), (2, 2));
    }
}

#[test]
fn sec_32_who_may_only_answer_answers_so_often_and_so_long() {
    let mut w = World::new();
    let (asker, service) = (w.client(), w.client());
    w.subscribe(&asker, "inbox.*", None, "1");
    w.subscribe(&service, "ask", None, "1");
    let limited = Permissions {
        responses: Some(ResponsePermission {
            messages: Some(2),
            expires: Some(Duration::from_secs(60)),
        }),
        ..Permissions::default()
    };
    limit(&w, &service, &limited);
    let (mut to, mut back) = (w.way(), w.way());
    let mut answer = |w: &World, subject: &str| {
        let got = back.publish(w, &service, &text(subject, "", "x").message());
        let refused = got.is_refused;
        assert_eq!(asker.take().is_empty(), refused, "{subject}");
        !refused
    };
    assert!(!answer(&w, "inbox.1"), "nobody has asked");
    for reply in ["inbox.1", "inbox.2", "inbox.3"] {
        to.publish(&w, &asker, &text("ask", reply, "?").message());
    }
    assert!(answer(&w, "inbox.1"));
    assert!(answer(&w, "inbox.1"));
    assert!(!answer(&w, "inbox.1"), "both answers are used up");
    assert!(answer(&w, "inbox.2"));
    assert!(!answer(&w, "inbox.9"), "not asked for");
    w.now = w.now + Duration::from_secs(61);
    assert!(!answer(&w, "inbox.3"), "too late");
}
