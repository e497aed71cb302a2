//! What a connection has read and not yet used. Between reads it owns only the beginning of an
//! operation that is not complete yet; the large buffer is borrowed from the server.

use std::io;

use bytes::{Bytes, BytesMut};
use gannet_rt::Stream;

use crate::buffers::{Buffers, READ_SIZE};

/// From this size on, an operation gets a buffer of its own, of just its size, that deliveries can share
/// instead of copying.
const OWN_BUFFER_FROM: usize = gannet_broker::LINK_FROM;
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
    /// A large operation being read, and its size.
    large: Option<(BytesMut, usize)>,
    after_large: bool,
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
    pub(crate) fn read(&mut self, stream: &Stream, buffers: &Buffers) -> io::Result<(usize, bool)> {
        if let Some((large, size)) = &mut self.large {
            let missing = *size - large.len();
            let n = stream.try_read_buf(large, missing)?;
            return Ok((n, n == missing));
        }
        if self.buffer.is_none() {
            let mut buffer = buffers.take();
            buffer[..self.rest.len()].copy_from_slice(&self.rest);
            self.filled = self.rest.len();
            self.rest = Vec::new();
            self.buffer = Some(buffer);
        }
        let Some(buffer) = &mut self.buffer else { return Ok((0, false)) };
        let end = if self.after_large { (self.filled + SHORT_READ).min(READ_SIZE) } else { READ_SIZE };
        let n = stream.try_read(&mut buffer[self.filled..end])?;
        self.after_large = false;
        self.filled += n;
        Ok((n, self.filled == end))
    }

    /// Takes what was read, to be worked on. Give the rest back with [`Input::put_back`].
    pub(crate) fn take(&mut self) -> Ready {
        match self.large.take() {
            Some((large, size)) if large.len() == size => {
                self.after_large = true;
                return Ready::Large(large.freeze());
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
    pub(crate) fn put_back(&mut self, mut buffer: Vec<u8>, used: usize, filled: usize, need: usize) {
        let left = filled - used;
        if need > READ_SIZE || (need >= OWN_BUFFER_FROM && left > 0 && need > left) {
            let mut large = BytesMut::with_capacity(need);
            large.extend_from_slice(&buffer[used..filled]);
            self.large = Some((large, need));
            self.filled = 0;
        } else {
            buffer.copy_within(used..filled, 0);
            self.filled = left;
        }
        self.buffer = Some(buffer);
    }

    /// Puts back a large operation that turned out to need more bytes than thought.
    pub(crate) fn put_back_large(&mut self, bytes: &Bytes, used: usize, need: usize) {
        let mut large = BytesMut::with_capacity(need);
        large.extend_from_slice(&bytes[used..]);
        self.large = Some((large, need));
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
