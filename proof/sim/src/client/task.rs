//! A client's life: it dials, talks until the connection ends, and dials again.
//!
//! Not here: the conversation itself (`conversation`).

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use gannet_rt::future::{Either, race};
use gannet_rt::{Rt, Stream};
use parking_lot::Mutex;

use super::conversation::{Conversation, Ended};
use super::door::Door;
use super::{Desk, Order, Person};
use crate::journal::Journal;

/// How long a dial may take.
pub(super) const DIAL: Duration = Duration::from_secs(2);
/// Pause before the next dial: at least this, and up to twice as much.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs until the client is sent away.
pub(super) async fn live(
    rt: Rt,
    person: Person,
    desk: Arc<Mutex<Desk>>,
    journal: Arc<Mutex<Journal>>,
) {
    let door = Door::of(&rt, &person);
    loop {
        let dial = door.pass(&rt, &person, &journal);
        if let Ok(Some((stream, heard))) = rt.timeout(DIAL, dial).await {
            let ended = talk(&rt, &person, &desk, &journal, (stream, heard)).await;
            if ended == Ended::Left {
                break;
            }
        }
        if told_to_leave(&rt, &desk).await {
            break;
        }
    }
    let mut desk = desk.lock();
    desk.gone = true;
    desk.connected = false;
}

/// Waits before the next dial; true if the client was sent away meanwhile.
async fn told_to_leave(rt: &Rt, desk: &Mutex<Desk>) -> bool {
    let pause = PAUSE + Duration::from_micros(rt.random_u64() % 100_000);
    let mut timer = rt.sleep(pause);
    loop {
        match race(&mut timer, poll_fn(|cx| desk.lock().poll_order(cx))).await {
            Either::First(()) => return false,
            Either::Second(Order::Leave) => return true,
            // Subscriptions are made anew on the next connection; messages have nowhere to go.
            Either::Second(_) => {}
        }
    }
}

async fn talk(
    rt: &Rt,
    person: &Person,
    desk: &Arc<Mutex<Desk>>,
    journal: &Mutex<Journal>,
    (stream, heard): (Stream, Vec<u8>),
) -> Ended {
    let connection = journal.lock().connected((person.id, person.home), rt.now());
    let mut conversation = Conversation::new(rt, person, desk, journal, stream, connection);
    conversation.hear(heard);
    let ended = conversation.run().await;
    let why = conversation.why();
    let at_will = ended == Ended::Left || conversation.is_dropped;
    {
        let mut desk = desk.lock();
        desk.connected = false;
        desk.settled = false;
    }
    journal.lock().disconnected(
        (person.id, person.home),
        connection,
        rt.now(),
        (&why, at_will),
    );
    ended
}
