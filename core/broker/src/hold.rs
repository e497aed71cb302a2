//! Messages of one outbox that wait until another connection to the same server has been read out: that
//! keeps a publisher's order where an account moves from the one to the other. Not here: the outbox.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A buffer is closed, and a new one begun, at this size.
const CHUNK: usize = 64 * 1024;

/// What stands in line.
#[derive(Debug)]
enum Item {
    /// What comes behind waits for this token.
    Wait(u64),
    /// Whole messages.
    Bytes(Vec<u8>),
    /// Somebody wants to know when everything before is on its way.
    Mark(u64),
}

/// What is to be done next with what has waited.
#[derive(Debug)]
pub(crate) enum Step {
    /// To send.
    Bytes(Vec<u8>),
    /// To report.
    Mark(u64),
}

/// A line of messages. Since whatever is waited for concerns only what came before the wait began, two
/// lines cannot wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    items: VecDeque<Item>,
}

impl Hold {
    /// What is pushed from now on waits for `token`, too.
    pub(crate) fn wait_for(&mut self, token: u64) {
        self.items.push_back(Item::Wait(token));
    }

    /// Reports `token` when everything before is on its way.
    pub(crate) fn mark(&mut self, token: u64) {
        self.items.push_back(Item::Mark(token));
    }

    /// Appends a message of `len` bytes.
    pub(crate) fn push<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]>, len: usize) {
        let has_room = |b: &Vec<u8>| b.len() + len <= CHUNK;
        if !matches!(self.items.back(), Some(Item::Bytes(b)) if has_room(b)) {
            self.items.push_back(Item::Bytes(Vec::new()));
        }
        if let Some(Item::Bytes(bytes)) = self.items.back_mut() {
            parts.for_each(|part| bytes.extend_from_slice(part));
        }
    }

    /// Nobody waits for `token` any more.
    pub(crate) fn release(&mut self, token: u64) {
        self.items
            .retain(|item| !matches!(item, Item::Wait(t) if *t == token));
    }

    /// Takes what need not wait.
    pub(crate) fn next_step(&mut self) -> Option<Step> {
        match self.items.pop_front()? {
            Item::Bytes(bytes) => Some(Step::Bytes(bytes)),
            Item::Mark(token) => Some(Step::Mark(token)),
            wait @ Item::Wait(_) => {
                self.items.push_front(wait);
                None
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
