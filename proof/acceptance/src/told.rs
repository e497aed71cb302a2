//! What a server tells a client, taken apart: for tests that ask what came rather than which bytes.

use crate::wire::{Heard, Wire};
use serde_json::Value;
use std::time::Duration;

/// A message as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its subject.
    pub subject: String,
    /// The number of the subscription that it came for.
    pub sid: u32,
    /// Its reply; empty if none.
    pub reply: String,
    /// Its header with the first and the last line; empty if none.
    pub header: String,
    /// Its payload.
    pub payload: String,
}

/// One thing that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A message.
    Message(Message),
    /// An error: the line.
    Error(String),
    /// The answer to PING.
    Pong,
}

impl Message {
    /// The value of the header line `name`, which is there once.
    ///
    /// # Panics
    /// When it is there more often.
    pub fn header_of(&self, name: &str) -> Option<&str> {
        let mut values = self
            .header
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next();
        assert_eq!(values.next(), None, "{self:?}");
        value
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Wire {
    /// The next thing that the server tells.
    ///
    /// # Panics
    /// When it tells nothing, or ends the connection.
    pub fn told(&mut self) -> Told {
        let line = self.line();
        self.taken_apart(&line)
    }

    /// The next thing that the server tells, if it begins within `limit`.
    ///
    /// # Panics
    /// When the connection ends.
    pub fn told_within(&mut self, limit: Duration) -> Option<Told> {
        match self.hear(limit) {
            Heard::Line(line) => Some(self.taken_apart(&line)),
            Heard::Silence(_) => None,
            Heard::End(_) => panic!("the connection ended\n{}", self.story()),
        }
    }

    fn taken_apart(&mut self, line: &str) -> Told {
        if line == "PONG" {
            return Told::Pong;
        }
        if line.starts_with("-ERR ") {
            return Told::Error(line.to_owned());
        }
        let words: Vec<&str> = line.split(' ').collect();
        let message = match *words.as_slice() {
            ["MSG", subject, sid, size] => self.rest_of(subject, sid, "", "0", size),
            ["MSG", subject, sid, reply, size] => self.rest_of(subject, sid, reply, "0", size),
            ["HMSG", subject, sid, header, size] => self.rest_of(subject, sid, "", header, size),
            ["HMSG", subject, sid, reply, header, size] => {
                self.rest_of(subject, sid, reply, header, size)
            }
            _ => None,
        };
        Told::Message(
            message.unwrap_or_else(|| panic!("expected a message: {line:?}\n{}", self.story())),
        )
    }

    fn rest_of(
        &mut self,
        subject: &str,
        sid: &str,
        reply: &str,
        header: &str,
        size: &str,
    ) -> Option<Message> {
        let (header, size): (usize, usize) = (header.parse().ok()?, size.parse().ok()?);
        let sid = sid.parse().ok()?;
        let mut bytes = self.bytes(size + 2);
        bytes.truncate(size);
        let (header, payload) = bytes.split_at_checked(header)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Message {
            subject: subject.to_owned(),
            sid,
            reply: reply.to_owned(),
            header: text(header),
            payload: text(payload),
        })
    }

    /// The next thing that the server tells, which is a message.
    ///
    /// # Panics
    /// When it is something else.
    pub fn message(&mut self) -> Message {
        match self.told() {
            Told::Message(message) => message,
            other => panic!("expected a message, heard {other:?}\n{}", self.story()),
        }
    }

    /// The next message on `subject`; what comes before it is not looked at.
    pub fn message_on(&mut self, subject: &str) -> Message {
        loop {
            let message = self.message();
            if message.subject == subject {
                return message;
            }
        }
    }

    /// Sends `text`, and returns what is told until the server has processed it.
    pub fn said(&mut self, text: &str) -> Vec<Told> {
        self.send(text);
        self.send("PING\r\n");
        let mut heard = Vec::new();
        loop {
            match self.told() {
                Told::Pong => return heard,
                other => heard.push(other),
            }
        }
    }
}

/// HPUB of a message with these header lines; `reply` is empty or ends in a space.
pub fn hpub(subject: &str, reply: &str, lines: &[&str], payload: &str) -> String {
    let header = format!("NATS/1.0\r\n{}\r\n\r\n", lines.join("\r\n"));
    format!(
        "HPUB {subject} {reply}{} {}\r\n{header}{payload}\r\n",
        header.len(),
        header.len() + payload.len()
    )
}
