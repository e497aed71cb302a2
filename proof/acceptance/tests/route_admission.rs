//! What servers of a cluster say of themselves when they meet, and who is not let in (rows CLU-02 to CLU-07, CLU-14,
//! CLU-16, CLU-21, GW-30).

use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use serde_json::{Value, json};
use std::net::TcpListener;

/// Connections between two servers with default settings: a pool of three, and one of the system account.
const EACH: usize = 4;

fn alone(kind: Kind, lines: &str) -> (Server, Wire) {
    let server = Server::start(
        kind,
        &format!("server_name: s\ncluster {{ name: c, listen: \"{{cluster}}\", {lines} }}"),
    );
    let mut wire = Wire::open(&server.route_address());
    assert_eq!(wire.info()["cluster"], "c");
    (server, wire)
}

/// Waits until the server has no route: one of a pool may be closed a moment after the others.
fn without_routes(server: &Server) {
    eventually("the routes to be gone", || {
        match &server.try_monitor("/routez")?["num_routes"] {
            count if *count == 0 => Ok(()),
            count => Err(format!("{count} routes")),
        }
    });
}

both! {
    #[test]
    fn a_client_at_the_route_port_is_sent_away(kind: Kind) {
        let (_server, mut wire) = alone(kind, "");
        wire.send("CONNECT {\"verbose\":false,\"lang\":\"go\"}\r\n");
        wire.expect("-ERR 'attempted to connect to route port'");
        wire.expect_closed();
    }

    #[test]
    fn a_gateway_at_the_route_port_is_sent_away(kind: Kind) {
        let (server, mut wire) = alone(kind, "");
        wire.send("CONNECT {\"verbose\":false,\"gateway\":\"B\",\"name\":\"X\"}\r\n");
        wire.expect("-ERR 'Rejecting connection from gateway \"B\" on the Route port'");
        wire.expect_closed();
        server.expect_log("Router connection closed: Wrong Gateway");
    }

    #[test]
    fn another_cluster_is_sent_away(kind: Kind) {
        let (server, mut wire) = alone(kind, "");
        wire.send("CONNECT {\"verbose\":false,\"cluster\":\"other\",\"name\":\"X\"}\r\n");
        wire.expect("-ERR 'Rejecting connection, cluster name \"other\" does not match \"c\"'");
        wire.expect_closed();
        server.expect_log("Router connection closed: Cluster Name Conflict");
    }

    #[test]
    fn nobody_without_the_password_is_let_in(kind: Kind) {
        let (_server, mut wire) = alone(kind, "authorization { user: u, password: p }");
        wire.send("CONNECT {\"verbose\":false,\"cluster\":\"c\",\"name\":\"X\",\"user\":\"u\",\"pass\":\"q\"}\r\n");
        wire.expect("-ERR 'Authorization Violation'");
        wire.expect_closed();
    }

    /// Their addresses are known to each other, but they are not of one cluster.
    #[test]
    fn clusters_of_different_names_stay_apart(kind: Kind) {
        let one = Server::start(kind, "server_name: s1\ncluster { name: one, listen: \"{cluster}\" }");
        let other = Server::start(
            Kind::Go,
            &format!("server_name: s2\ncluster {{ name: other, listen: \"{{cluster}}\", routes: [\"nats://{}\"] }}", one.route_address()),
        );
        one.expect_log("Rejecting connection, cluster name \"other\" does not match \"one\"");
        for server in [&one, &other] {
            without_routes(server);
        }
    }
}

both! {
    /// A server whose name another one of the cluster has is not let in.
    #[test]
    fn a_name_that_is_taken_is_refused(kind: Kind) {
        let (server, _) = alone(kind, "");
        let routes = format!("routes: [\"nats://{}\"]", server.route_address());
        let other = Server::start(
            Kind::Go,
            &format!("server_name: s\ncluster {{ name: c, listen: \"{{cluster}}\", {routes} }}"),
        );
        server.expect_log("Remote server has a duplicate name: \"s\"");
        server.expect_log("Router connection closed: Duplicate Server Name");
        for server in [&server, &other] {
            without_routes(server);
        }
    }

    /// CLU-21: where a server listens on IPv6, routes are dialled there, by whomever.
    #[test]
    fn routes_go_over_ipv6(kind: Kind) {
        for (dialler, acceptor) in [(kind, Kind::Go), (Kind::Go, kind)] {
            let mut acceptor = Server::prepare(acceptor, "", &[]);
            let address = acceptor.route_address().replace("127.0.0.1", "[::1]");
            acceptor.write_config(&format!("server_name: s1\ncluster {{ name: c, listen: \"{address}\" }}"));
            acceptor.launch().unwrap_or_else(|problem| panic!("{problem}"));
            let dialler = Server::start(
                dialler,
                &format!("server_name: s2\ncluster {{ name: c, listen: \"{{cluster}}\", routes: [\"nats://{address}\"] }}"),
            );
            for server in [&dialler, &acceptor] {
                eventually("the routes", || {
                    let page = server.try_monitor("/routez")?;
                    let routes = page["routes"].as_array().cloned().unwrap_or_default();
                    if routes.len() == EACH && routes.iter().all(|route| route["ip"] == "::1") {
                        Ok(())
                    } else {
                        Err(page.to_string())
                    }
                });
            }
        }
    }

    /// CLU-06, CLU-07: what an acceptor and a dialler say of themselves, whole.
    #[test]
    fn servers_introduce_themselves(kind: Kind) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let lines = format!("routes: [\"nats://u:p@127.0.0.1:{port}\"], cluster_advertise: \"h:1\"");
        let server = Server::start(
            kind,
            &format!("server_name: s\ncluster {{ name: c, listen: \"{{cluster}}\", {lines} }}"),
        );
        let id = server.id();
        let base = json!({
            "server_id": id, "server_name": "s", "proto": 3, "headers": true, "max_payload": 1_048_576, "host": "h", "port": 1,
            "ip": "nats-route://h:1/", "cluster": "c", "connect_urls": [server.client_address()], "lnoc": true, "lnocu": true,
            "ln": true, "route_pool_size": 3,
        });
        let with = |more: Value| {
            let mut all = base.clone();
            let fields = all.as_object_mut().expect("an object");
            fields.extend(more.as_object().expect("an object").clone());
            all
        };
        let info = Wire::open(&server.route_address()).info();
        assert_eq!(lasting(info), with(json!({"compression": "accept"})));
        let (stream, _) = listener.accept().expect("it dials");
        let mut peer = Wire::over(stream);
        assert_eq!(peer.json("CONNECT"), json!({
            "echo": true, "verbose": false, "pedantic": false, "user": "u", "pass": "p", "tls_required": false, "headers": true,
            "name": id, "cluster": "c", "lnoc": true, "ln": true,
        }));
        let own = json!({"server_id": "PEER", "server_name": "p", "proto": 1, "headers": true, "host": "127.0.0.1", "port": port,
            "max_payload": 1_048_576, "cluster": "c", "compression": "off", "route_pool_size": 3});
        peer.send(&format!("INFO {own}\r\n"));
        let info = lasting(peer.info());
        // The reference dials for the pool and for the system account at once, and either may be the first.
        let want = match info["route_account"].as_str() {
            Some(account) => json!({"compression": "off", "route_account": account}),
            None => json!({"compression": "off"}),
        };
        assert_eq!(info, with(want));
    }
}

/// INFO without what every server says in its own words.
fn lasting(mut info: Value) -> Value {
    let fields = info.as_object_mut().expect("an object");
    for own in ["version", "go", "git_commit", "gannet", "nonce", "xkey"] {
        fields.remove(own);
    }
    info
}

/// A route URL that leads to a client port makes no route. (The reference server takes it for one, finds out, and
/// tries again without a pause.)
#[test]
fn a_client_port_is_no_route_port() {
    let other = Server::start(Kind::Go, "server_name: s2");
    let server = Server::start(
        Kind::Gannet,
        &format!(
            "server_name: s1\ncluster {{ name: c, listen: \"{{cluster}}\", routes: [\"nats://{}\"] }}",
            other.client_address()
        ),
    );
    server.expect_log("Route connection created");
    server.expect_log("Router connection closed: Incorrect Port");
    without_routes(&server);
    Wire::client(&server).fence();
}
