//! `gannet dev`: the table, the super-cluster behind it, and its end.

use std::net::TcpListener;

use gannet_rt::unix::Signal;

use super::harness::{Place, Process, Wire, port_behind, within};

/// The ports in each row of the table: clients, gateways and perhaps monitoring.
fn rows(out: &str) -> Vec<Vec<u16>> {
    let mut lines = out.lines().skip_while(|line| !line.starts_with("Cluster"));
    assert_eq!(
        lines
            .next()
            .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")),
        Some("Cluster Server Clients Gateway Monitoring Links up".to_string())
    );
    let rows = lines.take_while(|line| !line.is_empty());
    let ports = |row: &str| {
        row.split_whitespace()
            .filter(|c| c.contains("://"))
            .map(|c| port_behind(c, "127.0.0.1:"))
            .collect()
    };
    rows.map(ports).collect()
}

fn start(place: &Place, args: &[&str]) -> (Process, String) {
    let process = place.spawn(args);
    let out = within("the table", || {
        Some(process.out()).filter(|out| out.contains("Ctrl-C"))
    });
    (process, out)
}

#[test]
fn a_super_cluster_is_shown_and_carries_messages() {
    let place = Place::new("gannet");
    let (mut process, out) = start(&place, &["dev", "--clusters", "3"]);
    assert!(
        out.ends_with(" MiB. All 6 links are up. Ctrl-C ends it.\n"),
        "{out}"
    );
    assert_eq!(out.matches(" 2/2\n").count(), 3, "{out}");
    let ports = rows(&out);
    let mut subscriber = Wire::connect(ports[2][0]);
    subscriber.send("CONNECT {}\r\nSUB greetings.* 1\r\nPING\r\n");
    subscriber.expect("PONG");
    let mut publisher = Wire::connect(ports[0][0]);
    publisher.greet("{}");
    // The subscriber's PONG says that its own server knows; the publisher's hears of it a moment later.
    within("a message from one cluster to another", || {
        publisher.send("PUB greetings.a 5\r\nhello\r\nPING\r\n");
        publisher.expect("PONG");
        subscriber.send("PING\r\n");
        let came = subscriber.line()?;
        if came == "PONG" {
            return None;
        }
        assert_eq!(came, "MSG greetings.a 1 5");
        assert_eq!(subscriber.line().as_deref(), Some("hello"));
        Some(())
    });
    let mut page = Wire::connect(ports[1][2]);
    page.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(page.expect("HTTP/1.0 ").as_str(), "HTTP/1.0 200 OK");
    process.signal(Signal::SIGINT);
    assert_eq!(process.end(), Some(0));
    for port in ports.concat() {
        // Somebody else's connection may have it for a moment.
        within(&format!("port {port} to be free"), || {
            TcpListener::bind(("127.0.0.1", port)).ok()
        });
    }
}

#[test]
fn ports_can_be_chosen_and_monitoring_left_out() {
    let place = Place::new("gannet");
    // Somebody else may take one of the ports in between: then it is another try.
    let (process, out, base) = within("free ports in a row", || {
        let free = TcpListener::bind("127.0.0.1:0").ok()?;
        let base = free.local_addr().ok()?.port() % 20_000 + 20_000;
        drop(free);
        let text = base.to_string();
        let mut process = place.spawn(&[
            "dev",
            "--clusters",
            "2",
            "--no-monitor",
            "--base-port",
            &text,
        ]);
        let started = within("the table or an error", || {
            let out = process.out();
            (out.contains("Ctrl-C") || process.has_ended()).then_some(out)
        });
        started
            .contains("Ctrl-C")
            .then_some((process, started, base))
    });
    let first = vec![base, base + 3000];
    let second = vec![base + 1, base + 3001];
    assert_eq!(rows(&out), [first, second], "{out}");
    assert_eq!(out.matches(" off ").count(), 2, "{out}");
    drop(process);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::new("gannet");
    // Somebody else may have one of the ports below: then that one is named, and it is another try.
    within("the port to be named", || {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        // The taken port is the first gateway's if clients begin 3000 below it.
        let base = (port - 3000).to_string();
        let (code, out, told) = place.run(&["dev", "--clusters", "2", "--base-port", &base]);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(told.starts_with("gannet dev: "), "{told}");
        told.contains(&port.to_string()).then_some(())
    });
}
