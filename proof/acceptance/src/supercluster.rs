//! A super-cluster of single-server clusters named A, B, C, …, of any mix of programs.

use crate::server::{Kind, Server};
use crate::wait::eventually;
use serde_json::Value;
use std::collections::BTreeSet;

/// Which other clusters a server finds in its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// All of them, itself included: the same list everywhere, as the manual advises.
    All,
    /// Only cluster A (which itself knows nobody); the rest must come by gossip.
    First,
    /// Nobody: the links are made by others.
    None,
}

/// The servers, in the order of their clusters.
#[derive(Debug)]
pub struct SuperCluster {
    servers: Vec<Server>,
}

impl SuperCluster {
    /// Starts one cluster per letter of `mix` (`G` Gannet, `X` Go), every server knowing all, and waits until
    /// the mesh is complete.
    pub fn start(mix: &str) -> SuperCluster {
        SuperCluster::start_with(mix, Seeds::All, "", "")
    }

    /// Like [`SuperCluster::start`] with other seeds, more lines in the gateway block and more lines at the
    /// top of every configuration.
    ///
    /// # Panics
    /// When a server does not start or the mesh does not close.
    pub fn start_with(mix: &str, seeds: Seeds, gateway_lines: &str, lines: &str) -> SuperCluster {
        let mut cluster = SuperCluster::prepare(mix, seeds, gateway_lines, lines);
        cluster.launch();
        cluster
    }

    /// Chooses ports and writes configurations, but starts nothing.
    pub fn prepare(mix: &str, seeds: Seeds, gateway_lines: &str, lines: &str) -> SuperCluster {
        let servers: Vec<Server> = mix
            .chars()
            .map(|letter| Server::prepare(kind(letter), "", &[]))
            .collect();
        let addresses: Vec<String> = servers.iter().map(Server::gateway_address).collect();
        let mut cluster = SuperCluster { servers };
        for (index, server) in cluster.servers.iter_mut().enumerate() {
            let name = name(index);
            let listed: Vec<String> = addresses
                .iter()
                .enumerate()
                .filter(|&(other, _)| {
                    seeds == Seeds::All || (seeds == Seeds::First && other == 0 && index != 0)
                })
                .map(|(other, address)| {
                    format!("{{name: {}, url: \"nats://{address}\"}}", self::name(other))
                })
                .collect();
            server.set_name(&name);
            server.write_config(&format!(
                "server_name: {name}1\n{lines}\ngateway {{\n  name: {name}\n  listen: \"{{gateway}}\"\n  {gateway_lines}\n  gateways: [{}]\n}}",
                listed.join(", ")
            ));
        }
        cluster
    }

    /// The server of cluster `index` (0 is A).
    pub fn server(&self, index: usize) -> &Server {
        &self.servers[index]
    }

    /// The server of cluster `index`, to kill or restart it.
    pub fn server_mut(&mut self, index: usize) -> &mut Server {
        &mut self.servers[index]
    }

    /// Writes the configuration of cluster `index` anew, with `lines` instead of what [`SuperCluster::prepare`] chose.
    pub fn write_config(&self, index: usize, lines: &str) {
        self.servers[index].write_config(lines);
    }

    /// Starts what was prepared and waits until the mesh is complete.
    pub fn launch(&mut self) {
        for server in &mut self.servers {
            server.spawn();
        }
        for index in 0..self.servers.len() {
            self.servers[index]
                .await_greeting()
                .unwrap_or_else(|problem| panic!("{problem}"));
            self.await_answer(index);
        }
        self.await_mesh();
    }

    /// How many clusters there are.
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Whether there are no clusters.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// URLs of all servers' client ports.
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    fn await_answer(&self, index: usize) {
        let server = &self.servers[index];
        eventually(&format!("monitoring of {} to answer", name(index)), || {
            server.try_monitor("/healthz").map(drop)
        });
    }

    /// Waits until every server has exactly one outbound link to every other cluster and one inbound link
    /// from each: `Σ Nᵢ(M−1)` of either, with N = 1.
    pub fn await_mesh(&self) {
        let all: Vec<usize> = (0..self.servers.len()).collect();
        self.await_mesh_of(&all);
    }

    /// [`SuperCluster::await_mesh`] for the clusters `members` alone: links to the others must be gone.
    pub fn await_mesh_of(&self, members: &[usize]) {
        for &index in members {
            let others: BTreeSet<String> = members
                .iter()
                .filter(|&&other| other != index)
                .map(|&other| name(other))
                .collect();
            eventually(
                &format!(
                    "{} to be linked with {others:?} and nobody else",
                    name(index)
                ),
                || {
                    let page = self.servers[index].try_monitor("/gatewayz")?;
                    let (outbound, inbound) = (outbound(&page), inbound(&page));
                    let wanted_inbound = others.iter().map(|other| (other.clone(), 1)).collect();
                    if outbound == others && inbound == wanted_inbound {
                        Ok(())
                    } else {
                        Err(page.to_string())
                    }
                },
            );
        }
    }

    /// Waits until the server of cluster `on` knows that cluster `remote` wants `subject` (in the global
    /// account), for the queue group `queue` if that is not empty.
    pub fn await_interest(&self, on: usize, remote: usize, subject: &str, queue: &str) {
        self.watch_interest(on, remote, subject, queue, true);
    }

    /// Waits until the server of cluster `on` knows that cluster `remote` no longer wants `subject`.
    pub fn await_no_interest(&self, on: usize, remote: usize, subject: &str, queue: &str) {
        self.watch_interest(on, remote, subject, queue, false);
    }

    fn watch_interest(&self, on: usize, remote: usize, subject: &str, queue: &str, wanted: bool) {
        let what = format!(
            "{} {} know that {} wants {subject:?} {queue:?}",
            name(on),
            if wanted { "to" } else { "no longer to" },
            name(remote)
        );
        eventually(&what, || {
            let page = self.servers[on].try_monitor(&format!(
                "/gatewayz?subs=detail&accs=1&gw_name={}",
                name(remote)
            ))?;
            let accounts = page["outbound_gateways"][name(remote)]["accounts"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let found = accounts
                .iter()
                .flat_map(|account| {
                    account["subscriptions_list_detail"]
                        .as_array()
                        .cloned()
                        .unwrap_or_default()
                })
                .any(|entry| {
                    entry["subject"] == subject && entry["qgroup"].as_str().unwrap_or("") == queue
                });
            if found == wanted {
                Ok(())
            } else {
                Err(page.to_string())
            }
        });
    }
}

/// Name of cluster `index`: A, B, C, …
pub fn name(index: usize) -> String {
    char::from(b'A' + u8::try_from(index).expect("tests have few clusters")).to_string()
}

/// A mix of `count` servers of one kind.
pub fn pure(kind: Kind, count: usize) -> String {
    match kind {
        Kind::Gannet => "G",
        Kind::Go => "X",
    }
    .repeat(count)
}

/// Names of the clusters to which a `/gatewayz` page shows an outbound link.
pub fn outbound(page: &Value) -> BTreeSet<String> {
    page["outbound_gateways"]
        .as_object()
        .map(|all| all.keys().cloned().collect())
        .unwrap_or_default()
}

/// Names of the clusters from which a `/gatewayz` page shows inbound links, with their numbers.
pub fn inbound(page: &Value) -> BTreeSet<(String, usize)> {
    let Some(all) = page["inbound_gateways"].as_object() else {
        return BTreeSet::new();
    };
    all.iter()
        .map(|(name, links)| (name.clone(), links.as_array().map_or(0, Vec::len)))
        .collect()
}

fn kind(letter: char) -> Kind {
    match letter {
        'G' => Kind::Gannet,
        'X' => Kind::Go,
        other => panic!("a mix is written with G and X, not {other}"),
    }
}
