//! A host's clock: how its own time relates to the world's.

/// The calendar time at which every world starts: 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600_000_000_000;
const MILLION: i128 = 1_000_000;

/// Runs faster or slower than the world by a number of parts per million, from an anchor on.
pub(super) struct Clock {
    anchor_world: u64,
    anchor_local: u64,
    drift_ppm: i32,
    wall_offset: i64,
}

impl Clock {
    pub(super) fn new() -> Clock {
        Clock {
            anchor_world: 0,
            anchor_local: 0,
            drift_ppm: 0,
            wall_offset: 0,
        }
    }

    fn rate(&self) -> i128 {
        MILLION + i128::from(self.drift_ppm)
    }

    /// The host's monotonic nanoseconds when the world's are `world`.
    pub(super) fn local(&self, world: u64) -> u64 {
        let passed = i128::from(world.saturating_sub(self.anchor_world));
        let local = i128::from(self.anchor_local) + passed * self.rate() / MILLION;
        u64::try_from(local).unwrap_or(u64::MAX)
    }

    /// The world's time at which the host's clock will have reached `local`.
    pub(super) fn world(&self, local: u64) -> u64 {
        let to_go = i128::from(local.saturating_sub(self.anchor_local));
        let rate = self.rate();
        let world = i128::from(self.anchor_world) + (to_go * MILLION + rate - 1) / rate;
        u64::try_from(world).unwrap_or(u64::MAX)
    }

    pub(super) fn wall(&self, world: u64) -> i64 {
        let local = i64::try_from(self.local(world)).unwrap_or(i64::MAX);
        EPOCH.saturating_add(local).saturating_add(self.wall_offset)
    }

    /// From `world` on, drift by `ppm` (within half a million, so that time goes on).
    pub(super) fn set_drift(&mut self, world: u64, ppm: i32) {
        self.anchor_local = self.local(world);
        self.anchor_world = world;
        self.drift_ppm = ppm.clamp(-500_000, 500_000);
    }

    pub(super) fn jump_wall(&mut self, nanos: i64) {
        self.wall_offset = self.wall_offset.saturating_add(nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_gains_and_comes_back_exactly() {
        let mut clock = Clock::new();
        clock.set_drift(1_000, 100_000);
        assert_eq!(clock.local(1_000), 1_000);
        assert_eq!(clock.local(2_000), 2_100);
        for local in [1_000, 1_001, 1_337, 2_100, 9_999_999] {
            let world = clock.world(local);
            assert!(clock.local(world) >= local, "{local}");
            assert!(world <= 1_000 || clock.local(world - 1) < local, "{local}");
        }
        clock.set_drift(2_000, 0);
        assert_eq!(clock.local(3_000), 3_100);
    }

    #[test]
    fn a_moment_that_never_comes_stays_there() {
        let mut clock = Clock::new();
        clock.set_drift(0, -7);
        assert_eq!(clock.world(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_wall_clock_jumps_alone() {
        let mut clock = Clock::new();
        let before = clock.wall(5);
        clock.jump_wall(-100);
        assert_eq!((clock.wall(5), clock.local(5)), (before - 100, 5));
    }
}
