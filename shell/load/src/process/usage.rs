//! What processes use, from the operating system's accounts.
//!
//! CPU time is read from the process's CPU clock (`clock_getcpuclockid`): it counts nanoseconds over all threads,
//! including those that have ended. The alternatives are worse: the ticks of `/proc/PID/stat` are 10 ms each, and
//! `/proc/PID/task/*/schedstat` forgets threads that end. Memory is `Rss` of `/proc/PID/smaps_rollup`, which walks the
//! page tables and so is exact where the counters of `/proc/PID/status` lag behind by some pages per CPU.

use std::fs;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::error::LoadError;

/// CPU time of this process so far, in nanoseconds.
pub(crate) fn own_cpu() -> Result<u64, LoadError> {
    read_clock(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// CPU time of process `pid` so far, user and system, in nanoseconds.
pub(crate) fn cpu_of(pid: Pid) -> Result<u64, LoadError> {
    let clock = clock_getcpuclockid(pid).map_err(LoadError::os("find the server's CPU clock"))?;
    read_clock(clock)
}

fn read_clock(clock: ClockId) -> Result<u64, LoadError> {
    let time = clock_gettime(clock).map_err(LoadError::os("read a CPU clock"))?;
    Ok(time.tv_sec().unsigned_abs() * 1_000_000_000 + time.tv_nsec().unsigned_abs())
}

/// Resident memory of process `pid`, in bytes.
pub(crate) fn memory_of(pid: Pid) -> Result<u64, LoadError> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(LoadError::io(format!("read {path}")))?;
    kib(&text, "Rss:").ok_or_else(|| LoadError::Usage(format!("{path} has no Rss line")))
}

/// Memory of process `pid` in bytes, of which it shares some pages with others: of each of those its part, so that the
/// sum over all processes counts it once. Where the system does not say, resident memory.
pub(crate) fn memory_in_common_of(pid: Pid) -> Result<u64, LoadError> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    kib(&text, "Pss:").map_or_else(|| memory_of(pid), Ok)
}

fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Raises this process's limit of open files to what the system allows (children inherit it) and returns it.
pub(crate) fn raise_file_limit() -> Result<u64, LoadError> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)
        .map_err(LoadError::os("read the limit of open files"))?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
        .map_err(LoadError::os("raise the limit of open files"))?;
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_rollup() {
        assert_eq!(
            ["Rss:", "Pss:"].map(|name| kib(
                "560b-7ffc ---p 0 [rollup]\nRss:    1676 kB\nPss:  313 kB\nPss_Dirty: 9 kB\n",
                name
            )),
            [Some(1676 * 1024), Some(313 * 1024)]
        );
        assert_eq!(kib("Pss: 3 kB\n", "Rss:"), None);
    }

    #[test]
    fn the_clock_of_a_process_is_our_own_when_it_is_us() {
        let before = own_cpu().unwrap();
        let by_pid = cpu_of(Pid::this()).unwrap();
        assert!(before <= by_pid && by_pid <= own_cpu().unwrap());
        assert!(memory_of(Pid::this()).unwrap() > 100 * 1024);
    }
}
