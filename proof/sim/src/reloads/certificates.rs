//! Certificates change while servers run: one server gets a new one from whoever vouches for it; or everybody gets one
//! from somebody new, in three rounds, as operators do it: first all are told to trust him, too, then each gets its
//! certificate, then nobody trusts the one before any more. A round begins when the one before is over everywhere.
//!
//! Nothing of this is noted in the journal, since nobody may notice it.
//!
//! Not here: the files (`tls`), what a server makes of them (`gannet_node`).

use std::collections::BTreeMap;
use std::time::Duration;

use gannet_units::Moment;

use super::is_reachable;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::tls::AUTHORITY_COUNT;
use crate::world::World;

/// The time from the beginning of a round until a server's turn.
const TURN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));

/// One step of the change from one authority to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Trust,
    Certify,
    Distrust,
}

/// The renewals of one run.
pub(super) struct Renewals {
    dice: Dice,
    /// Chance of a renewal per step, in thousandths.
    rate: usize,
    /// Who vouches for servers, but for those that the present round has come to.
    authority: usize,
    round: Option<Round>,
    /// Servers whose turn in the round has not come, and when it does.
    waiting: BTreeMap<usize, Moment>,
}

impl Renewals {
    pub(super) fn draw(seed: u64) -> Renewals {
        let mut dice = Dice::derive(seed, "renewals");
        let any = dice.per_mille(800);
        Renewals {
            rate: if any { dice.between(1, 12) } else { 0 },
            dice,
            authority: 0,
            round: None,
            waiting: BTreeMap::new(),
        }
    }

    /// Does what is due, and perhaps begins something else; answers how many changes began.
    pub(super) fn step(&mut self, world: &mut World, faults: &Faults) -> u64 {
        let now = world.now();
        self.go_on(world, |world, server, at| {
            at <= now && is_reachable(world, faults, server)
        });
        if self.waiting.is_empty() {
            self.next_round(world);
        }
        if !self.dice.per_mille(self.rate) {
            return 0;
        }
        let server = self.dice.below(world.nodes.len());
        let is_last = self.authority + 1 == AUTHORITY_COUNT;
        if self.dice.per_mille(300) && self.round.is_none() && !is_last {
            world.tell("reload certificates: somebody else vouches for everybody");
            self.begin(world, Round::Trust);
        } else if !world.nodes[server].gone && is_reachable(world, faults, server) {
            world.tell(&format!("reload certificates: server {server}"));
            let authority = self.voucher_of(server);
            if self.dice.per_mille(200) {
                world.certify_by_half(server, authority);
            }
            world.certify(server, authority);
            world.reload(server, |_| {});
        } else {
            return 0;
        }
        1
    }

    /// Brings the present round to its end; answers whether all servers could be told. If not, it is to be tried
    /// again.
    pub(super) fn end(&mut self, world: &mut World) -> bool {
        self.go_on(world, |world, server, _| world.takes_options(server));
        self.waiting.is_empty()
    }

    /// Who vouches for a server now.
    fn voucher_of(&self, server: usize) -> usize {
        let is_next = match self.round {
            None | Some(Round::Trust) => false,
            Some(Round::Certify) => !self.waiting.contains_key(&server),
            Some(Round::Distrust) => true,
        };
        self.authority + usize::from(is_next)
    }

    fn begin(&mut self, world: &World, round: Round) {
        self.round = Some(round);
        let now = world.now();
        let turns = world
            .living()
            .map(|server| (server, now + self.dice.duration(TURN.0, TURN.1)));
        self.waiting = turns.collect();
    }

    fn next_round(&mut self, world: &World) {
        match self.round {
            None => {}
            Some(Round::Trust) => self.begin(world, Round::Certify),
            Some(Round::Certify) => self.begin(world, Round::Distrust),
            Some(Round::Distrust) => {
                self.round = None;
                self.authority += 1;
            }
        }
    }

    /// Has the servers whose turn it is, and that are `ready`, go by the round.
    fn go_on(&mut self, world: &mut World, ready: impl Fn(&World, usize, Moment) -> bool) {
        let Some(round) = self.round else { return };
        let (old, new) = (self.authority, self.authority + 1);
        self.waiting.retain(|server, at| {
            let server = *server;
            if world.nodes[server].gone {
                return false;
            }
            if !ready(world, server, *at) {
                return true;
            }
            world.tell(&format!("reload certificates: server {server}, {round:?}"));
            match round {
                Round::Trust => world.trust(server, &[old, new]),
                Round::Certify => world.certify(server, new),
                Round::Distrust => world.trust(server, &[new]),
            }
            world.reload(server, |_| {});
            false
        });
    }
}
