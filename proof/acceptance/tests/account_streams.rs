//! Streams of other accounts: what is exported and imported, under which subjects it comes, and for how long (rows
//! ACC-07, ACC-11, ACC-14).

use gannet_acceptance::{Kind, Server, Wire, both, login, play};

/// The account `E` with these exports and the user `e`, the account `I` with these imports and the user `i`.
fn start(kind: Kind, exports: &str, imports: &str) -> Server {
    Server::start(
        kind,
        &format!(
            "accounts {{
                E {{ users: [{{user: e, password: p}}], exports: [{exports}] }}
                I {{ users: [{{user: i, password: p}}], imports: [{imports}] }}
                O {{ users: [{{user: o, password: p}}] }}
            }}"
        ),
    )
}

both! {
    /// ACC-07, ACC-11: what is imported comes, and nothing else; nothing goes the other way.
    #[test]
    fn acc_11_what_is_imported_comes_and_nothing_else(kind: Kind) {
        let server = start(kind,
            r#"{stream: "pub.>"}, {stream: "for.i", accounts: [I]}, {stream: "other"}"#,
            r#"{stream: {account: E, subject: "pub.*"}}, {stream: {account: E, subject: "for.i"}}"#);
        play(&server, r"
            e login e
            i login i
            o login o
            i> SUB > 1
            i fence
            o> SUB > 1
            o fence
            e> SUB > 1
            e>> PUB pub.a 1\r\n1\r\n
            e< MSG pub.a 1 1
            e< 1
            e>> PUB pub.a.b 1\r\n2\r\nPUB other 1\r\n3\r\nPUB for.you 1\r\n4\r\n
            e< MSG pub.a.b 1 1
            e< 2
            e< MSG other 1 1
            e< 3
            e< MSG for.you 1 1
            e< 4
            e>> PUB for.i back 1\r\n5\r\n
            e< MSG for.i 1 back 1
            e< 5
            i< MSG pub.a 1 1
            i< 1
            i< MSG for.i 1 back 1
            i< 5
            i>> PUB pub.a 1\r\nx\r\nPUB back 1\r\ny\r\n
            i< MSG pub.a 1 1
            i< x
            i< MSG back 1 1
            i< y
            i fence
            e fence
            o fence
        ");
    }

    /// ACC-11: headers and empty payloads come as they are.
    #[test]
    fn acc_11_headers_come_along(kind: Kind) {
        let server = start(kind, r#"{stream: "pub.>"}"#, r#"{stream: {account: E, subject: "pub.>"}, prefix: from}"#);
        play(&server, r"
            e login e
            i login i
            w connect {'user':'i','pass':'p'}
            i> SUB from.> 1
            i fence
            w> SUB from.> 1
            w fence
            e>> HPUB pub.a re 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPUB pub.b 0\r\n\r\n
            i< HMSG from.pub.a 1 re 18 20
            i< NATS/1.0
            i< A: b
            i< 
            i< hi
            i< MSG from.pub.b 1 0
            i< 
            w< MSG from.pub.a 1 re 2
            w< hi
            w< MSG from.pub.b 1 0
            w< 
            i fence
            w fence
        ".replace('\'', "\"").as_str());
    }

    /// ACC-11: one export, imported under a prefix, under another name, and as it is.
    #[test]
    fn acc_11_imports_under_other_subjects(kind: Kind) {
        let server = start(kind,
            r#"{stream: "pub.>"}, {stream: "in.*.*"}"#,
            r#"{stream: {account: E, subject: "pub.>"}, prefix: "from.e"}, {stream: {account: E, subject: "pub.*"}},
               {stream: {account: E, subject: "pub.x"}, to: "x.only"}, {stream: {account: E, subject: "in.*.*"}, to: "out.$2.by.$1"}"#);
        play(&server, r"
            e login e
            i login i
            j login i
            i> SUB from.e.pub.x 1
            i> SUB pub.x 2
            i> SUB x.only 3
            i> SUB x.* 4
            i> SUB *.x 5
            i> SUB from.e.pub.y 6
            i fence
            j> SUB out.*.by.a 1
            j> SUB out.b.> 2
            j> SUB out.c.by.b 3
            j> SUB in.> 4
            j fence
            e>> PUB pub.x 1\r\n1\r\n
            e fence
            i> PUB x.end 0\r\n
            i< MSG <*>
            i< 1
            i< MSG <*>
            i< 1
            i< MSG <*>
            i< 1
            i< MSG <*>
            i< 1
            i< MSG <*>
            i< 1
            i< MSG x.end 4 0
            i< 
            i fence
            e>> PUB in.a.b 1\r\n2\r\n
            e fence
            j> PUB out.b.end 0\r\n
            j< MSG out.b.by.a <*>
            j< 2
            j< MSG out.b.by.a <*>
            j< 2
            j< MSG out.b.end 2 0
            j< 
            e>> PUB in.b.c 1\r\n3\r\n
            j< MSG out.c.by.b 3 1
            j< 3
            j fence
            i fence
        ");
    }

    /// ACC-11: a subscription hears of an export as much as both have in common.
    #[test]
    fn acc_11_wildcards_meet(kind: Kind) {
        let server = start(kind, r#"{stream: "a.>"}"#, r#"{stream: {account: E, subject: "a.*.c"}, prefix: p}"#);
        let mut exporter = Wire::client_with(&server, &login("e"));
        for (subscribed, hears) in [
            (">", true), ("p.>", true), ("p.*.*.*", true), ("p.a.b.c", true), ("*.a.b.*", true), ("p.a.b.>", true),
            ("p.a.x.c", false), ("p.a.*", false), ("a.b.c", false), ("p.a.b.c.>", false), ("*.*.*", false), ("p.a.b.d", false),
        ] {
            let mut importer = Wire::client_with(&server, &login("i"));
            importer.send(&format!("SUB {subscribed} 7\r\n"));
            importer.fence();
            exporter.send("PUB a.b.c 1\r\nx\r\nPUB a.b.d 1\r\ny\r\n");
            exporter.fence();
            if hears {
                importer.expect("MSG p.a.b.c 7 1\r\nx");
            }
            importer.fence();
        }
    }

    /// ACC-11: a queue group gets each message of an import once, beside others; a group of the same name in the exporting
    /// account is the same group.
    #[test]
    fn acc_11_queue_groups_share_imports(kind: Kind) {
        let server = start(kind, r#"{stream: "pub.>"}"#, r#"{stream: {account: E, subject: "pub.>"}, prefix: from}"#);
        let mut clients = ["i", "i", "i", "e", "e"].map(|user| Wire::client_with(&server, &login(user)));
        for client in &mut clients {
            client.send("SUB from.pub.a q 1\r\nSUB pub.a q 2\r\nSUB from.pub.a other 3\r\nSUB done 4\r\nSUB from.pub.done 5\r\n");
            client.fence();
        }
        let mut publisher = Wire::client_with(&server, &login("e"));
        publisher.send(&format!("{}PUB done 0\r\n\r\nPUB pub.done 0\r\n\r\n", "PUB pub.a 1\r\nx\r\n".repeat(300)));
        publisher.fence();
        let [mut ours, mut theirs, mut others] = [0; 3];
        for client in &mut clients {
            loop {
                let line = client.line();
                let count = match line.as_str() {
                    "MSG from.pub.a 1 1" => &mut ours,
                    "MSG pub.a 2 1" => &mut theirs,
                    "MSG from.pub.a 3 1" => &mut others,
                    _ => {
                        assert!(["MSG done 4 0", "MSG from.pub.done 5 0"].contains(&line.as_str()), "{line}");
                        client.expect("");
                        client.fence();
                        break;
                    }
                };
                *count += 1;
                client.expect("x");
            }
        }
        assert_eq!((ours + theirs, others), (300, 300));
        assert!(ours > 0 && theirs > 0, "{ours} {theirs}");
    }

    /// ACC-11: nothing comes to a subscription that has ended, nor to one that ended with its client.
    #[test]
    fn acc_11_subscriptions_end(kind: Kind) {
        let server = start(kind, r#"{stream: "pub.>"}"#, r#"{stream: {account: E, subject: "pub.>"}, prefix: from}"#);
        play(&server, r"
            e login e
            i login i
            j login i
            i> SUB from.pub.a 1
            i> SUB from.pub.* 2
            j> SUB from.> 1
            i> UNSUB 1
            i fence
            j fence
            e>> PUB pub.a 1\r\n1\r\n
            i< MSG from.pub.a 2 1
            i< 1
            j< MSG from.pub.a 1 1
            j< 1
            i> UNSUB 2
            i fence
            j leave
            e>> PUB pub.a 1\r\n2\r\n
            e fence
            i fence
            i> SUB from.pub.a 1
            i fence
            e>> PUB pub.a 1\r\n3\r\n
            i< MSG from.pub.a 1 1
            i< 3
            i fence
        ");
    }

    /// ACC-11: a subscription that ends after so many messages: the reference does not count those that come by an import.
    #[test]
    fn acc_11_subscriptions_end_after_so_many(kind: Kind) {
        let server = start(kind, r#"{stream: "pub.>"}"#, r#"{stream: {account: E, subject: "pub.>"}, prefix: from}"#);
        let [mut exporter, mut importer] = ["e", "i"].map(|user| Wire::client_with(&server, &login(user)));
        importer.said("SUB from.pub.a 1\r\nUNSUB 1 2\r\n");
        exporter.said(&"PUB pub.a 1\r\nx\r\n".repeat(3));
        let counted = match kind {
            Kind::Gannet => 2,
            Kind::Go => 3,
        };
        assert_eq!(importer.said("").len(), counted);
    }

    /// ACC-11: what is published in the own account on a subject of an import comes beside what the import brings, and stays
    /// here.
    #[test]
    fn acc_11_own_messages_on_imported_subjects(kind: Kind) {
        let server = start(kind, r#"{stream: "pub.>"}"#, r#"{stream: {account: E, subject: "pub.>"}}"#);
        play(&server, r"
            e login e
            i login i
            i> SUB pub.a 1
            i> SUB pub.a q 2
            i fence
            e> SUB pub.> 9
            e fence
            i>> PUB pub.a 1\r\nx\r\n
            i< MSG pub.a 1 1
            i< x
            i< MSG pub.a 2 1
            i< x
            i fence
            e fence
            e>> PUB pub.a 1\r\ny\r\n
            e< MSG pub.a 9 1
            e< y
            i< MSG pub.a 1 1
            i< y
            i< MSG pub.a 2 1
            i< y
            i fence
        ");
    }

    /// ACC-11: permissions of importers are about the subjects of their own account.
    #[test]
    fn acc_11_permissions_are_about_own_subjects(kind: Kind) {
        let server = Server::start(kind, r#"accounts {
            E { users: [{user: e, password: p}], exports: [{stream: "pub.>"}] }
            I {
                users: [
                    {user: i, password: p, permissions: {subscribe: "from.>"}}
                    {user: j, password: p, permissions: {subscribe: {deny: "from.pub.secret"}}}
                    {user: k, password: p, permissions: {subscribe: {deny: "pub.>"}}}
                ]
                imports: [{stream: {account: E, subject: "pub.>"}, prefix: from}]
            }
        }"#);
        play(&server, r#"
            e login e
            i login i
            j login j
            k login k
            i> SUB pub.a 1
            i< -ERR 'Permissions Violation for Subscription to "pub.a"'
            i> SUB from.pub.a 2
            i fence
            j> SUB from.pub.secret 1
            j< -ERR 'Permissions Violation for Subscription to "from.pub.secret"'
            j> SUB from.> 2
            j fence
            k> SUB from.> 1
            k fence
            e>> PUB pub.a 1\r\n1\r\nPUB pub.secret 1\r\n2\r\nPUB pub.b 1\r\n3\r\n
            i< MSG from.pub.a 2 1
            i< 1
            j< MSG from.pub.a 2 1
            j< 1
            k< MSG from.pub.a 1 1
            k< 1
            i fence
            e fence
        "#);
    }

    /// ACC-11: a stream that was imported is not exported further by itself, but can be.
    #[test]
    fn acc_11_chains_of_streams(kind: Kind) {
        let server = Server::start(kind, r#"accounts {
            A { users: [{user: a, password: p}], exports: [{stream: "s.>"}] }
            B { users: [{user: b, password: p}], imports: [{stream: {account: A, subject: "s.>"}, prefix: b}], exports: [{stream: "b.s.x"}, {stream: "b.>"}] }
            C { users: [{user: c, password: p}], imports: [{stream: {account: B, subject: "b.s.x"}, to: "c.x"}, {stream: {account: B, subject: "b.>"}}] }
        }"#);
        play(&server, r"
            a login a
            c login c
            c> SUB c.x 1
            c> SUB b.s.y 2
            c fence
            b login b
            b> SUB b.> 1
            b fence
            a>> PUB s.x 1\r\n1\r\nPUB s.y 1\r\n2\r\n
            b< MSG b.s.x 1 1
            b< 1
            b< MSG b.s.y 1 1
            b< 2
            c fence
        ");
    }
}
