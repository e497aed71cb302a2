//! Streams with one thing wrong, and what the checker says about them.

use super::super::batch::Batch;
use super::super::shape::Subscription;
use super::*;

fn shape(subjects: u32, subscription: Subscription) -> Shape {
    Shape {
        payload: 48,
        headers: 0,
        subjects,
        subscription,
        publisher: 2,
        run: 9,
    }
}

/// The deliveries that a server makes of the given messages.
fn deliveries(shape: &Shape, count: u64) -> Vec<Vec<u8>> {
    let mut batch = Batch::new(shape, 1);
    let mut frames = Vec::new();
    for _ in 0..count {
        batch.stamp();
        let bytes = batch.bytes();
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let text = std::str::from_utf8(&bytes[..line]).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let sid = shape.sid(words[1].rsplit('.').next().unwrap().parse().unwrap_or(0));
        let verb = if words[0] == "PUB" { "MSG" } else { "HMSG" };
        let head = format!("{verb} {} {sid} {}\r\n", words[1], words[2..].join(" "));
        frames.push([head.as_bytes(), &bytes[line..]].concat());
    }
    frames
}

fn check(shape: &Shape, stream: &[Vec<u8>]) -> Result<u64, String> {
    let mut checker = Checker::new(shape, "receiver 0".to_owned(), false);
    let bytes = stream.concat();
    let taken = checker
        .take(&bytes, &mut Ledger::new(128))
        .map_err(|error| error.to_string())?;
    assert_eq!(taken, bytes.len());
    Ok(checker.received)
}

#[test]
fn a_whole_stream_is_counted_however_it_is_cut() {
    for shape in [
        shape(1, Subscription::Literal),
        shape(7, Subscription::Wildcard),
        Shape {
            headers: 40,
            ..shape(1, Subscription::Literal)
        },
        Shape {
            payload: 16,
            ..shape(1, Subscription::Literal)
        },
    ] {
        let mut stream = deliveries(&shape, 20);
        stream.insert(5, b"PING\r\n".to_vec());
        stream.insert(9, b"INFO {}\r\n".to_vec());
        stream.push(b"PONG\r\n".to_vec());
        let bytes = stream.concat();
        for cut in 0..bytes.len() {
            let mut checker = Checker::new(&shape, "receiver 0".to_owned(), false);
            let mut ledger = Ledger::new(128);
            let first = checker.take(&bytes[..cut], &mut ledger).unwrap();
            let second = checker.take(&bytes[first..], &mut ledger).unwrap();
            assert_eq!(first + second, bytes.len());
            assert_eq!((checker.received, checker.pings, checker.pongs), (20, 1, 1));
        }
    }
}

#[test]
fn only_the_subscribed_subjects_are_due() {
    let shape = shape(20, Subscription::EveryNth(10));
    let all = deliveries(&shape, 41);
    let subscribed: Vec<_> = all.into_iter().step_by(10).collect();
    assert_eq!(check(&shape, &subscribed), Ok(5));
}

#[test]
fn a_doubled_message_is_an_error() {
    let shape = shape(1, Subscription::Literal);
    let mut stream = deliveries(&shape, 5);
    stream.insert(3, stream[2].clone());
    assert_eq!(
        check(&shape, &stream).unwrap_err(),
        "delivery: receiver 0: message 2 of publisher 2 came again or too late, 3 was due"
    );
}

#[test]
fn a_lost_message_is_an_error() {
    let shape = shape(1, Subscription::Literal);
    let mut stream = deliveries(&shape, 6);
    stream.drain(2..4);
    assert_eq!(
        check(&shape, &stream).unwrap_err(),
        "delivery: receiver 0: message 4 of publisher 2 came where 2 was due: 2 lost or overtaken"
    );
}

#[test]
fn swapped_messages_are_an_error_for_any_subscription() {
    for shape in [
        shape(1, Subscription::Literal),
        shape(30, Subscription::Wildcard),
    ] {
        let mut stream = deliveries(&shape, 6);
        stream.swap(1, 2);
        assert_eq!(
            check(&shape, &stream).unwrap_err(),
            "delivery: receiver 0: message 2 of publisher 2 came where 1 was due: 1 lost or overtaken"
        );
    }
}

#[test]
fn changed_bytes_are_an_error() {
    let shape = shape(1, Subscription::Literal);
    let stream = deliveries(&shape, 65);
    let last = stream[0].len() - 1;
    // Message 64 is one of those compared whole; of message 1 the head and the tail are.
    for (message, at) in [(64, last - 20), (1, last - 3), (1, 4)] {
        let mut stream = stream.clone();
        stream[message][at] ^= 1;
        let error = check(&shape, &stream).unwrap_err();
        assert!(
            error.contains(&format!("message {message} came changed")),
            "{error}"
        );
    }
}

#[test]
fn a_message_of_another_run_or_subscription_is_an_error() {
    let shape = shape(1, Subscription::Literal);
    let foreign = deliveries(&Shape { run: 10, ..shape }, 1);
    assert!(
        check(&shape, &foreign)
            .unwrap_err()
            .ends_with("or it is not of this run")
    );
    let text = b"MSG load.p2 2 48\r\n".to_vec();
    let other = [vec![
        [&text[..], &deliveries(&shape, 1)[0][text.len()..]].concat(),
    ]]
    .concat();
    assert!(
        check(&shape, &other)
            .unwrap_err()
            .contains("subscription 2")
    );
    assert!(
        check(&shape, &[b"-ERR 'Stale Connection'\r\n".to_vec()])
            .unwrap_err()
            .contains("Stale Connection")
    );
}

#[test]
fn a_queue_group_holds_every_message_once() {
    let shape = shape(1, Subscription::Queue);
    let stream = deliveries(&shape, 8);
    let mut ledger = Ledger::new(128);
    let mut members: Vec<_> = (0..2)
        .map(|n| Checker::new(&shape, format!("member {n}"), true))
        .collect();
    let mut give = |member: usize, message: usize| {
        members[member]
            .take(&stream[message], &mut ledger)
            .map_err(|error| error.to_string())
    };
    for (member, message) in [(0, 1), (1, 0), (0, 2), (1, 3), (1, 5), (0, 4)] {
        give(member, message).unwrap();
    }
    assert_eq!(
        give(0, 5).unwrap_err(),
        "delivery: message 5 was given to two members of the queue group"
    );
    assert_eq!(
        give(1, 3).unwrap_err(),
        "delivery: member 1: message 3 of publisher 2 came again or too late, 6 was due"
    );
}

#[test]
fn a_queue_group_that_loses_a_message_is_found_out() {
    let shape = shape(1, Subscription::Queue);
    let stream = deliveries(&shape, 300);
    let mut ledger = Ledger::new(128);
    let mut member = Checker::new(&shape, "member".to_owned(), true);
    let error = stream
        .iter()
        .skip(1)
        .find_map(|frame| member.take(frame, &mut ledger).err())
        .unwrap();
    assert_eq!(
        error.to_string(),
        "delivery: message 0 never came while 128 did"
    );
}
