//! What hostile or broken peers may do to a server: little, and nothing to the others.

use gannet_acceptance::route_peer::server_of_c;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{
    Kind, Neighbour, RoutePeer, ScriptedGateway, Server, Wire, both, eventually,
};
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

const GATEWAY: &str = "server_name: A1\ngateway { name: A, listen: \"{gateway}\" }";

/// Two ordinary clients that must not notice anything.
struct Bystanders {
    reader: Wire,
    writer: Wire,
    round: usize,
}

impl Bystanders {
    fn on(server: &Server) -> Bystanders {
        let (mut reader, writer) = (Wire::client(server), Wire::client(server));
        reader.send("SUB quiet.life 1\r\n");
        reader.fence();
        Bystanders {
            reader,
            writer,
            round: 0,
        }
    }

    /// Their connections still work, exactly.
    fn check(&mut self) {
        self.round += 1;
        let payload = format!("{:05}", self.round);
        self.writer
            .send(&format!("PUB quiet.life 5\r\n{payload}\r\n"));
        self.reader
            .expect(&format!("MSG quiet.life 1 5\r\n{payload}"));
        self.reader.fence();
    }
}

/// Sends until the server hangs up or everything is said; a peer that is cut off in the middle is fine.
fn pour(wire: &mut Wire, bytes: &[u8]) {
    for chunk in bytes.chunks(64 * 1024) {
        if wire.try_send(chunk).is_err() {
            return;
        }
    }
}

/// Waits for the end of the connection; what is said before does not matter.
fn await_end(wire: &mut Wire) {
    loop {
        match wire.hear(Duration::from_secs(20)) {
            Heard::Line(_) => {}
            Heard::End(_) => return,
            Heard::Silence(_) => panic!("the server keeps the connection\n{}", wire.story()),
        }
    }
}

/// Bytes that look like chance and are the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Resident memory of the server in bytes.
fn memory(server: &Server) -> u64 {
    server.monitor("/varz")["mem"].as_u64().expect("a number")
}

both! {
    /// Ten megabytes without a line end, on either port, before and after CONNECT.
    #[test]
    fn endless_control_lines(kind: Kind) {
        let server = Server::start(kind, GATEWAY);
        let mut bystanders = Bystanders::on(&server);
        let line = vec![b'a'; 10 * 1024 * 1024];
        for start in ["", "PUB ", "SUB ", "CONNECT {\"name\":\"", "INFO {", "UNSUB ", "HPUB "] {
            for address in [server.client_address(), server.gateway_address()] {
                let mut wire = Wire::open(&address);
                wire.info();
                pour(&mut wire, start.as_bytes());
                pour(&mut wire, &line);
                await_end(&mut wire);
            }
            bystanders.check();
        }
        assert!(memory(&server) < 200 << 20, "the lines were not kept");
    }

    /// Noise on both ports, with and without a proper start.
    #[test]
    fn random_bytes(kind: Kind) {
        let server = Server::start(kind, GATEWAY);
        let mut bystanders = Bystanders::on(&server);
        let script = ScriptedGateway::new("B");
        for seed in 0..40 {
            let bytes = noise(seed, 3000);
            let mut raw = Wire::open(&server.client_address());
            pour(&mut raw, &bytes);
            let mut client = Wire::client(&server);
            pour(&mut client, &bytes);
            let mut gateway = Wire::open(&server.gateway_address());
            pour(&mut gateway, &bytes);
            let mut peer = script.dial(&server);
            pour(&mut peer.wire, &bytes);
            for wire in [&mut raw, &mut client, &mut gateway, &mut peer.wire] {
                await_end(wire);
            }
        }
        bystanders.check();
    }

    /// Lines that are nearly right.
    #[test]
    fn nearly_right_lines(kind: Kind) {
        let server = Server::start(kind, "");
        let mut bystanders = Bystanders::on(&server);
        for line in [
            "PUB \x00 0\r\n\r\n", "SUB \u{ff}\u{fe} 1\r\n", "PUB quiet.life 4\r\nabc\r\n\r\n", "CONNECT {\"verbose\":[]}\r\n", "CONNECT null\r\n", "CONNECT []\r\n",
            "CONNECT {\"user\":{}}\r\n", "SUB a b c d e f g\r\n", "HPUB a 0 0\r\n\r\n", "HPUB quiet.life 5 3\r\nabc\r\n", "MSG quiet.life 1 5\r\nhello\r\n", "PUB quiet.life\t\t \r\n",
            "UNSUB 1 99999999999999999999\r\n", "\r\n\r\n\r\n", "PINGPONG\r\n", "PING PONG\r\nX\r\n", "SUB \r\nPUB \r\n", "-ERR\r\n", "+OKAY\r\nX\r\n",
        ] {
            let mut wire = Wire::client(&server);
            pour(&mut wire, line.as_bytes());
            pour(&mut wire, b"PING\r\nBYE\r\n");
            await_end(&mut wire);
            bystanders.check();
        }
    }

    /// Peers that connect and say nothing, or half a sentence, don't keep others from being served.
    #[test]
    fn half_open_peers(kind: Kind) {
        let server = Server::start(kind, GATEWAY);
        let mut bystanders = Bystanders::on(&server);
        let mut idle: Vec<Wire> = Vec::new();
        for number in 0..60 {
            let mut wire = Wire::open(&if number % 2 == 0 { server.client_address() } else { server.gateway_address() });
            let start = ["", "C", "CONNECT {", "CONNECT {}\r", "PUB quiet.life 1000\r\nabc", "SUB quiet.life", "\r"][number % 7];
            pour(&mut wire, start.as_bytes());
            idle.push(wire);
        }
        bystanders.check();
        drop(idle);
        eventually("the half-open ones to be forgotten", || {
            let page = server.try_monitor("/connz")?;
            if page["num_connections"] == 2 { Ok(()) } else { Err(page["num_connections"].to_string()) }
        });
        bystanders.check();
    }

    /// The client port is no gateway port, and the other way round; HTTP is neither.
    #[test]
    fn wrong_ports_both_ways(kind: Kind) {
        let server = Server::start(kind, GATEWAY);
        let mut bystanders = Bystanders::on(&server);
        let mut client = Wire::open(&server.gateway_address());
        client.info();
        client.send("CONNECT {\"verbose\":false,\"lang\":\"go\"}\r\nPING\r\n");
        client.expect("-ERR 'attempted to connect to gateway port'");
        client.expect_closed();
        // A gateway that dials the client port sees an INFO without gateway and leaves; one that talks on is
        // a client with an odd name.
        let script = ScriptedGateway::new("B");
        let mut gateway = Wire::open(&server.client_address());
        assert_eq!(gateway.info()["gateway"], Value::Null);
        gateway.send(&format!("CONNECT {}\r\nRS+ $G quiet.life\r\n", script.connect(&json!({}))));
        await_end(&mut gateway);
        for address in [server.client_address(), server.gateway_address()] {
            let mut http = Wire::open(&address);
            http.info();
            pour(&mut http, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            await_end(&mut http);
        }
        // And NATS at the monitoring port.
        let mut nats = Wire::open(&server.http_address());
        pour(&mut nats, b"CONNECT {}\r\nPING\r\n\r\n");
        await_end(&mut nats);
        bystanders.check();
    }

    /// A real server whose remote leads to the other's client port: it says so, keeps trying, disturbs nobody.
    #[test]
    fn misdirected_gateways(kind: Kind) {
        let target = Server::start(kind, GATEWAY);
        let mut bystanders = Bystanders::on(&target);
        let lost = Server::start(
            kind,
            &format!("server_name: L1\ngateway {{ name: L, listen: \"{{gateway}}\", gateways: [{{name: A, url: \"nats://{}\"}}] }}", target.client_address()),
        );
        lost.expect_log("Attempt to connect to gateway \"A\" using wrong port");
        let wrong_name = Server::start(
            kind,
            &format!("server_name: W1\ngateway {{ name: W, listen: \"{{gateway}}\", gateways: [{{name: X, url: \"nats://{}\"}}] }}", target.gateway_address()),
        );
        wrong_name.expect_log("Failing connection to gateway \"X\", remote gateway name is \"A\"");
        Wire::client(&lost).fence();
        bystanders.check();
    }

    /// A flood of connections, some left in the middle of everything.
    #[test]
    fn connection_flood(kind: Kind) {
        let server = Server::start(kind, GATEWAY);
        let mut bystanders = Bystanders::on(&server);
        for _ in 0..5 {
            let mut wires: Vec<Wire> = (0..150).map(|_| Wire::open(&server.client_address())).collect();
            for (number, wire) in wires.iter_mut().enumerate() {
                if number % 3 == 0 {
                    wire.info();
                    pour(wire, b"CONNECT {\"verbose\":false}\r\nSUB flood.* 1\r\nPING\r\n");
                }
            }
            drop(wires);
            bystanders.check();
        }
        eventually("the flood to be over", || {
            let page = server.try_monitor("/varz")?;
            if page["connections"] == 2 { Ok(()) } else { Err(page["connections"].to_string()) }
        });
        eventually("its subscriptions to be gone", || {
            let page = server.try_monitor("/connz?subs=1")?;
            let mut subscriptions: Vec<u64> = page["connections"].as_array().into_iter().flatten().filter_map(|one| one["subscriptions"].as_u64()).collect();
            subscriptions.sort_unstable();
            if subscriptions == [0, 1] { Ok(()) } else { Err(page.to_string()) }
        });
    }

    /// A reader that takes nothing is cut off; another reader of the same subject gets everything.
    #[test]
    fn slow_readers_disturb_nobody(kind: Kind) {
        let server = Server::start(kind, "max_pending: 4MB");
        let mut bystanders = Bystanders::on(&server);
        let mut slow = Wire::client(&server);
        slow.send("SUB bulk 1\r\n");
        slow.fence();
        let mut good = Wire::client(&server);
        good.send("SUB bulk 1\r\n");
        good.fence();
        let mut writer = Wire::client(&server);
        let message = format!("PUB bulk 60000\r\n{}\r\n", "x".repeat(60_000));
        let mut sent = 0;
        eventually("the slow reader to be cut off", || {
            for _ in 0..20 {
                writer.send(&message);
                sent += 1;
                good.expect("MSG bulk 1 60000");
                assert_eq!(good.bytes(60_002).len(), 60_002);
            }
            let count = server.try_monitor("/varz")?["slow_consumers"].clone();
            if count == 1 { Ok(()) } else { Err(format!("{count} after {sent} messages")) }
        });
        good.fence();
        bystanders.check();
    }

    /// GW-14: a cluster that takes no messages does not slow local clients, and is cut off at the limit.
    #[test]
    fn slow_gateways_disturb_nobody(kind: Kind) {
        let server = Server::start(kind, "server_name: A1\nmax_pending: 4MB\ngateway { name: A, listen: \"{gateway}\", write_deadline: \"500ms\", write_timeout: close }");
        let mut bystanders = Bystanders::on(&server);
        let mut b = Neighbour::new("B", &server);
        b.announce(&["RS+ $G bulk"]);
        let mut writer = Wire::client(&server);
        let message = format!("PUB bulk 60000\r\n{}\r\n", "x".repeat(60_000));
        eventually("the slow gateway to be cut off", || {
            for _ in 0..20 {
                writer.send(&message);
            }
            writer.fence();
            bystanders.check();
            let count = server.try_monitor("/varz")?["slow_consumer_stats"]["gateways"].clone();
            if count.as_u64() >= Some(1) { Ok(()) } else { Err(count.to_string()) }
        });
        let _again = b.script.accept();
        bystanders.check();
    }

    /// GW-14, GW-124: a cluster that has taken too little within the write deadline is counted, and kept unless that is
    /// configured otherwise: when it reads again, it gets what comes. (Both give up one that then takes nothing at all
    /// for as long again.)
    #[test]
    fn slow_gateways_are_kept_by_default(kind: Kind) {
        for policy in ["", "write_timeout: retry"] {
            let server = Server::start(kind, &format!("server_name: A1\nmax_pending: 4MB\ngateway {{ name: A, listen: \"{{gateway}}\", write_deadline: \"2s\", {policy} }}"));
            let mut b = Neighbour::new("B", &server);
            b.announce(&["RS+ $G bulk", "RS+ $G last"]);
            let mut writer = Wire::client(&server);
            // More than what sockets hold.
            let message = format!("PUB bulk 60000\r\n{}\r\n", "x".repeat(60_000));
            writer.send(&message.repeat(400));
            writer.fence();
            eventually("the slow gateway to be counted", || {
                let count = server.try_monitor("/varz")?["slow_consumer_stats"]["gateways"].clone();
                if count.as_u64() >= Some(1) { Ok(()) } else { Err(count.to_string()) }
            });
            // It is not said how much of what piled up comes; what does comes whole.
            eventually("the way to be free again", || {
                writer.send("PUB last 4\r\nlast\r\n");
                writer.fence();
                b.outbound.wire.send("PING\r\n");
                let mut arrived = false;
                loop {
                    match b.outbound.line().as_str() {
                        "PONG" => break,
                        "RMSG $G bulk 60000" => assert_eq!(b.outbound.wire.bytes(60_002).len(), 60_002),
                        "RMSG $G last 4" => {
                            b.outbound.expect("last");
                            arrived = true;
                        }
                        other => panic!("{other}"),
                    }
                }
                if arrived { Ok(()) } else { Err("not yet".to_owned()) }
            });
            assert!(b.script.is_left_alone(), "the link was never given up");
            server.expect_log("Slow Consumer Detected");
        }
    }

    /// Connections that are reset rather than closed.
    #[test]
    fn resets(kind: Kind) {
        let server = Server::start(kind, "");
        let mut bystanders = Bystanders::on(&server);
        for _ in 0..50 {
            // Closing with unread bytes in the socket resets it.
            let mut stream = TcpStream::connect(server.client_address()).expect("the server listens");
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("INFO begins");
            drop(stream);
        }
        bystanders.check();
        eventually("all of them to be gone", || {
            let page = server.try_monitor("/connz")?;
            if page["num_connections"] == 2 { Ok(()) } else { Err(page.to_string()) }
        });
    }
}

/// Between servers of ours, who moves accounts to another connection asks for their messages there, and is waited for
/// until it has read those before. Who asks without end, and confirms nothing, is not waited for past 1024 times.
#[test]
fn moving_accounts_without_end() {
    let server = server_of_c(Kind::Gannet, "pool_size: 2", "");
    let place =
        |index: usize| json!({"gannet": "1", "route_pool_size": 2, "route_pool_idx": index});
    let mut old = RoutePeer::dial(&server, "p", &place(0));
    let mut new = RoutePeer::dial(&server, "p", &place(1));
    let accounts: Vec<String> = (0..1030).map(|number| format!("A{number}")).collect();
    let told: String = accounts
        .iter()
        .map(|account| format!("RS+ {account} s\r\n"))
        .collect();
    old.say(&format!("{told}RS+ $G s\r\n"));
    new.say("RS+ $G s\r\n");
    old.wire.show_pings();
    let asked: String = accounts
        .iter()
        .chain([&"$G".to_owned()])
        .map(|account| format!("INFO {{\"gannet_turn\":[\"{account}\"]}}\r\n"))
        .collect();
    new.say(&asked);
    let line = "Server \"p\" moves its accounts between routes faster than it confirms that: messages may overtake each other";
    server.expect_log(line);
    // The messages of the last account go there all the same.
    let mut client = Wire::client(&server);
    client.send("PUB s 2\r\nhi\r\n");
    client.fence();
    new.expect("RMSG $G s 2\r\nhi");
    old.wire.send("PING\r\n");
    let mut pings = 0;
    loop {
        match old.wire.line_of_users().as_str() {
            "PING" => pings += 1,
            "PONG" => break,
            info if info.starts_with("INFO ") => {}
            other => panic!("{other:?} comes over the old connection"),
        }
    }
    // And perhaps one or two that would have come anyway.
    assert!((1024..1030).contains(&pings), "{pings} questions");
    assert_eq!(server.log().matches(line).count(), 1, "it is said once");
}
