//! Messages to and from other clusters.

use gannet_broker::{AccountChange, Forgetting, LinkTraits, OutboundLink, PeerKind};
use gannet_wire::gateway::{Decoded, GatewayOp, Limits, Queues, decode};
use gannet_wire::reply_prefix::{self, ReplyPrefix};
use std::sync::Arc;
use std::time::Duration;

use crate::world::{OWN_PREFIX, World, text, with_headers};

/// The queues of a frame, as a link's decoder gives them.
fn queues_of<T>(names: &str, then: impl FnOnce(Queues<'_>) -> T) -> T {
    let line = format!("RMSG $G s | {names} 0\r\n\r\n");
    let limits = Limits {
        control_line: 4096,
        payload: 10,
    };
    match decode(line.as_bytes(), &limits) {
        Ok(Decoded::Op {
            op: GatewayOp::Message(m),
            ..
        }) => then(m.queues),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_remote_cluster_gets_one_copy_however_many_of_its_interests_match() {
    let mut w = World::new();
    let a = w.client();
    let (far, link) = w.outbound("FAR", 1);
    let mut interest = Default::default();
    // What is told again counts once, too.
    for subject in ["foo.bar", "foo.*", ">", ">"] {
        w.broker
            .remote_subscribe(&link, &mut interest, "$G", subject.as_bytes(), None, w.now);
    }
    let mut way = w.way();
    assert_eq!(
        way.publish(&w, &a, &text("foo.bar", "", "x").message())
            .remote,
        1
    );
    assert_eq!(far.take(), "RMSG $G foo.bar 1\r\nx\r\n");
    way.publish(
        &w,
        &a,
        &with_headers("foo.bar", "", "NATS/1.0\r\n\r\n", "x").message(),
    );
    assert_eq!(far.take(), "HMSG $G foo.bar 12 13\r\nNATS/1.0\r\n\r\nx\r\n");
    for subject in ["foo.bar", "foo.*", ">"] {
        w.broker
            .remote_unsubscribe(&link, &mut interest, "$G", subject.as_bytes(), None);
    }
    assert!(
        way.publish(&w, &a, &text("foo.bar", "", "x").message())
            .is_none()
    );
}

#[test]
fn a_local_member_wins_then_the_nearest_cluster() {
    let mut w = World::new();
    let a = w.client();
    let (far, far_link) = w.outbound("FAR", 50);
    let (near, near_link) = w.outbound("NEAR", 5);
    let (mut of_far, mut of_near) = (Default::default(), Default::default());
    for (link, interest) in [(&far_link, &mut of_far), (&near_link, &mut of_near)] {
        w.broker
            .remote_subscribe(link, interest, "$G", b"foo", Some(b"q"), w.now);
    }
    let local = w.subscribe(&a, "foo", Some("q"), "1");
    let mut way = w.way();
    let mut once = |w: &World| {
        let delivered = way.publish(w, &a, &text("foo", "", "x").message());
        (delivered.local, delivered.remote, near.take(), far.take())
    };
    assert_eq!(once(&w), (1, 0, "".into(), "".into()));
    w.broker.global().unsubscribe(&local);
    assert_eq!(
        once(&w),
        (0, 1, "RMSG $G foo | q 1\r\nx\r\n".into(), "".into())
    );
    w.broker.set_rtt(&near_link, Duration::from_millis(90));
    assert_eq!(
        once(&w),
        (0, 1, "".into(), "RMSG $G foo | q 1\r\nx\r\n".into())
    );
    w.broker.remove_outbound(&far_link);
    Forgetting::new(std::mem::take(&mut of_far)).finish(&w.broker);
    assert_eq!(once(&w).2, "RMSG $G foo | q 1\r\nx\r\n");
    w.broker.remove_outbound(&near_link);
    Forgetting::new(std::mem::take(&mut of_near)).finish(&w.broker);
    assert_eq!(once(&w), (0, 0, "".into(), "".into()));
}

#[test]
fn a_frame_for_plain_interest_lists_only_the_groups_nobody_here_served() {
    let mut w = World::new();
    let a = w.client();
    let (far, link) = w.outbound("FAR", 1);
    let mut interest = Default::default();
    for (subject, queue) in [
        ("foo", None),
        ("foo", Some("served")),
        ("*", Some("unserved")),
        ("foo", Some("two")),
    ] {
        let queue = queue.map(str::as_bytes);
        w.broker
            .remote_subscribe(&link, &mut interest, "$G", subject.as_bytes(), queue, w.now);
    }
    w.subscribe(&a, "foo", Some("served"), "1");
    w.broker.global();
    let mut way = w.way();
    way.publish(&w, &a, &text("foo", "", "x").message());
    let frame = far.take();
    assert!(
        [
            "RMSG $G foo | unserved two 1\r\nx\r\n",
            "RMSG $G foo | two unserved 1\r\nx\r\n"
        ]
        .contains(&frame.as_str()),
        "{frame}"
    );
}

#[test]
fn a_message_of_another_cluster_stays_here_and_reaches_only_the_groups_it_names() {
    let mut w = World::new();
    let a = w.client();
    let (far, link) = w.outbound("FAR", 1);
    let mut interest = Default::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b">", None, w.now);
    let from = w.inbound("FAR");
    w.subscribe(&a, "foo", None, "1");
    w.subscribe(&a, "foo", Some("named"), "2");
    w.subscribe(&a, "foo", Some("unnamed"), "3");
    let mut way = w.way();
    let got = queues_of("named", |queues| {
        way.remote(&w, &from, &text("foo", "r", "x").message(), queues, b"")
    });
    assert_eq!((got.local, got.remote), (2, 0));
    assert_eq!(a.take(), "MSG foo 1 r 1\r\nx\r\nMSG foo 2 r 1\r\nx\r\n");
    assert_eq!(far.take(), "");
}

#[test]
fn a_reply_subscribed_to_a_moment_ago_is_mapped_and_later_not() {
    let mut w = World::new();
    let a = w.client();
    let (far, link) = w.outbound("FAR", 1);
    let mut interest = Default::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"svc", None, w.now);
    w.subscribe(&a, "_INBOX.*", None, "1");
    let mut way = w.way();
    let prefix = ReplyPrefix::new(OWN_PREFIX.0, OWN_PREFIX.1);
    let prefix = std::str::from_utf8(prefix.as_bytes()).expect("text");
    way.publish(&w, &a, &text("svc", "_INBOX.1", "x").message());
    assert_eq!(
        far.take(),
        format!("RMSG $G svc {prefix}_INBOX.1 1\r\nx\r\n")
    );
    way.publish(&w, &a, &text("svc", "elsewhere", "x").message());
    assert_eq!(far.take(), "RMSG $G svc elsewhere 1\r\nx\r\n");
    w.now = w.now + Duration::from_millis(2100);
    way.publish(&w, &a, &text("svc", "_INBOX.1", "x").message());
    assert_eq!(far.take(), "RMSG $G svc _INBOX.1 1\r\nx\r\n");
}

#[test]
fn the_answer_to_a_mapped_request_goes_straight_back_for_two_seconds() {
    let mut w = World::new();
    let (responder, bystander) = (w.client(), w.client());
    let (far, _link) = w.outbound("FAR", 1);
    let from = w.inbound("FAR");
    w.subscribe(&responder, "svc", None, "1");
    w.subscribe(&bystander, ">", None, "2");
    let mapped = [ReplyPrefix::new("FAR", "NREMOTE").as_bytes(), b"_INBOX.9"].concat();
    let mut way = w.way();
    let request = text("svc", "_INBOX.9", "x");
    way.remote(&w, &from, &request.message(), Queues::default(), &mapped);
    assert_eq!(
        responder.take(),
        "MSG svc 1 _INBOX.9 1\r\nx\r\n",
        "the client sees the plain reply"
    );
    bystander.take();
    let mut answers = w.way();
    let answer = text("_INBOX.9", "", "yes");
    assert_eq!(answers.publish(&w, &responder, &answer.message()).remote, 1);
    let mapped = String::from_utf8(mapped).expect("text");
    assert_eq!(
        (far.take(), bystander.take()),
        (format!("RMSG $G {mapped} 3\r\nyes\r\n"), String::new())
    );
    w.now = w.now + Duration::from_secs(3);
    let delivered = answers.publish(&w, &responder, &answer.message());
    assert_eq!(
        (delivered.remote, far.take().as_str()),
        (0, ""),
        "by now the interest itself has arrived"
    );
}

#[test]
fn a_mapped_reply_come_home_reaches_subscriptions_here_and_interest_elsewhere() {
    let mut w = World::new();
    let a = w.client();
    let from = w.inbound("FAR");
    let (third, link) = w.outbound("THIRD", 1);
    let mut interest = Default::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"_INBOX.>", None, w.now);
    w.subscribe(&a, "_INBOX.1", None, "1");
    let mut way = w.way();
    way.returned(&w, &from, &text("_INBOX.1", "", "x").message(), b"");
    assert_eq!(a.take(), "MSG _INBOX.1 1 1\r\nx\r\n");
    assert_eq!(third.take(), "RMSG $G _INBOX.1 1\r\nx\r\n");
    // It asks for an answer: everybody learns the way back.
    let (far, _link) = w.outbound("FAR", 2);
    let back = [ReplyPrefix::new("FAR", "NREMOTE").as_bytes(), b"back"].concat();
    way.returned(&w, &from, &text("_INBOX.1", "back", "x").message(), &back);
    let mapped = String::from_utf8(back).expect("text");
    assert_eq!(a.take(), "MSG _INBOX.1 1 back 1\r\nx\r\n");
    assert_eq!(
        third.take(),
        format!("RMSG $G _INBOX.1 {mapped} 1\r\nx\r\n")
    );
    let mut answers = w.way();
    answers.publish(&w, &a, &text("back", "", "yes").message());
    assert_eq!(far.take(), format!("RMSG $G {mapped} 3\r\nyes\r\n"));
}

#[test]
fn an_old_peer_gets_what_it_has_not_refused_until_it_is_switched() {
    let mut w = World::new();
    let a = w.client();
    let end = w.end_with(PeerKind::OutboundGateway, 1 << 20);
    let traits = LinkTraits {
        name: "OLD".into(),
        headers: false,
        interest_only: false,
    };
    let link = Arc::new(OutboundLink::new(end.peer.clone(), traits));
    w.broker.add_outbound(link.clone());
    let mut interest = Default::default();
    let mut way = w.way();
    let mut sent = |w: &World, subject: &str| {
        way.publish(w, &a, &text(subject, "", "x").message());
        !end.take().is_empty()
    };
    assert!(sent(&w, "foo"), "optimistic");
    w.broker
        .remote_unsubscribe(&link, &mut interest, "$G", b"foo", None);
    assert!(!sent(&w, "foo") && sent(&w, "bar"), "RS- for one subject");
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"*", None, w.now);
    assert!(sent(&w, "foo"), "a wider RS+ takes it back");
    w.broker
        .remote_unsubscribe(&link, &mut interest, "$G", b"*", None);
    w.broker.remote_account(&link, "$G", AccountChange::Refused);
    assert!(!sent(&w, "other"), "A-");
    w.broker.remote_account(&link, "$G", AccountChange::Allowed);
    assert!(sent(&w, "other"), "A+");
    w.broker
        .remote_account(&link, "$G", AccountChange::SwitchBegins);
    assert!(sent(&w, "other"), "transitioning");
    w.broker
        .remote_account(&link, "$G", AccountChange::SwitchComplete);
    assert!(!sent(&w, "other"), "interest-only");
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"other", None, w.now);
    assert!(sent(&w, "other"));
    let _ = reply_prefix::hash("OLD");
}
