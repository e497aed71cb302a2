//! Lame duck mode in a cluster: a server that is about to go is no address for clients any more, anywhere (rows OPS-05,
//! CLU-19).

use gannet_acceptance::{Kind, Server, Wire};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A server of the cluster c, whose first one is at `seed`.
fn server(kind: Kind, name: &str, seed: &str) -> Server {
    let config = format!(
        "server_name: {name}\ncluster {{ name: c, listen: \"{{cluster}}\", routes: [{seed}] }}"
    );
    Server::start(kind, &config)
}

/// Reads INFO until one lists the client addresses of exactly these servers.
fn told(client: &mut Wire, servers: &[&Server]) -> Value {
    let mut want: Vec<String> = (servers.iter())
        .map(|server| server.client_address())
        .collect();
    want.sort();
    loop {
        let info = client.info();
        let urls = info["connect_urls"].as_array().into_iter().flatten();
        let mut urls: Vec<&str> = urls.filter_map(Value::as_str).collect();
        urls.sort_unstable();
        if urls == want {
            return info;
        }
    }
}

/// One server goes into lame duck mode: its own clients are told where else to go, those of the other one that it is
/// no place to go to, while the routes stay and carry.
fn check(stays: Kind, leaves: Kind) {
    let stays = server(stays, "stays", "");
    let mut near = Wire::client_with(&stays, &json!({"protocol": 1}));
    let leaves = server(
        leaves,
        "leaves",
        &format!("\"nats://{}\"", stays.route_address()),
    );
    told(&mut near, &[&stays, &leaves]);
    let mut far = Wire::client_with(&leaves, &json!({"protocol": 1}));
    leaves.signal(Signal::USR2);
    let info = told(&mut far, &[&stays]);
    assert_eq!(info["ldm"], true, "{info}");
    let info = told(&mut near, &[&stays]);
    assert_eq!(info["ldm"], Value::Null, "{info}");
    // Both ways, through the server that is still there.
    near.send("SUB back 1\r\n");
    near.fence();
    gannet_acceptance::eventually("interest to cross", || {
        let page = leaves.try_monitor("/routez?subs=1")?;
        if page.to_string().contains("\"back\"") {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
    far.send("PUB back 5\r\nhello\r\n");
    near.expect("MSG back 1 5\r\nhello");
}

/// The kinds are of who stays and of who leaves.
mod a_lame_duck_is_no_address_for_clients_of_its_cluster {
    use super::*;

    #[test]
    fn gg() {
        check(Kind::Gannet, Kind::Gannet);
    }

    #[test]
    fn gx() {
        check(Kind::Gannet, Kind::Go);
    }

    #[test]
    fn xg() {
        check(Kind::Go, Kind::Gannet);
    }

    #[test]
    fn xx() {
        check(Kind::Go, Kind::Go);
    }
}
