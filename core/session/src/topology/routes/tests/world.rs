//! Whole clusters: whatever happened, they end in a full mesh, with nothing twice.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;

use super::network::{Config, Network};

const S: Duration = Duration::from_secs(1);

fn config(routes: &[usize]) -> Config {
    Config {
        routes: routes.to_vec(),
        pool_size: Some(3),
        pinned: vec![],
        compression: 0,
        is_gannet: true,
        cluster: Some("C"),
    }
}

#[test]
fn clu_02_gossip_from_a_single_seed_makes_a_full_mesh() {
    for seed in 0..20 {
        let mut configs = vec![config(&[])];
        configs.resize(5, config(&[0]));
        let mut network = Network::new(&configs, seed);
        network.run(S * 5);
        assert_eq!(network.is_mesh(), Ok(()));
        // Nothing more is tried.
        let dials = network.dials;
        network.run(S * 60);
        assert_eq!((network.is_mesh(), network.dials), (Ok(()), dials));
    }
}

#[test]
fn a_server_without_addresses_is_found_and_a_chain_becomes_a_mesh() {
    for seed in 0..20 {
        // 4 knows 3, 3 knows 2, and so on; 0 knows nobody.
        let configs: Vec<Config> = (0..5usize)
            .map(|n| config(&n.checked_sub(1).map_or(vec![], |below| vec![below])))
            .collect();
        let mut network = Network::new(&configs, seed);
        network.run(S * 8);
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
    }
}

#[test]
fn who_dial_each_other_at_once_and_themselves_are_linked_within_a_second_if_they_are_ours() {
    for seed in 0..50 {
        let configs = vec![config(&[0, 1, 2]); 3];
        let mut network = Network::new(&configs, seed);
        network.run(Duration::from_millis(3000));
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
        let dials = network.dials;
        network.run(S * 60);
        assert_eq!(network.dials, dials, "seed {seed}");
    }
}

#[test]
fn clu_03_a_made_up_name_gives_way() {
    for seed in 0..20 {
        let mut configs = vec![config(&[0, 1, 2]); 4];
        for config in &mut configs[1..] {
            config.cluster = None;
        }
        let mut network = Network::new(&configs, seed);
        network.run(S * 10);
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
        for server in &network.servers {
            assert_eq!(server.routes.cluster().name, "C");
        }
        // Nobody configured one: the largest wins.
        let mut configs = vec![config(&[0]); 4];
        configs.iter_mut().for_each(|config| config.cluster = None);
        let mut network = Network::new(&configs, seed);
        let mut names: Vec<_> = network
            .servers
            .iter()
            .map(|s| s.routes.cluster().clone())
            .collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        network.run(S * 30);
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
        for server in &network.servers {
            assert_eq!(Some(server.routes.cluster()), names.last());
        }
    }
}

#[test]
fn clu_26_accounts_and_pools_change_while_running() {
    for seed in 0..20 {
        let mut configs = vec![config(&[])];
        configs.resize(3, config(&[0]));
        let mut network = Network::new(&configs, seed);
        network.run(S * 4);
        for n in [2, 0, 1] {
            network.reload(n, Some(3), &["P"]);
            network.run(Duration::from_millis(1500));
        }
        network.run(S * 15);
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
        for n in [1, 0, 2] {
            network.reload(n, Some(5), &["P", "Q"]);
        }
        network.run(S * 20);
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
        network.reload(0, Some(2), &[]);
        network.reload(1, None, &[]);
        network.run(S * 20);
        assert_eq!(network.is_mesh(), Ok(()), "seed {seed}");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Cut(usize),
    Kill(usize),
    Restart(usize),
    Part(usize, usize),
    Join,
    LoseReports(bool),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => any::<usize>().prop_map(Event::Cut),
        2 => any::<usize>().prop_map(Event::Kill),
        2 => (0..5usize).prop_map(Event::Restart),
        2 => (0..5usize, 0..5usize).prop_map(|(a, b)| Event::Part(a, b)),
        1 => Just(Event::Join),
        1 => any::<bool>().prop_map(Event::LoseReports),
        4 => (1..6000u64).prop_map(Event::Wait),
    ]
}

/// Any configuration in which everybody can be found from server 0.
fn configs() -> impl Strategy<Value = Vec<Config>> {
    let one = (
        proptest::collection::vec(0..5usize, 0..3),
        any::<usize>(),
        prop_oneof![5 => (1..4u32).prop_map(Some), 1 => Just(None)],
        proptest::sample::subsequence(vec!["P", "Q"], 0..=2),
        0..5u8,
        prop_oneof![3 => Just(true), 1 => Just(false)],
    );
    proptest::collection::vec(one, 2..6).prop_map(|all| {
        let count = all.len();
        let make = |(n, (more, known, pool_size, pinned, compression, is_gannet))| {
            let mut routes: Vec<usize> = more;
            routes.retain(|other: &usize| *other < count);
            if n > 0 {
                routes.push(known % n);
            }
            Config {
                routes,
                pool_size,
                pinned,
                compression,
                is_gannet,
                cluster: Some("C"),
            }
        };
        all.into_iter().enumerate().map(make).collect()
    })
}

fn happens(network: &mut Network, event: &Event) {
    let count = network.servers.len();
    match event {
        Event::Cut(which) => network.cut(*which),
        Event::Kill(which) => network.kill(*which),
        Event::Restart(n) if *n < count => network.restart(*n),
        Event::Part(a, b) if a != b && *a < count && *b < count => network.part(*a, *b),
        Event::Join => network.parted.clear(),
        Event::LoseReports(loses) => network.loses_reports = *loses,
        Event::Wait(ms) => network.run(Network::millis(*ms)),
        Event::Restart(_) | Event::Part(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever happened: once all servers can reach each other, every pair has exactly the connections
    /// that it should have, registered at both ends at the same place.
    #[test]
    fn the_mesh_heals(
        seed in any::<u64>(),
        configs in configs(),
        events in proptest::collection::vec(event(), 0..25),
    ) {
        let mut network = Network::new(&configs, seed);
        for event in &events {
            happens(&mut network, event);
        }
        network.parted.clear();
        network.loses_reports = false;
        network.run(S * 150);
        prop_assert_eq!(network.is_mesh(), Ok(()));
    }

    /// The same events and the same seed give the same cluster.
    #[test]
    fn a_run_can_be_repeated(
        seed in any::<u64>(),
        configs in configs(),
        events in proptest::collection::vec(event(), 0..10),
    ) {
        let run = || {
            let mut network = Network::new(&configs, seed);
            for event in &events {
                happens(&mut network, event);
            }
            network.run(S * 2);
            (network.now, network.dials, network.is_mesh())
        };
        prop_assert_eq!(run(), run());
    }
}
