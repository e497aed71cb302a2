//! Who clients are to a running server, and what they may do there: nkeys, accounts, permissions, bounds, and what a
//! reload makes of them. The rules themselves are tested where they live (`gannet_identity`).
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::io::Write;
use std::net::TcpStream;

use common::{connect, loopback, read_until, start};
use data_encoding::BASE64URL_NOPAD;
use gannet_config::{
    AccountLimits, AccountOptions, Options, Permissions, ResponsePermission, Secret,
    SubjectPermission, User,
};
use gannet_node::{Logger, Server};
use gannet_rt::Runtime;
use nkeys::{KeyPair, KeyPairType};

const QUIET: &str = r#""verbose":false,"pedantic":false,"protocol":1,"headers":true"#;

/// A server and its runtime.
struct World {
    server: Server,
    _runtime: Runtime,
}

impl World {
    fn new(options: Options) -> World {
        let runtime = Runtime::new(Some(1)).expect("a runtime");
        World {
            server: start(&runtime, options),
            _runtime: runtime,
        }
    }

    /// A connection, and the INFO that it begins with.
    fn open(&self) -> (Client, String) {
        let mut stream = connect(self.server.client_addr().expect("a client port"));
        let info = read_until(&mut stream, "\r\n");
        (Client { stream }, info)
    }

    /// A client that says so of itself.
    fn client(&self, credentials: &str) -> Client {
        let (mut client, _) = self.open();
        client.say(&format!("CONNECT {{{credentials},{QUIET}}}"));
        client
    }

    fn user(&self, name: &str) -> Client {
        let mut client = self.client(&format!(r#""user":"{name}","pass":"pw""#));
        assert_eq!(client.hears(), "");
        client
    }
}

struct Client {
    stream: TcpStream,
}

impl Client {
    fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.stream
            .write_all(line.as_bytes())
            .expect("the server takes it");
    }

    /// What came up to now, but INFO.
    fn hears(&mut self) -> String {
        self.say("PING");
        let heard = read_until(&mut self.stream, "PONG\r\n");
        self.rest(&heard)
    }

    fn rest(&mut self, heard: &str) -> String {
        let heard = heard.strip_suffix("PONG\r\n").unwrap_or(heard);
        let lines = heard.split_inclusive("\r\n");
        lines.filter(|line| !line.starts_with("INFO ")).collect()
    }

    /// What came up to the end of the connection.
    fn last_words(&mut self) -> String {
        let mut heard = String::new();
        std::io::Read::read_to_string(&mut self.stream, &mut heard).expect("it ends");
        self.rest(&heard)
    }

    fn answer(&mut self, line: &str) -> String {
        self.say(line);
        self.hears()
    }
}

fn user(name: &str, account: Option<&str>, permissions: Option<Permissions>) -> User {
    User {
        name: name.into(),
        password: Secret::new("pw"),
        account: account.map(Into::into),
        permissions,
        ..User::default()
    }
}

fn subjects(allow: &[&str], deny: &[&str]) -> Option<SubjectPermission> {
    Some(SubjectPermission {
        allow: (!allow.is_empty()).then(|| allow.iter().map(ToString::to_string).collect()),
        deny: deny.iter().map(ToString::to_string).collect(),
    })
}

fn with(users: Vec<User>) -> Options {
    let mut options = loopback();
    options.auth.users = Some(users);
    options
}

fn account(name: &str, limits: AccountLimits) -> AccountOptions {
    AccountOptions {
        name: name.into(),
        limits,
        ..AccountOptions::default()
    }
}

#[test]
fn sec_27_the_owner_of_an_nkey_signs_the_nonce_of_info() {
    let pair = KeyPair::new_from_raw(KeyPairType::User, [7; 32]).expect("a key");
    let nkey = pair.public_key();
    let owner = User {
        nkey: Some(nkey.clone()),
        ..User::default()
    };
    let world = World::new(with(vec![owner]));
    let (mut client, info) = world.open();
    let after = info.split_once(r#""nonce":""#).expect("a nonce").1;
    let nonce = &after[..15];
    assert_eq!(&after[15..16], "\"", "{info}");
    let sig = BASE64URL_NOPAD.encode(&pair.sign(nonce.as_bytes()).expect("signs"));
    client.say(&format!(
        r#"CONNECT {{"nkey":"{nkey}","sig":"{sig}",{QUIET}}}"#
    ));
    assert_eq!(client.hears(), "");
    // What was signed for one connection lets nobody in by another.
    let mut again = world.client(&format!(r#""nkey":"{nkey}","sig":"{sig}""#));
    assert_eq!(again.last_words(), "-ERR 'Authorization Violation'\r\n");
    let plain = World::new(with(vec![user("u", None, None)]));
    assert!(!plain.open().1.contains("nonce"));
}

#[test]
fn acc_01_accounts_are_worlds_of_their_own() {
    let mut options = with(vec![
        user("a", Some("A"), None),
        user("a2", Some("A"), None),
        user("b", Some("B"), None),
        user("g", None, None),
    ]);
    options.accounts = ["A", "B"]
        .map(|name| account(name, AccountLimits::default()))
        .into();
    let world = World::new(options);
    let [mut a, mut a2, mut b, mut g] = ["a", "a2", "b", "g"].map(|name| world.user(name));
    for client in [&mut a2, &mut b, &mut g] {
        assert_eq!(client.answer("SUB > 1"), "");
    }
    assert_eq!(a.answer("PUB x 2\r\nhi"), "");
    assert_eq!(a2.hears(), "MSG x 1 2\r\nhi\r\n");
    assert_eq!((b.hears(), g.hears()), (String::new(), String::new()));
}

#[test]
fn sec_29_and_31_a_user_does_what_is_permitted() {
    let permissions = Permissions {
        publish: subjects(&["ok.>"], &["ok.no"]),
        subscribe: subjects(&[], &["secret.>"]),
        responses: None,
    };
    let world = World::new(with(vec![
        user("some", None, Some(permissions)),
        user("all", None, None),
    ]));
    let (mut some, mut all) = (world.user("some"), world.user("all"));
    assert_eq!(all.answer("SUB > 1"), "");
    let refused =
        |subject: &str| format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'\r\n");
    assert_eq!(some.answer("PUB no 0\r\n"), refused("no"));
    assert_eq!(some.answer("PUB ok.no 0\r\n"), refused("ok.no"));
    // Many in a row are told of one by one; those that are allowed go their way.
    let many = "PUB no 0\r\n\r\n".repeat(5) + "PUB ok.yes 0\r\n\r\nPUB no 1\r\nx";
    assert_eq!(some.answer(&many), refused("no").repeat(6));
    assert_eq!(all.hears(), "MSG ok.yes 1 0\r\n\r\n");
    assert_eq!(
        some.answer("SUB secret.a 1"),
        "-ERR 'Permissions Violation for Subscription to \"secret.a\"'\r\n"
    );
    assert_eq!(some.answer("SUB > 2"), "");
    assert_eq!(
        all.answer("PUB secret.a 0\r\n\r\nPUB open 0\r\n"),
        "MSG secret.a 1 0\r\n\r\nMSG open 1 0\r\n\r\n"
    );
    assert_eq!(some.hears(), "MSG open 2 0\r\n\r\n");
}

#[test]
fn sec_32_a_reply_is_allowed_once() {
    let permissions = Permissions {
        responses: Some(ResponsePermission::default()),
        ..Permissions::default()
    };
    let world = World::new(with(vec![
        user("service", None, Some(permissions)),
        user("all", None, None),
    ]));
    let (mut service, mut all) = (world.user("service"), world.user("all"));
    assert_eq!(service.answer("SUB q 1"), "");
    assert_eq!(all.answer("SUB r 1\r\nPUB q r 0\r\n"), "");
    assert_eq!(service.hears(), "MSG q 1 r 0\r\n\r\n");
    assert_eq!(service.answer("PUB r 0\r\n"), "");
    assert_eq!(all.hears(), "MSG r 1 0\r\n\r\n");
    for subject in ["r", "q"] {
        assert_eq!(
            service.answer(&format!("PUB {subject} 0\r\n")),
            format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'\r\n")
        );
    }
}

#[test]
fn acc_27_an_account_has_bounds() {
    let limits = AccountLimits {
        connections: Some(1),
        subscriptions: Some(1),
        payload: Some(4),
        ..AccountLimits::default()
    };
    let mut options = with(vec![user("a", Some("A"), None), user("g", None, None)]);
    options.accounts = vec![account("A", limits)];
    let world = World::new(options);
    let mut first = world.user("a");
    let mut second = world.client(r#""user":"a","pass":"pw""#);
    assert_eq!(
        second.last_words(),
        "-ERR 'maximum account active connections exceeded'\r\n"
    );
    // Another account has room.
    let mut other = world.user("g");
    assert_eq!(other.answer("SUB a 1\r\nSUB b 2"), "");
    assert_eq!(
        first.answer("SUB a 1\r\nSUB b 2"),
        "-ERR 'maximum subscriptions exceeded'\r\n"
    );
    first.say("PUB a 5\r\n12345");
    assert_eq!(first.last_words(), "-ERR 'Maximum Payload Violation'\r\n");
    // Whoever has left makes room, sooner or later.
    loop {
        let mut next = world.client(r#""user":"a","pass":"pw""#);
        next.say("PING");
        let mut heard = [0; 1];
        std::io::Read::read_exact(&mut next.stream, &mut heard).expect("an answer");
        if heard != *b"-" {
            break;
        }
    }
}

#[test]
fn acc_32_a_reload_takes_away_what_is_not_permitted_any_more() {
    let permitted = |subscribe| {
        let permissions = Permissions {
            subscribe,
            ..Permissions::default()
        };
        with(vec![
            user("changing", None, Some(permissions)),
            user("moving", None, None),
            user("staying", None, None),
        ])
    };
    let world = World::new(permitted(subjects(&["a", "b"], &[])));
    let [mut changing, mut moving, mut staying] =
        ["changing", "moving", "staying"].map(|name| world.user(name));
    assert_eq!(changing.answer("SUB a 1\r\nSUB b q 2"), "");
    let mut options = permitted(subjects(&["a"], &[]));
    options.accounts = vec![account("A", AccountLimits::default())];
    if let Some(users) = &mut options.auth.users {
        users[1].account = Some("A".into());
    }
    world.server.reload(options).expect("it can be taken over");
    // Into another account one does not come by staying.
    assert_eq!(moving.last_words(), "");
    let told = read_until(&mut changing.stream, "\r\n");
    assert_eq!(
        told,
        "-ERR 'Permissions Violation for Subscription to \"b\" using queue \"q\" (sid \"2\")'\r\n"
    );
    assert_eq!(staying.answer("PUB a 0\r\n\r\nPUB b 0\r\n"), "");
    assert_eq!(changing.hears(), "MSG a 1 0\r\n\r\n");
    assert_eq!(
        changing.answer("SUB b 3"),
        "-ERR 'Permissions Violation for Subscription to \"b\"'\r\n"
    );
}
