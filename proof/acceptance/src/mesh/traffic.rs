//! Numbered messages, and whether they arrived: once, in order, unharmed.

use super::client::{Client, Message};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Every so many messages have headers.
const HEADERS_EACH: usize = 5;
/// Every so many messages are too large to be copied together with others.
const LARGE_EACH: usize = 97;
/// Messages that are sent at once.
const BATCH: usize = 16;

/// Publishes `count` messages numbered from 0 to `subject`, and waits until the server has taken them.
pub(super) fn publish(speaker: &Client, subject: &str, round: usize, count: usize) {
    for first in (0..count).step_by(BATCH) {
        let mut batch = Vec::new();
        for number in first..count.min(first + BATCH) {
            message(subject, round, number, &mut batch);
        }
        speaker.send(&batch);
    }
    speaker.fence();
}

/// Appends message `number` as a client sends it.
pub(super) fn message(subject: &str, round: usize, number: usize, batch: &mut Vec<u8>) {
    let payload = payload(round, number);
    if number.is_multiple_of(HEADERS_EACH) {
        let head = headers(number);
        let (length, total) = (head.len(), head.len() + payload.len());
        batch.extend_from_slice(format!("HPUB {subject} {length} {total}\r\n{head}").as_bytes());
    } else {
        batch.extend_from_slice(format!("PUB {subject} {}\r\n", payload.len()).as_bytes());
    }
    batch.extend_from_slice(&payload);
    batch.extend_from_slice(b"\r\n");
}

fn headers(number: usize) -> String {
    format!("NATS/1.0\r\nNumber: {number}\r\n\r\n")
}

fn payload(round: usize, number: usize) -> Vec<u8> {
    let filler = if number % LARGE_EACH == 1 {
        20_000
    } else {
        number * 37 % 200
    };
    let mut text = format!("{round} {number} ").into_bytes();
    text.resize(text.len() + filler, b'x');
    text
}

/// The number of a message of `round`, which must be exactly what [`message`] made.
///
/// # Panics
/// When it is not.
pub(super) fn number_of(found: &Message, round: usize) -> usize {
    let text = String::from_utf8_lossy(&found.payload);
    let number = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    let number: usize = number.unwrap_or_else(|| panic!("a strange message: {found:?}"));
    let head = if number.is_multiple_of(HEADERS_EACH) {
        headers(number)
    } else {
        String::new()
    };
    assert!(
        found.payload == payload(round, number) && found.headers == head,
        "message {number} of round {round} came as {found:?}"
    );
    number
}

/// Which numbers arrived where: by server, subscription and publisher.
#[derive(Debug, Default)]
pub(super) struct Arrived(BTreeMap<(usize, u32, usize), Vec<usize>>);

impl Arrived {
    /// Sorts what came to the servers' listeners in `round` on subjects `mesh.data.<publisher>`.
    pub(super) fn sorted(all: &BTreeMap<usize, Vec<Message>>, round: usize) -> Arrived {
        let mut arrived = Arrived::default();
        for (&at, messages) in all {
            for message in messages {
                if let Some(publisher) = message.subject.strip_prefix("mesh.data.") {
                    let publisher = publisher.parse().expect("the publisher's number");
                    let numbers = arrived.0.entry((at, message.sid, publisher)).or_default();
                    numbers.push(number_of(message, round));
                }
            }
        }
        arrived
    }

    /// Subscription `sid` at server `at` got all messages `0..count` of `publisher`, once and in order.
    pub(super) fn expect_all(&self, at: usize, sid: u32, publisher: usize, count: usize) {
        let found = self
            .0
            .get(&(at, sid, publisher))
            .map_or(&[][..], Vec::as_slice);
        let what = || format!("subscription {sid} at server {at}, publisher {publisher}");
        expect_numbers(what, found, count);
    }

    /// The members of a group, subscriptions `sids` at any server, got each of the messages `0..count` of `publisher`
    /// once, each member in order. Returns the servers that were served.
    pub(super) fn expect_group(
        &self,
        name: &str,
        sids: Range<u32>,
        publisher: usize,
        count: usize,
    ) -> BTreeSet<usize> {
        let mut together = Vec::new();
        let mut servers = BTreeSet::new();
        for (&(at, sid, from), numbers) in &self.0 {
            if from == publisher && sids.contains(&sid) {
                assert!(
                    numbers.is_sorted(),
                    "group {name} at server {at}, publisher {publisher}, out of order: {numbers:?}"
                );
                together.extend_from_slice(numbers);
                servers.insert(at);
            }
        }
        together.sort_unstable();
        expect_numbers(
            || format!("group {name}, publisher {publisher}"),
            &together,
            count,
        );
        servers
    }
}

/// `found` is `0..count`.
///
/// # Panics
/// When it is not, with what is missing, doubled or out of order.
pub(super) fn expect_numbers(what: impl Fn() -> String, found: &[usize], count: usize) {
    if found.iter().copied().eq(0..count) {
        return;
    }
    let mut seen = vec![0_usize; count.max(found.iter().max().map_or(0, |most| most + 1))];
    for &number in found {
        seen[number] += 1;
    }
    let which = |times: &dyn Fn(usize) -> bool| -> Vec<usize> {
        let all = seen.iter().enumerate().filter(|&(_, &count)| times(count));
        all.map(|(number, _)| number).take(20).collect()
    };
    let disorder = found.windows(2).find(|pair| pair[0] > pair[1]);
    panic!(
        "{}: {} of {count} messages; missing {:?}, doubled {:?}, first out of order {disorder:?}",
        what(),
        found.len(),
        which(&|times| times == 0),
        which(&|times| times > 1),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    fn arrived(numbers: &[(u32, &[usize])]) -> Arrived {
        let of = |&(sid, numbers): &(u32, &[usize])| ((0, sid, 7), numbers.to_vec());
        Arrived(numbers.iter().map(of).collect())
    }

    fn told(work: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let panic = catch_unwind(work).expect_err("this must not hold");
        *panic.downcast::<String>().expect("a text")
    }

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_told() {
        arrived(&[(1, &[0, 1, 2])]).expect_all(0, 1, 7, 3);
        for (numbers, complaint) in [
            (
                &[0, 2][..],
                "2 of 3 messages; missing [1], doubled [], first out of order None",
            ),
            (
                &[0, 1, 1, 2],
                "4 of 3 messages; missing [], doubled [1], first out of order None",
            ),
            (
                &[0, 2, 1],
                "3 of 3 messages; missing [], doubled [], first out of order Some([2, 1])",
            ),
            (
                &[],
                "0 of 3 messages; missing [0, 1, 2], doubled [], first out of order None",
            ),
        ] {
            let text = told(|| arrived(&[(1, numbers)]).expect_all(0, 1, 7, 3));
            assert!(text.ends_with(complaint), "{text}");
        }
    }

    #[test]
    fn a_group_gets_each_message_once_in_each_members_order() {
        arrived(&[(10, &[0, 2]), (11, &[1])]).expect_group("g", 10..12, 7, 3);
        let twice =
            told(|| drop(arrived(&[(10, &[0, 2]), (11, &[1, 2])]).expect_group("g", 10..12, 7, 3)));
        assert!(twice.contains("doubled [2]"), "{twice}");
        let disorder =
            told(|| drop(arrived(&[(10, &[2, 0]), (11, &[1])]).expect_group("g", 10..12, 7, 3)));
        assert!(disorder.contains("out of order"), "{disorder}");
    }
}
