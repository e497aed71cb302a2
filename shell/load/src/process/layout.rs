//! Which servers a scenario needs, and their configuration: one server, or several joined by routes and gateways.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Server;
use super::proxy::Proxy;
use crate::error::LoadError;
use crate::link::Link;
use crate::report::Progress;

/// How often a start is tried again with other ports, should another process have taken one meanwhile.
const ATTEMPTS: usize = 3;
/// Between two probes of a link that is coming up.
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// The servers of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One server without configuration.
    Single,
    /// Two clusters of one server each, joined by gateways: publishers on the first, receivers on the second.
    Gateways,
    /// A cluster of two servers, whose routes have this `compression`: publishers on the first, receivers on the second.
    Routes(&'static str),
    /// Three clusters of one server each; whoever sends to the second one does so over a relay that can be cut.
    Flap,
    /// Clusters of several servers each: publishers and receivers are spread over all of them.
    SuperCluster {
        /// How many clusters.
        clusters: usize,
        /// Servers in each.
        nodes: usize,
    },
}

impl Layout {
    /// Clusters, and servers in each; `None` for a server without configuration.
    fn size(self) -> Option<(usize, usize)> {
        match self {
            Layout::Single => None,
            Layout::Gateways => Some((2, 1)),
            Layout::Routes(_) => Some((1, 2)),
            Layout::Flap => Some((3, 1)),
            Layout::SuperCluster { clusters, nodes } => Some((clusters, nodes)),
        }
    }

    /// How many servers there are.
    pub(crate) fn servers(self) -> usize {
        self.size().map_or(1, |(clusters, nodes)| clusters * nodes)
    }

    fn compression(self) -> &'static str {
        match self {
            Layout::Routes(compression) => compression,
            _ => "off",
        }
    }

    /// Whether publishers and receivers are on all servers.
    fn is_spread(self) -> bool {
        matches!(self, Layout::SuperCluster { .. })
    }
}

/// Starts servers of one binary.
#[derive(Debug)]
pub(crate) struct Launcher<'a> {
    /// The server's binary.
    pub(crate) binary: &'a Path,
    /// Where to show progress.
    pub(crate) progress: &'a Progress,
    /// How long a server may take to start, or a link to come up.
    pub(crate) patience: Duration,
}

/// The servers of one run, and the directory of their files.
#[derive(Debug)]
pub(crate) struct Servers {
    running: Vec<Server>,
    layout: Layout,
    relay: Option<Proxy>,
    // Dropped after the servers that write into it.
    _directory: TempDir,
}

impl std::ops::Deref for Servers {
    type Target = [Server];

    fn deref(&self) -> &[Server] {
        &self.running
    }
}

impl Servers {
    /// Cuts the link that can be cut.
    pub(crate) fn cut(&self) {
        if let Some(relay) = &self.relay {
            relay.cut();
        }
    }

    /// The server that requesters use.
    pub(crate) fn near(&self) -> &Server {
        &self.running[0]
    }

    /// The server that this publisher uses.
    pub(crate) fn of_publisher(&self, number: u32) -> &Server {
        match self.layout.is_spread() {
            true => &self.running[number as usize % self.running.len()],
            false => self.near(),
        }
    }

    /// The server that this receiver uses.
    pub(crate) fn of_receiver(&self, number: u32) -> &Server {
        match self.layout.is_spread() {
            true => &self.running[number as usize % self.running.len()],
            false => self.far(),
        }
    }

    /// The server that responders use.
    pub(crate) fn far(&self) -> &Server {
        &self.running[self.running.len() - 1]
    }
}

impl Launcher<'_> {
    /// Starts the servers of a layout and waits until clients are greeted.
    pub(crate) fn start(&self, layout: Layout) -> Result<Servers, LoadError> {
        let mut attempt = 1;
        loop {
            match self.try_start(layout) {
                Err(LoadError::Server { .. }) if attempt < ATTEMPTS && self.binary.exists() => {
                    attempt += 1
                }
                outcome => return outcome,
            }
        }
    }

    fn try_start(&self, layout: Layout) -> Result<Servers, LoadError> {
        let servers = self.launch_all(layout)?;
        self.await_all_interest(&servers)?;
        Ok(servers)
    }

    /// Starts the servers of a layout, all at once, and waits until each has greeted a client. They may not know of each
    /// other yet.
    pub(crate) fn launch_all(&self, layout: Layout) -> Result<Servers, LoadError> {
        let directory =
            TempDir::with_prefix("gannet-bench-").map_err(LoadError::io("create a directory"))?;
        let path = directory.path();
        let Some((clusters, nodes)) = layout.size() else {
            let [port] = free_ports(1)?[..] else {
                return Err(LoadError::Usage("no free port".into()));
            };
            let mut server = Server::spawn(self.binary, port, None, path.join("server.log"))?;
            server.await_ready(self.progress, self.patience)?;
            return Ok(Servers {
                running: vec![server],
                layout,
                relay: None,
                _directory: directory,
            });
        };
        let mut plan = Plan::new(clusters, nodes, layout.compression())?;
        let relay = match layout {
            Layout::Flap => Some(plan.relay(1)?),
            _ => None,
        };
        let mut running = Vec::new();
        for (at, port) in plan.clients.iter().copied().enumerate() {
            let config = path.join(format!("{at}.conf"));
            fs::write(&config, plan.config(at)).map_err(LoadError::io("write a configuration"))?;
            let log = path.join(format!("{at}.log"));
            running.push(Server::spawn(self.binary, port, Some(&config), log)?);
        }
        for server in &mut running {
            server.await_ready(self.progress, self.patience)?;
        }
        Ok(Servers {
            running,
            layout,
            relay,
            _directory: directory,
        })
    }

    /// Waits until what any server is asked for reaches every other one.
    pub(crate) fn await_all_interest(&self, servers: &Servers) -> Result<(), LoadError> {
        if !servers.layout.is_spread() {
            self.await_interest(servers.near(), servers.far())?;
            return self.await_interest(servers.far(), servers.near());
        }
        self.await_reach(servers)
    }

    /// Waits until what is published on any of the servers reaches new subscriptions on all of them.
    fn await_reach(&self, servers: &[Server]) -> Result<(), LoadError> {
        let probe = format!("load.probe.{}", crate::run::draw());
        let open = |server: &Server| Link::open(server.address, "probe", self.patience);
        let mut senders: Vec<Link> = servers.iter().map(open).collect::<Result<_, _>>()?;
        let mut receivers: Vec<Link> = servers.iter().map(open).collect::<Result<_, _>>()?;
        for receiver in &mut receivers {
            receiver.send(format!("SUB {probe}.* 1\r\n").as_bytes())?;
            receiver.fence()?;
        }
        let subjects: Vec<String> = (0..servers.len())
            .map(|at| format!("{probe}.{at}"))
            .collect();
        let all: BTreeSet<&str> = subjects.iter().map(String::as_str).collect();
        let mut missing = vec![all; servers.len()];
        let begun = Instant::now();
        loop {
            for (sender, subject) in senders.iter_mut().zip(&subjects) {
                if missing.iter().any(|of| of.contains(subject.as_str())) {
                    sender.send(format!("PUB {subject} 0\r\n\r\n").as_bytes())?;
                    sender.fence()?;
                }
            }
            for (receiver, missing) in receivers.iter_mut().zip(&mut missing) {
                // Messages between servers may come after this; then they are sent again.
                receiver.fence_and(|message| {
                    missing.retain(|subject| subject.as_bytes() != message.subject);
                })?;
            }
            let ways: usize = missing.iter().map(BTreeSet::len).sum();
            if ways == 0 {
                return Ok(());
            }
            self.progress.check_interrupt()?;
            servers.iter().try_for_each(Server::check_alive)?;
            if begun.elapsed() > self.patience {
                return Err(LoadError::Stalled {
                    seconds: self.patience.as_secs(),
                    missing: format!("{ways} ways from server to server"),
                });
            }
            std::thread::sleep(PROBE_EVERY);
        }
    }

    /// Waits until a new subscription on `to` receives what is published on `from`. Interest travels in order, so every
    /// subscription that `to` confirmed before this call is then known to `from` too.
    pub(crate) fn await_interest(&self, from: &Server, to: &Server) -> Result<(), LoadError> {
        if from.address == to.address {
            return Ok(());
        }
        let subject = format!("load.probe.{}", crate::run::draw());
        let mut receiver = Link::open(to.address, "probe", self.patience)?;
        receiver.send(format!("SUB {subject} 1\r\n").as_bytes())?;
        receiver.fence()?;
        let mut sender = Link::open(from.address, "probe", self.patience)?;
        let begun = Instant::now();
        loop {
            sender.send(format!("PUB {subject} 0\r\n\r\n").as_bytes())?;
            sender.fence()?;
            if receiver.message_within(PROBE_EVERY)? {
                return Ok(());
            }
            self.progress.check_interrupt()?;
            from.check_alive()?;
            to.check_alive()?;
            if begun.elapsed() > self.patience {
                let missing = format!("a probe message from {} to {}", from.address, to.address);
                return Err(LoadError::Stalled {
                    seconds: self.patience.as_secs(),
                    missing,
                });
            }
        }
    }
}

/// Ports that nobody listens on now.
fn free_ports(count: usize) -> Result<Vec<u16>, LoadError> {
    let bind = || -> std::io::Result<Vec<u16>> {
        // All are held until all are known, so that no two are the same.
        let held: Vec<TcpListener> = (0..count)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<Result<_, _>>()?;
        held.iter().map(|l| Ok(l.local_addr()?.port())).collect()
    };
    bind().map_err(LoadError::io("find a free port"))
}

/// The addresses of a super-cluster, cluster by cluster.
struct Plan {
    nodes: usize,
    compression: &'static str,
    clients: Vec<u16>,
    routes: Vec<u16>,
    gateways: Vec<u16>,
    /// Where others reach each gateway.
    reached: Vec<u16>,
}

impl Plan {
    fn new(clusters: usize, nodes: usize, compression: &'static str) -> Result<Plan, LoadError> {
        let all = clusters * nodes;
        let mut ports = free_ports(3 * all)?;
        let gateways = ports.split_off(2 * all);
        let routes = ports.split_off(all);
        Ok(Plan {
            nodes,
            compression,
            clients: ports,
            routes,
            reached: gateways.clone(),
            gateways,
        })
    }

    /// Puts a relay in front of one server's gateway.
    fn relay(&mut self, at: usize) -> Result<Proxy, LoadError> {
        let relay = Proxy::start((Ipv4Addr::LOCALHOST, self.gateways[at]).into())?;
        self.reached[at] = relay.address.port();
        Ok(relay)
    }

    /// The configuration of one server: its cluster if there are several servers in it, its gateway if there are several
    /// clusters.
    fn config(&self, at: usize) -> String {
        let cluster = at / self.nodes;
        let name = cluster_name(cluster);
        let mut text = format!("server_name: \"{name}-{}\"\n", at % self.nodes + 1);
        if self.nodes > 1 {
            let first = cluster * self.nodes;
            let routes: String = self.routes[first..first + self.nodes]
                .iter()
                .map(|port| format!("    \"nats://127.0.0.1:{port}\"\n"))
                .collect();
            text.push_str(&format!(
                "cluster {{\n  name: \"{name}\"\n  listen: \"127.0.0.1:{}\"\n  compression: {}\n  routes: [\n{routes}  ]\n}}\n",
                self.routes[at], self.compression
            ));
        }
        if self.gateways.len() > self.nodes {
            let remotes: String = self
                .reached
                .chunks(self.nodes)
                .enumerate()
                .map(|(cluster, ports)| {
                    let name = cluster_name(cluster);
                    let urls: Vec<String> = ports
                        .iter()
                        .map(|port| format!("\"nats://127.0.0.1:{port}\""))
                        .collect();
                    format!("    {{ name: \"{name}\", urls: [{}] }}\n", urls.join(", "))
                })
                .collect();
            let advertise = match self.reached[at] {
                port if port == self.gateways[at] => String::new(),
                port => format!("  advertise: \"127.0.0.1:{port}\"\n"),
            };
            text.push_str(&format!(
                "gateway {{\n  name: \"{name}\"\n  listen: \"127.0.0.1:{}\"\n{advertise}  gateways: [\n{remotes}  ]\n}}\n",
                self.gateways[at]
            ));
        }
        text
    }
}

fn cluster_name(cluster: usize) -> String {
    format!("c{}", cluster + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let mut ports = free_ports(4).unwrap();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 4);
    }

    fn plan(clusters: usize, nodes: usize, compression: &'static str) -> Plan {
        let ports = |from: u16| (from..).take(clusters * nodes).collect();
        Plan {
            nodes,
            compression,
            clients: ports(1),
            routes: ports(101),
            gateways: ports(201),
            reached: ports(201),
        }
    }

    #[test]
    fn each_cluster_knows_both() {
        assert_eq!(
            plan(2, 1, "off").config(1),
            "server_name: \"c2-1\"\ngateway {\n  name: \"c2\"\n  listen: \"127.0.0.1:202\"\n  gateways: [\n    \
             { name: \"c1\", urls: [\"nats://127.0.0.1:201\"] }\n    { name: \"c2\", urls: [\"nats://127.0.0.1:202\"] }\n  ]\n}\n"
        );
    }

    #[test]
    fn each_server_knows_its_cluster() {
        assert_eq!(
            plan(1, 2, "s2_fast").config(1),
            "server_name: \"c1-2\"\ncluster {\n  name: \"c1\"\n  listen: \"127.0.0.1:102\"\n  compression: s2_fast\n  routes: [\n    \
             \"nats://127.0.0.1:101\"\n    \"nats://127.0.0.1:102\"\n  ]\n}\n"
        );
        let both = plan(2, 2, "off").config(2);
        assert!(
            both.contains("server_name: \"c2-1\"")
                && both.contains("listen: \"127.0.0.1:103\"")
                && both.contains("listen: \"127.0.0.1:203\""),
            "{both}"
        );
    }
}
