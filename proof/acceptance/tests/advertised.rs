//! Under which addresses a server is found (rows CORE-53, GW-11, GW-127).

use gannet_acceptance::apart::without_network;
use gannet_acceptance::http::{get, try_get};
use gannet_acceptance::{Kind, Server, Wire, both};
use serde_json::{Value, json};

/// INFO of a gateway listener on all addresses.
fn wildcard_gateway(kind: Kind) -> (Server, Value, u16) {
    let server = Server::start(kind, "gateway { name: A, listen: \"0.0.0.0:-1\" }");
    let port = server.monitor("/varz")["gateway"]["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
        .expect("a port");
    let info = Wire::open(&format!("127.0.0.1:{port}")).info();
    (server, info, port)
}

both! {
    /// CORE-53: clients are told the address that is configured for them, whatever is listened to.
    #[test]
    fn clients_are_told_the_advertised_address(kind: Kind) {
        for (config, host, port) in [("", "0.0.0.0", None), ("client_advertise: \"example.org\"", "example.org", None), ("client_advertise: \"example.org:5\"", "example.org", Some(5))] {
            let server = Server::start_with(kind, config, &["-a", "0.0.0.0"]);
            let info = Wire::open(&server.client_address()).info();
            let port = port.unwrap_or(server.client_port());
            // Without a cluster there is nobody else to list.
            assert_eq!([&info["host"], &info["port"], &info["connect_urls"]], [&json!(host), &json!(port), &Value::Null], "{config}");
        }
        let server = Server::start_with(kind, "", &["--client_advertise", "flag.example:7"]);
        assert_eq!(Wire::open(&server.client_address()).info()["host"], "flag.example");
    }

    /// CORE-53: an address that is none ends the start.
    #[test]
    fn an_advertised_address_that_is_none_ends_the_start(kind: Kind) {
        let config = "listen: \"127.0.0.1:-1\"\nclient_advertise: \"a:b:c\"";
        let mut server = Server::prepare(kind, config, &[]);
        server.spawn();
        assert_eq!(server.wait().code(), Some(1));
        server.expect_log("Error setting server INFO with ClientAdvertise value of a:b:c, err=address a:b:c: too many colons in address");
    }

    /// GW-11: a gateway that listens on all addresses names one of this machine's that others can reach. Which one is the
    /// machine's business, so the reference is asked for it.
    #[test]
    fn a_wildcard_gateway_names_an_address_of_the_machine(kind: Kind) {
        let (server, info, port) = wildcard_gateway(kind);
        let (_reference, expected, _) = wildcard_gateway(Kind::Go);
        let host = expected["host"].as_str().expect("a text");
        let address = format!("{host}:{port}");
        assert_eq!([&info["host"], &info["gateway_url"], &info["gateway_urls"]], [&json!(host), &json!(address), &json!([address])]);
        server.expect_log(&format!("Address for gateway \"A\" is {address}"));
    }

    /// GW-11: where the machine has no address that others can reach, the operator is told.
    #[test]
    fn a_machine_without_a_network_is_an_error(kind: Kind) {
        let mut server = Server::prepare(kind, "gateway { name: A, listen: \"0.0.0.0:7222\" }", &[]);
        if !without_network(&mut server) {
            return;
        }
        server.spawn();
        let line = server.expect_log("Could not find any non-local IP for gateway \"A\" with listen specification \"0.0.0.0\"");
        assert!(line.contains("[ERR]"), "{line}");
        server.expect_log("Address for gateway \"A\" is 0.0.0.0:7222");
    }

    /// GW-127: from the first moment that a server says it is healthy, other servers and clusters can come.
    #[test]
    fn who_is_healthy_lets_everybody_in(kind: Kind) {
        for _ in 0..3 {
            let mut server = Server::prepare(
                kind,
                "cluster { name: A, listen: \"{cluster}\" }\ngateway { name: A, listen: \"{gateway}\" }",
                &[],
            );
            server.spawn();
            let told = gannet_acceptance::eventually("the server to be healthy", || {
                let answer = try_get(server.http_address(), "/healthz")?;
                if answer.status == 200 { Ok(answer.body) } else { Err(answer.body) }
            });
            for address in [server.client_address(), server.gateway_address(), server.route_address()] {
                Wire::open(&address).info();
            }
            assert_eq!(told.trim(), "{\"status\":\"ok\"}");
        }
    }

    /// GW-127: a server that greets clients is healthy, its gateway included.
    #[test]
    fn the_gateway_listens_when_the_server_is_healthy(kind: Kind) {
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\" }");
        assert_eq!(get(server.http_address(), "/healthz").json(), json!({"status": "ok"}));
        assert_eq!(Wire::open(&server.gateway_address()).info()["gateway"], "A");
    }
}
