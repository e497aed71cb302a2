//! Buffers for outboxes, shared by all connections of a server: a connection owns some only while bytes
//! wait for its peer. Not here: what is in them.

use alloc::vec::Vec;

use parking_lot::Mutex;

use crate::outbox::CHUNK;

/// Bytes kept in all.
const KEEP: usize = 16 * 1024 * 1024;
/// Buffers taken or left at a time, so that the lock is taken seldom.
const STEP: usize = 16;

/// The spare buffers of one server.
#[derive(Debug, Default)]
pub(crate) struct ChunkPool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl ChunkPool {
    /// Moves some buffers to `spare`; answers whether there were any.
    pub(crate) fn take(&self, spare: &mut Vec<Vec<u8>>) -> bool {
        let mut free = self.free.lock();
        let from = free.len().saturating_sub(STEP);
        spare.extend(free.drain(from..));
        !spare.is_empty()
    }

    /// Takes the buffers of `spare` back.
    pub(crate) fn give(&self, spare: &mut Vec<Vec<u8>>) {
        if !spare.is_empty() {
            let mut free = self.free.lock();
            let room = (KEEP / CHUNK).saturating_sub(free.len());
            free.extend(spare.drain(..).take(room));
        }
        if spare.capacity() > STEP {
            *spare = Vec::new();
        }
    }
}
