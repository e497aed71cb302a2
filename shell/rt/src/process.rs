//! What the operating system says about this process, for monitoring.
//!
//! Read from `/proc`; elsewhere, and in the simulator, the figures are fixed.

use std::time::Duration;

use crate::rt::{Kind, Rt};

/// Clock ticks per second in `/proc/PID/stat`: `USER_HZ`, fixed at 100 on every Linux of today.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time this process has used so far, user and system together; 10 ms is its grain.
pub fn cpu_time(rt: &Rt) -> Duration {
    match rt.kind {
        Kind::Real(_) => read("/proc/self/stat")
            .and_then(|s| cpu_of_stat(&s))
            .unwrap_or_default(),
        Kind::Sim(_) => Duration::ZERO,
    }
}

/// Bytes of memory this process holds in RAM.
pub fn rss_bytes(rt: &Rt) -> u64 {
    match rt.kind {
        Kind::Real(_) => read("/proc/self/status")
            .and_then(|s| kilobytes_of_status(&s, "VmRSS:"))
            .unwrap_or_default(),
        Kind::Sim(_) => 16 << 20,
    }
}

/// This process's number.
pub fn pid(rt: &Rt) -> u32 {
    match rt.kind {
        Kind::Real(_) => std::process::id(),
        Kind::Sim(_) => 1,
    }
}

/// Processors this process may use at the same time.
pub fn cores(rt: &Rt) -> usize {
    match rt.kind {
        Kind::Real(_) => std::thread::available_parallelism().map_or(1, usize::from),
        Kind::Sim(_) => 1,
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The command name, in parentheses, may hold spaces and parentheses: count fields after the last
/// one. There, user time is field 12 and system time field 13 (proc(5): 14 and 15 of the line).
fn cpu_of_stat(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * (1000 / TICKS_PER_SECOND),
    ))
}

fn kilobytes_of_status(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_hostile_command_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 1 2 3 4 250 50 9 9 20 0 4 0 12345 1 2";
        assert_eq!(cpu_of_stat(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_of_stat("7 (cut"), None);
        assert_eq!(cpu_of_stat("7 (cut) S 1"), None);
    }

    #[test]
    fn memory_is_the_named_line_in_kilobytes() {
        let status = "Name:\tx\nVmPeak:\t    9 kB\nVmRSS:\t    2048 kB\n";
        assert_eq!(kilobytes_of_status(status, "VmRSS:"), Some(2 << 20));
        assert_eq!(kilobytes_of_status(status, "VmSwap:"), None);
    }
}
