//! Messages on their way to a receiver. Whoever logs never waits: what finds no room is lost, and counted.

use std::collections::VecDeque;
use std::sync::Arc;

use gannet_node::Form;
use gannet_rt::sync::Notify;
use parking_lot::Mutex;

/// Messages that may wait.
const MOST: usize = 8192;
/// Bytes that may wait in them.
const MOST_BYTES: usize = 4 << 20;

/// What comes out of the queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A message.
    Message(Vec<u8>),
    /// Here, so many have found no room.
    Lost(u64),
}

/// The queue, with one task that takes from it.
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to take, or the end has come.
    ready: Notify,
    closed: Notify,
}

struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Since the last entry.
    lost: u64,
    is_closed: bool,
    /// What the last message looked like as a line.
    form: Arc<Form>,
}

impl Queue {
    pub(super) fn new(form: Arc<Form>) -> Queue {
        Queue {
            state: Mutex::new(State {
                entries: VecDeque::new(),
                bytes: 0,
                lost: 0,
                is_closed: false,
                form,
            }),
            ready: Notify::new(),
            closed: Notify::new(),
        }
    }

    /// Adds a message that came of a line of this form, or counts it as lost. After a loss there must be some room
    /// before there are more: otherwise every message would be followed by news of another loss.
    pub(super) fn push(&self, form: &Arc<Form>, message: Vec<u8>) {
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        if !Arc::ptr_eq(&state.form, form) {
            state.form = form.clone();
        }
        let share = if state.lost > 0 { 2 } else { 1 };
        let bytes = state.bytes + message.len();
        if state.entries.len() >= MOST / share || bytes > MOST_BYTES / share {
            state.lost += 1;
            return;
        }
        if state.lost > 0 {
            let lost = std::mem::take(&mut state.lost);
            state.entries.push_back(Entry::Lost(lost));
        }
        state.bytes = bytes;
        state.entries.push_back(Entry::Message(message));
        drop(state);
        self.ready.notify_one();
    }

    /// Takes the next entry; `None` once the queue is closed and empty. May be dropped without losing one.
    pub(super) async fn next(&self) -> Option<Entry> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(entry) = state.take() {
                    return Some(entry);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.ready.notified().await;
        }
    }

    /// Takes no more messages; those that are there can be had still.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.ready.notify_one();
        self.closed.notify_one();
    }

    /// Waits until the queue is closed; for one task.
    pub(super) async fn closed(&self) {
        while !self.state.lock().is_closed {
            self.closed.notified().await;
        }
    }

    /// What the last message looked like as a line.
    pub(super) fn form(&self) -> Arc<Form> {
        self.state.lock().form.clone()
    }

    /// How many messages are in the queue or have been lost untold.
    pub(super) fn left(&self) -> u64 {
        let state = self.state.lock();
        let entries = state.entries.iter().map(|entry| match entry {
            Entry::Message(_) => 1,
            Entry::Lost(count) => *count,
        });
        entries.sum::<u64>() + state.lost
    }
}

impl State {
    fn take(&mut self) -> Option<Entry> {
        let entry = match self.entries.pop_front() {
            Some(entry) => entry,
            None if self.lost > 0 => Entry::Lost(std::mem::take(&mut self.lost)),
            None => return None,
        };
        if let Entry::Message(message) = &entry {
            self.bytes -= message.len();
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use gannet_config::LoggingOptions;
    use gannet_rt::Runtime;
    use gannet_rt::sim::Sim;

    use super::*;

    struct Fixture {
        queue: Queue,
        form: Arc<Form>,
        runtime: Runtime,
    }

    impl Fixture {
        fn new() -> Fixture {
            let rt = Sim::new(1).host("a").rt();
            let form = Arc::new(Form::new(&rt, &LoggingOptions::default()));
            Fixture {
                queue: Queue::new(form.clone()),
                form,
                runtime: Runtime::new(Some(1)).expect("a runtime"),
            }
        }

        fn push(&self, message: &[u8]) {
            self.queue.push(&self.form, message.to_vec());
        }

        fn next(&self) -> Option<Entry> {
            self.runtime.block_on(self.queue.next())
        }
    }

    fn message(bytes: &[u8]) -> Option<Entry> {
        Some(Entry::Message(bytes.to_vec()))
    }

    #[test]
    fn what_finds_no_room_is_told_of_where_it_would_have_been() {
        let fixture = Fixture::new();
        for _ in 0..MOST + 3 {
            fixture.push(b"a");
        }
        assert_eq!(fixture.queue.left(), MOST as u64 + 3);
        // There is no room before half of them have gone.
        for _ in 0..MOST / 2 {
            assert_eq!(fixture.next(), message(b"a"));
            fixture.push(b"b");
        }
        assert_eq!(fixture.next(), message(b"a"));
        fixture.push(b"c");
        for _ in 0..MOST / 2 - 1 {
            assert_eq!(fixture.next(), message(b"a"));
        }
        assert_eq!(fixture.next(), Some(Entry::Lost(3 + MOST as u64 / 2)));
        assert_eq!(fixture.next(), message(b"c"));
    }

    #[test]
    fn a_loss_is_told_of_if_nothing_comes_after_it_too() {
        let fixture = Fixture::new();
        fixture.push(&vec![0; MOST_BYTES]);
        fixture.push(b"a");
        assert_eq!(fixture.next(), message(&vec![0; MOST_BYTES]));
        assert_eq!(fixture.next(), Some(Entry::Lost(1)));
        fixture.push(b"b");
        assert_eq!(fixture.next(), message(b"b"));
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_takes_no_more() {
        let fixture = Fixture::new();
        fixture.push(b"a");
        fixture.queue.close();
        fixture.push(b"b");
        fixture.runtime.block_on(fixture.queue.closed());
        assert_eq!(fixture.next(), message(b"a"));
        assert_eq!((fixture.next(), fixture.next()), (None, None));
    }
}
