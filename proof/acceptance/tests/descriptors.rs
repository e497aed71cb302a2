//! A server without descriptors (file handles) to spare: whoever is there is served, who comes waits, and all is well as
//! soon as some are free (rows LIM, OPS).

use gannet_acceptance::server::write_file;
use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

/// Descriptors that the server may have.
const LIMIT: usize = 64;

/// A server with `config` whose limit cannot be raised by itself.
fn start(kind: Kind, config: &str) -> Server {
    let mut server = Server::prepare(kind, config, &[]);
    let program = kind.program();
    let script = write_file(
        server.folder(),
        "limited",
        &format!(
            "#!/bin/sh\nulimit -n {LIMIT}\nexec \"{}\" \"$@\"\n",
            program.display()
        ),
    );
    let executable = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).expect("a file's mode can be set");
    server.set_program(script.into());
    server
        .launch()
        .unwrap_or_else(|problem| panic!("{problem}"));
    server.await_nobody();
    server
}

/// Connects until the server says that it cannot take any more; the connections, of which it has taken some.
fn exhaust(server: &Server) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    let complaint = "Temporary Client Accept Error(accept tcp ";
    eventually("the server to have enough", || {
        // It cannot take as many as that; but on a busy machine it may take its time.
        if crowd.len() < 2 * LIMIT {
            // Fails when the backlog is full, which is well enough.
            crowd.extend(TcpStream::connect(server.client_address()));
        }
        let log = server.log();
        log.contains(complaint).then_some(()).ok_or(log)
    });
    crowd
}

both! {
    /// Clients that are there are served, newcomers when there is room; the pauses between attempts grow.
    #[test]
    fn clients_are_served_and_newcomers_wait(kind: Kind) {
        let server = start(kind, "");
        let mut one = Wire::client(&server);
        let mut other = Wire::client(&server);
        other.send("SUB here 1\r\n");
        other.fence();
        let crowd = exhaust(&server);
        for pause in ["10ms", "20ms", "40ms"] {
            server.expect_log(&format!("accept4: too many open files), sleeping {pause}"));
        }
        for number in 0..100 {
            let text = format!("{number:03}");
            one.send(&format!("PUB here 3\r\n{text}\r\n"));
            other.expect("MSG here 1 3");
            other.expect(&text);
        }
        // Who is in the backlog gets its INFO as soon as there is room.
        let mut late = Wire::open(&server.client_address());
        drop(crowd);
        late.info();
        late.fence();
        Wire::client(&server).fence();
    }

    /// Other servers and operators come in as soon as there is room.
    #[test]
    fn links_and_monitoring_come_back(kind: Kind) {
        let own = "server_name: limited\ncluster { name: A, listen: \"{cluster}\" }\ngateway { name: A, listen: \"{gateway}\" }";
        let server = start(kind, own);
        let crowd = exhaust(&server);
        let mate = Server::start(Kind::Go, &format!(
            "server_name: mate\ncluster {{ name: A, listen: \"{{cluster}}\", routes: [\"nats://{}\"] }}\ngateway {{ name: A, listen: \"{{gateway}}\" }}",
            server.route_address(),
        ));
        let far = Server::start(Kind::Go, &format!(
            "server_name: far\ngateway {{ name: B, listen: \"{{gateway}}\", gateways: [{{name: A, url: \"nats://{}\"}}] }}",
            server.gateway_address(),
        ));
        let asking = TcpStream::connect(server.http_address());
        server.expect_log("Temporary Route Accept Error(accept tcp ");
        server.expect_log("Temporary Gateway Accept Error(accept tcp ");
        drop((crowd, asking));
        eventually("the route", || {
            let page = mate.try_monitor("/routez")?;
            (page["num_routes"] == 4).then_some(()).ok_or(page.to_string())
        });
        eventually("the link", || {
            let page = far.try_monitor("/gatewayz")?;
            page["outbound_gateways"]["A"].is_object().then_some(()).ok_or(page.to_string())
        });
        eventually("monitoring", || server.try_monitor("/varz").map(drop));
        Wire::client(&server).fence();
    }
}
