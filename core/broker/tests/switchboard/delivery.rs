//! Who gets a message of a client, and in which bytes.

use gannet_broker::{Delivered, Run};

use crate::world::{World, text, with_headers};

fn to(local: u32, remote: u32) -> Delivered {
    Delivered {
        local,
        remote,
        ..Delivered::default()
    }
}

#[test]
fn everybody_interested_gets_the_message_once_per_subscription() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    w.subscribe(&a, "foo", None, "1");
    w.subscribe(&a, "*", None, "2");
    w.subscribe(&b, ">", None, "sid9");
    let mut way = w.way();
    for round in 0..3 {
        assert_eq!(
            way.publish(&w, &a, &text("foo", "", "hi").message()),
            to(3, 0),
            "round {round}"
        );
        let mut got: Vec<String> = a
            .take()
            .split_inclusive("hi\r\n")
            .map(str::to_owned)
            .collect();
        got.sort();
        assert_eq!(got, ["MSG foo 1 2\r\nhi\r\n", "MSG foo 2 2\r\nhi\r\n"]);
        assert_eq!(b.take(), "MSG foo sid9 2\r\nhi\r\n");
    }
    assert_eq!(
        way.publish(&w, &a, &text("foo.bar", "re.ply", "").message()),
        to(1, 0)
    );
    assert_eq!(b.take(), "MSG foo.bar sid9 re.ply 0\r\n\r\n");
    assert_eq!(
        way.publish(&w, &a, &text("foo..bar", "", "x").message()),
        to(0, 0),
        "no subject at all"
    );
}

#[test]
fn a_tail_that_cannot_be_repeated_is_written_anew() {
    let mut w = World::new();
    let a = w.client();
    w.subscribe(&a, "foo", None, "1");
    let mut way = w.way();
    way.publish(&w, &a, &text("foo", "r", "hello").untidy());
    assert_eq!(a.take(), "MSG foo 1 r 5\r\nhello\r\n");
    way.publish(
        &w,
        &a,
        &with_headers("foo", "", "NATS/1.0\r\n\r\n", "x").untidy(),
    );
    assert_eq!(a.take(), "HMSG foo 1 12 13\r\nNATS/1.0\r\n\r\nx\r\n");
}

#[test]
fn headers_are_cut_off_for_those_who_do_not_take_them() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    b.peer.set_headers(false);
    w.subscribe(&a, "foo", None, "1");
    w.subscribe(&b, "foo", None, "2");
    let mut way = w.way();
    for body in ["body", "", "other"] {
        way.publish(
            &w,
            &a,
            &with_headers("foo", "r", "NATS/1.0\r\nA: b\r\n\r\n", body).message(),
        );
        let size = 18 + body.len();
        assert_eq!(
            a.take(),
            format!("HMSG foo 1 r 18 {size}\r\nNATS/1.0\r\nA: b\r\n\r\n{body}\r\n")
        );
        assert_eq!(
            b.take(),
            format!("MSG foo 2 r {}\r\n{body}\r\n", body.len())
        );
    }
}

#[test]
fn without_echo_own_messages_do_not_come_back_even_from_a_queue_group() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    a.peer.set_echo(false);
    w.subscribe(&a, "foo", None, "1");
    w.subscribe(&a, "foo", Some("q"), "2");
    w.subscribe(&b, "foo", Some("q"), "3");
    let mut way = w.way();
    for _ in 0..20 {
        assert_eq!(
            way.publish(&w, &a, &text("foo", "", "x").message()),
            to(1, 0)
        );
    }
    assert_eq!(a.take(), "");
    assert_eq!(
        b.take().matches("MSG foo 3").count(),
        20,
        "the other member takes every one"
    );
}

#[test]
fn one_member_of_each_group_gets_the_message_and_the_group_is_its_name_over_all_patterns() {
    let mut w = World::new();
    let (a, b, c) = (w.client(), w.client(), w.client());
    w.subscribe(&a, "foo", Some("q"), "1");
    w.subscribe(&b, "*", Some("q"), "2");
    w.subscribe(&c, "foo", Some("other"), "3");
    let mut way = w.way();
    for _ in 0..200 {
        assert_eq!(
            way.publish(&w, &a, &text("foo", "", "x").message()),
            to(2, 0)
        );
    }
    let (one, two) = (
        a.take().matches("MSG").count(),
        b.take().matches("MSG").count(),
    );
    assert_eq!(one + two, 200);
    assert!(
        one > 50 && two > 50,
        "{one} and {two}: the members share the load"
    );
    assert_eq!(c.take().matches("MSG").count(), 200);
}

#[test]
fn a_subscription_ends_after_its_last_message_and_leaves_the_account() {
    let mut w = World::new();
    let a = w.client();
    let sub = w.subscribe(&a, "foo", None, "1");
    sub.set_max(2);
    let mut way = w.way();
    let counts: Vec<u32> = (0..4)
        .map(|_| way.publish(&w, &a, &text("foo", "", "x").message()).local)
        .collect();
    assert_eq!(counts, [1, 1, 0, 0]);
    assert_eq!(
        a.peer.outbox().take_ended().len(),
        1,
        "its connection is told"
    );
    assert_eq!(w.broker.global().stats().0.entries, 0);
}

#[test]
fn a_new_subscription_is_seen_by_a_publisher_that_has_cached_the_subject() {
    let mut w = World::new();
    let a = w.client();
    let mut way = w.way();
    for _ in 0..4 {
        assert!(
            way.publish(&w, &a, &text("foo", "", "x").message())
                .is_none()
        );
    }
    let sub = w.subscribe(&a, "foo", None, "1");
    assert_eq!(
        way.publish(&w, &a, &text("foo", "", "x").message()),
        to(1, 0)
    );
    w.broker.global().unsubscribe(&sub);
    assert!(
        way.publish(&w, &a, &text("foo", "", "x").message())
            .is_none()
    );
}

#[test]
fn many_subjects_and_generations_give_the_same_answers_as_no_cache() {
    let mut w = World::new();
    let a = w.client();
    let subs: Vec<_> = (0..300)
        .map(|n| w.subscribe(&a, &format!("s.{n}"), None, &n.to_string()))
        .collect();
    let mut way = w.way();
    for round in 0..3 {
        for n in 0..5000 {
            let expected = u32::from(n < 300 && (round != 1 || n % 2 == 1));
            let subject = format!("s.{n}");
            // Twice in a row: the second time it may come from the cache.
            for _ in 0..2 {
                let got = way.publish(&w, &a, &text(&subject, "", "").message()).local;
                assert_eq!(got, expected, "round {round}, {subject}");
            }
        }
        a.take();
        for (n, sub) in subs.iter().enumerate().filter(|(n, _)| n % 2 == 0) {
            if round == 0 {
                w.broker.global().unsubscribe(sub);
            } else if round == 1 {
                w.subscribe(&a, &format!("s.{n}"), None, "again");
            }
        }
    }
}

#[test]
fn own_subscription_is_found_for_no_responders_only_if_it_is_the_requesters() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    w.subscribe(&a, "_INBOX.a.*", None, "7");
    w.subscribe(&b, "_INBOX.>", None, "8");
    w.subscribe(&b, "q", Some("g"), "9");
    let account = w.broker.global();
    assert_eq!(
        account
            .own_subscription(&a.peer, b"_INBOX.a.1")
            .map(|s| s.sid().to_vec()),
        Some(b"7".to_vec())
    );
    assert_eq!(
        account
            .own_subscription(&b.peer, b"_INBOX.a.1")
            .map(|s| s.sid().to_vec()),
        Some(b"8".to_vec())
    );
    assert!(account.own_subscription(&a.peer, b"_INBOX.b").is_none());
    assert!(
        account.own_subscription(&b.peer, b"q").is_none(),
        "a queue member is no requester"
    );
}

#[test]
fn what_a_client_has_ended_gets_nothing_that_was_on_its_way() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    let sub = w.subscribe(&a, "s", None, "1");
    let mut way = w.way();
    let one = text("s", "", "1");
    assert_eq!(way.publish(&w, &b, &one.message()), to(1, 0));
    // It is still in the account, as for whoever has planned a delivery before.
    sub.end();
    assert_eq!(way.publish(&w, &b, &one.message()), to(0, 0));
    let mut run = Run::default();
    run.begin(&one.message());
    run.push(&one.message());
    way.publish_run(&w, &b, &run);
    assert_eq!(a.take(), "MSG s 1 1\r\n1\r\n");
    assert_eq!(a.peer.outbox().take_ended().len(), 0);
}
