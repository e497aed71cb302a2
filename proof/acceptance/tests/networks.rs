//! Servers on networks that break and have distances, in network namespaces: which cluster is nearest, what a cluster
//! behind a dead line does to its neighbours, and how hard routes compress. Where the machine does not allow such
//! networks, every test says loudly that it has tested nothing.

use gannet_acceptance::mesh::Client;
use gannet_acceptance::mesh::client::Message;
use gannet_acceptance::namespaces::{Network, Site};
use gannet_acceptance::supercluster::name;
use gannet_acceptance::wait::within;
use gannet_acceptance::{Kind, Server, SlowRoad, both, eventually};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Ports of the listeners between servers: every site has its own network.
const GATEWAYS: u16 = 7222;
const ROUTES: u16 = 6222;
/// Servers look at their links often, so that changes are seen soon.
const LIVELY: &str = "ping_interval: \"500ms\"\nping_max: 3";

/// One server of one cluster at every site, all of them linked by roads.
struct Sites {
    network: Network,
    roads: Vec<SlowRoad>,
    servers: Vec<Server>,
}

impl Sites {
    /// Clusters A, B, C, … at `network`'s sites; the road to each of them takes so many milliseconds there and back.
    fn far_apart(kind: Kind, network: Network, distances: &[u64]) -> Sites {
        let roads: Vec<SlowRoad> = (0..)
            .zip(distances)
            .map(|(at, &distance)| network.road(at, GATEWAYS, half(distance)))
            .collect();
        let addresses: Vec<String> = roads.iter().map(|road| road.address().to_owned()).collect();
        let mut sites = Sites::linked(kind, network, &addresses, LIVELY);
        sites.roads = roads;
        sites
    }

    /// Clusters A, B, C, … at `network`'s sites, each to be reached at one of `addresses`.
    fn linked(kind: Kind, network: Network, addresses: &[String], lines: &str) -> Sites {
        let remotes: Vec<String> = (0..)
            .zip(addresses)
            .map(|(at, address)| format!("{{name: {}, url: \"nats://{address}\"}}", name(at)))
            .collect();
        let servers = (0..)
            .zip(addresses)
            .map(|(at, address)| {
                let config = format!(
                    "server_name: {name}1\n{lines}\ngateway {{ name: {name}, listen: \"{}:{GATEWAYS}\", advertise: \"{address}\", gateways: [{}] }}",
                    network.site(at).address(),
                    remotes.join(", "),
                    name = name(at),
                );
                start(network.site(at), kind, &config)
            })
            .collect();
        let sites = Sites {
            network,
            roads: Vec::new(),
            servers,
        };
        for at in 0..addresses.len() {
            sites.await_clusters(at, addresses.len() - 1);
        }
        sites
    }

    fn client(&self, at: usize) -> Client {
        client(self.network.site(at), &self.servers[at])
    }

    /// Waits until site `at` has outbound links to `count` other clusters, and inbound ones from as many.
    fn await_clusters(&self, at: usize, count: usize) {
        self.network
            .site(at)
            .enter(|| self.servers[at].await_links(count, count));
    }

    /// Waits until site `at` knows that the clusters at `others` want `subject`, and nobody else's does.
    fn await_interest(&self, at: usize, subject: &str, others: &[usize]) {
        let expected: Vec<String> = others.iter().map(|&other| name(other)).collect();
        self.network.site(at).enter(|| {
            eventually(&format!("{} to know who wants {subject}", name(at)), || {
                let page = self.servers[at].try_monitor("/gatewayz?accs=1&subs=1")?;
                let links = page["outbound_gateways"]
                    .as_object()
                    .cloned()
                    .unwrap_or_default();
                let wanting: Vec<String> = links
                    .into_iter()
                    .filter(|(_, link)| link["accounts"].to_string().contains(subject))
                    .map(|(name, _)| name)
                    .collect();
                if wanting == expected {
                    Ok(())
                } else {
                    Err(page.to_string())
                }
            });
        });
    }
}

/// What each direction takes of a way there and back, in milliseconds.
fn half(distance: u64) -> Duration {
    Duration::from_micros(distance * 500)
}

fn start(site: &Site, kind: Kind, config: &str) -> Server {
    site.enter(|| Server::start(kind, config))
}

fn client(site: &Site, server: &Server) -> Client {
    let address = server.client_address();
    let stream = site.enter(|| TcpStream::connect(address).expect("the server runs"));
    Client::over("a client", stream)
}

/// Publishes batches to a group until a whole one goes to `expected`, one of `members`.
fn await_serving(speaker: &Client, members: &[(usize, &Client)], expected: usize) {
    const BATCH: usize = 10;
    let mut number = 0;
    eventually(&format!("{} to serve", name(expected)), || {
        // Numbered, since one from before may still be under way.
        number += 1;
        let payload = format!("{number:06}");
        speaker.send(
            format!("PUB work 6\r\n{payload}\r\n")
                .repeat(BATCH)
                .as_bytes(),
        );
        speaker.fence();
        within(Duration::from_secs(1), || {
            let counts: Vec<(usize, usize)> = members
                .iter()
                .map(|(at, member)| {
                    let new = |message: &Message| message.payload == payload.as_bytes();
                    (*at, member.count_of(new))
                })
                .collect();
            if counts.contains(&(expected, BATCH)) {
                Ok(())
            } else {
                Err(format!("{counts:?}"))
            }
        })
    });
}

both! {
    /// GW-80: a group without a member at home is served by the nearest cluster; by the next one when the nearest is
    /// cut off, and by the nearest again when it is back. When distances change, so does the choice.
    #[test]
    fn the_nearest_cluster_serves_and_fails_over_and_back(kind: Kind) {
        let Some(network) = Network::new(3) else { return };
        let sites = Sites::far_apart(kind, network, &[0, 10, 60]);
        let members = [(1, sites.client(1)), (2, sites.client(2))];
        for (_, member) in &members {
            member.send(b"SUB work crew 1\r\n");
            member.fence();
        }
        sites.await_interest(0, "work", &[1, 2]);
        let speaker = sites.client(0);
        let members: Vec<(usize, &Client)> = members.iter().map(|(at, member)| (*at, member)).collect();
        await_serving(&speaker, &members, 1);

        sites.network.site(1).cut();
        await_serving(&speaker, &members[1..], 2);
        sites.network.site(1).heal();
        sites.await_clusters(0, 2);
        sites.await_interest(0, "work", &[1, 2]);
        await_serving(&speaker, &members, 1);

        sites.roads[1].set_delay(half(200));
        await_serving(&speaker, &members, 2);
        sites.roads[1].set_delay(half(10));
        await_serving(&speaker, &members, 1);
    }

    /// A cluster that does not answer any more, but that nobody knows to be dead: local subscribers and those of a third
    /// cluster get everything, although far more waits for the dead one than a link may hold.
    #[test]
    fn a_black_hole_does_not_hold_up_anybody_else(kind: Kind) {
        const COUNT: usize = 40_000;
        let Some(network) = Network::new(3) else { return };
        // The dead line must not be noticed meanwhile.
        let addresses = [0, 1, 2].map(|at| format!("{}:{GATEWAYS}", network.site(at).address()));
        let sites = Sites::linked(kind, network, &addresses, "ping_interval: \"2m\"\nmax_pending: 1MB\nwrite_deadline: \"10s\"");
        let near = sites.client(0);
        let third = sites.client(2);
        let lost = sites.client(1);
        for member in [&near, &third, &lost] {
            member.send(b"SUB load 1\r\n");
            member.fence();
        }
        sites.await_interest(0, "load", &[1, 2]);
        sites.network.site(1).cut();
        let speaker = sites.client(0);
        let payload = "x".repeat(128);
        for _ in 0..COUNT / 100 {
            speaker.send(format!("PUB load 128\r\n{payload}\r\n").repeat(100).as_bytes());
            // A publisher that is held up does not get here.
            speaker.fence();
        }
        near.wait_for("all messages", |messages| all(messages.len(), COUNT));
        third.wait_for("all messages", |messages| all(messages.len(), COUNT));
        assert!(lost.count_of(|_| true) < COUNT, "the line was not dead");
        sites.network.site(1).heal();
    }

    /// CLU-15: routes with `s2_auto` compress the harder the farther their ends are apart, and change with the distance.
    #[test]
    fn compression_follows_the_distance(kind: Kind) {
        let Some(network) = Network::new(2) else { return };
        let road = network.road(0, ROUTES, Duration::ZERO);
        let config = |own: usize, routes: &str| format!(
            "server_name: A{own}\n{LIVELY}\ncluster {{ name: A, listen: \"{}:{ROUTES}\", compression: s2_auto, ping_interval: \"500ms\", routes: [{routes}] }}",
            network.site(own).address(),
        );
        let servers = [
            start(network.site(0), kind, &config(0, "")),
            start(network.site(1), kind, &config(1, &format!("\"nats://{}\"", road.address()))),
        ];
        let levels = [(0, "s2_uncompressed"), (30, "s2_fast"), (75, "s2_better"), (150, "s2_best"), (0, "s2_uncompressed")];
        for (distance, level) in levels {
            road.set_delay(half(distance));
            for (at, server) in servers.iter().enumerate() {
                network.site(at).enter(|| eventually(&format!("{level} at {distance} ms"), || {
                    let page = server.try_monitor("/routez")?;
                    let routes = page["routes"].as_array().cloned().unwrap_or_default();
                    if routes.len() == 4 && routes.iter().all(|route| route["compression"] == level) {
                        Ok(())
                    } else {
                        let found: Vec<String> = routes.iter().map(|route| format!("{} {}", route["rtt"], route["compression"])).collect();
                        Err(format!("{found:?}"))
                    }
                }));
            }
        }
    }
}

fn all(found: usize, expected: usize) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found} of {expected}"))
    }
}

/// The network does what the tests above build on: sites see each other; who is cut off is not
/// heard; nothing is left behind.
#[test]
fn networks_come_and_go() {
    let Some(network) = Network::new(2) else {
        return;
    };
    let folder = network.site(0).path();
    assert!(folder.exists());
    let (near, far) = (network.site(0), network.site(1));
    let listener = near.enter(|| TcpListener::bind((near.address(), ROUTES)).expect("a free port"));
    let address = listener.local_addr().expect("an address");
    let patience = Duration::from_millis(200);
    let dial = || TcpStream::connect_timeout(&address, patience);
    // A busy machine may need several attempts.
    eventually("the sites to see each other", || {
        far.enter(dial).map_err(|error| error.to_string())
    });
    far.cut();
    assert!(far.enter(dial).is_err(), "the site has not been cut off");
    far.heal();
    eventually("the site to be back", || {
        far.enter(dial).map_err(|error| error.to_string())
    });
    drop(network);
    assert!(!folder.exists());
}
