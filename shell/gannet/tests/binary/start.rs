//! The start of a server: what it logs, what flags and files decide, and what it can't start without.

use std::net::TcpListener;

use gannet_rt::unix::Signal;

use super::harness::{Place, Wire};

#[test]
fn log_lines_have_the_form_that_tools_parse() {
    let place = Place::new("gannet");
    let mut server = place.serve(&["-m", "-1"]);
    let log = server.log();
    for line in log.lines() {
        let rest = line
            .strip_prefix(&format!("[{}] ", server.pid()))
            .expect("the process id");
        let (time, rest) = rest.split_at("2006/01/02 15:04:05.000000".len());
        let form: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(form, "0000/00/00 00:00:00.000000", "{line}");
        assert!(rest.starts_with(" [INF] "), "{line}");
    }
    let port = server.port("Listening for client connections on 127.0.0.1:");
    let http = server.port("Starting http monitor on 127.0.0.1:");
    let texts = server.texts();
    assert_eq!(
        texts.first().map(String::as_str),
        Some("[INF] Starting nats-server")
    );
    assert_eq!(
        texts.last().map(String::as_str),
        Some("[INF] Server is ready")
    );
    for text in [
        "[INF]   Version:  2.15.1".to_string(),
        format!("[INF] Listening for client connections on 127.0.0.1:{port}"),
    ] {
        assert!(texts.contains(&text), "no {text:?} in {texts:?}");
    }
    let mut page = Wire::connect(http);
    page.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(page.expect("HTTP/1.0 ").as_str(), "HTTP/1.0 200 OK");
    server.signal(Signal::SIGINT);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_gateway_says_where_it_listens() {
    let place = Place::new("gannet");
    place.write(
        "a.conf",
        "gateway { name: \"A\", host: \"127.0.0.1\", port: -1 }",
    );
    let server = place.serve(&["-c", "a.conf"]);
    let port = server.port("Listening for gateways connections on 127.0.0.1:");
    let texts = server.texts();
    let digest = "sha256:";
    assert!(
        texts
            .iter()
            .any(|t| t.starts_with(&format!("[INF] Using configuration file: a.conf ({digest}"))),
        "{texts:?}"
    );
    for text in [
        "  Cluster:  A",
        "Gateway name is A",
        &format!("Address for gateway \"A\" is 127.0.0.1:{port}"),
    ] {
        assert!(
            texts.contains(&format!("[INF] {text}")),
            "no {text:?} in {texts:?}"
        );
    }
}

#[test]
fn a_start_is_told_in_the_order_of_the_reference() {
    let place = Place::new("gannet");
    place.write(
        "a.conf",
        "server_name: S\nmax_payload: 10MB\nhttp: \"127.0.0.1:-1\"\ngateway { name: A, listen: \"127.0.0.1:-1\" }",
    );
    let server = place.serve(&["-c", "a.conf"]);
    let texts = server.texts();
    // Up to what differs from start to start; what only one of the two says is left out.
    let own = ["  Gannet:", "  Git:"];
    let told: Vec<&str> = texts
        .iter()
        .filter_map(|text| text.split_once("] "))
        .filter(|(_, text)| !own.iter().any(|own| text.starts_with(own)))
        .map(|(_, text)| text.find(['(', ':']).map_or(text, |end| &text[..end]))
        .collect();
    let wanted = [
        "Starting nats-server",
        "  Version",
        "  Cluster",
        "  Name",
        "  ID",
        "Using configuration file",
        "Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance",
        "Starting http monitor on 127.0.0.1",
        "Gateway name is A",
        "Listening for gateways connections on 127.0.0.1",
        "Address for gateway \"A\" is 127.0.0.1",
        "Listening for client connections on 127.0.0.1",
        "Server is ready",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_taken_client_port_is_found_out_after_the_other_listeners() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let place = Place::new("gannet");
    let args = ["-a", "127.0.0.1", "-p", &port, "-m", "-1"];
    let (code, _, log) = place.run(&args);
    assert_eq!(code, Some(1));
    let (before, after) = log
        .split_once("Starting http monitor on 127.0.0.1:")
        .expect("monitoring comes first");
    assert!(!before.contains("[FTL]"), "{log}");
    assert!(
        after.contains("[FTL] Error listening on port: 127.0.0.1:"),
        "{log}"
    );
}

#[test]
fn flags_override_the_configuration_file() {
    let place = Place::new("gannet");
    place.write(
        "f.conf",
        "server_name: of_file\ndebug: true\nlogtime: false\nauthorization { user: u, password: p }",
    );
    let server = place.serve(&["-c", "f.conf", "--name", "of_flag", "-D=false"]);
    assert!(
        server
            .log()
            .starts_with(&format!("[{}] [INF] Starting", server.pid())),
        "{}",
        server.log()
    );
    let mut client = server.connect();
    let info = client.expect("INFO ");
    assert!(
        info.contains("\"server_name\":\"of_flag\"") && info.contains("\"auth_required\":true"),
        "{info}"
    );
    client.greet("{\"user\":\"u\",\"pass\":\"p\"}");
    assert!(!server.log().contains("[DBG]"), "{}", server.log());
}

#[test]
fn debug_lines_come_when_asked_for() {
    let place = Place::new("gannet");
    let server = place.serve(&["-D"]);
    let mut client = server.connect();
    client.greet("{}");
    server.wait_for_log("[DBG] 127.0.0.1:");
}

#[test]
fn warnings_of_the_file_are_printed_and_the_server_starts() {
    let place = Place::new("gannet");
    place.write("f.conf", "ping_interval: 12");
    let server = place.serve(&["-c", "f.conf"]);
    let first = server.log().lines().next().map(str::to_string);
    let want = "f.conf:1:0: invalid use of field \"ping_interval\": ping_interval should be converted to a duration";
    assert_eq!(first.as_deref(), Some(want));
}

#[test]
fn a_port_that_is_taken_ends_the_start() {
    let place = Place::new("gannet");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    place.write(
        "gateway.conf",
        &format!("gateway {{ name: A, listen: \"127.0.0.1:{port}\" }}"),
    );
    let bind = format!("listen tcp 127.0.0.1:{port}: bind: address already in use");
    for (args, told) in [
        (
            ["-p", &port, "-T=false"],
            format!("Error listening on port: 127.0.0.1:{port}, \"{bind}\""),
        ),
        (
            ["-p=-1", "-m", &port],
            format!("Can't start monitoring: can't listen to the monitor port: {bind}"),
        ),
        (
            ["-p=-1", "-c", "gateway.conf"],
            format!("Error listening on gateway port: {port} - {bind}"),
        ),
    ] {
        let mut all = vec!["-a", "127.0.0.1"];
        all.extend(args);
        let (code, _, log) = place.run(&all);
        assert_eq!(code, Some(1), "{log}");
        assert!(log.ends_with(&format!("[FTL] {told}\n")), "{log}");
    }
}

#[test]
fn as_many_files_may_be_open_as_the_system_allows() {
    let place = Place::new("gannet");
    let server = place.serve_with_files(64);
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("readable");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("a limit");
    let columns: Vec<&str> = line.split_whitespace().skip(3).collect();
    assert_eq!(columns[0], columns[1], "{line}");
    assert_ne!(columns[0], "64", "{line}");
}
