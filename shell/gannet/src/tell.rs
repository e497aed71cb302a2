//! `--signal`: telling another server on this machine what to do. Not here: which process is meant
//! (`flags`), and what a server does then (`serve`).

use std::fmt::Write as _;

use gannet_rt::unix::{Pid, kill};

use crate::flags::{Program, SignalRequest};
use crate::words::lower_first;

/// The processes that are meant. The error is the reference server's.
pub(crate) fn processes(program: Program, request: &SignalRequest) -> Result<Vec<u32>, String> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    request.processes(program.name(), read, || running(program.name()))
}

/// Sends the signal to all that are meant. The error is the reference server's.
pub(crate) fn tell(program: Program, request: &SignalRequest) -> Result<(), String> {
    let processes = processes(program, request)?;
    let mut errors = String::new();
    for process in processes {
        let Ok(id) = i32::try_from(process) else {
            return Err(format!("invalid pid: {process}"));
        };
        // 0 would mean everybody in our own group.
        if id == 0 {
            return Err(format!("invalid pid: {process}"));
        }
        if let Err(error) = kill(Pid::from_raw(id), request.command.signal()) {
            let (word, why) = (request.command.word(), lower_first(error.desc()));
            // Writing to a String doesn't fail.
            let _ = write!(errors, "\nsignal {word:?} {process}: {why}");
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// The processes that run under this name, but for ourselves, in order.
fn running(name: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_named = |id: &u32| {
        std::fs::read_to_string(format!("/proc/{id}/comm"))
            .is_ok_and(|comm| comm.trim_end() == name)
    };
    let mut ids: Vec<u32> = ids
        .filter(|id| *id != std::process::id())
        .filter(is_named)
        .collect();
    ids.sort_unstable();
    ids
}
