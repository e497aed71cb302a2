//! Limits and what happens beyond them (rows CORE-24 to CORE-34).

use gannet_acceptance::wait::PATIENCE;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Server, Wire, both, eventually, play};
use regex_lite::Regex;
use serde_json::json;
use std::io::Read;
use std::time::{Duration, Instant};

/// A subscriber that stops reading, and a publisher that fills its way until the server cuts it off; the entry
/// of the subscriber among the closed connections.
fn overwhelm(server: &Server) -> serde_json::Value {
    let mut slow = Wire::client_with(server, &json!({"name": "slow"}));
    slow.send("SUB flood 1\r\n");
    slow.fence();
    let mut fast = Wire::client_with(server, &json!({"name": "fast"}));
    let message = format!("PUB flood 65536\r\n{}\r\n", "x".repeat(65536));
    eventually("the slow consumer to be cut off", || {
        for _ in 0..16 {
            fast.send(&message);
        }
        fast.fence();
        let count = server.try_monitor("/varz")?["slow_consumers"].as_u64();
        if count == Some(1) {
            Ok(())
        } else {
            Err(format!("{count:?} slow consumers"))
        }
    });
    fast.fence();
    server.closed_connection("slow")
}

both! {
    /// CORE-24: the control line of a client is bounded, by default at 4096 bytes.
    #[test]
    fn control_lines_are_bounded(kind: Kind) {
        for (config, limit) in [("", 4096), ("max_control_line: 100", 100)] {
            let server = Server::start(kind, config);
            // CONNECT counts, so the short limit needs a short CONNECT.
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire.send("CONNECT {\"verbose\":false}\r\n");
            // What is counted is the arguments after the verb, here the subject and " 1".
            wire.send(&format!("SUB {} 1\r\n", "a".repeat(limit - 2)));
            wire.fence();
            wire.send(&format!("SUB {} 1\r\n", "a".repeat(limit - 1)));
            wire.expect("-ERR 'maximum control line exceeded'");
            wire.expect_closed();
        }
    }

    /// CORE-24: an unfinished line is refused as soon as it is too long.
    #[test]
    fn unfinished_control_lines_are_bounded(kind: Kind) {
        let server = Server::start(kind, "max_control_line: 1024");
        for start in ["PUB foo", "SUB foo", "CONNECT {", "UNSUB ", "HPUB foo "] {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire.send(start);
            wire.send(&"a".repeat(2000));
            wire.expect("-ERR 'maximum control line exceeded'");
            wire.expect_closed();
        }
        Wire::client(&server).fence();
    }

    /// CORE-25: the payload limit is inclusive and announced; one byte more closes.
    #[test]
    fn payload_is_bounded(kind: Kind) {
        let server = Server::start(kind, "max_payload: 100");
        for (verb, extra) in [("PUB foo 101", ""), ("HPUB foo 12 101", "NATS/1.0\r\n\r\n"), ("PUB foo 1048577", "")] {
            let mut wire = Wire::client_with(&server, &json!({"headers": true, "name": verb}));
            wire.send(&format!("SUB foo 1\r\nPUB foo 100\r\n{}\r\n", "x".repeat(100)));
            wire.expect("MSG foo 1 100");
            wire.expect(&"x".repeat(100));
            wire.send(&format!("{verb}\r\n{extra}"));
            wire.expect("-ERR 'Maximum Payload Violation'");
            wire.expect_closed();
            assert_eq!(server.closed_connection(verb)["reason"], "Maximum Message Payload Exceeded");
        }
    }

    /// CORE-25: the default limit is one MiB.
    #[test]
    fn default_payload_limit_is_one_mebibyte(kind: Kind) {
        let server = Server::start(kind, "");
        let mut wire = Wire::client(&server);
        wire.send("SUB foo 1\r\nPUB foo 1048576\r\n");
        let payload: Vec<u8> = (0..1_048_576_u32).map(|i| (i % 251) as u8).collect();
        wire.send_bytes(&payload);
        wire.send("\r\n");
        wire.expect("MSG foo 1 1048576");
        assert!(wire.bytes(1_048_576) == payload, "the payload comes back as it was sent");
        assert_eq!(wire.bytes(2), b"\r\n");
        wire.send("PUB foo 1048577\r\n");
        wire.expect("-ERR 'Maximum Payload Violation'");
        wire.expect_closed();
    }

    /// CORE-26: numbers that overflow are refused, not wrapped.
    #[test]
    fn overflowing_sizes_close(kind: Kind) {
        let server = Server::start(kind, "");
        for line in [
            "PUB foo 99999999999999999999", "PUB foo 18446744073709551617", "PUB foo 9223372036854775808",
            "HPUB foo 1 99999999999999999999", "HPUB foo 99999999999999999999 1", "PUB foo 18446744073709551616",
        ] {
            let mut wire = Wire::client_with(&server, &json!({"headers": true}));
            wire.send(&format!("{line}\r\n"));
            let closed = matches!(wire.hear(Duration::from_secs(20)), Heard::End(_));
            // Sizes that still fit an unsigned number may be told as too large.
            assert!(closed || wire.story().contains("Maximum Payload Violation"), "{line}: {}", wire.story());
        }
        Wire::client(&server).fence();
    }

    /// CORE-27: connections beyond the maximum are told and closed; the place of one that left is free again.
    #[test]
    fn connections_are_bounded(kind: Kind) {
        for key in ["max_connections", "max_conn"] {
            let server = Server::start(kind, &format!("{key}: 2"));
            server.await_nobody();
            let first = Wire::client(&server);
            let _second = Wire::client(&server);
            let mut third = Wire::open(&server.client_address());
            let mut heard = third.line();
            if heard.starts_with("INFO ") {
                heard = third.line();
            }
            assert_eq!(heard, "-ERR 'maximum connections exceeded'");
            third.expect_closed();
            drop(first);
            eventually("a place to be free", || {
                let mut wire = Wire::open(&server.client_address());
                wire.info();
                wire.send("PING\r\n");
                match wire.hear(Duration::from_secs(20)) {
                    Heard::Line(line) if line == "PONG" => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            });
        }
    }

    /// CORE-27: a maximum of zero refuses everybody.
    #[test]
    fn zero_connections_refuse_everybody(kind: Kind) {
        let server = Server::start(kind, "max_connections: 0");
        let mut wire = Wire::open(&server.client_address());
        let mut heard = wire.line();
        if heard.starts_with("INFO ") {
            heard = wire.line();
        }
        assert_eq!(heard, "-ERR 'maximum connections exceeded'");
        wire.expect_closed();
    }

    /// CORE-28: too many subscriptions are refused one by one; the connection stays.
    #[test]
    fn subscriptions_are_bounded(kind: Kind) {
        for key in ["max_subscriptions", "max_subs"] {
            play(&Server::start(kind, &format!("{key}: 2")), r"
                a connect
                a> SUB foo 1
                a> SUB bar 2
                a> SUB baz 3
                a< -ERR 'maximum subscriptions exceeded'
                a>> PUB baz 1\r\nx\r\nPUB foo 1\r\nx\r\n
                a< MSG foo 1 1
                a< x
                a> UNSUB 1
                a> SUB baz 3
                a>> PUB baz 1\r\nx\r\n
                a< MSG baz 3 1
                a< x
                b connect
                b> SUB foo 1
                b fence
            ");
        }
    }

    /// CORE-29: subjects of too many tokens.
    #[test]
    fn subscription_tokens_are_bounded(kind: Kind) {
        play(&Server::start(kind, "max_sub_tokens: 3"), r#"
            a connect
            a> SUB a.b.c 1
            a> SUB a.b.c.d 2
            a< -ERR 'Permissions Violation for Subscription to "a.b.c.d", too many tokens'
            a> SUB a.b.c.> 3
            a< -ERR 'Permissions Violation for Subscription to "a.b.c.>", too many tokens'
            a>> PUB a.b.c.d 1\r\nx\r\nPUB a.b.c 1\r\nx\r\n
            a< MSG a.b.c 1 1
            a< x
            a fence
        "#);
    }

    /// CORE-30: a consumer that lets too much pile up is cut off without a word, the others go on.
    #[test]
    fn slow_consumers_are_cut_off_at_max_pending(kind: Kind) {
        let server = Server::start(kind, "max_pending: 2MB");
        let entry = overwhelm(&server);
        assert_eq!(entry["reason"], "Slow Consumer (Pending Bytes)");
        assert_eq!(server.monitor("/varz")["slow_consumer_stats"]["clients"], 1);
        server.expect_log("Slow Consumer Detected");
    }

    /// CORE-32: who publishes faster than somebody reads is held back for a moment, which is counted, unless that is
    /// switched off.
    #[test]
    fn fast_publishers_are_held_back(kind: Kind) {
        let server = Server::start(kind, "max_pending: 8MB\nwrite_deadline: \"1h\"");
        let mut slow = Wire::client(&server);
        slow.send("SUB flood 1\r\n");
        slow.fence();
        let mut fast = Wire::client(&server);
        let message = format!("PUB flood 65536\r\n{}\r\n", "x".repeat(65536));
        eventually("the fast one to be held back", || {
            // Less than what is between the point where that begins and the limit.
            for _ in 0..8 {
                fast.send(&message);
            }
            fast.fence();
            let page = server.try_monitor("/varz")?;
            if page["stalled_clients"].as_u64() > Some(0) { Ok(()) } else { Err(format!("{}", page["slow_consumers"])) }
        });
        assert_eq!(server.monitor("/varz")["slow_consumers"], 0, "that is before it is too much");
        let stalls = server.monitor("/connz")["connections"][0]["stalls"].clone();
        assert!(stalls.as_u64() > Some(0), "counted at the one that reads slowly: {stalls}");
        let server = Server::start(kind, "max_pending: 8MB\nwrite_deadline: \"500ms\"\nno_fast_producer_stall: true");
        overwhelm(&server);
        assert_eq!(server.monitor("/varz")["stalled_clients"], 0);
    }

    /// CORE-31: so is one whose socket takes nothing for the write deadline.
    #[test]
    fn slow_consumers_are_cut_off_at_the_write_deadline(kind: Kind) {
        let server = Server::start(kind, "max_pending: 1GB\nwrite_deadline: \"300ms\"");
        let entry = overwhelm(&server);
        assert_eq!(entry["reason"], "Slow Consumer (Write Deadline)");
        assert_eq!(server.monitor("/varz")["slow_consumer_stats"]["clients"], 1);
    }

    /// CORE-31: one that may try again stays while it takes bytes, and is counted at each deadline; it recovers when
    /// all is out, and goes once a whole deadline has passed without a byte.
    #[test]
    fn slow_consumers_may_try_again(kind: Kind) {
        const COUNT: usize = 640;
        let config = "max_pending: 1GB\nping_interval: \"1h\"\nwrite_deadline: \"1s\"\nwrite_timeout: retry";
        let server = Server::start(kind, config);
        let mut slow = Wire::client_with(&server, &json!({"name": "slow"}));
        slow.send("SUB flood 1\r\n");
        slow.fence();
        let mut slow = slow.into_stream();
        slow.set_read_timeout(Some(PATIENCE)).expect("an open socket takes options");
        let mut fast = Wire::client(&server);
        let message = format!("PUB flood 65536\r\n{}\r\n", "x".repeat(65536));
        let mut flood = || {
            fast.send(&message.repeat(COUNT));
            fast.fence();
        };
        let slow_consumers = || server.monitor("/varz")["slow_consumer_stats"]["clients"].as_u64().expect("a number");
        flood();
        let mut buffer = vec![0; 65536];
        let (began, mut taken) = (Instant::now(), 0);
        while slow_consumers() < 3 {
            // 4 KB in a millisecond: in the time of a deadline enough to see, and far less than waits.
            while taken < began.elapsed().as_millis() * 4096 {
                slow.read_exact(&mut buffer[..8192]).expect("the connection stays");
                taken += 8192;
            }
        }
        let detected = server.expect_log("Slow Consumer Detected: ");
        let form = Regex::new(r"WriteDeadline of 1s exceeded with \d+ chunks of \d+ total bytes\.$").expect("a pattern");
        assert!(form.is_match(&detected), "{detected}");
        assert!(form.is_match(&server.expect_log("Slow Consumer State: ")));
        let all = COUNT * ("MSG flood 1 65536\r\n".len() + 65536 + 2);
        while taken < all as u128 {
            let count = slow.read(&mut buffer).expect("the connection stays");
            assert_ne!(count, 0, "the connection stays");
            taken += count as u128;
        }
        let recovered = server.expect_log("Slow Consumer Recovered: ");
        let form = Regex::new(r"Flush took \d+\.\d{3}s with \d+ chunks of \d+ total bytes\.$").expect("a pattern");
        assert!(form.is_match(&recovered), "{recovered}");
        let before = slow_consumers();
        flood();
        assert_eq!(server.closed_connection("slow")["reason"], "Slow Consumer (Write Deadline)");
        assert!(slow_consumers() > before);
    }

    /// CORE-33, CORE-34: a client that answers no PING is told that it is stale.
    #[test]
    fn silent_clients_become_stale(kind: Kind) {
        let server = Server::start(kind, "ping_interval: \"200ms\"\nping_max: 2");
        let mut wire = Wire::open(&server.client_address());
        wire.show_pings();
        wire.info();
        wire.send("CONNECT {\"verbose\":false,\"name\":\"mute\"}\r\n");
        wire.expect("PING\r\nPING\r\n-ERR 'Stale Connection'");
        wire.expect_closed();
        assert_eq!(server.closed_connection("mute")["reason"], "Stale Connection");
        assert_eq!(server.monitor("/varz")["stale_connections"], 1);
    }

    /// CORE-34: a client that answers stays.
    #[test]
    fn answering_clients_stay(kind: Kind) {
        // So many that an answer may take its time on a busy machine.
        let server = Server::start(kind, "ping_interval: \"100ms\"\nping_max: 20");
        let mut wire = Wire::open(&server.client_address());
        wire.show_pings();
        wire.info();
        wire.send("CONNECT {\"verbose\":false}\r\n");
        for _ in 0..25 {
            wire.expect("PING");
            wire.send("PONG\r\n");
        }
    }

    /// CORE-34: the first PING measures the round trip, which then shows.
    #[test]
    fn round_trip_time_shows_after_the_first_ping(kind: Kind) {
        let server = Server::start(kind, "");
        let mut wire = Wire::client_with(&server, &json!({"name": "timed"}));
        wire.show_pings();
        wire.expect("PING");
        wire.send("PONG\r\n");
        eventually("the round trip time", || {
            let page = server.try_monitor("/connz")?;
            let rtt = page["connections"][0]["rtt"].as_str().unwrap_or_default().to_owned();
            if rtt.ends_with('s') { Ok(()) } else { Err(page.to_string()) }
        });
    }

    /// CORE-10: who must log in has a deadline for it.
    #[test]
    fn logging_in_has_a_deadline(kind: Kind) {
        let server = Server::start(kind, "authorization { user: u, password: p, timeout: 0.3 }");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.expect("-ERR 'Authentication Timeout'");
        wire.expect_closed();
        eventually("the reason to be remembered", || {
            let page = server.try_monitor("/connz?state=closed")?;
            let mut reasons = page["connections"].as_array().into_iter().flatten().map(|one| &one["reason"]);
            if reasons.any(|reason| reason == "Authentication Timeout") { Ok(()) } else { Err(page.to_string()) }
        });
    }
}
