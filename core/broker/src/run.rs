//! Messages that one publisher sent in a row on one subject, none of them with a reply: what they have
//! in common is decided and done once. Not here: their delivery (`delivery::run`).

use alloc::vec::Vec;

use crate::message::Message;

/// Messages that one run holds at most: past that, there is nothing left to be saved by a longer one.
const MOST: usize = 1024;
/// First room of a run.
const ROOM: usize = 128;

/// One message of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    /// As in [`Message::tail`].
    pub(crate) tail: &'a [u8],
    payload_len: u32,
    header_len: u32,
}

/// Messages in a row on one subject, without replies, all with headers or all without.
#[derive(Debug, Default)]
pub struct Run<'a> {
    subject: &'a [u8],
    headers: bool,
    items: Vec<Item<'a>>,
    tails_len: usize,
    payloads_len: usize,
}

impl<'a> Run<'a> {
    /// Begins anew with `first`, which has no reply, is not shared, and has a tail.
    pub fn begin(&mut self, first: &Message<'a>) {
        self.items.clear();
        self.tails_len = 0;
        self.payloads_len = 0;
        if self.items.capacity() == 0 {
            self.items.reserve(ROOM);
        }
        self.subject = first.subject;
        self.headers = first.header_len.is_some();
        self.push(first);
    }

    /// Adds one more, of the same kind and on the same subject as the first.
    #[inline]
    pub fn push(&mut self, msg: &Message<'a>) {
        self.tails_len += msg.tail.len();
        self.payloads_len += msg.payload.len();
        self.items.push(Item {
            tail: msg.tail,
            payload_len: msg.payload.len() as u32,
            header_len: msg.header_len.unwrap_or(0) as u32,
        });
    }

    /// Whether it takes no more.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.items.len() >= MOST
    }

    /// Messages it holds.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes of headers and payloads, as counted in statistics.
    pub fn size(&self) -> usize {
        self.payloads_len
    }

    /// Their subject.
    pub fn subject(&self) -> &'a [u8] {
        self.subject
    }

    pub(crate) fn has_headers(&self) -> bool {
        self.headers
    }

    pub(crate) fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    /// Bytes of all frames whose beginnings are `prefix_len` long.
    pub(crate) fn frames_len(&self, prefix_len: usize) -> usize {
        self.tails_len + self.items.len() * prefix_len
    }

    /// One of them as a message of its own.
    pub(crate) fn message(&self, item: &Item<'a>) -> Message<'a> {
        let end = item.tail.len() - 2;
        Message {
            subject: self.subject,
            reply: b"",
            header_len: self.headers.then_some(item.header_len as usize),
            payload: &item.tail[end - item.payload_len as usize..end],
            tail: item.tail,
            shared: None,
        }
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = Message<'a>> {
        self.items.iter().map(|item| self.message(item))
    }
}

impl Item<'_> {
    /// Bytes of headers and payload.
    pub(crate) fn size(&self) -> usize {
        self.payload_len as usize
    }
}
