//! What this cluster announces: always the same as computed from scratch.

use std::collections::BTreeSet;
use std::sync::Arc;

use gannet_broker::{
    Carries, Forgetting, InboundLink, PeerKind, RouteLink, RouteTraits, Sub, Subscriptions,
};
use gannet_subject::Entry;
use gannet_wire::gateway::{Decoded, GatewayOp, Limits, decode};
use proptest::prelude::*;

use crate::world::{End, World};

type Known = BTreeSet<(String, Option<String>)>;

/// Applies what a link was told to what it knows; panics on anything told twice or taken back unknown.
fn hear(end: &End, known: &mut Known) -> String {
    let told = end.take();
    let limits = Limits {
        control_line: 4096,
        payload: 0,
    };
    let mut rest = told.as_bytes();
    while !rest.is_empty() {
        let Ok(Decoded::Op { op, used }) = decode(rest, &limits) else {
            panic!("{told:?}")
        };
        let key = |i: &gannet_wire::gateway::Interest<'_>| {
            let text = |b: &[u8]| String::from_utf8(b.to_vec()).expect("text");
            (text(i.subject), i.queue.map(text))
        };
        match op {
            GatewayOp::Interest(i) => assert!(
                known.insert(key(&i)),
                "told twice: {:?} in {told:?}",
                key(&i)
            ),
            GatewayOp::NoInterest(i) => assert!(
                known.remove(&key(&i)),
                "never told: {:?} in {told:?}",
                key(&i)
            ),
            GatewayOp::Info(_) => {}
            other => panic!("{other:?}"),
        }
        rest = &rest[used..];
    }
    told
}

#[test]
fn queue_interest_comes_first_then_the_account_between_its_switch_commands() {
    let mut w = World::new();
    let a = w.client();
    w.subscribe(&a, "foo", None, "1");
    w.subscribe(&a, "foo", None, "2");
    w.subscribe(&a, "work", Some("q"), "3");
    let told = w.inbound("FAR").take();
    let lines: Vec<&str> = told
        .split("\r\n")
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(lines, ["RS+", "INFO", "RS+", "INFO", ""]);
    assert!(
        told.starts_with("RS+ $G work q 1\r\n") && told.contains("RS+ $G foo\r\n"),
        "{told}"
    );
    assert!(
        told.contains("\"gateway_cmd\":2,\"gateway_cmd_payload\":\"JEc=\""),
        "{told}"
    );
    assert!(
        told.contains("\"gateway_cmd\":3,\"gateway_cmd_payload\":\"JEc=\""),
        "{told}"
    );
}

#[test]
fn only_the_first_and_the_last_of_a_kind_are_announced() {
    let mut w = World::new();
    let a = w.client();
    let far = w.inbound("FAR");
    far.take();
    let subs: Vec<Sub> = (0..3)
        .map(|n| w.subscribe(&a, "foo", None, &n.to_string()))
        .collect();
    assert_eq!(far.take(), "RS+ $G foo\r\n");
    let queued = w.subscribe(&a, "foo", Some("q"), "9");
    assert_eq!(far.take(), "RS+ $G foo q 1\r\n");
    for sub in &subs[..2] {
        w.broker.global().unsubscribe(sub);
    }
    assert_eq!(far.take(), "");
    w.broker.global().unsubscribe(&subs[2]);
    w.broker.global().unsubscribe(&queued);
    assert_eq!(far.take(), "RS- $G foo\r\nRS- $G foo q\r\n");
}

#[test]
fn interest_learned_from_another_cluster_is_announced_to_nobody() {
    let mut w = World::new();
    let far = w.inbound("FAR");
    let (_, link) = w.outbound("THIRD", 1);
    far.take();
    let mut interest = Default::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"foo", None, w.now);
    assert_eq!(far.take(), "");
    assert_eq!(w.inbound("OTHER").take().matches("RS+").count(), 0);
    let a = w.client();
    let sub = w.subscribe(&a, "foo", None, "1");
    assert_eq!(
        far.take(),
        "RS+ $G foo\r\n",
        "remote interest does not hide our own"
    );
    w.broker.global().unsubscribe(&sub);
    assert_eq!(far.take(), "RS- $G foo\r\n");
}

#[test]
fn a_link_that_is_gone_hears_nothing_more_and_its_interest_is_forgotten() {
    let mut w = World::new();
    let a = w.client();
    let far = w.inbound("FAR");
    let (_, link) = w.outbound("FAR", 1);
    let mut interest = Default::default();
    for n in 0..1000 {
        w.broker.remote_subscribe(
            &link,
            &mut interest,
            "$G",
            format!("s.{n}").as_bytes(),
            None,
            w.now,
        );
    }
    assert_eq!(w.broker.global().stats().0.entries, 1000);
    w.broker.remove_inbound(&far.peer);
    far.take();
    w.subscribe(&a, "foo", None, "1");
    assert_eq!(far.take(), "");
    w.broker.remove_outbound(&link);
    Forgetting::new(std::mem::take(&mut interest)).finish(&w.broker);
    assert_eq!(w.broker.global().stats().0.entries, 1);
    assert!(w.broker.outbound().is_empty() && w.broker.inbound().is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Subscribe { subject: usize, queue: Option<u8> },
    Unsubscribe(prop::sample::Index),
    Connect,
    Cut(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..6, prop::option::of(0u8..2)).prop_map(|(subject, queue)| Step::Subscribe { subject, queue }),
        5 => any::<prop::sample::Index>().prop_map(Step::Unsubscribe),
        1 => Just(Step::Connect),
        1 => any::<prop::sample::Index>().prop_map(Step::Cut),
    ]
}

proptest! {
    #[test]
    fn every_link_knows_what_a_new_one_would_be_told(steps in prop::collection::vec(step(), 1..120)) {
        const SUBJECTS: [&str; 6] = ["a", "b", "a.*", "a.>", ">", "a.b"];
        let mut w = World::new();
        let a = w.client();
        let mut subs: Vec<Sub> = Vec::new();
        let mut links: Vec<(End, Known)> = Vec::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Subscribe { subject, queue } => {
                    let queue = queue.map(|q| format!("q{q}"));
                    subs.push(w.subscribe(&a, SUBJECTS[subject], queue.as_deref(), &n.to_string()));
                }
                Step::Unsubscribe(at) if !subs.is_empty() => {
                    let sub = subs.swap_remove(at.index(subs.len()));
                    prop_assert!(w.broker.global().unsubscribe(&sub).is_some());
                }
                Step::Connect => {
                    let end = w.inbound(&format!("C{n}"));
                    links.push((end, Known::new()));
                }
                Step::Cut(at) if !links.is_empty() => {
                    let (end, _) = links.swap_remove(at.index(links.len()));
                    w.broker.remove_inbound(&end.peer);
                }
                Step::Unsubscribe(_) | Step::Cut(_) => {}
            }
            let scratch: Known = subs
                .iter()
                .map(|sub| {
                    let text = |b: &[u8]| String::from_utf8(b.to_vec()).expect("text");
                    (text(sub.subject()), sub.queue().map(text))
                })
                .collect();
            for (end, known) in &mut links {
                hear(end, known);
                prop_assert_eq!(&*known, &scratch);
            }
        }
    }
}

#[test]
fn a_table_of_subscriptions_finds_each_by_its_id() {
    let mut w = World::new();
    let a = w.client();
    let mut table = Subscriptions::new(1);
    for n in 0..5000 {
        table.insert(w.subscribe(&a, "x", None, &n.to_string()));
    }
    assert!((0..5000).all(|n: u32| {
        table
            .get(n.to_string().as_bytes())
            .is_some_and(|s| s.sid() == n.to_string().as_bytes())
    }));
    assert!((0..4990).all(|n: u32| table.remove(n.to_string().as_bytes()).is_some()));
    assert!(table.remove(b"0").is_none());
    assert_eq!(
        (table.len(), table.iter().count(), table.drain().count()),
        (10, 10, 10)
    );
    assert!(table.is_empty());
}

/// What a link knows after these lines.
fn known(lines: &str) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for line in lines.lines() {
        match line.split_once(' ') {
            // Its weight is no part of an interest's name.
            Some(("RS+", what)) => known.insert(what.trim_end_matches(" 1").to_owned()),
            Some(("RS-", what)) => known.remove(what),
            _ => continue,
        };
    }
    known
}

#[test]
fn a_listing_in_parts_and_changes_in_between_end_in_the_truth() {
    let mut w = World::new();
    let a = w.client();
    let mut subs: Vec<_> = (0..20_000)
        .map(|n| {
            w.subscribe(
                &a,
                &format!("s.{n}"),
                (n % 7 == 0).then_some("q"),
                &n.to_string(),
            )
        })
        .collect();
    for kind in [PeerKind::InboundGateway, PeerKind::Route] {
        let end = w.end_with(kind, 1 << 20);
        let mut listing = match kind {
            PeerKind::Route => {
                let traits = RouteTraits {
                    server_id: "ONE".into(),
                    headers: true,
                    carries: Carries::All,
                    filter: None,
                };
                let link = RouteLink::new(end.peer.clone(), traits);
                w.broker.add_route(Arc::new(link))
            }
            _ => {
                let link = InboundLink {
                    peer: end.peer.clone(),
                    name: "FAR".into(),
                };
                w.broker.add_inbound(Arc::new(link), b"")
            }
        };
        let mut told = String::new();
        let mut next = 0;
        while listing.step(&w.broker) {
            told.push_str(&end.take());
            next += 1;
            // Some go, some come, while the rest is told.
            for _ in 0..30 {
                let sub = subs.swap_remove(next * 37 % subs.len());
                w.broker.global().unsubscribe(&sub);
            }
            for n in 0..40 {
                let subject = format!("late.{next}.{n}");
                subs.push(w.subscribe(&a, &subject, None, "9"));
            }
        }
        assert!(next > 5, "told in {next} parts");
        told.push_str(&end.take());
        let truth: BTreeSet<String> = subs
            .iter()
            .map(|sub| {
                let subject = String::from_utf8_lossy(sub.subject()).into_owned();
                match sub.queue() {
                    None => format!("$G {subject}"),
                    Some(_) => format!("$G {subject} q"),
                }
            })
            .collect();
        let known: BTreeSet<String> = known(&told);
        assert_eq!(known.len(), truth.len());
        assert_eq!(known, truth);
    }
}
