//! The requesting thread: keeps its number of requests in flight and measures each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{Inbox, PAYLOAD, Requests, SUBJECT};
use crate::codec::{Message, Operation, parse};
use crate::error::LoadError;
use crate::link::{Link, is_pause};
use crate::stats::Histogram;
use crate::watch::{Board, Phase};

/// One requester and its connection.
#[derive(Debug)]
pub(crate) struct Requester {
    stream: TcpStream,
    unread: Vec<u8>,
    inbox: String,
    kind: Inbox,
    /// When each request under way was sent, by sequence number modulo their count.
    sent_at: Vec<Instant>,
    sent: u64,
    answered: u64,
    outgoing: Vec<u8>,
    latency: Histogram,
    fenced: bool,
}

impl Requester {
    /// Takes over a connection that has subscribed to everything below `inbox`.
    pub(crate) fn new(link: Link, inbox: String, scenario: &Requests) -> Self {
        let (stream, unread) = link.into_stream();
        Requester {
            stream,
            unread,
            inbox,
            kind: scenario.inbox,
            sent_at: vec![Instant::now(); scenario.in_flight.max(1)],
            sent: 0,
            answered: 0,
            outgoing: Vec::new(),
            latency: Histogram::new(),
            fenced: false,
        }
    }

    /// Requests until the board says drain; then waits for what is under way, proves that nothing follows, and moves the
    /// board on. Returns the latencies of the measured span.
    pub(crate) fn run(
        mut self,
        answered: &AtomicU64,
        board: &Board,
    ) -> Result<Histogram, LoadError> {
        let mut chunk = vec![0; 64 << 10];
        for _ in 0..self.sent_at.len() {
            self.request(Instant::now());
        }
        loop {
            if !self.outgoing.is_empty() {
                self.stream
                    .write_all(&self.outgoing)
                    .map_err(LoadError::io("send requests"))?;
                self.outgoing.clear();
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(LoadError::Protocol(
                        "the server closed the requester's connection".to_owned(),
                    ));
                }
                Ok(count) => self.unread.extend_from_slice(&chunk[..count]),
                Err(error) if is_pause(&error) => {}
                Err(source) => return Err(LoadError::io("read replies")(source)),
            }
            let phase = board.phase();
            if phase == Phase::Abort {
                return Ok(self.latency);
            }
            if self.take(phase)? {
                board.advance(Phase::Done);
                return Ok(self.latency);
            }
            answered.store(self.answered, Ordering::Release);
            if phase == Phase::Drain && self.answered == self.sent && !self.fenced {
                self.fenced = true;
                self.outgoing.extend_from_slice(b"PING\r\n");
            }
        }
    }

    /// Takes all complete operations; says whether the fence's answer was among them.
    fn take(&mut self, phase: Phase) -> Result<bool, LoadError> {
        let now = Instant::now();
        let unread = std::mem::take(&mut self.unread);
        let mut at = 0;
        let mut pong = false;
        while let Some((operation, length)) = parse(&unread[at..])? {
            at += length;
            match operation {
                Operation::Message(message) => self.reply(&message, now, phase)?,
                Operation::Ping => self.outgoing.extend_from_slice(b"PONG\r\n"),
                Operation::Pong => pong = true,
                Operation::Info(_) | Operation::Ok => {}
            }
        }
        self.unread = unread;
        self.unread.drain(..at);
        Ok(pong && self.fenced)
    }

    fn reply(
        &mut self,
        message: &Message<'_>,
        now: Instant,
        phase: Phase,
    ) -> Result<(), LoadError> {
        let due = self.answered;
        let token = message
            .subject
            .strip_prefix(self.inbox.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"."));
        let as_due = token == Some(format!("{:016x}", self.token(due)).as_bytes());
        let sequence = message
            .payload
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes));
        if !as_due || sequence != Some(due) || message.payload.len() != PAYLOAD || due == self.sent
        {
            return Err(LoadError::Delivery(format!(
                "a reply to request {} came on \"{}\" where the one to {due} was due (of {} sent)",
                sequence.map_or("?".to_owned(), |sequence| sequence.to_string()),
                String::from_utf8_lossy(message.subject),
                self.sent
            )));
        }
        let slot = (due % self.sent_at.len() as u64) as usize;
        if phase == Phase::Measure {
            let waited = now.duration_since(self.sent_at[slot]).as_nanos();
            self.latency
                .record(u64::try_from(waited).unwrap_or(u64::MAX));
        }
        self.answered += 1;
        if phase <= Phase::Measure {
            self.request(now);
        }
        Ok(())
    }

    /// What tells the reply subject of a request from that of others.
    fn token(&self, sequence: u64) -> u64 {
        match self.kind {
            Inbox::PerRequest => sequence,
            Inbox::PerSlot => sequence % self.sent_at.len() as u64,
        }
    }

    fn request(&mut self, now: Instant) {
        let sequence = self.sent;
        let slot = (sequence % self.sent_at.len() as u64) as usize;
        self.sent_at[slot] = now;
        self.sent += 1;
        let token = self.token(sequence);
        // Writing to a Vec cannot fail.
        let _ = write!(
            self.outgoing,
            "PUB {SUBJECT} {}.{token:016x} {PAYLOAD}\r\n",
            self.inbox
        );
        self.outgoing.extend_from_slice(&sequence.to_le_bytes());
        self.outgoing.extend_from_slice(&[b'r'; PAYLOAD - 8]);
        self.outgoing.extend_from_slice(b"\r\n");
    }
}
