//! What a connection has read and not yet used. Between reads it owns only the beginning of an
//! operation that is not complete yet; the large buffer is borrowed from the server.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::buffers::{Buffers, READ_SIZE};
use crate::channel::Channel;

/// From this size on, an operation gets a buffer of its own, of just its size, that deliveries can share
/// instead of copying.
const OWN_BUFFER_FROM: usize = gannet_broker::LINK_FROM;
/// A buffer for a larger operation than this grows with what comes.
const GROW_FROM: usize = 1024 * 1024;
/// After such an operation, the next read is this short: it brings the next operation's line, and the
/// rest of it is then read where it belongs.
const SHORT_READ: usize = 1024;

/// The unread bytes of one connection.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Borrowed while bytes are being worked on.
    buffer: Option<Vec<u8>>,
    /// Bytes of `buffer` in use.
    filled: usize,
    /// An incomplete operation's bytes while no buffer is borrowed.
    rest: Vec<u8>,
    /// A large operation being read.
    large: Option<Large>,
    after_large: bool,
}

/// An operation too large for the shared buffer.
#[derive(Debug)]
struct Large {
    bytes: BytesMut,
    /// Bytes it has; of a line whose end is not in sight, bytes to read at most before looking again.
    size: usize,
    /// Whether `size` is known: then there is nothing to look at before all of it is there.
    known: bool,
}

impl Large {
    /// Continues with `start`, which needs at least `need` bytes to make sense.
    fn new(start: &[u8], need: usize) -> Large {
        // One byte more than there is means that nobody knows yet how many there will be.
        let known = need > start.len() + 1;
        let size = if known { need } else { start.len() + READ_SIZE };
        let mut bytes = BytesMut::with_capacity(size.min(GROW_FROM).max(start.len()));
        bytes.extend_from_slice(start);
        Large { bytes, size, known }
    }

    fn read(&mut self, stream: &Channel) -> io::Result<(usize, bool)> {
        if self.bytes.len() == self.bytes.capacity() {
            // Memory follows what has come, not what was announced.
            self.bytes
                .reserve(self.bytes.len().min(self.size - self.bytes.len()));
        }
        let room = (self.bytes.capacity() - self.bytes.len()).min(self.size - self.bytes.len());
        let n = stream.try_read_buf(&mut self.bytes, room)?;
        Ok((n, n == room))
    }

    fn is_ready(&self) -> bool {
        !self.known || self.bytes.len() == self.size
    }
}

/// Bytes to work on.
pub(crate) enum Ready {
    /// Small operations, in the borrowed buffer.
    Buffer(Vec<u8>, usize),
    /// One large operation, complete.
    Large(Bytes),
    /// Nothing complete yet.
    Nothing,
}

impl Input {
    /// Reads once. Answers how many bytes came and whether there may be more at once.
    pub(crate) fn read(
        &mut self,
        stream: &Channel,
        buffers: &Buffers,
    ) -> io::Result<(usize, bool)> {
        if let Some(large) = &mut self.large {
            return large.read(stream);
        }
        if self.buffer.is_none() {
            let mut buffer = buffers.take();
            buffer[..self.rest.len()].copy_from_slice(&self.rest);
            self.filled = self.rest.len();
            self.rest = Vec::new();
            self.buffer = Some(buffer);
        }
        let Some(buffer) = &mut self.buffer else {
            return Ok((0, false));
        };
        let end = if self.after_large {
            (self.filled + SHORT_READ).min(READ_SIZE)
        } else {
            READ_SIZE
        };
        let n = stream.try_read(&mut buffer[self.filled..end])?;
        self.after_large = false;
        self.filled += n;
        Ok((n, self.filled == end))
    }

    /// Takes what was read, to be worked on. Give the rest back with [`Input::put_back`].
    pub(crate) fn take(&mut self) -> Ready {
        match self.large.take() {
            Some(large) if large.is_ready() => {
                self.after_large = true;
                return Ready::Large(large.bytes.freeze());
            }
            Some(incomplete) => {
                self.large = Some(incomplete);
                return Ready::Nothing;
            }
            None => {}
        }
        match self.buffer.take() {
            Some(buffer) => Ready::Buffer(buffer, std::mem::take(&mut self.filled)),
            None => Ready::Nothing,
        }
    }

    /// Puts `buffer` back, of which the bytes from `used` to `filled` are left, the beginning of an
    /// operation of at least `need` bytes.
    pub(crate) fn put_back(
        &mut self,
        mut buffer: Vec<u8>,
        used: usize,
        filled: usize,
        need: usize,
    ) {
        let left = filled - used;
        if need > READ_SIZE || (need >= OWN_BUFFER_FROM && left > 0 && need > left) {
            self.large = Some(Large::new(&buffer[used..filled], need));
            self.filled = 0;
        } else {
            buffer.copy_within(used..filled, 0);
            self.filled = left;
        }
        self.buffer = Some(buffer);
    }

    /// Puts back a large operation that turned out to need more bytes than thought.
    pub(crate) fn put_back_large(&mut self, bytes: &Bytes, used: usize, need: usize) {
        self.large = Some(Large::new(&bytes[used..], need));
    }

    /// Begins with bytes that were read elsewhere, of which there may be as many as one read brings.
    pub(crate) fn begin(&mut self, bytes: &[u8], buffers: &Buffers) {
        let mut buffer = buffers.take();
        buffer[..bytes.len()].copy_from_slice(bytes);
        self.filled = bytes.len();
        self.buffer = Some(buffer);
    }

    /// Takes everything out that was read and not used.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        let filled = std::mem::take(&mut self.filled);
        match (&self.buffer, self.large.take()) {
            (_, Some(large)) => large.bytes.into(),
            (Some(buffer), None) => buffer[..filled].to_vec(),
            (None, None) => std::mem::take(&mut self.rest),
        }
    }

    /// Gives the borrowed buffer back until there is something to read.
    pub(crate) fn release(&mut self, buffers: &Buffers) {
        if let Some(buffer) = self.buffer.take() {
            self.rest = buffer[..self.filled].to_vec();
            self.filled = 0;
            buffers.give(buffer);
        }
    }
}
