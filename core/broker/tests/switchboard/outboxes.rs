//! Outboxes: bounds, partial writes, who flushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use bytes::Bytes;
use gannet_broker::{Flush, LINK_FROM, Message, Overflow, Peer, PeerKind, Signal};
use proptest::prelude::*;

use crate::world::{World, text};

#[test]
fn a_client_that_leaves_too_much_waiting_is_given_up_and_nothing_of_it_kept() {
    let mut w = World::new();
    let (a, slow) = (w.client(), w.end_with(PeerKind::Client, 1000));
    slow.peer.set_echo(true);
    slow.tap.lock().room = Some(0);
    w.subscribe(&slow, "foo", None, "1");
    let mut way = w.way();
    let message = text("foo", "", &"x".repeat(100));
    let taken = (0..50)
        .take_while(|_| way.publish(&w, &a, &message.message()).local == 1)
        .count();
    assert!((8..10).contains(&taken), "{taken}");
    let outbox = slow.peer.outbox();
    assert_eq!(
        (outbox.overflow(), outbox.pending()),
        (Some(Overflow::PendingBytes), 0)
    );
}

#[test]
fn a_link_that_is_full_loses_messages_and_counts_them_but_stays() {
    let mut w = World::new();
    let a = w.client();
    let (far, link) = w.outbound("FAR", 1);
    let mut interest = Default::default();
    w.broker
        .remote_subscribe(&link, &mut interest, "$G", b"foo", None, w.now);
    far.tap.lock().room = Some(0);
    let mut way = w.way();
    let message = text("foo", "", &"x".repeat(10_000));
    for _ in 0..200 {
        assert_eq!(
            way.publish(&w, &a, &message.message()).remote,
            1,
            "somebody wanted it all the same"
        );
    }
    let stats = far.peer.outbox().stats();
    assert_eq!(stats.msgs + stats.dropped, 200);
    assert!(
        stats.dropped > 90 && far.peer.outbox().overflow().is_none(),
        "{stats:?}"
    );
    far.tap.lock().room = None;
    assert_eq!(far.peer.flush_unblocked(&mut Vec::new()), Flush::Done);
    assert_eq!(
        far.take().matches("RMSG $G foo 10000").count() as u64,
        stats.msgs
    );
}

#[test]
fn crowded_peers_hold_the_publisher_back_unless_they_lag() {
    let mut w = World::new();
    let (a, slow) = (w.client(), w.end_with(PeerKind::Client, 1000));
    slow.tap.lock().room = Some(0);
    w.subscribe(&slow, "foo", None, "1");
    let mut way = w.way();
    let message = text("foo", "", &"x".repeat(390));
    way.publish(&w, &a, &message.message());
    assert!(way.delivery.take_crowded().is_none());
    way.publish(&w, &a, &message.message());
    assert!(
        way.delivery
            .take_crowded()
            .is_some_and(|p| Arc::ptr_eq(&p, &slow.peer))
    );
    slow.peer.outbox().set_lagging(true);
    assert!(!slow.peer.outbox().is_crowded());
}

#[test]
fn large_messages_are_linked_and_small_ones_around_them_keep_their_place() {
    let mut w = World::new();
    let a = w.client();
    w.subscribe(&a, "foo", None, "1");
    let mut way = w.way();
    let payload = "y".repeat(LINK_FROM);
    let shared = Bytes::from(format!("{}\r\n{payload}\r\n", payload.len()));
    let small = text("foo", "", "s");
    let large = text("foo", "", &payload);
    a.tap.lock().room = Some(0);
    way.publish(&w, &a, &small.message());
    way.publish(
        &w,
        &a,
        &Message {
            tail: &shared,
            shared: Some(&shared),
            ..large.message()
        },
    );
    way.publish(&w, &a, &small.message());
    a.tap.lock().room = None;
    assert_eq!(a.peer.flush_unblocked(&mut Vec::new()), Flush::Done);
    let expected =
        format!("MSG foo 1 1\r\ns\r\nMSG foo 1 {LINK_FROM}\r\n{payload}\r\nMSG foo 1 1\r\ns\r\n");
    assert!(a.take() == expected);
}

#[test]
fn a_broken_connection_is_reported_to_its_task() {
    let mut w = World::new();
    let a = w.client();
    w.subscribe(&a, "foo", None, "1");
    a.tap.lock().broken = true;
    let mut way = w.way();
    assert_eq!(
        way.publish(&w, &a, &text("foo", "", "x").message()).local,
        1
    );
    let waker = std::task::Waker::noop();
    let bits = a
        .peer
        .signal()
        .poll(&mut std::task::Context::from_waker(waker));
    assert_eq!(bits, std::task::Poll::Ready(Signal::CLOSE));
    assert_eq!(
        way.publish(&w, &a, &text("foo", "", "x").message()).local,
        0
    );
}

proptest! {
    #[test]
    fn whatever_the_sink_takes_at_a_time_the_bytes_come_out_in_order(
        sizes in prop::collection::vec(0usize..40_000, 1..30),
        steps in prop::collection::vec(1usize..70_000, 1..8),
        shared in any::<bool>(),
    ) {
        let mut w = World::new();
        let a = w.end_with(PeerKind::Client, usize::MAX);
        a.peer.set_echo(true);
        w.subscribe(&a, "foo", None, "1");
        let mut way = w.way();
        let mut expected = String::new();
        for (at, size) in sizes.iter().enumerate() {
            let step = steps[at % steps.len()];
            {
                let mut tap = a.tap.lock();
                tap.step = Some(step);
                tap.room = Some(step * (at % 3));
            }
            let payload = char::from(b'a' + (at % 26) as u8).to_string().repeat(*size);
            let message = text("foo", "", &payload);
            let tail = Bytes::from(format!("{size}\r\n{payload}\r\n"));
            let message = if shared && *size >= LINK_FROM {
                Message { tail: &tail, shared: Some(&tail), ..message.message() }
            } else {
                message.message()
            };
            way.publish(&w, &a, &message);
            expected.push_str(&format!("MSG foo 1 {size}\r\n{payload}\r\n"));
            a.peer.flush_unblocked(&mut Vec::new());
        }
        a.tap.lock().room = None;
        while a.peer.outbox().pending() > 0 {
            a.peer.flush_unblocked(&mut Vec::new());
        }
        prop_assert!(a.take() == expected);
    }
}

/// A task that waits, and how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Two tasks that wait until at most so many bytes wait for the peer.
struct Waiting([Arc<Woken>; 2]);

impl Waiting {
    fn new() -> Waiting {
        Waiting([Arc::default(), Arc::default()])
    }

    /// For each, whether its wait is over.
    fn poll(&self, peer: &Peer, most: usize) -> [bool; 2] {
        self.0.each_ref().map(|woken| {
            let waker = Waker::from(woken.clone());
            peer.poll_drained(&Context::from_waker(&waker), most)
                .is_ready()
        })
    }

    /// How often each was woken since the last call.
    fn woken(&self) -> [usize; 2] {
        self.0
            .each_ref()
            .map(|woken| woken.0.swap(0, Ordering::Relaxed))
    }
}

#[test]
fn who_waits_for_an_outbox_to_drain_is_woken_when_it_has_changed() {
    let mut w = World::new();
    let (end, waiting) = (w.client(), Waiting::new());
    assert_eq!(waiting.poll(&end.peer, 0), [true, true]);
    end.tap.lock().room = Some(0);
    end.peer.send(&[b'x'; 1000]);
    end.peer.flush(&mut Vec::new());
    assert_eq!(waiting.woken(), [0, 0], "nobody waits yet");
    assert_eq!(waiting.poll(&end.peer, 999), [false, false]);
    assert_eq!(waiting.poll(&end.peer, 999), [false, false]);
    assert_eq!(waiting.poll(&end.peer, 1000), [true, true]);
    end.tap.lock().room = Some(400);
    end.peer.flush_unblocked(&mut Vec::new());
    assert_eq!(waiting.woken(), [1, 1], "once, however often they asked");
    assert_eq!(waiting.poll(&end.peer, 599), [false, false]);
    assert_eq!(waiting.poll(&end.peer, 600), [true, true]);
    end.tap.lock().room = None;
    end.peer.flush_unblocked(&mut Vec::new());
    assert_eq!(waiting.woken(), [1, 1]);
    assert_eq!(waiting.poll(&end.peer, 0), [true, true]);
}

#[test]
fn nobody_waits_for_an_outbox_that_takes_nothing_any_more() {
    type Ending = fn(&crate::world::End);
    let endings: [Ending; 3] = [
        |end| end.peer.discard(),
        |end| end.peer.send(&[b'x'; 10_000_000]),
        |end| {
            end.tap.lock().broken = true;
            end.peer.flush_unblocked(&mut Vec::new());
        },
    ];
    for ending in endings {
        let mut w = World::new();
        let (end, waiting) = (w.client(), Waiting::new());
        end.tap.lock().room = Some(0);
        end.peer.send(&[b'x'; 1000]);
        end.peer.flush(&mut Vec::new());
        assert_eq!(waiting.poll(&end.peer, 0), [false, false]);
        ending(&end);
        assert_eq!(waiting.woken(), [1, 1]);
        assert_eq!(waiting.poll(&end.peer, 0), [true, true]);
    }
}
