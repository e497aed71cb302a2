//! What the clients of a random run do: who subscribes to what, who publishes what, who comes and goes.
//!
//! Not here: how a client does it (`client`), what must come of it (`check`).

use std::time::Duration;

use crate::client::{Inbox, Wanted};
use crate::dice::Dice;
use crate::world::World;

/// The subjects of plain messages: `t.<0..WIDTH>.<0..WIDTH>`.
const WIDTH: usize = 3;
/// Names of queue groups.
const GROUPS: [&str; 2] = ["qa", "qb"];
/// Subjects of requests: one group answers, everybody answers, nobody does.
const SERVICES: [&str; 3] = ["rpc.group", "rpc.all", "rpc.nobody"];
/// Clients of one server.
const CLIENTS: (usize, usize) = (2, 4);
/// With more servers, each has two clients.
const CROWD: usize = 5;
/// Subscriptions that one client has at most.
const MOST_SUBSCRIPTIONS: usize = 6;

/// The workload of one run.
pub(crate) struct Workload {
    dice: Dice,
    /// Chance of an action per step, in thousandths.
    rate: usize,
    /// Largest payload.
    largest: usize,
    /// Whether clients break their connections on purpose.
    fickle: bool,
}

impl Workload {
    /// Drawn from `seed`.
    pub(crate) fn draw(seed: u64) -> Workload {
        let mut dice = Dice::derive(seed, "workload");
        Workload {
            rate: dice.between(20, 150),
            largest: *dice.pick(&[0, 100, 1000, 100_000]),
            fickle: dice.per_mille(500),
            dice,
        }
    }

    /// Brings the clients into the world.
    pub(crate) fn populate(&mut self, world: &mut World) {
        let most = if world.nodes.len() > CROWD {
            2
        } else {
            CLIENTS.1
        };
        for server in 0..world.nodes.len() {
            for _ in 0..self.dice.between(CLIENTS.0, most) {
                let mut inbox = *self.dice.pick(&[Inbox::Shared, Inbox::Fresh]);
                if world.topology.requests_may_overtake() {
                    // No answer could be demanded at an inbox that is as new as the request.
                    inbox = Inbox::Shared;
                }
                let client = world.add_client(server, inbox);
                for _ in 0..self.dice.between(0, 3) {
                    self.subscribe(world, client);
                }
            }
        }
        // There is always somebody to answer.
        let responder = self.dice.below(world.clients.len());
        for service in &SERVICES[..2] {
            world.clients[responder].subscribe(answering(service));
        }
    }

    /// Lets somebody do something, perhaps.
    pub(crate) fn step(&mut self, world: &mut World) {
        if !self.dice.per_mille(self.rate) {
            return;
        }
        let client = self.dice.below(world.clients.len());
        if !world.clients[client].is_connected() {
            return;
        }
        match self.dice.below(100) {
            0..70 => {
                for _ in 0..*self.dice.pick(&[1, 1, 1, 3, 20]) {
                    let (subject, size) = (self.subject(), self.size());
                    world.clients[client].publish(&subject, size);
                }
            }
            70..85 => {
                let (service, size) = (*self.dice.pick(&SERVICES), self.size());
                world.clients[client].request(service, size);
            }
            85..92 => self.subscribe(world, client),
            92..98 => self.unsubscribe(world, client),
            _ if self.fickle => world.clients[client].drop_connection(),
            _ => {}
        }
    }

    /// Lets one client of every server publish on every subject and make every request.
    pub(crate) fn say_everything(&mut self, world: &World) {
        for server in world.living() {
            let clients: Vec<_> = world.clients.iter().filter(|c| c.home == server).collect();
            for subject in subjects() {
                let size = self.size();
                self.dice.pick(&clients).publish(&subject, size);
            }
            for service in SERVICES {
                self.dice.pick(&clients).request(service, 0);
            }
        }
    }

    /// Lets one client of every server ask on every subject whether anybody is there.
    pub(crate) fn ask_everywhere(&mut self, world: &World) {
        for server in world.living() {
            let clients: Vec<_> = world.clients.iter().filter(|c| c.home == server).collect();
            for subject in subjects().iter().map(String::as_str).chain(SERVICES) {
                self.dice.pick(&clients).request(subject, 0);
            }
        }
    }

    fn subject(&mut self) -> String {
        format!("t.{}.{}", self.dice.below(WIDTH), self.dice.below(WIDTH))
    }

    fn size(&mut self) -> usize {
        match self.dice.per_mille(100) {
            true => self.dice.between(0, self.largest),
            false => 0,
        }
    }

    fn subscribe(&mut self, world: &mut World, client: usize) {
        if world.clients[client].wanted().len() >= MOST_SUBSCRIPTIONS {
            return;
        }
        let wanted = match self.dice.below(10) {
            0 => answering(SERVICES[0]),
            1 => answering(SERVICES[1]),
            roll => Wanted {
                pattern: self.pattern(),
                queue: (roll < 6).then(|| (*self.dice.pick(&GROUPS)).to_owned()),
                answers: None,
            },
        };
        world.clients[client].subscribe(wanted);
    }

    fn pattern(&mut self) -> String {
        let (one, other) = (self.dice.below(WIDTH), self.dice.below(WIDTH));
        match self.dice.below(6) {
            0 => "t.>".into(),
            1 => format!("t.{one}.>"),
            2 => format!("t.*.{one}"),
            3 => format!("*.{one}.*"),
            _ => format!("t.{one}.{other}"),
        }
    }

    fn unsubscribe(&mut self, world: &World, client: usize) {
        let wanted: Vec<u32> = world.clients[client].wanted().into_keys().collect();
        if !wanted.is_empty() {
            world.clients[client].unsubscribe(*self.dice.pick(&wanted));
        }
    }
}

/// A subscription of somebody who answers requests.
fn answering(service: &str) -> Wanted {
    let queue = (service == SERVICES[0]).then(|| "responders".to_owned());
    Wanted {
        pattern: service.to_owned(),
        queue,
        answers: Some(Duration::ZERO),
    }
}

/// All subjects of plain messages.
fn subjects() -> Vec<String> {
    let pairs = (0..WIDTH).flat_map(|one| (0..WIDTH).map(move |other| (one, other)));
    pairs
        .map(|(one, other)| format!("t.{one}.{other}"))
        .collect()
}
