//! What a busy peer gets of a connection that ends.

use std::net::SocketAddr;

use gannet_broker::PeerKind;
use gannet_rt::{Runtime, Stream};
use gannet_units::ConnId;
use parking_lot::Mutex;

use super::*;
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
