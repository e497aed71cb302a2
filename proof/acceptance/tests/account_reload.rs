//! Accounts that change while the server runs (rows ACC-32, MAP-15).

use gannet_acceptance::server::REFUSED;
use gannet_acceptance::wire::quiet_connect;
use gannet_acceptance::{Server, Wire, both, later, login};

/// Has the server read `config`, which it takes over.
fn change(server: &Server, config: &str) {
    server.write_config(config);
    let lines = server.reload();
    assert!(
        !lines.iter().any(|line| line.starts_with(REFUSED)),
        "{lines:?}"
    );
}

/// Users of the accounts `A` and `B`, and what else is said of both.
fn accounts(a: &str, b: &str) -> String {
    format!(
        "accounts {{ A {{ users: [{{user: a, password: p}}]\n {a} }}, B {{ users: [{{user: b, password: p}}]\n {b} }} }}"
    )
}

/// Whether `user` is let in.
fn is_welcome(server: &Server, user: &str) -> bool {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    wire.send(&format!(
        "CONNECT {}\r\nPING\r\n",
        quiet_connect(&login(user))
    ));
    match wire.line().as_str() {
        "PONG" => true,
        "-ERR 'Authorization Violation'" => false,
        other => panic!("{other}"),
    }
}

/// What comes to `subscriber` of what `publisher` says to `subject`.
fn hears(publisher: &mut Wire, subject: &str, subscriber: &mut Wire) -> usize {
    publisher.said(&format!("PUB {subject} 1\r\nx\r\n"));
    subscriber.said("").len()
}

both! {
    /// ACC-32: accounts and users come and go; whoever remains stays connected with all subscriptions.
    #[test]
    fn acc_32_accounts_come_and_go(kind: Kind) {
        let server = Server::start(kind, "accounts { A { users: [{user: a, password: p}] } }");
        let mut stays = Wire::client_with(&server, &login("a"));
        stays.said("SUB x 1\r\n");
        change(&server, "accounts { A { users: [{user: a, password: p}, {user: c, password: p}] }, B { users: [{user: b, password: p}] } }");
        let mut new = Wire::client_with(&server, &login("b"));
        let mut second = Wire::client_with(&server, &login("c"));
        new.said("SUB x 1\r\n");
        assert_eq!(hears(&mut second, "x", &mut stays), 1);
        assert_eq!(hears(&mut second, "x", &mut new), 0);
        stays.said("");
        change(&server, "accounts { A { users: [{user: a, password: p}] } }");
        for mut gone in [new, second] {
            gone.expect_closed();
        }
        assert!(!is_welcome(&server, "b") && !is_welcome(&server, "c"));
        let mut publisher = Wire::client_with(&server, &login("a"));
        assert_eq!(hears(&mut publisher, "x", &mut stays), 1);
    }

    /// ACC-32: a user whose account is another one now has to come again.
    #[test]
    fn acc_32_users_move_to_other_accounts(kind: Kind) {
        let moves = |home: &str| {
            let user = "{user: m, password: p}";
            let (a, b) = if home == "A" { (user, "") } else { ("", user) };
            format!("accounts {{ A {{ users: [{{user: a, password: p}}, {a}] }}, B {{ users: [{{user: b, password: p}}, {b}] }} }}")
        };
        let server = Server::start(kind, &moves("A"));
        let [mut a, mut b, mut moved] = ["a", "b", "m"].map(|user| Wire::client_with(&server, &login(user)));
        a.said("SUB x 1\r\n");
        b.said("SUB x 1\r\n");
        assert_eq!((hears(&mut moved, "x", &mut a), b.said("").len()), (1, 0));
        change(&server, &moves("B"));
        moved.expect_closed();
        let mut moved = Wire::client_with(&server, &login("m"));
        assert_eq!((hears(&mut moved, "x", &mut a), b.said("").len()), (0, 1));
    }

    /// ACC-32: exports and imports of streams, with subscriptions that stand.
    #[test]
    fn acc_32_streams_come_and_go(kind: Kind) {
        let none = accounts("", "");
        let exported = accounts("exports: [{stream: \"x.>\"}]", "");
        let imported = accounts("exports: [{stream: \"x.>\"}]", "imports: [{stream: {account: A, subject: \"x.>\"}}]");
        let elsewhere = accounts("exports: [{stream: \"x.>\"}]", "imports: [{stream: {account: A, subject: \"x.>\"}, prefix: y}]");
        let narrow = accounts("exports: [{stream: \"x.>\"}]", "imports: [{stream: {account: A, subject: \"x.2\"}}]");
        let server = Server::start(kind, &none);
        let [mut exporter, mut importer] = ["a", "b"].map(|user| Wire::client_with(&server, &login(user)));
        importer.said("SUB x.* 1\r\nSUB y.> 2\r\n");
        for (config, came) in [
            (&none, ""), (&exported, ""), (&imported, "x.1"), (&imported, "x.1"), (&elsewhere, "y.x.1"), (&imported, "x.1"), (&narrow, ""),
            (&none, ""), (&imported, "x.1"),
        ] {
            change(&server, config);
            exporter.said("PUB x.1 1\r\nx\r\n");
            if !came.is_empty() {
                assert_eq!(importer.message().subject, came, "{config}");
            }
            assert_eq!(importer.said(""), [], "{config}");
        }
        change(&server, &narrow);
        exporter.said("PUB x.2 1\r\nx\r\n");
        assert_eq!(importer.message().subject, "x.2");
        exporter.fence();
        importer.fence();
    }

    /// ACC-32: exports and imports of services; what was asked before is answered after.
    #[test]
    fn acc_32_services_come_and_go(kind: Kind) {
        let none = accounts("", "");
        let imported = accounts("exports: [{service: svc}]", "imports: [{service: {account: A, subject: svc}, to: ask}]");
        let elsewhere = accounts("exports: [{service: svc}]", "imports: [{service: {account: A, subject: svc}, to: other}]");
        let server = Server::start(kind, &none);
        let [mut exporter, mut importer] = ["a", "b"].map(|user| Wire::client_with(&server, &login(user)));
        exporter.said("SUB svc 1\r\n");
        importer.said("SUB in 1\r\n");
        for (config, asked) in [(&none, ""), (&imported, "ask"), (&elsewhere, "other"), (&imported, "ask"), (&none, ""), (&imported, "ask")] {
            change(&server, config);
            for subject in ["ask", "other"] {
                importer.send(&format!("PUB {subject} in 1\r\nx\r\n"));
                if subject == asked {
                    let request = exporter.message();
                    exporter.send(&format!("PUB {} 2\r\nok\r\n", request.reply));
                    assert_eq!(importer.message().payload, "ok", "{config}");
                } else {
                    assert_eq!(importer.message().header_of("Nats-Subject"), Some(subject), "{config}");
                }
                exporter.fence();
                importer.fence();
            }
        }
        importer.send("PUB ask in 1\r\nx\r\n");
        let request = exporter.message();
        change(&server, &format!("{imported}\nmax_payload: 100"));
        exporter.send(&format!("PUB {} 2\r\nok\r\n", request.reply));
        assert_eq!(importer.message().payload, "ok");
    }

    /// ACC-32: an export that is for others now is not imported any more: the file is refused, and all stays.
    #[test]
    fn acc_32_what_cannot_be_is_refused_and_nothing_changes(kind: Kind) {
        let import = "imports: [{stream: {account: A, subject: \"x.>\"}}]";
        let server = Server::start(kind, &accounts("exports: [{stream: \"x.>\", accounts: [B]}]", import));
        let [mut exporter, mut importer] = ["a", "b"].map(|user| Wire::client_with(&server, &login(user)));
        importer.said("SUB x.> 1\r\n");
        for exports in ["exports: [{stream: \"x.>\", accounts: [A]}]", "exports: [{stream: \"y.>\"}]", ""] {
            server.write_config(&accounts(exports, import));
            let said = server.reload();
            assert!(said[0].starts_with(REFUSED) && said[0].contains("Error adding stream import \"x.>\": stream import not authorized"), "{said:?}");
            assert_eq!(hears(&mut exporter, "x.1", &mut importer), 1);
        }
    }

    /// ACC-32: permissions of users that stay: what they subscribe to and may not any longer, ends.
    #[test]
    fn acc_32_permissions_change_for_those_who_are_there(kind: Kind) {
        let permitted = |permissions: &str| {
            format!("accounts {{ A {{ users: [{{user: a, password: p, permissions: {{ {permissions} }}}}, {{user: o, password: p}}] }} }}")
        };
        let server = Server::start(kind, &permitted("subscribe: \"*\", publish: \"*\""));
        let [mut client, mut other] = ["a", "o"].map(|user| Wire::client_with(&server, &login(user)));
        assert_eq!(client.said("SUB x 1\r\nSUB y 2\r\n"), []);
        change(&server, &permitted("subscribe: x, publish: x"));
        client.expect("-ERR 'Permissions Violation for Subscription to \"y\" (sid \"2\")'");
        assert_eq!((hears(&mut other, "y", &mut client), hears(&mut other, "x", &mut client)), (0, 1));
        client.send("PUB y 1\r\nx\r\n");
        client.expect("-ERR 'Permissions Violation for Publish to \"y\"'");
        change(&server, &permitted("subscribe: \"*\", publish: \"*\""));
        assert_eq!(client.said("SUB y 3\r\n"), []);
        assert_eq!((hears(&mut other, "y", &mut client), hears(&mut other, "x", &mut client)), (1, 1));
        assert_eq!(client.said("PUB z 1\r\nx\r\n"), []);
    }
}

later! {
    "monitoring":
    /// MAP-15: weights shift while clients publish; what one weight or another makes of a subject is visible.
    #[test]
    fn map_15_weights_change_live(kind: Kind) {
        let mapped = |mappings: &str| format!("accounts {{ A {{ users: [{{user: a, password: p}}], mappings {{ {mappings} }} }} }}");
        let weighted = |weight: u32| mapped(&format!("req: [{{destination: new, weight: {weight}%}}, {{destination: old, weight: {}%}}]", 100 - weight));
        let server = Server::start(kind, &mapped(""));
        let [mut publisher, mut subscriber] = ["a", "a"].map(|user| Wire::client_with(&server, &login(user)));
        subscriber.said("SUB req group 1\r\nSUB old group 2\r\nSUB new 3\r\n");
        let shares = |publisher: &mut Wire, subscriber: &mut Wire| {
            publisher.said(&"PUB req 1\r\nx\r\n".repeat(1000));
            let mut shares = [0; 3];
            for _ in 0..1000 {
                let message = subscriber.message();
                shares[usize::try_from(message.sid).expect("a small number") - 1] += 1;
            }
            subscriber.fence();
            shares
        };
        assert_eq!(shares(&mut publisher, &mut subscriber), [1000, 0, 0]);
        for (config, most, least) in [
            (weighted(0), [0, 1000, 0], [0, 1000, 0]),
            (weighted(10), [0, 960, 170], [0, 830, 40]),
            (weighted(50), [0, 600, 600], [0, 400, 400]),
            (weighted(100), [0, 0, 1000], [0, 0, 1000]),
            (mapped("req: new"), [0, 0, 1000], [0, 0, 1000]),
            (mapped("other: new"), [1000, 0, 0], [1000, 0, 0]),
            (mapped(""), [1000, 0, 0], [1000, 0, 0]),
        ] {
            change(&server, &config);
            let shares = shares(&mut publisher, &mut subscriber);
            let fits = (0..3).all(|at| (least[at]..=most[at]).contains(&shares[at]));
            assert!(fits, "{config}: {shares:?}");
        }
        change(&server, &weighted(25));
        let page = server.monitor("/accountz?acc=A");
        let mut destinations = page["account_detail"]["mappings"]["req"].as_array().expect("destinations").clone();
        destinations.sort_by_key(|destination| destination["weight"].as_u64());
        // Each weight is told with those before it.
        assert_eq!((&destinations[0]["subject"], &destinations[0]["weight"]), (&"new".into(), &25.into()), "{page}");
        assert_eq!((&destinations[1]["subject"], &destinations[1]["weight"]), (&"old".into(), &100.into()), "{page}");
    }
}
