//! What a server says a reload would do, held against what the reload then does: in the simulated world, with
//! clients, two servers of one cluster, and another cluster.

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use common::{gateway, hear, remote, say, start_on, url};
use gannet_config::{
    AccountLimits, AccountOptions, ClusterOptions, CompressionOptions, GatewayOptions, GatewayUrl,
    Options, Port, Secret, User,
};
use gannet_node::{Ending, Logger, PeerKind, ReloadError, Server, Then};
use gannet_rt::sim::{Sim, SimHost};
use gannet_rt::{Rt, Stream};

const CLIENTS: u16 = 4222;
const ROUTES: u16 = 6222;
const GATEWAYS: u16 = 7222;

/// bcrypt of `2`, at the lowest cost.
const HASH_OF_2: &str = "$2a$04$abcdefghijklmnopqrstuuJdJ/8d3cqqnj2LEF9d7tszt9i/mcjie";

/// Two servers of cluster A, the first of which is asked, one of cluster B, and a machine for clients.
struct World {
    sim: Sim,
    hosts: Vec<SimHost>,
    servers: Vec<Server>,
    rt: Rt,
}

fn user(name: &str, password: &str) -> User {
    User {
        name: name.into(),
        password: Secret::new(password),
        ..User::default()
    }
}

impl World {
    fn new(seed: u64, change: &dyn Fn(&mut Options)) -> World {
        let sim = Sim::new(seed);
        let hosts: Vec<SimHost> = ["a0", "a1", "b0"].map(|name| sim.host(name)).into();
        let rt = sim.host("clients").rt();
        let mut world = World {
            sim,
            hosts,
            servers: Vec::new(),
            rt,
        };
        for (at, cluster) in ["A", "A", "B"].into_iter().enumerate() {
            let mut options = world.options(at, cluster);
            if at == 0 {
                change(&mut options);
            }
            let server = start_on(&world.sim, &world.hosts[at], options);
            world.servers.push(server);
        }
        // Time for routes and gateways.
        world.sleep(10);
        world
    }

    fn options(&self, at: usize, cluster: &str) -> Options {
        let host = self.hosts[at].ip().to_string();
        let others = [("A", 0), ("B", 2)]
            .into_iter()
            .filter(|(name, _)| *name != cluster);
        let remote = |(name, at): (&str, usize)| remote(name, self.hosts[at].ip(), GATEWAYS);
        Options {
            server_name: Some(self.hosts[at].name()),
            host: host.clone(),
            port: Port::At(CLIENTS),
            cluster: ClusterOptions {
                name: Some(cluster.into()),
                host: host.clone(),
                port: Some(Port::At(ROUTES)),
                routes: match at {
                    0 => vec![url(self.hosts[1].ip(), ROUTES)],
                    _ => Vec::new(),
                },
                ..ClusterOptions::default()
            },
            gateway: Some(gateway(
                cluster,
                host,
                Port::At(GATEWAYS),
                others.map(remote).collect(),
            )),
            ..Options::default()
        }
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.sim.block_on(future).expect("the world goes on")
    }

    fn sleep(&self, seconds: u64) {
        self.run(self.rt.sleep(Duration::from_secs(seconds)));
    }

    fn server(&self) -> &Server {
        &self.servers[0]
    }

    /// A client that shows `credentials`, as JSON without braces, and is let in.
    fn client(&self, name: &str, credentials: &str) -> Client {
        let addr = SocketAddr::new(self.hosts[0].ip(), CLIENTS);
        let stream = self.run(self.rt.connect(addr)).expect("the port is open");
        let client = Client {
            stream,
            name: name.into(),
        };
        let comma = if credentials.is_empty() { "" } else { "," };
        let line = format!(
            "CONNECT {{\"verbose\":false,\"name\":\"{name}\"{comma}{credentials}}}\r\nPING\r\n"
        );
        self.run(say(&client.stream, &line));
        let (heard, _) = self.hear(&client);
        assert!(heard.contains("PONG"), "{name} was not let in");
        client
    }

    /// What comes, as long as it does within two seconds of the last, and whether the connection has ended.
    fn hear(&self, client: &Client) -> (String, bool) {
        let (mut heard, patience) = (Vec::new(), Duration::from_secs(2));
        let ended = self.run(hear(&self.rt, &client.stream, patience, &mut heard));
        (
            String::from_utf8(heard).expect("the server speaks text"),
            ended,
        )
    }

    fn preview(&self, options: &Options) -> Vec<Ending> {
        let preview = self.run(self.server().preview(options.clone()));
        let preview = preview.expect("the options make sense");
        assert_eq!(preview.diff.refused, [], "nothing is refused");
        assert_eq!(preview.unanswered, []);
        preview.endings
    }
}

struct Client {
    stream: Stream,
    name: String,
}

/// The names of clients that a preview says would end.
fn clients(endings: &[Ending]) -> BTreeSet<String> {
    let clients = endings.iter().filter(|e| e.kind == PeerKind::Client);
    clients.map(|ending| ending.name.clone()).collect()
}

/// Whom of these `credentials` the change ends, as the preview says, after it was seen that the reload does just
/// that.
fn ended(
    seed: u64,
    before: &dyn Fn(&mut Options),
    credentials: &[(&str, &str)],
    after: &dyn Fn(&mut Options),
) -> BTreeSet<String> {
    let world = World::new(seed, before);
    let connected: Vec<Client> = credentials
        .iter()
        .map(|(name, shown)| world.client(name, shown))
        .collect();
    let mut options = world.server().options();
    after(&mut options);
    let endings = world.preview(&options);
    let told = clients(&endings);
    // Asking changes nothing.
    for client in &connected {
        assert!(
            !world.hear(client).1,
            "{} has gone before the reload",
            client.name
        );
    }
    world.server().reload(options).expect("it is reloaded");
    let gone = connected.iter().filter(|client| world.hear(client).1);
    let gone: BTreeSet<String> = gone.map(|client| client.name.clone()).collect();
    assert_eq!(told, gone, "what the preview told, and what the reload did");
    told
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const BOB: &str = "\"user\":\"bob\",\"pass\":\"2\"";
const ANN: &str = "\"user\":\"ann\",\"pass\":\"1\"";
const EVE: &str = "\"user\":\"eve\",\"pass\":\"3\"";
const TOKEN: &str = "\"auth_token\":\"t\"";

fn three(options: &mut Options) {
    options.auth.users = Some(vec![user("ann", "1"), user("bob", "2"), user("eve", "3")]);
}

#[test]
fn clients_whose_credentials_count_no_longer_are_named() {
    let all = [("a", ANN), ("b", BOB), ("e", EVE)];
    type Case<'a> = (&'a dyn Fn(&mut Options), &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (&|o| o.logging.debug = true, &[]),
        // Another password; the same one, hashed; a user that is gone.
        (
            &|o| {
                o.auth.users = Some(vec![
                    user("ann", "9"),
                    user("bob", HASH_OF_2),
                    user("eve", "3"),
                ]);
            },
            &["a"],
        ),
        (
            &|o| o.auth.users = Some(vec![user("bob", "2")]),
            &["a", "e"],
        ),
        (&|o| o.auth.users = None, &[]),
        (
            &|o| {
                o.auth.users = None;
                o.auth.token = Some(Secret::new("t"));
            },
            &["a", "b", "e"],
        ),
        (
            &|o| {
                o.auth.users = None;
                (o.auth.user, o.auth.password) = (Some("eve".into()), Secret::new("3"));
            },
            &["a", "b"],
        ),
    ];
    for (at, (change, wanted)) in cases.into_iter().enumerate() {
        let told = ended(at as u64, &three, &all, change);
        assert_eq!(told, names(wanted), "case {at}");
    }
    let told = ended(7, &|_| {}, &[("nobody", ""), ("t", TOKEN)], &|o| {
        o.auth.token = Some(Secret::new("t"));
    });
    assert_eq!(told, names(&["nobody"]));
}

#[test]
fn surplus_clients_are_named_the_last_ones_first() {
    let all = [("1", ""), ("2", ""), ("3", ""), ("4", "")];
    let told = ended(11, &|_| {}, &all, &|o| o.limits.max_connections = 2);
    assert_eq!(told, names(&["3", "4"]));
}

/// Ann and Bob in an account with these bounds, Eve in another one.
fn of_accounts(limits: AccountLimits) -> impl Fn(&mut Options) {
    move |options| {
        let account = |name: &str, limits| AccountOptions {
            name: name.into(),
            limits,
            ..AccountOptions::default()
        };
        let other = AccountLimits::default();
        options.accounts = vec![account("A", limits.clone()), account("B", other)];
        three(options);
        let accounts = ["A", "A", "B"].map(|name| Some(name.to_owned()));
        for (user, account) in options.auth.users.iter_mut().flatten().zip(accounts) {
            user.account = account;
        }
    }
}

#[test]
fn clients_that_are_too_many_for_their_account_are_named_the_first_ones_first() {
    let all = [("1", ANN), ("2", BOB), ("3", EVE), ("4", EVE), ("5", BOB)];
    let most = |connections| AccountLimits {
        connections,
        ..AccountLimits::default()
    };
    let told = ended(
        13,
        &of_accounts(most(None)),
        &all,
        &of_accounts(most(Some(1))),
    );
    assert_eq!(told, names(&["1", "2"]));
    let told = ended(
        14,
        &of_accounts(most(Some(4))),
        &all,
        &of_accounts(most(Some(3))),
    );
    assert_eq!(told, names(&[]));
}

#[test]
fn clients_with_too_many_subscriptions_for_their_account_are_named() {
    let most = |subscriptions| AccountLimits {
        subscriptions,
        ..AccountLimits::default()
    };
    let world = World::new(15, &of_accounts(most(None)));
    let clients_of = [("more", ANN), ("fewer", BOB), ("other", EVE)];
    let connected = clients_of.map(|(name, shown)| world.client(name, shown));
    for (client, lines) in connected.iter().zip([
        "SUB x 1\r\nSUB y 2\r\nSUB z 3\r\n",
        "SUB x 1\r\nSUB y 2\r\n",
        "SUB x 1\r\nSUB y 2\r\nSUB z 3\r\n",
    ]) {
        world.run(say(&client.stream, lines));
        assert!(!world.hear(client).1);
    }
    let mut options = world.server().options();
    of_accounts(most(Some(2)))(&mut options);
    let endings = world.preview(&options);
    assert_eq!(clients(&endings), names(&["more"]));
    let why = endings[0].reason.text();
    assert_eq!(why, "Maximum Subscriptions Exceeded");
    world.server().reload(options).expect("it is reloaded");
    let gone = connected.iter().filter(|client| world.hear(client).1);
    let gone: BTreeSet<String> = gone.map(|client| client.name.clone()).collect();
    assert_eq!(gone, names(&["more"]));
}

#[test]
fn somebody_who_has_said_nothing_yet_is_not_waited_for() {
    let world = World::new(12, &three);
    let silent = world
        .run(
            world
                .rt
                .connect(SocketAddr::new(world.hosts[0].ip(), CLIENTS)),
        )
        .expect("the port is open");
    let bob = world.client("b", BOB);
    let mut options = world.server().options();
    options.auth.users = Some(vec![user("ann", "1")]);
    let endings = world.preview(&options);
    assert_eq!(clients(&endings), names(&["b"]));
    let [ending] = &endings[..] else {
        panic!("{endings:?}")
    };
    assert_eq!(
        (
            ending.user.as_str(),
            ending.account.as_str(),
            ending.reason.text(),
            ending.then
        ),
        ("bob", "$G", "Client Closed", Then::Gone)
    );
    drop((silent, bob));
}

/// The links that a preview says would end, by kind, name and what comes then.
fn links(endings: &[Ending]) -> Vec<(PeerKind, &str, Then)> {
    let links = endings.iter().filter(|e| e.kind != PeerKind::Client);
    links.map(|e| (e.kind, e.name.as_str(), e.then)).collect()
}

#[test]
fn routes_that_go_or_are_made_anew_are_named() {
    let world = World::new(21, &|_| {});
    let standing = world.server().route_links().len();
    assert_eq!(standing, 4, "a pool of three, and the system account's");
    let running = world.server().options();
    let change = |change: &dyn Fn(&mut ClusterOptions)| {
        let mut options = running.clone();
        change(&mut options.cluster);
        world.preview(&options)
    };
    let of = |then, count| vec![(PeerKind::Route, "a1", then); count];
    assert_eq!(links(&change(&|_| {})), []);
    assert_eq!(links(&change(&|c| c.no_advertise = true)), []);
    let removed = change(&|c| c.routes.clear());
    assert_eq!(links(&removed), of(Then::Gone, 4));
    assert_eq!(removed[0].reason.text(), "Route Removed");
    assert_eq!(
        links(&change(&|c| c.pool_size = Some(0))),
        of(Then::MadeAnew, 4)
    );
    let compressed = change(&|c| {
        c.compression = CompressionOptions {
            mode: "s2_fast".into(),
            ..CompressionOptions::default()
        };
    });
    assert_eq!(links(&compressed), of(Then::MadeAnew, 4));
    // All of them are there still.
    assert_eq!(world.server().route_links().len(), standing);
    let mut options = running.clone();
    options.cluster.routes.clear();
    world.server().reload(options).expect("it is reloaded");
    world.sleep(5);
    assert_eq!(world.server().route_links().len(), 0);
}

#[test]
fn links_to_clusters_that_are_removed_are_named() {
    let world = World::new(31, &|_| {});
    let running = world.server().options();
    let change = |change: &dyn Fn(&mut GatewayOptions)| {
        let mut options = running.clone();
        change(options.gateway.as_mut().expect("a gateway"));
        options
    };
    let told = |options: &Options| {
        let endings = world.preview(options);
        let mut kinds: Vec<PeerKind> = links(&endings).iter().map(|(kind, ..)| *kind).collect();
        kinds.sort_unstable_by_key(|kind| *kind as u8);
        assert!(
            links(&endings).iter().all(|(_, name, _)| *name == "B"),
            "{endings:?}"
        );
        kinds
    };
    // It has links to us, and so is heard of still.
    assert_eq!(told(&change(&|g| g.remotes.clear())), []);
    let gone = change(&|g| {
        g.remotes.clear();
        g.reject_unknown = true;
    });
    assert_eq!(
        told(&gone),
        [PeerKind::OutboundGateway, PeerKind::InboundGateway]
    );
    world.server().reload(gone).expect("it is reloaded");
    world.sleep(2);
    let links = world.server().gateway_links();
    assert!(
        links.iter().all(|link| !link.outbound && link.inbound == 0),
        "{links:?}"
    );
}

#[test]
fn what_is_refused_ends_nothing_and_what_makes_no_sense_is_no_preview() {
    let world = World::new(41, &three);
    let _bob = world.client("b", BOB);
    let mut options = world.server().options();
    options.auth.users = None;
    options.host = "0.0.0.0".into();
    let preview = world.run(world.server().preview(options));
    let preview = preview.expect("the options make sense");
    let refused: Vec<String> = preview
        .diff
        .refused
        .iter()
        .map(ToString::to_string)
        .collect();
    let host = world.hosts[0].ip();
    assert_eq!(
        refused,
        [format!(
            "config reload not supported for Host: old={host}, new=0.0.0.0"
        )]
    );
    assert_eq!(preview.endings, []);
    let mut nonsense = world.server().options();
    nonsense.server_name = Some("a b".into());
    let refused = world
        .run(world.server().preview(nonsense.clone()))
        .map(drop);
    let ReloadError::Options(text) = refused.expect_err("no preview") else {
        panic!("refused")
    };
    assert_eq!(
        Err(ReloadError::Options(text)),
        world.server().reload(nonsense).map(drop)
    );
}

#[test]
fn unused_gateway_urls_do_not_matter() {
    // The address of a remote is no connection.
    let world = World::new(51, &|_| {});
    let mut options = world.server().options();
    let gateway = options.gateway.as_mut().expect("a gateway");
    let mut other: GatewayUrl = gateway.remotes[0].urls[0].clone();
    other.port = 1;
    gateway.remotes[0].urls.push(other);
    assert_eq!(world.preview(&options), []);
}
