//! The permission matrix: what one user of each set of permissions may do, and what becomes of it at others, which are
//! on the same server, on another one of its cluster, or in another cluster. What it should be is in
//! `permission_matrix.txt`, and is the same for each origin (rows ACC-07, ACC-08, ACC-09, ACC-11, ACC-12).

use gannet_acceptance::mesh::{Mesh, Plan};
use gannet_acceptance::{Kind, Message, Told, Wire, both, eventually, login, pairs};
use std::fmt::Write;
use std::time::Duration;

/// The permissions of users, each set with its name. `*` in an entry stands for the kinds of subjects below, so every
/// set is about each action.
const SETS: &[&str] = &[
    "",
    r#"publish: "*.a""#,
    r#"publish: ["*.a", "foo.>"]"#,
    r#"publish: {deny: "*.a"}"#,
    r#"publish: {allow: "*.*", deny: "*.b"}"#,
    r#"publish: {allow: "*.>", deny: ["foo.*.*", "in.*"]}"#,
    r#"publish: {allow: ["foo.a", "in.a"], deny: "foo.a"}"#,
    r#"publish: {deny: ">"}"#,
    "publish: []",
    r#"subscribe: "*.a""#,
    r#"subscribe: ["*.a", "foo.>"]"#,
    r#"subscribe: {deny: "*.a"}"#,
    r#"subscribe: {allow: "*.*", deny: "*.b"}"#,
    r#"subscribe: {allow: ">", deny: "foo.*.b"}"#,
    r#"subscribe: {deny: ">"}"#,
    "subscribe: []",
    r#"subscribe: ["*.a group", "foo.> v*", "foo.b v1", "foo.> *.prod", "imp.a >"]"#,
    r#"subscribe: {allow: ["*.*", "foo.>"], deny: ["foo.a group", "foo.* *.prod"]}"#,
    r#"subscribe: {deny: ["*.* group", "> v1"]}"#,
    r#"publish: "*.a", subscribe: "*.b""#,
    "allow_responses: true",
    r#"publish: {deny: ">"}, allow_responses: true"#,
    r#"publish: "foo.a", allow_responses: true"#,
    r#"publish: {deny: "in.*"}, allow_responses: true"#,
    r#"publish: {allow: "in.*", deny: "foo.*"}, allow_responses: {max: 2}"#,
    r#"allow_responses: {max: 2, expires: "1h"}"#,
    r#"allow_responses: {max: -1}"#,
    r#"allow_responses: {max: 2, expires: "1us"}"#,
    r#"subscribe: "svc.a", publish: [], allow_responses: true"#,
];

/// Literal subjects of the account itself.
const OWN: &[&str] = &["foo", "foo.a", "foo.b", "foo.a.b", "bar"];
/// What is subscribed to.
const PATTERNS: &[&str] = &[
    "foo", "foo.a", "foo.b", "foo.a.b", "foo.*", "*.a", "*.b", "foo.>", "foo.*.b", "foo.a.*", ">",
    "bar", "imp.a", "imp.b", "imp.*",
];
/// What is subscribed to with a queue group. No two groups have one name, since they would be one group.
const QUEUES: &[(&str, &str)] = &[
    ("foo.a", "group"),
    ("foo.b", "v1"),
    ("foo.*", "v2"),
    ("foo.a", "x.prod"),
    ("foo.>", "v3.prod"),
    ("*.a", "other"),
    ("imp.a", "v4"),
    ("bar", "v5"),
];

/// The accounts of set `number`: `M` of the user under test, `F` that shares streams and services with it.
fn accounts_of(number: usize, set: &str) -> String {
    format!(
        r#"M{number} {{
            users: [{{user: u{number}, password: p, permissions: {{{set}}}}}, {{user: o{number}, password: p}}]
            exports: [{{stream: "out.*"}}, {{service: "svc.*"}}, {{service: "many.*", response: stream}}]
            imports: [{{stream: {{account: F{number}, subject: "ex.*"}}, to: "imp.$1"}}, {{service: {{account: F{number}, subject: "sv.*"}}, to: "ask.*"}}]
        }}
        F{number} {{
            users: [{{user: f{number}, password: p}}]
            exports: [{{stream: "ex.*"}}, {{service: "sv.*"}}]
            imports: [{{stream: {{account: M{number}, subject: "out.*"}}}}, {{service: {{account: M{number}, subject: "svc.*"}}}}, {{service: {{account: M{number}, subject: "many.*"}}}}]
        }}
        "#
    )
}

/// All verdicts, of all sets but the first only where they are others than without permissions: the user under test is on the first server of `mix` (as in [`Plan::of`]), the others on the last one.
fn verdicts(mix: &str) -> String {
    let mut mesh = Mesh::prepare(Plan::of(mix));
    let accounts: String = (SETS.iter().enumerate())
        .map(|(number, set)| accounts_of(number, set))
        .collect();
    for index in 0..mesh.nodes().len() {
        mesh.set(index, |settings| {
            settings.top = format!("accounts {{\n{accounts}\n}}");
            settings.no_debug = true;
        });
    }
    mesh.launch_all();
    mesh.await_links();
    let mut without = Vec::new();
    let mut text = String::new();
    for (number, set) in SETS.iter().enumerate() {
        let mut stage = Stage::new(&mesh, number);
        let mut lines = stage.publishing();
        lines.extend(stage.subscribing());
        lines.extend(stage.answering());
        lines.extend(stage.asking());
        if without.is_empty() {
            without.clone_from(&lines);
        } else {
            lines.retain(|line| !without.contains(line));
        }
        let name = if set.is_empty() {
            "no permissions"
        } else {
            set
        };
        lines.insert(0, format!("== {name}"));
        text += &format!("{}\n", lines.join("\n"));
    }
    text
}

/// A client and the messages that it has heard.
struct Party {
    wire: Wire,
    heard: Vec<Message>,
}

impl Party {
    fn new(mesh: &Mesh, index: usize, user: &str) -> Party {
        let wire = Wire::client_with(&mesh.nodes()[index].server, &login(user));
        Party {
            wire,
            heard: Vec::new(),
        }
    }

    /// Sends `text`, and returns the errors that come of it.
    fn say(&mut self, text: &str) -> Vec<String> {
        let mut errors = Vec::new();
        for told in self.wire.said(text) {
            match told {
                Told::Message(message) => self.heard.push(message),
                Told::Error(line) => errors.push(line),
                Told::Pong => {}
            }
        }
        errors
    }

    /// Hears messages until one comes on `subject`.
    fn await_message(&mut self, subject: &str) {
        loop {
            let message = self.wire.message();
            if message.subject == subject {
                return;
            }
            self.heard.push(message);
        }
    }

    /// Whether a message comes on `subject` within a moment.
    fn is_reached(&mut self, subject: &str) -> bool {
        while let Some(Told::Message(message)) = self.wire.told_within(Duration::from_millis(20)) {
            if message.subject == subject {
                return true;
            }
            self.heard.push(message);
        }
        false
    }

    /// What has come on `subject`, whether or not it is a marked one.
    fn take(&mut self, subject: &str) -> Option<Message> {
        let at = self
            .heard
            .iter()
            .position(|message| message.subject == subject)?;
        Some(self.heard.remove(at))
    }
}

/// The clients of one set.
struct Stage<'a> {
    mesh: &'a Mesh,
    number: usize,
    /// In the account of the user under test, on the same server, with all permissions.
    near: Party,
    /// In the same account at the origin.
    far: Party,
    /// In the other account at the origin.
    foreign: Party,
    /// How many marks have been sent.
    marks: usize,
}

impl<'a> Stage<'a> {
    fn new(mesh: &'a Mesh, number: usize) -> Stage<'a> {
        let last = mesh.nodes().len() - 1;
        let mut stage = Stage {
            mesh,
            number,
            near: Party::new(mesh, 0, &format!("o{number}")),
            far: Party::new(mesh, last, &format!("o{number}")),
            foreign: Party::new(mesh, last, &format!("f{number}")),
            marks: 0,
        };
        stage.far.say("SUB > 1\r\n");
        stage
            .foreign
            .say("SUB out.* 1\r\nSUB sv.* 2\r\nSUB back.* 3\r\n");
        stage
            .near
            .say("SUB mark.here.* 1\r\nSUB imp.* 2\r\nSUB home.* 3\r\n");
        stage.meet();
        stage
    }

    fn user(&self) -> Party {
        Party::new(self.mesh, 0, &format!("u{}", self.number))
    }

    /// All that was subscribed to before is known everywhere.
    fn meet(&mut self) {
        self.marks += 1;
        let mark = self.marks;
        // A subscription is announced after those before it.
        self.near.say(&format!(
            "SUB meet.here.{mark} 9\r\nSUB imp.meet{mark} 10\r\n"
        ));
        self.far.say(&format!("SUB meet.there.{mark} 9\r\n"));
        self.foreign
            .say(&format!("SUB out.meet{mark} 9\r\nSUB sv.meet{mark} 10\r\n"));
        let Stage {
            near, far, foreign, ..
        } = self;
        reach(
            far,
            &format!("meet.here.{mark}"),
            near,
            &format!("meet.here.{mark}"),
        );
        reach(
            foreign,
            &format!("ex.meet{mark}"),
            near,
            &format!("imp.meet{mark}"),
        );
        reach(
            near,
            &format!("meet.there.{mark}"),
            far,
            &format!("meet.there.{mark}"),
        );
        reach(
            near,
            &format!("out.meet{mark}"),
            foreign,
            &format!("out.meet{mark}"),
        );
        reach(
            near,
            &format!("ask.meet{mark}"),
            foreign,
            &format!("sv.meet{mark}"),
        );
        near.say("UNSUB 9\r\nUNSUB 10\r\n");
        far.say("UNSUB 9\r\n");
        foreign.say("UNSUB 9\r\nUNSUB 10\r\n");
        self.settle();
    }

    /// All that was published before has come. Each account has a way of its own to the other server.
    fn settle(&mut self) {
        self.marks += 1;
        let mark = self.marks;
        self.near.say(&format!(
            "PUB mark.there.{mark} 0\r\n\r\nPUB out.{mark} 0\r\n\r\nPUB ask.{mark} 0\r\n\r\n"
        ));
        self.far.await_message(&format!("mark.there.{mark}"));
        self.foreign.await_message(&format!("out.{mark}"));
        if self.foreign.take(&format!("sv.{mark}")).is_none() {
            self.foreign.await_message(&format!("sv.{mark}"));
        }
        self.far.say(&format!("PUB mark.here.{mark} 0\r\n\r\n"));
        self.near.await_message(&format!("mark.here.{mark}"));
        self.foreign.say(&format!("PUB ex.{mark} 0\r\n\r\n"));
        self.near.await_message(&format!("imp.{mark}"));
    }

    /// What comes to those at the origin of what the user publishes, in the own account and by an export.
    fn publishing(&mut self) -> Vec<String> {
        let mut user = self.user();
        let mut lines = Vec::new();
        for subject in OWN {
            let errors = user.say(&format!("PUB {subject} 1\r\nx\r\n"));
            self.settle();
            lines.push(format!(
                "publish {subject}: {}",
                verdict(&errors, self.far.take(subject).is_some())
            ));
        }
        for reply in ["in.a", "in.b", "foo.a.b"] {
            let errors = user.say(&format!("PUB foo.a {reply} 1\r\nx\r\n"));
            self.settle();
            let came = self
                .far
                .take("foo.a")
                .is_some_and(|message| message.reply == reply);
            lines.push(format!(
                "publish foo.a with reply {reply}: {}",
                verdict(&errors, came)
            ));
        }
        for subject in ["out.a", "out.b"] {
            let errors = user.say(&format!("PUB {subject} 1\r\nx\r\n"));
            self.settle();
            lines.push(format!(
                "export stream {subject}: {}",
                verdict(&errors, self.foreign.take(subject).is_some())
            ));
        }
        lines
    }

    /// What the user hears of what those at the origin publish, for each of its subscriptions.
    fn subscribing(&mut self) -> Vec<String> {
        let mut user = self.user();
        let plain = PATTERNS.iter().map(|pattern| (*pattern).to_owned());
        let queues = QUEUES
            .iter()
            .map(|(pattern, queue)| format!("{pattern} {queue}"));
        let wanted: Vec<String> = plain.chain(queues).collect();
        let said: Vec<Vec<String>> = (1..)
            .zip(&wanted)
            .map(|(sid, wanted)| user.say(&format!("SUB {wanted} {sid}\r\n")))
            .collect();
        self.meet();
        user.heard.clear();
        for subject in OWN {
            self.far.say(&format!("PUB {subject} 1\r\nx\r\n"));
        }
        self.foreign.say("PUB ex.a 1\r\nx\r\nPUB ex.b 1\r\nx\r\n");
        self.settle();
        user.say("");
        let heard = user.heard.iter().filter(|message| message.payload == "x");
        let heard: Vec<(u32, &str)> = heard
            .map(|message| (message.sid, message.subject.as_str()))
            .collect();
        let lines = (1..)
            .zip(wanted.iter().zip(said))
            .map(|(sid, (wanted, errors))| {
                let mut told: Vec<&str> = heard
                    .iter()
                    .filter(|(own, _)| *own == sid)
                    .map(|(_, subject)| *subject)
                    .collect();
                // They come from two accounts, and so by two ways.
                told.sort_unstable();
                told.extend(errors.iter().map(String::as_str));
                format!(
                    "subscribe {wanted}: {}",
                    if told.is_empty() {
                        "nothing".to_owned()
                    } else {
                        told.join(" ")
                    }
                )
            });
        lines.collect()
    }

    /// Who gets the user's answers to requests from the own account, and from the other one by services.
    fn answering(&mut self) -> Vec<String> {
        let asked = [
            ("answer", "svc.a"),
            ("answer", "svc.b"),
            ("export service", "svc.a"),
            ("export service", "many.a"),
        ];
        asked
            .map(|(what, subject)| {
                let mut user = self.user();
                let refused = user.say(&format!("SUB {subject} 1\r\n"));
                self.meet();
                let (asker, inbox) = if what == "answer" {
                    (&mut self.far, "in.z")
                } else {
                    (&mut self.foreign, "back.z")
                };
                asker.say(&format!("PUB {subject} {inbox} 1\r\n?\r\n"));
                self.settle();
                user.say("");
                let Some(request) = user.take(subject) else {
                    return format!("{what} {subject}: is not asked {}", refused.join(" "));
                };
                let answers = [1, 2, 3].map(|number| {
                    let errors = user.say(&format!("PUB {} 1\r\n{number}\r\n", request.reply));
                    self.settle();
                    let asker = if what == "answer" {
                        &mut self.far
                    } else {
                        &mut self.foreign
                    };
                    verdict(&errors, asker.take(inbox).is_some()).replace(&request.reply, "REPLY")
                });
                format!("{what} {subject}: {}", answers.join(", "))
            })
            .to_vec()
    }

    /// What becomes of the user's requests to a service of the other account.
    fn asking(&mut self) -> Vec<String> {
        let mut user = self.user();
        let services = [("ask.a", "sv.a"), ("ask.b", "sv.b")];
        services
            .map(|(subject, service)| {
                let errors = user.say(&format!("PUB {subject} home.a 1\r\n?\r\n"));
                self.settle();
                let request = self.foreign.take(service);
                let asked = verdict(&errors, request.is_some());
                let Some(request) = request else {
                    return format!("import service {subject}: {asked}");
                };
                self.foreign
                    .say(&format!("PUB {} 1\r\n!\r\n", request.reply));
                self.settle();
                format!(
                    "import service {subject}: {asked}, answer {}",
                    verdict(&[], self.near.take("home.a").is_some())
                )
            })
            .to_vec()
    }
}

fn verdict(errors: &[String], came: bool) -> String {
    match (errors, came) {
        ([], true) => "delivered".to_owned(),
        ([], false) => "nothing".to_owned(),
        (errors, came) => format!(
            "{}{}",
            errors.join(" "),
            if came { " and delivered" } else { "" }
        ),
    }
}

/// Publishes until it comes.
fn reach(publisher: &mut Party, subject: &str, subscriber: &mut Party, heard_as: &str) {
    eventually(&format!("{subject} to come as {heard_as}"), || {
        publisher.say(&format!("PUB {subject} 0\r\n\r\n"));
        subscriber
            .is_reached(heard_as)
            .then_some(())
            .ok_or_else(String::new)
    });
}

/// The verdicts of `mix` are those that are written down. `PRINT_MATRIX=1` shows all of them, to write them down anew.
fn expect_table(mix: &str) {
    let wanted = include_str!("permission_matrix.txt");
    let got = verdicts(mix);
    if std::env::var_os("PRINT_MATRIX").is_some() {
        println!("{got}");
    }
    let sets =
        |table: &str| -> Vec<String> { table.split("== ").skip(1).map(str::to_owned).collect() };
    let mut differences = String::new();
    for (wanted, got) in sets(wanted).iter().zip(sets(&got)) {
        for (sign, one, other) in [("-", wanted, &got), ("+", &got, wanted)] {
            for line in one
                .lines()
                .filter(|line| !other.lines().any(|same| same == *line))
            {
                let set = wanted.lines().next().unwrap_or_default();
                writeln!(differences, "{sign} [{set}] {line}").expect("a text takes text");
            }
        }
    }
    assert!(
        wanted == got,
        "the table has (-), and the server (+):\n{differences}"
    );
}

fn letter(kind: Kind) -> char {
    match kind {
        Kind::Gannet => 'G',
        Kind::Go => 'X',
    }
}

both! {
    /// Everybody is on one server.
    #[test]
    fn permissions_among_clients(kind: Kind) {
        expect_table(&letter(kind).to_string());
    }
}

pairs! {
    /// The user is on the one server, the others on the other server of the cluster.
    #[test]
    fn permissions_over_routes(one: Kind, other: Kind) {
        expect_table(&format!("{}{}", letter(one), letter(other)));
    }

    /// The user is in the one cluster, the others in the other one.
    #[test]
    fn permissions_over_gateways(one: Kind, other: Kind) {
        expect_table(&format!("{} {}", letter(one), letter(other)));
    }
}
