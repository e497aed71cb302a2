//! What this cluster announces of its interest, per account: the links told so far, and the lines for
//! them. Derived from the index's counts, first in and last out; there is no second count.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::peer::{Peer, Signal};

/// A link that one account's interest is announced to.
#[derive(Debug)]
struct Listener {
    peer: Arc<Peer>,
    /// Plain interest is announced too; before the account is switched to interest-only, only queue
    /// groups are.
    plain: bool,
}

/// The links that are told of one account's changes.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    listeners: Vec<Listener>,
}

impl Announced {
    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Tells the link of queue groups from now on.
    pub(crate) fn add(&mut self, peer: &Arc<Peer>) {
        self.listeners.push(Listener { peer: peer.clone(), plain: false });
    }

    /// Tells the link of plain interest, too.
    pub(crate) fn add_plain(&mut self, peer: &Arc<Peer>) {
        if let Some(listener) = self.listeners.iter_mut().find(|l| Arc::ptr_eq(&l.peer, peer)) {
            listener.plain = true;
        }
    }

    pub(crate) fn remove(&mut self, peer: &Arc<Peer>) {
        self.listeners.retain(|l| !Arc::ptr_eq(&l.peer, peer));
    }

    pub(crate) fn added(&self, account: &str, subject: &[u8], queue: Option<&[u8]>) {
        self.tell(queue.is_none(), |out| write_added(out, account, subject, queue));
    }

    pub(crate) fn removed(&self, account: &str, subject: &[u8], queue: Option<&[u8]>) {
        self.tell(queue.is_none(), |out| write_removed(out, account, subject, queue));
    }

    fn tell(&self, plain: bool, write: impl Fn(&mut Vec<u8>)) {
        let mut text = Vec::new();
        for listener in self.listeners.iter().filter(|l| l.plain || !plain) {
            if text.is_empty() {
                write(&mut text);
            }
            listener.peer.outbox().push_control(&text);
            listener.peer.signal().raise(Signal::FLUSH);
        }
    }
}

/// Appends `RS+ account subject [queue 1]`.
pub(crate) fn write_added(out: &mut Vec<u8>, account: &str, subject: &[u8], queue: Option<&[u8]>) {
    write(out, b"RS+ ", account, subject, queue);
    if queue.is_some() {
        // A cluster's queue group counts as one member for other clusters, whatever its size.
        out.extend_from_slice(b" 1");
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `RS- account subject [queue]`.
fn write_removed(out: &mut Vec<u8>, account: &str, subject: &[u8], queue: Option<&[u8]>) {
    write(out, b"RS- ", account, subject, queue);
    out.extend_from_slice(b"\r\n");
}

fn write(out: &mut Vec<u8>, verb: &[u8], account: &str, subject: &[u8], queue: Option<&[u8]>) {
    out.extend_from_slice(verb);
    out.extend_from_slice(account.as_bytes());
    out.push(b' ');
    out.extend_from_slice(subject);
    if let Some(queue) = queue {
        out.push(b' ');
        out.extend_from_slice(queue);
    }
}
