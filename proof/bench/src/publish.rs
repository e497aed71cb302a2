//! Delivery: from a message to the sinks of everybody who wants it, with the plan made before where
//! nothing else is said. Not here: reading the message, but for the one that goes all the way.

use std::hint::black_box;

use gannet_broker::{Hop, Message, Origin, PeerKind, Run};

use crate::decode::{read_buffer, ready_session};
use crate::frame;
use crate::room::{BATCH, Room, SUBJECT, message, tail};

/// Bytes that a subscriber gets of a message.
pub(crate) const FRAME_16: usize = frame("MSG orders.eu.created 1 16", 16);
/// Bytes that a subscriber gets of a larger message.
pub(crate) const FRAME_128: usize = frame("MSG orders.eu.created 1 128", 128);
/// Bytes that another cluster gets.
pub(crate) const LINK_FRAME_128: usize = frame("RMSG $G orders.eu.created 128", 128);
/// Bytes that another cluster gets of a request whose way back it must be told.
pub(crate) const LINK_REQUEST_16: usize = frame(
    "RMSG $G orders.eu.created _GR_.cccccc.ssssss._INBOX.jyBLJCP8XoBGCZN6vBsJYd.4f 16",
    16,
);
/// Bytes that a subscriber gets of each of many subjects.
pub(crate) const SENSOR_FRAME_16: usize = frame("MSG sensors.s00000.temperature 1 16", 16);
/// Bytes of a server's own conversation.
pub(crate) const PONG: &[u8] = b"PONG\r\n";

const REPLY: &str = "_INBOX.jyBLJCP8XoBGCZN6vBsJYd.4f";

fn deliver(mut room: Room, n: usize, batch: usize, reply: &str, size: usize) -> usize {
    let mut way = room.way();
    let tail = tail(size);
    let message = message(SUBJECT.as_bytes(), reply.as_bytes(), size, &tail);
    way.in_batches(&room, n, batch, |way, _| {
        way.publish(&room, black_box(&message))
    });
    room.taken()
}

/// A message to so many subscribers.
pub(crate) fn to_subscribers<const COUNT: usize, const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    (0..COUNT).for_each(|_| room.subscriber(SUBJECT, None));
    deliver(room, n, BATCH, "", SIZE)
}

/// Messages in runs as long as a batch, each run delivered in one go.
fn deliver_runs(mut room: Room, n: usize, size: usize) -> usize {
    let mut way = room.way();
    let tail = tail(size);
    let message = message(SUBJECT.as_bytes(), b"", size, &tail);
    let mut run = Run::default();
    let mut done = 0;
    while done < n {
        way.delivery.begin(room.now);
        run.begin(black_box(&message));
        (1..BATCH.min(n - done)).for_each(|_| run.push(black_box(&message)));
        way.publisher
            .publish_run(&room.broker, &mut way.delivery, &way.from, &run);
        way.delivery.finish(&room.broker);
        done += BATCH;
    }
    room.taken()
}

/// Runs to so many subscribers.
pub(crate) fn runs_to_subscribers<const COUNT: usize, const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    (0..COUNT).for_each(|_| room.subscriber(SUBJECT, None));
    deliver_runs(room, n, SIZE)
}

/// Runs to the members of a queue group.
pub(crate) fn runs_to_queue<const COUNT: usize, const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    (0..COUNT).for_each(|_| room.subscriber(SUBJECT, Some("workers")));
    deliver_runs(room, n, SIZE)
}

/// Runs to another cluster.
pub(crate) fn runs_to_link<const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    room.link(SUBJECT);
    deliver_runs(room, n, SIZE)
}

/// A message that comes alone and is flushed at once.
pub(crate) fn alone<const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    room.subscriber(SUBJECT, None);
    deliver(room, n, 1, "", SIZE)
}

/// A message to one member of a queue group.
pub(crate) fn to_queue<const COUNT: usize, const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    (0..COUNT).for_each(|_| room.subscriber(SUBJECT, Some("workers")));
    deliver(room, n, BATCH, "", SIZE)
}

/// A message to another cluster.
pub(crate) fn to_link<const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    room.link(SUBJECT);
    deliver(room, n, BATCH, "", SIZE)
}

/// A request to another cluster, from somebody who has subscribed to the answer only just now.
pub(crate) fn request_to_link<const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    room.link(SUBJECT);
    room.subscriber("_INBOX.jyBLJCP8XoBGCZN6vBsJYd.*", None);
    deliver(room, n, BATCH, REPLY, SIZE)
}

/// A message of another cluster to a subscriber here.
pub(crate) fn from_link<const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    room.subscriber(SUBJECT, None);
    let link = room.peer(PeerKind::InboundGateway);
    let mut way = room.way();
    let tail = tail(SIZE);
    let message = message(SUBJECT.as_bytes(), b"", SIZE, &tail);
    way.in_batches(&room, n, BATCH, |way, _| {
        let (message, origin) = (black_box(&message), Origin::link(Hop::Gateway));
        way.publisher
            .publish_linked(&room.broker, &mut way.delivery, &link, message, origin);
    });
    room.taken()
}

/// Subjects in turn, far more than plans are kept for, all of which one pattern matches.
pub(crate) fn many_subjects<const SIZE: usize>(n: usize) -> usize {
    const SUBJECTS: usize = 100_000;
    let mut room = Room::new();
    room.subscriber("sensors.>", None);
    let subjects: Vec<String> = (0..SUBJECTS)
        .map(|at| format!("sensors.s{at:05}.temperature"))
        .collect();
    let mut way = room.way();
    let tail = tail(SIZE);
    way.in_batches(&room, n, BATCH, |way, at| {
        let subject = subjects[at % SUBJECTS].as_bytes();
        way.publish(&room, black_box(&message(subject, b"", SIZE, &tail)));
    });
    room.taken()
}

/// All the way from a read buffer to a subscriber.
pub(crate) fn read_and_publish<const SIZE: usize>(n: usize) -> usize {
    let mut room = Room::new();
    room.subscriber(SUBJECT, None);
    let session = black_box(ready_session());
    let buffer = read_buffer(&format!("PUB {SUBJECT} {SIZE}"), &"x".repeat(SIZE));
    let mut way = room.way();
    let mut left = &buffer[..0];
    way.in_batches(&room, n, BATCH, |way, _| {
        if left.is_empty() {
            left = black_box(&buffer);
        }
        let Some((publish, used)) = session.plain_publish(left) else {
            return;
        };
        let message = Message {
            subject: publish.subject,
            reply: publish.reply,
            header_len: publish.header_len,
            payload: publish.payload,
            tail: publish.tail,
            shared: None,
        };
        way.publish(&room, &message);
        left = &left[used..];
    });
    room.taken()
}

/// A few bytes of the conversation with one peer, and their flush.
pub(crate) fn send_and_flush(n: usize) -> usize {
    let mut room = Room::new();
    let peer = room.peer(PeerKind::Client);
    let mut spare = Vec::new();
    for _ in 0..n {
        peer.send(black_box(PONG));
        black_box(peer.flush(&mut spare));
    }
    room.taken()
}
