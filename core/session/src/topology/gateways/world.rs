//! The mesh against a random world: addresses that refuse, keep silent or lose their reports, links that
//! are cut. Afterwards every wanted link must stand, once.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use gannet_config::RemoteGateway;
use gannet_units::Moment;
use proptest::prelude::*;

use super::tests::{ms, remote, settings};
use super::{DialId, Gateways, Output, Settings, Standing};

/// How an address behaves when dialled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    Good,
    Refuses,
    /// The dial times out.
    BlackHole,
    /// It accepts and never speaks.
    Silent,
    /// The node's report on it gets lost.
    Lost,
}

#[derive(Clone, Debug)]
enum Event {
    Behave(usize, Behaviour),
    Cut(usize),
    Gossip(usize),
    InboundUp(usize),
    InboundOver(usize),
    PeerUrls(usize),
    Wait(u64),
}

const NAMES: [&str; 4] = ["B", "C", "D", "E"];

fn event() -> impl Strategy<Value = Event> {
    use Behaviour::{BlackHole, Good, Lost, Refuses, Silent};
    let behaviour = proptest::sample::select(vec![Good, Refuses, BlackHole, Silent, Lost]);
    prop_oneof![
        3 => (0..12usize, behaviour).prop_map(|(address, how)| Event::Behave(address, how)),
        2 => (0..4usize).prop_map(Event::Cut),
        1 => (0..4usize).prop_map(Event::Gossip),
        1 => (0..4usize).prop_map(Event::InboundUp),
        1 => (0..4usize).prop_map(Event::InboundOver),
        1 => (0..4usize).prop_map(Event::PeerUrls),
        4 => (1..4000u64).prop_map(Event::Wait),
    ]
}

/// Four clusters of three addresses each; the first two are configured, the others heard of.
struct World {
    mesh: Gateways,
    now: Moment,
    behaviour: [Behaviour; 12],
    /// What will be reported on an attempt, and when; `true` if a link was registered.
    pending: BTreeMap<(Moment, DialId), bool>,
    dialled: BTreeMap<DialId, (usize, Moment)>,
    /// Links that stand, by cluster.
    links: BTreeMap<usize, DialId>,
    inbound: [usize; 4],
}

impl World {
    fn new(seed: u64) -> World {
        let configured: Vec<RemoteGateway> = (0..2)
            .map(|cluster| {
                let hosts: Vec<String> = (0..3).map(|n| format!("h{}", cluster * 3 + n)).collect();
                remote(
                    NAMES[cluster],
                    &hosts.iter().map(String::as_str).collect::<Vec<_>>(),
                )
            })
            .collect();
        let mesh = Gateways::new(
            Settings {
                connect_retries: 1,
                ..settings()
            },
            &configured,
            Moment::START,
            seed,
        );
        World {
            mesh,
            now: Moment::START,
            behaviour: [Behaviour::Good; 12],
            pending: BTreeMap::new(),
            dialled: BTreeMap::new(),
            links: BTreeMap::new(),
            inbound: [0; 4],
        }
    }

    fn urls(cluster: usize) -> Vec<String> {
        (0..3)
            .map(|n| format!("h{}:7222", cluster * 3 + n))
            .collect()
    }

    fn carry_out(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Dial(dial) => {
                    let address: usize = dial.url.host[1..].parse().expect("hosts are h0 to h11");
                    assert_eq!(NAMES[address / 3], dial.remote);
                    let same = self
                        .dialled
                        .values()
                        .filter(|(known, _)| *known == address)
                        .count();
                    assert_eq!(same, 0, "one attempt at an address at a time");
                    self.dialled.insert(dial.id, (address, self.now));
                    let report = match self.behaviour[address] {
                        Behaviour::Good => Some((ms(20), true)),
                        Behaviour::Refuses => Some((ms(1), false)),
                        Behaviour::BlackHole => Some((ms(1000), false)),
                        Behaviour::Silent => Some((ms(4000), false)),
                        Behaviour::Lost => None,
                    };
                    if let Some((delay, works)) = report {
                        self.pending.insert((self.now + delay, dial.id), works);
                    }
                }
                Output::Cancel(id) => {
                    assert!(
                        self.dialled.remove(&id).is_some(),
                        "only what is under way is cancelled"
                    );
                    self.pending.retain(|(_, known), _| *known != id);
                }
                Output::Forget { remote } => {
                    let cluster = NAMES
                        .iter()
                        .position(|name| *name == remote)
                        .expect("a known name");
                    assert!(
                        cluster >= 2
                            && self.inbound[cluster] == 0
                            && !self.links.contains_key(&cluster)
                    );
                }
                Output::Tell { remote, urls } => {
                    assert!(!urls.is_empty());
                    assert!(self.others_are_linked(&remote), "somebody listens");
                }
                Output::Log(_) => {}
            }
        }
    }

    /// Whether a server of another cluster than that one has linked to us.
    fn others_are_linked(&self, remote: &str) -> bool {
        let inbound = NAMES.iter().zip(self.inbound);
        let mut others = inbound.filter(|(name, _)| **name != remote);
        others.any(|(_, links)| links > 0)
    }

    fn report(&mut self, id: DialId, works: bool) {
        let Some((address, _)) = self.dialled.remove(&id) else {
            return;
        };
        let mut out = Vec::new();
        if works {
            let cluster = address / 3;
            assert_eq!(
                self.mesh
                    .link_up(id, &World::urls(cluster), self.now, &mut out),
                Standing::Wanted
            );
            assert_eq!(self.links.insert(cluster, id), None, "never two links");
        } else {
            self.mesh.dial_failed(id, self.now, &mut out);
        }
        self.carry_out(out);
    }

    fn run_until(&mut self, end: Moment) {
        for _ in 0..100_000 {
            let report = self
                .pending
                .keys()
                .next()
                .map_or(Moment::NEVER, |(at, _)| *at);
            let next = report.min(self.mesh.next_deadline());
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if report <= self.now {
                let ((_, id), works) = self.pending.pop_first().expect("there is a first one");
                self.report(id, works);
            } else {
                let mut out = Vec::new();
                self.mesh.poll(self.now, &mut out);
                self.carry_out(out);
            }
        }
        panic!("time does not pass");
    }

    fn happens(&mut self, event: &Event) {
        let mut out = Vec::new();
        match event {
            Event::Behave(address, how) => self.behaviour[*address] = *how,
            Event::Cut(cluster) => {
                if let Some(id) = self.links.remove(cluster) {
                    self.mesh.link_over(id, self.now, &mut out);
                }
            }
            Event::Gossip(cluster) => {
                self.mesh
                    .gossip(NAMES[*cluster], &World::urls(*cluster), self.now, &mut out)
            }
            Event::InboundUp(cluster) => {
                self.inbound[*cluster] += 1;
                let (name, urls) = (NAMES[*cluster], World::urls(*cluster));
                let (mesh, now) = (&mut self.mesh, self.now);
                mesh.inbound_up(name, &urls[0], &urls, now, &mut out);
            }
            Event::InboundOver(cluster) => {
                if self.inbound[*cluster] > 0 {
                    self.inbound[*cluster] -= 1;
                    let url = &World::urls(*cluster)[0];
                    self.mesh.inbound_over(NAMES[*cluster], url);
                }
            }
            Event::PeerUrls(cluster) => {
                if let Some(id) = self.links.get(cluster) {
                    self.mesh
                        .peer_urls(*id, &World::urls(*cluster)[..1], &mut out);
                }
            }
            Event::Wait(time) => self.run_until(self.now + ms(*time)),
        }
        self.carry_out(out);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happened: once every cluster can be reached at one address at least, every wanted link
    /// stands within ten seconds, exactly one per cluster, and nothing else is under way.
    #[test]
    fn the_mesh_heals(seed in any::<u64>(), events in proptest::collection::vec(event(), 0..80), good in proptest::collection::vec(0..3usize, 4)) {
        let mut world = World::new(seed);
        for event in &events {
            world.happens(event);
        }
        for (cluster, n) in good.iter().enumerate() {
            world.behaviour[cluster * 3 + n] = Behaviour::Good;
            // Addresses heard of in part are heard of in full.
            world.happens(&Event::InboundUp(cluster));
        }
        world.run_until(world.now + ms(10_000));
        let linked: Vec<usize> = world.links.keys().copied().collect();
        prop_assert_eq!(linked, vec![0, 1, 2, 3]);
        prop_assert!(world.dialled.is_empty());
        prop_assert_eq!(world.mesh.next_deadline(), Moment::NEVER);
    }

    /// Configured remotes heal without any sign of life from them.
    #[test]
    fn configured_links_heal_by_themselves(seed in any::<u64>(), events in proptest::collection::vec(event(), 0..80), good in 0..3usize) {
        let mut world = World::new(seed);
        for event in &events {
            world.happens(event);
        }
        for cluster in 0..2 {
            world.behaviour[cluster * 3 + good] = Behaviour::Good;
        }
        world.run_until(world.now + ms(10_000));
        prop_assert!(world.links.contains_key(&0) && world.links.contains_key(&1), "{:?}", world.links);
    }

    /// The same events and the same seed give the same outputs.
    #[test]
    fn a_run_can_be_repeated(seed in any::<u64>(), events in proptest::collection::vec(event(), 0..40)) {
        let run = || {
            let mut world = World::new(seed);
            events.iter().for_each(|event| world.happens(event));
            format!("{:?}", world.mesh)
        };
        prop_assert_eq!(run(), run());
    }
}
