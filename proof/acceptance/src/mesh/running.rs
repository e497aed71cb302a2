//! A super-cluster in flesh: processes, ports, configurations.

use super::links;
use super::plan::{ClusterPlan, Knows, Make, Plan};
use super::settled;
use crate::certificates::{Authority, Certificate};
use crate::ports::Port;
use crate::programs;
use crate::server::{Kind, REFUSED, Server};
use crate::supercluster;
use rustix::process::Signal;
use std::collections::BTreeSet;

/// One server and its place.
#[derive(Debug)]
pub struct Node {
    /// The process.
    pub server: Server,
    /// Which program it is.
    pub make: Make,
    /// Number of its cluster.
    pub cluster: usize,
    /// Its name: the cluster's letter and a number from 1.
    pub name: String,
    /// Whether it runs (as far as the test has it).
    pub runs: bool,
    /// What its configuration says beyond the plan.
    pub settings: Settings,
    route: Port,
}

/// What one server's configuration says beyond the plan, or does not say of it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// No debug lines in the log.
    pub no_debug: bool,
    /// Lines at the top.
    pub top: String,
    /// Lines in the block `cluster`.
    pub cluster: String,
    /// Lines in the block `gateway`.
    pub gateway: String,
    /// Servers of its cluster, by their numbers, that it does not name.
    pub without_servers: BTreeSet<usize>,
    /// Clusters that it does not name.
    pub without_clusters: BTreeSet<usize>,
}

/// The servers of a [`Plan`].
#[derive(Debug)]
pub struct Mesh {
    /// What it is made from.
    pub plan: Plan,
    nodes: Vec<Node>,
    /// What all servers show on links that are encrypted, and who has issued it.
    certificate: Option<(Authority, Certificate)>,
}

impl Mesh {
    /// Starts everything and waits until the mesh is complete.
    pub fn start(plan: Plan) -> Mesh {
        let mut mesh = Mesh::prepare(plan);
        mesh.launch_all();
        mesh.await_links();
        mesh
    }

    /// Chooses ports and writes configurations, but starts nothing.
    pub fn prepare(plan: Plan) -> Mesh {
        let mut nodes = Vec::new();
        for (cluster, planned) in plan.clusters.iter().enumerate() {
            for (at, &make) in planned.nodes.iter().enumerate() {
                nodes.push(Node::prepare(cluster, at, make));
            }
        }
        let certificate = plan.needs_certificate().then(|| {
            let authority = Authority::new("meshes");
            let certificate = issue(&authority);
            (authority, certificate)
        });
        let mesh = Mesh {
            plan,
            nodes,
            certificate,
        };
        for index in 0..mesh.nodes.len() {
            mesh.nodes[index]
                .server
                .write_config(&mesh.config_of(index));
        }
        mesh
    }

    /// Starts all servers that do not run, and waits for their greetings and nothing else.
    ///
    /// # Panics
    /// With the log of one that does not come up.
    pub fn launch_all(&mut self) {
        let idle: Vec<usize> = (0..self.nodes.len())
            .filter(|&index| !self.nodes[index].runs)
            .collect();
        for &index in &idle {
            self.nodes[index].server.spawn();
        }
        for &index in &idle {
            self.greet(index);
        }
    }

    /// Starts server `index`, which does not run, and waits for its greeting.
    ///
    /// # Panics
    /// With its log if it does not come up.
    pub fn launch(&mut self, index: usize) {
        self.nodes[index].server.spawn();
        self.greet(index);
    }

    fn greet(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.server
            .await_greeting()
            .unwrap_or_else(|problem| panic!("{problem}"));
        node.runs = true;
        settled(&format!("monitoring of {}", node.name), || {
            node.server.try_monitor("/healthz").map(drop)
        });
    }

    /// Kills server `index`.
    pub fn kill(&mut self, index: usize) {
        self.nodes[index].server.kill();
        self.nodes[index].runs = false;
    }

    /// Asks server `index` to end, and waits until it has.
    pub fn terminate(&mut self, index: usize) {
        self.nodes[index].server.terminate();
        self.nodes[index].runs = false;
    }

    /// Sends server `index` a signal that ends it in order, and waits until it has ended so.
    ///
    /// # Panics
    /// When it does not end, or not in order.
    pub fn end(&mut self, index: usize, signal: Signal) {
        let node = &mut self.nodes[index];
        node.server.signal(signal);
        let status = node.server.wait();
        assert!(status.success(), "{} ended with {status}", node.name);
        node.runs = false;
    }

    /// Puts another program in the place of server `index`, which does not run: same name, same ports.
    pub fn replace(&mut self, index: usize, make: Make) {
        self.nodes[index].set_make(make);
    }

    /// Changes what the configuration of server `index` says beyond the plan. It counts from the server's next start or
    /// reload on.
    pub fn set(&mut self, index: usize, change: impl FnOnce(&mut Settings)) {
        change(&mut self.nodes[index].settings);
        self.nodes[index]
            .server
            .write_config(&self.config_of(index));
    }

    /// Has server `index` read its configuration again; the lines that it logs about it, without their beginnings.
    ///
    /// # Panics
    /// When it refuses.
    pub fn reload(&self, index: usize) -> Vec<String> {
        let lines = self.nodes[index].server.reload();
        let refused = lines.iter().any(|line| line.starts_with(REFUSED));
        assert!(!refused, "{}: {lines:?}", self.nodes[index].name);
        lines
    }

    /// Puts another certificate in the place of what servers show on encrypted links.
    ///
    /// # Panics
    /// When the plan has none.
    pub fn renew_certificate(&mut self) {
        let (authority, certificate) = self.certificate.as_mut().expect("links are encrypted");
        *certificate = issue(authority);
    }

    /// What servers show on encrypted links.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate
            .as_ref()
            .map(|(_, certificate)| certificate)
    }

    /// All servers, running or not.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Numbers of the servers that run.
    pub fn running(&self) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|&index| self.nodes[index].runs)
            .collect()
    }

    /// What cluster server `index` is in.
    pub fn cluster_plan(&self, index: usize) -> &ClusterPlan {
        &self.plan.clusters[self.nodes[index].cluster]
    }

    /// Waits until the links of all running servers are those of a complete mesh of them, by their own monitoring.
    pub fn await_links(&self) {
        settled(&format!("the complete mesh of {}", self.plan), || {
            links::judge(self)
        });
    }

    fn config_of(&self, index: usize) -> String {
        let node = &self.nodes[index];
        let plan = self.cluster_plan(index);
        let settings = &node.settings;
        let cluster = supercluster::name(node.cluster);
        let mut pool = plan
            .pool
            .map_or(String::new(), |pool| format!("pool_size: {pool}\n"));
        let mut compression = format!("compression: {}\n", plan.compression);
        if !node.make.pools() {
            (pool, compression) = (String::new(), String::new());
        }
        let mut text = format!(
            "server_name: {}\ndebug: {}\n{}\ncluster {{\n name: {cluster}\n listen: \"{}\"\n {pool} {compression} routes: [{}]\n {}\n {}\n}}\n",
            node.name,
            !settings.no_debug,
            settings.top,
            node.route.address(),
            self.routes_of(index).join(", "),
            self.tls_block(plan.tls),
            settings.cluster,
        );
        if self.plan.clusters.len() > 1 {
            text += &format!(
                "gateway {{\n name: {cluster}\n listen: \"{{gateway}}\"\n gateways: [{}]\n {}\n {}\n}}\n",
                self.remotes_of(index).join(", "),
                self.tls_block(self.plan.tls),
                settings.gateway,
            );
        }
        text
    }

    fn tls_block(&self, wanted: bool) -> String {
        let certificate = self.certificate().filter(|_| wanted);
        certificate.map_or(String::new(), |certificate| certificate.block(""))
    }

    fn routes_of(&self, index: usize) -> Vec<String> {
        let own = &self.nodes[index];
        let known = (self.nodes.iter().enumerate())
            .filter(|(number, _)| !own.settings.without_servers.contains(number));
        let mut members = known
            .map(|(_, node)| node)
            .filter(|other| other.cluster == own.cluster);
        match self.cluster_plan(index).routes {
            Knows::All => members.map(Node::route_url).collect(),
            Knows::First => {
                let first = members.next().expect("a cluster has servers");
                if first.name == own.name {
                    Vec::new()
                } else {
                    vec![first.route_url()]
                }
            }
        }
    }

    fn remotes_of(&self, index: usize) -> Vec<String> {
        let remote = |cluster: usize, most: usize| {
            let urls: Vec<String> = self
                .nodes
                .iter()
                .filter(|node| node.cluster == cluster)
                .map(|node| format!("\"nats://{}\"", node.server.gateway_address()))
                .take(most)
                .collect();
            let name = supercluster::name(cluster);
            format!("{{name: {name}, urls: [{}]}}", urls.join(", "))
        };
        match self.plan.gateways {
            Knows::All => (0..self.plan.clusters.len())
                .filter(|cluster| {
                    !self.nodes[index]
                        .settings
                        .without_clusters
                        .contains(cluster)
                })
                .map(|cluster| remote(cluster, usize::MAX))
                .collect(),
            Knows::First if self.nodes[index].cluster == 0 => Vec::new(),
            // The reference tells newcomers of the others only when they come: two clusters that come to different
            // servers of it at the same moment may never hear of each other.
            Knows::First => {
                let mut first = self.nodes.iter().filter(|node| node.cluster == 0);
                let tells_later = first.all(|node| node.make == Make::Gannet);
                vec![remote(0, if tells_later { usize::MAX } else { 1 })]
            }
        }
    }
}

impl Node {
    fn prepare(cluster: usize, at: usize, make: Make) -> Node {
        let name = format!("{}{}", supercluster::name(cluster), at + 1);
        let mut node = Node {
            server: Server::prepare(kind(make), "", &[]),
            make,
            cluster,
            name,
            runs: false,
            settings: Settings::default(),
            route: Port::reserve(),
        };
        node.set_make(make);
        node
    }

    fn set_make(&mut self, make: Make) {
        self.make = make;
        self.server.set_program(match make {
            Make::Gannet => programs::gannet(),
            Make::Go => programs::go_server(),
            Make::OldGo => programs::old_go_server(),
        });
        self.server.set_name(&format!("{} {make:?}", self.name));
    }

    fn route_url(&self) -> String {
        format!("\"nats://{}\"", self.route.address())
    }
}

fn issue(authority: &Authority) -> Certificate {
    authority.issue("any", &["127.0.0.1"])
}

fn kind(make: Make) -> Kind {
    match make {
        Make::Gannet => Kind::Gannet,
        Make::Go | Make::OldGo => Kind::Go,
    }
}
