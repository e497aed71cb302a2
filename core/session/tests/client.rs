//! Conversations with clients, whole: what a client sends, what the session answers and wants done, row by
//! row of the feature list. Expectations were checked against the reference server 2.15.1.

use std::collections::BTreeSet;
use std::time::Duration;

use gannet_config::{Permissions, SubjectPermission};
use gannet_identity::Rights;
use gannet_session::CloseReason;
use gannet_session::client::{
    Answer, Bounds, ClientLimits, ClientSession, ClientState, Refused, Step, Violation,
};
use gannet_units::Moment;

fn at(secs: u64) -> Moment {
    Moment::from_nanos(0) + Duration::from_secs(secs)
}

fn limits() -> ClientLimits {
    ClientLimits {
        control_line: 4096,
        payload: 64,
        subscriptions: 0,
        subject_tokens: 0,
        ping_interval: Duration::from_secs(120),
        pings_out: 2,
        headers: true,
        auth_timeout: None,
        may_be_nobody: false,
    }
}

fn with_auth() -> ClientLimits {
    ClientLimits {
        auth_timeout: Some(Duration::from_secs(2)),
        ..limits()
    }
}

/// Let in, and everything is allowed.
fn free() -> Answer<'static> {
    Answer::Admitted {
        rights: None,
        bounds: Bounds::default(),
        until: Moment::NEVER,
    }
}

/// One conversation, written down: lines that the session says begin with `<`, what it wants done with `*`,
/// what goes to the log with `#`.
struct Conversation {
    session: ClientSession,
    sids: BTreeSet<Vec<u8>>,
    /// User, name and language of the client at each CONNECT.
    met: Vec<[String; 3]>,
    now: Moment,
    out: Vec<u8>,
    story: Vec<String>,
    /// As what clients are let in.
    admitted: Answer<'static>,
}

impl Conversation {
    fn new(limits: ClientLimits) -> Conversation {
        let session = ClientSession::new(limits.into(), at(0), 0);
        Conversation {
            session,
            sids: BTreeSet::new(),
            met: Vec::new(),
            now: at(0),
            out: Vec::new(),
            story: Vec::new(),
            admitted: free(),
        }
    }

    /// The client says `text`; the owner takes `ann` with `pw`, if anybody has to be taken.
    fn hear(&mut self, text: &str) -> &mut Self {
        let mut rest = text.as_bytes();
        while !rest.is_empty() && self.session.state() != ClientState::Closed {
            let (used, step) = self.session.step(rest, self.now, &mut self.out);
            if let Step::NeedMore(_) = step {
                break;
            }
            let what = done(&step);
            self.said();
            self.story.extend(what);
            match step {
                Step::Authenticate { connect, again } => {
                    if again {
                        self.sids.clear();
                    }
                    let allowed =
                        connect.user.is_empty() || (connect.user == "ann" && connect.pass == "pw");
                    self.met
                        .push([&connect.user, &connect.name, &connect.lang].map(String::clone));
                    let answer = match allowed {
                        true => self.admitted.clone(),
                        false => Answer::Denied {
                            reason: CloseReason::AuthenticationViolation,
                            who: &connect.user,
                        },
                    };
                    let step = self.session.authenticated(answer, &mut self.out);
                    let what = done(&step);
                    self.said();
                    self.story.extend(what);
                }
                Step::Publish(_) | Step::RefusedPublish(..) => self.session.active(self.now),
                Step::Subscribe { sid, .. } => {
                    let room = self.sids.contains(sid)
                        || self.sids.len() < self.session.max_subscriptions();
                    if room {
                        self.sids.insert(sid.to_vec());
                    }
                    self.session.subscribed(
                        if room { Ok(()) } else { Err(Refused::TooMany) },
                        &mut self.out,
                    );
                }
                Step::Unsubscribe { sid, .. } => {
                    self.sids.remove(sid);
                    self.session.acknowledged(&mut self.out);
                }
                _ => {}
            }
            self.said();
            rest = &rest[used..];
        }
        self
    }

    /// Time passes; the session is asked whenever it wants to be.
    fn wait_until(&mut self, end: Moment) -> &mut Self {
        while self.session.deadline() <= end && self.session.state() != ClientState::Closed {
            self.now = self.session.deadline();
            let step = self.session.on_deadline(self.now, &mut self.out);
            let what = done(&step);
            if !self.out.is_empty() {
                self.story
                    .push(format!("after {} s:", self.now.since(at(0)).as_secs()));
            }
            self.said();
            self.story.extend(what);
        }
        self.now = end;
        self
    }

    fn said(&mut self) {
        let said =
            String::from_utf8(std::mem::take(&mut self.out)).expect("the session speaks text");
        self.story.extend(
            said.split_terminator("\r\n")
                .map(|line| format!("< {line}")),
        );
    }

    fn story(&mut self) -> Vec<String> {
        std::mem::take(&mut self.story)
    }
}

fn done(step: &Step<'_>) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let line = match step {
        Step::Continue | Step::NeedMore(_) => return Vec::new(),
        Step::Publish(p) => format!(
            "* publish {} \"{}\"",
            text(p.subject),
            text(p.payload).escape_default()
        ),
        Step::RefusedPublish(size, Violation { log }) => {
            return vec![format!("# {log}"), format!("* count {size} bytes")];
        }
        Step::Refused(Violation { log }) => format!("# {log}"),
        Step::Subscribe {
            subject,
            queue,
            sid,
        } => {
            let queue = queue.map_or(String::new(), |queue| format!(" in {}", text(queue)));
            format!("* subscribe {}{queue} as {}", text(subject), text(sid))
        }
        Step::Unsubscribe { sid, max } => format!("* unsubscribe {} {max:?}", text(sid)),
        Step::Authenticate { again, .. } => {
            format!("* authenticate{}", if *again { " again" } else { "" })
        }
        Step::SendConnectInfo => "* send INFO".into(),
        Step::Close { reason, log } => {
            let close = format!("* close: {reason}");
            return log
                .iter()
                .map(|log| format!("# {log}"))
                .chain([close])
                .collect();
        }
    };
    vec![line]
}

/// The whole story of one conversation in which the client says `text`.
fn story(limits: ClientLimits, text: &str) -> Vec<String> {
    Conversation::new(limits).hear(text).story()
}

const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

#[test]
fn core_03_info_follows_the_first_pong_for_clients_that_take_it() {
    let modern =
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1}\r\nPING\r\nPING\r\n";
    assert_eq!(
        story(limits(), modern),
        ["* authenticate", "< PONG", "* send INFO", "< PONG"]
    );
    assert_eq!(
        story(limits(), &format!("{QUIET}PING\r\nPING\r\n")),
        ["* authenticate", "< PONG", "< PONG"]
    );
    assert_eq!(story(limits(), "PING\r\n"), ["< PONG"]);
}

#[test]
fn core_04_what_connect_leaves_out_is_verbose_and_pedantic_with_echo() {
    let mut c = Conversation::new(limits());
    c.hear("CONNECT {}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nUNSUB 1 5\r\nPUB a.* 1\r\nx\r\nPING\r\n");
    let wanted = [
        "* authenticate",
        "< +OK",
        "* subscribe a as 1",
        "< +OK",
        "< +OK",
        "* publish a \"hi\"",
        "* unsubscribe 1 Some(5)",
        "< +OK",
        "< -ERR 'Invalid Publish Subject'",
        "< +OK",
        "* publish a.* \"x\"",
        "< PONG",
    ];
    assert_eq!(c.story(), wanted);
    assert!(c.session.echo() && !c.session.headers() && !c.session.wants_no_responders());
}

#[test]
fn core_04_the_options_of_connect_are_honoured() {
    let mut c = Conversation::new(limits());
    c.hear("CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,\"no_responders\":true,\
            \"name\":\"n\",\"lang\":\"rust\",\"version\":\"1.2\"}\r\nPUB a.* 1\r\nx\r\n");
    assert_eq!(c.story(), ["* authenticate", "* publish a.* \"x\""]);
    assert!(!c.session.echo() && c.session.headers() && c.session.wants_no_responders());
    let headers_off = ClientLimits {
        headers: false,
        ..limits()
    };
    let mut c = Conversation::new(headers_off);
    c.hear("CONNECT {\"verbose\":false,\"headers\":true}\r\nHPUB a 1 1\r\nx\r\n");
    let wanted = [
        "* authenticate",
        "# message headers not supported",
        "* close: Protocol Violation",
    ];
    assert_eq!(c.story(), wanted, "CORE-15");
}

#[test]
fn core_05_an_account_of_its_own_is_refused() {
    for wish in [
        "\"account\":\"x\"",
        "\"new_account\":true",
        "\"account\":\"$G\"",
    ] {
        let wanted = [
            "* authenticate",
            "< -ERR 'Authorization Violation'",
            "# authentication error",
            "* close: Authentication Failure",
        ];
        assert_eq!(
            story(
                limits(),
                &format!("CONNECT {{\"verbose\":false,{wish}}}\r\nPING\r\n")
            ),
            wanted,
            "{wish}"
        );
    }
}

#[test]
fn core_06_an_unknown_protocol_number_is_refused() {
    for number in ["2", "-1", "99"] {
        let wanted = [
            "* authenticate",
            "< -ERR 'invalid client protocol'",
            "# invalid client protocol",
            "* close: Bad Client Protocol Version",
        ];
        assert_eq!(
            story(limits(), &format!("CONNECT {{\"protocol\":{number}}}\r\n")),
            wanted,
            "{number}"
        );
    }
}

#[test]
fn core_07_no_responders_needs_headers() {
    let wanted = [
        "* authenticate",
        "< -ERR 'no responders requires headers support'",
        "# no responders requires headers support",
        "* close: No Responders Requires Headers",
    ];
    assert_eq!(
        story(limits(), "CONNECT {\"no_responders\":true}\r\n"),
        wanted
    );
    let headers_off = ClientLimits {
        headers: false,
        ..limits()
    };
    assert_eq!(
        story(
            headers_off,
            "CONNECT {\"no_responders\":true,\"headers\":true}\r\n"
        ),
        wanted
    );
}

#[test]
fn core_08_a_second_connect_authenticates_again_and_drops_subscriptions() {
    let mut c = Conversation::new(with_auth());
    c.hear("CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\nSUB a 1\r\n");
    assert_eq!(c.sids.len(), 1);
    c.hear("CONNECT {\"verbose\":true,\"user\":\"ann\",\"pass\":\"pw\"}\r\nPING\r\n");
    assert_eq!(c.sids.len(), 0);
    c.hear("CONNECT {\"user\":\"bob\",\"pass\":\"pw\"}\r\nPING\r\n");
    let wanted = [
        "* authenticate",
        "* subscribe a as 1",
        "* authenticate again",
        "< +OK",
        "< PONG",
        "* authenticate again",
        "< -ERR 'Authorization Violation'",
        "# authentication error - bob",
        "* close: Authentication Failure",
    ];
    assert_eq!(c.story(), wanted);
}

#[test]
fn core_08_a_second_connect_changes_only_what_it_names() {
    let mut c = Conversation::new(with_auth());
    let first = [
        r#"{"verbose":false,"pedantic":false,"user":"ann","pass":"pw","name":"n","protocol":1,"#,
        r#""headers":true,"no_responders":true,"echo":false}"#,
    ];
    c.hear(&format!("CONNECT {}\r\nPING\r\n", first.concat()));
    c.hear("CONNECT {\"lang\":\"rust\",\"name\":null}\r\nPING\r\nPUB bad. 0\r\n\r\n");
    let s = &c.session;
    assert!(s.takes_info() && s.headers() && s.wants_no_responders() && !s.echo());
    c.hear("CONNECT {\"pass\":\"wrong\"}\r\n");
    let wanted = [
        "* authenticate",
        "< PONG",
        "* send INFO",
        "* authenticate again",
        "< PONG",
        "* publish bad. \"\"",
        "* authenticate again",
        "< -ERR 'Authorization Violation'",
        "# authentication error - ann",
        "* close: Authentication Failure",
    ];
    assert_eq!(c.story(), wanted);
    let met = c.met.iter().map(|who| who.join(":")).collect::<Vec<_>>();
    assert_eq!(met, ["ann:n:", "ann:n:rust", "ann:n:rust"]);
    assert!(!format!("{:?}", c.session).contains("wrong"));
}

#[test]
fn core_34_what_counts_as_life_and_what_as_activity() {
    let cases = [
        ("PING\r\n", true, false),
        ("PONG\r\n", false, false),
        ("PUB a 0\r\n\r\n", true, true),
        ("PUB _GR_.a 0\r\n\r\n", true, true),
        ("SUB a 1\r\n", true, true),
        ("SUB a..b 1\r\n", true, true),
        ("UNSUB 1\r\n", true, true),
        ("CONNECT {}\r\n", false, true),
        ("+OK\r\n", false, false),
        ("PU", false, false),
    ];
    for (said, alive, active) in cases {
        let mut c = Conversation::new(limits());
        // The first ping, whose answer is wanted from everybody, is over.
        c.hear(QUIET).wait_until(at(3)).hear("PONG\r\n");
        c.wait_until(at(100)).story();
        c.hear(said);
        let moved = c.session.last_active() == at(100);
        c.wait_until(at(130));
        let pinged = c.story().contains(&"< PING".to_owned());
        assert_eq!((!pinged, moved), (alive, active), "{said}");
    }
}

#[test]
fn core_09_before_connect_nothing_else_may_come_where_it_is_needed() {
    let wanted = [
        "< -ERR 'Authorization Violation'",
        "# authentication error",
        "* close: Authentication Failure",
    ];
    for first in [
        "PING\r\n",
        "SUB a 1\r\n",
        "P",
        "\r\n",
        "INFO {}\r\n",
        "-ERR 'x'\r\n",
    ] {
        assert_eq!(story(with_auth(), first), wanted, "{first:?}");
    }
    let wanted = [
        "< -ERR 'Unknown Protocol Operation'",
        "# Client parser ERROR: proto='CXNNECT {}\\r...'",
        "* close: Protocol Violation",
    ];
    assert_eq!(story(with_auth(), "CXNNECT {}\r\n"), wanted);
    assert_eq!(
        story(limits(), "SUB a 1\r\n"),
        ["* subscribe a as 1", "< +OK"],
        "nobody has to say who it is"
    );
}

#[test]
fn core_09_who_need_not_say_who_he_is_may_speak_at_once() {
    let nobody = || ClientLimits {
        may_be_nobody: true,
        ..with_auth()
    };
    assert_eq!(
        story(nobody(), "PING\r\nSUB a 1\r\n"),
        ["* authenticate", "< PONG", "* subscribe a as 1", "< +OK"],
        "the silent CONNECT is not answered"
    );
    assert_eq!(
        story(nobody(), "CONNECT {}\r\nPING\r\n"),
        ["* authenticate", "< +OK", "< PONG"]
    );
    assert_eq!(
        story(nobody(), "PING\r\nCONNECT {}\r\nPING\r\n"),
        [
            "* authenticate",
            "< PONG",
            "* authenticate again",
            "< +OK",
            "< PONG"
        ]
    );
    let mut silent = Conversation::new(nobody());
    silent.wait_until(at(3));
    assert_eq!(
        silent.story()[..2],
        ["after 2 s:", "< -ERR 'Authentication Timeout'"],
        "who says nothing must still go"
    );
}

#[test]
fn core_10_credentials_must_come_in_time() {
    let timeout = [
        "after 2 s:",
        "< -ERR 'Authentication Timeout'",
        "# Authentication Timeout",
        "* close: Authentication Timeout",
    ];
    assert_eq!(
        Conversation::new(with_auth()).wait_until(at(10)).story(),
        timeout
    );
    assert_eq!(
        Conversation::new(with_auth())
            .hear("CONNECT {\"user\":")
            .wait_until(at(10))
            .story(),
        timeout
    );
    let mut in_time = Conversation::new(with_auth());
    in_time
        .wait_until(at(1))
        .hear("CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\n");
    assert_eq!(
        in_time.wait_until(at(10)).story(),
        ["* authenticate", "after 3 s:", "< PING"]
    );
}

#[test]
fn a_silent_client_is_pinged_and_then_given_up() {
    let mut c = Conversation::new(limits());
    c.hear(&format!("{QUIET}PING\r\n"))
        .wait_until(at(5))
        .hear("PONG\r\n")
        .wait_until(at(1000));
    let wanted = [
        "* authenticate",
        "< PONG",
        "after 2 s:",
        "< PING",
        "after 122 s:",
        "< PING",
        "after 242 s:",
        "< PING",
        "after 362 s:",
        "< -ERR 'Stale Connection'",
        "* close: Stale Connection",
    ];
    assert_eq!(c.story(), wanted);
}

#[test]
fn core_21_pong_keeps_its_place() {
    let wanted = [
        "* authenticate",
        "* publish a \"x\"",
        "< PONG",
        "* publish a \"y\"",
    ];
    assert_eq!(
        story(
            limits(),
            &format!("{QUIET}PUB a 1\r\nx\r\nPING\r\nPUB a 1\r\ny\r\n")
        ),
        wanted
    );
}

#[test]
fn core_22_an_unknown_verb_ends_the_connection() {
    let wanted = [
        "* authenticate",
        "< -ERR 'Unknown Protocol Operation'",
        "# Client parser ERROR: proto='FOO bar\\r...'",
        "* close: Protocol Violation",
    ];
    assert_eq!(
        story(limits(), &format!("{QUIET}FOO bar\r\nPING\r\n")),
        wanted
    );
}

#[test]
fn bad_arguments_end_the_connection_without_a_word() {
    let wanted = [
        "* authenticate",
        "# processSub Parse Error: \"SUB a\\r\"",
        "* close: Protocol Violation",
    ];
    assert_eq!(
        story(
            limits(),
            &format!("{QUIET}SUB a\r\nCONNECT {{\"pass\":\"s3cret\"}}\r\n")
        ),
        wanted
    );
    let wanted = [
        "# CONNECT options are not valid JSON: JSON value of the wrong type (column 14)",
        "* close: Protocol Violation",
    ];
    assert_eq!(story(limits(), "CONNECT {\"pass\": 12345}\r\n"), wanted);
    assert_eq!(
        story(limits(), "-ERR 'bad'\r\n"),
        ["# Client Error 'bad'", "* close: Parse Error"]
    );
}

#[test]
fn core_24_and_25_limits_end_the_connection() {
    let long = format!("SUB {} 1\r\n", "a".repeat(4095));
    let wanted = [
        "< -ERR 'maximum control line exceeded'",
        "# maximum control line exceeded",
        "* close: Maximum Control Line Exceeded",
    ];
    assert_eq!(story(limits(), &long), wanted);
    let wanted = [
        "< -ERR 'Maximum Payload Violation'",
        "# Maximum Payload Violation",
        "* close: Maximum Message Payload Exceeded",
    ];
    assert_eq!(story(limits(), "PUB a 65\r\n"), wanted);
}

#[test]
fn core_28_more_subscriptions_than_allowed_are_refused_and_the_connection_stays() {
    let few = ClientLimits {
        subscriptions: 2,
        ..limits()
    };
    let wanted = [
        "* authenticate",
        "* subscribe a as 1",
        "* subscribe b as 2",
        "* subscribe c as 3",
        "< -ERR 'maximum subscriptions exceeded'",
        "* unsubscribe 1 None",
        "* subscribe c as 3",
        "< PONG",
    ];
    let said = format!("{QUIET}SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nUNSUB 1\r\nSUB c 3\r\nPING\r\n");
    assert_eq!(story(few, &said), wanted);
}

#[test]
fn core_29_subjects_with_too_many_tokens_are_refused() {
    let short = ClientLimits {
        subject_tokens: 3,
        ..limits()
    };
    let wanted = [
        "* authenticate",
        "* subscribe a.b.c as 1",
        "< -ERR 'Permissions Violation for Subscription to \"a.b.c.>\", too many tokens'",
        "< PONG",
    ];
    assert_eq!(
        story(
            short,
            &format!("{QUIET}SUB a.b.c 1\r\nSUB a.b.c.> 2\r\nPING\r\n")
        ),
        wanted
    );
}

#[test]
fn core_36_a_bad_subject_to_subscribe_to_is_refused() {
    for subject in ["foo..bar", ".foo", "foo.", "foo.>.bar"] {
        let wanted = ["* authenticate", "< -ERR 'Invalid Subject'", "< PONG"];
        assert_eq!(
            story(limits(), &format!("{QUIET}SUB {subject} 1\r\nPING\r\n")),
            wanted,
            "{subject}"
        );
    }
}

#[test]
fn core_37_a_pedantic_client_is_told_of_bad_subjects_and_still_served() {
    let pedantic = "CONNECT {\"verbose\":false,\"pedantic\":true}\r\n";
    let wanted = [
        "* authenticate",
        "< -ERR 'Invalid Publish Subject'",
        "* publish foo.* \"x\"",
        "* publish foo \"y\"",
    ];
    assert_eq!(
        story(
            limits(),
            &format!("{pedantic}PUB foo.* 1\r\nx\r\nPUB foo 1\r\ny\r\n")
        ),
        wanted
    );
}

#[test]
fn core_40_the_queue_of_servers_is_refused() {
    let refused = "< -ERR 'Permissions Violation for Subscription to \"x\" using queue \"_sys_\"'";
    let wanted = [
        "* authenticate",
        refused,
        "# Subscription Violation - Subject \"x\", Queue: \"_sys_\", SID 1",
        "* subscribe x in _sys as 2",
        "< PONG",
    ];
    assert_eq!(
        story(
            limits(),
            &format!("{QUIET}SUB x _sys_ 1\r\nSUB x _sys 2\r\nPING\r\n")
        ),
        wanted
    );
}

#[test]
fn core_44_the_subjects_of_servers_are_refused() {
    // What is refused has come all the same.
    let count = || "* count 1 bytes".to_owned();
    let publish = |subject: &str| {
        vec![
            format!("< -ERR 'Permissions Violation for Publish to \"{subject}\"'"),
            format!("# Publish Violation - Subject \"{subject}\""),
            count(),
        ]
    };
    let reply = |subject: &str| {
        vec![
            format!("< -ERR 'Permissions Violation for Publish with Reply of \"{subject}\"'"),
            format!("# Publish Violation - Reply \"{subject}\""),
            count(),
        ]
    };
    let allowed = |subject: &str| vec![format!("* publish {subject} \"x\"")];
    let cases = [
        ("_GR_.x", publish("_GR_.x")),
        ("$NRG.x", publish("$NRG.x")),
        ("a _GR_.x", reply("_GR_.x")),
        ("a _R_.", reply("_R_.")),
        ("a _R_.x", reply("_R_.x")),
        ("a _R_.longer", reply("_R_.longer")),
        ("a $JS.ACK.x", reply("$JS.ACK.x")),
        ("_GR_", allowed("_GR_")),
        ("$NRGx", allowed("$NRGx")),
        ("_R_.x", allowed("_R_.x")),
        ("a _R_", allowed("a")),
        ("a _RX.y", allowed("a")),
        ("a _INBOX.x", allowed("a")),
    ];
    for (subjects, wanted) in cases {
        let said = format!("{QUIET}PUB {subjects} 1\r\nx\r\n");
        assert_eq!(story(limits(), &said)[1..], wanted, "{subjects}");
    }
}

#[test]
fn the_shortcut_for_messages_keeps_out_of_what_the_session_must_see() {
    let mut c = Conversation::new(limits());
    assert!(
        c.session.plain_publish(b"PUB a 1\r\nx\r\n").is_none(),
        "before CONNECT a client is verbose"
    );
    c.hear(QUIET);
    let found = c
        .session
        .plain_publish(b"PUB a r 1\r\nx\r\nPING\r\n")
        .map(|(p, used)| (p.subject, p.reply, p.payload, used));
    assert_eq!(found, Some((&b"a"[..], &b"r"[..], &b"x"[..], 14)));
    for other in [
        "PUB _GR_.x 1\r\nx\r\n",
        "PUB a _R_.x 1\r\nx\r\n",
        "pub a 1\r\nx\r\n",
        "HPUB a 0 1\r\nx\r\n",
        "HPUB a 1 1\r\nx\r\n",
        "PUB a 1\r\nx\r",
    ] {
        assert!(
            c.session.plain_publish(other.as_bytes()).is_none(),
            "{other:?}"
        );
    }
    let again = |bytes: &str| {
        let found = c.session.publish_again(bytes.as_bytes(), b"PUB a ");
        found.map(|(p, used)| (p.payload.to_vec(), used))
    };
    assert_eq!(again("PUB a 1\r\ny\r\nPUB"), Some((b"y".to_vec(), 12)));
    for other in ["PUB ab 1\r\ny\r\n", "PUB a r 1\r\ny\r\n", "PUB a 1\r\ny"] {
        assert_eq!(again(other), None, "{other:?}");
    }
    c.hear("CONNECT {\"verbose\":false,\"headers\":true}\r\n");
    assert!(c.session.plain_publish(b"HPUB a 1 1\r\nx\r\n").is_some());
    c.hear("CONNECT {\"verbose\":false,\"pedantic\":true}\r\n");
    assert!(
        c.session.plain_publish(b"PUB a 1\r\nx\r\n").is_none(),
        "a pedantic client wants to be told"
    );
}

#[test]
fn a_message_with_an_empty_header_block_is_one_without_headers() {
    let mut c = Conversation::new(limits());
    c.hear("CONNECT {\"verbose\":false,\"headers\":true}\r\n");
    for (bytes, tail) in [
        ("HPUB a 0 1\r\nx\r\n", "1\r\nx\r\n"),
        ("HPUB a r 000 2\r\nxy\r\n", "2\r\nxy\r\n"),
        ("hpub a\t0 1\r\nx\r\n", ""),
    ] {
        let mut out = Vec::new();
        let (_, step) = c.session.step(bytes.as_bytes(), Moment::START, &mut out);
        let Step::Publish(publish) = step else {
            panic!("{bytes:?}: {step:?}");
        };
        assert_eq!(publish.header_len, None, "{bytes:?}");
        assert_eq!(publish.tail, tail.as_bytes(), "{bytes:?}");
    }
}

fn may(publish: SubjectPermission, subscribe: SubjectPermission) -> Answer<'static> {
    let rights = Rights::new(&Permissions {
        publish: Some(publish),
        subscribe: Some(subscribe),
        responses: None,
    });
    Answer::Admitted {
        rights: Some(rights.into()),
        bounds: Bounds::default(),
        until: Moment::NEVER,
    }
}

fn subjects(allow: &[&str], deny: &[&str]) -> SubjectPermission {
    SubjectPermission {
        allow: (!allow.is_empty()).then(|| allow.iter().map(ToString::to_string).collect()),
        deny: deny.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn sec_29_and_30_subscriptions_that_are_not_allowed_are_refused() {
    let mut c = Conversation::new(limits());
    c.admitted = may(
        SubjectPermission::default(),
        subjects(&["a.*", "q v1"], &["a.no"]),
    );
    c.hear(QUIET);
    c.story();
    for (line, wanted) in [
        ("SUB a.b 1", vec!["* subscribe a.b as 1"]),
        (
            "SUB b 1",
            vec![
                "< -ERR 'Permissions Violation for Subscription to \"b\"'",
                "# Subscription Violation - Subject \"b\", SID 1, not among what is allowed",
            ],
        ),
        (
            "SUB a.no 1",
            vec![
                "< -ERR 'Permissions Violation for Subscription to \"a.no\"'",
                "# Subscription Violation - Subject \"a.no\", SID 1, denied by \"a.no\"",
            ],
        ),
        (
            "SUB q v2 1",
            vec![
                "< -ERR 'Permissions Violation for Subscription to \"q\" using queue \"v2\"'",
                "# Subscription Violation - Subject \"q\", Queue: \"v2\", SID 1, allowed are others: \"q v1\"",
            ],
        ),
        ("SUB q v1 1", vec!["* subscribe q in v1 as 1"]),
        (
            "SUB a..b 1",
            vec![
                "< -ERR 'Permissions Violation for Subscription to \"a..b\"'",
                "# Subscription Violation - Subject \"a..b\", SID 1, not among what is allowed",
            ],
        ),
    ] {
        let mut story = c.hear(&format!("{line}\r\n")).story();
        story.sort();
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(story, wanted, "{line}");
    }
}

#[test]
fn sec_29_what_may_not_be_published_is_refused_by_whoever_publishes_it() {
    let mut c = Conversation::new(limits());
    c.admitted = may(subjects(&["ok"], &[]), SubjectPermission::default());
    // Verbose, so that what is refused is not praised.
    c.hear("CONNECT {\"pedantic\":false}\r\nPUB ok 0\r\n\r\nPUB no 0\r\n\r\n");
    let wanted = [
        "* authenticate",
        "< +OK",
        "< +OK",
        "* publish ok \"\"",
        "* publish no \"\"",
    ];
    assert_eq!(c.story(), wanted);
    let Violation { log } = c.session.refused_publish(b"no", &mut c.out);
    c.said();
    c.session.published(b"no", &mut c.out);
    c.session.published(b"ok", &mut c.out);
    c.said();
    assert_eq!(
        c.story(),
        [
            "< -ERR 'Permissions Violation for Publish to \"no\"'",
            "< +OK"
        ]
    );
    assert_eq!(
        log,
        "Publish Violation - Subject \"no\", not among what is allowed"
    );
    // The subject is judged before the reply.
    c.hear("PUB no _R_.x 0\r\n\r\nPUB ok _R_.x 0\r\n\r\n");
    let told: Vec<_> = c
        .story()
        .into_iter()
        .filter(|line| line.starts_with('<'))
        .collect();
    assert_eq!(
        told,
        [
            "< -ERR 'Permissions Violation for Publish to \"no\"'",
            "< -ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'",
        ]
    );
}

#[test]
fn acc_27_the_bounds_of_user_and_account_hold_beside_those_of_the_server() {
    let bounded = |subscriptions, payload| Answer::Admitted {
        rights: None,
        bounds: Bounds {
            subscriptions,
            payload,
        },
        until: Moment::NEVER,
    };
    let mut c = Conversation::new(limits());
    c.admitted = bounded(Some(1), Some(8));
    c.hear(QUIET).hear("SUB a 1\r\nSUB b 2\r\nPUB a 9\r\n");
    let wanted = [
        "* authenticate",
        "* subscribe a as 1",
        "* subscribe b as 2",
        "< -ERR 'maximum subscriptions exceeded'",
        "< -ERR 'Maximum Payload Violation'",
        "# Maximum Payload Violation",
        "* close: Maximum Message Payload Exceeded",
    ];
    assert_eq!(c.story(), wanted);
    let mut c = Conversation::new(limits());
    c.admitted = bounded(None, Some(1000));
    c.hear(QUIET);
    assert_eq!(
        (c.session.max_payload(), c.session.max_subscriptions()),
        (64, usize::MAX)
    );
}

#[test]
fn acc_27_who_is_one_too_many_in_its_account_is_told() {
    let mut c = Conversation::new(with_auth());
    c.admitted = Answer::AccountFull;
    let wanted = [
        "* authenticate",
        "< -ERR 'maximum account active connections exceeded'",
        "# maximum account active connections exceeded",
        "* close: Maximum Account Connections Exceeded",
    ];
    assert_eq!(c.hear(QUIET).story(), wanted);
}

#[test]
fn a_client_whose_time_is_over_has_to_go() {
    let mut c = Conversation::new(limits());
    c.admitted = Answer::Admitted {
        rights: None,
        bounds: Bounds::default(),
        until: at(1),
    };
    c.hear(QUIET);
    c.story();
    let wanted = [
        "after 1 s:",
        "< -ERR 'User Authentication Expired'",
        "# User Authentication Expired",
        "* close: Authentication Expired",
    ];
    assert_eq!(c.wait_until(at(5)).story(), wanted);
}

#[test]
fn a_subscription_that_is_not_allowed_any_more_is_taken_away_with_a_word() {
    let c = Conversation::new(limits());
    for (queue, text, wanted) in [
        (
            None,
            "Permissions Violation for Subscription to \"a\" (sid \"1\")",
            "Removed sub \"a\" (sid \"1\") for User \"u\" - not authorized",
        ),
        (
            Some(&b"q"[..]),
            "Permissions Violation for Subscription to \"a\" using queue \"q\" (sid \"1\")",
            "Removed sub \"a\" using queue \"q\" (sid \"1\") for User \"u\" - not authorized",
        ),
    ] {
        let mut out = Vec::new();
        let log = c
            .session
            .take_away(b"a", queue, b"1", "User \"u\"", &mut out);
        assert_eq!(out, format!("-ERR '{text}'\r\n").into_bytes());
        assert_eq!(log, wanted);
    }
}
