//! The publishing thread: stamps a batch, writes it, and looks after its socket. It never has more under way than its
//! window allows.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::lane::Lane;
use crate::codec::{Batch, Operation, Shape, parse};
use crate::error::LoadError;
use crate::link::{Link, SLICE, is_pause};
use crate::watch::{Board, Phase};

/// Batches between two looks at what the server says.
const LISTEN_EVERY: u32 = 16;
/// Where nobody receives, messages between two `PING`s by which the server confirms them.
const PING_EVERY: u64 = 1 << 14;

/// How much a publisher may have under way and write at once, in bytes.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The window towards each receiver; without one only the socket holds the publisher back.
    pub(crate) window: Option<usize>,
    /// One write.
    pub(crate) batch: usize,
}

/// One publisher and its connection.
#[derive(Debug)]
pub(crate) struct Publisher {
    stream: TcpStream,
    batch: Batch,
    window: Option<u64>,
    unread: Vec<u8>,
    pings: usize,
    /// Messages sent before each of our unanswered `PING`s.
    fences: std::collections::VecDeque<u64>,
    fenced: u64,
    pongs: u64,
}

impl Publisher {
    /// Takes the connection over.
    pub(crate) fn new(link: Link, shape: &Shape, budget: &Budget) -> Result<Self, LoadError> {
        let (stream, unread) = link.into_stream();
        super::unblock(&stream)?;
        let batch = Batch::new(shape, budget.batch);
        // Counted in messages of which one in `step` arrives: the window holds for those that are delivered.
        let window = budget
            .window
            .map(|bytes| (bytes / batch.frame_len()).max(1) as u64);
        Ok(Publisher {
            stream,
            batch,
            window,
            unread,
            pings: 0,
            fences: Default::default(),
            fenced: 0,
            pongs: 0,
        })
    }

    /// Publishes until the board says drain, then waits until the server has taken everything.
    pub(crate) fn run(mut self, lane: &Lane, board: &Board) -> Result<(), LoadError> {
        let mut batches = 0;
        while board.phase() <= Phase::Measure {
            if let Some(window) = self.window
                && !lane.hold(self.batch.stamped(), lane.due(window))
            {
                continue;
            }
            self.batch.stamp();
            self.write(None, lane, board)?;
            if self.window.is_none() && self.batch.stamped() - self.fenced >= PING_EVERY {
                self.ping(lane, board)?;
            }
            batches += 1;
            if batches % LISTEN_EVERY == 0 || self.window.is_none() {
                self.listen(lane)?;
                self.answer(lane, board)?;
            }
        }
        self.ping(lane, board)?;
        while !self.fences.is_empty() && board.phase() != Phase::Abort {
            self.wait(PollFlags::POLLIN)?;
            self.listen(lane)?;
            self.answer(lane, board)?;
        }
        if board.phase() != Phase::Abort {
            lane.finish(self.batch.stamped());
        }
        Ok(())
    }

    fn ping(&mut self, lane: &Lane, board: &Board) -> Result<(), LoadError> {
        self.fenced = self.batch.stamped();
        self.fences.push_back(self.fenced);
        self.write(Some(b"PING\r\n"), lane, board)
    }

    fn answer(&mut self, lane: &Lane, board: &Board) -> Result<(), LoadError> {
        let pings = std::mem::take(&mut self.pings);
        for _ in 0..pings {
            self.write(Some(b"PONG\r\n"), lane, board)?;
        }
        Ok(())
    }

    /// Writes a line, or else the stamped batch, whole.
    fn write(&mut self, line: Option<&[u8]>, lane: &Lane, board: &Board) -> Result<(), LoadError> {
        let mut written = 0;
        loop {
            let bytes = line.unwrap_or_else(|| self.batch.bytes());
            if written == bytes.len() || board.phase() == Phase::Abort {
                return Ok(());
            }
            match self.stream.write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.wait(PollFlags::POLLIN | PollFlags::POLLOUT)? {
                        self.listen(lane)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    // The server's reason for hanging up, if it gave one, says more than a broken pipe.
                    self.listen(lane)?;
                    return Err(LoadError::io("publish")(source));
                }
            }
        }
    }

    /// Waits for the socket, at most a slice of time; says whether there is something to read.
    fn wait(&self, events: PollFlags) -> Result<bool, LoadError> {
        let timeout = PollTimeout::try_from(SLICE).unwrap_or(PollTimeout::ZERO);
        let mut sockets = [PollFd::new(self.stream.as_fd(), events)];
        match poll(&mut sockets, timeout) {
            Ok(_) => Ok(sockets[0]
                .revents()
                .is_some_and(|ready| ready.contains(PollFlags::POLLIN))),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(errno) => Err(LoadError::os("wait for a publisher's socket")(errno)),
        }
    }

    /// Takes in what the server says: `PING`s to answer, confirmations, errors.
    fn listen(&mut self, lane: &Lane) -> Result<(), LoadError> {
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(LoadError::Protocol(
                        "the server closed a publisher's connection".to_owned(),
                    ));
                }
                Ok(count) => self.unread.extend_from_slice(&chunk[..count]),
                Err(error) if is_pause(&error) => return Ok(()),
                Err(source) => return Err(LoadError::io("read as a publisher")(source)),
            }
            let mut at = 0;
            while let Some((operation, length)) = parse(&self.unread[at..])? {
                match operation {
                    Operation::Ping => self.pings += 1,
                    Operation::Pong => self.pongs += 1,
                    Operation::Message(_) => {
                        return Err(LoadError::Delivery(
                            "a publisher was sent a message".to_owned(),
                        ));
                    }
                    Operation::Info(_) | Operation::Ok => {}
                }
                at += length;
            }
            self.unread.drain(..at);
            self.settle(lane);
        }
    }

    /// Turns `PONG`s into confirmed messages where no receiver confirms them.
    fn settle(&mut self, lane: &Lane) {
        for _ in 0..std::mem::take(&mut self.pongs) {
            if let (Some(sent), None) = (self.fences.pop_front(), self.window) {
                lane.confirm(sent - lane.confirmed());
            }
        }
    }
}
