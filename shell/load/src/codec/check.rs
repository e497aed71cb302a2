//! The receiving side's proof: every message of a publisher once, in order, with the bytes that were sent.
//!
//! All frames of a stream have one length, so the check steps through the buffer at that stride and compares; only what
//! does not match goes through the parser, which finds out what arrived instead.

use super::parse::{Message, Operation, parse};
use super::shape::{DIGITS, STAMP, Shape};
use crate::error::LoadError;

/// One in so many messages is compared whole; of the others the head and the last bytes are.
const WHOLE_EVERY: u64 = 64;
/// Bytes before the closing CR LF that are always compared.
const TAIL: usize = 8;

/// Which member of a queue group received what: together they must hold every message once.
#[derive(Debug)]
pub(crate) struct Ledger {
    seen: Vec<u64>,
    low: u64,
}

impl Ledger {
    /// A ledger in which a message may be overtaken by `span` others that went to other members; one that is overtaken
    /// by more counts as lost.
    pub(crate) fn new(span: u64) -> Self {
        Ledger {
            seen: vec![0; span.div_ceil(64).max(1) as usize],
            low: 0,
        }
    }

    fn capacity(&self) -> u64 {
        self.seen.len() as u64 * 64
    }

    fn slot(&self, sequence: u64) -> (usize, u64) {
        let index = sequence % self.capacity();
        ((index / 64) as usize, 1 << (index % 64))
    }

    fn mark(&mut self, sequence: u64) -> Result<(), String> {
        if sequence >= self.low + self.capacity() {
            return Err(format!(
                "message {} never came while {sequence} did",
                self.low
            ));
        }
        let (word, bit) = self.slot(sequence);
        if sequence < self.low || self.seen[word] & bit != 0 {
            return Err(format!(
                "message {sequence} was given to two members of the queue group"
            ));
        }
        self.seen[word] |= bit;
        loop {
            let (word, bit) = self.slot(self.low);
            if self.seen[word] & bit == 0 {
                return Ok(());
            }
            self.seen[word] &= !bit;
            self.low += 1;
        }
    }
}

/// Checks one receiver's stream.
#[derive(Debug)]
pub(crate) struct Checker {
    /// The expected frame; subject and subscription number are those of `due`.
    frame: Vec<u8>,
    payload_at: usize,
    numbers_at: Vec<usize>,
    cycle: Vec<[u8; DIGITS]>,
    turn: usize,
    step: u64,
    due: u64,
    member: bool,
    publisher: u32,
    name: String,
    /// Messages received so far.
    pub(crate) received: u64,
    /// `PING`s that wait for an answer.
    pub(crate) pings: u32,
    /// `PONG`s that came.
    pub(crate) pongs: u32,
}

impl Checker {
    /// A checker for the receiver called `name` in errors; `member` says that others take part of the messages.
    pub(crate) fn new(shape: &Shape, name: String, member: bool) -> Self {
        let headers = shape.header_block();
        let (verb, sizes) = if headers.is_empty() {
            ("MSG ", format!("{}", shape.payload))
        } else {
            (
                "HMSG ",
                format!("{} {}", headers.len(), headers.len() + shape.payload),
            )
        };
        let subject = shape.subject(0);
        let mut frame = format!("{verb}{subject} {} {sizes}\r\n", shape.sid(0)).into_bytes();
        let mut numbers_at = Vec::new();
        if shape.numbered() {
            numbers_at.push(verb.len() + shape.number_at());
            numbers_at.extend(
                shape
                    .sid_number_at()
                    .map(|at| verb.len() + subject.len() + 1 + at),
            );
        }
        frame.extend_from_slice(&headers);
        let payload_at = frame.len();
        frame.extend_from_slice(&shape.payload_template());
        frame.extend_from_slice(b"\r\n");
        let mut checker = Checker {
            frame,
            payload_at,
            numbers_at,
            cycle: shape.cycle(),
            turn: 0,
            step: shape.step(),
            due: 0,
            member,
            publisher: shape.publisher,
            name,
            received: 0,
            pings: 0,
            pongs: 0,
        };
        checker.renumber();
        checker
    }

    /// Bytes of one delivery.
    pub(crate) fn frame_len(&self) -> usize {
        self.frame.len()
    }

    /// The receiver's name and what it has, for errors.
    pub(crate) fn state(&self) -> String {
        format!("{} has {} messages", self.name, self.received)
    }

    /// Checks all complete operations at the start of `bytes` and returns their length in bytes.
    pub(crate) fn take(&mut self, bytes: &[u8], ledger: &mut Ledger) -> Result<usize, LoadError> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            if rest.len() >= self.frame.len() {
                if let Some(sequence) = self.matches(rest) {
                    self.accept(sequence, ledger)?;
                    at += self.frame.len();
                    continue;
                }
            } else if rest.is_empty() || self.may_become_a_message(rest) {
                return Ok(at);
            }
            match parse(rest)? {
                None => return Ok(at),
                Some((Operation::Message(message), _)) => return Err(self.diagnose(&message)),
                Some((operation, length)) => {
                    match operation {
                        Operation::Ping => self.pings += 1,
                        Operation::Pong => self.pongs += 1,
                        _ => {}
                    }
                    at += length;
                }
            }
        }
    }

    fn may_become_a_message(&self, rest: &[u8]) -> bool {
        let known = rest.len().min(self.payload_at);
        rest[..known] == self.frame[..known]
    }

    /// The sequence number, if `rest` starts with the expected frame.
    fn matches(&self, rest: &[u8]) -> Option<u64> {
        let frame = &rest[..self.frame.len()];
        let (head, body) = frame.split_at(self.payload_at);
        if head != &self.frame[..self.payload_at] {
            return None;
        }
        let expected = &self.frame[self.payload_at..];
        let sequence = u64::from_le_bytes(body.first_chunk().copied()?);
        let compared = if sequence.is_multiple_of(WHOLE_EVERY) {
            8..expected.len()
        } else {
            8..STAMP
        };
        let tail = expected.len() - 2 - TAIL.min(self.frame.len() - self.payload_at - 2 - STAMP);
        (body[compared.clone()] == expected[compared] && body[tail..] == expected[tail..])
            .then_some(sequence)
    }

    fn accept(&mut self, sequence: u64, ledger: &mut Ledger) -> Result<(), LoadError> {
        let wrong = if self.member {
            if sequence < self.due {
                Some(self.order(sequence))
            } else {
                ledger.mark(sequence).err()
            }
        } else {
            (sequence != self.due).then(|| self.order(sequence))
        };
        if let Some(wrong) = wrong {
            return Err(LoadError::Delivery(wrong));
        }
        self.received += 1;
        self.due = sequence + self.step;
        if !self.numbers_at.is_empty() {
            self.turn = (self.turn + self.step as usize) % self.cycle.len();
            self.renumber();
        }
        Ok(())
    }

    fn renumber(&mut self) {
        for at in &self.numbers_at {
            self.frame[*at..*at + DIGITS].copy_from_slice(&self.cycle[self.turn]);
        }
    }

    fn order(&self, sequence: u64) -> String {
        let Checker {
            name,
            due,
            publisher,
            ..
        } = self;
        if sequence < *due {
            format!(
                "{name}: message {sequence} of publisher {publisher} came again or too late, {due} was due"
            )
        } else {
            format!(
                "{name}: message {sequence} of publisher {publisher} came where {due} was due: {} lost or overtaken",
                (sequence - due) / self.step
            )
        }
    }

    /// Says what a message that is not the expected one is.
    fn diagnose(&self, message: &Message<'_>) -> LoadError {
        let template = &self.frame[self.payload_at..];
        let ours = message.payload.len() + 2 == template.len()
            && message.payload[8..STAMP] == template[8..STAMP];
        let sequence = message
            .payload
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes));
        if let (true, Some(sequence)) = (ours, sequence)
            && sequence != self.due
            && !self.member
        {
            return LoadError::Delivery(self.order(sequence));
        }
        let header = String::from_utf8_lossy(&self.frame[..self.payload_at]);
        LoadError::Delivery(format!(
            "{}: message {} came changed: subject \"{}\", subscription {}, {} bytes, for the expected \"{}\"{}",
            self.name,
            self.due,
            String::from_utf8_lossy(message.subject),
            String::from_utf8_lossy(message.sid),
            message.payload.len(),
            header.lines().next().unwrap_or_default(),
            if ours {
                ""
            } else {
                ", or it is not of this run"
            },
        ))
    }
}

#[cfg(test)]
mod tests;
