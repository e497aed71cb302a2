//! What clients of one server see of the others of its cluster (rows CORE-20, CORE-53).

use gannet_acceptance::{Kind, Server, Wire, both, eventually, pairs};
use serde_json::Value;

/// Two servers of one cluster, the second of which has its clients at `host`.
fn cluster(one: Kind, other: Kind, host: &str) -> [Server; 2] {
    let block = |lines: &str| format!("cluster {{ name: c, listen: \"{{cluster}}\"\n {lines} }}");
    let one = Server::start(one, &block(""));
    let seed = format!("routes: [\"nats://{}\"]", one.route_address());
    let other = Server::start_with(other, &block(&seed), &["-a", host]);
    for server in [&one, &other] {
        eventually(
            "the route",
            || match server.monitor("/routez")["num_routes"].as_u64() {
                Some(4) => Ok(()),
                routes => Err(format!("{routes:?} routes")),
            },
        );
    }
    [one, other]
}

/// Waits until `server` knows of `count` subscriptions to `subject` at others.
fn await_interest(server: &Server, subject: &str, count: usize) {
    eventually("interest", || {
        let page = server.monitor("/routez?subs=1");
        let routes = page["routes"].as_array().cloned().unwrap_or_default();
        let heard = routes
            .iter()
            .flat_map(|route| route["subscriptions_list"].as_array().into_iter().flatten());
        match heard.filter(|known| *known == subject).count() {
            known if known == count => Ok(()),
            _ => Err(page.to_string()),
        }
    });
}

pairs! {
    /// CORE-20: of a batch from another server just as many messages come as are wanted, the earlier ones count, and
    /// the interest is gone then.
    #[test]
    fn a_subscription_ends_after_so_many_messages_of_another_server(one: Kind, other: Kind) {
        let servers = cluster(one, other, "127.0.0.1");
        let mut subscriber = Wire::client(&servers[0]);
        let mut publisher = Wire::client(&servers[1]);
        for (max, before) in [(1, 0), (3, 0), (5, 2), (2, 2)] {
            subscriber.send("SUB few 1\r\n");
            subscriber.fence();
            await_interest(&servers[1], "few", 1);
            publisher.send(&"PUB few 1\r\nx\r\n".repeat(before));
            for _ in 0..before {
                subscriber.expect("MSG few 1 1\r\nx");
            }
            subscriber.send(&format!("UNSUB 1 {max}\r\n"));
            subscriber.fence();
            publisher.send(&"PUB few 1\r\ny\r\n".repeat(10));
            publisher.fence();
            for _ in before..max {
                subscriber.expect("MSG few 1 1\r\ny");
            }
            await_interest(&servers[1], "few", 0);
            subscriber.fence();
        }
    }
}

both! {
    /// CORE-53: a server that listens on all addresses is found at those of its machine that others can reach. Which those
    /// are is the machine's business, so the reference is asked for them.
    #[test]
    fn a_wildcard_listener_is_found_at_the_addresses_of_the_machine(kind: Kind) {
        let hosts = |kind: Kind| {
            let servers = cluster(kind, kind, "0.0.0.0");
            let port = servers[1].client_port().to_string();
            let told = |server: &Server| -> Vec<String> {
                let info = Wire::open(&server.client_address()).info();
                let urls = info["connect_urls"].as_array().into_iter().flatten();
                let own = urls.filter_map(Value::as_str).filter_map(|url| url.strip_suffix(&port));
                let mut own: Vec<String> = own.map(str::to_owned).collect();
                own.sort();
                own
            };
            eventually("the same addresses at both", || {
                let [there, here] = [&servers[0], &servers[1]].map(told);
                if there == here { Ok(here) } else { Err(format!("{there:?} {here:?}")) }
            })
        };
        let told = hosts(kind);
        assert_eq!(told, hosts(Kind::Go));
        assert!(told.iter().all(|host| !host.starts_with("127.") && !host.starts_with("0.")), "{told:?}");
    }
}
