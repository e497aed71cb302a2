//! The course of a random run: the mesh comes up, the clients come, all is well; then faults strike, with the
//! checkers watching; then everything is healed, and all must be well again in time; then everybody leaves,
//! and nothing may be left.
//!
//! Not here: what "well" means (`check`).

use std::ops::Range;
use std::time::Duration;

use crate::arena::Arena;
use crate::check::{self, Holding};
use crate::faults::Faults;
use crate::journal::{Journal, MessageId};
use crate::oracle::Distances;
use crate::outcome::{Config, Failure, FailureKind};
use crate::reloads::Reloads;
use crate::topology::MESH;
use crate::workload::Workload;
use crate::world::World;

/// From then on until everybody is connected and reaches everybody.
const CONVERGENCE: Duration = Duration::from_secs(10);
/// From the last one's leaving until nothing is left.
const CLEANING: Duration = Duration::from_secs(10);
/// How long one round of messages may take in fine weather.
const ROUND: Duration = Duration::from_secs(4);
/// How long all pages of all servers may take.
const INSPECTION: Duration = Duration::from_secs(5);
/// How late what was sent in bad weather may still be: links are slower by no more than this.
const LATE: Duration = Duration::from_secs(2);
/// How long we wait for what must not come.
const QUIET: Duration = Duration::from_millis(300);

/// A random run.
pub(crate) struct Run<'a> {
    pub(crate) arena: &'a mut Arena,
    pub(crate) faults: &'a mut Faults,
    pub(crate) reloads: &'a mut Reloads,
    pub(crate) workload: Workload,
}

impl Run<'_> {
    /// From the start to the end.
    pub(crate) fn all(&mut self, config: &Config) -> Result<(), Failure> {
        for server in 0..self.arena.world.nodes.len() {
            self.arena.world.start(server);
        }
        self.arena.until(MESH, "mesh", check::judge_mesh)?;
        self.arena.run_for(QUIET)?;
        let empty = Holding::of_all(&self.arena.world);
        self.workload.populate(&mut self.arena.world);
        self.all_is_well(CONVERGENCE)?;

        self.arena.world.tell("faults begin");
        let until = self.arena.world.now() + config.faults;
        while self.arena.world.now() < until {
            self.faults.step(&mut self.arena.world);
            self.reloads.step(&mut self.arena.world, self.faults);
            self.workload.step(&mut self.arena.world);
            self.arena.step()?;
        }

        self.faults.heal_all(&mut self.arena.world);
        while !self.reloads.end_all(&mut self.arena.world) {
            self.arena.step()?;
        }
        self.arena.until(
            MESH + self.arena.world.topology.notice(),
            "mesh",
            check::judge_mesh,
        )?;
        self.all_is_well(CONVERGENCE)?;
        self.nobody_is_there()?;
        self.nothing_is_left(&empty)
    }

    /// Everybody is connected, and everybody reaches everybody exactly once: within `bound`, and from then on.
    fn all_is_well(&mut self, bound: Duration) -> Result<(), Failure> {
        let bound = bound + self.arena.world.topology.notice();
        let deadline = self.arena.world.now() + bound;
        self.arena.until(bound, "clients", everybody_is_settled)?;
        while let Err(text) = self.round(Workload::say_everything, judge_everything)? {
            if self.arena.world.now() >= deadline {
                let text = format!("after {bound:?} still: {text}");
                return Err(self
                    .arena
                    .failure(FailureKind::Liveness, "interest converges", text));
            }
        }
        // All could be well by what was known before: the news of a change may still be on its way.
        self.arena.run_for(LATE)?;
        self.arena.world.tell("all is well");
        self.round(Workload::say_everything, judge_everything)?
            .map_err(|text| {
                self.arena
                    .failure(FailureKind::Safety, "exactly once", text)
            })?;
        self.everybody_knows_everything()
    }

    /// Servers know the interest of all others, clients the addresses of their cluster.
    fn everybody_knows_everything(&mut self) -> Result<(), Failure> {
        self.arena
            .until(CONVERGENCE, "clients know the cluster", check::judge_urls)?;
        let deadline = self.arena.world.now() + CONVERGENCE;
        while let Err(text) = self.inspection()? {
            if self.arena.world.now() >= deadline {
                return Err(self.arena.failure(
                    FailureKind::Liveness,
                    "interest is known as it is",
                    text,
                ));
            }
            self.arena.run_for(QUIET)?;
        }
        Ok(())
    }

    /// Asks every server what it knows; the inner result is the judgement.
    fn inspection(&mut self) -> Result<Result<(), String>, Failure> {
        let answers = self.arena.world.inspect();
        self.arena.until(INSPECTION, "monitoring", |world| {
            match answers.lock().len() == world.living().count() {
                true => Ok(()),
                false => Err("not all servers have answered".into()),
            }
        })?;
        let judgement = check::judge_interest(&self.arena.world, &answers.lock());
        Ok(judgement)
    }

    /// Has things said and waits for what comes of it; the inner result is the judgement.
    fn round(
        &mut self,
        say: fn(&mut Workload, &World),
        judge: fn(&Journal, Range<MessageId>) -> Result<(), String>,
    ) -> Result<Result<(), String>, Failure> {
        let first = self.arena.world.journal.lock().next_message();
        say(&mut self.workload, &self.arena.world);
        let far = self.arena.world.topology.farthest() * 4;
        let deadline = self.arena.world.now() + ROUND + far;
        let judged = |arena: &Arena| {
            everybody_is_settled(&arena.world)?;
            let journal = arena.world.journal.lock();
            judge(&journal, first..journal.next_message())
        };
        while judged(self.arena).is_err() && self.arena.world.now() < deadline {
            self.arena.step()?;
        }
        self.arena.run_for(QUIET + far)?;
        Ok(judged(self.arena))
    }

    /// Everybody unsubscribes, and every server knows.
    fn nobody_is_there(&mut self) -> Result<(), Failure> {
        for client in &self.arena.world.clients {
            for sid in client.wanted().into_keys() {
                client.unsubscribe(sid);
            }
        }
        let deadline = self.arena.world.now() + CONVERGENCE;
        self.arena
            .until(CONVERGENCE, "clients", everybody_is_settled)?;
        while let Err(text) = self.round(Workload::ask_everywhere, check::judge_ghosts)? {
            if self.arena.world.now() >= deadline {
                return Err(self
                    .arena
                    .failure(FailureKind::Liveness, "no ghost interest", text));
            }
        }
        self.everybody_knows_everything()
    }

    /// Everybody leaves, then the servers stop.
    fn nothing_is_left(&mut self, empty: &[Holding]) -> Result<(), Failure> {
        for client in &self.arena.world.clients {
            client.leave();
        }
        self.arena
            .until(CLEANING, "clients leave", everybody_is_gone)?;
        self.arena.until(CLEANING, "nothing leaked", |world| {
            check::judge_leaks(world, empty)
        })?;
        for server in self.arena.world.living() {
            self.arena.world.ask_to_stop(server);
        }
        let what = "nothing is left of a stopped server";
        self.arena.until(CLEANING, what, check::judge_stopped)
    }
}

fn judge_everything(journal: &Journal, messages: Range<MessageId>) -> Result<(), String> {
    let members = check::members(journal);
    check::judge_deliveries(journal, messages.clone(), &members, &Distances::Unknown)?;
    check::judge_answers(journal, messages, &members)
}

fn everybody_is_settled(world: &World) -> Result<(), String> {
    let mut clients = world.clients.iter();
    match clients.position(|client| !client.is_settled() && !client.is_gone()) {
        None => Ok(()),
        Some(client) => Err(format!(
            "client {client} is not connected or waits for a PONG"
        )),
    }
}

fn everybody_is_gone(world: &World) -> Result<(), String> {
    match world.clients.iter().position(|client| !client.is_gone()) {
        None => Ok(()),
        Some(client) => Err(format!("client {client} is still there")),
    }
}
