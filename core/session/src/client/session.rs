//! The state machine of one client connection. Bytes go in by [`ClientSession::step`]; out come
//! steps for the owner to perform, and the session's own words to the client, appended to a buffer.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use gannet_identity::Rights;
use gannet_subject::{is_valid_literal, is_valid_pattern, token_count};
use gannet_units::Moment;
use gannet_wire::client::{
    ClientConnect, ClientOp, DecodeError, Decoded, Limits, Publish, decode, decode_plain_publish,
    decode_publish_again, encode,
};

use super::permits::{Bounds, Permits, Violation, take_away, text};
use crate::CloseReason;
use crate::keepalive::{Due, KeepAlive, Policy};

/// First ping to a client, so that its round-trip time is known soon.
const FIRST_PING: Duration = Duration::from_secs(2);

/// Bounds of a client connection.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// Longest control line, in bytes.
    pub control_line: usize,
    /// Largest payload, in bytes.
    pub payload: usize,
    /// Most subscriptions; 0 is no bound.
    pub subscriptions: usize,
    /// Most tokens of a subscription's subject; 0 is no bound.
    pub subject_tokens: usize,
    /// Time between pings.
    pub ping_interval: Duration,
    /// Pings that may be unanswered.
    pub pings_out: u32,
    /// Headers are understood.
    pub headers: bool,
    /// A client must authenticate, within this time.
    pub auth_timeout: Option<Duration>,
    /// A client that must authenticate may do so by not saying who it is: it need not send CONNECT.
    pub may_be_nobody: bool,
}

/// Where the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// The client must send CONNECT before anything else.
    ExpectConnect,
    /// CONNECT has come; the owner is looking at the credentials.
    Authenticating,
    /// Everything is allowed. CONNECT may or may not have come.
    Ready,
    /// Nothing more is read.
    Closed,
}

/// What the owner is to do with what was read.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing; go on with the next operation.
    Continue,
    /// Read more: the buffer must hold at least this many bytes, counted from its start.
    NeedMore(usize),
    /// Deliver this message.
    Publish(Publish<'a>),
    /// Count a message with a payload of so many bytes: it came, but goes nowhere.
    RefusedPublish(usize, Violation),
    /// The client was told that it may not do this.
    Refused(Violation),
    /// Subscribe, then call [`ClientSession::subscribed`].
    Subscribe {
        /// A valid pattern.
        subject: &'a [u8],
        /// Name of the queue group to join.
        queue: Option<&'a [u8]>,
        /// The client's name for the subscription.
        sid: &'a [u8],
    },
    /// End the subscription, at once or after `max` messages in all. Then call
    /// [`ClientSession::acknowledged`].
    Unsubscribe {
        /// The client's name for the subscription.
        sid: &'a [u8],
        /// Messages in all after which it ends.
        max: Option<u64>,
    },
    /// Look at the credentials, then call [`ClientSession::authenticated`]. If `again`, first drop the
    /// subscriptions that the connection has.
    Authenticate {
        /// What the client says of itself.
        connect: Box<ClientConnect>,
        /// It has connected before.
        again: bool,
    },
    /// The first ping was answered and the client takes INFO at any time: send it one that says which
    /// account it is in.
    SendConnectInfo,
    /// Flush what is to be said, then end the connection.
    Close {
        /// Why.
        reason: CloseReason,
        /// A line for the log, at error level.
        log: Option<String>,
    },
}

/// What the owner has made of the client's credentials.
#[derive(Clone, Debug)]
pub enum Answer<'a> {
    /// Welcome.
    Admitted {
        /// What it may do; everything, if there are none.
        rights: Option<Arc<Rights>>,
        /// The bounds of its user and account.
        bounds: Bounds,
        /// When it has to go; or never.
        until: Moment,
    },
    /// Unwelcome.
    Denied {
        /// Why, for monitoring: the client is not told.
        reason: CloseReason,
        /// Names it for the log; may be empty.
        who: &'a str,
    },
    /// The account has as many clients as it may have.
    AccountFull,
}

/// Why a subscription was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The connection may have no more.
    TooMany,
}

/// How the client wants to be treated.
#[derive(Clone, Copy, Debug)]
struct Manners {
    verbose: bool,
    pedantic: bool,
    echo: bool,
    no_responders: bool,
    /// It asked for an account in a way that is refused now.
    wants_account: bool,
    protocol: i64,
}

impl Manners {
    fn of(connect: &ClientConnect) -> Manners {
        Manners {
            verbose: connect.verbose,
            pedantic: connect.pedantic,
            echo: connect.echo,
            no_responders: connect.no_responders,
            wants_account: connect.new_account || !connect.account.is_empty(),
            protocol: connect.protocol,
        }
    }
}

/// What the client has said of itself so far, as JSON: another CONNECT changes only what it names, and
/// nearly all clients never send one. It holds secrets, which Debug output leaves out.
#[derive(Default)]
struct Told(Box<[u8]>);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

/// The conversation with one client.
#[derive(Debug)]
pub struct ClientSession {
    limits: Arc<ClientLimits>,
    state: ClientState,
    manners: Manners,
    told: Told,
    has_connected: bool,
    /// It spoke without CONNECT, which stands for one that says nothing and is not answered.
    is_unannounced: bool,
    /// Headers are understood at both ends.
    headers: bool,
    first_pong_sent: bool,
    keepalive: KeepAlive,
    auth_deadline: Moment,
    permits: Permits,
    /// When its credentials do not hold any more.
    expires: Moment,
    /// Largest payload, of all bounds.
    payload: usize,
    started: Moment,
    /// When it last published, pinged, or changed its subscriptions.
    last_heard: Option<Moment>,
    /// When it last published, connected, or changed its subscriptions.
    last_active: Moment,
    /// Picks the moment of the first ping.
    chance: u64,
}

impl ClientSession {
    /// A session that begins at `now`. `chance` spreads the moments of first pings.
    pub fn new(limits: Arc<ClientLimits>, now: Moment, chance: u64) -> ClientSession {
        let (state, auth_deadline) = match limits.auth_timeout {
            Some(timeout) => (ClientState::ExpectConnect, now + timeout),
            None => (ClientState::Ready, Moment::NEVER),
        };
        let mut keepalive = KeepAlive::new(Policy::client(limits.ping_interval, limits.pings_out));
        keepalive.start(now, limits.ping_interval, chance);
        ClientSession {
            state,
            manners: Manners::of(&ClientConnect::default()),
            told: Told::default(),
            has_connected: false,
            is_unannounced: false,
            headers: false,
            first_pong_sent: false,
            keepalive,
            auth_deadline,
            permits: Permits::default(),
            expires: Moment::NEVER,
            payload: limits.payload,
            limits,
            started: now,
            last_heard: None,
            last_active: now,
            chance,
        }
    }

    /// Whether CONNECT has come.
    pub fn has_connected(&self) -> bool {
        self.has_connected
    }

    /// Where the conversation is.
    pub fn state(&self) -> ClientState {
        self.state
    }

    /// Whether the client takes an INFO at any time.
    pub fn takes_info(&self) -> bool {
        self.has_connected && self.manners.protocol >= 1
    }

    /// Whether headers are understood at both ends.
    pub fn headers(&self) -> bool {
        self.headers
    }

    /// Whether the client wants to be told that nobody takes a request.
    pub fn wants_no_responders(&self) -> bool {
        self.manners.no_responders
    }

    /// Whether the client's own messages come back to it.
    pub fn echo(&self) -> bool {
        self.manners.echo
    }

    /// Round-trip time measured last.
    pub fn rtt(&self) -> Option<Duration> {
        self.keepalive.rtt()
    }

    /// When [`ClientSession::on_deadline`] wants to be called.
    pub fn deadline(&self) -> Moment {
        let keepalive = self.keepalive.deadline();
        keepalive.min(self.auth_deadline).min(self.expires)
    }

    /// Messages came from the client. (The session itself sees everything else that counts as life.)
    #[inline]
    pub fn active(&mut self, now: Moment) {
        self.last_heard = Some(now);
        self.last_active = now;
    }

    /// When the client last published, connected, or changed its subscriptions; monitoring shows that.
    /// PING and PONG are no activity.
    pub fn last_active(&self) -> Moment {
        self.last_active
    }

    /// Other bounds hold from now on.
    pub fn set_limits(&mut self, limits: Arc<ClientLimits>, now: Moment) {
        let policy = Policy::client(limits.ping_interval, limits.pings_out);
        self.keepalive.set_policy(policy, now);
        self.limits = limits;
        self.set_payload();
    }

    /// The client's user may do this from now on, within these bounds, until then.
    pub fn set_permits(&mut self, rights: Option<Arc<Rights>>, bounds: Bounds, until: Moment) {
        self.permits = Permits { rights, bounds };
        self.expires = until;
        self.set_payload();
    }

    fn set_payload(&mut self) {
        let own = self.permits.bounds.payload.unwrap_or(usize::MAX);
        self.payload = self.limits.payload.min(own);
    }

    /// Largest payload of the client's messages, in bytes.
    pub fn max_payload(&self) -> usize {
        self.payload
    }

    /// What the client has shown of itself, for looking at its credentials again; `None` if it is still to
    /// do so, or has been closed.
    pub fn shown(&self) -> Option<Box<ClientConnect>> {
        let connect = || Box::new(ClientConnect::parse(&self.told.0).unwrap_or_default());
        (self.state == ClientState::Ready).then(connect)
    }

    /// The client may not stay. `who` names its user for the log.
    pub fn turn_out(&mut self, reason: CloseReason, who: &str, out: &mut Vec<u8>) -> Step<'static> {
        encode::err(out, "Authorization Violation");
        self.close(reason, Some(authentication_error(who)))
    }

    /// The client may not keep a subscription. Answers the line for the log; `who` names its user.
    pub fn take_away(
        &self,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
        who: &str,
        out: &mut Vec<u8>,
    ) -> String {
        take_away(subject, queue, sid, who, out)
    }

    fn close<'a>(&mut self, reason: CloseReason, log: Option<String>) -> Step<'a> {
        self.state = ClientState::Closed;
        Step::Close { reason, log }
    }

    fn close_saying<'a>(&mut self, out: &mut Vec<u8>, reason: CloseReason, text: &str) -> Step<'a> {
        encode::err(out, text);
        self.close(reason, Some(text.into()))
    }

    fn auth_violation<'a>(&mut self, out: &mut Vec<u8>, log: String) -> Step<'a> {
        encode::err(out, "Authorization Violation");
        self.close(CloseReason::AuthenticationViolation, Some(log))
    }

    /// The shortcut for nearly all traffic: if `buf` starts with a whole message that needs no word from
    /// the session, answers it and how many bytes it took. Otherwise [`ClientSession::step`] must look.
    #[inline]
    pub fn plain_publish<'a>(&self, buf: &'a [u8]) -> Option<(Publish<'a>, usize)> {
        if self.state != ClientState::Ready || self.manners.verbose || self.manners.pedantic {
            return None;
        }
        let found = decode_plain_publish(buf, &self.wire_limits())?;
        let publish = &found.0;
        let usual = !is_reserved_subject(publish.subject)
            && !is_reserved_reply(publish.reply)
            && (publish.header_len.is_none() || self.headers);
        usual.then_some(found)
    }

    /// One more message without a reply, after one that [`ClientSession::plain_publish`] has just found:
    /// `start` is that one's line from its verb to the space after its subject.
    #[inline]
    pub fn publish_again<'a>(&self, buf: &'a [u8], start: &[u8]) -> Option<(Publish<'a>, usize)> {
        let found = decode_publish_again(buf, start, &self.wire_limits())?;
        found.0.reply.is_empty().then_some(found)
    }

    #[inline]
    fn wire_limits(&self) -> Limits {
        Limits {
            control_line: self.limits.control_line,
            payload: self.payload,
        }
    }

    /// Performs the operation at the start of `buf`; answers how many bytes it took. What the session
    /// has to say to the client is appended to `out`, and goes out before the step is performed.
    #[inline]
    pub fn step<'a>(&mut self, buf: &'a [u8], now: Moment, out: &mut Vec<u8>) -> (usize, Step<'a>) {
        if self.state != ClientState::Ready {
            return self.step_before_ready(buf, now, out);
        }
        match decode(buf, &self.wire_limits()) {
            Ok(Decoded::Op {
                op: ClientOp::Publish(publish),
                used,
            }) => (used, self.publish(publish, out)),
            Ok(Decoded::Op { op, used }) => (used, self.control(op, now, out)),
            Ok(Decoded::Incomplete { need }) => (0, Step::NeedMore(need)),
            Err(error) => (0, self.undecodable(buf, error, out)),
        }
    }

    #[cold]
    fn step_before_ready<'a>(
        &mut self,
        buf: &'a [u8],
        now: Moment,
        out: &mut Vec<u8>,
    ) -> (usize, Step<'a>) {
        match self.state {
            ClientState::ExpectConnect => {}
            ClientState::Authenticating | ClientState::Closed | ClientState::Ready => {
                return (0, Step::NeedMore(usize::MAX));
            }
        }
        match buf.first() {
            None => return (0, Step::NeedMore(1)),
            Some(b'C' | b'c') => {}
            Some(_) if self.limits.may_be_nobody => return (0, self.unannounced(now)),
            Some(_) => return (0, self.auth_violation(out, "authentication error".into())),
        }
        match decode(buf, &self.wire_limits()) {
            Ok(Decoded::Op {
                op: ClientOp::Connect(json),
                used,
            }) => (used, self.on_connect(json, now)),
            Ok(Decoded::Op { .. }) => (0, self.auth_violation(out, "authentication error".into())),
            Ok(Decoded::Incomplete { need }) => (0, Step::NeedMore(need)),
            Err(error) => (0, self.undecodable(buf, error, out)),
        }
    }

    /// Whether what starts like `buf` is not looked at (yet), since it is no CONNECT.
    pub fn is_too_early(&self, buf: &[u8]) -> bool {
        self.state != ClientState::Ready && !matches!(buf.first(), Some(b'C' | b'c'))
    }

    fn undecodable<'a>(&mut self, buf: &[u8], error: DecodeError, out: &mut Vec<u8>) -> Step<'a> {
        let text = format!("{error}");
        match error {
            DecodeError::UnknownOperation => {
                encode::err(out, &text);
                let log = format!("Client parser ERROR: proto='{}...'", snippet(buf));
                self.close(CloseReason::ProtocolViolation, Some(log))
            }
            DecodeError::BadArguments(what) => {
                let log = format!("{what}: \"{}\"", snippet(buf));
                self.close(CloseReason::ProtocolViolation, Some(log))
            }
            DecodeError::ControlLine => {
                self.close_saying(out, CloseReason::MaxControlLineExceeded, &text)
            }
            DecodeError::Payload => self.close_saying(out, CloseReason::MaxPayloadExceeded, &text),
        }
    }

    #[inline]
    fn publish<'a>(&mut self, publish: Publish<'a>, out: &mut Vec<u8>) -> Step<'a> {
        if publish.header_len.is_some() && !self.headers {
            return self.close(
                CloseReason::ProtocolViolation,
                Some("message headers not supported".into()),
            );
        }
        if self.manners.pedantic && is_valid_literal(publish.subject).is_err() {
            encode::err(out, "Invalid Publish Subject");
        }
        let has_reserved_reply = is_reserved_reply(publish.reply);
        if is_reserved_subject(publish.subject)
            || (has_reserved_reply && self.permits.never_publishes(publish.subject))
        {
            let violation = self.permits.refuse_publish(publish.subject, out);
            return Step::RefusedPublish(publish.payload.len(), violation);
        }
        if has_reserved_reply {
            let violation = Permits::refuse_reply(publish.reply, out);
            return Step::RefusedPublish(publish.payload.len(), violation);
        }
        if self.manners.verbose && self.permits.may_publish(publish.subject) {
            out.extend_from_slice(encode::OK);
        }
        Step::Publish(match publish.header_len {
            Some(0) => without_empty_header(publish),
            _ => publish,
        })
    }

    /// The message that was last to be published was, though that depended on what the client was asked.
    pub fn published(&mut self, subject: &[u8], out: &mut Vec<u8>) {
        if self.manners.verbose && !self.permits.may_publish(subject) {
            out.extend_from_slice(encode::OK);
        }
    }

    /// The message that was last to be published was not: the client may not.
    pub fn refused_publish(&mut self, subject: &[u8], out: &mut Vec<u8>) -> Violation {
        self.permits.refuse_publish(subject, out)
    }

    fn control<'a>(&mut self, op: ClientOp<'a>, now: Moment, out: &mut Vec<u8>) -> Step<'a> {
        match op {
            ClientOp::Publish(publish) => self.publish(publish, out),
            ClientOp::Subscribe {
                subject,
                queue,
                sid,
            } => {
                self.active(now);
                self.subscribe(subject, queue, sid, out)
            }
            ClientOp::Unsubscribe { sid, max } => {
                self.active(now);
                Step::Unsubscribe { sid, max }
            }
            ClientOp::Ping => {
                self.last_heard = Some(now);
                out.extend_from_slice(encode::PONG);
                if !self.has_connected || self.first_pong_sent {
                    return Step::Continue;
                }
                self.first_pong_sent = true;
                if self.takes_info() {
                    Step::SendConnectInfo
                } else {
                    Step::Continue
                }
            }
            ClientOp::Pong => {
                self.keepalive.answered(now);
                Step::Continue
            }
            ClientOp::Connect(json) => self.on_connect(json, now),
            ClientOp::Info(json) => match ClientConnect::parse(json) {
                Ok(_) => Step::Continue,
                Err(error) => self.close(CloseReason::ProtocolViolation, Some(format!("{error}"))),
            },
            ClientOp::Ok => Step::Continue,
            ClientOp::Err(what) => self.close(
                CloseReason::ParseError,
                Some(format!("Client Error {}", text(what))),
            ),
        }
    }

    fn on_connect<'a>(&mut self, json: &[u8], now: Moment) -> Step<'a> {
        // What was told was encoded here; before the first CONNECT it is empty and read as no JSON.
        let mut connect = Box::new(ClientConnect::parse(&self.told.0).unwrap_or_default());
        if let Err(error) = connect.update(json) {
            return self.close(CloseReason::ProtocolViolation, Some(format!("{error}")));
        }
        self.told = Told(connect.encode().into());
        self.last_active = now;
        let again = self.has_connected;
        self.has_connected = true;
        self.manners = Manners::of(&connect);
        self.headers = self.limits.headers && connect.headers;
        self.keepalive.estimate_rtt(now.since(self.started));
        self.keepalive.start(now, FIRST_PING, self.chance);
        self.auth_deadline = Moment::NEVER;
        self.state = ClientState::Authenticating;
        Step::Authenticate { connect, again }
    }

    fn unannounced<'a>(&mut self, now: Moment) -> Step<'a> {
        self.last_active = now;
        self.has_connected = true;
        self.is_unannounced = true;
        self.auth_deadline = Moment::NEVER;
        self.state = ClientState::Authenticating;
        Step::Authenticate {
            connect: Box::default(),
            again: false,
        }
    }

    /// The credentials were looked at.
    pub fn authenticated<'a>(&mut self, answer: Answer<'_>, out: &mut Vec<u8>) -> Step<'a> {
        if self.state != ClientState::Authenticating {
            return Step::Continue;
        }
        match answer {
            Answer::Admitted {
                rights,
                bounds,
                until,
            } => self.set_permits(rights, bounds, until),
            Answer::Denied { reason, who } => return self.turn_out(reason, who, out),
            Answer::AccountFull => {
                let text = "maximum account active connections exceeded";
                return self.close_saying(out, CloseReason::MaxAccountConnectionsExceeded, text);
            }
        }
        if self.manners.wants_account {
            return self.auth_violation(out, "authentication error".into());
        }
        if !(0..=1).contains(&self.manners.protocol) {
            return self.close_saying(
                out,
                CloseReason::BadClientProtocolVersion,
                "invalid client protocol",
            );
        }
        if self.manners.no_responders && !self.headers {
            let text = "no responders requires headers support";
            return self.close_saying(out, CloseReason::NoRespondersRequiresHeaders, text);
        }
        self.state = ClientState::Ready;
        if !core::mem::take(&mut self.is_unannounced) {
            self.acknowledged(out);
        }
        Step::Continue
    }

    fn subscribe<'a>(
        &mut self,
        subject: &'a [u8],
        queue: Option<&'a [u8]>,
        sid: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Step<'a> {
        let permits = &self.permits;
        if let Some(violation) = permits.refuse_subscription(subject, queue, sid, out) {
            return Step::Refused(violation);
        }
        let most = self.limits.subject_tokens;
        if most != 0 && token_count(subject) > most {
            let subject = text(subject);
            encode::err(
                out,
                &format!(
                    "Permissions Violation for Subscription to \"{subject}\", too many tokens"
                ),
            );
            return Step::Continue;
        }
        if is_valid_pattern(subject).is_err() {
            encode::err(out, "Invalid Subject");
            return Step::Continue;
        }
        Step::Subscribe {
            subject,
            queue,
            sid,
        }
    }

    /// Most subscriptions the connection may have.
    pub fn max_subscriptions(&self) -> usize {
        let own = self.permits.bounds.subscriptions.unwrap_or(usize::MAX);
        match self.limits.subscriptions {
            0 => own,
            most => most.min(own),
        }
    }

    /// A subscription was made (or was there already), or not.
    pub fn subscribed(&mut self, result: Result<(), Refused>, out: &mut Vec<u8>) {
        match result {
            Ok(()) => self.acknowledged(out),
            Err(Refused::TooMany) => encode::err(out, "maximum subscriptions exceeded"),
        }
    }

    /// An operation was performed.
    pub fn acknowledged(&mut self, out: &mut Vec<u8>) {
        if self.manners.verbose {
            out.extend_from_slice(encode::OK);
        }
    }

    /// The deadline has come (or not yet).
    pub fn on_deadline(&mut self, now: Moment, out: &mut Vec<u8>) -> Step<'static> {
        if self.state == ClientState::Closed {
            return Step::Continue;
        }
        if now >= self.auth_deadline {
            return self.close_saying(
                out,
                CloseReason::AuthenticationTimeout,
                "Authentication Timeout",
            );
        }
        if now >= self.expires {
            let text = "User Authentication Expired";
            return self.close_saying(out, CloseReason::AuthenticationExpired, text);
        }
        match self.keepalive.due(now, self.last_heard) {
            Due::NotYet | Due::Spared => Step::Continue,
            Due::Ping => {
                out.extend_from_slice(encode::PING);
                Step::Continue
            }
            Due::Stale => {
                encode::err(out, "Stale Connection");
                self.close(CloseReason::StaleConnection, None)
            }
        }
    }
}

/// The line of the log for a client whose credentials are not right.
fn authentication_error(who: &str) -> String {
    if who.is_empty() {
        "authentication error".into()
    } else {
        format!("authentication error - {who}")
    }
}

/// The part of log lines that names a client: `v1.2:lang:name`, as far as it told.
pub fn label(connect: &ClientConnect) -> String {
    let version = if connect.version.is_empty() {
        String::new()
    } else {
        format!("v{}", connect.version)
    };
    let parts = [version.as_str(), &connect.lang, &connect.name];
    let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    parts.join(":")
}

/// Subjects that servers use among themselves.
#[inline]
fn is_reserved_subject(subject: &[u8]) -> bool {
    match subject.first() {
        Some(b'_') => subject.len() > 5 && subject.starts_with(b"_GR_."),
        Some(b'$') => subject.starts_with(b"$NRG."),
        _ => false,
    }
}

/// A message whose header block is empty is delivered as one without headers.
#[cold]
fn without_empty_header(publish: Publish<'_>) -> Publish<'_> {
    let after = publish.tail.iter().position(|&b| b == b' ');
    Publish {
        header_len: None,
        tail: &publish.tail[after.map_or(0, |at| at + 1)..],
        ..publish
    }
}

/// Replies that servers make up themselves: of services, of gateways, acknowledgements of streams.
#[inline]
fn is_reserved_reply(reply: &[u8]) -> bool {
    match reply.first() {
        Some(b'_') => {
            reply.starts_with(b"_R_.") || (reply.len() > 5 && reply.starts_with(b"_GR_."))
        }
        Some(b'$') => reply.starts_with(b"$JS.ACK."),
        _ => false,
    }
}

/// The beginning of the line that could not be understood, for the log. CONNECT carries secrets: of it,
/// only the verb is shown, and of what follows the line, nothing.
fn snippet(buf: &[u8]) -> String {
    const LONGEST: usize = 32;
    let buf = buf.split(|&b| b == b'\n').next().unwrap_or_default();
    let shown = if buf
        .get(..7)
        .is_some_and(|v| v.eq_ignore_ascii_case(b"CONNECT"))
    {
        &buf[..7]
    } else {
        &buf[..buf.len().min(LONGEST)]
    };
    shown.escape_ascii().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_holds_what_the_client_told() {
        for (json, want) in [
            (r#"{}"#, ""),
            (r#"{"name":"n"}"#, "n"),
            (
                r#"{"version":"1.2","lang":"rust","name":"n"}"#,
                "v1.2:rust:n",
            ),
        ] {
            assert_eq!(
                label(&ClientConnect::parse(json.as_bytes()).expect("JSON")),
                want
            );
        }
    }
}
