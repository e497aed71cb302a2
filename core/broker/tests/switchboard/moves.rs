//! Accounts that move from one connection to another one to the same server: nothing is lost, doubled or
//! overtaken, whatever the interleaving.

use std::collections::VecDeque;
use std::sync::Arc;

use gannet_broker::{Carries, PeerKind, RemoteInterest, RouteLink, RouteTraits};
use proptest::prelude::*;

use crate::world::{End, Way, World, text};

fn link(w: &mut World, carries: Carries) -> (End, Arc<RouteLink>) {
    let end = w.end_with(PeerKind::Route, 1 << 20);
    let traits = RouteTraits {
        server_id: "ONE".into(),
        headers: true,
        carries,
        filter: None,
    };
    let link = Arc::new(RouteLink::new(end.peer.clone(), traits));
    w.broker.add_route(link.clone()).finish(&w.broker);
    (end, link)
}

const ACCOUNTS: [&str; 2] = ["A", "B"];
const LINKS: usize = 3;

/// What is on its way to the other server over one connection.
enum Sent {
    Bytes(String),
    Ping(u64),
}

/// The side that sends messages, and what the other one has read.
struct Flow {
    w: World,
    client: End,
    ways: Vec<Way>,
    links: Vec<(End, Arc<RouteLink>)>,
    interest: Vec<RemoteInterest>,
    wires: Vec<VecDeque<Sent>>,
    /// Answers on their way back, with the connection that is held for each.
    held: Vec<(u64, usize)>,
    pongs: Vec<u64>,
    next_token: u64,
    published: [usize; 2],
    read: [Vec<usize>; 2],
    /// Which connection the other server wants each account's messages on, and where it told its interest.
    on: [usize; 2],
    told: [[bool; LINKS]; 2],
}

impl Flow {
    fn new() -> Flow {
        let mut w = World::new();
        let links: Vec<_> = (0..LINKS).map(|_| link(&mut w, Carries::Nothing)).collect();
        let client = w.client();
        let mut flow = Flow {
            client,
            links,
            interest: (0..LINKS).map(|_| RemoteInterest::default()).collect(),
            wires: (0..LINKS).map(|_| VecDeque::new()).collect(),
            ways: Vec::new(),
            held: Vec::new(),
            pongs: Vec::new(),
            next_token: 0,
            published: [0; 2],
            read: [Vec::new(), Vec::new()],
            on: [0; 2],
            told: [[false; LINKS]; 2],
            w,
        };
        for account in 0..2 {
            flow.tell(account, 0);
        }
        for name in ACCOUNTS {
            let account = flow.w.broker.account(name).expect("it was told of");
            flow.ways.push(flow.w.way_into(account));
        }
        flow
    }

    fn tell(&mut self, account: usize, at: usize) {
        let (broker, now) = (&self.w.broker, self.w.now);
        let (link, name) = (&self.links[at].1, ACCOUNTS[account]);
        broker.route_subscribe(link, &mut self.interest[at], name, b"data", None, now);
        self.told[account][at] = true;
    }

    fn take_back(&mut self, account: usize, at: usize) {
        if at != self.on[account] {
            let broker = &self.w.broker;
            broker.route_unsubscribe(&mut self.interest[at], ACCOUNTS[account], b"data", None);
            self.told[account][at] = false;
        }
    }

    fn publish(&mut self, account: usize) {
        let payload = format!("{account}-{}", self.published[account]);
        self.published[account] += 1;
        let message = text("data", "", &payload);
        self.ways[account].publish(&self.w, &self.client, &message.message());
    }

    /// As a connection's owner does it.
    fn turn(&mut self, account: usize, to: usize) {
        if !self.told[account][to] {
            self.tell(account, to);
        }
        let names = [ACCOUNTS[account].to_owned()];
        let (end, link) = self.links[to].clone();
        let mut asked = Vec::new();
        for old in self.w.broker.ways_before(&link, &names) {
            self.next_token += 1;
            end.peer.outbox().hold(self.next_token);
            self.held.push((self.next_token, to));
            asked.push((self.next_token, old));
        }
        self.w.broker.turn_ways(&link, &names);
        for (token, old) in asked {
            let at = self
                .links
                .iter()
                .position(|(end, _)| Arc::ptr_eq(&end.peer, &old));
            if old.outbox().is_in_order(token) {
                self.ping(at.expect("a connection"), token);
            }
        }
        self.on[account] = to;
    }

    fn write(&mut self, at: usize) {
        let bytes = self.links[at].0.take();
        self.wires[at].push_back(Sent::Bytes(bytes));
    }

    fn ping(&mut self, at: usize, token: u64) {
        self.write(at);
        self.wires[at].push_back(Sent::Ping(token));
    }

    /// The other server reads something.
    fn deliver(&mut self, at: usize) {
        self.write(at);
        match self.wires[at].pop_front() {
            Some(Sent::Ping(token)) => self.pongs.push(token),
            Some(Sent::Bytes(bytes)) => {
                for line in bytes.split("\r\n").filter(|line| line.contains('-')) {
                    let (account, number) = line.split_once('-').expect("a payload");
                    let account: usize = account.parse().expect("an account");
                    self.read[account].push(number.parse().expect("a number"));
                }
            }
            None => {}
        }
    }

    fn pong(&mut self) {
        let Some(token) = self.pongs.pop() else {
            return;
        };
        let at = self
            .held
            .iter()
            .position(|(t, _)| *t == token)
            .expect("held");
        let (_, to) = self.held.remove(at);
        let next = self.links[to].0.peer.outbox().release(token);
        for token in next {
            self.ping(to, token);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Publish(usize),
    Tell(usize, usize),
    TakeBack(usize, usize),
    Turn(usize, usize),
    Deliver(usize),
    Pong,
}

fn event() -> impl Strategy<Value = Event> {
    let (account, at) = (0..2usize, 0..LINKS);
    prop_oneof![
        6 => account.clone().prop_map(Event::Publish),
        1 => (account.clone(), at.clone()).prop_map(|(a, l)| Event::Tell(a, l)),
        1 => (account.clone(), at.clone()).prop_map(|(a, l)| Event::TakeBack(a, l)),
        2 => (account, at.clone()).prop_map(|(a, l)| Event::Turn(a, l)),
        4 => at.prop_map(Event::Deliver),
        2 => Just(Event::Pong),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Two accounts move among three connections to one server, in any order, at any time, back and forth:
    /// each account's messages are read once, in the order in which they were published.
    #[test]
    fn clu_26_moving_accounts_lose_double_and_mix_up_nothing(
        events in proptest::collection::vec(event(), 0..150),
    ) {
        let mut flow = Flow::new();
        for event in events {
            match event {
                Event::Publish(account) => flow.publish(account),
                Event::Tell(account, at) => flow.tell(account, at),
                Event::TakeBack(account, at) => flow.take_back(account, at),
                Event::Turn(account, at) => flow.turn(account, at),
                Event::Deliver(at) => flow.deliver(at),
                Event::Pong => flow.pong(),
            }
        }
        // Whatever waits for whatever: it comes to an end.
        for _ in 0..2000 {
            (0..LINKS).for_each(|at| flow.deliver(at));
            flow.pong();
        }
        for account in 0..2 {
            let all: Vec<usize> = (0..flow.published[account]).collect();
            prop_assert_eq!(&flow.read[account], &all);
        }
        prop_assert_eq!(flow.held.len(), 0);
        for (end, _) in &flow.links {
            prop_assert_eq!(end.peer.outbox().pending(), 0);
        }
    }
}

#[test]
fn clu_26_interest_told_twice_by_one_server_counts_once() {
    let mut w = World::new();
    let links = [(); 2].map(|()| link(&mut w, Carries::Nothing));
    let mut told = [(); 2].map(|()| RemoteInterest::default());
    for (at, interest) in told.iter_mut().enumerate() {
        for queue in [None, Some((&b"grp"[..], 1))] {
            let link = &links[at].1;
            w.broker
                .route_subscribe(link, interest, "$G", b"foo", queue, w.now);
        }
    }
    let client = w.client();
    w.subscribe(&client, "foo", Some("grp"), "1");
    let mut way = w.way();
    let mut here = 0;
    for _ in 0..2000 {
        way.publish(&w, &client, &text("foo", "", "x").message());
        let local = !client.take().is_empty();
        here += usize::from(local);
        let frame = if local {
            "RMSG $G foo 1\r\nx\r\n"
        } else {
            "RMSG $G foo | grp 1\r\nx\r\n"
        };
        assert_eq!([links[0].0.take(), links[1].0.take()], [frame, ""]);
    }
    assert!(
        (850..1150).contains(&here),
        "one member here, one there: {here}"
    );
    // The first one ends: the other one takes over.
    w.broker.remove_route(&links[0].1);
    way.publish(&w, &client, &text("foo", "", "x").message());
    assert_ne!(links[1].0.take(), "");
}

#[test]
fn clu_26_interest_is_told_with_a_request_and_taken_back_to_the_last() {
    let mut w = World::new();
    let pooled = |index, of| Carries::Share {
        index,
        of,
        but: Arc::default(),
    };
    let (old_end, old) = link(&mut w, pooled(0, 1));
    let (new_end, new) = link(&mut w, Carries::Nothing);
    let client = w.client();
    let sub = w.subscribe(&client, "foo", None, "1");
    w.subscribe(&client, "bar", Some("q"), "2");
    old_end.take();
    let pairs = [
        (old.clone(), Arc::new(old.carrying(Carries::Nothing))),
        (new.clone(), Arc::new(new.carrying(pooled(0, 1)))),
    ];
    let moving = w.broker.replace_routes(&pairs);
    assert!(moving.from().all(|peer| Arc::ptr_eq(peer, old.peer())));
    assert!(moving.to().all(|peer| Arc::ptr_eq(peer, new.peer())));
    for listing in moving.tell(true) {
        listing.finish(&w.broker);
    }
    let told = new_end.take();
    let mut lines: Vec<&str> = told.lines().collect();
    let turn = lines.pop();
    lines.sort_unstable();
    assert_eq!(lines, ["RS+ $G bar q 1", "RS+ $G foo"]);
    assert!(
        turn.is_some_and(|line| line.contains("\"gannet_turn\":[\"$G\"")),
        "{told}"
    );
    // Meanwhile, both are told of changes.
    w.subscribe(&client, "new", None, "3");
    let both = [&old_end, &new_end].map(End::take);
    assert_eq!(both, ["RS+ $G new\r\n"; 2]);
    let mut back = moving.take_back();
    assert_eq!(back.len(), 1);
    let mut listing = back.remove(0);
    while listing.step(&w.broker) {}
    let text = old_end.take();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["RS- $G bar q", "RS- $G foo", "RS- $G new"]);
    // From here on, only the new one is told.
    w.broker.global().unsubscribe(&sub);
    let both = [&old_end, &new_end].map(End::take);
    assert_eq!(both, ["", "RS- $G foo\r\n"]);
}

#[test]
fn an_account_on_its_way_to_a_route_that_ends_meanwhile_tells_it_nothing() {
    let mut w = World::new();
    let (end, link) = link(&mut w, Carries::Nothing);
    let all = Arc::new(link.carrying(Carries::All));
    let moving = w.broker.replace_routes(&[(link, all.clone())]);
    w.broker.remove_route(&all);
    for listing in moving.tell(true) {
        listing.finish(&w.broker);
    }
    end.take();
    let client = w.client();
    w.subscribe(&client, "foo", None, "1");
    assert_eq!(end.take(), "");
    let mark = gannet_wire::reply_prefix::hash("ONE");
    assert!(w.broker.global().route_marked(&mark).is_none());
}

#[test]
fn replies_go_where_all_else_goes_to_their_server() {
    // The sizes of the pools differ: our interest is told over one connection, theirs over another.
    let mut w = World::new();
    let (_ours, told) = link(&mut w, Carries::All);
    let (_theirs, way) = link(&mut w, Carries::Nothing);
    let mark = gannet_wire::reply_prefix::hash("ONE");
    let marked = |w: &World| w.broker.global().route_marked(&mark).expect("a route");
    assert!(
        Arc::ptr_eq(&marked(&w), told.peer()),
        "as long as there is no other"
    );
    let mut interest = RemoteInterest::default();
    w.broker
        .route_subscribe(&way, &mut interest, "$G", b"inbox", None, w.now);
    assert!(Arc::ptr_eq(&marked(&w), way.peer()));
}
