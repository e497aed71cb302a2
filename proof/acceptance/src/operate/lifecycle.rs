//! Servers that end and come back, in every way there is, under load: `kill -9`, TERM, lame duck, and reloads in
//! between. One server stays for all that time, and is watched for what it leaks.
//!
//! Not here: for how many rounds (a test says a few, the command many).

use super::flood::{Carried, Flood, Site};
use super::holdings::Holdings;
use super::roamers::{Home, Roamers};
use crate::dice::Dice;
use crate::mesh::{Interest, Mesh, Plan, settled};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;

/// The servers, one letter each, clusters apart; the first stays.
const MIX: &str = "GG GG";
/// The one that stays.
const WITNESS: usize = 0;
/// What every configuration has at its top: a lame duck is done with its clients in a second, and what is remembered
/// of closed connections is little.
const TOP: &str =
    "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"10ms\"\nmax_closed_clients: 100";
/// From this round on, memory is looked at: until then, what is kept for next time has not been needed yet.
const WARM: u32 = 100;
/// Memory may be so much above its level at the first look, in percent and in KiB: what it is cut into is never twice
/// the same.
const MORE_MEMORY: (u64, u64) = (25, 8 * 1024);

/// Threads for what blocks (reading certificates, looking up names) come and go.
const MORE_THREADS: usize = 4;

/// What is done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// SIGKILL, and started again.
    Kill,
    /// SIGTERM, and started again.
    Terminate,
    /// SIGUSR2, and started again.
    LameDuck,
    /// Other options for it and for the one that stays.
    Reload,
}

impl Event {
    /// All of them, in the order in which they take turns.
    pub const ALL: [Event; 4] = [
        Event::Kill,
        Event::Terminate,
        Event::LameDuck,
        Event::Reload,
    ];
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Event::Kill => "kill -9",
            Event::Terminate => "TERM",
            Event::LameDuck => "lame duck",
            Event::Reload => "reload",
        })
    }
}

/// A super-cluster whose servers come and go.
#[derive(Debug)]
pub struct Lifecycle {
    mesh: Mesh,
    /// Between clients of the one that stays: nothing of it may be lost.
    flood: Flood,
    roamers: Roamers,
    dice: Dice,
    round: u32,
    counts: BTreeMap<Event, u32>,
    before: Vec<Holdings>,
    /// What the one that stays has held, by the rounds after which it was looked at.
    looks: Vec<(u32, Holdings)>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How often each event happened.
    pub counts: BTreeMap<Event, u32>,
    /// What the load at the server that stays has carried.
    pub carried: Carried,
    /// Messages heard by clients that have lost their servers, and by all others.
    pub roamed: u64,
    /// What the server that stays has held, by the rounds after which it was looked at.
    pub looks: Vec<(u32, Holdings)>,
}

impl Lifecycle {
    /// Starts servers and load; who is chosen is drawn from `seed`.
    ///
    /// # Panics
    /// When the mesh does not come up.
    pub fn start(seed: u64) -> Lifecycle {
        let mut mesh = Mesh::prepare(Plan::of(MIX));
        for index in 0..mesh.nodes().len() {
            mesh.set(index, |settings| {
                settings.no_debug = true;
                settings.top = TOP.to_owned();
            });
        }
        mesh.launch_all();
        mesh.await_links();
        let site = Site {
            name: mesh.nodes()[WITNESS].name.clone(),
            address: mesh.nodes()[WITNESS].server.client_address(),
            connect: json!({}),
        };
        let mut interest = Interest::default();
        interest.add(WITNESS, "flood.*", "");
        let flood = Flood::start(&[site.clone(), site], || {
            interest.is_known_everywhere(&mesh)
        });
        let home = |index: usize| Home {
            name: mesh.nodes()[index].name.clone(),
            address: mesh.nodes()[index].server.client_address(),
            cluster: mesh.nodes()[index].cluster,
        };
        let roamers = Roamers::start((0..mesh.nodes().len()).map(home).collect());
        roamers.await_progress();
        let before = mesh.nodes().iter().map(Holdings::settled_of).collect();
        Lifecycle {
            mesh,
            flood,
            roamers,
            dice: Dice::new(seed),
            round: 0,
            counts: BTreeMap::new(),
            before,
            looks: Vec::new(),
        }
    }

    /// Lets the next event happen to some server, and waits until all is as it was.
    ///
    /// # Panics
    /// When a server does not end, a link to it stays, it does not come back, or somebody notices who should not.
    pub fn round(&mut self) -> Event {
        let event = Event::ALL[self.round as usize % Event::ALL.len()];
        let victim = 1 + self.dice.below(self.mesh.nodes().len() - 1);
        self.round += 1;
        *self.counts.entry(event).or_default() += 1;
        match event {
            Event::Reload => {
                self.reload(victim);
                self.reload(WITNESS);
            }
            _ => self.restart(victim, event),
        }
        self.mesh.await_links();
        self.roamers.await_progress();
        self.flood.await_progress();
        event
    }

    /// Whether every event has happened as often as every other.
    pub fn is_turn_over(&self) -> bool {
        (self.round as usize).is_multiple_of(Event::ALL.len())
    }

    /// Notes what the server that stays holds. Of looks after many rounds, the last is compared with the first.
    pub fn look(&mut self) -> Holdings {
        let holdings = Holdings::settled_of(&self.mesh.nodes()[WITNESS]);
        self.looks.push((self.round, holdings));
        holdings
    }

    /// Ends the load and judges: every server holds what it held before, memory of the one that stays included.
    ///
    /// # Panics
    /// When that is not so.
    pub fn finish(mut self) -> Outcome {
        for (node, before) in self.mesh.nodes().iter().zip(&self.before) {
            settled(&format!("{} to hold what it held", node.name), || {
                let now = Holdings::try_of(node)?;
                let same = now.descriptors == before.descriptors
                    && now.threads <= before.threads + MORE_THREADS;
                same.then_some(())
                    .ok_or_else(|| format!("{now} instead of {before}"))
            });
        }
        self.look();
        let mut warm = self.looks.iter().filter(|(round, _)| *round >= WARM);
        if let (Some((_, first)), Some((_, last))) = (warm.next(), warm.next_back()) {
            let (percent, more) = MORE_MEMORY;
            let most = first.resident * (100 + percent) / 100 + more;
            assert!(last.resident <= most, "memory grows: {:?}", self.looks);
        }
        self.roamers.expect_no_complaints();
        let roamed = self.roamers.heard();
        drop(self.roamers);
        Outcome {
            counts: self.counts,
            carried: self.flood.finish(),
            roamed,
            looks: self.looks,
        }
    }

    fn reload(&mut self, index: usize) {
        let round = self.round;
        self.mesh.set(index, |settings| {
            settings.no_debug = round.is_multiple_of(8);
            settings.top = format!(
                "{TOP}\nmax_connections: {}\nping_interval: \"{}s\"",
                1000 + round,
                60 + round % 30
            );
            settings.gateway = format!("connect_retries: {}", round % 3);
        });
        let said = self.mesh.reload(index);
        assert!(!said.is_empty(), "nothing has changed");
    }

    fn restart(&mut self, victim: usize, event: Event) {
        let node = &self.mesh.nodes()[victim];
        let page = node.server.monitor("/varz");
        let id = page["server_id"].as_str().expect("a text").to_owned();
        let epochs = self.roamers.epochs(victim);
        self.roamers.expect_loss(victim);
        match event {
            Event::Kill => self.mesh.kill(victim),
            Event::Terminate => self.mesh.end(victim, Signal::TERM),
            _ => self.mesh.end(victim, Signal::USR2),
        }
        self.await_no_link_to(&id);
        self.mesh.launch(victim);
        self.roamers.await_back(victim, epochs);
    }

    /// Waits until no server that runs shows a link to the one that had this id.
    fn await_no_link_to(&self, id: &str) {
        for index in self.mesh.running() {
            let node = &self.mesh.nodes()[index];
            settled(
                &format!("{} to have no link to the dead {id}", node.name),
                || {
                    for path in ["/routez", "/gatewayz"] {
                        let page = node.server.try_monitor(path)?.to_string();
                        if page.contains(id) {
                            return Err(page);
                        }
                    }
                    Ok(())
                },
            );
        }
    }
}
