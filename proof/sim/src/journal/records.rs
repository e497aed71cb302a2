//! The records of the journal.

use gannet_units::Moment;

/// Number of a message in the journal; it is also in the message's payload.
pub(crate) type MessageId = usize;
/// Number of a subscription in the journal.
pub(crate) type SubId = usize;

/// One message, as its publisher knows it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) publisher: usize,
    /// The publisher's connection that it was written into.
    pub(crate) connection: u64,
    /// The server at the other end of it.
    pub(crate) server: usize,
    pub(crate) subject: String,
    /// Bytes of the payload.
    pub(crate) size: usize,
    /// Bytes of the header block.
    pub(crate) header: usize,
    pub(crate) sent_at: Moment,
    pub(crate) confirmed_at: Option<Moment>,
    /// A request: where the answer is expected.
    pub(crate) reply: Option<String>,
    /// An answer: to which request.
    pub(crate) answers: Option<MessageId>,
    /// Who has read it, in this order.
    pub(crate) deliveries: Vec<SubId>,
    /// How often the requester was told that nobody takes the request.
    pub(crate) refusals: u32,
}

impl Message {
    pub(crate) fn kind(&self) -> &'static str {
        match (&self.reply, self.answers) {
            (_, Some(_)) => "answer",
            (Some(_), None) => "request",
            (None, None) => "message",
        }
    }
}

/// One SUB on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) client: usize,
    /// The client's own name for it; the same after a reconnect.
    pub(crate) sid: u32,
    pub(crate) connection: u64,
    pub(crate) server: usize,
    pub(crate) pattern: String,
    pub(crate) queue: Option<String>,
    /// An inbox for answers, of which the oracle knows nothing.
    pub(crate) inbox: bool,
    /// Ends by itself after so many messages as it was told.
    pub(crate) limited: bool,
    pub(crate) sent_at: Moment,
    pub(crate) confirmed_at: Option<Moment>,
    /// When the latest PING was sent that has been answered on its connection.
    pub(crate) heard_at: Moment,
    /// When the client gave it up or lost its connection.
    pub(crate) ended_at: Option<Moment>,
    /// Whether the server has handled the UNSUB.
    pub(crate) end_confirmed: bool,
    /// Messages that it got.
    pub(crate) delivered: u64,
    /// How many of its server's confirmed messages have been looked at for witnessing.
    pub(crate) looked_at: usize,
}

/// A PING that is not answered yet, and what its PONG will confirm.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) at: Moment,
    /// SUBs in front of it.
    pub(crate) subs: Vec<SubId>,
    /// UNSUBs in front of it.
    pub(crate) ends: Vec<SubId>,
    /// Messages in front of it.
    pub(crate) messages: Vec<MessageId>,
}

impl Asked {
    /// Whether the PONG will confirm nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.subs.is_empty() && self.ends.is_empty() && self.messages.is_empty()
    }
}

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) subject: String,
    /// Bytes of the payload.
    pub(crate) size: usize,
    /// Bytes of the header block.
    pub(crate) header: usize,
}

/// What checkers are shown, in the order in which it happened. They are shown it a little later: what they need
/// to know of that moment, the event says.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Delivered {
        sub: SubId,
        message: MessageId,
        copy: Copy,
        /// The UNSUB had been confirmed before.
        too_late: bool,
    },
    Witnessed {
        sub: SubId,
        message: MessageId,
        /// The message had been delivered to the subscription by then.
        delivered: bool,
    },
    /// So much time has passed since the message was sent that it must be where it belongs.
    Due {
        message: MessageId,
    },
    NoResponders {
        request: MessageId,
    },
    /// A connection has ended.
    Disconnected {
        client: usize,
        server: usize,
        at: Moment,
        why: String,
        /// The client wanted it.
        at_will: bool,
    },
    ServerError {
        client: usize,
        at: Moment,
        text: String,
    },
    Nonsense {
        client: usize,
        text: String,
    },
    /// A server has shown its certificate.
    Shown {
        client: usize,
        server: usize,
        subject: String,
        /// When the client began to dial.
        since: Moment,
    },
}
