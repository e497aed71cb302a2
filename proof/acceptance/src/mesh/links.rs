//! Which links a complete mesh has, and which ones the servers' monitoring shows.

use super::plan::{ClusterPlan, Make};
use super::running::{Mesh, Node};
use crate::supercluster;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names of peers, and how many links there are with each.
type Links = BTreeMap<String, usize>;

/// Holds the links of all running servers against a complete mesh of them.
pub(super) fn judge(mesh: &Mesh) -> Result<(), String> {
    let nodes: Vec<&Node> = mesh
        .running()
        .into_iter()
        .map(|index| &mesh.nodes()[index])
        .collect();
    let mut inbound: BTreeMap<(usize, String), Links> = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for node in &nodes {
        let page = node.server.try_monitor("/varz")?;
        ids.insert(page["server_id"].to_string(), node.name.clone());
    }
    for node in &nodes {
        let plan = &mesh.plan.clusters[node.cluster];
        let expected = siblings(&nodes, node, plan);
        compare(&node.name, "routes", &expected, &routes(node, &ids)?)?;
        if mesh.plan.clusters.len() > 1 {
            let page = node.server.try_monitor("/gatewayz")?;
            let outbound = supercluster::outbound(&page)
                .into_iter()
                .map(|name| (name, 1))
                .collect();
            compare(
                &node.name,
                "outbound links",
                &others(&nodes, node),
                &outbound,
            )?;
            judge_encryption(node, &page, mesh.plan.tls)?;
            gather(node, &page, &ids, &mut inbound);
        }
    }
    if mesh.plan.clusters.len() > 1 {
        judge_inbound(&nodes, &inbound)?;
    }
    Ok(())
}

/// The links into a cluster: from every server of every other one, exactly one, wherever it ends.
fn judge_inbound(nodes: &[&Node], found: &BTreeMap<(usize, String), Links>) -> Result<(), String> {
    let mut expected: BTreeMap<(usize, String), Links> = BTreeMap::new();
    for to in nodes {
        for from in nodes.iter().filter(|from| from.cluster != to.cluster) {
            let key = (to.cluster, supercluster::name(from.cluster));
            expected
                .entry(key)
                .or_default()
                .insert(from.name.clone(), 1);
        }
    }
    if *found == expected {
        Ok(())
    } else {
        Err(format!(
            "inbound links: expected {expected:?}, found {found:?}"
        ))
    }
}

/// Whether the links to other clusters are encrypted as planned. (Pages about routes do not say.)
fn judge_encryption(node: &Node, page: &Value, planned: bool) -> Result<(), String> {
    // Old servers do not say.
    if node.make == Make::OldGo {
        return Ok(());
    }
    let links = page["outbound_gateways"].as_object().into_iter().flatten();
    for (name, link) in links {
        let version = &link["connection"]["tls_version"];
        if version.is_string() != planned {
            let is = if planned { "is not" } else { "is" };
            return Err(format!(
                "the link of {} to {name} {is} encrypted",
                node.name
            ));
        }
    }
    Ok(())
}

/// Adds the inbound links of `node`, whose peers are shown by their ids.
fn gather(
    node: &Node,
    page: &Value,
    ids: &BTreeMap<String, String>,
    inbound: &mut BTreeMap<(usize, String), Links>,
) {
    let Some(all) = page["inbound_gateways"].as_object() else {
        return;
    };
    for (from, links) in all {
        for link in links.as_array().into_iter().flatten() {
            let id = link["connection"]["name"].to_string();
            let peer = ids.get(&id).cloned().unwrap_or(id);
            *inbound
                .entry((node.cluster, from.clone()))
                .or_default()
                .entry(peer)
                .or_default() += 1;
        }
    }
}

fn siblings(nodes: &[&Node], node: &Node, plan: &ClusterPlan) -> Links {
    nodes
        .iter()
        .filter(|other| other.cluster == node.cluster && other.name != node.name)
        .map(|other| (other.name.clone(), plan.connections(node.make, other.make)))
        .collect()
}

fn others(nodes: &[&Node], node: &Node) -> Links {
    nodes
        .iter()
        .filter(|other| other.cluster != node.cluster)
        .map(|other| (supercluster::name(other.cluster), 1))
        .collect()
}

/// The routes of `node` by their peers' names. Old servers show the peers' ids alone.
fn routes(node: &Node, ids: &BTreeMap<String, String>) -> Result<Links, String> {
    let page = node.server.try_monitor("/routez")?;
    let mut links = Links::new();
    for route in page["routes"].as_array().into_iter().flatten() {
        let known = ids.get(&route["remote_id"].to_string());
        let peer = route["remote_name"].as_str();
        let peer = peer.or(known.map(String::as_str)).unwrap_or("(nameless)");
        *links.entry(peer.to_owned()).or_default() += 1;
    }
    Ok(links)
}

fn compare(name: &str, what: &str, expected: &Links, found: &Links) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!(
            "{what} of {name}: expected {expected:?}, found {found:?}"
        ))
    }
}
