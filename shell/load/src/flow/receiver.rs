//! The receiving thread: one epoll loop over all receivers, with one large buffer that they share.

use std::io::{Read, Write};
use std::net::TcpStream;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::lane::Lane;
use crate::codec::{Checker, Ledger};
use crate::error::LoadError;
use crate::link::{Link, SLICE, is_pause};
use crate::watch::{Board, Phase};

/// One read.
const READ: usize = 256 << 10;
/// Receivers looked at per turn of the loop.
const EVENTS: usize = 128;

/// One receiver and its connection.
#[derive(Debug)]
pub(crate) struct Receiver {
    stream: TcpStream,
    checker: Checker,
    lane: usize,
    /// The beginning of an operation that has not arrived whole.
    carry: Vec<u8>,
    fenced: bool,
}

impl Receiver {
    /// Takes the connection over; `lane` is the publisher's number.
    pub(crate) fn new(link: Link, checker: Checker, lane: usize) -> Result<Self, LoadError> {
        let (stream, carry) = link.into_stream();
        super::unblock(&stream)?;
        Ok(Receiver {
            stream,
            checker,
            lane,
            carry,
            fenced: false,
        })
    }

    /// Reads once and checks what came.
    fn read(
        &mut self,
        buffer: &mut [u8],
        ledger: &mut Ledger,
        lane: &Lane,
    ) -> Result<(), LoadError> {
        let carried = self.carry.len();
        buffer[..carried].copy_from_slice(&self.carry);
        let end = match self.stream.read(&mut buffer[carried..]) {
            Ok(0) => {
                let state = self.checker.state();
                return Err(LoadError::Protocol(format!(
                    "the server closed a receiver's connection: {state}"
                )));
            }
            Ok(count) => carried + count,
            Err(error) if is_pause(&error) => return Ok(()),
            Err(source) => return Err(LoadError::io("read as a receiver")(source)),
        };
        let before = self.checker.received;
        let used = self.checker.take(&buffer[..end], ledger)?;
        self.carry.clear();
        self.carry.extend_from_slice(&buffer[used..end]);
        lane.confirm(self.checker.received - before);
        for _ in 0..std::mem::take(&mut self.checker.pings) {
            self.send(b"PONG\r\n")?;
        }
        Ok(())
    }

    /// Writes a line of a few bytes; a receiver writes so little that its socket always has room.
    fn send(&mut self, line: &[u8]) -> Result<(), LoadError> {
        self.stream
            .write_all(line)
            .map_err(LoadError::io("write as a receiver"))
    }
}

/// Receives until the fence has proved that nothing follows, or until the board says abort.
pub(crate) fn receive(
    mut receivers: Vec<Receiver>,
    mut ledgers: Vec<Ledger>,
    lanes: &[Lane],
    board: &Board,
) -> Result<(), LoadError> {
    let epoll =
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(LoadError::os("create an epoll"))?;
    for (index, receiver) in receivers.iter().enumerate() {
        epoll
            .add(
                &receiver.stream,
                EpollEvent::new(EpollFlags::EPOLLIN, index as u64),
            )
            .map_err(LoadError::os("add a receiver to epoll"))?;
    }
    let longest = receivers
        .iter()
        .map(|receiver| receiver.checker.frame_len())
        .max()
        .unwrap_or(0);
    // A carried beginning is shorter than a frame or than an INFO line, so there is always room to read.
    let mut buffer = vec![0; READ + longest];
    let mut events = [EpollEvent::empty(); EVENTS];
    let timeout = EpollTimeout::try_from(SLICE / 2).unwrap_or(EpollTimeout::ZERO);
    loop {
        let ready = match epoll.wait(&mut events, timeout) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(LoadError::os("wait for receivers")(errno)),
        };
        for event in &events[..ready] {
            let receiver = &mut receivers[event.data() as usize];
            let lane = receiver.lane;
            receiver.read(&mut buffer, &mut ledgers[lane], &lanes[lane])?;
        }
        match board.phase() {
            Phase::Abort => return Ok(()),
            Phase::Fence => {
                for receiver in receivers.iter_mut().filter(|receiver| !receiver.fenced) {
                    receiver.fenced = true;
                    receiver.send(b"PING\r\n")?;
                }
                if receivers.iter().all(|receiver| receiver.checker.pongs > 0) {
                    board.advance(Phase::Done);
                    return Ok(());
                }
            }
            _ => {}
        }
    }
}
