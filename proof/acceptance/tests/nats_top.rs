//! `nats-top`, with which operators watch a server: it shows the same of Gannet as of the reference server. It needs the
//! command or Go to build it, so it runs only when it is asked for:
//! `cargo test -p gannet-acceptance --test nats_top -- --ignored`.

use gannet_acceptance::programs::nats_top;
use gannet_acceptance::wire::matches;
use gannet_acceptance::{Kind, Server, Wire};
use serde_json::json;
use std::process::{Command, Stdio};

/// The lines that the command shows of a server, with one blank between words.
fn shown(server: &Server) -> Vec<String> {
    let address = server.http_address();
    let (host, port) = address.rsplit_once(':').expect("an address with a port");
    let output = Command::new(nats_top())
        .args(["-s", host, "-m", port, "-d", "1", "-r", "2", "-o", "-"])
        .env("HOME", server.folder())
        .stdin(Stdio::null())
        .output()
        .expect("nats-top starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{complaint}{text}",
        output.status
    );
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

/// What it shows of a server with one client, `<*>` where servers and moments differ.
const SCREEN: [&str; 10] = [
    "NATS server version 2.15.1 (uptime: <*>)",
    "Server: watched",
    "ID: N<*>",
    "Load: CPU: <*>% Memory: <*>M Slow Consumers: 0",
    "In: Msgs: 3 Bytes: 9 Msgs/Sec: <*> Bytes/Sec: <*>",
    "Out: Msgs: 2 Bytes: 4 Msgs/Sec: <*> Bytes/Sec: <*>",
    "",
    "Connections Polled: 1",
    "HOST CID NAME SUBS PENDING MSGS_TO MSGS_FROM BYTES_TO BYTES_FROM LANG VERSION UPTIME LAST_ACTIVITY",
    "127.0.0.1:<*> <*> busy 2 0 2 3 4 9 go 1.2.3 <*>s <*> UTC",
];

fn check(kind: Kind) {
    let server = Server::start(kind, "server_name: watched");
    let about = json!({"name": "busy", "lang": "go", "version": "1.2.3"});
    let mut client = Wire::client_with(&server, &about);
    client.send("SUB a 1\r\nSUB b 2\r\nPUB a 2\r\nhi\r\nPUB a 2\r\nhi\r\nPUB c 5\r\nhello\r\n");
    client.expect("MSG a 1 2\r\nhi\r\nMSG a 1 2\r\nhi");
    client.fence();
    let lines = shown(&server);
    let seen: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert!(
        seen.len() >= SCREEN.len()
            && SCREEN
                .iter()
                .zip(&seen)
                .all(|(wanted, line)| matches(wanted, line)),
        "{kind:?}: wanted\n{}\nsaw\n{}",
        SCREEN.join("\n"),
        seen.join("\n")
    );
}

/// MON-01, MON-02, TOOL-12: the server, its traffic, and a client with its subscriptions and messages.
mod nats_top_shows_a_server_and_its_client {
    use super::{Kind, check};

    #[test]
    #[ignore = "needs nats-top (NATS_TOP), or Go to build it"]
    fn gannet() {
        check(Kind::Gannet);
    }

    #[test]
    #[ignore = "needs nats-top (NATS_TOP), or Go to build it"]
    fn go() {
        check(Kind::Go);
    }
}
