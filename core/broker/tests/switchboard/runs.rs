//! Messages in a row on one subject: delivered together they reach just whom they would have reached
//! one by one, in the same bytes and order.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use gannet_broker::{Hop, Overflow, RemoteInterest, Run};
use gannet_wire::gateway::Queues;
use proptest::prelude::*;

use crate::world::{End, Text, Way, World, text, with_headers};

const SUBJECT: &str = "foo.bar";
const HEADERS: &str = "NATS/1.0\r\nA: b\r\n\r\n";

/// A client as one case has it.
#[derive(Clone, Debug)]
struct Spec {
    headers: bool,
    /// Whether its outbox holds but a few messages.
    narrow: bool,
    subs: Vec<SubSpec>,
}

#[derive(Clone, Debug)]
struct SubSpec {
    wildcard: bool,
    queue: Option<&'static str>,
    max: Option<u64>,
}

#[derive(Clone, Debug)]
struct Case {
    clients: Vec<Spec>,
    /// Another cluster with interest, and whether it takes headers.
    link: Option<bool>,
    /// The first client publishes; whether it hears itself.
    echo: bool,
    /// Its messages are sent in runs of this many.
    run: usize,
    payloads: Vec<usize>,
    with_headers: bool,
}

fn spec(queues: bool) -> impl Strategy<Value = Spec> {
    let queue = if queues {
        prop_oneof![Just(None), Just(Some("q")), Just(Some("r"))].boxed()
    } else {
        Just(None).boxed()
    };
    let sub = (any::<bool>(), queue, prop::option::weighted(0.2, 1..12u64)).prop_map(
        |(wildcard, queue, max)| SubSpec {
            wildcard,
            queue,
            max,
        },
    );
    (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.15),
        prop::collection::vec(sub, 0..3),
    )
        .prop_map(|(headers, narrow, subs)| Spec {
            headers,
            narrow,
            subs,
        })
}

fn case(queues: bool) -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(spec(queues), 1..8),
        prop::option::weighted(0.4, any::<bool>()),
        any::<bool>(),
        2..40usize,
        prop::collection::vec(0..300usize, 1..80),
        any::<bool>(),
    )
        .prop_map(|(clients, link, echo, run, payloads, with_headers)| Case {
            clients,
            link,
            echo,
            run,
            payloads,
            with_headers,
        })
}

/// One world made from a case.
struct Stage {
    world: World,
    clients: Vec<End>,
    link: Option<End>,
    way: Way,
}

impl Stage {
    fn new(case: &Case) -> Stage {
        let mut world = World::new();
        let mut clients = Vec::new();
        for spec in &case.clients {
            let max_pending = if spec.narrow { 900 } else { 1 << 20 };
            let end = world.end_with(gannet_broker::PeerKind::Client, max_pending);
            end.peer.set_headers(spec.headers);
            end.peer.set_echo(true);
            for (at, sub) in spec.subs.iter().enumerate() {
                let subject = if sub.wildcard { "foo.*" } else { SUBJECT };
                let made = world.subscribe(&end, subject, sub.queue, &at.to_string());
                if let Some(max) = sub.max {
                    made.set_max(max);
                }
            }
            clients.push(end);
        }
        clients[0].peer.set_echo(case.echo);
        let link = case.link.map(|headers| {
            let (end, link) = world.outbound_with("FAR", headers);
            let mut interest = RemoteInterest::default();
            let subject = SUBJECT.as_bytes();
            world
                .broker
                .remote_subscribe(&link, &mut interest, "$G", subject, None, world.now);
            end
        });
        let way = world.way();
        Stage {
            world,
            clients,
            link,
            way,
        }
    }

    fn one_by_one(&mut self, messages: &[Text]) {
        for m in messages {
            self.way
                .publish(&self.world, &self.clients[0], &m.message());
        }
    }

    fn in_runs(&mut self, messages: &[Text], most: usize) {
        for part in messages.chunks(most) {
            let mut run = Run::default();
            run.begin(&part[0].message());
            part[1..].iter().for_each(|m| run.push(&m.message()));
            assert_eq!(run.len(), part.len());
            self.way.publish_run(&self.world, &self.clients[0], &run);
        }
    }

    /// What everybody got, by subscription, and how their outboxes stand.
    fn outcome(&self) -> Vec<Outcome> {
        let ends = self.clients.iter().chain(&self.link);
        ends.map(|end| {
            let got = by_subscription(&end.take());
            let outbox = end.peer.outbox();
            let stats = outbox.stats();
            (got, outbox.overflow(), stats.msgs, stats.bytes)
        })
        .collect()
    }

    /// Messages and bytes sent, to all and to clients.
    fn traffic(&self) -> [u64; 4] {
        let (all, clients) = (
            &self.world.broker.traffic,
            &self.world.broker.client_traffic,
        );
        [
            &all.out_msgs,
            &all.out_bytes,
            &clients.out_msgs,
            &clients.out_bytes,
        ]
        .map(|count| count.load(Ordering::Relaxed))
    }
}

fn messages(case: &Case) -> Vec<Text> {
    let payload = |(at, size): (usize, &usize)| {
        let mut payload = format!("<{at}>");
        payload.push_str(&"x".repeat(*size));
        payload
    };
    let payloads = case.payloads.iter().enumerate().map(payload);
    payloads
        .map(|payload| {
            if case.with_headers {
                with_headers(SUBJECT, "", HEADERS, &payload)
            } else {
                text(SUBJECT, "", &payload)
            }
        })
        .collect()
}

type Outcome = (BTreeMap<String, Vec<String>>, Option<Overflow>, u64, u64);

/// What each subscription of a connection got, in order.
fn by_subscription(got: &str) -> BTreeMap<String, Vec<String>> {
    let mut frames: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for frame in got.split("MSG ").skip(1) {
        let sid = frame.split(' ').nth(1).expect("a subject and more");
        // An `H` at the end is the next frame's.
        let frame = frame.trim_end_matches('H').into();
        frames.entry(sid.into()).or_default().push(frame);
    }
    frames
}

/// Numbers of the messages in what somebody got, in order.
fn numbers(got: &str) -> Vec<usize> {
    got.split('<')
        .skip(1)
        .map(|part| {
            part.split('>')
                .next()
                .expect("a number")
                .parse()
                .expect("a number")
        })
        .collect()
}

proptest! {
    #[test]
    fn a_run_is_delivered_as_its_messages_would_be(case in case(false)) {
        let messages = messages(&case);
        let (mut one, mut run) = (Stage::new(&case), Stage::new(&case));
        one.one_by_one(&messages);
        run.in_runs(&messages, case.run);
        let narrow = case.clients.iter().any(|c| c.narrow);
        if narrow {
            // A flush after each message keeps a narrow outbox from overflowing, a flush after a
            // run may not. Nobody else may notice.
            for (at, (a, b)) in one.outcome().iter().zip(&run.outcome()).enumerate() {
                if !case.clients.get(at).is_some_and(|c| c.narrow) {
                    prop_assert_eq!(a, b);
                }
            }
        } else {
            prop_assert_eq!(one.outcome(), run.outcome());
            prop_assert_eq!(one.traffic(), run.traffic());
        }
    }

    #[test]
    fn a_run_from_a_link_is_delivered_as_its_messages_would_be(case in case(true), hop in any::<bool>()) {
        let mut case = case;
        case.clients.iter_mut().for_each(|c| c.narrow = false);
        let messages = messages(&case);
        let (mut one, mut run) = (Stage::new(&case), Stage::new(&case));
        for m in &messages {
            let (from, message) = (&one.clients[0], m.message());
            if hop {
                one.way.routed(&one.world, from, &message, Queues::default());
            } else {
                one.way.remote(&one.world, from, &message, Queues::default(), b"");
            }
        }
        for part in messages.chunks(case.run) {
            let mut whole = Run::default();
            whole.begin(&part[0].message());
            part[1..].iter().for_each(|m| whole.push(&m.message()));
            let hop = if hop { Hop::Route } else { Hop::Gateway };
            let broker = &run.world.broker;
            run.way.delivery.begin(run.world.now);
            run.way.publisher.publish_linked_run(broker, &mut run.way.delivery, &run.clients[0].peer, &whole, hop);
            run.way.delivery.finish(broker);
        }
        prop_assert_eq!(one.outcome(), run.outcome());
    }

    #[test]
    fn of_a_run_each_group_gets_each_message_once_and_in_order(case in case(true)) {
        let messages = messages(&case);
        let mut run = Stage::new(&case);
        run.in_runs(&messages, case.run);
        let got: Vec<_> = run.clients.iter().map(|end| by_subscription(&end.take())).collect();
        for (name, spec_has) in [("q", Some("q")), ("r", Some("r"))] {
            let mut seen: Vec<usize> = Vec::new();
            let mut ends = false;
            for (client, parts) in case.clients.iter().zip(&got) {
                for (sid, sub) in client.subs.iter().enumerate() {
                    if sub.queue != spec_has {
                        continue;
                    }
                    ends |= sub.max.is_some() || client.narrow;
                    let frames = parts.get(&sid.to_string()).map_or(&[][..], Vec::as_slice);
                    let mine: Vec<usize> = frames.iter().flat_map(|f| numbers(f)).collect();
                    prop_assert!(mine.is_sorted_by(|a, b| a < b), "{name}: {mine:?}");
                    seen.extend(mine);
                }
            }
            let own = &case.clients[0];
            let deaf = !case.echo;
            let members = case.clients.iter().enumerate().filter(|(at, c)| {
                !(*at == 0 && deaf) && c.subs.iter().any(|s| s.queue == spec_has)
            });
            seen.sort_unstable();
            let all: Vec<usize> = (0..case.payloads.len()).collect();
            if members.count() == 0 || ends {
                prop_assert!(seen.is_sorted_by(|a, b| a < b), "{name}: {seen:?}");
            } else {
                prop_assert_eq!(&seen, &all, "{} {:?}", name, own);
            }
        }
    }
}

#[test]
fn with_many_targets_a_run_is_written_target_by_target() {
    let mut w = World::new();
    let from = w.client();
    let ends: Vec<End> = (0..8).map(|_| w.client()).collect();
    for end in &ends {
        w.subscribe(end, SUBJECT, None, "1");
    }
    let one = text(SUBJECT, "", &"x".repeat(2000));
    let mut run = Run::default();
    run.begin(&one.message());
    (1..20).for_each(|_| run.push(&one.message()));
    let mut way = w.way();
    way.delivery.begin(w.now);
    way.publisher
        .publish_run(&w.broker, &mut way.delivery, &from.peer, &run);
    // Before the batch is finished.
    for end in &ends {
        assert_eq!(
            end.tap.lock().bytes.len(),
            20 * "MSG foo.bar 1 2000\r\n\r\n".len() + 20 * 2000
        );
        assert_eq!(end.peer.outbox().pending(), 0);
    }
    way.delivery.finish(&w.broker);
}
