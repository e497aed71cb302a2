//! What a proxy says of a client before it speaks itself (row CORE-55).

use gannet_acceptance::certificates::{Authority, TlsPeer};
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Kind, Server, Wire, both};
use serde_json::{Value, json};
use std::time::Duration;

const V1: &str = "PROXY TCP4 1.2.3.4 5.6.7.8 111 222\r\n";
const HELLO: &str = "CONNECT {\"verbose\":false,\"protocol\":1,\"name\":\"NAME\"}\r\nPING\r\n";

fn server(kind: Kind, more: &str) -> Server {
    Server::start(kind, &format!("debug: true\nproxy_protocol: true\n{more}"))
}

/// A header of version 2 with this command, family and addresses.
fn v2(command: u8, family: u8, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(data.len()).expect("tests are short");
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, family]);
    header.extend(size.to_be_bytes());
    header.extend(data);
    header
}

/// Addresses of version 4, from 10.1.2.3:1234, and something behind them.
const ADDRESSES: &[u8] = &[10, 1, 2, 3, 5, 6, 7, 8, 4, 210, 16, 126, 4, 0, 1, 120];

/// Says `header`, then what a client says; answers where the client is by the second INFO and by `/connz`.
fn seen(server: &Server, header: &[u8], pieces: usize) -> (String, Value) {
    let mut wire = Wire::open(&server.client_address());
    let first = wire.info();
    assert_eq!(
        first["client_ip"],
        Value::Null,
        "it would be the proxy's: {first}"
    );
    let all = [header, HELLO.as_bytes()].concat();
    for piece in all.chunks(all.len().div_ceil(pieces)) {
        wire.send_bytes(piece);
        std::thread::yield_now();
    }
    wire.expect("PONG");
    let second = wire.info();
    assert_eq!(second["connect_info"], true);
    let page = server.monitor(&format!("/connz?cid={}", second["client_id"]));
    let connection = &page["connections"][0];
    let here = connection["port"] == wire.local_port();
    let port = if here {
        json!("here")
    } else {
        connection["port"].clone()
    };
    assert_eq!(connection["ip"], second["client_ip"]);
    (
        second["client_ip"].as_str().unwrap_or_default().to_owned(),
        port,
    )
}

both! {
    /// CORE-55: where the client is shows in its INFO and in `/connz`, whatever the version, and in however many pieces
    /// the header comes.
    #[test]
    fn the_source_of_a_connection_is_told(kind: Kind) {
        let server = server(kind, "");
        let v6 = [[0; 15].as_slice(), &[1], &[0; 15], &[2], &[0, 77, 0, 88]].concat();
        let mapped = [[0; 10].as_slice(), &[255, 255, 1, 2, 3, 4], &[0; 15], &[2], &[0, 77, 0, 88]].concat();
        for (header, ip, port) in [
            (V1.as_bytes().to_vec(), "1.2.3.4", json!(111)),
            (b"PROXY TCP6 2001:db8::1 ::1 111 222\r\n".to_vec(), "2001:db8::1", json!(111)),
            (b"PROXY TCP6 ::ffff:1.2.3.4 ::1 111 222\r\n".to_vec(), "1.2.3.4", json!(111)),
            (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1", json!("here")),
            (b"PROXY UNKNOWN what ever\r\n".to_vec(), "127.0.0.1", json!("here")),
            (v2(0x21, 0x11, &ADDRESSES[..12]), "10.1.2.3", json!(1234)),
            (v2(0x21, 0x11, ADDRESSES), "10.1.2.3", json!(1234)),
            (v2(0x21, 0x21, &v6), "::1", json!(77)),
            (v2(0x21, 0x21, &mapped), "1.2.3.4", json!(77)),
            (v2(0x20, 0x00, b""), "127.0.0.1", json!("here")),
            (v2(0x20, 0x11, b"abcdef"), "127.0.0.1", json!("here")),
            (v2(0x21, 0x01, b"abc"), "127.0.0.1", json!("here")),
            (Vec::new(), "127.0.0.1", json!("here")),
        ] {
            for pieces in [1, 3, header.len() + HELLO.len()] {
                let shown = header.escape_ascii();
                assert_eq!(seen(&server, &header, pieces), (ip.to_owned(), port.clone()), "{shown} in {pieces}");
            }
        }
        server.expect_log("[INF] PROXY protocol enabled for client connections");
    }

    /// CORE-55: a header that is none ends the connection without a word; the log says why.
    #[test]
    fn bad_headers_end_the_connection(kind: Kind) {
        let server = server(kind, "");
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
        for (header, problem) in [
            (b"PROXY TCP4 ::1 5.6.7.8 1 2\r\n".to_vec(), "invalid PROXY protocol header: TCP4 with IPv6 address"),
            (b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n".to_vec(), "invalid PROXY protocol header: TCP6 with IPv4 address"),
            (b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(), "invalid PROXY protocol header: invalid protocol UDP4"),
            (b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n".to_vec(), "invalid PROXY protocol header: invalid v1 format"),
            (b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n".to_vec(), "invalid PROXY protocol header: invalid address"),
            (b"PROXY TCP4 1.2.3.4 5.6.7.8 99999 2\r\n".to_vec(), "invalid source port: strconv.ParseUint: parsing \"99999\": value out of range"),
            (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 x\r\n".to_vec(), "invalid dest port: strconv.ParseUint: parsing \"x\": invalid syntax"),
            (long.into_bytes(), "invalid PROXY protocol header: v1 line too long"),
            (v2(0x11, 0x11, ADDRESSES), "invalid PROXY protocol header: invalid version 0x10"),
            (v2(0x22, 0x11, ADDRESSES), "unknown PROXY protocol command: 0x02"),
            (v2(0x21, 0x12, ADDRESSES), "unsupported PROXY protocol feature: only STREAM protocol supported"),
            (v2(0x21, 0x31, ADDRESSES), "unsupported PROXY protocol feature: unsupported address family 0x30"),
            (v2(0x21, 0x11, b"abc"), "IPv4 address data too short: 3 bytes"),
            (v2(0x21, 0x21, ADDRESSES), "IPv6 address data too short: 16 bytes"),
            (b"\r\n\r\n\0\r\nQUIX\n".to_vec(), "invalid PROXY protocol header: invalid signature"),
        ] {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            let from = wire.local_port();
            wire.send_bytes(&header);
            // The reference leaves something unread of long ones, and then resets the connection.
            match wire.hear(Duration::from_secs(20)) {
                Heard::End(rest) => assert_eq!(rest, ""),
                other => panic!("{problem}: {other:?}"),
            }
            let line = server.expect_log(&format!("Error reading PROXY protocol header from 127.0.0.1:{from}: "));
            assert!(line.contains("[WRN]") && line.ends_with(problem), "{line}\n{problem}");
        }
        let page = server.monitor("/connz?state=closed");
        assert_eq!(page["connections"][0]["reason"], "Protocol Violation");
    }

    /// CORE-55: a proxy has five seconds (the reference gives one that has begun another five); who says nothing at all is no client either.
    #[test]
    fn a_header_has_a_deadline(kind: Kind) {
        let server = server(kind, "");
        let open = |start: &str| {
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire.send(start);
            wire
        };
        let mut waiting = ["", "PRO", "PROXY TCP4 1.2", "\r\n\r\n\0\r\nQUI"].map(open);
        assert_eq!(waiting[0].hear(Duration::from_secs(3)), Heard::Silence(String::new()));
        for wire in &mut waiting {
            wire.expect_closed();
        }
        for problem in [
            "failed to read protocol version: EOF",
            "failed to read protocol version: read tcp ",
            "failed to read v1 line: read tcp ",
            "failed to read v2 signature: read tcp ",
        ] {
            server.expect_log(problem);
        }
    }

    /// CORE-55: the header comes before the handshake.
    #[test]
    fn a_header_and_then_tls(kind: Kind) {
        let ca = Authority::new("ca");
        let block = ca.issue("server", &["localhost"]).block("");
        for more in ["", "allow_non_tls: true"] {
            let server = server(kind, &format!("{block}{more}"));
            let mut wire = Wire::open(&server.client_address());
            assert_eq!(wire.info()["client_ip"], Value::Null);
            wire.send(V1);
            let mut peer = TlsPeer::begin(wire.into_stream(), None);
            peer.send(&HELLO.replace("NAME", "crypt"));
            assert_eq!(peer.line().as_deref(), Some("PONG"));
            assert_eq!(peer.json("INFO")["client_ip"], "1.2.3.4");
            let page = server.monitor("/connz");
            let connection = &page["connections"][0];
            assert_eq!([&connection["ip"], &connection["tls_version"]], [&json!("1.2.3.4"), &json!("1.3")]);
            if !more.is_empty() {
                assert_eq!(seen(&server, V1.as_bytes(), 1), ("1.2.3.4".to_owned(), json!(111)));
            }
        }
    }
}
