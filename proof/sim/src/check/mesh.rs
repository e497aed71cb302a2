//! The full mesh: every two servers of a cluster are joined by as many routes as their configurations make, and
//! every server has one link to every other cluster, to any of its servers: for each pair of clusters as many as
//! the two have servers. Neither more nor less, by the network's count and by the servers' own.
//!
//! Source: the manual's chapter on gateways, with its table of connections (outbound = inbound = the sum, over
//! all clusters, of their servers times the number of other clusters); `docs/routes.md` for pools.

use gannet_node::{GatewayLink, RouteLink};

use crate::topology::{cluster_name, server_name};
use crate::world::World;

/// What is missing of the mesh, or too much, if anything.
pub(crate) fn judge(world: &World) -> Result<(), String> {
    for server in world.living() {
        judge_routes(world, server)?;
        judge_gateways(world, server)?;
    }
    judge_inbound(world)
}

fn judge_routes(world: &World, server: usize) -> Result<(), String> {
    let own = world.nodes[server].ask(gannet_node::Server::route_links);
    let own: Vec<RouteLink> = own.ok_or_else(|| format!("server {server} does not run"))?;
    let mut all = 0;
    let cluster = world.topology.cluster_of[server];
    for other in world.living_of(cluster).filter(|other| *other != server) {
        let wanted = world.topology.routes_between(server, other);
        let found = connections(world, server, other);
        if found != wanted {
            return Err(format!(
                "{found} connections between servers {server} and {other} instead of {wanted}"
            ));
        }
        let name = server_name(other);
        let told = own.iter().filter(|link| link.remote == name).count();
        if told != wanted {
            return Err(format!(
                "server {server} tells of {told} routes to server {other} instead of {wanted}"
            ));
        }
        all += wanted;
    }
    if own.len() != all {
        return Err(format!(
            "server {server} has {} routes instead of {all}",
            own.len()
        ));
    }
    Ok(())
}

fn judge_gateways(world: &World, server: usize) -> Result<(), String> {
    for cluster in other_clusters(world, server) {
        let link = gateway(world, server, cluster).filter(|link| link.outbound);
        let Some(link) = link else {
            return Err(format!(
                "server {server} has no link to the cluster {cluster}"
            ));
        };
        let found: usize = world
            .living_of(cluster)
            .map(|other| connections(world, server, other))
            .sum();
        if found != 1 + link.inbound {
            return Err(format!(
                "{found} connections between server {server} and the cluster {cluster}, although it has one \
                 outbound and tells of {} inbound",
                link.inbound
            ));
        }
    }
    Ok(())
}

/// What each server dials, another one has accepted.
fn judge_inbound(world: &World) -> Result<(), String> {
    for cluster in 0..world.topology.clusters() {
        for from in (0..world.topology.clusters()).filter(|from| *from != cluster) {
            let wanted = world.living_of(from).count();
            let inbound = |server| gateway(world, server, from).map_or(0, |link| link.inbound);
            let found: usize = world.living_of(cluster).map(inbound).sum();
            if found != wanted {
                return Err(format!(
                    "the cluster {cluster} has {found} links from the cluster {from} instead of {wanted}"
                ));
            }
        }
    }
    Ok(())
}

fn other_clusters(world: &World, server: usize) -> impl Iterator<Item = usize> {
    let own = world.topology.cluster_of[server];
    (0..world.topology.clusters()).filter(move |cluster| *cluster != own)
}

/// What a server tells of its links with a cluster.
fn gateway(world: &World, server: usize, cluster: usize) -> Option<GatewayLink> {
    let name = cluster_name(cluster);
    let links = world.nodes[server].ask(gannet_node::Server::gateway_links);
    let mut links = links.into_iter().flatten();
    links.find(|link| link.remote == name)
}

fn connections(world: &World, one: usize, other: usize) -> usize {
    let nodes = &world.nodes;
    world.net.connections(&nodes[one].host, &nodes[other].host)
}
