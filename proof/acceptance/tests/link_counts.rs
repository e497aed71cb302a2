//! The table of links in the NATS manual's chapter about super-clusters, by the servers' own monitoring: inbound and
//! outbound gateway links are Σ Nᵢ(M−1) each, connections in a cluster N(N−1)/2 times the size of the pool.

use gannet_acceptance::mesh::{Knows, Mesh, Plan};
use gannet_acceptance::{Kind, both, eventually, http, supercluster};
use regex_lite::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Clusters.
const M: usize = 3;
/// `pool_size` if nobody says.
const POOL: usize = 3;

/// What all servers together show.
#[derive(Debug, Default, PartialEq, Eq)]
struct Links {
    outbound: usize,
    inbound: usize,
    /// Ends of the connections of pools, and of those of the system account alone.
    pooled: usize,
    system: usize,
}

impl Links {
    /// What the manual says of M clusters of `nodes` servers; both ends of a connection in a cluster count.
    fn of_manual(nodes: usize) -> Links {
        let pairs = M * nodes * (nodes - 1) / 2;
        Links {
            outbound: M * nodes * (M - 1),
            inbound: M * nodes * (M - 1),
            pooled: 2 * pairs * POOL,
            system: 2 * pairs,
        }
    }

    fn add(&mut self, gateways: &Value, routes: &Value) {
        self.outbound += supercluster::outbound(gateways).len();
        self.inbound += supercluster::inbound(gateways)
            .iter()
            .map(|(_, count)| count)
            .sum::<usize>();
        for route in routes["routes"].as_array().into_iter().flatten() {
            if route["account"].is_string() {
                self.system += 1;
            } else {
                self.pooled += 1;
            }
        }
    }
}

/// Waits until the servers that monitor at `addresses` have the links of the manual.
fn await_links(addresses: &[String], nodes: usize) {
    assert_eq!(addresses.len(), M * nodes);
    let expected = Links::of_manual(nodes);
    eventually(&format!("{expected:?}"), || {
        let mut found = Links::default();
        for address in addresses {
            let page = |path| http::try_get(address.as_str(), path).map(|page| page.json());
            found.add(&page("/gatewayz")?, &page("/routez")?);
        }
        if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    });
}

fn count(kind: Kind, nodes: usize) {
    let mesh = Mesh::start(Plan::of(&mix(kind, nodes)));
    await_links(&addresses(&mesh), nodes);
}

/// M clusters of `nodes` servers, as [`Plan::of`] reads it.
fn mix(kind: Kind, nodes: usize) -> String {
    let letter = if kind == Kind::Gannet { "G" } else { "X" };
    vec![letter.repeat(nodes); M].join(" ")
}

fn addresses(mesh: &Mesh) -> Vec<String> {
    let nodes = mesh.nodes().iter();
    nodes.map(|node| node.server.http_address()).collect()
}

both! {
    /// 6 links each way.
    #[test]
    fn one_server_a_cluster(kind: Kind) {
        count(kind, 1);
    }

    /// 12 links each way.
    #[test]
    fn two_servers_a_cluster(kind: Kind) {
        count(kind, 2);
    }

    /// 18 links each way.
    #[test]
    fn three_servers_a_cluster(kind: Kind) {
        count(kind, 3);
    }

    /// Each server has one address of its cluster and one of another cluster, always the same: all else is gossip.
    #[test]
    fn one_seed_is_enough_for_clusters(kind: Kind) {
        let mut plan = Plan::of(&mix(kind, 3));
        plan.gateways = Knows::First;
        for cluster in &mut plan.clusters {
            cluster.routes = Knows::First;
        }
        let mesh = Mesh::start(plan);
        await_links(&addresses(&mesh), 3);
    }

    /// As many connections between two servers as the pool says, and one of the system account; without pooling, one.
    #[test]
    fn pools_have_their_sizes(kind: Kind) {
        let mut plan = Plan::of(&mix(kind, 2));
        for (cluster, pool) in plan.clusters.iter_mut().zip([1, 5, -1]) {
            cluster.pool = Some(pool);
        }
        let mesh = Mesh::start(plan);
        let expected = [(1, 1), (5, 1), (1, 0)];
        for node in mesh.nodes() {
            let mut found = Links::default();
            found.add(&Value::Null, &node.server.monitor("/routez"));
            assert_eq!((found.pooled, found.system), expected[node.cluster], "{}", node.name);
        }
    }
}

/// A running `gannet dev`, ended when dropped.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // Fails only when the process has ended already.
        let _ = kill_process(pid.expect("a process id"), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// 24 and 30 links each way, all servers in one process. Only Gannet has that.
#[test]
fn four_and_five_servers_a_cluster_in_one_process() {
    for nodes in [4, 5] {
        let mut child = Command::new(Kind::Gannet.program())
            .args([
                "dev",
                "--clusters",
                &M.to_string(),
                "--nodes",
                &nodes.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let output = child.stdout.take().expect("stdout was piped above");
        let _dev = Dev(child);
        let mut table = String::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            table += &format!("{line}\n");
            if line.contains(&format!("All {} links are up", M * nodes * (M - 1))) {
                println!("{line}");
                break;
            }
        }
        let monitoring = Regex::new(r"http://(127\.0\.0\.1:\d+)").expect("a pattern");
        let mut addresses: Vec<String> = monitoring
            .captures_iter(&table)
            .map(|found| found[1].to_owned())
            .collect();
        // The table may have been shown several times.
        addresses.sort();
        addresses.dedup();
        await_links(&addresses, nodes);
    }
}
