//! Messages and interest between the servers of one cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use gannet_broker::{
    Carries, Delivered, Forgetting, Hop, PeerKind, RemoteInterest, RouteFilter, RouteLink,
    RouteTraits,
};
use gannet_wire::route::{Decoded, Form, Limits, Queues, RouteOp, decode};

use crate::world::{End, World, text, with_headers};

/// A route and what it asked for.
struct Route {
    end: End,
    link: Arc<RouteLink>,
    interest: RemoteInterest,
}

fn traits(name: &str, carries: Carries) -> RouteTraits {
    RouteTraits {
        server_id: name.into(),
        headers: true,
        carries,
        filter: None,
    }
}

fn route(w: &mut World, traits: RouteTraits) -> Route {
    let end = w.end_with(PeerKind::Route, 1 << 20);
    let link = Arc::new(RouteLink::new(end.peer.clone(), traits));
    w.broker.add_route(link.clone()).finish(&w.broker);
    Route {
        end,
        link,
        interest: RemoteInterest::default(),
    }
}

fn whole(w: &mut World, name: &str) -> Route {
    route(w, traits(name, Carries::All))
}

impl Route {
    fn asks(&mut self, w: &World, subject: &str, queue: Option<(&str, u32)>) {
        let queue = queue.map(|(name, weight)| (name.as_bytes(), weight));
        w.broker.route_subscribe(
            &self.link,
            &mut self.interest,
            "$G",
            subject.as_bytes(),
            queue,
            w.now,
        );
    }

    fn leaves(&mut self, w: &World) {
        w.broker.remove_route(&self.link);
        let interest = std::mem::take(&mut self.interest);
        Forgetting::new(interest).finish(&w.broker);
    }

    fn takes_back(&mut self, w: &World, subject: &str, queue: Option<&str>) {
        w.broker.route_unsubscribe(
            &mut self.interest,
            "$G",
            subject.as_bytes(),
            queue.map(str::as_bytes),
        );
    }
}

/// The queues of a frame, as a route's decoder gives them.
fn queues_of<T>(names: &str, then: impl FnOnce(Queues<'_>) -> T) -> T {
    let middle = if names.is_empty() {
        String::new()
    } else {
        format!("| {names} ")
    };
    let line = format!("RMSG $G s {middle}0\r\n\r\n");
    let limits = Limits {
        control_line: 4096,
        payload: 10,
    };
    match decode(line.as_bytes(), &Form::default(), &limits) {
        Ok(Decoded::Op {
            op: RouteOp::Message(m),
            ..
        }) => then(m.queues),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_server_with_interest_gets_one_copy_and_hands_none_on() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    let (mut one, mut two) = (whole(&mut w, "ONE"), whole(&mut w, "TWO"));
    w.subscribe(&b, "foo", None, "1");
    one.end.take();
    two.end.take();
    for subject in ["foo", "*", ">"] {
        one.asks(&w, subject, None);
    }
    two.asks(&w, "bar", None);
    let mut way = w.way();
    let sent = way.publish(&w, &a, &text("foo", "r", "x").message());
    assert_eq!(
        sent,
        Delivered {
            local: 1,
            remote: 1,
            ..Delivered::default()
        }
    );
    assert_eq!(one.end.take(), "RMSG $G foo r 1\r\nx\r\n");
    assert_eq!(two.end.take(), "");
    b.take();
    let headed = with_headers("foo", "", "NATS/1.0\r\n\r\n", "x");
    way.publish(&w, &a, &headed.message());
    assert_eq!(one.end.take(), "HMSG $G foo 12 13\r\nNATS/1.0\r\n\r\nx\r\n");
    b.take();
    // What came over a route goes to clients alone.
    two.asks(&w, "foo", None);
    queues_of("", |queues| {
        let text = text("foo", "", "y");
        let sent = way.routed(&w, &two.end, &text.message(), queues);
        assert_eq!(
            sent,
            Delivered {
                local: 1,
                remote: 0,
                ..Delivered::default()
            }
        );
    });
    assert_eq!(
        (one.end.take(), two.end.take()),
        (String::new(), String::new())
    );
    for subject in ["foo", "*", ">"] {
        one.takes_back(&w, subject, None);
    }
    let sent = way.publish(&w, &a, &text("foo", "", "x").message());
    assert_eq!(
        sent,
        Delivered {
            local: 1,
            remote: 1,
            ..Delivered::default()
        }
    );
    assert_eq!(one.end.take(), "");
    two.leaves(&w);
    let sent = way.publish(&w, &a, &text("foo", "", "x").message());
    assert_eq!(
        sent,
        Delivered {
            local: 1,
            remote: 0,
            ..Delivered::default()
        }
    );
}

#[test]
fn local_interest_is_told_once_and_groups_with_their_weight() {
    let mut w = World::new();
    let (a, b) = (w.client(), w.client());
    let early = [
        w.subscribe(&a, "foo", None, "1"),
        w.subscribe(&b, "foo", None, "1"),
        w.subscribe(&a, "q.*", Some("grp"), "2"),
        w.subscribe(&b, "q.*", Some("grp"), "2"),
    ];
    let one = whole(&mut w, "ONE");
    let mut lines: Vec<String> = one.end.take().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["RS+ $G foo", "RS+ $G q.* grp 2"]);
    let more = w.subscribe(&b, "q.*", Some("grp"), "3");
    assert_eq!(one.end.take(), "RS+ $G q.* grp 3\r\n");
    let account = w.broker.global();
    account.unsubscribe(&more);
    account.unsubscribe(&early[0]);
    assert_eq!(one.end.take(), "RS+ $G q.* grp 2\r\n");
    account.unsubscribe(&early[1]);
    account.unsubscribe(&early[2]);
    account.unsubscribe(&early[3]);
    assert_eq!(
        one.end.take(),
        "RS- $G foo\r\nRS+ $G q.* grp 1\r\nRS- $G q.* grp\r\n"
    );
    // Interest of other servers and clusters is theirs to tell.
    let mut two = whole(&mut w, "TWO");
    two.asks(&w, "far", None);
    let (_, link) = w.outbound("FAR", 1);
    let mut far = RemoteInterest::default();
    w.broker
        .remote_subscribe(&link, &mut far, "$G", b"farther", None, w.now);
    assert_eq!(
        (one.end.take(), two.end.take()),
        (String::new(), String::new())
    );
}

#[test]
fn other_clusters_are_told_the_interest_of_the_whole_cluster() {
    let mut w = World::new();
    let inbound = w.inbound("FAR");
    let (mut one, mut two) = (whole(&mut w, "ONE"), whole(&mut w, "TWO"));
    inbound.take();
    one.asks(&w, "foo", None);
    two.asks(&w, "foo", None);
    two.asks(&w, "foo", Some(("grp", 4)));
    two.asks(&w, "foo", Some(("grp", 5)));
    let client = w.client();
    let own = w.subscribe(&client, "foo", None, "1");
    assert_eq!(inbound.take(), "RS+ $G foo\r\nRS+ $G foo grp 1\r\n");
    one.takes_back(&w, "foo", None);
    w.broker.global().unsubscribe(&own);
    assert_eq!(inbound.take(), "");
    two.leaves(&w);
    let mut lines: Vec<String> = inbound.take().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["RS- $G foo", "RS- $G foo grp"]);
    // A link that comes later hears the same.
    one.asks(&w, "late", None);
    let later = w.inbound("LATER").take();
    assert!(later.contains("RS+ $G late\r\n"), "{later}");
}

#[test]
fn a_group_is_served_by_one_member_in_the_cluster_each_as_often() {
    let mut w = World::new();
    let (from, here) = (w.client(), w.client());
    let (mut one, mut two) = (whole(&mut w, "ONE"), whole(&mut w, "TWO"));
    w.subscribe(&here, "foo", Some("grp"), "1");
    one.asks(&w, "foo", Some(("grp", 1)));
    one.asks(&w, "foo", Some(("grp", 6)));
    two.asks(&w, "foo", Some(("grp", 3)));
    two.asks(&w, "foo", Some(("other", 1)));
    let (far, link) = w.outbound("FAR", 1);
    let mut interest = RemoteInterest::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"foo", Some(b"grp"), w.now);
    one.end.take();
    two.end.take();
    let mut way = w.way();
    let mut times = [0; 3];
    for _ in 0..3000 {
        let sent = way.publish(&w, &from, &text("foo", "", "x").message());
        assert!(!sent.is_none());
        let got = [here.take(), one.end.take(), two.end.take()];
        assert_eq!(far.take(), "", "a member in the cluster comes first");
        let served: Vec<usize> = (0..3)
            .filter(|&at| got[at].contains("grp") || at == 0 && !got[0].is_empty())
            .collect();
        assert_eq!(served.len(), 1, "{got:?}");
        times[served[0]] += 1;
        match served[0] {
            1 => assert_eq!(got[1], "RMSG $G foo | grp 1\r\nx\r\n"),
            2 => assert_eq!(got[2], "RMSG $G foo | grp other 1\r\nx\r\n"),
            _ => assert_eq!(got[2], "RMSG $G foo | other 1\r\nx\r\n"),
        }
    }
    for (times, share) in times.iter().zip([300, 1800, 900]) {
        assert!((share / 2..share * 2).contains(times), "{times} of {share}");
    }
    // From another cluster, the whole cluster serves the groups that the frame names.
    for _ in 0..50 {
        queues_of("grp", |queues| {
            way.remote(&w, &far, &text("foo", "", "y").message(), queues, b"")
        });
        let got = [here.take(), one.end.take(), two.end.take()];
        assert_eq!(got.iter().filter(|g| !g.is_empty()).count(), 1, "{got:?}");
        assert!(!got[2].contains("other"));
    }
    // From another server, only members here.
    queues_of("grp", |queues| {
        way.routed(&w, &one.end, &text("foo", "", "z").message(), queues)
    });
    assert_eq!(here.take(), "MSG foo 1 1\r\nz\r\n");
    queues_of("other", |queues| {
        let sent = way.routed(&w, &one.end, &text("foo", "", "z").message(), queues);
        assert!(sent.is_none());
    });
}

#[test]
fn plain_interest_and_groups_of_one_server_share_a_frame() {
    let mut w = World::new();
    let from = w.client();
    let mut one = whole(&mut w, "ONE");
    one.asks(&w, "foo", Some(("grp", 2)));
    one.asks(&w, "*", Some(("more", 2)));
    one.asks(&w, ">", None);
    let mut way = w.way();
    way.publish(&w, &from, &text("foo", "re", "x").message());
    let got = one.end.take();
    assert!(
        got == "RMSG $G foo + re grp more 1\r\nx\r\n"
            || got == "RMSG $G foo + re more grp 1\r\nx\r\n",
        "{got}"
    );
}

#[test]
fn a_pool_carries_each_account_over_one_connection_and_pinned_ones_over_their_own() {
    let mut w = World::new();
    let but: Arc<BTreeSet<String>> = Arc::new(["PINNED".to_owned()].into());
    let pool: Vec<Route> = (0..3)
        .map(|index| {
            let carries = Carries::Share {
                index,
                of: 3,
                but: but.clone(),
            };
            route(&mut w, traits("ONE", carries))
        })
        .collect();
    let own = route(&mut w, traits("ONE", Carries::Account("PINNED".into())));
    let client = w.client();
    let mut hidden = RemoteInterest::default();
    for account in ["A", "B", "C", "D", "PINNED"] {
        // Any mention of an account makes it known.
        let mut other = whole(&mut w, "OTHER");
        w.broker
            .route_subscribe(&other.link, &mut other.interest, account, b"x", None, w.now);
        other.leaves(&w);
        let known = w.broker.account(account).expect("known by now");
        let sub = gannet_broker::Sub::new(
            client.peer.clone(),
            gannet_subject::Class::Local,
            b"foo",
            None,
            b"1",
            w.now,
        );
        known.subscribe(sub, w.now);
    }
    let mut told: Vec<String> = pool.iter().map(|r| r.end.take()).collect();
    let all: String = told.concat();
    for account in ["A", "B", "C", "D"] {
        assert_eq!(all.matches(&format!("RS+ {account} foo\r\n")).count(), 1);
    }
    told.retain(|t| !t.is_empty());
    assert!(told.len() > 1, "all in one place: {told:?}");
    assert_eq!(own.end.take(), "RS+ foo\r\n");
    // Messages leave by the connection that the interest came by.
    w.broker
        .route_subscribe(&own.link, &mut hidden, "PINNED", b"bar", None, w.now);
    let account = w.broker.account("PINNED").expect("known by now");
    let mut way = w.way_into(account);
    way.publish(&w, &client, &text("bar", "r", "x").message());
    assert_eq!(own.end.take(), "RMSG bar r 1\r\nx\r\n");
}

#[test]
fn permissions_of_the_cluster_hide_interest_both_ways() {
    struct OnlyFoo;
    impl RouteFilter for OnlyFoo {
        fn may_ask_for(&self, subject: &[u8]) -> bool {
            subject.starts_with(b"foo")
        }
        fn may_be_asked_for(&self, subject: &[u8]) -> bool {
            subject.starts_with(b"bar")
        }
    }
    let mut w = World::new();
    let client = w.client();
    w.subscribe(&client, "foo.a", None, "1");
    w.subscribe(&client, "bar.a", None, "2");
    let mut one = route(
        &mut w,
        RouteTraits {
            filter: Some(Arc::new(OnlyFoo)),
            ..traits("ONE", Carries::All)
        },
    );
    assert_eq!(one.end.take(), "RS+ $G foo.a\r\n");
    let late = w.subscribe(&client, "bar.b", None, "3");
    w.broker.global().unsubscribe(&late);
    assert_eq!(one.end.take(), "");
    one.asks(&w, "foo.x", None);
    one.asks(&w, "bar.x", None);
    assert_eq!(one.interest.len(), 1);
}

#[test]
fn mapped_replies_keep_their_way_back_over_routes_and_return_through_them() {
    let mut w = World::new();
    let (from, far) = (w.client(), w.inbound("FAR"));
    let mut one = whole(&mut w, "ONE");
    one.asks(&w, "svc", None);
    one.end.take();
    let mut way = w.way();
    // A request of another cluster, on to the server that has the service.
    let mapped = "_GR_.aaaaaa.bbbbbb.inbox.1";
    queues_of("", |queues| {
        let request = text("svc", "inbox.1", "?");
        way.remote(&w, &far, &request.message(), queues, mapped.as_bytes());
    });
    assert_eq!(one.end.take(), format!("RMSG $G svc {mapped} 1\r\n?\r\n"));
    // A reply for the server behind the route.
    let mark = gannet_wire::reply_prefix::hash("ONE");
    let home = w
        .broker
        .global()
        .route_marked(&mark)
        .expect("a route to it");
    let reply = text("_GR_.cluster.server.inbox", "", "!");
    way.delivery.begin(w.now);
    way.publisher.relay(
        &w.broker,
        &mut way.delivery,
        &far.peer,
        &reply.message(),
        &home,
    );
    way.delivery.finish(&w.broker);
    assert_eq!(
        one.end.take(),
        "RMSG $G _GR_.cluster.server.inbox 1\r\n!\r\n"
    );
    // At home, it goes on to other clusters but not back to the cluster's own servers.
    one.asks(&w, "inbox", None);
    let (other, link) = w.outbound("OTHER", 1);
    let mut interest = RemoteInterest::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"inbox", None, w.now);
    w.subscribe(&from, "inbox", None, "9");
    one.end.take();
    let sent = way.returned_by(
        &w,
        &one.end,
        &text("inbox", "", "!").message(),
        b"",
        Hop::Route,
    );
    assert_eq!(
        sent,
        Delivered {
            local: 1,
            remote: 1,
            ..Delivered::default()
        }
    );
    assert_eq!(other.take(), "RMSG $G inbox 1\r\n!\r\n");
    assert_eq!(one.end.take(), "");
    let sent = way.returned_by(
        &w,
        &far,
        &text("inbox", "", "!").message(),
        b"",
        Hop::Gateway,
    );
    assert_eq!(
        sent,
        Delivered {
            local: 1,
            remote: 2,
            ..Delivered::default()
        }
    );
}

#[test]
fn other_permissions_of_the_cluster_show_and_hide_interest_both_ways() {
    struct Only(&'static [u8]);
    impl RouteFilter for Only {
        fn may_ask_for(&self, subject: &[u8]) -> bool {
            subject.starts_with(self.0)
        }
        fn may_be_asked_for(&self, subject: &[u8]) -> bool {
            subject.starts_with(self.0)
        }
    }
    let mut w = World::new();
    let client = w.client();
    let foo = w.subscribe(&client, "foo.a", None, "1");
    w.subscribe(&client, "bar.a", Some("q"), "2");
    let mut one = whole(&mut w, "ONE");
    one.end.take();
    one.asks(&w, "foo.x", None);
    one.asks(&w, "bar.x", None);
    let refilter = |w: &World, route: &mut Route, filter: Option<Arc<dyn RouteFilter>>| {
        let new = Arc::new(route.link.filtered(filter));
        w.broker.refilter_route(&route.link, &new).finish(&w.broker);
        w.broker
            .split_refused(&new, &mut route.interest)
            .finish(&w.broker);
        route.link = new;
    };
    refilter(&w, &mut one, Some(Arc::new(Only(b"foo"))));
    assert_eq!(one.end.take(), "RS- $G bar.a q\r\n");
    assert_eq!(one.interest.len(), 1);

    refilter(&w, &mut one, Some(Arc::new(Only(b"bar"))));
    let mut told: Vec<String> = one.end.take().lines().map(String::from).collect();
    told.sort();
    assert_eq!(told, ["RS+ $G bar.a q 1", "RS- $G foo.a"]);
    assert_eq!(one.interest.len(), 0);
    w.broker.global().unsubscribe(&foo);
    assert_eq!(
        one.end.take(),
        "RS- $G foo.a\r\n",
        "it may not have been taken back yet"
    );

    refilter(&w, &mut one, None);
    assert_eq!(one.end.take(), "", "there is nothing that was hidden");
    w.subscribe(&client, "baz", None, "3");
    assert_eq!(one.end.take(), "RS+ $G baz\r\n");
}
