//! Gateways of a cluster of several servers, in the simulated world: what one of them knows of other clusters,
//! all know, and other clusters learn of all of them.

mod common;

use std::time::Duration;

use common::{gateway, start_on, url};
use gannet_config::{ClusterOptions, Options, Port};
use gannet_node::{GatewayLink, Logger, Server};
use gannet_rt::sim::{Sim, SimHost};

/// A server of cluster `cluster`, whose first one is `seed`, that knows the cluster B at `remote`.
fn start(
    sim: &Sim,
    host: &SimHost,
    cluster: &str,
    seed: &SimHost,
    remote: Option<&SimHost>,
) -> Server {
    let remotes = remote.map(|host| common::remote("B", host.ip(), 7222));
    let options = Options {
        server_name: Some(host.name()),
        host: host.ip().to_string(),
        cluster: ClusterOptions {
            host: host.ip().to_string(),
            port: Some(Port::At(6222)),
            routes: vec![url(seed.ip(), 6222)],
            ..ClusterOptions::default()
        },
        gateway: Some(gateway(
            cluster,
            host.ip(),
            Port::At(7222),
            remotes.into_iter().collect(),
        )),
        ..Options::default()
    };
    start_on(sim, host, options)
}

/// Whether each server has its link to the other cluster, and how many that one has made to it in all.
fn links(servers: &[&Server]) -> (Vec<bool>, usize) {
    let links: Vec<GatewayLink> = servers.iter().flat_map(|s| s.gateway_links()).collect();
    let inbound = links.iter().map(|link| link.inbound).sum();
    (links.iter().map(|link| link.outbound).collect(), inbound)
}

#[test]
fn gw_42_to_45_what_one_server_knows_of_other_clusters_all_know() {
    let sim = Sim::new(21);
    let hosts = ["a1", "a2", "a3", "b1", "b2"].map(|name| sim.host(name));
    let [a1, a2, a3, b1, b2] = &hosts;
    let one = start(&sim, a1, "A", a1, Some(b1));
    let two = start(&sim, a2, "A", a1, None);
    let there = start(&sim, b1, "B", b1, None);
    let also = start(&sim, b2, "B", b1, None);
    sim.run_for(Duration::from_secs(10)).expect("it goes on");
    assert_eq!(links(&[&one, &two]), (vec![true, true], 2));
    assert_eq!(links(&[&there, &also]), (vec![true, true], 2));
    // One that comes late is told as well.
    let late = start(&sim, a3, "A", a1, None);
    sim.run_for(Duration::from_secs(10)).expect("it goes on");
    assert_eq!(links(&[&late]).0, [true]);
    assert_eq!(links(&[&there, &also]), (vec![true, true], 3));
    // The only one that was configured is gone: B's servers find another one of A's.
    a1.crash();
    sim.run_for(Duration::from_secs(120)).expect("it goes on");
    assert_eq!(links(&[&two, &late]).0, [true, true]);
    assert_eq!(links(&[&there, &also]), (vec![true, true], 2));
}
