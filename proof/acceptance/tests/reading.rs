//! Operations of all sizes in pieces of all sizes: whatever one read brings, the same comes out (rows CORE-12, CORE-24,
//! CORE-25, CORE-26). The sizes lie around those at which a server may read in another way.

use gannet_acceptance::linked::{A, client};
use gannet_acceptance::{Kind, ScriptedGateway, Server, Wire, both, linked};

/// Payload sizes around powers of two that are likely sizes of buffers, each followed by small ones.
const SIZES: [usize; 14] = [
    1, 16_000, 0, 16_383, 16_384, 16_385, 7, 65_400, 65_535, 65_536, 130_000, 3, 1_048_576, 2,
];
/// How much is written at a time.
const PIECES: [usize; 6] = [700, 4096, 16_384, 65_536, 70_001, usize::MAX];

/// `length` bytes, others for each `seed`, among them line ends and verbs.
fn payload(seed: usize, length: usize) -> Vec<u8> {
    let text = format!("{seed} PING\r\nPUB foo 3\r\n\r\n");
    text.bytes().cycle().skip(seed).take(length).collect()
}

fn send_in_pieces(wire: &mut Wire, bytes: &[u8], piece: usize) {
    for part in bytes.chunks(piece.min(bytes.len())) {
        wire.send_bytes(part);
    }
}

/// Resident memory of the server in bytes.
fn memory(server: &Server) -> u64 {
    server.monitor("/varz")["mem"].as_u64().expect("a number")
}

both! {
    /// A stream of large and small messages, cut anywhere, is delivered byte by byte as it was published.
    #[test]
    fn messages_of_all_sizes_in_pieces_of_all_sizes(kind: Kind) {
        let server = Server::start(kind, "");
        let mut reader = client(&server);
        reader.send("SUB foo 1\r\n");
        reader.fence();
        let mut stream = Vec::new();
        for (seed, &size) in SIZES.iter().enumerate() {
            stream.extend_from_slice(format!("PUB foo {size}\r\n").as_bytes());
            stream.extend_from_slice(&payload(seed, size));
            let header = "NATS/1.0\r\nA: b\r\n\r\n";
            stream.extend_from_slice(format!("\r\nHPUB foo re {} {}\r\n{header}", header.len(), header.len() + size.min(1_000_000)).as_bytes());
            stream.extend_from_slice(&payload(seed, size.min(1_000_000)));
            stream.extend_from_slice(b"\r\n");
        }
        for piece in PIECES {
            let mut writer = client(&server);
            send_in_pieces(&mut writer, &stream, piece);
            for (seed, &size) in SIZES.iter().enumerate() {
                reader.expect(&format!("MSG foo 1 {size}"));
                let mut expected = payload(seed, size);
                expected.extend_from_slice(b"\r\n");
                assert!(reader.bytes(size + 2) == expected, "{size} bytes in pieces of {piece}");
                let size = size.min(1_000_000);
                reader.expect(&format!("HMSG foo 1 re 18 {}\r\nNATS/1.0\r\nA: b\r\n", size + 18));
                let mut expected = payload(seed, size);
                expected.extend_from_slice(b"\r\n");
                assert!(reader.bytes(size + 2) == expected, "{size} bytes after a header, in pieces of {piece}");
            }
            writer.fence();
        }
        reader.fence();
    }

    /// The same over a gateway, in both directions.
    #[test]
    fn frames_of_all_sizes_in_pieces_of_all_sizes(kind: Kind) {
        let (_server, [mut b], mut local) = linked(kind, [&["RS+ $G out"]]);
        local.send("SUB in 1\r\n");
        local.fence();
        let mut stream = Vec::new();
        for (seed, &size) in SIZES.iter().enumerate() {
            stream.extend_from_slice(format!("RMSG $G in {size}\r\n").as_bytes());
            stream.extend_from_slice(&payload(seed, size));
            stream.extend_from_slice(b"\r\n");
        }
        for piece in PIECES {
            send_in_pieces(&mut b.inbound.wire, &stream, piece);
            for (seed, &size) in SIZES.iter().enumerate() {
                local.expect(&format!("MSG in 1 {size}"));
                let bytes = local.bytes(size + 2);
                assert!(bytes[..size] == payload(seed, size), "{size} bytes in pieces of {piece}");
                local.send(&format!("PUB out {size}\r\n"));
                local.send_bytes(&bytes);
                b.outbound.expect(&format!("RMSG $G out {size}"));
                assert!(b.outbound.wire.bytes(size + 2) == bytes, "{size} bytes out");
            }
        }
        local.fence();
    }

    /// CORE-24: lines of any length that is allowed, longer than any one read.
    #[test]
    fn lines_longer_than_a_read(kind: Kind) {
        let server = Server::start(kind, "max_control_line: 300KB");
        for size in [60_000, 65_530, 65_536, 70_000, 200_000, 290_000] {
            let subject = "s".repeat(size);
            for piece in PIECES {
                let mut wire = client(&server);
                send_in_pieces(&mut wire, format!("SUB {subject} 1\r\nPUB {subject} 2\r\nhi\r\nPING\r\n").as_bytes(), piece);
                assert!(wire.line() == format!("MSG {subject} 1 2"), "{size} in pieces of {piece}");
                wire.expect("hi\r\nPONG");
            }
        }
        let mut named = Wire::client_with(&server, &serde_json::json!({"name": "n".repeat(200_000)}));
        named.fence();
        for piece in PIECES {
            let mut wire = client(&server);
            let line = vec![b'a'; 10 << 20];
            wire.send("SUB ");
            // The server may hang up before all of it is said.
            let _ = line.chunks(piece.min(line.len())).try_for_each(|part| wire.try_send(part));
            wire.expect("-ERR 'maximum control line exceeded'");
            wire.expect_closed();
        }
        assert!(memory(&server) < 300 << 20, "the lines were not kept: {}", memory(&server));
        named.fence();
    }

    /// CORE-24: on links between servers a line may be sixteen times as long.
    #[test]
    fn lines_of_links_may_be_longer(kind: Kind) {
        let server = Server::start(kind, A);
        let script = ScriptedGateway::new("B");
        let limit = 16 * 4096;
        for piece in PIECES {
            let mut inbound = script.dial(&server);
            inbound.read_initial_interest();
            let mut local = client(&server);
            // What is counted is what follows the verb and its space.
            let subject = "s".repeat(limit - "$G  2".len());
            local.send("SUB > 1\r\n");
            local.fence();
            inbound.expect("RS+ $G >");
            send_in_pieces(&mut inbound.wire, format!("RMSG $G {subject} 2\r\nhi\r\n").as_bytes(), piece);
            assert!(local.line() == format!("MSG {subject} 1 2"), "in pieces of {piece}");
            local.expect("hi");
            inbound.fence();
            send_in_pieces(&mut inbound.wire, format!("RMSG $G {subject}s 2\r\nhi\r\n").as_bytes(), piece);
            inbound.expect("-ERR 'maximum control line exceeded'");
            inbound.wire.expect_closed();
            // The next link is to hear of the next client's subscription only.
            local.send("UNSUB 1\r\n");
            local.fence();
        }
    }
}

/// Memory follows what came, not what was announced. (The reference takes all of it at once.)
#[test]
fn announced_bytes_take_no_memory() {
    let server = Server::start(Kind::Gannet, "max_payload: 8MB");
    let mut bystander = client(&server);
    let before = memory(&server);
    let waiting: Vec<Wire> = (0..100)
        .map(|_| {
            let mut wire = client(&server);
            wire.send("PUB foo 8000000\r\nonly the beginning");
            wire
        })
        .collect();
    bystander.fence();
    let taken = memory(&server).saturating_sub(before);
    assert!(taken < 150 << 20, "{taken} bytes for nothing");
    drop(waiting);
    bystander.fence();
}
