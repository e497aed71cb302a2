//! Accounts: who is in which, what they keep apart, whom an export is for (rows ACC-01 to ACC-07, ACC-10, ACC-14,
//! ACC-15). What travels by streams and services is in `account_streams` and `account_services`.

use gannet_acceptance::server::write_file;
use gannet_acceptance::{Kind, Server, Wire, both, later, login, play, reference};
use serde_json::Value;

/// Whether the program takes this configuration file, and what it says if it does not.
fn verdict(kind: Kind, config: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    write_file(folder.path(), "a.conf", config);
    let output = kind.run(folder.path(), &["-t", "-c", "a.conf"]);
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Each of these files is taken, or refused with words in which these stand.
fn check_verdicts(kind: Kind, cases: &[(&str, Option<&str>)]) {
    for (config, refusal) in cases {
        match (verdict(kind, config), refusal) {
            (Ok(()), None) => {}
            (Err(said), Some(refusal)) if said.contains(refusal) => {}
            (said, refusal) => panic!("{config}\nwanted {refusal:?}, heard {said:?}"),
        }
    }
}

/// The entry of the client `cid` among the connections of a server.
fn connection(server: &Server, cid: &Value) -> Value {
    server.monitor(&format!("/connz?auth=1&cid={cid}"))["connections"][0].clone()
}

/// A client that is `user`, and its number.
fn known_client(server: &Server, options: &Value) -> (Wire, Value) {
    let mut wire = Wire::open(&server.client_address());
    let cid = wire.info()["client_id"].clone();
    wire.connect_with(options);
    (wire, cid)
}

both! {
    /// ACC-01: subjects, queue groups, wildcards and answers of one account are nothing to another one.
    #[test]
    fn acc_01_accounts_keep_everything_apart(kind: Kind) {
        let server = Server::start(kind, "accounts {
            A { users: [{user: a, password: p}] }
            B { users: [{user: b, password: p}] }
        }");
        play(&server, r"
            a login a
            b login b
            b> SUB > 1
            b> SUB foo q 2
            b> SUB *.1 3
            b fence
            a> SUB foo q 4
            a>> PUB foo 1\r\nx\r\n
            a< MSG foo 4 1
            a< x
            a> SUB in.1 5
            a>> PUB nobody in.1 0\r\n\r\n
            a< HMSG in.1 5 <*>
            a< NATS/1.0 503
            a< Nats-Subject: nobody
            a< 
            a< 
            a> UNSUB 4
            a>> PUB foo 1\r\ny\r\n
            a fence
            b fence
        ");
    }

    /// ACC-03: an account named `$SYS` is the system account if the configuration names no other.
    #[test]
    fn acc_03_an_account_named_sys_is_the_system_account(kind: Kind) {
        let server = Server::start(kind, "accounts { $SYS { users: [{user: s, password: p}] } }");
        let (_client, cid) = known_client(&server, &login("s"));
        let mut anybody = Wire::open(&server.client_address());
        assert_eq!(anybody.info()["auth_required"], true);
        assert_eq!(connection(&server, &cid)["account"], "$SYS");
        assert_eq!(server.monitor("/varz")["system_account"], "$SYS");
    }

    /// ACC-05: who says nothing of himself is the user that the configuration names, with that user's account and
    /// permissions.
    #[test]
    fn acc_05_the_user_of_those_who_say_nothing(kind: Kind) {
        let server = Server::start(kind, r#"
            accounts {
                A { users: [{user: a, password: p, permissions: {publish: "out.>", subscribe: "in.>"}}] }
                B { users: [{user: b, password: p}] }
            }
            no_auth_user: a
        "#);
        play(&server, r#"
            n connect
            n> SUB out.1 1
            n< -ERR 'Permissions Violation for Subscription to "out.1"'
            n> SUB in.1 2
            n>> PUB in.1 0\r\n\r\n
            n< -ERR 'Permissions Violation for Publish to "in.1"'
            n fence
            b login b
            b>> PUB in.1 0\r\n\r\n
            b fence
            n fence
        "#);
        let mut anybody = Wire::open(&server.client_address());
        assert_eq!(anybody.info()["auth_required"], Value::Null);
    }

    /// ACC-06: permissions by default are those of users that have none of their own; of all accounts at the top, of one
    /// within it.
    #[test]
    fn acc_06_default_permissions(kind: Kind) {
        let server = Server::start(kind, r#"
            accounts {
                A {
                    default_permissions: {publish: "a.>", subscribe: "a.>"}
                    users: [{user: a, password: p}, {user: own, password: p, permissions: {publish: "own", subscribe: "own"}}]
                }
                B { users: [{user: b, password: p}] }
            }
            authorization {
                default_permissions: {publish: "g.>", subscribe: "g.>"}
                users: [{user: g, password: p}]
            }
        "#);
        for (user, subject, allowed) in [
            ("a", "a.1", true), ("a", "own", false), ("a", "g.1", false),
            ("own", "own", true), ("own", "a.1", false),
            ("b", "b", true), ("b", "a.1", true),
            ("g", "g.1", true), ("g", "b", false),
        ] {
            let mut client = Wire::client_with(&server, &login(user));
            client.send(&format!("SUB {subject} 1\r\nPUB {subject} 1\r\nx\r\n"));
            if allowed {
                client.expect(&format!("MSG {subject} 1 1\r\nx"));
            } else {
                client.expect(&format!("-ERR 'Permissions Violation for Subscription to \"{subject}\"'"));
                client.expect(&format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'"));
            }
            client.fence();
        }
    }

    /// ACC-02: what accounts cannot be called, and what cannot be said of them.
    #[test]
    fn acc_02_names_and_fields(kind: Kind) {
        check_verdicts(kind, &[
            ("accounts { A {} }", None),
            ("accounts [A, B]", None),
            ("accounts { $G {} }", Some("\"$G\" is a Reserved Account")),
            ("accounts [A, A]", Some("Duplicate Account Entry: A")),
            ("accounts { A { what: 1 } }", Some("unknown field \"what\"")),
            ("accounts { A { users: [{user: a, password: p}] }, B { users: [{user: a, password: q}] } }", Some("Duplicate user \"a\" detected")),
        ]);
    }

    /// ACC-07, ACC-08, ACC-10: an import needs an export that is for its account.
    #[test]
    fn acc_07_whom_an_export_is_for(kind: Kind) {
        let asked = |exports: &str, import: &str| {
            verdict(kind, &format!("accounts {{ A {{ exports: [{exports}] }}, B {{ imports: [{import}] }}, C {{}} }}"))
        };
        for (exported, imported, allowed) in [
            (r#"{@: "x.>"}"#, r#"{@: {account: A, subject: "x.y"}}"#, true),
            (r#"{@: "x.>"}"#, r#"{@: {account: A, subject: "x.*"}}"#, true),
            (r#"{@: "x.*"}"#, r#"{@: {account: A, subject: "x.>"}}"#, false),
            (r#"{@: "x.>"}"#, r#"{@: {account: A, subject: "y"}}"#, false),
            (r#"{@: "x.>", accounts: [B]}"#, r#"{@: {account: A, subject: "x.y"}}"#, true),
            (r#"{@: "x.>", accounts: [C]}"#, r#"{@: {account: A, subject: "x.y"}}"#, false),
            (r#"{@: "x.*", account_token_position: 2}"#, r#"{@: {account: A, subject: "x.B"}}"#, true),
            (r#"{@: "x.*", account_token_position: 2}"#, r#"{@: {account: A, subject: "x.C"}}"#, false),
            (r#"{@: "x.*", account_token_position: 2}"#, r#"{@: {account: A, subject: "x.*"}}"#, false),
        ] {
            for sort in ["stream", "service"] {
                let [exported, imported] = [exported, imported].map(|text| text.replace('@', sort));
                let subject = imported.split('"').nth(1).expect("a subject");
                let wanted = format!("Error adding {sort} import \"{subject}\": {sort} import not authorized");
                match asked(&exported, &imported) {
                    Ok(()) => assert!(allowed, "{exported} {imported}"),
                    Err(said) => assert!(!allowed && said.contains(&wanted), "{exported} {imported}: {said}"),
                }
            }
        }
    }

    /// ACC-14, ACC-15: transforms that cannot be, imports that are there already, rings of imports.
    #[test]
    fn acc_15_imports_that_cannot_be(kind: Kind) {
        let transformed = "failed to create mapping transform for stream import subject from \"x.*.*\" to";
        check_verdicts(kind, &[
            (r#"accounts { A { exports: [{stream: "x.*.*"}] }, B { imports: [{stream: {account: A, subject: "x.*.*"}, to: "z.$2.$1"}] } }"#, None),
            (r#"accounts { A { exports: [{stream: "x.*.*"}] }, B { imports: [{stream: {account: A, subject: "x.*.*"}, to: "z.$2"}] } }"#,
                Some(&format!("{transformed} \"z.$2\": invalid mapping destination: not using all of the token wildcard(s) in z.$2"))),
            (r#"accounts { A { exports: [{stream: "x.*.*"}] }, B { imports: [{stream: {account: A, subject: "x.*.*"}, to: "z.{{partition(3,1)}}.$1.$2"}] } }"#,
                Some("invalid mapping destination: the only mapping function allowed for import transforms is {{Wildcard()}}")),
            (r#"accounts { A { exports: [{stream: "x.>"}] }, B { imports: [{stream: {account: A, subject: "x.y"}}, {stream: {account: A, subject: "x.y"}}] } }"#,
                Some("Error adding stream import \"x.y\": stream import already exists")),
            (r#"accounts { A { exports: [{stream: "x.>"}] }, B { imports: [{stream: {account: A, subject: "x.y"}, to: z}, {stream: {account: A, subject: "x.>"}, prefix: z}] } }"#, None),
            (r#"accounts { A { exports: [{service: "x.>"}] }, B { imports: [{service: {account: A, subject: "x.y"}, to: z}, {service: {account: A, subject: "x.z"}, to: z}] } }"#,
                Some("Duplicate service import subject \"z\", previously used in import for account \"A\", subject \"x.y\"")),
            ("accounts { A { imports: [{stream: {account: B, subject: y}}] } }", Some("\"B\" account not defined for stream import")),
            ("accounts { A { exports: [{stream: a}], imports: [{stream: {account: B, subject: b}, to: a}] }, B { exports: [{stream: b}], imports: [{stream: {account: A, subject: a}, to: b}] } }",
                Some(": import forms a cycle")),
            ("accounts { A { exports: [{service: a}], imports: [{service: {account: B, subject: b}, to: a}] }, B { exports: [{service: b}], imports: [{service: {account: A, subject: a}, to: b}] } }",
                Some(": import forms a cycle")),
        ]);
    }
}

later! {
    "monitoring":
    /// ACC-01, ACC-03, ACC-04: users are in the account that lists them, all others in the global one; the system account
    /// is apart from both.
    #[test]
    fn acc_04_users_are_where_they_are_listed(kind: Kind) {
        let server = Server::start(kind, "
            accounts {
                A { users: [{user: a, password: p}] }
                SYS { users: [{user: s, password: p}] }
            }
            system_account: SYS
            authorization { users: [{user: g, password: p}] }
        ");
        let named = ["a", "s", "g"].map(|user| known_client(&server, &login(user)));
        // The global account is not named.
        for ((_, cid), account) in named.iter().zip(["A".into(), "SYS".into(), Value::Null]) {
            assert_eq!(connection(&server, cid)["account"], account);
        }
        assert_eq!(server.monitor("/varz")["system_account"], "SYS");
        assert_eq!(server.monitor("/accountz")["system_account"], "SYS");
        let mut accounts: Vec<String> = (server.monitor("/accountz")["accounts"].as_array().into_iter().flatten())
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        accounts.sort();
        assert_eq!(accounts, ["$G", "A", "SYS"]);
    }
}

reference! {
    /// ACC-03: the system account's users hear of connections in other accounts.
    #[test]
    fn acc_03_the_system_account_hears_of_others(kind: Kind) {
        let server = Server::start(kind, "accounts {
            A { users: [{user: a, password: p}] }
            $SYS { users: [{user: s, password: p}] }
        }");
        let mut system = Wire::client_with(&server, &login("s"));
        system.send("SUB $SYS.ACCOUNT.A.> 1\r\n");
        system.fence();
        let mut client = Wire::client_with(&server, &login("a"));
        let mut heard = |subject: &str| loop {
            let line = system.line();
            let size = line.rsplit(' ').next().and_then(|size| size.parse().ok()).expect("a size");
            let body: Value = serde_json::from_slice(&system.bytes(size)).expect("JSON");
            system.bytes(2);
            if line.starts_with(&format!("MSG {subject} 1 ")) {
                return body;
            }
        };
        let event = heard("$SYS.ACCOUNT.A.CONNECT");
        assert_eq!(event["type"], "io.nats.server.advisory.v1.client_connect");
        assert_eq!((&event["client"]["acc"], &event["client"]["user"]), (&"A".into(), &"a".into()));
        client.send("SUB $SYS.> 1\r\nPUB $SYS.ACCOUNT.A.CONNECT 1\r\nx\r\n");
        client.expect("MSG $SYS.ACCOUNT.A.CONNECT 1 1\r\nx");
        client.fence();
        drop(client);
        assert_eq!(heard("$SYS.ACCOUNT.A.DISCONNECT")["reason"], "Client Closed");
    }
}
