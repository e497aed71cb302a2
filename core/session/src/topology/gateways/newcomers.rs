//! Clusters that come to one they know, each to another of its servers, at nearly the same moment. Afterwards all
//! are linked with all, and nobody was told anything twice.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use gannet_units::Moment;
use proptest::prelude::*;

use super::tests::{ms, remote, settings};
use super::{Dial, DialId, Gateways, Output, Settings, Standing};
use crate::topology::chance::Chance;

/// Something that arrives at a server.
enum Arrival {
    Start,
    /// Who asks, and for which attempt.
    Dial(usize, DialId),
    /// The attempt found nobody.
    Refused(DialId),
    /// The attempt led to a link with that server.
    Accepted(DialId, usize),
    /// The link that this server had made was not wanted.
    Dropped(usize),
    Gossip(String, Vec<String>),
}

struct Server {
    cluster: String,
    mesh: Gateways,
    runs: bool,
    attempts: BTreeSet<DialId>,
    inbound: Vec<usize>,
    linked: BTreeSet<String>,
    /// What it has told those who are linked to it.
    told: BTreeSet<(String, String)>,
}

/// Some servers of one cluster, `A`, and newcomers, one server each. Everything takes its time.
struct World {
    servers: Vec<Server>,
    /// Servers of `A`.
    hosts: usize,
    coming: BTreeMap<(Moment, u64), (usize, Arrival)>,
    sent: u64,
    now: Moment,
    chance: Chance,
}

impl World {
    /// The newcomers know one server of `A` each, and start then.
    fn new(seed: u64, hosts: usize, newcomers: &[(usize, u64)]) -> World {
        let mut world = World {
            servers: Vec::new(),
            hosts,
            coming: BTreeMap::new(),
            sent: 0,
            now: Moment::START,
            chance: Chance::new(seed),
        };
        let old = (0..hosts).map(|_| ("A".to_string(), vec![], 0));
        let new = newcomers.iter().enumerate().map(|(n, (host, start))| {
            let known = remote("A", &[&format!("s{}", host % hosts)]);
            (format!("N{n}"), vec![known], *start)
        });
        for (index, (cluster, known, start)) in old.chain(new).enumerate() {
            let settings = Settings {
                own: cluster.clone(),
                server_name: format!("s{index}"),
                ..settings()
            };
            let seed = seed.wrapping_add(index as u64);
            world.servers.push(Server {
                cluster,
                mesh: Gateways::new(settings, &known, Moment::START, seed),
                runs: false,
                attempts: BTreeSet::new(),
                inbound: Vec::new(),
                linked: BTreeSet::new(),
                told: BTreeSet::new(),
            });
            world.coming.insert(
                (Moment::START + ms(start), index as u64),
                (index, Arrival::Start),
            );
        }
        world.sent = world.servers.len() as u64;
        world
    }

    fn urls(&self, server: usize) -> Vec<String> {
        let same = |other: &usize| self.servers[*other].cluster == self.servers[server].cluster;
        let mates = (0..self.servers.len()).filter(same);
        mates.map(|mate| format!("s{mate}:7222")).collect()
    }

    fn send(&mut self, to: usize, what: Arrival) {
        self.sent += 1;
        let arrives = self.now + ms(1 + self.chance.below(40));
        self.coming.insert((arrives, self.sent), (to, what));
    }

    fn carry_out(&mut self, at: usize, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Dial(Dial { id, url, .. }) => {
                    let to = url.host[1..].parse().expect("hosts are s0, s1 …");
                    self.servers[at].attempts.insert(id);
                    self.send(to, Arrival::Dial(at, id));
                }
                Output::Cancel(id) => {
                    self.servers[at].attempts.remove(&id);
                }
                Output::Tell { remote, urls } => self.tell(at, &remote, &urls),
                Output::Forget { .. } | Output::Log(_) => {}
            }
        }
    }

    fn tell(&mut self, at: usize, remote: &str, urls: &[String]) {
        for url in urls {
            let news = (remote.to_string(), url.clone());
            assert!(self.servers[at].told.insert(news), "told of {url} twice");
        }
        for other in self.servers[at].inbound.clone() {
            if self.servers[other].cluster != remote {
                self.send(other, Arrival::Gossip(remote.to_string(), urls.to_vec()));
            }
        }
    }

    fn arrive(&mut self, at: usize, what: Arrival) {
        let now = self.now;
        let mut out = Vec::new();
        match what {
            Arrival::Start => {
                self.servers[at].runs = true;
                self.servers[at].mesh.poll(now, &mut out);
            }
            Arrival::Dial(from, id) if !self.servers[at].runs => {
                self.send(from, Arrival::Refused(id));
            }
            Arrival::Dial(from, id) => {
                self.send(from, Arrival::Accepted(id, at));
                let (cluster, urls) = (self.servers[from].cluster.clone(), self.urls(from));
                let known = self.servers[at].mesh.gossip_for(&cluster);
                let known: Vec<Arrival> = known
                    .map(|(name, urls)| Arrival::Gossip(name.to_string(), urls))
                    .collect();
                known.into_iter().for_each(|news| self.send(from, news));
                self.servers[at].inbound.push(from);
                let mesh = &mut self.servers[at].mesh;
                let url = format!("s{from}:7222");
                mesh.inbound_up(&cluster, &url, &urls, now, &mut out);
            }
            Arrival::Refused(id) => {
                if self.servers[at].attempts.remove(&id) {
                    self.servers[at].mesh.dial_failed(id, now, &mut out);
                }
            }
            Arrival::Accepted(id, by) => self.accepted(at, id, by, &mut out),
            Arrival::Dropped(from) => {
                let place = self.servers[at].inbound.iter().position(|one| *one == from);
                self.servers[at]
                    .inbound
                    .remove(place.expect("it was there"));
                let cluster = self.servers[from].cluster.clone();
                let url = format!("s{from}:7222");
                self.servers[at].mesh.inbound_over(&cluster, &url);
            }
            Arrival::Gossip(remote, urls) => {
                let mesh = &mut self.servers[at].mesh;
                mesh.gossip(&remote, &urls, now, &mut out);
            }
        }
        self.carry_out(at, out);
    }

    fn accepted(&mut self, at: usize, id: DialId, by: usize, out: &mut Vec<Output>) {
        let urls = self.urls(by);
        let mesh = &mut self.servers[at].mesh;
        if mesh.link_up(id, &urls, self.now, out) == Standing::Unwanted {
            return self.send(by, Arrival::Dropped(at));
        }
        let remote = self.servers[by].cluster.clone();
        assert!(self.servers[at].linked.insert(remote.clone()));
        // The routes of the cluster.
        let hosts = self.hosts;
        for mate in (0..hosts).filter(|mate| at < hosts && *mate != at) {
            self.send(mate, Arrival::Gossip(remote.clone(), urls.clone()));
        }
    }

    fn run_until(&mut self, end: Moment) {
        loop {
            let arrival = self
                .coming
                .keys()
                .next()
                .map_or(Moment::NEVER, |(at, _)| *at);
            let due = |server: &Server| match server.runs {
                true => server.mesh.next_deadline(),
                false => Moment::NEVER,
            };
            let deadline = self.servers.iter().map(due).min();
            let next = arrival.min(deadline.unwrap_or(Moment::NEVER));
            if next > end {
                return;
            }
            self.now = self.now.max(next);
            if arrival <= self.now {
                let (_, (at, what)) = self.coming.pop_first().expect("there is a first one");
                self.arrive(at, what);
                continue;
            }
            for at in 0..self.servers.len() {
                if due(&self.servers[at]) <= self.now {
                    let mut out = Vec::new();
                    self.servers[at].mesh.poll(self.now, &mut out);
                    self.carry_out(at, out);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn newcomers_hear_of_each_other_wherever_and_whenever_they_come(
        seed in any::<u64>(),
        hosts in 1..5usize,
        newcomers in proptest::collection::vec((0..4usize, 0..100u64), 2..5),
    ) {
        let mut world = World::new(seed, hosts, &newcomers);
        world.run_until(Moment::START + ms(10_000));
        for server in &world.servers {
            let clusters = newcomers.len() + 1;
            prop_assert_eq!(server.linked.len(), clusters - 1, "{} has {:?}", server.cluster, server.linked);
        }
        prop_assert!(world.coming.is_empty());
    }
}
