//! Clusters of Gannet and Go servers in every mix: the mesh, reach, exactly once, queue groups, replies, healing,
//! names (rows CLU-02 to CLU-11, CLU-14, CLU-19, CLU-20, CLU-23, CORE-54). Who is not let in is in
//! `route_admission.rs`, what one server says to another in `route_wire.rs`.

use gannet_acceptance::{Kind, Server, Wire, eventually, mixes};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Connections between two servers with default settings: a pool of three, and one of the system account.
const EACH: usize = 4;

/// Servers of one cluster.
struct Cluster {
    servers: Vec<Server>,
    /// Connections between any two of them.
    each: usize,
}

impl Cluster {
    /// One server for each letter of `mix` (`G` Gannet, `X` Go), named s0, s1, …, of a cluster called c; all
    /// know the first one.
    fn start(mix: &str) -> Cluster {
        Cluster::start_with(mix, "name: c", EACH)
    }

    /// [`Cluster::start`] with `lines` in the block instead of the name, which make for so many connections.
    fn start_with(mix: &str, lines: &str, each: usize) -> Cluster {
        let kind = |letter| match letter {
            'G' => Kind::Gannet,
            _ => Kind::Go,
        };
        let prepare = |letter| Server::prepare(kind(letter), "", &[]);
        let mut servers: Vec<Server> = mix.chars().map(prepare).collect();
        let seed = servers[0].route_address();
        for (at, server) in servers.iter_mut().enumerate() {
            server.set_name(&format!("s{at}"));
            server.write_config(&format!(
                "server_name: s{at}\ndebug: true\ncluster {{\n listen: \"{{cluster}}\"\n routes: [\"nats://{seed}\"]\n {lines}\n}}"
            ));
            server
                .launch()
                .unwrap_or_else(|problem| panic!("{problem}"));
        }
        let cluster = Cluster { servers, each };
        cluster.await_mesh();
        cluster
    }

    fn running(&self) -> impl Iterator<Item = (usize, &Server)> {
        let running = |server: &Server| server.try_monitor("/healthz").is_ok();
        self.servers
            .iter()
            .enumerate()
            .filter(move |(_, server)| running(server))
    }

    /// Waits until every server has its connections to every other one that runs, and to nobody else.
    fn await_mesh(&self) {
        let running: Vec<(usize, &Server)> = self.running().collect();
        for (at, server) in &running {
            let others = running.iter().filter(|(other, _)| other != at);
            let want: BTreeMap<String, usize> = others
                .map(|(other, _)| (format!("s{other}"), self.each))
                .collect();
            eventually(&format!("s{at} to have {want:?}"), || {
                let page = server.try_monitor("/routez")?;
                let mut have: BTreeMap<String, usize> = BTreeMap::new();
                for route in page["routes"].as_array().into_iter().flatten() {
                    let name = route["remote_name"].as_str().unwrap_or_default();
                    *have.entry(name.to_owned()).or_default() += 1;
                }
                if have == want {
                    Ok(())
                } else {
                    Err(page.to_string())
                }
            });
        }
    }

    /// Waits until so many other servers are known at each to want `subject`.
    fn await_interest(&self, subject: &str, wanted_by: &dyn Fn(usize) -> usize) {
        for (at, server) in self.running() {
            eventually(&format!("interest in {subject} at s{at}"), || {
                let page = server.try_monitor("/routez?subs=1")?;
                let routes = page["routes"].as_array().into_iter().flatten();
                let subs = routes.flat_map(|route| {
                    let list = route["subscriptions_list"].as_array();
                    list.cloned().unwrap_or_default()
                });
                if subs.filter(|sub| sub == subject).count() == wanted_by(at) {
                    Ok(())
                } else {
                    Err(page.to_string())
                }
            });
        }
    }

    fn client(&self, at: usize) -> Wire {
        let options = json!({"headers": true, "no_responders": true});
        Wire::client_with(&self.servers[at], &options)
    }

    fn clients(&self) -> Vec<Wire> {
        (0..self.servers.len()).map(|at| self.client(at)).collect()
    }
}

/// The subjects and payloads that wait at a client, up to the PONG of a PING sent now.
fn waiting(client: &mut Wire) -> Vec<String> {
    client.send("PING\r\n");
    let mut found = Vec::new();
    loop {
        let line = client.line();
        if line == "PONG" {
            return found;
        }
        assert!(line.starts_with("MSG "), "{line}\n{}", client.story());
        let subject = line.split(' ').nth(1).unwrap_or_default().to_owned();
        found.push(format!("{subject} {}", client.line()));
    }
}

/// Waits until `total` messages have come to all of them, and looks once more that there are no others.
fn collect(clients: &mut [Wire], total: usize) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new(); clients.len()];
    let mut look = |found: &mut Vec<Vec<String>>| {
        for (mine, client) in found.iter_mut().zip(clients.iter_mut()) {
            mine.extend(waiting(client));
        }
    };
    eventually(&format!("{total} messages"), || {
        look(&mut found);
        let count: usize = found.iter().map(Vec::len).sum();
        if count >= total {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    });
    look(&mut found);
    assert_eq!(
        found.iter().map(Vec::len).sum::<usize>(),
        total,
        "{found:?}"
    );
    found
}

fn check_reach(clients: &mut [Wire], round: &str) {
    let count = clients.len();
    for (at, client) in clients.iter_mut().enumerate() {
        client.send(&format!("PUB reach.{round} 1\r\n{at}\r\n"));
    }
    let want: Vec<String> = (0..count).map(|at| format!("reach.{round} {at}")).collect();
    for mut mine in collect(clients, count * count) {
        mine.sort();
        assert_eq!(mine, want);
    }
}

mixes! {
    /// From one seed a full mesh; every client reaches every other, exactly once, until it unsubscribes.
    #[test]
    fn every_client_reaches_every_other(mix: &str) {
        let cluster = Cluster::start(mix);
        let mut clients = cluster.clients();
        for client in &mut clients {
            client.send("SUB reach.> 1\r\n");
            client.fence();
        }
        cluster.await_interest("reach.>", &|_| 2);
        check_reach(&mut clients, "one");
        clients[1].send("UNSUB 1\r\n");
        clients[1].fence();
        cluster.await_interest("reach.>", &|at| if at == 1 { 2 } else { 1 });
        clients[1].send("PUB reach.two 1\r\nx\r\n");
        let found = collect(&mut clients, 2);
        assert_eq!(found, [vec!["reach.two x".to_owned()], vec![], vec!["reach.two x".to_owned()]]);
    }

    /// A queue group over all servers gets each message once, in the publisher's order at each member; what is no
    /// member's subject gets nothing.
    #[test]
    fn a_queue_group_gets_each_message_once(mix: &str) {
        const COUNT: usize = 300;
        let cluster = Cluster::start(mix);
        let mut clients = cluster.clients();
        for client in &mut clients {
            client.send("SUB work.* group 1\r\n");
            client.fence();
        }
        cluster.await_interest("work.*", &|_| 2);
        let mut publisher = cluster.client(0);
        for number in 0..COUNT {
            publisher.send(&format!("PUB work.a 3\r\n{number:03}\r\nPUB idle.a 3\r\n{number:03}\r\n"));
        }
        let found = collect(&mut clients, COUNT);
        assert!(found.iter().all(|mine| mine.is_sorted()), "{found:?}");
        let mut all = found.concat();
        all.sort();
        let want: Vec<String> = (0..COUNT).map(|number| format!("work.a {number:03}")).collect();
        assert_eq!(all, want);
    }

    /// A request is answered from any server, with headers, and told at once that nobody is there.
    #[test]
    fn requests_are_answered(mix: &str) {
        let cluster = Cluster::start(mix);
        let mut clients = cluster.clients();
        for (at, client) in clients.iter_mut().enumerate() {
            client.send(&format!("SUB ask.{at} 1\r\nSUB inbox.{at} 2\r\n"));
            client.fence();
            cluster.await_interest(&format!("ask.{at}"), &|on| usize::from(on != at));
            cluster.await_interest(&format!("inbox.{at}"), &|on| usize::from(on != at));
        }
        for asker in 0..3 {
            for answerer in (0..3).filter(|at| *at != asker) {
                clients[asker].send(&format!("HPUB ask.{answerer} inbox.{asker} 17 18\r\nNATS/1.0\r\na:b\r\n\r\n?\r\n"));
                clients[answerer].expect(&format!("HMSG ask.{answerer} 1 inbox.{asker} 17 18\r\nNATS/1.0\r\na:b\r\n\r\n?"));
                clients[answerer].send(&format!("PUB inbox.{asker} 1\r\n!\r\n"));
                clients[asker].expect(&format!("MSG inbox.{asker} 2 1\r\n!"));
            }
            clients[asker].send(&format!("PUB nobody inbox.{asker} 1\r\n?\r\n"));
            clients[asker].expect(&format!("HMSG inbox.{asker} 2 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n"));
        }
    }

    /// A server that is killed is gone everywhere, with its interest and its address; when it comes back, all is
    /// as before.
    #[test]
    fn a_restart_heals(mix: &str) {
        let mut cluster = Cluster::start(mix);
        let mut clients = cluster.clients();
        for client in &mut clients {
            client.send("SUB reach.> 1\r\n");
            client.fence();
        }
        cluster.await_interest("reach.>", &|_| 2);
        let gone = clients.remove(2);
        cluster.servers[2].kill();
        drop(gone);
        cluster.await_mesh();
        cluster.await_interest("reach.>", &|_| 1);
        check_reach(&mut clients, "two");
        let await_urls = |server: &Server, count: usize| eventually("addresses for clients", || {
            let info = Wire::open(&server.client_address()).info();
            let urls = info["connect_urls"].as_array().map_or(0, Vec::len);
            (urls == count).then_some(()).ok_or_else(|| info.to_string())
        });
        await_urls(&cluster.servers[0], 2);
        cluster.servers[2].launch().unwrap_or_else(|problem| panic!("{problem}"));
        cluster.await_mesh();
        clients.push(cluster.client(2));
        clients[2].send("SUB reach.> 1\r\n");
        clients[2].fence();
        cluster.await_interest("reach.>", &|_| 2);
        check_reach(&mut clients, "three");
        await_urls(&cluster.servers[0], 3);
    }

    /// Clusters without a name make one up, and agree on one.
    #[test]
    fn servers_without_a_name_agree_on_one(mix: &str) {
        let cluster = Cluster::start_with(mix, "", EACH);
        let name = |server: &Server| {
            let info = Wire::open(&server.client_address()).info();
            info["cluster"].as_str().unwrap_or_default().to_owned()
        };
        eventually("one name", || {
            let names: Vec<String> = cluster.servers.iter().map(name).collect();
            let is_one = !names[0].is_empty() && names.iter().all(|other| *other == names[0]);
            is_one.then_some(()).ok_or_else(|| format!("{names:?}"))
        });
    }

    /// An account that is pinned has a connection of its own, which carries what it did in the pool.
    #[test]
    fn a_pinned_account_has_its_own_connection(mix: &str) {
        let cluster = Cluster::start_with(mix, "name: c\naccounts: [\"$G\"]\npool_size: 2", 4);
        let mut clients = cluster.clients();
        for client in &mut clients {
            client.send("SUB reach.> 1\r\nSUB reach.> group 2\r\n");
            client.fence();
        }
        cluster.await_interest("reach.>", &|_| 4);
        for server in &cluster.servers {
            let page = server.monitor("/routez?subs=1");
            for route in page["routes"].as_array().into_iter().flatten() {
                let is_carrier = route["subscriptions_list"].to_string().contains("reach.>");
                assert_eq!(is_carrier, route["account"] == "$G", "{page}");
            }
        }
        for client in &mut clients {
            client.send("UNSUB 2\r\n");
            client.fence();
        }
        cluster.await_interest("reach.>", &|_| 2);
        check_reach(&mut clients, "pinned");
    }

    /// Clients that understand it are told of every server that comes and goes.
    #[test]
    fn clients_are_told_of_changes(mix: &str) {
        let mut cluster = Cluster::start(mix);
        let mut client = Wire::client_with(&cluster.servers[0], &json!({"protocol": 1}));
        let all: Vec<String> = cluster.servers.iter().map(Server::client_address).collect();
        cluster.servers[1].kill();
        told(&mut client, &[&all[0], &all[2]]);
        cluster.servers[1].launch().unwrap_or_else(|problem| panic!("{problem}"));
        told(&mut client, &[&all[0], &all[1], &all[2]]);
    }

    /// A server in lame duck mode is no address for clients any more, neither its own nor those of the others; its
    /// routes stay, and carry both ways.
    #[test]
    fn a_lame_duck_is_no_address_for_clients(mix: &str) {
        let cluster = Cluster::start(mix);
        let options = json!({"protocol": 1});
        let mut clients: Vec<Wire> = (cluster.servers.iter())
            .map(|server| Wire::client_with(server, &options))
            .collect();
        let all: Vec<String> = cluster.servers.iter().map(Server::client_address).collect();
        cluster.servers[2].signal(Signal::USR2);
        for (at, client) in clients.iter_mut().enumerate() {
            let info = told(client, &[&all[0], &all[1]]);
            assert_eq!(info["ldm"] == true, at == 2, "{info}");
        }
        cluster.await_mesh();
        for client in &mut clients {
            client.send("SUB reach.> 1\r\n");
            client.fence();
        }
        cluster.await_interest("reach.>", &|_| 2);
        check_reach(&mut clients, "still");
    }
}

/// Reads INFO until one lists exactly these addresses, and returns that one.
fn told(client: &mut Wire, addresses: &[&String]) -> Value {
    let mut want = addresses.to_vec();
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
