//! Read buffers, lent to connections while bytes are in flight: an idle connection owns none.

use parking_lot::Mutex;

/// Size of a read buffer. A busy publisher of small messages fills it with thousands of them per
/// system call; two of them fit in a core's second-level cache beside what they are copied to.
pub(crate) const READ_SIZE: usize = 128 * 1024;
/// Buffers kept for the next borrower.
const KEEP: usize = 32;

/// The read buffers of one server.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// A buffer of [`READ_SIZE`] bytes with any content.
    pub(crate) fn take(&self) -> Vec<u8> {
        let free = self.free.lock().pop();
        free.unwrap_or_else(|| vec![0; READ_SIZE])
    }

    /// Takes a buffer back.
    pub(crate) fn give(&self, buffer: Vec<u8>) {
        let mut free = self.free.lock();
        if free.len() < KEEP && buffer.len() == READ_SIZE {
            free.push(buffer);
        }
    }
}
