//! How much an account may have: connections, subscriptions, payloads; and what becomes of those who have more when the
//! limits shrink (rows ACC-27, ACC-29).

use gannet_acceptance::mesh::{Mesh, Plan};
use gannet_acceptance::wire::quiet_connect;
use gannet_acceptance::{Kind, Server, Wire, both, eventually, later_pairs, login};
use serde_json::json;

const CONNECTIONS: &str = "-ERR 'maximum account active connections exceeded'";

/// The account `A` with these limits and the user `a`, and an account `B` without.
fn config(limits: &str) -> String {
    format!(
        "accounts {{
            A {{ users: [{{user: a, password: p}}, {{user: other, password: p}}], limits {{ {limits} }} }}
            B {{ users: [{{user: b, password: p}}] }}
        }}"
    )
}

/// A client that logs in as `a` and is told that it is too many.
fn is_too_many(server: &Server, user: &str) -> bool {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    wire.send(&format!(
        "CONNECT {}\r\nPING\r\n",
        quiet_connect(&login(user))
    ));
    let line = wire.line();
    if line == "PONG" {
        return false;
    }
    assert_eq!(line, CONNECTIONS);
    wire.expect_closed();
    true
}

/// A client in the place of one that has just gone, or goes now.
fn another(server: &Server) -> Wire {
    eventually("a place for another client", || {
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.send(&format!(
            "CONNECT {}\r\nPING\r\n",
            quiet_connect(&login("a"))
        ));
        match wire.line().as_str() {
            "PONG" => Ok(wire),
            other => Err(other.to_owned()),
        }
    })
}

both! {
    /// ACC-27: connections of one account, whoever of its users has them; others are not concerned.
    #[test]
    fn acc_27_connections(kind: Kind) {
        for key in ["max_connections", "max_conn"] {
            let server = Server::start(kind, &config(&format!("{key}: 2")));
            let first = Wire::client_with(&server, &login("a"));
            let mut second = Wire::client_with(&server, &login("other"));
            for _ in 0..3 {
                assert!(is_too_many(&server, "a"));
            }
            assert!(is_too_many(&server, "other"));
            let _others = [0; 4].map(|_| Wire::client_with(&server, &login("b")));
            second.fence();
            drop(first);
            eventually("a place to become free", || {
                if is_too_many(&server, "a") { Err("not yet".to_owned()) } else { Ok(()) }
            });
            eventually("the reasons", || {
                let page = server.try_monitor("/connz?state=closed")?;
                let closed = page["connections"].as_array().into_iter().flatten();
                let told = closed.filter(|one| one["reason"] == "Maximum Account Connections Exceeded").count();
                if told >= 4 { Ok(()) } else { Err(page.to_string()) }
            });
            server.expect_log("maximum account active connections exceeded");
        }
    }

    /// ACC-27: subscriptions of each client of the account.
    #[test]
    fn acc_27_subscriptions(kind: Kind) {
        for key in ["max_subscriptions", "max_subs"] {
            let server = Server::start(kind, &config(&format!("{key}: 2")));
            let mut client = Wire::client_with(&server, &login("a"));
            client.send("SUB x 1\r\nSUB y 2\r\nSUB z 3\r\n");
            client.expect("-ERR 'maximum subscriptions exceeded'");
            client.send("PUB z 1\r\nz\r\nPUB x 1\r\nx\r\n");
            client.expect("MSG x 1 1\r\nx");
            client.fence();
            client.said("UNSUB 1\r\n");
            client.send("SUB z 4\r\nPUB z 1\r\nz\r\n");
            client.expect("MSG z 4 1\r\nz");
            let mut other = Wire::client_with(&server, &login("b"));
            assert_eq!(other.said("SUB x 1\r\nSUB y 2\r\nSUB z 3\r\n"), []);
        }
    }

    /// ACC-27: payloads, also if the server would take larger ones.
    #[test]
    fn acc_27_payloads(kind: Kind) {
        for key in ["max_payload", "max_pay"] {
            let server = Server::start(kind, &config(&format!("{key}: 10")));
            let mut client = Wire::client_with(&server, &login("a"));
            client.said("SUB x 1\r\n");
            client.send("PUB x 10\r\n0123456789\r\n");
            client.expect("MSG x 1 10\r\n0123456789");
            client.send("PUB x 11\r\n01234567890\r\n");
            client.expect("-ERR 'Maximum Payload Violation'");
            client.expect_closed();
            let mut other = Wire::client_with(&server, &login("b"));
            assert_eq!(other.said("PUB x 11\r\n01234567890\r\n"), []);
        }
    }

    /// ACC-27: a client that speaks protocol 1 is told the bound of its account.
    #[test]
    fn acc_27_the_payload_of_the_account_is_told(kind: Kind) {
        let server = Server::start(kind, &config("max_payload: 10"));
        let mut client = Wire::open(&server.client_address());
        assert_eq!(client.info()["max_payload"], 1024 * 1024);
        let mut options = login("a");
        options["protocol"] = json!(1);
        client.send(&format!("CONNECT {}\r\nPING\r\n", quiet_connect(&options)));
        client.expect("PONG");
        assert_eq!(client.info()["max_payload"], 10);
    }

    /// ACC-29: when limits shrink, so many go as are too many; when they grow, others may come.
    #[test]
    fn acc_29_shrinking_limits(kind: Kind) {
        let server = Server::start(kind, &config("max_connections: 4"));
        let clients: Vec<Wire> = (0..4).map(|_| Wire::client_with(&server, &login("a"))).collect();
        let mut bystander = Wire::client_with(&server, &login("b"));
        server.write_config(&config("max_connections: 2"));
        server.reload();
        // The reference lets go of those who came first, when a file says so, and of those who came last, when a token does.
        let mut left = Vec::new();
        for mut client in clients {
            client.send("PING\r\n");
            match client.line().as_str() {
                CONNECTIONS => client.expect_closed(),
                _ => left.push(client),
            }
        }
        assert_eq!(left.len(), 2);
        let mut clients = left;
        for client in &mut clients {
            client.fence();
        }
        bystander.fence();
        assert!(is_too_many(&server, "a"));
        server.write_config(&config("max_connections: 3"));
        server.reload();
        clients.push(Wire::client_with(&server, &login("a")));
        assert!(is_too_many(&server, "a"));
        server.write_config(&config(""));
        server.reload();
        clients.push(Wire::client_with(&server, &login("a")));
        for client in &mut clients {
            client.fence();
        }
    }
}

both! {
    /// ACC-29: a client that has more subscriptions than its account may have now, goes; one that has not may go on.
    #[test]
    fn acc_29_fewer_subscriptions(kind: Kind) {
        let server = Server::start(kind, &config("max_subs: 3"));
        let [mut more, mut less] = ["a", "other"].map(|user| Wire::client_with(&server, &login(user)));
        assert_eq!(more.said("SUB x 1\r\nSUB y 2\r\nSUB z 3\r\n"), []);
        assert_eq!(less.said("SUB x 1\r\n"), []);
        server.write_config(&config("max_subs: 2"));
        server.reload();
        more.expect("-ERR 'maximum subscriptions exceeded'");
        more.expect_closed();
        less.fence();
        assert_eq!(less.said("SUB y 2\r\n"), []);
        less.send("SUB z 3\r\n");
        less.expect("-ERR 'maximum subscriptions exceeded'");
        less.fence();
    }
}

later_pairs! {
    /// ACC-27: connections to other servers of the system count.
    #[test]
    fn acc_27_connections_to_all_servers(one: Kind, other: Kind) {
        let [one, other] = [one, other].map(|kind| if kind == Kind::Go { 'X' } else { 'G' });
        let mut mesh = Mesh::prepare(Plan::of(&format!("{one}{other} {other}")));
        for index in 0..3 {
            mesh.set(index, |settings| settings.top = config("max_connections: 3"));
        }
        mesh.launch_all();
        mesh.await_links();
        let server = |index: usize| &mesh.nodes()[index].server;
        let mut clients: Vec<Wire> = (0..3).map(|index| Wire::client_with(server(index), &login("a"))).collect();
        for index in 0..3 {
            eventually(&format!("{index} to know of the others"), || {
                if is_too_many(server(index), "a") {
                    return Ok(());
                }
                // Servers tell each other when a client comes or goes; what is told before the other one listens is lost.
                for other in (0..3).filter(|&other| other != index) {
                    // The one that is there leaves first.
                    clients[other].leave();
                    clients[other] = another(server(other));
                }
                Err("let in".to_owned())
            });
        }
        for client in &mut clients {
            client.fence();
        }
        clients.remove(0);
        eventually("a place to become free everywhere", || {
            if is_too_many(server(2), "a") { Err("not yet".to_owned()) } else { Ok(()) }
        });
    }
}
