//! What this cluster announces of its interest, per account: the links told so far, and the lines for
//! them. Derived from the index's counts, first in and last out; there is no second count.

use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_wire::gateway::encode;

use crate::peer::Peer;

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
        self.listeners.push(Listener {
            peer: peer.clone(),
            plain: false,
        });
    }

    /// Tells the link of plain interest, too.
    pub(crate) fn add_plain(&mut self, peer: &Arc<Peer>) {
        if let Some(listener) = self
            .listeners
            .iter_mut()
            .find(|l| Arc::ptr_eq(&l.peer, peer))
        {
            listener.plain = true;
        }
    }

    pub(crate) fn remove(&mut self, peer: &Arc<Peer>) {
        self.listeners.retain(|l| !Arc::ptr_eq(&l.peer, peer));
    }

    pub(crate) fn added(&self, account: &str, subject: &[u8], queue: Option<&[u8]>) {
        self.tell(queue.is_none(), |out| {
            encode::interest(out, account.as_bytes(), subject, queue)
        });
    }

    pub(crate) fn removed(&self, account: &str, subject: &[u8], queue: Option<&[u8]>) {
        self.tell(queue.is_none(), |out| {
            encode::no_interest(out, account.as_bytes(), subject, queue)
        });
    }

    fn tell(&self, plain: bool, write: impl Fn(&mut Vec<u8>)) {
        let mut text = Vec::new();
        for listener in self.listeners.iter().filter(|l| l.plain || !plain) {
            if text.is_empty() {
                write(&mut text);
            }
            listener.peer.send_later(&text);
        }
    }
}
