//! A whole conversation with a client that sends anything: the session never panics, says only lines of
//! the protocol, says the same however the bytes are cut, and says nothing after its end.

use std::collections::BTreeSet;
use std::time::Duration;

use gannet_session::CloseReason;
use gannet_session::client::{
    Answer, Bounds, ClientLimits, ClientSession, ClientState, Refused, Step,
};
use gannet_units::Moment;

use crate::feed::{drip, two, whole};

const NOW: Moment = Moment::from_nanos(1_000_000_000);

/// What kind of server the client talks to; drawn from the first byte of the input.
#[derive(Clone, Copy)]
struct Server {
    auth: bool,
    headers: bool,
    /// The owner refuses all credentials.
    deny: bool,
    /// Few subscriptions and tokens are allowed.
    strict: bool,
    /// Nobody must say who he is.
    nobody: bool,
}

impl Server {
    fn drawn(byte: u8) -> Server {
        Server {
            auth: byte & 1 != 0,
            headers: byte & 2 == 0,
            deny: byte & 4 != 0,
            strict: byte & 8 != 0,
            nobody: byte & 64 != 0,
        }
    }

    fn limits(self) -> ClientLimits {
        ClientLimits {
            control_line: if self.strict { 48 } else { 4096 },
            payload: if self.strict { 16 } else { 1024 * 1024 },
            subscriptions: if self.strict { 2 } else { 0 },
            subject_tokens: if self.strict { 3 } else { 0 },
            ping_interval: Duration::from_secs(120),
            pings_out: 2,
            headers: self.headers,
            auth_timeout: self.auth.then_some(Duration::from_secs(2)),
            may_be_nobody: self.nobody,
        }
    }
}

/// Holds a conversation: the first byte chooses the server (`0` is the usual one), the rest is what the
/// client sends.
pub fn client_session(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let server = Server::drawn(*first);
    let at_once = converse(server, bytes, whole(bytes));
    assert_eq!(at_once, converse(server, bytes, drip(bytes)));
    assert_eq!(at_once, converse(server, bytes, two(bytes)));
}

/// The owner of a session: does what it asks for, and writes down everything.
struct Owner {
    server: Server,
    session: ClientSession,
    subs: BTreeSet<Vec<u8>>,
    out: Vec<u8>,
    story: String,
}

/// The story of one conversation, in which the bytes come in pieces that end at `cuts`.
fn converse(server: Server, bytes: &[u8], cuts: impl Iterator<Item = usize>) -> String {
    let mut owner = Owner {
        server,
        session: ClientSession::new(server.limits().into(), NOW, 5),
        subs: BTreeSet::new(),
        out: Vec::new(),
        story: String::new(),
    };
    let mut at = 0;
    'pieces: for cut in cuts {
        while at < cut {
            match owner.step(&bytes[at..cut]) {
                Next::Used(used) => at += used,
                Next::Wait => break,
                Next::End => break 'pieces,
            }
        }
    }
    owner.grow_old();
    owner.story
}

enum Next {
    Used(usize),
    Wait,
    End,
}

impl Owner {
    fn step(&mut self, there: &[u8]) -> Next {
        let plain = self
            .session
            .plain_publish(there)
            .map(|(publish, used)| (format!("{publish:?}"), used));
        let (used, step) = self.session.step(there, NOW, &mut self.out);
        assert!(used <= there.len());
        if let Some(plain) = plain {
            match &step {
                Step::Publish(publish) => assert_eq!(plain, (format!("{publish:?}"), used)),
                other => panic!("the shortcut sees a message, the session {other:?}"),
            }
        }
        // Who need not say who he is enters with bytes that are looked at then.
        let enters = self.server.nobody && matches!(step, Step::Authenticate { again: false, .. });
        match step {
            Step::NeedMore(need) => {
                assert!(need > there.len() && used == 0 && self.out.is_empty());
                return Next::Wait;
            }
            Step::Continue => {}
            Step::Publish(publish) => self.tell(&format!("publish {publish:?}")),
            Step::RefusedPublish(size, _) => self.tell(&format!("refuse {size} bytes")),
            Step::Refused(_) => self.tell("refused"),
            Step::Subscribe {
                subject,
                queue,
                sid,
            } => {
                let text = format!("subscribe {} {queue:?}", subject.escape_ascii());
                let made = self.subs.len() < self.session.max_subscriptions();
                if made {
                    self.subs.insert(sid.to_vec());
                }
                self.tell(&text);
                self.session.subscribed(
                    if made { Ok(()) } else { Err(Refused::TooMany) },
                    &mut self.out,
                );
            }
            Step::Unsubscribe { sid, max } => {
                self.subs.remove(sid);
                self.tell(&format!("unsubscribe {max:?}"));
                self.session.acknowledged(&mut self.out);
            }
            Step::SendConnectInfo => self.tell("send INFO"),
            Step::Authenticate { again, .. } => {
                self.tell(&format!("authenticate, again: {again}"));
                let answer = match self.server.deny {
                    true => Answer::Denied {
                        reason: CloseReason::AuthenticationViolation,
                        who: "somebody",
                    },
                    false => Answer::Admitted {
                        rights: None,
                        bounds: Bounds::default(),
                        until: Moment::NEVER,
                    },
                };
                let step = self.session.authenticated(answer, &mut self.out);
                if let Step::Close { reason, log } = step {
                    return self.close(&format!("{reason}"), log);
                }
            }
            Step::Close { reason, log } => return self.close(&format!("{reason}"), log),
        }
        self.hear();
        assert!(used > 0 || enters, "the session neither reads on nor waits");
        Next::Used(used)
    }

    fn close(&mut self, reason: &str, log: Option<String>) -> Next {
        // The log quotes what was there to be quoted; it must stay one line.
        assert!(
            log.is_none_or(|log| !log.contains('\n')),
            "a line of the log stays one line"
        );
        self.tell(&format!("close: {reason}"));
        assert_eq!(self.session.state(), ClientState::Closed);
        Next::End
    }

    /// What the session has said so far goes out before what it wants done.
    fn tell(&mut self, what: &str) {
        self.hear();
        self.story.push_str(what);
        self.story.push('\n');
    }

    fn hear(&mut self) {
        let said = std::mem::take(&mut self.out);
        let mut rest = &said[..];
        while !rest.is_empty() {
            let end = rest
                .iter()
                .position(|&b| b == b'\n')
                .expect("what the session says ends in a line end");
            let (line, after) = rest.split_at(end + 1);
            let known = line == b"+OK\r\n" || line == b"PONG\r\n" || line == b"PING\r\n";
            assert!(
                known || (line.starts_with(b"-ERR '") && line.ends_with(b"'\r\n")),
                "{}",
                line.escape_ascii()
            );
            rest = after;
        }
        self.story.push_str(&said.escape_ascii().to_string());
    }

    /// Lets time pass until the session has given up a client that says nothing.
    fn grow_old(&mut self) {
        for _ in 0..8 {
            if self.session.state() == ClientState::Closed {
                let closed = self
                    .session
                    .on_deadline(Moment::from_nanos(u64::MAX / 2), &mut self.out);
                assert!(
                    matches!(closed, Step::Continue) && self.out.is_empty(),
                    "the end is the end"
                );
                return;
            }
            let step = self
                .session
                .on_deadline(self.session.deadline(), &mut self.out);
            match step {
                Step::Continue => self.hear(),
                Step::Close { reason, log } => drop(self.close(&format!("{reason}"), log)),
                other => panic!("time alone wants {other:?}"),
            }
        }
        panic!("a silent client is never given up");
    }
}
