//! Reloads under full load: everything that is declared live changes, again and again, while messages flow over routes
//! and gateways between clients that must not notice.

use super::flood::{Carried, Flood, Site};
use crate::certificates::{Authority, Certificate, TlsPeer};
use crate::mesh::{Interest, Make, Mesh, Plan, settled};
use crate::supercluster;
use crate::wait::PATIENCE;
use crate::wire::Wire;
use serde_json::{Value, json};
use std::fmt;
use std::net::TcpStream;

/// What is changed in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// `debug`, `trace`.
    Log,
    /// Bounds of clients, and times.
    Limits,
    /// Users whom no client of the load is. Clients of a user with another password have to go.
    OtherUsers,
    /// Other certificates for clients, routes and gateways.
    Certificates,
    /// A cluster that nobody of the load is in goes and comes back.
    Gateways,
    /// A server that nobody of the load is at goes and comes back.
    Routes,
    /// `pool_size` and `accounts` of routes.
    Pools,
    /// `permissions` of routes for subjects that nobody uses.
    Permissions,
}

impl Change {
    /// All of them.
    pub const ALL: [Change; 8] = [
        Change::Log,
        Change::Limits,
        Change::OtherUsers,
        Change::Certificates,
        Change::Gateways,
        Change::Routes,
        Change::Pools,
        Change::Permissions,
    ];
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Log => "log",
            Change::Limits => "limits",
            Change::OtherUsers => "other users",
            Change::Certificates => "certificates",
            Change::Gateways => "gateways",
            Change::Routes => "routes",
            Change::Pools => "pools",
            Change::Permissions => "permissions",
        })
    }
}

/// Who the clients of the load are.
const STEADY: (&str, &str) = ("steady", "s1");
/// Whose password changes.
const VICTIM: &str = "victim";

/// A super-cluster with the load, whose Gannet servers are reloaded.
pub struct Reloads {
    mesh: Mesh,
    flood: Flood,
    /// The servers with clients, which stay linked.
    stayers: Vec<usize>,
    /// The server that goes and comes.
    guest: Option<usize>,
    /// The cluster that goes and comes.
    visitors: Option<usize>,
    users: Authority,
    shown: Certificate,
    /// How many rounds there have been: what options are changed to depends on it.
    round: u32,
    /// The round that the configurations are of.
    written: u32,
    reloads: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Reloads of single servers.
    pub reloads: u64,
    /// What the load carried.
    pub carried: Carried,
}

impl Reloads {
    /// Starts the servers of `mix` (see [`Plan::of`]). Of several clusters, the last one goes and comes; of one cluster,
    /// the last server. (Not both: a server that is not in its cluster any more, and still has the cluster's name and
    /// links to others, would get what is meant for its neighbours.) The load is at all others.
    ///
    /// # Panics
    /// When the mesh does not come up.
    pub fn start(mix: &str) -> Reloads {
        let mut plan = Plan::of(mix);
        plan.tls = true;
        plan.clusters[0].tls = true;
        let (clusters, first) = (plan.clusters.len(), plan.clusters[0].nodes.len());
        let visitors = (clusters > 1).then(|| clusters - 1);
        let guest = (clusters == 1).then(|| first - 1);
        let users = Authority::new("clients");
        let shown = users.issue("client", &["127.0.0.1"]);
        let mut mesh = Mesh::prepare(plan);
        for index in 0..mesh.nodes().len() {
            let (cluster, gannet) = (
                mesh.nodes()[index].cluster,
                mesh.nodes()[index].make == Make::Gannet,
            );
            mesh.set(index, |settings| {
                settings.top = top(&shown, 0);
                if Some(cluster) == visitors {
                    settings.without_clusters = (0..clusters).collect();
                } else if gannet {
                    settings.gateway = "reject_unknown_cluster: true".to_owned();
                }
                if Some(index) == guest {
                    settings.without_servers = (0..first).collect();
                }
            });
        }
        mesh.launch_all();
        mesh.await_links();
        let stays =
            |index: &usize| Some(*index) != guest && Some(mesh.nodes()[*index].cluster) != visitors;
        let stayers: Vec<usize> = (0..mesh.nodes().len()).filter(stays).collect();
        let flood = start_flood(&mesh, &stayers);
        Reloads {
            mesh,
            flood,
            stayers,
            guest,
            visitors,
            users,
            shown,
            round: 0,
            written: 0,
            reloads: 0,
        }
    }

    /// Makes one change, waits until the load has gone on, and takes it back where it is to be taken back.
    ///
    /// # Panics
    /// When somebody notices who should not, or somebody does not who should.
    pub fn change(&mut self, change: Change) {
        self.round += 1;
        match change {
            Change::Log => self.change_log(),
            Change::Limits => self.change_users_and_limits(),
            Change::OtherUsers => self.change_password(),
            Change::Certificates => self.change_certificates(),
            Change::Gateways => self.without_visitors(),
            Change::Routes => self.without_guest(),
            Change::Pools => self.change_pools(),
            Change::Permissions => self.change_permissions(),
        }
        self.flood.await_progress();
    }

    /// Ends the load and judges.
    ///
    /// # Panics
    /// When a message was lost, doubled or out of order, or a client lost its connection.
    pub fn finish(self) -> Outcome {
        let carried = self.flood.finish();
        self.mesh.await_links();
        Outcome {
            reloads: self.reloads,
            carried,
        }
    }

    /// Numbers of the servers that are reloaded.
    fn reloaded(&self) -> Vec<usize> {
        let own = |index: &usize| {
            let node = &self.mesh.nodes()[*index];
            node.make == Make::Gannet && Some(node.cluster) != self.visitors
        };
        (0..self.mesh.nodes().len()).filter(own).collect()
    }

    fn reload(&mut self, index: usize) -> Vec<String> {
        self.reloads += 1;
        self.mesh.reload(index)
    }

    fn change_log(&mut self) {
        for index in self.reloaded() {
            let top = top(&self.shown, self.round);
            self.mesh.set(index, |settings| {
                settings.no_debug = true;
                settings.top = format!("{top}trace: true\nmax_traced_msg_len: 1");
            });
            let said = self.reload(index);
            assert!(
                said.contains(&"Reloaded: trace = true".to_owned()),
                "{said:?}"
            );
            // Under full load there is much to be read: no longer than for one reload at each server.
            self.mesh.set(index, |settings| {
                settings.no_debug = false;
                settings.top = top;
            });
            self.reload(index);
        }
        self.written = self.round;
    }

    fn change_users_and_limits(&mut self) {
        for index in self.reloaded() {
            let top = top(&self.shown, self.round);
            self.mesh.set(index, |settings| settings.top = top);
            let said = self.reload(index);
            assert!(!said.is_empty(), "nothing has changed");
        }
        self.written = self.round;
    }

    /// The clients of one user have to go at the server whose users change, and nobody else.
    fn change_password(&mut self) {
        for index in self.reloaded() {
            let address = self.mesh.nodes()[index].server.client_address();
            let mut victim = Wire::open(&address);
            victim.info();
            victim.connect_with(&credentials(VICTIM, &password(self.written)));
            victim.fence();
            let top = top(&self.shown, self.round);
            self.mesh.set(index, |settings| settings.top = top);
            self.reload(index);
            victim.expect("-ERR 'Authorization Violation'");
            victim.expect_closed();
        }
        self.written = self.round;
    }

    /// Who connects from now on is shown the new certificate; who is there stays.
    fn change_certificates(&mut self) {
        self.mesh.renew_certificate();
        self.shown = self.users.issue("client", &["127.0.0.1"]);
        for index in self.reloaded() {
            self.reload(index);
            let node = &self.mesh.nodes()[index];
            let mut stream = TcpStream::connect(node.server.client_address()).expect("it listens");
            skip_line(&mut stream);
            let mut peer = TlsPeer::begin(stream, None);
            peer.send(
                "CONNECT {\"verbose\": false, \"user\": \"steady\", \"pass\": \"s1\"}\r\nPING\r\n",
            );
            assert_eq!(peer.line().as_deref(), Some("PONG"), "{}", node.name);
            assert!(
                peer.has_shown(&self.shown),
                "{} shows the old one",
                node.name
            );
        }
    }

    /// The visitors' cluster is taken out of all configurations and put in again.
    fn without_visitors(&mut self) {
        let Some(visitors) = self.visitors else {
            return;
        };
        for index in self.reloaded() {
            self.mesh.set(index, |settings| {
                settings.without_clusters.insert(visitors);
            });
            self.reload(index);
        }
        self.await_visitors_gone(visitors);
        self.flood.await_progress();
        for index in self.reloaded() {
            self.mesh.set(index, |settings| {
                settings.without_clusters.remove(&visitors);
            });
            self.reload(index);
        }
        self.mesh.await_links();
    }

    /// The guest is taken out of its neighbours' configurations and put in again.
    fn without_guest(&mut self) {
        let Some(guest) = self.guest else {
            return;
        };
        let hosts: Vec<usize> = (0..guest).collect();
        for &index in &hosts {
            self.mesh.set(index, |settings| {
                settings.without_servers.insert(guest);
            });
            self.reload(index);
        }
        self.await_guest_gone(guest);
        self.flood.await_progress();
        let page = self.mesh.nodes()[guest].server.monitor("/routez");
        assert_eq!(page["num_routes"], 0, "the guest is back by itself: {page}");
        for &index in &hosts {
            self.mesh.set(index, |settings| {
                settings.without_servers.remove(&guest);
            });
            self.reload(index);
        }
        self.mesh.await_links();
    }

    /// All servers of the first cluster get other pools, one after the other, and what they had before.
    fn change_pools(&mut self) {
        let members: Vec<usize> = self
            .reloaded()
            .into_iter()
            .filter(|&index| self.mesh.nodes()[index].cluster == 0)
            .collect();
        for lines in [
            "pool_size: 5",
            "pool_size: 5\n accounts: [\"$G\"]",
            "pool_size: 1",
            "",
        ] {
            for &index in &members {
                self.mesh
                    .set(index, |settings| settings.cluster = lines.to_owned());
                self.reload(index);
            }
            self.flood.await_progress();
        }
        self.mesh.await_links();
    }

    fn change_permissions(&mut self) {
        for lines in [
            "permissions { import: {deny: [\"secret.>\"]}, export: {deny: [\"secret.>\"]} }",
            "",
        ] {
            for index in self.reloaded() {
                self.mesh
                    .set(index, |settings| settings.cluster = lines.to_owned());
                self.reload(index);
            }
            self.flood.await_progress();
        }
    }

    /// Waits until no server that was reloaded has links with the visitors' cluster.
    fn await_visitors_gone(&self, visitors: usize) {
        let visitors = supercluster::name(visitors);
        for index in self.reloaded() {
            let node = &self.mesh.nodes()[index];
            settled(
                &format!("{} to have no link with {visitors}", node.name),
                || {
                    let page = node.server.try_monitor("/gatewayz")?;
                    let is_linked = supercluster::outbound(&page).contains(&visitors)
                        || supercluster::inbound(&page)
                            .iter()
                            .any(|(name, _)| *name == visitors);
                    (!is_linked).then_some(()).ok_or(page.to_string())
                },
            );
        }
    }

    /// Waits until the guest has no routes.
    fn await_guest_gone(&self, guest: usize) {
        let node = &self.mesh.nodes()[guest];
        settled(&format!("{} to have no routes", node.name), || {
            let page = node.server.try_monitor("/routez")?;
            (page["num_routes"] == 0)
                .then_some(())
                .ok_or(page.to_string())
        });
    }

    /// How many stay: for the summary.
    pub fn sites(&self) -> usize {
        self.stayers.len()
    }
}

impl fmt::Debug for Reloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloads")
            .field("mesh", &self.mesh.plan)
            .finish_non_exhaustive()
    }
}

fn start_flood(mesh: &Mesh, stayers: &[usize]) -> Flood {
    let mut interest = Interest::default();
    let mut sites = Vec::new();
    for &index in stayers {
        interest.add(index, "flood.*", "");
        sites.push(Site {
            name: mesh.nodes()[index].name.clone(),
            address: mesh.nodes()[index].server.client_address(),
            connect: credentials(STEADY.0, STEADY.1),
        });
    }
    Flood::start(&sites, || interest.is_known_everywhere(mesh))
}

fn credentials(user: &str, password: &str) -> Value {
    json!({"user": user, "pass": password})
}

fn password(round: u32) -> String {
    format!("v{round}")
}

/// What a configuration has at its top in one round.
fn top(shown: &Certificate, round: u32) -> String {
    let (steady, secret) = STEADY;
    let (victim, stranger) = (password(round), round % 3);
    let (payload, line, clients) = (1 + round % 4, 2 + round % 5, 1000 + round);
    let (interval, deadline) = (60 + round % 60, 5 + round % 20);
    let tls = shown.block("");
    format!(
        "authorization {{ users: [ {{user: {steady}, password: {secret}}}, {{user: {VICTIM}, password: {victim}}}, {{user: stranger{stranger}, password: x}} ] }}\n\
         allow_non_tls: true\n{tls}\n\
         max_payload: {payload}MB\nmax_control_line: {line}KB\nmax_connections: {clients}\n\
         ping_interval: \"{interval}s\"\nwrite_deadline: \"{deadline}s\"\n"
    )
}

/// Reads the INFO in front of a handshake, and not a byte more.
fn skip_line(stream: &mut TcpStream) {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("an open socket takes options");
    let mut byte = [0];
    while byte != *b"\n" {
        std::io::Read::read_exact(stream, &mut byte).expect("the server says INFO");
    }
}
