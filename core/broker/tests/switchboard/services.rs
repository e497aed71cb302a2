//! Requests to services of other accounts: who is asked, who gets the answer, and when that is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gannet_broker::{Account, Carries, PeerKind, Requester, RouteLink, RouteTraits, Run, Shared};
use gannet_config::{AccountOptions, Import, ImportKind, ResponseType, ServiceExport};
use gannet_units::Moment;
use gannet_wire::gateway::Queues;

use crate::accounts::{NOW, account, service, take_service};
use crate::world::{End, Way, World, text, with_headers};

/// `A` serves, `B` asks.
struct Scene {
    w: World,
    a: Arc<Account>,
    b: Arc<Account>,
    server: End,
    asker: End,
    serving: Way,
    asking: Way,
}

impl Scene {
    fn new(options: ServiceExport, remote: &str, local: &str) -> Scene {
        Scene::of(&[
            account("A", vec![service("ask.>", options)], vec![]),
            account("B", vec![], vec![take_service("A", remote, local)]),
        ])
    }

    fn of(accounts: &[AccountOptions]) -> Scene {
        let mut w = World::new();
        assert_eq!(w.broker.define_accounts(accounts, NOW).finish(w.now), []);
        let get = |name| w.broker.account(name).expect("defined");
        let (a, b) = (get("A"), get("B"));
        let (serving, asking) = (w.way_into(a.clone()), w.way_into(b.clone()));
        let (server, asker) = (w.client(), w.client());
        w.subscribe_in(&b, &asker, "inbox.*", None, "9");
        Scene {
            w,
            a,
            b,
            server,
            asker,
            serving,
            asking,
        }
    }

    fn serve(&self, subject: &str, queue: Option<&str>, sid: &str) {
        self.w
            .subscribe_in(&self.a, &self.server, subject, queue, sid);
    }

    /// Asks; answers what the server got: subject, reply, payload.
    fn ask(&mut self, subject: &str, reply: &str) -> (String, String, String) {
        self.asking
            .publish(&self.w, &self.asker, &text(subject, reply, "?").message());
        parse(&self.server.take())
    }

    fn answer(&mut self, reply: &str, payload: &str) -> String {
        self.serving
            .publish(&self.w, &self.server, &text(reply, "", payload).message());
        self.asker.take()
    }

    fn pending(&self) -> (usize, usize) {
        (self.a.pending_responses().0, self.b.pending_responses().1)
    }
}

/// Subject, reply and the rest of one delivery.
fn parse(got: &str) -> (String, String, String) {
    let (line, rest) = got.split_once("\r\n").unwrap_or_default();
    let words: Vec<&str> = line.split(' ').collect();
    let reply = match words.as_slice() {
        ["MSG", _, _, reply, _] | ["HMSG", _, _, reply, _, _] => reply,
        _ => "",
    };
    let subject = words.get(1).copied().unwrap_or_default();
    (subject.into(), reply.into(), rest.into())
}

#[test]
fn acc_12_and_16_a_request_is_answered_without_a_look_at_the_other_account() {
    for (remote, local, asked, arrives) in [
        ("ask.me", "", "ask.me", "ask.me"),
        ("ask.me", "svc", "svc", "ask.me"),
        ("ask.*", "", "ask.you", "ask.you"),
        ("ask.*.*", "svc.$2.$1", "svc.1.2", "ask.2.1"),
        ("ask.>", "svc.>", "svc.1.2", "ask.1.2"),
        ("ask.one", "svc.*", "svc.x", "ask.one"),
    ] {
        let mut s = Scene::new(ServiceExport::default(), remote, local);
        s.serve("ask.>", None, "1");
        let (subject, reply, _) = s.ask(asked, "inbox.1");
        assert_eq!(subject, arrives, "{remote} {local}");
        let form: Vec<&str> = reply.split('.').collect();
        assert!(
            matches!(form.as_slice(), ["_R_", id, one] if id.len() == 6 && one.len() >= 6),
            "{reply}"
        );
        assert_eq!(s.pending(), (1, 1));
        assert_eq!(s.answer(&reply, "!"), "MSG inbox.1 9 1\r\n!\r\n");
        assert_eq!(s.answer(&reply, "again"), "", "one answer is all");
        assert_eq!(s.pending(), (0, 0));
        let (_, other, _) = s.ask(asked, "inbox.2");
        assert_ne!(other, reply);
        assert_eq!(s.answer(&other[..other.len() - 1], "guessed"), "");
    }
}

#[test]
fn what_no_import_matches_and_what_comes_by_a_link_asks_nobody() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "svc");
    s.serve(">", None, "1");
    assert_eq!(s.ask("ask.me", "inbox.1").0, "");
    let other = s.w.end_with(PeerKind::Route, 1 << 20);
    let mut way = s.w.way_into(s.b.clone());
    way.routed(
        &s.w,
        &other,
        &text("svc", "inbox.1", "?").message(),
        Queues::default(),
    );
    assert_eq!(s.server.take(), "");
    assert_eq!(s.pending(), (0, 0));
    let (subject, reply, _) = s.ask("svc", "");
    assert_eq!((&*subject, &*reply), ("ask.me", ""));
    assert_eq!(s.pending(), (0, 0), "nobody waits for an answer");
}

#[test]
fn acc_09_a_stream_of_answers_ends_with_an_empty_one() {
    for kind in [ResponseType::Stream, ResponseType::Chunked] {
        let options = ServiceExport {
            response: kind,
            ..ServiceExport::default()
        };
        let mut s = Scene::new(options, "ask.me", "");
        s.serve("ask.me", None, "1");
        let (_, reply, _) = s.ask("ask.me", "inbox.1");
        for payload in ["a", "b", "c"] {
            assert!(s.answer(&reply, payload).contains(payload));
        }
        assert_eq!(s.pending(), (1, 1));
        assert_eq!(s.answer(&reply, ""), "MSG inbox.1 9 0\r\n\r\n");
        assert_eq!(s.pending(), (0, 0));
        assert_eq!(s.answer(&reply, "late"), "");
    }
}

#[test]
fn acc_09_a_request_is_over_when_its_time_is_and_says_when_that_will_be() {
    let threshold = Some(Duration::from_secs(5));
    let options = ServiceExport {
        response: ResponseType::Stream,
        threshold,
        ..ServiceExport::default()
    };
    let mut s = Scene::new(options, "ask.me", "");
    s.serve("ask.me", None, "1");
    let cx = Context::from_waker(Waker::noop());
    let start = s.w.now;
    assert_eq!(s.w.broker.expire_responses(start), Moment::NEVER);
    assert_eq!(
        s.w.broker.poll_earlier_expiry(&cx, Moment::NEVER),
        Poll::Pending
    );
    let (_, reply, _) = s.ask("ask.me", "inbox.1");
    let due = start + Duration::from_secs(5);
    assert_eq!(
        s.w.broker.poll_earlier_expiry(&cx, Moment::NEVER),
        Poll::Ready(())
    );
    assert_eq!(s.w.broker.poll_earlier_expiry(&cx, due), Poll::Pending);
    s.w.now = start + Duration::from_secs(4);
    assert_eq!(s.w.broker.expire_responses(s.w.now), due);
    assert!(!s.answer(&reply, "sign of life").is_empty());
    let later = due + Duration::from_secs(4);
    assert_eq!(s.w.broker.expire_responses(due), later);
    assert_eq!(s.pending(), (1, 1));
    assert_eq!(s.w.broker.expire_responses(later), Moment::NEVER);
    assert_eq!(s.pending(), (0, 0));
    assert_eq!(s.answer(&reply, "late"), "");
}

#[test]
fn a_request_is_over_when_nobody_wants_its_answer_any_more() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "");
    s.serve("ask.me", None, "1");
    let one = s.w.subscribe_in(&s.b, &s.asker, "one.1", None, "1");
    let all = s.w.subscribe_in(&s.b, &s.asker, "one.*", None, "2");
    for reply in ["one.1", "one.2", "two.1", "inbox.1"] {
        s.ask("ask.me", reply);
    }
    assert_eq!(s.pending(), (4, 4));
    s.b.unsubscribe(&one);
    assert_eq!(s.pending(), (4, 4), "somebody else still wants it");
    s.b.unsubscribe(&all);
    assert_eq!(s.pending(), (2, 2));
}

#[test]
fn acc_18_nobody_serves() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "");
    let m = text("ask.me", "inbox.1", "?");
    assert!(s.asking.publish(&s.w, &s.asker, &m.message()).is_none());
    assert_eq!(s.pending(), (0, 0));
    s.serve("ask.me", None, "1");
    let done = s.asking.publish(&s.w, &s.asker, &m.message());
    assert_eq!((done.local, done.remote), (1, 0));
}

#[test]
fn one_member_of_a_group_serves_and_messages_in_a_row_all_ask() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "");
    for sid in ["1", "2", "3"] {
        s.serve("ask.me", Some("q"), sid);
    }
    s.asking
        .publish(&s.w, &s.asker, &text("ask.me", "inbox.1", "?").message());
    assert_eq!(s.server.take().matches("MSG").count(), 1);
    let messages = [text("ask.me", "", "1"), text("ask.me", "", "2")];
    for _ in 0..3 {
        let mut run = Run::default();
        run.begin(&messages[0].message());
        run.push(&messages[1].message());
        assert_eq!(s.asking.publish_run(&s.w, &s.asker, &run), 0);
        assert_eq!(s.server.take().matches("MSG").count(), 2);
    }
}

#[test]
fn what_is_delivered_counts_for_the_account_that_it_is_delivered_in() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "");
    s.serve("ask.me", None, "1");
    let beside = s.w.client();
    s.w.subscribe_in(&s.b, &beside, "ask.>", None, "1");
    let out = |account: &Account| {
        let traffic = account.traffic();
        let (msgs, bytes) = (&traffic.out_msgs, &traffic.out_bytes);
        (msgs.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    };
    for batch in 1..=2 {
        let (asking, w) = (&mut s.asking, &s.w);
        asking.delivery.begin(w.now);
        for payload in ["1", "22"] {
            let message = text("ask.me", "inbox.1", payload);
            let (publisher, out) = (&mut asking.publisher, &mut asking.delivery);
            publisher.publish(&w.broker, out, &s.asker.peer, &message.message());
        }
        asking.delivery.settle(&s.b);
        asking.delivery.finish(&w.broker);
        assert_eq!(
            (out(&s.a), out(&s.b)),
            ((2 * batch, 3 * batch), (2 * batch, 3 * batch))
        );
    }
}

#[derive(Debug)]
struct Somebody;

impl Requester for Somebody {
    fn describe(&self, shared: Shared, service: Option<&str>, out: &mut Vec<u8>) {
        let is_shared = shared == Shared::All;
        let text = format!("{{\"shared\":{is_shared},\"service\":{service:?}}}");
        out.extend_from_slice(text.as_bytes());
    }
}

#[test]
fn acc_13_and_17_a_chain_is_answered_and_says_who_asks() {
    let share = |import: Import, share| {
        let ImportKind::Service { to, .. } = import.kind else {
            panic!("a service")
        };
        Import {
            kind: ImportKind::Service { to, share },
            ..import
        }
    };
    let mut s = Scene::of(&[
        account(
            "A",
            vec![service("ask.>", ServiceExport::default())],
            vec![],
        ),
        account(
            "M",
            vec![service("middle", ServiceExport::default())],
            vec![take_service("A", "ask.me", "middle")],
        ),
        account(
            "B",
            vec![],
            vec![share(take_service("M", "middle", "svc"), true)],
        ),
    ]);
    s.asking.publisher.set_requester(Some(Arc::new(Somebody)));
    s.serve("ask.me", None, "1");
    let (subject, reply, rest) = s.ask("svc", "inbox.1");
    assert_eq!(subject, "ask.me");
    assert_eq!(
        rest,
        "NATS/1.0\r\nNats-Request-Info: {\"shared\":true,\"service\":Some(\"M\")}\r\n\r\n?\r\n"
    );
    let middle = s.w.broker.account("M").expect("defined");
    assert_eq!(middle.pending_responses(), (1, 1));
    assert_eq!(s.answer(&reply, "!"), "MSG inbox.1 9 1\r\n!\r\n");
    assert_eq!((middle.pending_responses(), s.pending()), ((0, 0), (0, 0)));
    // What the client itself says of that is replaced, other headers stay.
    let headers = "NATS/1.0\r\nA: 1\r\nNats-Request-Info: a lie\r\nB: 2\r\n\r\n";
    s.asking.publish(
        &s.w,
        &s.asker,
        &with_headers("svc", "", headers, "body").message(),
    );
    assert_eq!(
        parse(&s.server.take()).2,
        "NATS/1.0\r\nA: 1\r\nB: 2\r\nNats-Request-Info: {\"shared\":true,\"service\":Some(\"M\")}\r\n\r\nbody\r\n"
    );
}

#[test]
fn an_answer_may_ask_for_an_answer() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "");
    s.serve("ask.me", None, "1");
    s.serve("more", None, "2");
    let (_, reply, _) = s.ask("ask.me", "inbox.1");
    s.serving
        .publish(&s.w, &s.server, &text(&reply, "more", "which?").message());
    let (subject, back, rest) = parse(&s.asker.take());
    assert_eq!((&*subject, &*rest), ("inbox.1", "which?\r\n"));
    assert!(back.starts_with("_R_."), "{back}");
    s.asking
        .publish(&s.w, &s.asker, &text(&back, "", "that").message());
    assert_eq!(s.server.take(), "MSG more 2 4\r\nthat\r\n");
    assert_eq!(
        (s.a.pending_responses(), s.b.pending_responses()),
        ((0, 0), (0, 0))
    );
}

#[test]
fn a_service_on_another_server_is_asked_once_its_way_back_is_known() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "svc");
    let other = s.w.end_with(PeerKind::Route, 1 << 20);
    let traits = RouteTraits {
        server_id: "NOTHER".into(),
        headers: true,
        carries: Carries::All,
        filter: None,
    };
    let link = Arc::new(RouteLink::new(other.peer.clone(), traits));
    s.w.broker.add_route(link.clone()).finish(&s.w.broker);
    let told = other.take();
    assert!(
        !told.contains("svc"),
        "services are nobody's interest: {told}"
    );
    let mut interest = Default::default();
    s.w.broker
        .route_subscribe(&link, &mut interest, "A", b"ask.me", None, s.w.now);
    let m = text("svc", "inbox.1", "?");
    let done = s.asking.publish(&s.w, &s.asker, &m.message());
    assert_eq!((done.local, done.remote), (0, 1));
    let told = other.take();
    let (interest, request) = told.split_once("\r\n").expect("two lines");
    let prefix = interest
        .strip_prefix("RS+ A ")
        .and_then(|l| l.strip_suffix('>'))
        .expect("interest first");
    let reply = request
        .strip_prefix("RMSG A ask.me ")
        .and_then(|l| l.split(' ').next())
        .expect("a request");
    assert!(reply.starts_with(prefix), "{told}");
    let mut way = s.w.way_into(s.a.clone());
    let answer = text(reply, "", "!");
    way.routed(&s.w, &other, &answer.message(), Queues::default());
    assert_eq!(s.asker.take(), "MSG inbox.1 9 1\r\n!\r\n");
    assert_eq!(s.pending(), (0, 0));
}

#[test]
fn a_service_in_another_cluster_is_told_the_way_back() {
    let mut s = Scene::new(ServiceExport::default(), "ask.me", "svc");
    let (far, link) = s.w.outbound("FAR", 1);
    let mut interest = Default::default();
    s.w.broker
        .remote_subscribe(&link, &mut interest, "A", b"ask.me", None, s.w.now);
    s.asking
        .publish(&s.w, &s.asker, &text("svc", "inbox.1", "?").message());
    let sent = far.take();
    let reply = sent
        .strip_prefix("RMSG A ask.me ")
        .and_then(|l| l.split(' ').next())
        .expect("a request");
    assert!(
        reply.starts_with("_GR_."),
        "its interest in the answer is new: {reply}"
    );
    let plain = reply
        .splitn(4, '.')
        .nth(3)
        .expect("behind cluster and server");
    let mut way = s.w.way_into(s.a.clone());
    way.returned(&s.w, &far, &text(plain, "", "!").message(), b"");
    assert_eq!(s.asker.take(), "MSG inbox.1 9 1\r\n!\r\n");
}
