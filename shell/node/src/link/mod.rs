//! What links to other servers have in common, be they gateways or routes: the socket, the loop around
//! it, patience with a peer that takes nothing, the way of messages into the switchboard. Not here: what
//! is said on them, and what they are for ([`Conversation`]).

mod messages;
mod task;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use gannet_broker::{Delivery, Peer, PeerKind};
use gannet_config::Secret;
use gannet_session::CloseReason;
use gannet_session::gateway::{Level, Log};
use gannet_session::link_auth::Admission;
use gannet_session::patience::Patience;
use gannet_session::trace::Speaker;
use gannet_units::Moment;

pub(crate) use messages::{Inbound, UnknownAccount, Way};
pub(crate) use task::run;

use crate::channel::Channel;
use crate::log::{self, About, Kind, Subsystem};
use crate::registry::LinkFacts;
use crate::shared::{Shared, SlowLinks};
use crate::sink::StreamSink;
use crate::tls::Handshake;
use crate::trace::Trace;
use crate::transport::Transport;

/// Changes of interest made at once. A read may bring thousands; each takes a microsecond where nobody else
/// needs the account, and far longer where many do.
const INTEREST_AT_ONCE: u32 = 256;

/// One link's socket and what goes with it.
pub(crate) struct Line {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transport: Transport,
    pub(crate) delivery: Delivery,
    pub(crate) facts: Arc<LinkFacts>,
    /// Whom its lines in the log are about.
    pub(crate) about: About,
    /// Words of our own, on their way to the outbox.
    pub(crate) words: Vec<u8>,
    /// Still to be made, before the first word.
    pub(crate) handshake: Option<Handshake>,
    /// A hash and the password to compare with it.
    pub(crate) check: Option<(Secret, Secret)>,
    /// Everything from the operation on that was handled last is compressed.
    pub(crate) reads_compressed: bool,
    pub(crate) closing: Option<CloseReason>,
    /// Changes of interest that may still be made before everybody else gets their turn.
    interest_left: u32,
    trace: Option<Box<Trace>>,
    patience: Patience,
    /// When what is kept for speed was last forgotten.
    forgot: Moment,
}

/// What a new line is made for.
pub(crate) struct Purpose {
    pub(crate) kind: PeerKind,
    /// The configuration names the other end.
    pub(crate) is_configured: bool,
    pub(crate) patience: Patience,
}

impl Line {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        purpose: Purpose,
        stream: Arc<Channel>,
        addr: SocketAddr,
    ) -> Line {
        let id = shared.clients.next_id();
        let max_pending = shared.now().limits.max_pending.as_usize();
        let peer = Arc::new(Peer::new(
            id,
            purpose.kind,
            max_pending,
            Box::new(StreamSink::new(&stream)),
        ));
        let started_at = shared.rt.now();
        let facts = LinkFacts {
            addr,
            started: shared.rt.wall(),
            started_at,
            remote_id: parking_lot::Mutex::default(),
            configured: purpose.is_configured,
            tls: OnceLock::new(),
            in_msgs: AtomicU64::new(0),
            in_bytes: AtomicU64::new(0),
            last_active: AtomicU64::new(started_at.as_nanos()),
            subscriptions: AtomicU32::new(0),
            rtt_nanos: AtomicU64::new(0),
        };
        let mut line = Line {
            transport: Transport::new(&shared.rt, peer, stream, Moment::NEVER),
            delivery: Delivery::new(shared.rt.random_u64()),
            facts: Arc::new(facts),
            about: About::link(about_kind(purpose.kind), addr, id.0),
            words: Vec::new(),
            handshake: None,
            check: None,
            reads_compressed: false,
            closing: None,
            interest_left: INTEREST_AT_ONCE,
            trace: None,
            patience: purpose.patience,
            forgot: started_at,
            shared: shared.clone(),
        };
        line.begin_trace();
        line
    }

    /// Begins or ends the trace, as the log wants it now.
    pub(crate) fn begin_trace(&mut self) {
        let speaker = match self.peer().kind() {
            PeerKind::Client => Speaker::Client,
            PeerKind::Route => Speaker::Route,
            PeerKind::OutboundGateway | PeerKind::InboundGateway => Speaker::Gateway,
        };
        let about = || self.about.clone();
        // Links have no bound of lines that their traces should know of.
        let whose = (speaker, usize::MAX);
        let (before, shared, transport) = (self.trace.take(), &self.shared, &self.transport);
        self.trace = Trace::now(before, shared, transport, whose, about);
    }

    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.transport.peer
    }

    /// Writes a line of a core to the server's log.
    pub(crate) fn log(&self, line: &Log) {
        write_log(
            &self.shared,
            self.about.subsystem(),
            Some(&self.about),
            line,
        );
    }

    /// Notes a round-trip time for those who watch.
    pub(crate) fn note_rtt(&self, rtt: Duration) {
        let nanos = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
        self.facts.rtt_nanos.store(nanos, Ordering::Relaxed);
    }

    /// The link carries traffic from now on: it is shown, and waited for at the end.
    pub(crate) fn register(&self, remote_id: &str) {
        remote_id.clone_into(&mut self.facts.remote_id.lock());
        self.shared.links.add(self.peer().id(), self.facts.clone());
    }

    /// The way of messages that came over it.
    #[inline]
    pub(crate) fn way(&mut self) -> Way<'_> {
        Way {
            shared: &self.shared,
            delivery: &mut self.delivery,
            from: &self.transport.peer,
        }
    }

    /// Notes a change of interest.
    #[inline]
    pub(crate) fn count_interest(&mut self) {
        self.interest_left = self.interest_left.saturating_sub(1);
    }

    /// Whether so much interest has changed that everybody else should get their turn before there is more.
    #[inline]
    pub(crate) fn is_turn_over(&self) -> bool {
        self.interest_left == 0
    }

    fn flush(&mut self) {
        self.transport.speak(&mut self.words, self.delivery.spare());
    }
}

/// What one batch of operations brought.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) msgs: u64,
    /// Of headers and payloads.
    pub(crate) bytes: u64,
    /// There was more than PING and PONG: they keep no link from being quiet, and are no activity for those
    /// who watch it.
    pub(crate) is_active: bool,
}

impl Counts {
    /// Adds it to what was before.
    pub(crate) fn note(&self, line: &Line, now: Moment) {
        let facts = &line.facts;
        if self.is_active {
            facts.last_active.store(now.as_nanos(), Ordering::Relaxed);
        }
        if self.msgs > 0 {
            facts.in_msgs.fetch_add(self.msgs, Ordering::Relaxed);
            facts.in_bytes.fetch_add(self.bytes, Ordering::Relaxed);
            line.shared.broker.traffic.received(self.msgs, self.bytes);
        }
    }
}

/// One kind of link: what is said on it, and what its traffic means.
pub(crate) trait Conversation: Send {
    /// Carries out the first words.
    fn begin(&mut self, line: &mut Line);
    /// The connection is encrypted; this is how the peer's certificate counts.
    fn secured(&mut self, line: &mut Line, admission: Admission);
    /// The peer's certificate is not for this name.
    fn wrong_name(&mut self, name: &str);
    /// Whether nothing may be read for now.
    fn is_waiting(&self) -> bool;
    /// When [`Conversation::tick`] must be called next.
    fn next_deadline(&self) -> Moment;
    /// Performs what is traffic at the start of `bytes`, and one operation behind it that may change how the
    /// next ones are read. Answers how many bytes were used, and, if the next operation is not complete, how
    /// many it needs.
    fn step(
        &mut self,
        line: &mut Line,
        bytes: &[u8],
        whole: Option<&Bytes>,
        now: Moment,
        counts: &mut Counts,
    ) -> (usize, Option<usize>);
    /// Performs the operations in `bytes`. Answers how many bytes were used, and how many the next one
    /// needs. It stops once the line closes, is compressed from there on, or its [turn is
    /// over](Line::is_turn_over).
    fn operations(
        &mut self,
        line: &mut Line,
        bytes: &[u8],
        whole: Option<&Bytes>,
        now: Moment,
    ) -> (usize, usize) {
        let mut counts = Counts::default();
        let (mut at, mut need) = (0, None);
        while need.is_none()
            && at < bytes.len()
            && line.closing.is_none()
            && !line.reads_compressed
            && !line.is_turn_over()
            && !self.is_waiting()
        {
            let used;
            (used, need) = self.step(line, &bytes[at..], whole, now, &mut counts);
            at += used;
        }
        counts.note(line, now);
        (at, need.unwrap_or(0))
    }
    /// The answer to [`Line::check`].
    fn password_checked(&mut self, line: &mut Line, is_right: bool);
    /// Does what is due.
    fn tick(&mut self, line: &mut Line);
    /// Ends the conversation for a reason of the line's.
    fn close(&mut self, line: &mut Line, reason: CloseReason);
    /// Somebody else has orders for the link.
    fn on_news(&mut self, line: &mut Line);
    /// The server's options have changed.
    fn options_changed(&mut self, line: &mut Line);
    /// Somebody wants to know what would become of the link under other options. (Of some kinds, nothing.)
    fn try_on(&self, _line: &Line) {}
    /// Why somebody else wants the link closed, if it is neither the server's end nor a slow peer.
    fn why_closed(&self, line: &Line) -> CloseReason;
    /// Gives back what is kept for speed.
    fn rest(&mut self);
    /// Where links of this kind that are too slow or stale are counted.
    fn counters(shared: &Shared) -> &SlowLinks;
    /// The line is over: takes everything back that hangs on it.
    fn end(&mut self, line: &mut Line);
}

/// Writes a line of a core to the server's log.
pub(crate) fn write_log(shared: &Shared, subsystem: Subsystem, about: Option<&About>, line: &Log) {
    let level = match line.level {
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Complaint if shared.log.has_just_said(&line.text) => return,
        Level::Error | Level::Complaint => log::Level::Error,
    };
    let text = format_args!("{}", line.text);
    shared.log.write_about(subsystem, level, about, text);
}

fn about_kind(kind: PeerKind) -> Kind {
    match kind {
        PeerKind::Client => Kind::Client,
        PeerKind::Route => Kind::Route,
        PeerKind::OutboundGateway | PeerKind::InboundGateway => Kind::Gateway,
    }
}
