//! What links keep and let go, in the simulator: minutes cost nothing there.

use std::sync::{Arc, Weak};
use std::time::Duration;

use gannet_broker::Peer;
use gannet_config::{Options, Port, RemoteGateway};
use gannet_rt::sim::{Sim, SimHost};
use gannet_rt::{Rt, Stream};
use gannet_units::ConnId;

use crate::Server;
use crate::common::{gateway, remote, say, start_on};

const GATEWAY_PORT: u16 = 7222;

fn run(sim: &Sim, host: &SimHost, name: &str, remotes: Vec<RemoteGateway>) -> Server {
    let options = Options {
        host: host.ip().to_string(),
        gateway: Some(gateway(name, host.ip(), Port::At(GATEWAY_PORT), remotes)),
        ..Options::default()
    };
    start_on(sim, host, options)
}

/// A cluster's server, another one's that it dials, and the hand of a client.
fn pair(sim: &Sim) -> (Server, Server, Rt) {
    let (a, b) = (sim.host("a"), sim.host("b"));
    let there = run(sim, &b, "B", Vec::new());
    let here = run(sim, &a, "A", vec![remote("B", b.ip(), GATEWAY_PORT)]);
    (here, there, sim.host("client").rt())
}

async fn client(rt: &Rt, server: &Server, text: &str) -> Stream {
    let addr = server.client_addr().expect("a client port");
    let stream = rt.connect(addr).await.expect("the port is open");
    say(&stream, "CONNECT {\"verbose\":false}\r\n").await;
    say(&stream, text).await;
    stream
}

/// Publishes for so many seconds.
async fn publish(rt: &Rt, publisher: &Stream, text: &str, seconds: u32) {
    for _ in 0..seconds * 2 {
        say(publisher, text).await;
        rt.sleep(Duration::from_millis(500)).await;
    }
}

#[test]
fn a_link_that_never_rests_forgets_clients_that_are_gone() {
    let sim = Sim::new(11);
    let (here, there, rt) = pair(&sim);
    let held = sim.block_on(async {
        rt.sleep(Duration::from_secs(3)).await;
        let _stays = client(&rt, &there, "SUB busy 1\r\n").await;
        let leaves = client(&rt, &there, "SUB rare 1\r\n").await;
        rt.sleep(Duration::from_secs(1)).await;
        let publisher = client(&rt, &here, "PING\r\n").await;
        publish(&rt, &publisher, "PUB rare 1\r\nx\r\n", 2).await;
        let last = there
            .shared
            .clients
            .open()
            .pop()
            .expect("there are clients");
        let (id, peer): (ConnId, Weak<Peer>) = (last.id, Arc::downgrade(&last.peer));
        assert_eq!(
            last.peer.outbox().stats().msgs,
            4,
            "the link carries messages"
        );
        drop((last, leaves));
        let mut held = Vec::new();
        for seconds in [5, 45] {
            publish(&rt, &publisher, "PUB busy 1\r\nx\r\n", seconds).await;
            assert!(there.shared.clients.open().iter().all(|conn| conn.id != id));
            held.push(peer.strong_count());
        }
        held
    });
    assert_eq!(
        held.expect("the world goes on"),
        [1, 0],
        "its plan holds the peer at first, and then no more"
    );
}

#[test]
fn a_link_is_active_when_it_carries_something_and_not_when_it_is_pinged() {
    let sim = Sim::new(12);
    let (here, there, rt) = pair(&sim);
    let quiet = sim.block_on(async {
        rt.sleep(Duration::from_secs(3)).await;
        let _subscriber = client(&rt, &there, "SUB a 1\r\n").await;
        let publisher = client(&rt, &here, "PING\r\n").await;
        rt.sleep(Duration::from_secs(60)).await;
        say(&publisher, "PUB a 1\r\nx\r\n").await;
        rt.sleep(Duration::from_secs(60)).await;
        let inbound = there.shared.broker.inbound();
        let link = inbound.first().expect("the link stands");
        let facts = there.shared.links.get(link.peer.id()).expect("its facts");
        let last = facts.last_active.load(std::sync::atomic::Ordering::Relaxed);
        there.shared.rt.now().as_nanos() - last
    });
    let quiet = Duration::from_nanos(quiet.expect("the world goes on"));
    assert!((59..61).contains(&quiet.as_secs()), "{quiet:?}");
}
