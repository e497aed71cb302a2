//! Encrypted routes between Gannet and Go servers: the mesh, what crosses it, and whom the certificates keep out (row
//! CLU-22), with compression inside (CLU-15).

use gannet_acceptance::certificates::Authority;
use gannet_acceptance::{Kind, Server, Wire, eventually, mixes, pairs};
use serde_json::Value;
use std::collections::BTreeMap;

/// A name that leads to this machine, and its address.
const NAME: &str = "localhost";
const ADDRESS: &str = "127.0.0.1";
/// Connections between two servers with default settings: a pool of three, and one of the system account.
const EACH: usize = 4;
const FAILED: &str = "Router connection closed: TLS Handshake Failure";
const UNKNOWN: &str = "failed to verify certificate: x509: certificate signed by unknown authority";

/// Configuration of a server of the cluster c, with these lines in its block.
fn config(name: &str, lines: &str) -> String {
    format!(
        "server_name: {name}\ndebug: true\ncluster {{\n name: c\n listen: \"{{cluster}}\"\n {lines}\n}}"
    )
}

/// The `routes` of who knows one server, at this host.
fn route(host: &str, seed: &Server) -> String {
    let address = seed.route_address().replace(ADDRESS, host);
    format!("routes: [\"nats://{address}\"]")
}

/// A server, and one that dials it under the name; each with lines of its own.
fn pair(kinds: (Kind, Kind), dialler: &str, acceptor: &str) -> (Server, Server) {
    let acceptor = Server::start(kinds.1, &config("acceptor", acceptor));
    let lines = format!("{dialler}\n{}", route(NAME, &acceptor));
    let dialler = Server::start(kinds.0, &config("dialler", &lines));
    (dialler, acceptor)
}

/// How many connections there are to each of the other servers, and how each of them compresses.
fn routes(server: &Server) -> Result<BTreeMap<String, Vec<Value>>, String> {
    let page = server.try_monitor("/routez")?;
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for route in page["routes"].as_array().into_iter().flatten() {
        let name = route["remote_name"].as_str().unwrap_or_default();
        found
            .entry(name.to_owned())
            .or_default()
            .push(route["compression"].clone());
    }
    Ok(found)
}

/// Waits until each server has all its connections to each other, all of them compressing like this.
fn await_mesh(servers: &[Server], compression: &str) {
    for at in 0..servers.len() {
        let want: BTreeMap<String, Vec<Value>> = (0..servers.len())
            .filter(|other| *other != at)
            .map(|other| (format!("s{other}"), vec![compression.into(); EACH]))
            .collect();
        eventually(&format!("s{at} to have {want:?}"), || {
            let have = routes(&servers[at])?;
            if have == want {
                Ok(())
            } else {
                Err(format!("{have:?}"))
            }
        });
    }
}

/// Waits until every server knows that every other one wants `subject`.
fn await_interest(servers: &[Server], subject: &str) {
    for server in servers {
        eventually(&format!("interest in {subject}"), || {
            let page = server.try_monitor("/routez?subs=1")?;
            let routes = page["routes"].as_array().into_iter().flatten();
            let lists = routes.filter_map(|route| route["subscriptions_list"].as_array());
            if lists.flatten().filter(|found| *found == subject).count() == servers.len() - 1 {
                Ok(())
            } else {
                Err(page.to_string())
            }
        });
    }
}

fn nobody_is_connected(servers: &[&Server]) {
    for server in servers {
        eventually(
            "no route",
            || match &server.try_monitor("/routez")?["num_routes"] {
                count if *count == 0 => Ok(()),
                count => Err(format!("{count} routes")),
            },
        );
    }
}

mixes! {
    /// CLU-22, CLU-15: all know only the first one, by a name, and their certificates are for that name alone: addresses
    /// that gossip brings are dialled under it. What crosses is encrypted and compressed, large and small.
    #[test]
    fn an_encrypted_cluster_carries_everything(mix: &str) {
        let ca = Authority::new("gulls");
        let mut servers: Vec<Server> = mix
            .chars()
            .map(|letter| Server::prepare(if letter == 'G' { Kind::Gannet } else { Kind::Go }, "", &[]))
            .collect();
        let seed = route(NAME, &servers[0]);
        for (at, server) in servers.iter_mut().enumerate() {
            let name = format!("s{at}");
            let block = ca.issue(&name, &[NAME]).block("");
            server.set_name(&name);
            server.write_config(&config(&name, &format!("compression: s2_fast\n{block}\n{seed}")));
            server.launch().unwrap_or_else(|problem| panic!("{problem}"));
        }
        await_mesh(&servers, "s2_fast");
        for server in &servers {
            server.expect_log("TLS version 1.3, cipher suite TLS_");
            let info = Wire::open(&server.client_address()).info();
            assert_eq!(info["tls_required"], Value::Null, "only routes are encrypted");
        }
        let mut clients: Vec<Wire> = servers.iter().map(Wire::client).collect();
        for client in &mut clients {
            client.send("SUB news.* 1\r\n");
            client.fence();
        }
        await_interest(&servers, "news.*");
        for from in 0..clients.len() {
            for length in [0, 1, 5_000, 300_000] {
                let payload = (b'a' + u8::try_from(from).expect("few servers")) as char;
                let payload = payload.to_string().repeat(length);
                clients[from].send(&format!("PUB news.{from} {length}\r\n{payload}\r\n"));
                for client in &mut clients {
                    client.expect(&format!("MSG news.{from} 1 {length}\r\n{payload}"));
                }
            }
        }
        for client in &mut clients {
            client.fence();
        }
    }
}

pairs! {
    /// CLU-22: who dials with a certificate of an unknown authority is refused. (The reference, told which authorities
    /// are known, rather shows none.)
    #[test]
    fn a_dialler_of_another_authority_is_refused(dialler: Kind, acceptor: Kind) {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let stranger = theirs.issue("dialler", &[NAME]).block_trusting(&ours.ca_file(), "");
        let servers = pair((dialler, acceptor), &stranger, &ours.issue("acceptor", &[NAME]).block(""));
        let problem = match dialler {
            Kind::Gannet => UNKNOWN,
            Kind::Go => "client didn't provide a certificate",
        };
        servers.1.expect_log(&format!("TLS route handshake error: tls: {problem}"));
        servers.1.expect_log(FAILED);
        nobody_is_connected(&[&servers.0, &servers.1]);
    }

    /// CLU-22: and so is who is dialled.
    #[test]
    fn an_acceptor_of_another_authority_is_refused(dialler: Kind, acceptor: Kind) {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let stranger = theirs.issue("acceptor", &[NAME]).block_trusting(&ours.ca_file(), "");
        let servers = pair((dialler, acceptor), &ours.issue("dialler", &[NAME]).block(""), &stranger);
        servers.0.expect_log(&format!("TLS route handshake error: tls: {UNKNOWN}"));
        servers.0.expect_log(FAILED);
        nobody_is_connected(&[&servers.0, &servers.1]);
    }

    /// CLU-22: a certificate counts only for the host that was dialled.
    #[test]
    fn an_address_without_a_name_must_be_in_the_certificate(dialler: Kind, acceptor: Kind) {
        let ca = Authority::new("gulls");
        let acceptor = Server::start(acceptor, &config("acceptor", &ca.issue("acceptor", &[NAME]).block("")));
        let block = ca.issue("dialler", &[NAME]).block("");
        let dialler = Server::start(dialler, &config("dialler", &format!("{block}\n{}", route(ADDRESS, &acceptor))));
        dialler.expect_log("TLS route handshake error: tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs");
        dialler.expect_log(FAILED);
        nobody_is_connected(&[&dialler, &acceptor]);
    }

    /// CLU-22: one side encrypts and the other does not: neither gets in, neither waits for ever.
    #[test]
    fn plain_and_encrypted_do_not_meet(dialler: Kind, acceptor: Kind) {
        let ca = Authority::new("gulls");
        let block = ca.issue("any", &[NAME]).block("timeout: 1");
        let (encrypted, plain) = pair((dialler, acceptor), &block, "");
        encrypted.expect_log("TLS route handshake error: tls: first record does not look like a TLS handshake");
        encrypted.expect_log(FAILED);
        nobody_is_connected(&[&encrypted, &plain]);
        let (plain, encrypted) = pair((dialler, acceptor), "", &block);
        encrypted.expect_log("TLS route handshake error: ");
        encrypted.expect_log(FAILED);
        nobody_is_connected(&[&encrypted, &plain]);
    }

    /// CLU-22: where keys are pinned, no other key will do, be it of who dials or of who is dialled.
    #[test]
    fn pinned_keys_are_the_only_ones(dialler: Kind, acceptor: Kind) {
        let ca = Authority::new("gulls");
        let (one, other) = (ca.issue("one", &[NAME]), ca.issue("other", &[NAME]));
        let pins = [format!("pinned_certs: [\"{}\"]", one.pin), format!("pinned_certs: [\"{}\"]", other.pin)];
        let servers = pair((dialler, acceptor), &one.block(&pins[1]), &other.block(&pins[0]));
        eventually("the routes", || match routes(&servers.0)? {
            found if found.get("acceptor").is_some_and(|found| found.len() == EACH) => Ok(()),
            found => Err(format!("{found:?}")),
        });
        for by_dialler in [true, false] {
            let (dialling, accepting) = if by_dialler { (&*pins[0], "") } else { ("", &*pins[1]) };
            let servers = pair((dialler, acceptor), &one.block(dialling), &other.block(accepting));
            let judge = if by_dialler { &servers.0 } else { &servers.1 };
            judge.expect_log("TLS route handshake error: certificate not pinned");
            judge.expect_log(FAILED);
            nobody_is_connected(&[&servers.0, &servers.1]);
        }
    }
}
