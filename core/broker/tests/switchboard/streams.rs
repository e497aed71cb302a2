//! Streams of one account delivered in another: as a naive model says, whatever comes and goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gannet_broker::{Account, Carries, PeerKind, RouteLink, RouteTraits, Sub};
use gannet_config::{Access, AccountOptions, Permissions, SubjectPermission};
use gannet_identity::Rights;
use gannet_subject::matches;
use proptest::prelude::*;

use crate::accounts::{NOW, account, stream, take_stream};
use crate::world::{End, Way, World, text};

fn share(w: &World, exports: &[&str], imports: &[(&str, &str)]) -> (Arc<Account>, Arc<Account>) {
    let exports = exports.iter().map(|s| stream(s, Access::Public)).collect();
    let imports = imports.iter().map(|(from, to)| take_stream("A", from, to));
    let accounts = [
        account("A", exports, vec![]),
        account("B", vec![], imports.collect()),
    ];
    let refused = w.broker.define_accounts(&accounts, NOW).finish(w.now);
    assert_eq!(refused, []);
    let get = |name| w.broker.account(name).expect("defined");
    (get("A"), get("B"))
}

fn route(w: &mut World) -> (End, Arc<RouteLink>) {
    let end = w.end_with(PeerKind::Route, 1 << 20);
    let traits = RouteTraits {
        server_id: "NOTHER".into(),
        headers: true,
        carries: Carries::All,
        filter: None,
    };
    let link = Arc::new(RouteLink::new(end.peer.clone(), traits));
    w.broker.add_route(link.clone()).finish(&w.broker);
    (end, link)
}

#[test]
fn acc_11_and_14_a_stream_arrives_under_the_subject_that_the_importer_chose() {
    for (from, to, sub, sent, arrives) in [
        ("e.>", "", "e.x", "e.x", Some("e.x")),
        ("e.>", "", ">", "e.x.y", Some("e.x.y")),
        ("e.>", "p.e.>", "p.e.*", "e.x", Some("p.e.x")),
        ("e.>", "p.e.>", "e.x", "e.x", None),
        ("e.*.*", "l.$2.$1", "l.*.1", "e.1.2", Some("l.2.1")),
        ("e.*.*", "l.$2.$1", "l.*.2", "e.1.2", None),
        ("e.*.*", "l.$2.$1", "*.2.>", "e.1.2", Some("l.2.1")),
        ("e.*.*", "p.e.*.*", "p.>", "e.1.2", Some("p.e.1.2")),
        ("e.x", "other", "other", "e.x", Some("other")),
        ("e.x", "other", "*", "e.x", Some("other")),
        ("e.x", "other", "e.x", "e.x", None),
        ("e.x", "", "e.*", "e.y", None),
    ] {
        let mut w = World::new();
        let (a, b) = share(&w, &["e.>"], &[(from, to)]);
        let (sender, taker) = (w.client(), w.client());
        w.subscribe_in(&b, &taker, sub, None, "7");
        let mut way = w.way_into(a);
        way.publish(&w, &sender, &text(sent, "", "x").message());
        let want = arrives.map(|subject| format!("MSG {subject} 7 1\r\nx\r\n"));
        assert_eq!(taker.take(), want.unwrap_or_default(), "{from} {to} {sub}");
    }
}

#[test]
fn interest_in_an_import_is_announced_as_the_exporters_and_taken_back() {
    let mut w = World::new();
    let (_, b) = share(&w, &["e.>"], &[("e.*", "l.$1")]);
    let (other, _link) = route(&mut w);
    let far = w.inbound("FAR");
    let taker = w.client();
    other.take();
    far.take();
    let sub = w.subscribe_in(&b, &taker, "l.x", None, "1");
    assert_eq!(other.take(), "RS+ B l.x\r\nRS+ A e.x\r\n");
    assert_eq!(far.take(), "RS+ B l.x\r\nRS+ A e.x\r\n");
    let queued = w.subscribe_in(&b, &taker, "l.*", Some("q"), "2");
    assert_eq!(other.take(), "RS+ B l.* q 1\r\nRS+ A e.* q 1\r\n");
    b.unsubscribe(&sub);
    b.unsubscribe(&queued);
    assert_eq!(
        other.take(),
        "RS- B l.x\r\nRS- A e.x\r\nRS- B l.* q\r\nRS- A e.* q\r\n"
    );
}

#[test]
fn messages_of_all_shadows_count_towards_an_end() {
    let mut w = World::new();
    let (a, b) = share(&w, &["e.>"], &[("e.1", "l.1"), ("e.2", "l.2")]);
    let (sender, taker) = (w.client(), w.client());
    let sub = w.subscribe_in(&b, &taker, "l.*", None, "1");
    sub.set_max(3);
    let (mut there, mut here) = (w.way_into(a.clone()), w.way_into(b.clone()));
    let m = |subject| text(subject, "", "x");
    there.publish(&w, &sender, &m("e.1").message());
    here.publish(&w, &sender, &m("l.9").message());
    assert_eq!(a.stats().0.entries, 2);
    there.publish(&w, &sender, &m("e.2").message());
    assert_eq!(sub.delivered(), 3);
    assert_eq!((a.stats().0.entries, b.stats().0.entries), (0, 0));
    there.publish(&w, &sender, &m("e.1").message());
    assert_eq!(taker.take().matches("MSG").count(), 3);
    assert_eq!(taker.peer.outbox().take_ended().len(), 1);
}

#[test]
fn imports_that_come_and_go_make_and_take_back_shadows() {
    let mut w = World::new();
    let (a, b) = share(&w, &["e.>"], &[]);
    let taker = w.client();
    for n in 0..1000 {
        w.subscribe_in(&b, &taker, &format!("e.{n}"), None, &n.to_string());
    }
    assert_eq!(a.stats().0.entries, 0);
    share(&w, &["e.>"], &[("e.>", "")]);
    assert_eq!(a.stats().0.entries, 1000);
    let stats = a.stats().0.inserts;
    share(&w, &["e.>"], &[("e.>", ""), ("e.5", "e.6")]);
    assert_eq!(a.stats().0.entries, 1001);
    assert_eq!(a.stats().0.inserts, stats + 1, "what was there stayed");
    share(&w, &["other"], &[]);
    assert_eq!(a.stats().0.entries, 0);
}

// --- against a naive model ---

const NAMES: [&str; 3] = ["A", "B", "C"];
const EXPORTS: [&str; 4] = ["x.>", "y.*.*", "z", "*.1"];
/// Imports that fit the exports: the subject there, and here.
const IMPORTS: [(&str, &str); 8] = [
    ("x.>", ""),
    ("x.1", ""),
    ("x.*", "p.x.*"),
    ("x.*.>", "q.$1.>"),
    ("y.*.*", "y.$2.$1"),
    ("y.*.2", "p.$1"),
    ("z", "x.z"),
    ("z", ""),
];
const SUBS: [&str; 10] = [
    ">", "x.>", "x.*", "*.1", "p.*", "p.x.1", "q.>", "y.1.*", "z", "*.*.2",
];
const SUBJECTS: [&str; 9] = [
    "x.1", "x.2", "x.1.2", "y.1.2", "y.2.1", "z", "p.1", "q.1.2", "x.z",
];
const DENIES: [&str; 4] = ["p.>", "x.1", "*.2", "y.*.*"];

#[derive(Clone, Debug)]
enum Step {
    Subscribe(usize, usize, bool),
    Unsubscribe(usize),
    Define(Vec<Vec<usize>>, Vec<Vec<(usize, usize)>>),
    Permit(usize, Option<usize>, Option<usize>),
    Publish(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = |most: usize, n: usize| prop::collection::vec(0..most, 0..n);
    let imports = prop::collection::vec((0..3usize, 0..IMPORTS.len()), 0..5);
    let define = (
        prop::collection::vec(some(EXPORTS.len(), 4), 3),
        prop::collection::vec(imports, 3),
    );
    let denied = || prop::option::of(0..DENIES.len());
    let step = prop_oneof![
        4 => (0..6usize, 0..SUBS.len(), any::<bool>()).prop_map(|(c, s, q)| Step::Subscribe(c, s, q)),
        2 => any::<usize>().prop_map(Step::Unsubscribe),
        2 => define.prop_map(|(e, i)| Step::Define(e, i)),
        1 => (0..6usize, denied(), denied()).prop_map(|(c, p, s)| Step::Permit(c, p, s)),
        5 => (0..6usize, 0..SUBJECTS.len()).prop_map(|(c, s)| Step::Publish(c, s)),
    ];
    prop::collection::vec(step, 1..60)
}

/// One client: in account `index % 3`.
struct Client {
    end: End,
    way: Way,
    publish_denied: Option<usize>,
    receive_denied: Option<usize>,
}

struct Held {
    client: usize,
    subject: &'static str,
    queue: bool,
    sub: Sub,
}

/// What a subject becomes, token by token.
fn renamed(from: &str, to: &str, subject: &str) -> Option<String> {
    if !matches(from.as_bytes(), subject.as_bytes()) {
        return None;
    }
    if to.is_empty() {
        return Some(subject.into());
    }
    let have: Vec<&str> = subject.split('.').collect();
    let (mut stars, mut rest) = (vec![], vec![]);
    for (at, token) in from.split('.').enumerate() {
        match token {
            "*" => stars.push(have[at]),
            ">" => rest = have[at..].to_vec(),
            _ => {}
        }
    }
    let mut made: Vec<&str> = vec![];
    let mut next = 0;
    for token in to.split('.') {
        match token {
            ">" => made.append(&mut rest),
            "*" => {
                made.push(stars[next]);
                next += 1;
            }
            "$1" => made.push(stars[0]),
            "$2" => made.push(stars[1]),
            text => made.push(text),
        }
    }
    Some(made.join("."))
}

fn is_denied(denied: Option<usize>, subject: &str) -> bool {
    denied.is_some_and(|at| matches(DENIES[at].as_bytes(), subject.as_bytes()))
}

/// What a new route is told of the accounts, line by line.
fn told(w: &mut World) -> BTreeSet<String> {
    let (end, link) = route(w);
    let lines = end.take().lines().map(Into::into).collect();
    w.broker.remove_route(&link);
    lines
}

/// Accounts that share much, to begin with.
fn busy() -> [AccountOptions; 3] {
    let imports = [
        vec![],
        vec![(0, 0), (0, 2), (0, 4)],
        vec![(0, 3), (1, 4), (1, 7)],
    ];
    std::array::from_fn(|n| {
        let exports = EXPORTS.map(|subject| stream(subject, Access::Public));
        let import = |&(from, at): &(usize, usize)| {
            let (subject, to) = IMPORTS[at];
            take_stream(NAMES[from], subject, to)
        };
        account(
            NAMES[n],
            exports.to_vec(),
            imports[n].iter().map(import).collect(),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn deliveries_and_interest_are_those_of_a_naive_model(steps in steps()) {
        let mut w = World::new();
        w.broker.define_accounts(&busy(), NOW).finish(w.now);
        let (standing, _link) = route(&mut w);
        let mut heard: BTreeMap<String, String> = BTreeMap::new();
        let mut clients: Vec<Client> = (0..6).map(|n| {
            let account = w.broker.account(NAMES[n % 3]).expect("defined");
            Client { end: w.client(), way: w.way_into(account), publish_denied: None, receive_denied: None }
        }).collect();
        let mut held: Vec<Held> = vec![];
        let mut next_sid = 0;
        for step in steps {
            match step {
                Step::Subscribe(client, subject, queue) => {
                    next_sid += 1;
                    let account = w.broker.account(NAMES[client % 3]).expect("defined");
                    let name = queue.then_some("q");
                    let end = &clients[client].end;
                    let sub = w.subscribe_in(&account, end, SUBS[subject], name, &next_sid.to_string());
                    held.push(Held { client, subject: SUBS[subject], queue, sub });
                }
                Step::Unsubscribe(at) => {
                    if !held.is_empty() {
                        let gone = held.swap_remove(at % held.len());
                        let account = w.broker.account(NAMES[gone.client % 3]).expect("defined");
                        account.unsubscribe(&gone.sub);
                    }
                }
                Step::Define(exports, imports) => {
                    let accounts: Vec<_> = NAMES.iter().zip(exports.iter().zip(&imports)).map(|(name, (exports, imports))| {
                        let exports = exports.iter().map(|&e| stream(EXPORTS[e], Access::Public)).collect();
                        let imports = imports.iter().filter(|(from, _)| NAMES[*from] != *name)
                            .map(|&(from, i)| take_stream(NAMES[from], IMPORTS[i].0, IMPORTS[i].1)).collect();
                        account(name, exports, imports)
                    }).collect();
                    w.broker.define_accounts(&accounts, NOW).finish(w.now);
                }
                Step::Permit(client, publish, receive) => {
                    let deny = |at: Option<usize>| at.map(|at| SubjectPermission { allow: None, deny: vec![DENIES[at].into()] });
                    let permissions = Permissions { publish: deny(publish), subscribe: deny(receive), responses: None };
                    let c = &mut clients[client];
                    (c.publish_denied, c.receive_denied) = (publish, receive);
                    let home = w.broker.account(NAMES[client % 3]).expect("defined");
                    w.broker.set_rights(&home, &c.end.peer, Some(Arc::new(Rights::new(&permissions))));
                }
                Step::Publish(from, subject) => {
                    let subject = SUBJECTS[subject];
                    let home = NAMES[from % 3];
                    let message = text(subject, "", "x");
                    let sender = clients[from].end.clone();
                    let got = clients[from].way.publish(&w, &sender, &message.message());
                    let refused = is_denied(clients[from].publish_denied, subject);
                    prop_assert_eq!(got.is_refused, refused);
                    let mut plain: BTreeMap<(usize, String), usize> = BTreeMap::new();
                    let mut queued: BTreeSet<(usize, String)> = BTreeSet::new();
                    for h in held.iter().filter(|_| !refused) {
                        let mut ways = vec![];
                        if NAMES[h.client % 3] == home {
                            ways.push(subject.to_owned());
                        }
                        let importer = w.broker.account(NAMES[h.client % 3]).expect("defined");
                        for import in importer.imports().iter().filter(|i| i.account == home) {
                            let gannet_config::ImportKind::Stream { to, .. } = &import.kind else { continue };
                            ways.extend(renamed(&import.subject, to, subject));
                        }
                        for local in ways {
                            if !matches(h.subject.as_bytes(), local.as_bytes())
                                || is_denied(clients[h.client].receive_denied, &local) {
                                continue;
                            }
                            let sid = String::from_utf8_lossy(h.sub.sid()).into_owned();
                            let line = (h.client, format!("MSG {local} {sid} 1"));
                            if h.queue { queued.insert(line); } else { *plain.entry(line).or_default() += 1; }
                        }
                    }
                    let mut groups = 0;
                    for (client, c) in clients.iter().enumerate() {
                        for line in c.end.take().lines().filter(|line| line.starts_with("MSG")) {
                            let line = (client, line.to_owned());
                            match plain.get_mut(&line) {
                                Some(count) if *count > 0 => *count -= 1,
                                _ => {
                                    prop_assert!(queued.contains(&line), "{:?} of {}", line, subject);
                                    groups += 1;
                                }
                            }
                        }
                    }
                    prop_assert!(plain.values().all(|count| *count == 0), "{:?} of {}", plain, subject);
                    prop_assert_eq!(groups, usize::from(!queued.is_empty()), "{}", subject);
                }
            }
            for line in standing.take().lines() {
                // A new number of members replaces the one before.
                let what = line[4..].split(' ').take(3).collect::<Vec<_>>().join(" ");
                let before = heard.remove(&what);
                if line.starts_with("RS+") {
                    heard.insert(what, line.to_owned());
                } else {
                    prop_assert!(before.is_some(), "{}", line);
                }
            }
            let lines: BTreeSet<String> = heard.values().cloned().collect();
            prop_assert_eq!(&lines, &told(&mut w));
        }
        for h in held.drain(..) {
            let account = w.broker.account(NAMES[h.client % 3]).expect("defined");
            account.unsubscribe(&h.sub);
        }
        for name in NAMES {
            let account = w.broker.account(name).expect("defined");
            prop_assert_eq!(account.stats().0.entries, 0, "{} is empty", name);
        }
    }
}
