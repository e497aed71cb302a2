//! The responding thread: sends every request's payload back, once, in order.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::codec::{Message, Operation, parse};
use crate::error::LoadError;
use crate::link::{Link, is_pause};
use crate::watch::{Board, Phase};

/// One responder and its connection.
#[derive(Debug)]
pub(crate) struct Responder {
    stream: TcpStream,
    unread: Vec<u8>,
    outgoing: Vec<u8>,
    due: u64,
}

impl Responder {
    /// Takes over a connection that has subscribed to the service's subject.
    pub(crate) fn new(link: Link) -> Self {
        let (stream, unread) = link.into_stream();
        Responder {
            stream,
            unread,
            outgoing: Vec::new(),
            due: 0,
        }
    }

    /// Answers until the board says that all is done.
    pub(crate) fn run(mut self, board: &Board) -> Result<(), LoadError> {
        let mut chunk = vec![0; 64 << 10];
        while board.phase() < Phase::Done {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(LoadError::Protocol(
                        "the server closed the responder's connection".to_owned(),
                    ));
                }
                Ok(count) => self.unread.extend_from_slice(&chunk[..count]),
                Err(error) if is_pause(&error) => continue,
                Err(source) => return Err(LoadError::io("read requests")(source)),
            }
            self.take()?;
            self.stream
                .write_all(&self.outgoing)
                .map_err(LoadError::io("send replies"))?;
            self.outgoing.clear();
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), LoadError> {
        let unread = std::mem::take(&mut self.unread);
        let mut at = 0;
        while let Some((operation, length)) = parse(&unread[at..])? {
            at += length;
            match operation {
                Operation::Message(message) => self.answer(&message)?,
                Operation::Ping => self.outgoing.extend_from_slice(b"PONG\r\n"),
                Operation::Pong | Operation::Info(_) | Operation::Ok => {}
            }
        }
        self.unread = unread;
        self.unread.drain(..at);
        Ok(())
    }

    fn answer(&mut self, message: &Message<'_>) -> Result<(), LoadError> {
        let sequence = message
            .payload
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes));
        let (Some(sequence), Some(reply)) = (sequence, message.reply) else {
            return Err(LoadError::Delivery(format!(
                "a request came without payload or reply, {} was due",
                self.due
            )));
        };
        if sequence != self.due {
            let due = self.due;
            return Err(LoadError::Delivery(format!(
                "request {sequence} came where {due} was due"
            )));
        }
        self.due += 1;
        self.outgoing.extend_from_slice(b"PUB ");
        self.outgoing.extend_from_slice(reply);
        // Writing to a Vec cannot fail.
        let _ = write!(self.outgoing, " {}\r\n", message.payload.len());
        self.outgoing.extend_from_slice(message.payload);
        self.outgoing.extend_from_slice(b"\r\n");
        Ok(())
    }
}
