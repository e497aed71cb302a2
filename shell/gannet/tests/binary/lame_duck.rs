//! Lame duck mode: clients are told, then sent away, then the server ends (rows OPS-09, OPS-10).

use gannet_rt::unix::Signal;

use super::harness::{Place, Process, Wire};

const SHORT: &str = "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"50ms\"";
const LONG: &str = "lame_duck_duration: \"10m\"\nlame_duck_grace_period: \"5m\"";

fn start(place: &Place, config: &str) -> Process {
    place.write("f.conf", config);
    place.serve(&["-c", "f.conf"])
}

fn tell(place: &Place, server: &Process) {
    let told = place.run(&["--signal", &format!("ldm={}", server.pid())]);
    assert_eq!(told, (Some(0), String::new(), String::new()));
}

/// A client that understands an INFO at any time.
fn client(server: &Process) -> Wire {
    let mut client = server.connect();
    client.greet("{\"protocol\":1}");
    client.expect("INFO ");
    client
}

#[test]
fn without_clients_the_server_ends_at_once() {
    let place = Place::new("gannet");
    let mut server = start(&place, LONG);
    tell(&place, &server);
    assert_eq!(server.end(), Some(0));
    let want = [
        "[INF] Trapped \"user defined signal 2\" signal",
        "[INF] Entering lame duck mode, stop accepting new clients",
        "[INF] Initiating Shutdown...",
        "[INF] Server Exiting..",
    ];
    assert!(
        server.texts().ends_with(&want.map(str::to_string)),
        "{:?}",
        server.texts()
    );
}

#[test]
fn clients_are_told_and_then_sent_away() {
    let place = Place::new("gannet");
    let mut server = start(&place, SHORT);
    let mut new = client(&server);
    let mut old = server.connect();
    old.greet("{\"protocol\":0}");
    tell(&place, &server);
    let info = new.expect("INFO ");
    assert!(
        info.contains("\"ldm\":true") && !info.contains("connect_info"),
        "{info}"
    );
    assert_eq!(new.line(), None);
    assert_eq!(old.line(), None, "an old client is told nothing");
    assert_eq!(server.end(), Some(0));
    assert!(
        server.log().contains("[INF] Closing existing clients\n"),
        "{}",
        server.log()
    );
}

#[test]
fn a_lame_duck_serves_its_clients_and_lets_nobody_in() {
    let place = Place::new("gannet");
    let server = start(&place, LONG);
    let mut client = client(&server);
    let port = server.port("Listening for client connections on 127.0.0.1:");
    tell(&place, &server);
    client.expect("INFO ");
    let refused = std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.kind());
    assert_eq!(refused.err(), Some(std::io::ErrorKind::ConnectionRefused));
    client.send("SUB a 1\r\nPUB a 2\r\nhi\r\n");
    assert_eq!(client.expect("MSG").as_str(), "MSG a 1 2");
}

#[test]
fn a_lame_duck_ignores_terminate_and_heeds_interrupt() {
    let place = Place::new("gannet");
    let mut server = start(&place, LONG);
    let mut client = client(&server);
    tell(&place, &server);
    client.expect("INFO ");
    server.signal(Signal::SIGTERM);
    server.wait_for_log("Trapped \"terminated\" signal");
    client.send("PING\r\n");
    client.expect("PONG");
    assert!(!server.has_ended());
    server.signal(Signal::SIGINT);
    assert_eq!(server.end(), Some(0));
    assert_eq!(client.line(), None);
}
