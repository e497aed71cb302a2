//! A world under observation: it moves in small steps, and after each step the watching checkers see what
//! happened.
//!
//! Not here: what is done in it (`phases`, `story`).

use std::time::Duration;

use gannet_rt::sim::Stopped;

use crate::check::{self, Watcher};
use crate::outcome::{Failure, FailureKind};
use crate::world::World;

/// How far the world moves between two looks.
pub(crate) const STEP: Duration = Duration::from_millis(5);

/// A world and those who watch it.
pub(crate) struct Arena {
    pub(crate) world: World,
    watchers: Vec<Box<dyn Watcher>>,
    pub(crate) deliveries: usize,
}

impl Arena {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(world: World) -> Arena {
        Arena {
            world,
            watchers: check::watchers(),
            deliveries: 0,
        }
    }

    /// Moves the world by one step.
    pub(crate) fn step(&mut self) -> Result<(), Failure> {
        self.world
            .sim
            .run_for(STEP)
            .map_err(|stopped| self.stuck(&stopped))?;
        self.look()
    }

    /// Moves the world on.
    pub(crate) fn run_for(&mut self, duration: Duration) -> Result<(), Failure> {
        let until = self.world.now() + duration;
        while self.world.now() < until {
            self.step()?;
        }
        Ok(())
    }

    /// Moves the world until `condition` has nothing to complain about; fails if that takes longer than
    /// `bound`.
    pub(crate) fn until(
        &mut self,
        bound: Duration,
        what: &'static str,
        condition: impl Fn(&World) -> Result<(), String>,
    ) -> Result<(), Failure> {
        let deadline = self.world.now() + bound;
        loop {
            let Err(text) = condition(&self.world) else {
                return Ok(());
            };
            if self.world.now() >= deadline {
                let text = format!("after {bound:?} still: {text}");
                return Err(self.failure(FailureKind::Liveness, what, text));
            }
            self.step()?;
        }
    }

    /// A failure at this moment.
    pub(crate) fn failure(&self, kind: FailureKind, check: &'static str, text: String) -> Failure {
        Failure {
            kind,
            check,
            text,
            at: self.world.now(),
        }
    }

    fn stuck(&self, stopped: &Stopped) -> Failure {
        self.failure(FailureKind::Crash, "the world moves", stopped.to_string())
    }

    fn look(&mut self) -> Result<(), Failure> {
        if let Some(text) = self.world.failed_start() {
            return Err(self.failure(FailureKind::Crash, "servers start", text));
        }
        if let Some(text) = self.world.wrong_reload() {
            return Err(self.failure(FailureKind::Safety, "all or nothing", text));
        }
        let (watchers, deliveries) = (&mut self.watchers, &mut self.deliveries);
        let mut journal = self.world.journal.lock();
        journal.come_due(self.world.sim.now());
        let events = journal.take_events();
        for event in &events {
            if let crate::journal::Event::Delivered { .. } = event {
                *deliveries += 1;
            }
            for watcher in watchers.iter_mut() {
                if let Err(text) = watcher.see(&journal, event) {
                    let (kind, at) = (FailureKind::Safety, self.world.sim.now());
                    return Err(Failure {
                        kind,
                        check: watcher.name(),
                        text,
                        at,
                    });
                }
            }
        }
        Ok(())
    }
}
