//! One random run from one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gannet_units::Moment;

use crate::arena::Arena;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::outcome::{Config, Failure, FailureKind, Outcome};
use crate::phases::Run;
use crate::reloads::Reloads;
use crate::tls::Encrypted;
use crate::topology::Topology;
use crate::workload::Workload;
use crate::world::World;

/// Runs the world of `seed` to its end, or to the first thing that must not happen. A panic anywhere in it is
/// one of those.
pub fn run_seed(seed: u64, config: &Config) -> Outcome {
    let mut dice = Dice::derive(seed, "topology");
    let mut topology = Topology::draw(&mut dice, config.clusters, config.servers);
    let mut reloads = match config.reloads {
        true => Reloads::draw(seed),
        false => Reloads::none(),
    };
    reloads.prepare(&mut topology);
    if config.tls {
        topology.encrypted = Encrypted::draw(seed, &topology);
    }
    let mut arena = Arena::new(World::new(seed, topology, config.tale));
    arena.world.sim.keep_trace_text(config.packets);
    let topology = format!("{:?}", arena.world.topology);
    arena.world.tell(&topology);
    let mut faults = Faults::draw(seed);
    let course = catch_unwind(AssertUnwindSafe(|| {
        let workload = Workload::draw(seed);
        Run {
            arena: &mut arena,
            faults: &mut faults,
            reloads: &mut reloads,
            workload,
        }
        .all(config)
    }));
    let failure = match course {
        Ok(result) => result.err(),
        Err(panic) => Some(arena.failure(FailureKind::Crash, "no panics", text_of(panic.as_ref()))),
    };
    tell_end(&arena, failure.as_ref());
    let mut journal = arena.world.journal.lock();
    Outcome {
        seed,
        failure,
        sizes: arena.world.topology.sizes.clone(),
        virtual_time: arena.world.sim.now().since(Moment::START),
        trace_hash: arena.world.sim.trace_hash(),
        messages: journal.messages.len(),
        deliveries: arena.deliveries,
        faults: faults.hits,
        reloads: reloads.hits,
        tale: journal.take_tale(),
        packets: arena.world.sim.take_trace_text(),
    }
}

fn tell_end(arena: &Arena, failure: Option<&Failure>) {
    let end = failure.map_or("the end".to_owned(), Failure::to_string);
    arena.world.tell(&end);
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".into())
}
