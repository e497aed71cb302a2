//! How super-clusters find together, in every mix of Gannet and Go servers: by full lists, by one seed, in a ring, in any
//! order; and how many links they then have (rows GW-40 to GW-42, GW-50 to GW-52).

use gannet_acceptance::reach::{check_reach, clients, subscribe_for_reach};
use gannet_acceptance::supercluster::{name, pure};
use gannet_acceptance::{Seeds, SuperCluster, both, mixes};
use serde_json::json;

mixes! {
    /// GW-41, GW-42: with one seed the mesh completes by gossip; who was found that way is not configured.
    #[test]
    fn one_seed_is_enough(mix: &str) {
        let cluster = SuperCluster::start_with(mix, Seeds::First, "", "");
        for on in 0..cluster.len() {
            let page = cluster.server(on).monitor("/gatewayz");
            for remote in (0..cluster.len()).filter(|&remote| remote != on) {
                let configured = &page["outbound_gateways"][name(remote)]["configured"];
                assert_eq!(*configured, json!(on != 0 && remote == 0), "{} to {}", name(on), name(remote));
            }
        }
        let mut members = clients(&cluster);
        subscribe_for_reach(&cluster, &mut members);
        check_reach(&cluster, &mut members, "gossip");
    }

    /// GW-50: every server knows another one only, in a ring; all find all.
    #[test]
    fn a_ring_of_seeds_becomes_a_full_mesh(mix: &str) {
        let mut cluster = SuperCluster::prepare(mix, Seeds::None, "", "");
        for index in 0..cluster.len() {
            let next = (index + 1) % cluster.len();
            cluster.write_config(
                index,
                &format!(
                    "server_name: {0}1\ngateway {{ name: {0}, listen: \"{{gateway}}\", gateways: [{{name: {1}, url: \"nats://{2}\"}}] }}",
                    name(index),
                    name(next),
                    cluster.server(next).gateway_address()
                ),
            );
        }
        cluster.launch();
        let mut members = clients(&cluster);
        subscribe_for_reach(&cluster, &mut members);
        check_reach(&cluster, &mut members, "ring");
    }
}

/// GW-40: five clusters know each other: 5 × 4 links of either direction.
fn check_five(mix: &str, seeds: Seeds) {
    let cluster = SuperCluster::start_with(mix, seeds, "", "");
    let mut members = clients(&cluster);
    subscribe_for_reach(&cluster, &mut members);
    check_reach(&cluster, &mut members, "five");
}

both! {
    /// GW-40: in a super-cluster of M single servers each has M - 1 links of either direction, and stays so.
    #[test]
    fn links_are_as_many_as_a_full_mesh_has(kind: Kind) {
        for count in 2..=4 {
            for seeds in [Seeds::All, Seeds::First] {
                let cluster = SuperCluster::start_with(&pure(kind, count), seeds, "", "");
                let mut members = clients(&cluster);
                subscribe_for_reach(&cluster, &mut members);
                check_reach(&cluster, &mut members, "count");
                cluster.await_mesh();
            }
        }
    }

    /// GW-40.
    #[test]
    fn five_clusters_form_a_full_mesh(kind: Kind) {
        check_five(&pure(kind, 5), Seeds::All);
    }

    /// GW-40, GW-42.
    #[test]
    fn five_clusters_find_each_other_by_one_seed(kind: Kind) {
        check_five(&pure(kind, 5), Seeds::First);
    }

    /// GW-51: the order of starting does not matter; who is not there yet is tried until it is.
    #[test]
    fn servers_may_start_in_any_order(kind: Kind) {
        let mut cluster = SuperCluster::prepare(&pure(kind, 3), Seeds::All, "", "");
        for index in [2, 0, 1] {
            cluster.server_mut(index).launch().unwrap_or_else(|problem| panic!("{problem}"));
        }
        cluster.await_mesh();
    }

    /// GW-52: an implicit remote that went away is forgotten; a configured one comes back.
    #[test]
    fn implicit_remotes_are_forgotten(kind: Kind) {
        let mut cluster = SuperCluster::start_with(&pure(kind, 3), Seeds::First, "", "");
        cluster.server_mut(2).kill();
        cluster.await_mesh_of(&[0, 1]);
        cluster.server_mut(2).restart();
        cluster.await_mesh();
    }
}

/// The mixed forms of the above.
mod mixed {
    use super::*;

    #[test]
    fn five_clusters_gxgxg() {
        check_five("GXGXG", Seeds::All);
    }

    #[test]
    fn five_clusters_by_one_seed_xgxgx() {
        check_five("XGXGX", Seeds::First);
    }
}
