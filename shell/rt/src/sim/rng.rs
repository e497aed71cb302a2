//! The random streams of the simulated world, all derived from its seed.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// One stream of random numbers.
pub(super) struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The stream called `label` of the world with this seed. Streams of different labels have
    /// nothing to do with each other, so one user's draws never shift another's.
    pub(super) fn derive(seed: u64, label: &str) -> Rng {
        let mixed = label.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| {
            (h ^ u64::from(b))
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(23)
        });
        Rng(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(super) fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// A number below `bound`; 0 for a bound of 0. The bias of the modulo is of no importance here.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    pub(super) fn per_mille(&mut self, share: u32) -> bool {
        share > 0 && self.below(1000) < u64::from(share)
    }
}
