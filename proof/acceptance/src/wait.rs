//! Waiting for a condition with a deadline: the only way in which these tests wait.

use std::time::{Duration, Instant};

/// How long a condition may take before a test gives up. Far above what is ever needed, because the machine
/// may be busy with other things; a passing test never waits that long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `probe` until it answers `Ok`, for at most [`PATIENCE`].
///
/// # Panics
/// With `what` and the last answer of `probe` when the time is over.
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Result<T, String>) -> T {
    within(PATIENCE, probe)
        .unwrap_or_else(|last| panic!("waited {PATIENCE:?} for {what}; last seen: {last}"))
}

/// Asks `probe` until it answers `Ok`, for at most `limit`; the last `Err` when the time is over.
pub fn within<T>(
    limit: Duration,
    mut probe: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    loop {
        match probe() {
            Ok(value) => return Ok(value),
            Err(last) if Instant::now() >= deadline => return Err(last),
            Err(_) => std::thread::sleep(Duration::from_millis(15)),
        }
    }
}
