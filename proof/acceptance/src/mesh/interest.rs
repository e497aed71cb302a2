//! Interest from scratch: what every server must know of the others, and what their monitoring says they know.

use super::plan::Make;
use super::running::{Mesh, Node};
use super::settled;
use crate::supercluster;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Subject and queue group (empty if none).
type Entry = (String, String);

/// Who has subscribed to what in the global account: for each server, the subscriptions of its clients.
#[derive(Clone, Debug, Default)]
pub struct Interest(BTreeMap<usize, BTreeSet<Entry>>);

impl Interest {
    /// A client of server `index` has subscribed.
    pub fn add(&mut self, index: usize, subject: &str, queue: &str) {
        self.0
            .entry(index)
            .or_default()
            .insert((subject.to_owned(), queue.to_owned()));
    }

    /// All clients of server `index` have gone.
    pub fn forget(&mut self, index: usize) {
        self.0.remove(&index);
    }

    /// Waits until each running server of `mesh` knows exactly this of each other one: nothing is missing, and nobody
    /// is thought to want what he does not.
    pub fn await_everywhere(&self, mesh: &Mesh) {
        settled(&format!("the interest of {}", mesh.plan), || {
            self.is_known_everywhere(mesh)
        });
    }

    /// Whether it is so, or what is not.
    pub fn is_known_everywhere(&self, mesh: &Mesh) -> Result<(), String> {
        let running = mesh.running();
        let mut nodes = running.into_iter().map(|index| &mesh.nodes()[index]);
        nodes.try_for_each(|node| self.judge(mesh, node))
    }

    fn judge(&self, mesh: &Mesh, node: &Node) -> Result<(), String> {
        self.judge_routes(mesh, node)?;
        if mesh.plan.clusters.len() == 1 {
            return Ok(());
        }
        for cluster in (0..mesh.plan.clusters.len()).filter(|&other| other != node.cluster) {
            let wanted: BTreeSet<Entry> = self
                .servers(mesh, |other| other.cluster == cluster)
                .flat_map(|(_, entries)| entries)
                .collect();
            self.judge_gateway(node, cluster, &wanted)?;
        }
        Ok(())
    }

    fn judge_routes(&self, mesh: &Mesh, node: &Node) -> Result<(), String> {
        let page = node.server.try_monitor("/routez?subs=detail")?;
        let mut found: BTreeMap<String, BTreeSet<Entry>> = BTreeMap::new();
        for route in page["routes"].as_array().into_iter().flatten() {
            let peer = route["remote_name"].as_str().unwrap_or_default();
            let entries = found.entry(peer.to_owned()).or_default();
            entries.extend(details(&route["subscriptions_list_detail"]));
        }
        let expected: BTreeMap<String, BTreeSet<Entry>> = self
            .servers(mesh, |other| {
                other.cluster == node.cluster && other.name != node.name
            })
            .collect();
        // Old servers do not name their peers.
        let nameless = found.contains_key("");
        let all = |by_peer: &BTreeMap<String, BTreeSet<Entry>>| -> BTreeSet<Entry> {
            by_peer.values().flatten().cloned().collect()
        };
        if found == expected || nameless && all(&found) == all(&expected) {
            return Ok(());
        }
        Err(format!(
            "{} should know over routes {expected:?}, and knows {found:?}",
            node.name
        ))
    }

    fn judge_gateway(
        &self,
        node: &Node,
        cluster: usize,
        expected: &BTreeSet<Entry>,
    ) -> Result<(), String> {
        let name = supercluster::name(cluster);
        let page = node
            .server
            .try_monitor(&format!("/gatewayz?accs=1&subs=detail&gw_name={name}"))?;
        let accounts = page["outbound_gateways"][&name]["accounts"].as_array();
        let global = accounts
            .into_iter()
            .flatten()
            .find(|account| account["name"] == "$G");
        // Old servers only count.
        if node.make == Make::OldGo {
            return judge_counts(node, &name, expected, global);
        }
        let found = global.map_or_else(BTreeSet::new, |account| {
            details(&account["subscriptions_list_detail"]).collect()
        });
        if found == *expected {
            return Ok(());
        }
        Err(format!(
            "{} should know of {name} {expected:?}, and knows {found:?}",
            node.name
        ))
    }

    fn servers<'a>(
        &'a self,
        mesh: &'a Mesh,
        which: impl Fn(&Node) -> bool + 'a,
    ) -> impl Iterator<Item = (String, BTreeSet<Entry>)> + 'a {
        mesh.running()
            .into_iter()
            .filter(move |&index| which(&mesh.nodes()[index]))
            .map(|index| {
                let entries = self.0.get(&index).cloned().unwrap_or_default();
                (mesh.nodes()[index].name.clone(), entries)
            })
    }
}

fn judge_counts(
    node: &Node,
    cluster: &str,
    expected: &BTreeSet<Entry>,
    found: Option<&Value>,
) -> Result<(), String> {
    let queues = expected
        .iter()
        .filter(|(_, queue)| !queue.is_empty())
        .count();
    let expected = (expected.len(), queues);
    let number = |key: &str| {
        let value = found.and_then(|account| account[key].as_u64());
        usize::try_from(value.unwrap_or(0)).expect("a small number")
    };
    let found = (number("num_subs"), number("num_queue_subs"));
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "{} should count of {cluster} {expected:?}, and counts {found:?}",
        node.name
    ))
}

/// The entries of a list of subscriptions that clients have made. The servers' own, which have reserved subjects, are
/// left out: pages about routes do not say whose account an entry is in.
fn details(list: &Value) -> impl Iterator<Item = Entry> {
    let entries = list.as_array().into_iter().flatten().map(|entry| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        (text("subject"), text("qgroup"))
    });
    entries
        .filter(|(subject, _)| subject.starts_with("_INBOX.") || !subject.starts_with(['$', '_']))
}
