//! What a peer gets of a connection that ends.

use std::net::SocketAddr;

use gannet_broker::{
    Broker, BrokerOptions, Carries, Delivery, Message, PeerKind, Publisher, RemoteInterest,
    RouteLink, RouteTraits,
};
use gannet_rt::sim::Sim;
use gannet_rt::{Runtime, Stream};
use gannet_units::ConnId;
use parking_lot::Mutex;

use super::*;
use crate::common::hear;
use crate::sink::StreamSink;

/// Far more than sockets hold.
const MUCH: usize = 24 << 20;

/// Sends `MUCH`, while it reads nothing, and then reads to the end; answers how much came, and whether the end was a
/// proper one.
async fn busy(stream: Stream) -> (usize, bool) {
    let (mut sent, mut got) = (0, 0);
    let mut buffer = vec![0; 1 << 16];
    while sent < MUCH {
        if poll_fn(|cx| stream.poll_write_ready(cx)).await.is_err() {
            break;
        }
        match stream.try_write(&buffer) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    loop {
        if poll_fn(|cx| stream.poll_read_ready(cx)).await.is_err() {
            return (got, false);
        }
        match stream.try_read(&mut buffer) {
            Ok(0) => return (got, true),
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return (got, false),
        }
    }
}

/// Ends a connection whose outbox holds `MUCH`, whose socket takes no more of it for now, and whose peer sends as much.
fn leave(how: Leave) -> (usize, bool) {
    let runtime = Runtime::new(Some(2)).expect("a runtime");
    let rt = runtime.rt();
    runtime.block_on(async {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = rt.listen(any).await.expect("a port");
        let addr = listener.local_addr().expect("its address");
        let there = rt.connect(addr).await.expect("the port is open");
        let (here, _) = listener.accept().await.expect("a connection");
        let channel = Arc::new(Channel::new(here));
        let sink = Box::new(StreamSink::new(&channel));
        let peer = Arc::new(Peer::new(ConnId(1), PeerKind::Route, 2 * MUCH, sink));
        let mut transport = Transport::new(&rt, peer.clone(), channel, Moment::NEVER);
        peer.send(&vec![0; MUCH]);
        assert_eq!(peer.flush(&mut Vec::new()), Flush::Blocked);
        let heard = Arc::new(Mutex::new(None));
        let note = heard.clone();
        let mut task = rt.spawn(async move {
            let found = busy(there).await;
            *note.lock() = Some(found);
        });
        transport.close(&Buffers::default(), how).await;
        drop(transport);
        task.join().await;
        heard.lock().expect("the peer has come to an end")
    })
}

#[test]
fn a_busy_peer_that_is_left_completely_gets_everything_and_a_proper_end() {
    assert_eq!(leave(Leave::Complete), (MUCH, true));
}

#[test]
fn of_other_connections_what_the_socket_does_not_take_is_lost() {
    for how in [Leave::Now, Leave::LastWords] {
        assert!(leave(how).0 < MUCH, "{how:?}");
    }
}

/// Has somebody publish a message that goes to the server behind `route`.
fn publish(route: &Arc<Peer>, channel: &Arc<Channel>, now: Moment) {
    let broker = Broker::new(BrokerOptions {
        seed: 0,
        reply_prefix: None,
        gateway: String::new(),
        cluster: String::new(),
    });
    let traits = RouteTraits {
        server_id: "N".into(),
        headers: true,
        carries: Carries::All,
        filter: None,
    };
    let link = Arc::new(RouteLink::new(route.clone(), traits));
    drop(broker.add_route(link.clone()));
    let mut interest = RemoteInterest::default();
    broker.route_subscribe(&link, &mut interest, "$G", b"a", None, now);
    let sink = Box::new(StreamSink::new(channel));
    let publisher = Arc::new(Peer::new(ConnId(2), PeerKind::Client, MUCH, sink));
    let message = Message {
        subject: b"a",
        reply: b"",
        header_len: None,
        payload: b"hi",
        tail: b"2\r\nhi\r\n",
        shared: None,
    };
    let mut delivery = Delivery::new(0);
    delivery.begin(now);
    Publisher::new(broker.global().clone(), 0).publish(
        &broker,
        &mut delivery,
        &publisher,
        &message,
    );
    delivery.finish(&broker);
}

#[test]
fn a_peer_that_is_left_completely_gets_what_waited_for_another_connection_once_that_is_read() {
    const TOKEN: u64 = 7;
    let sim = Sim::new(5);
    let (near, far) = (sim.host("near"), sim.host("far"));
    let (rt, addr) = (near.rt(), SocketAddr::new(far.ip(), 1));
    let heard = sim.block_on(async {
        let listener = far.rt().listen(addr).await.expect("a port");
        let here = rt.connect(addr).await.expect("the port is open");
        let (there, _) = listener.accept().await.expect("a connection");
        let channel = Arc::new(Channel::new(here));
        let sink = Box::new(StreamSink::new(&channel));
        let peer = Arc::new(Peer::new(ConnId(1), PeerKind::Route, MUCH, sink));
        let mut transport = Transport::new(&rt, peer.clone(), channel.clone(), Moment::NEVER);
        peer.outbox().hold(TOKEN);
        publish(&peer, &channel, rt.now());
        drop(rt.spawn(async move {
            transport.close(&Buffers::default(), Leave::Complete).await;
        }));
        // Longer than a peer that waits for nothing is given.
        let (mut early, mut late) = (Vec::new(), Vec::new());
        assert!(!hear(&rt, &there, Duration::from_secs(5), &mut early).await);
        let next = peer.outbox().release(TOKEN);
        peer.signal().raise(Signal::FLUSH);
        assert!(next.is_empty());
        let ended = hear(&rt, &there, Duration::from_secs(5), &mut late).await;
        (early, late, ended)
    });
    let message = b"RMSG $G a 2\r\nhi\r\n".to_vec();
    assert_eq!(heard, Ok((Vec::new(), message, true)));
}
