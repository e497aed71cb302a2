//! The trace of the protocol: what the log shows of clients, routes and gateways, and what it never shows (rows
//! OPS-18, OPS-20, CFG-13).

use gannet_acceptance::supercluster::pure;
use gannet_acceptance::wait::PATIENCE;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Kind, Seeds, Server, SuperCluster, Wire, both, eventually};
use regex_lite::Regex;
use serde_json::json;

/// The lines of the trace of connections of one sort (`cid`, `rid`, `gid`), without their beginnings up to the
/// label. Left out is what comes when the server likes: its pings, and what belongs to the system account.
fn trace(server: &Server, sort: &str) -> Vec<String> {
    let line = Regex::new(&format!(
        r"^\[\d+\] .*\[TRC\] [0-9.:]+ - {sort}:\d+ - (.*)$"
    ))
    .expect("a pattern");
    let mut lines = Vec::new();
    let mut is_hidden = false;
    let log = server.log();
    let found = log
        .lines()
        .filter_map(|text| Some(line.captures(text)?.get(1)?.as_str()));
    for text in found {
        if !text.contains(" MSG_PAYLOAD: ") {
            is_hidden = text.contains(" $SYS ");
        }
        let is_ping = text.ends_with("->> [PING]") || text.ends_with("<<- [PONG]");
        let is_link = sort != "cid"
            && (text.contains("[PING]") || text.contains("[PONG]") || text.contains("[CONNECT "));
        if !(is_hidden || is_ping || is_link) {
            lines.push(text.to_owned());
        }
    }
    lines
}

/// Waits until the trace is just this.
fn expect_trace(server: &Server, sort: &str, wanted: &[&str]) {
    eventually("the trace to be as wanted", || {
        let lines = trace(server, sort);
        if lines == wanted {
            Ok(())
        } else {
            Err(format!("{lines:#?}\nis not\n{wanted:#?}"))
        }
    });
}

/// The same conversation from the other side.
fn mirrored(lines: &[&str]) -> Vec<String> {
    lines
        .iter()
        .map(|line| match line.split_once(' ') {
            Some(("->>", rest)) => format!("<<- {rest}"),
            Some(("<<-", rest)) => format!("->> {rest}"),
            _ => (*line).to_owned(),
        })
        .collect()
}

/// Connects and says this first.
fn connect(server: &Server, words: &str) -> Wire {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    wire.send(words);
    wire
}

const QUIET: &str = r#"CONNECT {"verbose":false,"headers":true,"no_responders":true,"lang":"l","version":"1.2","name":"n"}"#;

both! {
    /// OPS-18, OPS-20: what a client says, in its own spacing, and what it is told, in the order of things.
    #[test]
    fn what_clients_and_the_server_say_is_shown(kind: Kind) {
        let server = Server::start_with(kind, "", &["-V"]);
        let mut wire = connect(&server, &format!("{QUIET}\r\nPING\r\n"));
        wire.expect("PONG");
        wire.send("SUB foo 1\r\nSUB bar  q  2\r\nPUB foo 5\r\nhello\r\npub  bar\treply  2\r\nab\r\nUNSUB 1\r\nping x\r\n");
        wire.expect("MSG foo 1 5\r\nhello\r\nMSG bar 2 reply 2\r\nab\r\nPONG");
        wire.send("SUB a 3\r\nUNSUB 3 2\r\nPUB a 0\r\n\r\nPUB a 3\r\n\"");
        wire.send_bytes(b"\xff\n\r\nPUB a 1\r\nx\r\nHPUB bar 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 77\r\nPING\r\n");
        wire.expect("MSG a 3 0\r\n\r\nMSG a 3 3");
        wire.bytes(5);
        wire.expect("HMSG bar 2 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPONG");
        wire.send("PUB foo 9999999\r\n");
        wire.expect("-ERR 'Maximum Payload Violation'");
        wire.expect_closed();
        let connect = format!("<<- [{QUIET}]");
        let label = |line: &str| format!(r#""v1.2:l:n" - {line}"#);
        let rest = [
            "<<- [PING]", "->> [PONG]",
            "<<- [SUB foo 1]", "<<- [SUB bar  q  2]",
            "<<- [PUB foo 5]", r#"<<- MSG_PAYLOAD: ["hello"]"#, "->> [MSG foo 1 5]", r#"->> MSG_PAYLOAD: ["hello"]"#,
            "<<- [PUB bar\treply  2]", r#"<<- MSG_PAYLOAD: ["ab"]"#, "->> [MSG bar 2 reply 2]", r#"->> MSG_PAYLOAD: ["ab"]"#,
            "<<- [UNSUB 1]", "<-> [DELSUB 1]", "<<- [PING]", "->> [PONG]",
            "<<- [SUB a 3]", "<<- [UNSUB 3 2]",
            "<<- [PUB a 0]", "->> [MSG a 3 0]",
            "<<- [PUB a 3]", r#"<<- MSG_PAYLOAD: ["\"\xff\n"]"#, "->> [MSG a 3 3]", r#"->> MSG_PAYLOAD: ["\"\xff\n"]"#,
            "<-> [DELSUB 3]",
            "<<- [PUB a 1]", r#"<<- MSG_PAYLOAD: ["x"]"#,
            "<<- [HPUB bar 12 14]", r#"<<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]"#,
            "->> [HMSG bar 2 12 14]", r#"->> MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]"#,
            "<<- [UNSUB 77]", "<<- [PING]", "->> [PONG]",
            "<<- [PUB foo 9999999]", "->> [-ERR Maximum Payload Violation]", "<-> [DELSUB 2]",
        ].map(label);
        let wanted: Vec<&str> = std::iter::once(&connect).chain(&rest).map(String::as_str).collect();
        expect_trace(&server, "cid", &wanted);
    }

    /// OPS-18, OPS-20: a verbose and pedantic client, with a user's name.
    #[test]
    fn acknowledgements_and_complaints_are_shown(kind: Kind) {
        let server = Server::start_with(kind, "authorization { user: u, password: secret }", &["-V"]);
        let mut wire = connect(&server, "CONNECT {\"pedantic\":true,\"user\":\"u\",\"pass\":\"secret\"}\r\n");
        wire.expect("+OK");
        wire.send("SUB foo 1\r\nPUB foo 5\r\nhello\r\nSUB f..f 3\r\nUNSUB 9\r\nFOO\r\n");
        wire.expect("+OK\r\n+OK\r\nMSG foo 1 5\r\nhello\r\n-ERR 'Invalid Subject'\r\n+OK\r\n-ERR 'Unknown Protocol Operation'");
        wire.expect_closed();
        let label = |line: &str| format!(r#""$G/user:u" - {line}"#);
        let connect = r#"<<- [CONNECT {"pedantic":true,"user":"u","pass":"[REDACTED]"}]"#.to_owned();
        let rest = [
            "->> [OK]", "<<- [SUB foo 1]", "->> [OK]",
            "<<- [PUB foo 5]", r#"<<- MSG_PAYLOAD: ["hello"]"#, "->> [OK]", "->> [MSG foo 1 5]", r#"->> MSG_PAYLOAD: ["hello"]"#,
            "<<- [SUB f..f 3]", "->> [-ERR Invalid Subject]", "<<- [UNSUB 9]", "->> [OK]",
            "->> [-ERR Unknown Protocol Operation]", "<-> [DELSUB 1]",
        ].map(label);
        let wanted: Vec<&str> = std::iter::once(&connect).chain(&rest).map(String::as_str).collect();
        expect_trace(&server, "cid", &wanted);
    }

    /// OPS-18: what is refused before it is understood is not shown, the refusal is.
    #[test]
    fn refusals_are_shown(kind: Kind) {
        for (config, words, wanted) in [
            ("authorization { token: t }", "PING\r\n", &["->> [-ERR Authorization Violation]"][..]),
            ("authorization { token: t }", "CONNECT {\"name\":\"n\"}\r\nPING\r\n",
                &[r#"<<- [CONNECT {"name":"n"}]"#, "->> [-ERR Authorization Violation]"]),
            ("", "PUB foo\r\n", &["<<- [PUB foo]"]),
            ("", "PUB foo 2\r\nabcd\r\n", &["<<- [PUB foo 2]", "->> [-ERR Unknown Protocol Operation]"]),
            ("max_control_line: 20", "SUB aaaaaaaaaaaaaaaaaaaaaaaaa 1\r\n", &["->> [-ERR maximum control line exceeded]"]),
            ("", "RMSG $G foo 1\r\nx\r\n", &["->> [-ERR Unknown Protocol Operation]"]),
        ] {
            let server = Server::start_with(kind, config, &["-V"]);
            let mut wire = connect(&server, words);
            eventually("the end", || if wire.try_send(b"\r\n").is_err() { Ok(()) } else { Err(String::new()) });
            expect_trace(&server, "cid", wanted);
        }
    }

    /// CFG-13: how much of messages is shown.
    #[test]
    fn messages_are_shown_as_far_as_is_wanted(kind: Kind) {
        let words = "SUB foo 1\r\nPUB foo 5\r\nhello\r\nHPUB foo 22 24\r\nNATS/1.0\r\nA: hello\r\n\r\nhi\r\nPING\r\n";
        let whole = r#"["NATS/1.0\r\nA: hello\r\n\r\nhi"]"#;
        for (config, arguments, wanted) in [
            ("trace: true", &[][..], &[r#"["hello"]"#, whole][..]),
            ("trace: true\nmax_traced_msg_len: 4", &[], &[r#"["hell..."]"#, r#"["NATS..."]"#]),
            ("", &["-V", "--max_traced_msg_len", "5"], &[r#"["hello"]"#, r#"["NATS/..."]"#]),
            ("trace_headers: true", &[], &[r#"["NATS/1.0\r\nA: hello"]"#]),
            ("trace_headers: true\nmax_traced_msg_len: 18", &[], &[r#"["NATS/1.0\r\nA: hello"]"#]),
            ("trace: true", &["-V=false"], &[]), ("", &["-D"], &[]), ("trace: false", &["-DV"], &[r#"["hello"]"#, whole]),
            ("trace_verbose: true", &[], &[r#"["hello"]"#, whole]), ("", &["-VV"], &[r#"["hello"]"#, whole]),
        ] {
            let server = Server::start_with(kind, config, arguments);
            let mut wire = Wire::client_with(&server, &json!({"headers": true}));
            wire.send(words);
            wire.expect("MSG foo 1 5\r\nhello\r\nHMSG foo 1 22 24\r\nNATS/1.0\r\nA: hello\r\n\r\nhi\r\nPONG");
            let lines = trace(&server, "cid");
            for arrow in ["<<-", "->>"] {
                let start = format!("{arrow} MSG_PAYLOAD: ");
                let shown: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(&*start)).collect();
                assert_eq!(shown, wanted, "{config} {arguments:?} {arrow}");
            }
        }
    }

    /// OPS-18: pings of both sides.
    #[test]
    fn pings_are_shown(kind: Kind) {
        let server = Server::start_with(kind, "ping_interval: \"100ms\"\nping_max: 1000", &["-V"]);
        let mut wire = Wire::open(&server.client_address());
        wire.show_pings();
        wire.info();
        wire.expect("PING");
        wire.send("PONG\r\n");
        let line = server.expect_log(" - ->> [PING]");
        let label = line.split_once("[TRC] ").and_then(|(_, text)| text.strip_suffix("->> [PING]")).expect("a label");
        server.expect_log(&format!("[TRC] {label}<<- [PONG]"));
    }

    /// OPS-18: what one client sends is shown where another gets it, before that one's subscription is used up.
    #[test]
    fn messages_of_others_are_shown(kind: Kind) {
        let server = Server::start_with(kind, "", &["-V"]);
        let mut receiver = Wire::client_with(&server, &json!({"name": "receiver"}));
        receiver.send("SUB foo 1\r\nUNSUB 1 2\r\n");
        receiver.fence();
        let mut sender = Wire::client_with(&server, &json!({"name": "sender"}));
        sender.send("PUB foo 1\r\na\r\nPUB foo re 1\r\nb\r\nPUB foo 1\r\nc\r\n");
        receiver.expect("MSG foo 1 1\r\na\r\nMSG foo 1 re 1\r\nb");
        let wanted = [
            "<<- [PING]", "->> [PONG]", "<<- [SUB foo 1]", "<<- [UNSUB 1 2]", "<<- [PING]", "->> [PONG]",
            "->> [MSG foo 1 1]", r#"->> MSG_PAYLOAD: ["a"]"#, "->> [MSG foo 1 re 1]", r#"->> MSG_PAYLOAD: ["b"]"#, "<-> [DELSUB 1]",
        ];
        eventually("the receiver's lines", || {
            let lines = trace(&server, "cid");
            let lines: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(r#""receiver" - "#)).collect();
            if lines == wanted { Ok(()) } else { Err(format!("{lines:#?}")) }
        });
    }

    /// OPS-18: a message that nobody takes. The reference server does not show what it tells the requester; Gannet
    /// shows everything that leaves.
    #[test]
    fn requests_without_responders(kind: Kind) {
        let server = Server::start_with(kind, "", &["-V"]);
        let mut wire = Wire::client_with(&server, &json!({"headers": true, "no_responders": true}));
        wire.send("SUB inbox 1\r\nPUB nobody inbox 1\r\nx\r\n");
        wire.expect("HMSG inbox 1 <*>\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n");
        wire.fence();
        let lines = trace(&server, "cid");
        let shown = lines.iter().any(|line| line.starts_with("->> [HMSG inbox 1 "));
        assert_eq!(shown, kind == Kind::Gannet, "{lines:#?}");
    }

    /// OPS-18: no secret is ever shown, not even to who wants to see everything. The reference server shows JWTs
    /// and keys of users, and secrets whose names or values are written in unusual ways.
    #[test]
    fn secrets_are_not_shown(kind: Kind) {
        let server = Server::start_with(kind, "authorization { user: u, password: s3cret }", &["-DVV"]);
        let everywhere = [
            r#"{"user":"u","pass":"s3cret"}"#, r#"{"user":"u","pass":"s3cretWrong"}"#, r#"{"auth_token":"s3cretToken"}"#,
            r#"{"sig":"s3cretSig","proxy_sig":"s3cretProxy"}"#, r#"{"password":"s3cretPassword","name":"n"}"#,
            r#"{"pass" : "s3cret","user":"u"}"#, r#"{"user":"u","pass":"s3cretUnfinished"#,
        ];
        let ours = [
            r#"{"user":"u","pass":"a\"s3cret"}"#, r#"{"user":"u","PASS":"s3cret"}"#, r#"{"user":"u","pa\u0073s":"s3cret"}"#,
            r#"{"jwt":"s3cretJwt"}"#, r#"{"nkey":"s3cretKey"}"#, r#"{"pass":{"a":"s3cret"}}"#,
        ];
        let ours = if kind == Kind::Gannet { &ours[..] } else { &[] };
        for json in everywhere.iter().chain(ours) {
            let mut wire = connect(&server, &format!("CONNECT {json}\r\nPING\r\n"));
            let heard = wire.hear(PATIENCE);
            assert!(!matches!(heard, Heard::Silence(_)), "{json}");
            drop(wire);
            server.await_nobody();
            assert!(!server.log().contains("s3cret"), "{json}: {}", server.log());
        }
        let shown = trace(&server, "cid").iter().filter(|line| line.contains("<<- [CONNECT ")).count();
        assert_eq!(shown, everywhere.len() + ours.len());
    }

    /// OPS-18: what two servers of a cluster say to each other, the same on both sides; never its password.
    #[test]
    fn what_routes_say_is_shown(kind: Kind) {
        let seed = Server::prepare(kind, "", &["-V"]);
        let address = seed.route_address();
        let mut servers = [seed, Server::prepare(kind, "", &["-V"])];
        for (at, server) in servers.iter_mut().enumerate() {
            server.write_config(&format!(
                "server_name: s{at}\ncluster {{\n name: c\n pool_size: -1\n listen: \"{{cluster}}\"\n routes: [\"nats://u:s3cret@{address}\"]\n authorization {{ user: u, password: s3cret }}\n}}"
            ));
            server.launch().unwrap_or_else(|problem| panic!("{problem}"));
        }
        for server in &servers {
            eventually("the route", || {
                let page = server.try_monitor("/routez")?;
                if page["num_routes"] == 1 { Ok(()) } else { Err(page.to_string()) }
            });
        }
        talk_between(&servers[0], &servers[1]);
        expect_trace(&servers[0], "rid", &BETWEEN);
        let other = mirrored(&BETWEEN);
        expect_trace(&servers[1], "rid", &other.iter().map(String::as_str).collect::<Vec<_>>());
        for server in &servers {
            assert!(!server.log().contains("s3cret"), "{}", server.log());
        }
    }

    /// OPS-18: what servers of two clusters say to each other, the same on both sides.
    #[test]
    fn what_gateways_say_is_shown(kind: Kind) {
        let clusters = SuperCluster::start_with(&pure(kind, 2), Seeds::All, "", "trace: true");
        let (a, b) = (clusters.server(0), clusters.server(1));
        talk_between(a, b);
        expect_trace(a, "gid", &BETWEEN);
        let other = mirrored(&BETWEEN);
        expect_trace(b, "gid", &other.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// What [`talk_between`] makes the first server say and hear.
const BETWEEN: [&str; 14] = [
    "->> [RS+ $G foo]",
    "->> [RS+ $G bar q 1]",
    "<<- [RMSG $G foo 5]",
    r#"<<- MSG_PAYLOAD: ["hello"]"#,
    "<<- [RMSG $G bar + rep q 2]",
    r#"<<- MSG_PAYLOAD: ["hi"]"#,
    "<<- [HMSG $G foo 12 14]",
    r#"<<- MSG_PAYLOAD: ["NATS/1.0\r\n\r\nhi"]"#,
    "<<- [RS+ $G rep]",
    "->> [RMSG $G rep 2]",
    r#"->> MSG_PAYLOAD: ["xx"]"#,
    "->> [RS- $G foo]",
    "->> [RS- $G bar q]",
    "<<- [RS- $G rep]",
];

/// A client of `a` subscribes, one of `b` publishes and is answered.
fn talk_between(a: &Server, b: &Server) {
    let mut here = Wire::client_with(a, &json!({"headers": true}));
    let mut there = Wire::client_with(b, &json!({"headers": true}));
    here.send("SUB foo 1\r\nSUB bar q 2\r\n");
    b.expect_log("<<- [RS+ $G bar q 1]");
    there.send(
        "PUB foo 5\r\nhello\r\nPUB bar rep 2\r\nhi\r\nHPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    );
    here.expect(
        "MSG foo 1 5\r\nhello\r\nMSG bar 2 rep 2\r\nhi\r\nHMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nhi",
    );
    there.send("SUB rep 9\r\n");
    a.expect_log("<<- [RS+ $G rep]");
    here.send("PUB rep 2\r\nxx\r\n");
    there.expect("MSG rep 9 2\r\nxx");
    here.send("UNSUB 1\r\nUNSUB 2\r\n");
    b.expect_log("<<- [RS- $G bar q]");
    drop(there);
    a.expect_log("<<- [RS- $G rep]");
}
