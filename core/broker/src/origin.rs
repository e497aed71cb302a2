//! Where a message came from, as far as its way on depends on it. Not here: the way itself (`delivery`).

use gannet_wire::link::Queues;

/// The kind of link that a message came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// From another cluster.
    Gateway,
    /// From another server of this cluster.
    Route,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A client of this server: everybody may get it.
    Client,
    /// Another server. From another cluster, only this cluster may get it; from this cluster, only this
    /// server's clients may.
    Link {
        /// Which kind.
        by: Hop,
        /// The queue groups that may get it.
        queues: Queues<'a>,
        /// The reply as it came, if it came mapped; the message has its plain form.
        mapped_reply: &'a [u8],
    },
    /// A mapped reply that has come home, whoever brought it: everybody interested in its plain subject may
    /// get it.
    ReturnedReply {
        /// How it came.
        by: Hop,
        /// Its own reply as it came, if that was mapped.
        mapped_reply: &'a [u8],
    },
}

impl<'a> Origin<'a> {
    /// Of a message that came by this kind of link, without queue groups or a mapped reply.
    pub fn link(by: Hop) -> Origin<'a> {
        Origin::Link {
            by,
            queues: Queues::default(),
            mapped_reply: b"",
        }
    }

    /// The message's own reply as it came, if that was mapped.
    pub(crate) fn mapped_reply(&self) -> &'a [u8] {
        match self {
            Origin::Client => b"",
            Origin::Link { mapped_reply, .. } | Origin::ReturnedReply { mapped_reply, .. } => {
                mapped_reply
            }
        }
    }

    /// Whether a member of this queue group may get it.
    pub(crate) fn asks_for(&self, queue: &[u8]) -> bool {
        match self {
            Origin::Link { queues, .. } => queues.contains(queue),
            Origin::Client | Origin::ReturnedReply { .. } => true,
        }
    }

    /// Whether other servers of this cluster may get it. What came from one of them has been sent to
    /// all of them.
    pub(crate) fn goes_to_routes(&self) -> bool {
        match self {
            Origin::Client => true,
            Origin::Link { by, .. } | Origin::ReturnedReply { by, .. } => *by == Hop::Gateway,
        }
    }

    /// Whether other clusters may get it.
    pub(crate) fn goes_to_gateways(&self) -> bool {
        matches!(self, Origin::Client | Origin::ReturnedReply { .. })
    }
}
