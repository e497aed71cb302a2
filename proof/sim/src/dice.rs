//! The random choices of a run: who lives where, what the clients do, what breaks.
//!
//! Not here: the choices inside the simulated world (scheduling, delays), which `gannet_rt` draws.

use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// One stream of choices.
#[derive(Clone, Debug)]
pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The stream called `label` of `seed`. Streams have nothing to do with each other: one more draw
    /// of the workload does not move a fault.
    pub(crate) fn derive(seed: u64, label: &str) -> Dice {
        let mixed = label
            .bytes()
            .fold(seed ^ 0x9ae1_6a3b_2f90_404f, |hash, byte| {
                (hash ^ u64::from(byte))
                    .wrapping_mul(0x0000_0100_0000_01b3)
                    .rotate_left(29)
            });
        Dice(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        match bound {
            0 => 0,
            // The bias of the modulo is of no importance here.
            bound => (self.0.next_u64() % bound as u64) as usize,
        }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True `share` times of a thousand.
    pub(crate) fn per_mille(&mut self, share: usize) -> bool {
        self.below(1000) < share
    }

    /// One of `choices`, which are not empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A time between the two, short ones as likely as long ones by order of magnitude.
    pub(crate) fn duration(&mut self, low: Duration, high: Duration) -> Duration {
        let (low, high) = (low.as_secs_f64(), high.as_secs_f64());
        let share = self.below(1 << 20) as f64 / (1u64 << 20) as f64;
        Duration::from_secs_f64(low * (high / low).powf(share))
    }
}
