//! Buffers for outboxes, shared by all connections of a server: a connection owns some only while bytes
//! wait for its peer. Not here: what is in them.

use alloc::vec::Vec;

use parking_lot::Mutex;

/// Bytes kept in all, and buffers.
const KEEP: (usize, usize) = (32 * 1024 * 1024, 1024);
/// Buffers taken or left at a time, so that the lock is taken seldom.
const STEP: usize = 16;

/// The spare buffers of one server.
#[derive(Debug, Default)]
pub(crate) struct ChunkPool {
    free: Mutex<Free>,
}

#[derive(Debug, Default)]
struct Free {
    buffers: Vec<Vec<u8>>,
    /// Their capacities together.
    bytes: usize,
}

impl ChunkPool {
    /// Moves some buffers to `spare`; answers whether there were any.
    pub(crate) fn take(&self, spare: &mut Vec<Vec<u8>>) -> bool {
        let mut free = self.free.lock();
        let from = free.buffers.len().saturating_sub(STEP);
        let before = spare.len();
        spare.extend(free.buffers.drain(from..));
        free.bytes -= spare[before..].iter().map(Vec::capacity).sum::<usize>();
        !spare.is_empty()
    }

    /// Takes the buffers of `spare` back.
    pub(crate) fn give(&self, spare: &mut Vec<Vec<u8>>) {
        if !spare.is_empty() {
            let mut free = self.free.lock();
            for buffer in spare.drain(..) {
                if free.bytes + buffer.capacity() <= KEEP.0 && free.buffers.len() < KEEP.1 {
                    free.bytes += buffer.capacity();
                    free.buffers.push(buffer);
                }
            }
        }
        if spare.capacity() > STEP {
            *spare = Vec::new();
        }
    }
}
