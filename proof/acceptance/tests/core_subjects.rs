//! Subjects, interest and delivery (rows CORE-35 to CORE-45).

use gannet_acceptance::{Kind, Server, Wire, both, eventually, play};
use serde_json::json;

fn plain(kind: Kind) -> Server {
    Server::start(kind, "")
}

/// The rule itself, written as plainly as possible.
fn is_match(pattern: &str, subject: &str) -> bool {
    let (pattern, subject): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), subject.split('.').collect());
    for (at, token) in pattern.iter().enumerate() {
        match (*token, subject.get(at)) {
            (">", Some(_)) if at + 1 == pattern.len() => return true,
            ("*", Some(_)) => {}
            (token, Some(other)) if token == *other => {}
            _ => return false,
        }
    }
    pattern.len() == subject.len()
}

both! {
    /// CORE-35, CORE-36: which subjects can be subscribed to.
    #[test]
    fn subscription_subjects_are_checked(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::client(&server);
        for subject in [
            "foo", "foo.bar", "*", ">", "foo.*", "foo.>", "*.*", "foo.*.bar", "*.>", "foo*bar", "foo>", "f>o.b*r", "foo.*bar", "$a.b",
            "ä.ö", "a-b_c:d/e", "_INBOX.x", "$SYS.x", "**", ">>", "foo.>>", "\u{7f}",
        ] {
            wire.send(&format!("SUB {subject} 1\r\n"));
            wire.fence();
            wire.send("UNSUB 1\r\n");
        }
        for subject in ["foo..bar", ".foo", "foo.", ".", "..", "foo.>.bar", ">.foo", "foo.*.", ">.>", "*.>.*"] {
            wire.send(&format!("SUB {subject} 1\r\n"));
            wire.expect("-ERR 'Invalid Subject'");
            wire.fence();
        }
    }

    /// CORE-35, CORE-38: what matches what, against the rule written down plainly.
    #[test]
    fn wildcards_match_as_the_rule_says(kind: Kind) {
        let server = plain(kind);
        let patterns = [
            "a", "*", ">", "a.b", "a.*", "*.b", "*.*", "a.>", "*.>", "a.*.c", "a.*.>", "*.*.*", "a.b.>", "a*", "a>", "a.b*", "a.*b", "**", "a.>>", "b.>",
        ];
        let subjects = ["a", "b", "a.b", "a.c", "b.c", "a.b.c", "a.x.c", "a.b.c.d", "a*", "a>", "axb", "a.b*", "a.xb", "a.*b", "**", "ab", "a.>>", "b.b.b"];
        let mut reader = Wire::client(&server);
        for (sid, pattern) in patterns.iter().enumerate() {
            reader.send(&format!("SUB {pattern} {sid}\r\n"));
        }
        reader.fence();
        let mut writer = Wire::client(&server);
        // Twice: the second time the server may answer from what it remembers.
        for _ in 0..2 {
            for subject in subjects {
                writer.send(&format!("PUB {subject} 0\r\n\r\n"));
                writer.fence();
                let expected: Vec<usize> = (0..patterns.len()).filter(|&sid| is_match(patterns[sid], subject)).collect();
                let mut heard: Vec<usize> = expected
                    .iter()
                    .map(|_| {
                        let line = reader.line();
                        assert_eq!(reader.line(), "");
                        let words: Vec<&str> = line.split(' ').collect();
                        assert_eq!((words[0], words[1], words[3]), ("MSG", subject, "0"));
                        words[2].parse().expect("a sid")
                    })
                    .collect();
                heard.sort_unstable();
                assert_eq!(heard, expected, "{subject}");
                reader.fence();
            }
        }
    }

    /// CORE-38: matching without the cache is the same matching.
    #[test]
    fn matching_works_without_cache(kind: Kind) {
        for key in ["disable_sublist_cache", "no_sublist_cache"] {
            play(&Server::start(kind, &format!("{key}: true")), r"
                a connect
                a> SUB foo.* 1
                a>> PUB foo.a 1\r\nx\r\nPUB foo.a 1\r\ny\r\nPUB foo 1\r\nz\r\n
                a< MSG foo.a 1 1
                a< x
                a< MSG foo.a 1 1
                a< y
                a fence
            ");
        }
    }

    /// CORE-38: what is remembered about a subject is forgotten when interest changes.
    #[test]
    fn interest_changes_are_seen_at_once(kind: Kind) {
        let server = plain(kind);
        let mut wire = Wire::client(&server);
        for round in 0..50 {
            wire.send(&format!("PUB foo.bar 1\r\na\r\nSUB foo.* {round}\r\nPUB foo.bar 1\r\nb\r\nUNSUB {round}\r\nPUB foo.bar 1\r\nc\r\n"));
            wire.expect(&format!("MSG foo.bar {round} 1\r\nb"));
            wire.fence();
        }
    }

    /// CORE-37: pedantic clients are told about subjects that nobody should publish to; the valid-looking part
    /// of them is routed all the same.
    #[test]
    fn pedantic_publish_check(kind: Kind) {
        play(&plain(kind), r#"
            a connect {"pedantic":true}
            a> SUB > 1
            a>> PUB foo.* 0\r\n\r\n
            a< -ERR 'Invalid Publish Subject'
            a< MSG foo.* 1 0
            a< 
            a>> PUB foo..bar 0\r\n\r\n
            a< -ERR 'Invalid Publish Subject'
            a>> PUB foo.bar 0\r\n\r\n
            a< MSG foo.bar 1 0
            a< 
            a fence
            b connect
            b>> PUB foo.> 0\r\n\r\nPUB foo..bar 0\r\n\r\nPUB .foo 0\r\n\r\nPUB foo. 0\r\n\r\n
            b fence
            a< MSG foo.> 1 0
            a< 
            a fence
        "#);
    }

    /// CORE-39: one member per group and message; groups and plain subscriptions don't take from each other. A
    /// group is a name among the subscriptions that match: `foo q` and `* q` are one group for a message on foo.
    #[test]
    fn queue_groups_get_each_message_once(kind: Kind) {
        let server = plain(kind);
        let mut members: Vec<Wire> = (0..4).map(|_| Wire::client(&server)).collect();
        for (index, member) in members.iter_mut().enumerate() {
            member.send("SUB foo q 1\r\n");
            // The same name on a subject that does not match has no part in it.
            member.send(if index < 2 { "SUB foo r 2\r\n" } else { "SUB bar q 2\r\n" });
            member.send("SUB * q 3\r\n");
            member.fence();
        }
        let mut plain = Wire::client(&server);
        plain.send("SUB foo 9\r\n");
        plain.fence();
        let mut writer = Wire::client(&server);
        const COUNT: usize = 200;
        for number in 0..COUNT {
            writer.send(&format!("PUB foo 3\r\n{number:03}\r\n"));
        }
        writer.fence();
        for number in 0..COUNT {
            plain.expect(&format!("MSG foo 9 3\r\n{number:03}"));
        }
        plain.fence();
        let mut shares = [[0; 2]; 4];
        let mut seen: Vec<(usize, String)> = Vec::new();
        for (index, member) in members.iter_mut().enumerate() {
            member.send("PING\r\n");
            loop {
                let line = member.line();
                if line == "PONG" {
                    break;
                }
                let sid: usize = line.split(' ').nth(2).and_then(|sid| sid.parse().ok()).expect("a sid");
                assert!(sid != 2 || index < 2, "nothing was sent to bar");
                let group = usize::from(sid == 2);
                shares[index][group] += 1;
                seen.push((group, member.line()));
            }
        }
        seen.sort();
        let expected: Vec<(usize, String)> = (0..2).flat_map(|group| (0..COUNT).map(move |number| (group, format!("{number:03}")))).collect();
        assert_eq!(seen, expected, "every group gets every message once");
        for (group, members) in [4, 2].into_iter().enumerate() {
            for share in shares.iter().take(members) {
                // Each member's fair share is 50 or 100; a fair choice practically never gives less than 10.
                assert!(share[group] >= 10, "{shares:?}");
            }
        }
    }

    /// CORE-40: the group name of the servers themselves.
    #[test]
    fn the_group_name_of_servers_is_reserved(kind: Kind) {
        play(&plain(kind), r#"
            a connect
            a> SUB foo _sys_ 1
            a< -ERR 'Permissions Violation for Subscription to "foo" using queue "_sys_"'
            a>> PUB foo 0\r\n\r\n
            a fence
        "#);
    }

    /// CORE-42: without echo one's own messages don't come back, but others get them.
    #[test]
    fn no_echo(kind: Kind) {
        play(&plain(kind), r#"
            a connect {"echo":false}
            a> SUB foo 1
            a> SUB foo q 2
            b connect
            b> SUB foo 1
            b fence
            a>> PUB foo 1\r\nx\r\n
            a fence
            b< MSG foo 1 1
            b< x
            b>> PUB foo 1\r\ny\r\n
            b< MSG foo 1 1
            b< y
            b fence
            a< MSG foo <*> 1
            a< y
            a< MSG foo <*> 1
            a< y
            a fence
        "#);
    }

    /// CORE-42: in a queue group the publisher without echo is passed over.
    #[test]
    fn no_echo_in_a_queue_group(kind: Kind) {
        let server = plain(kind);
        let mut writer = Wire::client_with(&server, &json!({"echo": false}));
        writer.send("SUB foo q 1\r\n");
        writer.fence();
        let mut other = Wire::client(&server);
        other.send("SUB foo q 1\r\n");
        other.fence();
        for number in 0..50 {
            writer.send(&format!("PUB foo 2\r\n{number:02}\r\n"));
        }
        writer.fence();
        for number in 0..50 {
            other.expect(&format!("MSG foo 1 2\r\n{number:02}"));
        }
        other.fence();
    }

    /// CORE-43: the frame that says that nobody answers, and who gets it.
    #[test]
    fn no_responders(kind: Kind) {
        play(&plain(kind), r#"
            a connect {"headers":true,"no_responders":true}
            a> SUB reply.* 7
            a>> PUB nobody reply.1 2\r\nhi\r\n
            a< HMSG reply.1 7 38 38
            a< NATS/1.0 503
            a< Nats-Subject: nobody
            a< 
            a< 
            # no reply, no status
            a>> PUB nobody 2\r\nhi\r\n
            a fence
            # a reply that one has not subscribed to oneself
            a>> PUB nobody other.1 2\r\nhi\r\n
            a fence
            b connect {"headers":true,"no_responders":true}
            b> SUB other.1 1
            b fence
            a>> PUB nobody other.1 2\r\nhi\r\n
            a fence
            b fence
            # somebody is there
            b> SUB nobody 2
            b fence
            a>> PUB nobody reply.1 2\r\nhi\r\n
            b< MSG nobody 2 reply.1 2
            b< hi
            a fence
            # wildcards in a reply are text
            a> SUB re.> 8
            a>> PUB none re.* 0\r\n\r\n
            a< HMSG re.* 8 36 36
            a< NATS/1.0 503
            a< Nats-Subject: none
            a< 
            a< 
            # with a header in the request
            a>> HPUB none reply.2 12 12\r\nNATS/1.0\r\n\r\n\r\n
            a< HMSG reply.2 7 36 36
            a< NATS/1.0 503
            a< Nats-Subject: none
            a< 
            a< 
            # a client that did not ask for it
            c connect {"headers":true}
            c> SUB reply.* 1
            c>> PUB none reply.3 0\r\n\r\n
            c fence
            a fence
        "#);
    }

    /// CORE-43: one's own subscription answers only with echo.
    #[test]
    fn no_responders_without_echo(kind: Kind) {
        play(&plain(kind), r#"
            a connect {"headers":true,"no_responders":true,"echo":false}
            a> SUB reply 1
            a> SUB mine 2
            a>> PUB mine reply 0\r\n\r\n
            a< HMSG reply 1 36 36
            a< NATS/1.0 503
            a< Nats-Subject: mine
            a< 
            a< 
            a fence
        "#);
    }

    /// CORE-43: request and reply through one inbox for all.
    #[test]
    fn request_and_reply(kind: Kind) {
        play(&plain(kind), r#"
            s connect {"headers":true}
            s> SUB service workers 1
            s fence
            a connect {"headers":true,"no_responders":true}
            a> SUB _INBOX.abc.* 1
            a>> PUB service _INBOX.abc.1 2\r\nhi\r\n
            s< MSG service 1 _INBOX.abc.1 2
            s< hi
            s>> PUB _INBOX.abc.1 5\r\nhello\r\n
            a< MSG _INBOX.abc.1 1 5
            a< hello
            a fence
        "#);
    }

    /// CORE-44, GW-92: subjects that clients must not publish to or be answered at.
    #[test]
    fn reserved_subjects_are_refused(kind: Kind) {
        play(&plain(kind), r#"
            a connect
            a> SUB > 1
            a>> PUB _GR_.x 0\r\n\r\n
            a< -ERR 'Permissions Violation for Publish to "_GR_.x"'
            a>> PUB $NRG.x 0\r\n\r\n
            a< -ERR 'Permissions Violation for Publish to "$NRG.x"'
            a>> PUB foo _R_.x 0\r\n\r\n
            a< -ERR 'Permissions Violation for Publish with Reply of "_R_.x"'
            a>> PUB foo _GR_.x 0\r\n\r\n
            a< -ERR 'Permissions Violation for Publish with Reply of "_GR_.x"'
            a fence
            a>> PUB _R_.x 0\r\n\r\n
            a< MSG _R_.x 1 0
            a< 
            a>> PUB foo ok 0\r\n\r\n
            a< MSG foo 1 ok 0
            a< 
        "#);
    }

    /// CORE-45: the order of one publisher is kept, over several subjects, for every subscriber.
    #[test]
    fn order_per_publisher_is_kept(kind: Kind) {
        let server = plain(kind);
        let mut readers: Vec<Wire> = (0..3).map(|_| Wire::client(&server)).collect();
        for reader in &mut readers {
            reader.send("SUB order.> 1\r\n");
            reader.fence();
        }
        let mut writers: Vec<Wire> = (0..3).map(|_| Wire::client(&server)).collect();
        const COUNT: usize = 300;
        for number in 0..COUNT {
            for (index, writer) in writers.iter_mut().enumerate() {
                writer.send(&format!("PUB order.{index}.{} 3\r\n{number:03}\r\n", number % 7));
            }
        }
        for reader in &mut readers {
            let mut next = [0; 3];
            for _ in 0..3 * COUNT {
                let line = reader.line();
                let writer: usize = line.split('.').nth(1).and_then(|word| word.parse().ok()).expect("the writer's number");
                assert_eq!(reader.line(), format!("{:03}", next[writer]));
                next[writer] += 1;
            }
            reader.fence();
        }
    }

    /// CORE-45: unsubscribe and wait for PONG: everything before has come, nothing comes after.
    #[test]
    fn draining_loses_nothing(kind: Kind) {
        let server = plain(kind);
        let mut writer = Wire::client(&server);
        let mut reader = Wire::client(&server);
        reader.send("SUB foo 1\r\n");
        reader.fence();
        for number in 0..500 {
            writer.send(&format!("PUB foo 3\r\n{number:03}\r\n"));
        }
        writer.fence();
        reader.send("UNSUB 1\r\nPING\r\n");
        for number in 0..500 {
            reader.expect(&format!("MSG foo 1 3\r\n{number:03}"));
        }
        reader.expect("PONG");
        writer.send("PUB foo 1\r\nx\r\n");
        writer.fence();
        reader.fence();
    }

    /// Interest of a connection ends with it.
    #[test]
    fn closing_ends_interest(kind: Kind) {
        let server = plain(kind);
        let before = server.monitor("/subsz")["num_subscriptions"].as_u64().expect("a number");
        let mut reader = Wire::client(&server);
        reader.send("SUB foo 1\r\nSUB bar.* 2\r\nSUB baz.> q 3\r\n");
        reader.fence();
        assert_eq!(server.monitor("/subsz")["num_subscriptions"], before + 3);
        drop(reader);
        eventually("the subscriptions to be gone", || {
            let now = server.try_monitor("/subsz")?["num_subscriptions"].clone();
            if now == before { Ok(()) } else { Err(now.to_string()) }
        });
    }

    /// A million-subject publisher is served right: many subjects against wildcards and literals.
    #[test]
    fn many_subjects(kind: Kind) {
        let server = plain(kind);
        let mut reader = Wire::client(&server);
        const COUNT: usize = 3000;
        reader.send("SUB many.> w\r\n");
        for number in (0..COUNT).step_by(2) {
            reader.send(&format!("SUB many.{number} {number}\r\n"));
        }
        reader.fence();
        let mut writer = Wire::client(&server);
        let talk: String = (0..COUNT).map(|number| format!("PUB many.{number} 0\r\n\r\n")).collect();
        writer.send(&talk);
        writer.fence();
        for number in 0..COUNT {
            let mut lines = vec![reader.line()];
            reader.expect("");
            let mut expected = vec![format!("MSG many.{number} w 0")];
            if number % 2 == 0 {
                lines.push(reader.line());
                reader.expect("");
                expected.insert(0, format!("MSG many.{number} {number} 0"));
            }
            lines.sort();
            assert_eq!(lines, expected);
        }
        reader.fence();
    }
}
