//! Services of other accounts: requests there, answers back, who is told what of whom (rows ACC-08, ACC-09, ACC-10,
//! ACC-12, ACC-13, ACC-16, ACC-17, ACC-18). The clock of a slow responder is in `service_latency`.

use gannet_acceptance::{Kind, Message, Server, Wire, both, eventually, login, play};
use serde_json::{Value, json};

/// The account `E` with these exports and the user `e`, the account `I` with these imports and the user `i`.
fn start(kind: Kind, exports: &str, imports: &str) -> Server {
    Server::start(
        kind,
        &format!(
            "server_name: s\naccounts {{
                E {{ users: [{{user: e, password: p}}], exports: [{exports}] }}
                I {{ users: [{{user: i, password: p}}], imports: [{imports}] }}
            }}"
        ),
    )
}

/// What a request says of who asked.
fn requestor(client: &mut Wire) -> Value {
    let request = client.message();
    let info = request
        .header_of("Nats-Request-Info")
        .and_then(|info| serde_json::from_str(info).ok());
    info.unwrap_or_else(|| panic!("{request:?}"))
}

/// The reply of the next request.
fn reply(client: &mut Wire) -> String {
    client.message().reply
}

both! {
    /// ACC-12, ACC-16: a request goes to the exporter under a reply of its own, and the answer comes to the requestor's
    /// inbox, once.
    #[test]
    fn acc_12_request_and_answer(kind: Kind) {
        let server = start(kind, "{service: svc}", "{service: {account: E, subject: svc}, to: ask}");
        play(&server, r#"
            e login e
            i login i
            e> SUB svc 1
            e fence
            i> SUB in.* 1
            i> SUB > 2
            i>> PUB ask in.1 2\r\nhi\r\n
            i< MSG ask 2 in.1 2
            i< hi
            e< HMSG svc 1 <reply> <*>
            e< NATS/1.0
            e< Nats-Request-Info: {"acc":"I","rtt":<*>}
            e< 
            e< hi
            e>> PUB <reply> 2\r\nok\r\n
            i< MSG in.1 <*>
            i< ok
            i< MSG in.1 <*>
            i< ok
            e>> PUB <reply> 3\r\ntoo\r\n
            e fence
            i fence
        "#);
        // The subjects of one account are nothing in the other one.
        play(&server, r"
            e login e
            i login i
            e> SUB ask 1
            e> SUB in.> 2
            e fence
            i> SUB svc 1
            i>> PUB svc 1\r\nx\r\nPUB ask in.1 1\r\ny\r\n
            i< MSG svc 1 1
            i< x
            i fence
            e fence
        ");
    }

    /// ACC-16: a reply under `_R_.` is a word of no client: its parts are letters and digits, and no two are the same.
    #[test]
    fn acc_16_replies_are_made_up(kind: Kind) {
        let server = start(kind, "{service: svc}", "{service: {account: E, subject: svc}}");
        let mut exporter = Wire::client_with(&server, &login("e"));
        exporter.send("SUB svc 1\r\n");
        exporter.fence();
        let mut importer = Wire::client_with(&server, &login("i"));
        importer.send("SUB in 1\r\nSUB _R_.> 2\r\n");
        let mut seen = Vec::new();
        for _ in 0..50 {
            importer.send("PUB svc in 1\r\nx\r\n");
            let reply = reply(&mut exporter);
            let parts: Vec<&str> = reply.split('.').collect();
            assert!(parts.len() == 3 && parts[0] == "_R_", "{reply}");
            assert!(parts[1..].iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric())), "{reply}");
            assert!(!seen.contains(&reply), "{reply}");
            exporter.send(&format!("PUB {reply} 2\r\nok\r\n"));
            importer.expect("MSG in 1 2\r\nok");
            seen.push(reply);
        }
        importer.fence();
        // What was answered is over.
        for reply in seen {
            exporter.send(&format!("PUB {reply} 2\r\nno\r\n"));
        }
        exporter.fence();
        importer.fence();
    }

    /// ACC-12: an answer that asks itself is answered, any number of times; headers come along.
    #[test]
    fn acc_12_conversations(kind: Kind) {
        let server = start(kind, "{service: svc}", "{service: {account: E, subject: svc}}");
        play(&server, r#"
            e login e
            i login i
            e> SUB svc 1
            e> SUB back.* 2
            e fence
            i> SUB in.* 1
            i>> HPUB svc in.1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n
            e< HMSG svc 1 <first> <*>
            e< NATS/1.0
            e< A: b
            e< Nats-Request-Info: {"acc":"I","rtt":<*>}
            e< 
            e< hi
            e>> HPUB <first> back.1 18 20\r\nNATS/1.0\r\nC: d\r\n\r\nho\r\n
            i< HMSG in.1 1 <second> 18 20
            i< NATS/1.0
            i< C: d
            i< 
            i< ho
            i>> PUB <second> in.2 2\r\nhu\r\n
            e< MSG back.1 2 <third> 2
            e< hu
            e>> PUB <third> 3\r\nend\r\n
            i< MSG in.2 1 3
            i< end
            e fence
            i fence
        "#);
    }

    /// ACC-09: one answer of a single service; of the others as many as there are.
    #[test]
    fn acc_09_kinds_of_responses(kind: Kind) {
        let server = start(kind,
            "{service: one, response: singleton}, {service: many, response: stream}, {service: parts, response_type: chunked}",
            "{service: {account: E, subject: one}}, {service: {account: E, subject: many}}, {service: {account: E, subject: parts}}");
        let mut exporter = Wire::client_with(&server, &login("e"));
        exporter.send("SUB one 1\r\nSUB many 1\r\nSUB parts 1\r\n".replace("many 1", "many 2").replace("parts 1", "parts 3").as_str());
        exporter.fence();
        for (service, answers) in [("one", 1), ("many", 5), ("parts", 5)] {
            let mut importer = Wire::client_with(&server, &login("i"));
            importer.send(&format!("SUB in 1\r\nPUB {service} in 1\r\nx\r\n"));
            let reply = reply(&mut exporter);
            for number in 0..5 {
                exporter.send(&format!("PUB {reply} 1\r\n{number}\r\n"));
            }
            exporter.fence();
            for number in 0..answers {
                importer.expect(&format!("MSG in 1 1\r\n{number}"));
            }
            importer.fence();
            // The end of a stream is an empty message; the last one of chunks, too.
            exporter.send(&format!("PUB {reply} 0\r\n\r\n"));
            exporter.fence();
            if answers > 1 {
                importer.expect("MSG in 1 0\r\n");
                exporter.send(&format!("PUB {reply} 4\r\nlate\r\n"));
                exporter.fence();
            }
            importer.fence();
        }
    }

    /// ACC-09: who has not answered within the threshold has missed it.
    #[test]
    fn acc_09_a_slow_responder_is_not_heard(kind: Kind) {
        let server = start(kind, "{service: svc, threshold: \"100ms\"}", "{service: {account: E, subject: svc}}");
        let mut exporter = Wire::client_with(&server, &login("e"));
        let mut importer = Wire::client_with(&server, &login("i"));
        exporter.send("SUB svc 1\r\n");
        exporter.fence();
        importer.send("SUB in.* 1\r\n");
        let mut numbers = 0..;
        // Sooner or later 100 ms have gone between a request and its answer.
        let mut waited = std::time::Duration::ZERO;
        eventually("an answer that is too late", || {
            let number = numbers.next().unwrap_or_default();
            importer.send(&format!("PUB svc in.{number} 1\r\nx\r\n"));
            let reply = reply(&mut exporter);
            let silence = importer.hear(waited);
            assert!(matches!(silence, gannet_acceptance::wire::Heard::Silence(_)), "{silence:?}");
            exporter.send(&format!("PUB {reply} 1\r\ny\r\n"));
            exporter.fence();
            importer.send("PING\r\n");
            let line = importer.line();
            if line == "PONG" {
                return Ok(());
            }
            assert_eq!(line, format!("MSG in.{number} 1 1"));
            importer.expect("y\r\nPONG");
            waited += std::time::Duration::from_millis(50);
            Err(format!("{number} was in time"))
        });
        assert!(waited > std::time::Duration::ZERO, "the first answer comes at once");
    }

    /// ACC-12: without a reply a request is a message.
    #[test]
    fn acc_12_requests_without_a_reply(kind: Kind) {
        let server = start(kind, "{service: \"svc.*\"}", "{service: {account: E, subject: \"svc.*\"}, to: \"to.*\"}");
        play(&server, r#"
            e login e
            i login i
            e> SUB svc.1 1
            e fence
            i>> PUB to.1 2\r\nhi\r\nPUB to.2 2\r\nho\r\n
            e< HMSG svc.1 1 <*>
            e< NATS/1.0
            e< Nats-Request-Info: {"acc":"I","rtt":<*>}
            e< 
            e< hi
            i fence
            e fence
        "#);
    }

    /// ACC-10, ACC-14: tokens that move, and the token of the account.
    #[test]
    fn acc_14_subjects_with_tokens(kind: Kind) {
        let server = start(kind,
            r#"{service: "svc.*.*"}, {service: "own.*.*", account_token_position: 2}, {service: "rest.>"}"#,
            r#"{service: {account: E, subject: "svc.*.*"}, to: "ask.$2.from.$1"}, {service: {account: E, subject: "own.I.*"}, to: "mine.*"},
               {service: {account: E, subject: "rest.>"}, to: "more.>"}, {service: {account: E, subject: "rest.x.y"}, to: z}"#);
        let mut exporter = Wire::client_with(&server, &login("e"));
        let mut importer = Wire::client_with(&server, &login("i"));
        exporter.send("SUB > 1\r\n");
        exporter.fence();
        importer.send("SUB in 1\r\n");
        for (asked, heard) in [
            ("ask.b.from.a", Some("svc.a.b")), ("mine.q", Some("own.I.q")), ("more.a.b.c", Some("rest.a.b.c")), ("z", Some("rest.x.y")),
            ("ask.b.by.a", None), ("mine.a.b", None), ("more", None), ("svc.a.b", None), ("own.I.q", None), ("own.E.q", None),
        ] {
            importer.send(&format!("PUB {asked} in 1\r\nx\r\n"));
            if let Some(heard) = heard {
                let Message { subject, reply, .. } = exporter.message();
                assert!(subject == heard && reply.starts_with("_R_."), "{subject} {reply}");
                exporter.send(&format!("PUB {reply} 2\r\nok\r\n"));
                exporter.expect(&format!("MSG {reply} 1 2\r\nok"));
                importer.expect("MSG in 1 2\r\nok");
            } else {
                importer.expect(&format!("HMSG in 1 <*>\r\nNATS/1.0 503\r\nNats-Subject: {asked}\r\n\r\n"));
            }
            importer.fence();
            exporter.fence();
        }
    }

    /// ACC-18: nobody responds in the other account: the requestor is told, under the subject of its own.
    #[test]
    fn acc_18_nobody_responds(kind: Kind) {
        let server = start(kind, "{service: svc}", "{service: {account: E, subject: svc}, to: ask}");
        let nobody = r"
            i>> PUB ask in.1 1\r\nx\r\n
            i< HMSG in.1 1 37 37
            i< NATS/1.0 503
            i< Nats-Subject: ask
            i< 
            i< 
        ".replace("37", "35");
        play(&server, &format!(r"
            i login i
            e login e
            i> SUB in.1 1
            {nobody}
            e> SUB ask 1
            e fence
            {nobody}
            e> SUB svc 2
            e fence
            i>> PUB ask in.1 1\r\nx\r\n
            e< HMSG svc <*>
            e< NATS/1.0
            e< Nats-Request-Info: <*>
            e< 
            e< x
            i fence
            e leave
            i fence
        "));
        let mut importer = Wire::client_with(&server, &login("i"));
        importer.send("SUB in.1 1\r\n");
        eventually("the responder to have left", || {
            importer.send("PUB ask in.1 1\r\nx\r\n");
            importer.send("PING\r\n");
            match importer.line().as_str() {
                "PONG" => Err("it is there".to_owned()),
                _ => {
                    importer.expect("NATS/1.0 503\r\nNats-Subject: ask\r\n\r\n\r\nPONG");
                    Ok(())
                }
            }
        });
    }

    /// ACC-12: members of a queue group share requests, plain subscribers all get them, and the first answer counts.
    #[test]
    fn acc_12_queue_groups_of_responders(kind: Kind) {
        let server = start(kind, "{service: svc}, {service: all}", "{service: {account: E, subject: svc}}, {service: {account: E, subject: all}}");
        let mut responders = [0, 1, 2].map(|_| Wire::client_with(&server, &login("e")));
        for responder in &mut responders {
            responder.send("SUB svc q 1\r\nSUB all 2\r\nSUB end 3\r\n");
            responder.fence();
        }
        let mut importer = Wire::client_with(&server, &login("i"));
        importer.send(&format!("SUB in 1\r\n{}", "PUB svc in 1\r\nx\r\n".repeat(100)));
        importer.fence();
        let mut other = Wire::client_with(&server, &login("e"));
        other.send("PUB end 0\r\n\r\n");
        other.fence();
        let counts = responders.each_mut().map(|responder| {
            let mut count = 0;
            loop {
                let line = responder.line();
                if line == "MSG end 3 0" {
                    responder.expect("");
                    responder.fence();
                    return count;
                }
                assert!(line.starts_with("HMSG svc 1 _R_."), "{line}");
                responder.expect("NATS/1.0\r\nNats-Request-Info: <*>\r\n\r\nx");
                let reply = line.split(' ').nth(3).expect("a reply");
                responder.send(&format!("PUB {reply} 2\r\nok\r\n"));
                count += 1;
            }
        });
        assert_eq!(counts.iter().sum::<usize>(), 100, "{counts:?}");
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
        for _ in 0..100 {
            importer.expect("MSG in 1 2\r\nok");
        }
        importer.fence();
        importer.send("PUB all in 1\r\nx\r\n");
        let replies = responders.each_mut().map(reply);
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
        for (number, responder) in responders.iter_mut().enumerate() {
            responder.send(&format!("PUB {} 1\r\n{number}\r\n", replies[0]));
            responder.fence();
        }
        importer.expect("MSG in 1 1\r\n0");
        importer.fence();
    }

    /// ACC-17: a service of a service of a service: every account has replies of its own, and the answer finds its way back.
    #[test]
    fn acc_17_chains_of_three(kind: Kind) {
        let server = Server::start(kind, r#"accounts {
            A { users: [{user: a, password: p}], exports: [{service: "s.>"}] }
            B { users: [{user: b, password: p}], imports: [{service: {account: A, subject: "s.>"}, to: "b.>"}], exports: [{service: "b.*"}] }
            C { users: [{user: c, password: p}], imports: [{service: {account: B, subject: "b.x"}, to: "c.x"}] }
        }"#);
        play(&server, r#"
            a login a
            spy login b
            c login c
            a> SUB > 1
            a fence
            spy> SUB > 1
            spy fence
            c> SUB in.* 1
            c> SUB _R_.> 2
            c>> PUB c.x in.1 2\r\nhi\r\n
            spy< HMSG b.x 1 <middle> <*>
            spy< NATS/1.0
            spy< Nats-Request-Info: {"acc":"C","rtt":<*>}
            spy< 
            spy< hi
            a< HMSG s.x 1 <end> <*>
            a< NATS/1.0
            a< Nats-Request-Info: {"acc":"C","svc":"B","rtt":<*>}
            a< 
            a< hi
            a>> PUB <end> 2\r\nok\r\n
            a< MSG <end> 1 2
            a< ok
            c< MSG in.1 1 2
            c< ok
            spy< MSG <middle> 1 2
            spy< ok
            a>> PUB <end> 2\r\nno\r\n
            a< MSG <end> 1 2
            a< no
            spy fence
            c fence
            a fence
        "#);
    }

    /// ACC-17, ACC-18: at the end of a chain nobody responds.
    #[test]
    fn acc_18_nobody_responds_at_the_end_of_a_chain(kind: Kind) {
        let server = Server::start(kind, "accounts {
            A { users: [{user: a, password: p}], exports: [{service: a}] }
            B { users: [{user: b, password: p}], imports: [{service: {account: A, subject: a}, to: b}], exports: [{service: b}] }
            C { users: [{user: c, password: p}], imports: [{service: {account: B, subject: b}, to: c}] }
        }");
        play(&server, r"
            c login c
            c> SUB in.1 1
            c>> PUB c in.1 1\r\nx\r\n
            c< HMSG in.1 1 33 33
            c< NATS/1.0 503
            c< Nats-Subject: c
            c< 
            c< 
            c fence
        ");
    }

    /// ACC-13: who shares is known to the exporter by name and place; who does not, by account alone. What a client says of
    /// itself in a header of that name counts for nothing.
    #[test]
    fn acc_13_what_the_exporter_knows_of_the_requestor(kind: Kind) {
        let server = start(kind, "{service: \"svc.*\"}", "{service: {account: E, subject: svc.1}}, {service: {account: E, subject: svc.2}, share: true}");
        let mut exporter = Wire::client_with(&server, &login("e"));
        exporter.send("SUB svc.* 1\r\n");
        exporter.fence();
        let mut importer = Wire::open(&server.client_address());
        let cid = importer.info()["client_id"].clone();
        let mut options = login("i");
        for (key, value) in [("name", "asker"), ("lang", "rust"), ("version", "1.2.3")] {
            options[key] = value.into();
        }
        importer.connect_with(&options);
        let lie = "NATS/1.0\r\nNats-Request-Info: {\"acc\":\"X\"}\r\n\r\n";
        for publish in ["PUB svc.1 in 1\r\nx\r\n", &format!("HPUB svc.1 in {0} {0}\r\n{lie}\r\n", lie.len())] {
            importer.send(publish);
            let mut info = requestor(&mut exporter);
            assert!(info["rtt"].as_u64() > Some(0), "{info}");
            info["rtt"].take();
            assert_eq!(info, json!({"acc": "I", "rtt": null}));
        }
        importer.send("PUB svc.2 in 1\r\nx\r\n");
        let mut info = requestor(&mut exporter);
        for taken in ["start", "rtt"] {
            assert!(!info[taken].take().is_null(), "{info}");
        }
        assert_eq!(info, json!({
            "acc": "I", "client_type": "nats", "host": "127.0.0.1", "id": cid, "kind": "Client", "lang": "rust", "name": "asker",
            "rtt": null, "server": "s", "start": null, "user": "i", "ver": "1.2.3",
        }));
    }

    /// ACC-13, ACC-17: in a chain, the account in the middle is named; who shares says all from there on, and what was not
    /// said before is not said then, save for the server.
    #[test]
    fn acc_13_sharing_in_chains(kind: Kind) {
        for (first, second, told) in [
            (false, false, &["acc", "rtt", "svc"][..]),
            (false, true, &["acc", "rtt", "server", "svc"]),
            (true, false, &["acc", "client_type", "host", "id", "kind", "rtt", "server", "start", "svc", "user"]),
            (true, true, &["acc", "client_type", "host", "id", "kind", "rtt", "server", "start", "svc", "user"]),
        ] {
            let server = Server::start(kind, &format!("server_name: s\naccounts {{
                A {{ users: [{{user: a, password: p}}], exports: [{{service: a}}] }}
                B {{ imports: [{{service: {{account: A, subject: a}}, to: b, share: {second}}}], exports: [{{service: b}}] }}
                C {{ users: [{{user: c, password: p}}], imports: [{{service: {{account: B, subject: b}}, to: c, share: {first}}}] }}
            }}"));
            let mut answerer = Wire::client_with(&server, &login("a"));
            answerer.said("SUB a 1\r\n");
            let mut asker = Wire::client_with(&server, &login("c"));
            asker.send("PUB c 1\r\nx\r\n");
            let info = requestor(&mut answerer);
            let mut fields: Vec<&str> = info.as_object().expect("an object").keys().map(String::as_str).collect();
            fields.sort_unstable();
            assert_eq!(fields, told, "{first} {second}: {info}");
            assert_eq!((&info["acc"], &info["svc"]), (&"C".into(), &"B".into()), "{info}");
        }
    }

    /// ACC-12: two importers of one service do not get each other's answers.
    #[test]
    fn acc_12_answers_go_to_the_one_who_asked(kind: Kind) {
        let server = Server::start(kind, "accounts {
            E { users: [{user: e, password: p}], exports: [{service: svc}] }
            I { users: [{user: i, password: p}], imports: [{service: {account: E, subject: svc}}] }
            J { users: [{user: j, password: p}], imports: [{service: {account: E, subject: svc}}] }
        }");
        play(&server, r"
            e login e
            i login i
            j login j
            e> SUB svc 1
            e fence
            i> SUB in 1
            j> SUB in 1
            i>> PUB svc in 1\r\ni\r\n
            e< HMSG svc 1 <toi> <*>
            e< NATS/1.0
            e< <*>
            e< 
            e< i
            j>> PUB svc in 1\r\nj\r\n
            e< HMSG svc 1 <toj> <*>
            e< NATS/1.0
            e< <*>
            e< 
            e< j
            e>> PUB <toj> 1\r\nj\r\nPUB <toi> 1\r\ni\r\n
            i< MSG in 1 1
            i< i
            j< MSG in 1 1
            j< j
            i fence
            j fence
            e>> PUB in 1\r\nx\r\n
            e fence
            i fence
            j fence
        ");
    }

    /// ACC-12: responders that may publish only what they are asked for.
    #[test]
    fn acc_12_responders_with_permission_to_respond(kind: Kind) {
        let server = Server::start(kind, r#"accounts {
            E {
                users: [{user: e, password: p, permissions: {publish: {deny: ">"}, subscribe: svc, allow_responses: true}}]
                exports: [{service: svc}]
            }
            I {
                users: [{user: i, password: p, permissions: {publish: svc, subscribe: in}}]
                imports: [{service: {account: E, subject: svc}}]
            }
        }"#);
        play(&server, r#"
            e login e
            i login i
            e> SUB svc 1
            e fence
            i> SUB in 1
            i>> PUB svc in 1\r\nx\r\n
            e< HMSG svc 1 <reply> <*>
            e< NATS/1.0
            e< <*>
            e< 
            e< x
            e>> PUB <reply> 2\r\nok\r\n
            i< MSG in 1 2
            i< ok
            e>> PUB <reply> 2\r\nok\r\n
            e< -ERR 'Permissions Violation for Publish to "<reply>"'
            e fence
            i fence
        "#);
    }
}
