//! Whole servers of one cluster, in the simulated world: the mesh that they make of one seed, what crosses
//! it, and what becomes of it when servers come and go.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use common::{hear, say, start_on, url};
use gannet_config::{
    ClusterOptions, ClusterPermissions, LinkAuth, Options, Port, Secret, SubjectPermission,
};
use gannet_node::{Logger, Server};
use gannet_rt::sim::{Sim, SimHost};
use gannet_rt::{Rt, Stream};

const CLIENTS: u16 = 4222;
const ROUTES: u16 = 6222;
/// Connections of a pool, and the system account's.
const EACH: usize = 4;

/// Servers of one cluster, a client machine, and the world around them.
struct World {
    sim: Sim,
    hosts: Vec<SimHost>,
    servers: RefCell<BTreeMap<usize, Server>>,
    rt: Rt,
    change: fn(usize, &mut ClusterOptions),
}

impl World {
    /// So many servers, each of which knows only the first one. `change` changes their options.
    fn new(seed: u64, count: usize, change: fn(usize, &mut ClusterOptions)) -> World {
        let sim = Sim::new(seed);
        let hosts: Vec<SimHost> = (0..count).map(|at| sim.host(&format!("s{at}"))).collect();
        let rt = sim.host("clients").rt();
        let servers = RefCell::default();
        let world = World {
            sim,
            hosts,
            servers,
            rt,
            change,
        };
        for at in 0..count {
            world.start(at);
        }
        world
    }

    fn start(&self, at: usize) {
        let host = &self.hosts[at];
        let seed = url(self.hosts[0].ip(), ROUTES);
        let mut cluster = ClusterOptions {
            name: Some("c".into()),
            host: host.ip().to_string(),
            port: Some(Port::At(ROUTES)),
            routes: vec![seed],
            ..ClusterOptions::default()
        };
        (self.change)(at, &mut cluster);
        let options = Options {
            server_name: Some(format!("s{at}")),
            host: host.ip().to_string(),
            port: Port::At(CLIENTS),
            cluster,
            ..Options::default()
        };
        let server = start_on(&self.sim, host, options);
        self.servers.borrow_mut().insert(at, server);
    }

    /// The machine of a server loses its power, and gets it back.
    fn crash(&self, at: usize) {
        self.hosts[at].crash();
        self.servers.borrow_mut().remove(&at);
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.sim.block_on(future).expect("the world goes on")
    }

    fn sleep(&self, seconds: u64) {
        self.run(self.rt.sleep(Duration::from_secs(seconds)));
    }

    /// How many connections each server has to each other one.
    fn connections(&self) -> BTreeMap<(String, String), usize> {
        let mut found = BTreeMap::new();
        for server in self.servers.borrow().values() {
            for link in server.route_links() {
                *found
                    .entry((server.name().to_owned(), link.remote))
                    .or_default() += 1;
            }
        }
        found
    }

    /// Every server that runs has just the connections to every other one that it should have.
    fn assert_complete(&self, each: usize) {
        let names: Vec<String> = (self.servers.borrow().values())
            .map(|server| server.name().to_owned())
            .collect();
        let mut want = BTreeMap::new();
        for one in &names {
            for other in names.iter().filter(|other| *other != one) {
                want.insert((one.clone(), other.clone()), each);
            }
        }
        assert_eq!(self.connections(), want);
    }

    fn client(&self, at: usize) -> Client {
        let addr = SocketAddr::new(self.hosts[at].ip(), CLIENTS);
        let stream = self.run(self.rt.connect(addr)).expect("the port is open");
        let client = Client { stream };
        self.run(say(&client.stream, "CONNECT {\"verbose\":false,\"protocol\":1,\"no_responders\":true,\"headers\":true}\r\nPING\r\n"));
        client
    }

    /// Everything that the client has heard by now and not told yet.
    fn hear(&self, client: &Client) -> String {
        // As long as something comes within a second of the last.
        let (mut heard, patience) = (Vec::new(), Duration::from_secs(1));
        self.run(hear(&self.rt, &client.stream, patience, &mut heard));
        String::from_utf8(heard).expect("the server speaks text")
    }

    /// As [`World::hear`], the messages only: their subjects and payloads.
    fn messages(&self, client: &Client) -> Vec<String> {
        let heard = self.hear(client);
        let mut lines = heard.split("\r\n");
        let mut messages = Vec::new();
        while let Some(line) = lines.next() {
            if line.starts_with("MSG ") {
                let subject = line.split(' ').nth(1).unwrap_or_default();
                let payload = lines.next().unwrap_or_default();
                messages.push(format!("{subject} {payload}"));
            }
        }
        messages
    }

    fn say(&self, client: &Client, text: &str) {
        self.run(say(&client.stream, text));
        // Until it has crossed the cluster.
        self.run(self.rt.sleep(Duration::from_millis(200)));
    }
}

struct Client {
    stream: Stream,
}

fn unchanged(_at: usize, _options: &mut ClusterOptions) {}

#[test]
fn two_three_and_five_servers_make_a_full_mesh_of_one_seed() {
    for (count, seed) in [(2, 1), (3, 2), (5, 3)] {
        let world = World::new(seed, count, unchanged);
        world.sleep(10);
        world.assert_complete(EACH);
    }
}

#[test]
fn pools_and_dedicated_routes_are_as_configured() {
    let world = World::new(4, 3, |_, options| options.pool_size = None);
    world.sleep(10);
    world.assert_complete(1);
    let world = World::new(5, 2, |at, options| {
        options.pool_size = Some(if at == 0 { 2 } else { 5 });
        options.accounts = vec!["$G".into()];
    });
    world.sleep(10);
    world.assert_complete(7);
}

#[test]
fn every_subscriber_of_the_cluster_gets_a_message_once_and_one_member_of_each_queue_group() {
    let world = World::new(6, 3, unchanged);
    world.sleep(5);
    let clients: Vec<Client> = (0..3).map(|at| world.client(at)).collect();
    for client in &clients {
        world.say(
            client,
            "SUB news.* 1\r\nSUB news.> 2\r\nSUB work group 3\r\n",
        );
        world.hear(client);
    }
    world.say(&clients[0], "PUB news.a 2\r\nhi\r\n");
    for client in &clients {
        assert_eq!(world.messages(client), ["news.a hi", "news.a hi"]);
    }
    let work: String = (0..300)
        .map(|n| format!("PUB work 3\r\n{n:03}\r\n"))
        .collect();
    world.say(&clients[1], &work);
    let mut done: Vec<String> = Vec::new();
    for client in &clients {
        let mine = world.messages(client);
        assert!(!mine.is_empty(), "every server has a member");
        assert!(mine.is_sorted(), "none overtakes another");
        done.extend(mine);
    }
    done.sort();
    let want: Vec<String> = (0..300).map(|n| format!("work {n:03}")).collect();
    assert_eq!(done, want);
}

#[test]
fn requests_are_answered_and_told_when_nobody_is_there() {
    let world = World::new(7, 2, unchanged);
    world.sleep(5);
    let (asker, answerer) = (world.client(0), world.client(1));
    world.say(&answerer, "SUB ask 1\r\n");
    world.say(&asker, "SUB inbox.1 1\r\nPUB ask inbox.1 1\r\n?\r\n");
    assert!(
        world
            .hear(&answerer)
            .contains("MSG ask 1 inbox.1 1\r\n?\r\n")
    );
    world.say(&answerer, "PUB inbox.1 1\r\n!\r\nUNSUB 1\r\n");
    assert_eq!(world.messages(&asker), ["inbox.1 !"]);
    world.say(&asker, "PUB ask inbox.1 1\r\n?\r\n");
    let heard = world.hear(&asker);
    assert!(heard.contains("HMSG inbox.1 1"), "no responders: {heard}");
}

#[test]
fn a_server_that_crashed_comes_back_and_its_interest_with_it() {
    let world = World::new(8, 3, unchanged);
    world.sleep(5);
    let stays = world.client(1);
    let goes = world.client(2);
    world.say(&goes, "SUB a 1\r\n");
    world.say(&stays, "PUB a 1\r\n1\r\n");
    assert_eq!(world.messages(&goes), ["a 1"]);
    world.hear(&stays);
    world.crash(2);
    world.sleep(90);
    world.assert_complete(EACH);
    world.say(&stays, "SUB inbox 1\r\nPUB a inbox 1\r\n2\r\n");
    let heard = world.hear(&stays);
    assert!(heard.contains("HMSG inbox 1"), "nobody is left: {heard}");
    world.start(2);
    world.sleep(5);
    world.assert_complete(EACH);
    let again = world.client(2);
    world.say(&again, "SUB a 1\r\n");
    world.say(&stays, "PUB a 1\r\n3\r\n");
    assert_eq!(world.messages(&again), ["a 3"]);
}

#[test]
fn the_seed_may_crash_too() {
    let world = World::new(9, 3, unchanged);
    world.sleep(5);
    world.crash(0);
    world.sleep(90);
    world.assert_complete(EACH);
    world.start(0);
    world.sleep(10);
    world.assert_complete(EACH);
}

#[test]
fn clients_are_told_where_the_other_servers_are() {
    let world = World::new(10, 1, unchanged);
    let client = world.client(0);
    let first = world.hear(&client);
    assert!(!first.contains("connect_urls"), "{first}");
    drop(world);

    let world = World::new(10, 3, unchanged);
    world.sleep(5);
    let urls = |heard: &str| -> Vec<String> {
        let line = heard.lines().rfind(|line| line.starts_with("INFO "));
        let json = line.map(|line| serde_json::from_str::<serde_json::Value>(&line[5..]));
        let info = json.expect("an INFO").expect("it is JSON");
        assert_eq!(info["cluster"], "c");
        let urls = info["connect_urls"].as_array().expect("addresses");
        let text = |url: &serde_json::Value| url.as_str().unwrap_or_default().to_owned();
        urls.iter().map(text).collect()
    };
    let all: Vec<String> = (world.hosts.iter())
        .map(|host| SocketAddr::new(host.ip(), CLIENTS).to_string())
        .collect();
    let client = world.client(0);
    assert_eq!(urls(&world.hear(&client)), all);
    world.crash(2);
    world.sleep(90);
    assert_eq!(urls(&world.hear(&client)), all[..2]);
    world.start(2);
    world.sleep(5);
    assert_eq!(urls(&world.hear(&client)), all);
}

#[test]
fn nobody_without_the_password_is_let_in() {
    let protected = |at: usize, options: &mut ClusterOptions| {
        options.auth = LinkAuth {
            user: Some("u".into()),
            password: Secret::new("$2b$04$KoCqo41sJ0PM3FxXt2HynuhivnCfzJc5E2wlYsMYstAUVpMmkvgiW"),
            ..LinkAuth::default()
        };
        for url in &mut options.routes {
            url.user = Some("u".into());
            url.password = Some(Secret::new(if at == 1 { "wrong" } else { "right" }));
        }
    };
    let world = World::new(11, 3, protected);
    world.sleep(10);
    // The first has the other's address only from its attempts, which are refused.
    let want = [("s0", "s2", EACH), ("s2", "s0", EACH)];
    let want = want.map(|(one, other, count)| ((one.into(), other.into()), count));
    assert_eq!(world.connections(), BTreeMap::from(want));
}

#[test]
fn permissions_decide_which_interest_crosses() {
    let world = World::new(12, 2, |at, options| {
        let only = |subject: &str| SubjectPermission {
            allow: Some(vec![subject.into()]),
            deny: Vec::new(),
        };
        options.permissions = Some(if at == 0 {
            ClusterPermissions {
                import: Some(only("in.>")),
                export: Some(only("out.>")),
            }
        } else {
            ClusterPermissions::default()
        });
    });
    world.sleep(5);
    let (restricted, other) = (world.client(0), world.client(1));
    world.say(&restricted, "SUB in.* 1\r\nSUB out.* 2\r\nPING\r\n");
    world.say(&other, "SUB in.* 1\r\nSUB out.* 2\r\nPING\r\n");
    world.hear(&restricted);
    world.hear(&other);
    world.say(&other, "PUB in.a 1\r\n1\r\nPUB out.a 1\r\n1\r\n");
    world.say(&restricted, "PUB in.a 1\r\n2\r\nPUB out.a 1\r\n2\r\n");
    let mut heard = world.messages(&restricted);
    heard.sort();
    assert_eq!(heard, ["in.a 1", "in.a 2", "out.a 2"]);
    let mut heard = world.messages(&other);
    heard.sort();
    assert_eq!(heard, ["in.a 1", "out.a 1", "out.a 2"]);
}
