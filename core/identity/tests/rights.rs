//! What a user may do: a table of verdicts that the reference server gives, and all answers against a naive
//! model of its rules.

use std::time::Duration;

use gannet_config::{Permissions, ResponsePermission, SubjectPermission};
use gannet_identity::{Action, Reason, Rights};
use gannet_subject::has_wildcard;
use proptest::prelude::*;

fn lists(allow: &[&str], deny: &[&str]) -> Option<SubjectPermission> {
    let strings = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    Some(SubjectPermission {
        allow: (!allow.is_empty()).then(|| strings(allow)),
        deny: strings(deny),
    })
}

fn subscriber() -> Rights {
    Rights::new(&Permissions {
        subscribe: lists(
            &["foo.*", "q.* v1", "z", "z v2.*", "w q>", "all.>"],
            &["all.secret", "all.x.* qd", "all.y.>"],
        ),
        publish: lists(&["foo.*"], &["foo.no"]),
        responses: None,
    })
}

/// `subject` or `subject queue`.
fn words(text: &str) -> (&[u8], Option<&[u8]>) {
    match text.split_once(' ') {
        Some((subject, queue)) => (subject.as_bytes(), Some(queue.as_bytes())),
        None => (text.as_bytes(), None),
    }
}

#[test]
fn subscriptions_are_judged_as_the_reference_server_does() {
    let rights = subscriber();
    for (subscription, reason) in [
        ("foo.*", Reason::Allowed("foo.*")),
        ("foo.>", Reason::Allowed("foo.*")),
        ("foo.a", Reason::Allowed("foo.*")),
        (">", Reason::NotAllowed),
        ("*", Reason::NotAllowed),
        ("foo.*.x", Reason::NotAllowed),
        ("foo..a", Reason::NotAllowed),
        ("q.a", Reason::NotAllowed),
        ("q.a v1", Reason::Allowed("q.* v1")),
        ("q.> v1", Reason::Allowed("q.* v1")),
        ("q.* v2", Reason::OtherQueue("q.* v1")),
        ("z", Reason::Allowed("z")),
        ("z v2.a", Reason::Allowed("z v2.*")),
        ("z v3", Reason::OtherQueue("z v2.*")),
        ("w q>", Reason::Allowed("w q>")),
        ("w q", Reason::OtherQueue("w q>")),
        ("all.>", Reason::Allowed("all.>")),
        ("all.> g", Reason::Allowed("all.>")),
        ("all.x.> qd", Reason::Denied("all.x.* qd")),
        ("all.x.a qd", Reason::Denied("all.x.* qd")),
        ("all.*.a qd", Reason::Allowed("all.>")),
        ("all.y.>", Reason::Denied("all.y.>")),
        ("all.*.>", Reason::Allowed("all.>")),
        ("all.* qd", Reason::Allowed("all.>")),
        ("all.secret q", Reason::Denied("all.secret")),
        ("all.secret", Reason::Denied("all.secret")),
        ("_INBOX.x", Reason::NotAllowed),
    ] {
        let (subject, queue) = words(subscription);
        let action = Action::Subscribe { queue };
        assert_eq!(rights.explain(action, subject), reason, "{subscription}");
        assert_eq!(rights.may_subscribe(subject, queue), reason.allows());
    }
}

#[test]
fn wider_subscriptions_are_delivered_what_is_not_denied() {
    let rights = subscriber();
    for (subscription, filtered) in [
        ("all.>", true),
        ("all.*", true),
        ("all.z", false),
        ("all.z.*", false),
        ("all.x.*", false),
        ("all.*.a qd", true),
        ("all.*.a other", true),
        ("all.x.* other", false),
        ("foo.*", false),
    ] {
        let (subject, queue) = words(subscription);
        assert_eq!(
            rights.denies_deliveries_of(subject, queue),
            filtered,
            "{subscription}"
        );
    }
    for (message, delivered) in [
        ("all.secret", false),
        ("all.secret g", false),
        ("all.x.a", true),
        ("all.x.a qd", false),
        ("all.x.a other", true),
        ("all.y.a.b", false),
        ("elsewhere", true),
    ] {
        let (subject, queue) = words(message);
        assert_eq!(rights.may_receive(subject, queue), delivered, "{message}");
    }
}

#[test]
fn publishing_is_judged_as_the_reference_server_does() {
    let rights = subscriber();
    for (subject, reason) in [
        ("foo.a", Reason::Allowed("foo.*")),
        ("foo.no", Reason::Denied("foo.no")),
        ("foo.*", Reason::Allowed("foo.*")),
        ("foo.>", Reason::Allowed("foo.*")),
        ("foo", Reason::NotAllowed),
        ("foo.", Reason::NotAllowed),
        ("bar", Reason::NotAllowed),
        ("", Reason::NotAllowed),
    ] {
        assert_eq!(
            rights.explain(Action::Publish, subject.as_bytes()),
            reason,
            "{subject:?}"
        );
    }
}

#[test]
fn who_may_reply_may_publish_only_what_is_said() {
    let responses = Some(ResponsePermission {
        messages: Some(3),
        expires: Some(Duration::from_secs(1)),
    });
    for (publish, free, named) in [
        (None, false, false),
        (lists(&[], &["x"]), false, false),
        (lists(&["named"], &[]), false, true),
    ] {
        let rights = Rights::new(&Permissions {
            publish,
            subscribe: None,
            responses,
        });
        assert_eq!(rights.responses(), responses);
        assert!(!rights.may_publish_everything());
        assert_eq!(rights.may_publish(b"free"), free);
        assert_eq!(rights.may_publish(b"named"), named);
    }
}

#[test]
fn empty_lists_forbid_nothing() {
    let nothing = Some(SubjectPermission {
        allow: Some(Vec::new()),
        deny: Vec::new(),
    });
    let rights = Rights::new(&Permissions {
        publish: nothing.clone(),
        subscribe: nothing,
        responses: None,
    });
    assert!(rights.may_publish_everything() && rights.may_publish(b"a"));
    assert!(rights.may_subscribe(b">", Some(b"q")));
    assert_eq!(rights.permissions(), Permissions::default());
}

#[test]
fn entries_that_are_spelled_wrong_allow_nothing() {
    let rights = Rights::new(&Permissions {
        publish: lists(&["a..b", "ok queue", ""], &["denied queue"]),
        subscribe: lists(&["a b c", "s"], &[]),
        responses: None,
    });
    assert!(!rights.may_publish(b"a..b") && !rights.may_publish(b"ok"));
    assert!(rights.may_subscribe(b"s", None) && !rights.may_subscribe(b"a", Some(b"b")));
    // A queue's name means nothing in `publish`; the subject is denied all the same.
    let rights = Rights::new(&Permissions {
        publish: lists(&[], &["denied queue"]),
        ..Permissions::default()
    });
    assert!(!rights.may_publish(b"denied") && rights.may_publish(b"a"));
}

/// The rules of the reference server, one after the other.
mod model {
    use super::*;

    pub(super) fn matches(pattern: &str, subject: &str) -> bool {
        let subject: Vec<&str> = subject.split('.').collect();
        if subject.contains(&"") {
            return false;
        }
        let pattern: Vec<&str> = pattern.split('.').collect();
        for (at, token) in pattern.iter().enumerate() {
            match subject.get(at) {
                None => return false,
                Some(_) if *token == ">" => return true,
                Some(have) if have == token || *token == "*" => {}
                Some(_) => return false,
            }
        }
        subject.len() == pattern.len()
    }

    fn queue_matches(queue: &str, pattern: &str) -> bool {
        queue == pattern || (has_wildcard(pattern.as_bytes()) && matches(pattern, queue))
    }

    fn of<'a>(list: &'a [String], subject: &str) -> (bool, Vec<&'a str>) {
        let mut plain = false;
        let mut queues = Vec::new();
        for entry in list {
            match entry.split_once(' ') {
                Some((pattern, queue)) if matches(pattern, subject) => queues.push(queue),
                None if matches(entry, subject) => plain = true,
                _ => {}
            }
        }
        (plain, queues)
    }

    pub(super) fn may_subscribe(
        lists: &SubjectPermission,
        subject: &str,
        queue: Option<&str>,
    ) -> bool {
        let mut allowed = true;
        if let Some(allow) = lists.allow.as_ref().filter(|allow| !allow.is_empty()) {
            let (plain, queues) = of(allow, subject);
            allowed = plain;
            if let Some(queue) = queue.filter(|_| !queues.is_empty()) {
                allowed = queues.iter().any(|known| queue_matches(queue, known));
            }
        }
        allowed && may_receive(lists, subject, queue)
    }

    pub(super) fn may_receive(
        lists: &SubjectPermission,
        subject: &str,
        queue: Option<&str>,
    ) -> bool {
        let (plain, queues) = of(&lists.deny, subject);
        let named = |queue| queues.iter().any(|known| queue_matches(queue, known));
        !plain && !queue.is_some_and(named)
    }
}

fn subject(tokens: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(tokens), 1..4).prop_map(|t| t.join("."))
}

fn literal() -> impl Strategy<Value = String> {
    subject(&["a", "b", "longer_than_eight", "longer_than_nine", ""])
}

fn pattern() -> impl Strategy<Value = String> {
    let tokens = subject(&["a", "b", "longer_than_eight", "longer_than_nine", "*"]);
    (tokens, prop::bool::weighted(0.2)).prop_map(|(subject, tail)| match tail {
        true => subject + ".>",
        false => subject,
    })
}

fn any_subject() -> impl Strategy<Value = String> {
    prop_oneof![literal(), pattern(), Just(">".to_string())]
}

fn queue() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![subject(&["q", "r"]), subject(&["q", "*"])])
}

fn entry() -> impl Strategy<Value = String> {
    (
        prop_oneof![9 => pattern(), 1 => Just(">".to_string())],
        queue(),
    )
        .prop_map(|(subject, queue)| match queue {
            Some(queue) => format!("{subject} {queue}"),
            None => subject,
        })
}

fn permission() -> impl Strategy<Value = SubjectPermission> {
    let list = || prop::collection::vec(entry(), 0..5);
    (prop::option::of(list()), list()).prop_map(|(allow, deny)| SubjectPermission { allow, deny })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn all_answers_are_those_of_the_rules(
        lists in permission(),
        subject in any_subject(),
        queue in queue(),
    ) {
        let rights = Rights::new(&Permissions { subscribe: Some(lists.clone()), ..Permissions::default() });
        let (bytes, group) = (subject.as_bytes(), queue.as_deref().map(str::as_bytes));
        prop_assert_eq!(
            rights.may_subscribe(bytes, group),
            model::may_subscribe(&lists, &subject, queue.as_deref())
        );
        prop_assert_eq!(
            rights.may_receive(bytes, group),
            model::may_receive(&lists, &subject, queue.as_deref())
        );
    }

    #[test]
    fn publishing_follows_the_rules_for_subscriptions_without_a_queue(
        lists in permission(),
        subject in any_subject(),
    ) {
        let plain = |list: &[String]| list.iter().filter(|e| !e.contains(' ')).cloned().collect::<Vec<_>>();
        let lists = SubjectPermission { allow: lists.allow.as_deref().map(plain), deny: plain(&lists.deny) };
        let rights = Rights::new(&Permissions { publish: Some(lists.clone()), ..Permissions::default() });
        prop_assert_eq!(rights.may_publish(subject.as_bytes()), model::may_subscribe(&lists, &subject, None));
    }

    #[test]
    fn a_subscription_that_needs_no_filter_gets_nothing_that_is_denied(
        lists in permission(),
        wide in pattern(),
        message in literal(),
        queue in queue(),
    ) {
        let rights = Rights::new(&Permissions { subscribe: Some(lists), ..Permissions::default() });
        let (bytes, group) = (wide.as_bytes(), queue.as_deref().map(str::as_bytes));
        if rights.may_subscribe(bytes, group)
            && !rights.denies_deliveries_of(bytes, group)
            && model::matches(&wide, &message)
        {
            prop_assert!(rights.may_receive(message.as_bytes(), group));
        }
    }
}
