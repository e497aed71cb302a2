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

/// The name of the machine, as the operating system has it.
pub fn hostname(rt: &Rt) -> Option<String> {
    match rt.kind {
        Kind::Real(_) => nix::unistd::gethostname().ok()?.into_string().ok(),
        Kind::Sim(_) => None,
    }
}

/// Processors this process may use at the same time.
pub fn cores(rt: &Rt) -> usize {
    match rt.kind {
        Kind::Real(_) => std::thread::available_parallelism().map_or(1, usize::from),
        Kind::Sim(_) => 1,
    }
}

/// One thread of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The system's number for it.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// What it does, in the system's letter: `R` runs, `S` sleeps.
    pub state: char,
    /// Processor time that it has used for the program; 10 ms is its grain.
    pub user: Duration,
    /// Processor time that the system has used for it.
    pub system: Duration,
}

/// The threads of this process, in the order of their numbers. In the simulator there are none.
pub fn threads(rt: &Rt) -> Vec<Thread> {
    let Kind::Real(_) = rt.kind else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let stat = |id: u32| thread_of_stat(&read(&format!("/proc/self/task/{id}/stat"))?);
    let mut threads: Vec<Thread> = ids.filter_map(stat).collect();
    threads.sort_unstable_by_key(|thread| thread.id);
    threads
}

/// Tasks that have begun and not ended. The simulator does not count them.
pub fn tasks(rt: &Rt) -> usize {
    match &rt.kind {
        Kind::Real(real) => real.handle.metrics().num_alive_tasks(),
        Kind::Sim(_) => 0,
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The command name, in parentheses, may hold spaces and parentheses: count fields after the last
/// one. There, user time is field 12 and system time field 13 (proc(5): 14 and 15 of the line).
fn cpu_of_stat(stat: &str) -> Option<Duration> {
    let thread = thread_of_stat(stat)?;
    Some(thread.user + thread.system)
}

fn thread_of_stat(stat: &str) -> Option<Thread> {
    let (front, rest) = stat.rsplit_once(')')?;
    let (id, name) = front.split_once('(')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let mut ticks = fields.skip(10).map(|field| {
        let ticks: u64 = field.parse().ok()?;
        Some(Duration::from_millis(
            ticks.saturating_mul(1000 / TICKS_PER_SECOND),
        ))
    });
    Some(Thread {
        id: id.trim().parse().ok()?,
        name: name.to_owned(),
        state,
        user: ticks.next()??,
        system: ticks.next()??,
    })
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
        let thread = thread_of_stat(stat).expect("a thread");
        assert_eq!(
            (thread.id, thread.name.as_str(), thread.state),
            (7, "a) b", 'S')
        );
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
