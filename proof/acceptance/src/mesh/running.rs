//! A super-cluster in flesh: processes, ports, configurations.

use super::links;
use super::plan::{ClusterPlan, Knows, Make, Plan};
use super::settled;
use crate::certificates::{Authority, Certificate};
use crate::ports::Port;
use crate::programs;
use crate::server::{Kind, Server};
use crate::supercluster;

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
    route: Port,
}

/// The servers of a [`Plan`].
#[derive(Debug)]
pub struct Mesh {
    /// What it is made from.
    pub plan: Plan,
    nodes: Vec<Node>,
    /// What all servers show on links that are encrypted.
    certificate: Option<Certificate>,
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
        let authority = || Authority::new("meshes");
        let certificate = plan
            .needs_certificate()
            .then(|| authority().issue("any", &["127.0.0.1"]));
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

    /// Puts another program in the place of server `index`, which does not run: same name, same ports.
    pub fn replace(&mut self, index: usize, make: Make) {
        self.nodes[index].set_make(make);
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
        let cluster = supercluster::name(node.cluster);
        let mut pool = plan
            .pool
            .map_or(String::new(), |pool| format!("pool_size: {pool}\n"));
        let mut compression = format!("compression: {}\n", plan.compression);
        if !node.make.pools() {
            (pool, compression) = (String::new(), String::new());
        }
        let mut text = format!(
            "server_name: {}\ndebug: true\ncluster {{\n name: {cluster}\n listen: \"{}\"\n {pool} {compression} routes: [{}]\n {}\n}}\n",
            node.name,
            node.route.address(),
            self.routes_of(index).join(", "),
            self.tls_block(plan.tls),
        );
        if self.plan.clusters.len() > 1 {
            text += &format!(
                "gateway {{\n name: {cluster}\n listen: \"{{gateway}}\"\n gateways: [{}]\n {}\n}}\n",
                self.remotes_of(index).join(", "),
                self.tls_block(self.plan.tls),
            );
        }
        text
    }

    fn tls_block(&self, wanted: bool) -> String {
        let certificate = self.certificate.as_ref().filter(|_| wanted);
        certificate.map_or(String::new(), |certificate| certificate.block(""))
    }

    fn routes_of(&self, index: usize) -> Vec<String> {
        let mut members = self
            .nodes
            .iter()
            .filter(|other| other.cluster == self.nodes[index].cluster);
        match self.cluster_plan(index).routes {
            Knows::All => members.map(Node::route_url).collect(),
            Knows::First => {
                let first = members.next().expect("a cluster has servers");
                if first.name == self.nodes[index].name {
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

fn kind(make: Make) -> Kind {
    match make {
        Make::Gannet => Kind::Gannet,
        Make::Go | Make::OldGo => Kind::Go,
    }
}
