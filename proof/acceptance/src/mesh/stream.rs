//! Messages that never pause while something happens to the mesh, for connections that stay.

use super::client::{Client, Message};
use super::interest::Interest;
use super::running::Mesh;
use super::traffic;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Messages between two round trips.
const BURST: usize = 10;
/// What counts as progress: so many messages from each publisher to each listener.
const PROGRESS: usize = 100;
/// Subscriptions of each listener.
const PLAIN: u32 = 1;
const CREW: u32 = 2;

/// Publishers and listeners on some servers: each listener gets everything, and is a member of one queue group with all
/// the others.
#[derive(Debug)]
pub struct Stream {
    stop: Arc<AtomicBool>,
    speakers: BTreeMap<usize, JoinHandle<usize>>,
    listeners: BTreeMap<usize, Client>,
    /// What the stream has subscribed to, and what others add to it.
    pub interest: Interest,
}

impl Stream {
    /// Starts on the running servers of `mesh`, once everybody knows who wants what.
    pub fn start(mesh: &Mesh) -> Stream {
        let mut stream = Stream {
            stop: Arc::default(),
            speakers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            interest: Interest::default(),
        };
        for index in mesh.running() {
            let listener = connect(mesh, index);
            listener.send(b"SUB stream.* 1\r\nSUB stream.* crew 2\r\n");
            listener.fence();
            stream.interest.add(index, "stream.*", "");
            stream.interest.add(index, "stream.*", "crew");
            stream.listeners.insert(index, listener);
        }
        stream.interest.await_everywhere(mesh);
        for index in mesh.running() {
            let speaker = connect(mesh, index);
            let stop = Arc::clone(&stream.stop);
            let thread = std::thread::spawn(move || speak(&speaker, index, &stop));
            stream.speakers.insert(index, thread);
        }
        stream.await_progress();
        stream
    }

    /// Waits until every listener has got some more of every publisher.
    pub fn await_progress(&self) {
        for listener in self.listeners.values() {
            let before = listener.count_of(|message| message.sid == PLAIN);
            let enough = before + PROGRESS * self.speakers.len();
            listener.wait_for("the stream to go on", |messages| {
                let now = messages
                    .iter()
                    .filter(|message| message.sid == PLAIN)
                    .count();
                if now >= enough {
                    Ok(())
                } else {
                    Err(format!("{now} of {enough}"))
                }
            });
        }
    }

    /// What somebody heard who did not listen from the beginning: of each publisher a piece without gap or repetition.
    ///
    /// # Panics
    /// When that is not so.
    pub fn expect_pieces(who: &str, messages: &[Message]) {
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        for message in messages
            .iter()
            .filter(|message| message.subject.starts_with("stream."))
        {
            let number = traffic::number_of(message, 0);
            if let Some(before) = last.insert(&message.subject, number) {
                assert_eq!(number, before + 1, "{} at {who}", message.subject);
            }
        }
        assert!(!last.is_empty(), "{who} heard nothing of the stream");
    }

    /// Stops the publishers and judges: everything arrived at every listener once and in order, and at one member of
    /// the group. Returns the number of messages published.
    ///
    /// # Panics
    /// When that is not so.
    pub fn finish(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let counts: BTreeMap<usize, usize> = self
            .speakers
            .into_iter()
            .map(|(index, thread)| {
                (
                    index,
                    thread.join().expect("the publisher's connection stays"),
                )
            })
            .collect();
        let total: usize = counts.values().sum();
        let mut crew: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for listener in self.listeners.values() {
            listener.wait_for("everything that was published", |messages| {
                let plain = messages
                    .iter()
                    .filter(|message| message.sid == PLAIN)
                    .count();
                if plain >= total {
                    Ok(())
                } else {
                    Err(format!("{plain} of {total}"))
                }
            });
            listener.fence();
            let taken = listener.take();
            for (&from, &count) in &counts {
                let plain = numbers(&taken, from, PLAIN);
                traffic::expect_numbers(
                    || format!("stream of {from} at {}", listener.name),
                    &plain,
                    count,
                );
                let share = numbers(&taken, from, CREW);
                assert!(
                    share.is_sorted(),
                    "the group's member at {} out of order: {share:?}",
                    listener.name
                );
                crew.entry(from).or_default().extend(share);
            }
        }
        for (from, mut numbers) in crew {
            numbers.sort_unstable();
            traffic::expect_numbers(
                || format!("the group, stream of {from}"),
                &numbers,
                counts[&from],
            );
        }
        total
    }
}

fn connect(mesh: &Mesh, index: usize) -> Client {
    let node = &mesh.nodes()[index];
    Client::connect(&node.name, &node.server.client_address())
}

fn numbers(messages: &[Message], from: usize, sid: u32) -> Vec<usize> {
    let subject = format!("stream.{from}");
    messages
        .iter()
        .filter(|message| message.subject == subject && message.sid == sid)
        .map(|message| traffic::number_of(message, 0))
        .collect()
}

fn speak(speaker: &Client, index: usize, stop: &AtomicBool) -> usize {
    let subject = format!("stream.{index}");
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut batch = Vec::new();
        for number in next..next + BURST {
            traffic::message(&subject, 0, number, &mut batch);
        }
        next += BURST;
        speaker.send(&batch);
        speaker.fence();
    }
    next
}
