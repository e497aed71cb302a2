//! Log lines in a file that is renamed when it has become too large (rows OPS-18, OPS-21). The names of
//! renamed files, and the lines about them, are the reference server's.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use gannet_config::quoted;
use gannet_node::{Level, Line, LogWriter, local_zone};
use gannet_rt::{Rt, fs, fs::AppendFile};
use jiff::{Timestamp, civil};
use parking_lot::Mutex;

use crate::words::{file_error, reason};

/// A log file.
pub(crate) struct LogFile {
    rt: Rt,
    path: String,
    /// Bytes; a larger file is renamed.
    limit: Option<u64>,
    /// Files to keep, the one that is written to included.
    keep: Option<u64>,
    state: Mutex<State>,
}

struct State {
    file: AppendFile,
    /// The limit for now: it is raised while the file can't be renamed.
    limit: Option<u64>,
}

impl LogFile {
    pub(super) fn open(
        rt: &Rt,
        path: &str,
        limit: Option<u64>,
        keep: Option<u64>,
    ) -> Result<LogFile, String> {
        let file = AppendFile::open(rt, path).map_err(|e| file_error("open", path, &e))?;
        let state = Mutex::new(State { file, limit });
        Ok(LogFile {
            rt: rt.clone(),
            path: path.to_string(),
            limit,
            keep,
            state,
        })
    }

    /// The name that it was opened by.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Closes the file and opens what has its name now.
    pub(super) fn reopen(&self) -> Result<(), String> {
        let file = AppendFile::open(&self.rt, &self.path)
            .map_err(|e| file_error("open", &self.path, &e))?;
        *self.state.lock() = State {
            file,
            limit: self.limit,
        };
        Ok(())
    }

    /// Whether the next line will have the file renamed.
    pub(super) fn is_too_large(&self) -> bool {
        self.state.lock().is_too_large()
    }

    fn rotate(&self, state: &mut State, line: &Line<'_>) {
        let backup = format!("{}.{}", self.path, stamp(&self.rt));
        let renamed = fs::rename(&self.rt, &self.path, &backup);
        let opened = renamed.and_then(|()| AppendFile::open(&self.rt, &self.path));
        let own = |state: &mut State, level: Level, text: &str| {
            let own = line.form().line(level, format_args!("{text}")).to_string();
            let end = if line.is_json() { "\n" } else { "\r\n" };
            // The line is about a line that was written; nothing is lost without it.
            let _ = state.append(&own, end);
        };
        match opened {
            Ok(file) => {
                *state = State {
                    file,
                    limit: self.limit,
                };
                own(
                    state,
                    Level::Info,
                    &format!("Rotated log, backup saved as {}", quoted(&backup)),
                );
                for (level, text) in self.purge() {
                    own(state, level, &text);
                }
            }
            Err(error) => {
                state.limit = state.limit.map(|limit| limit.saturating_mul(2));
                let next = state.limit.unwrap_or_default();
                let why = reason(&error);
                let text = format!(
                    "Unable to rotate logfile ({why}), will attempt next rotation at size {next}"
                );
                own(state, Level::Error, &text);
            }
        }
    }

    /// Removes the oldest renamed files that are too many; answers what to say about it.
    fn purge(&self) -> Vec<(Level, String)> {
        let Some(keep) = self.keep.filter(|n| *n > 0) else {
            return Vec::new();
        };
        let path = Path::new(&self.path);
        let dir = match path.parent() {
            Some(dir) if dir != Path::new("") => dir,
            _ => Path::new("."),
        };
        let base = path.file_name().unwrap_or_default().to_string_lossy();
        let backups = match backups(&self.rt, dir, &base) {
            Ok(backups) => backups,
            Err(error) => {
                let (dir, why) = (quoted(&dir.to_string_lossy()), reason(&error));
                let text = format!(
                    "Unable to read directory {dir} for log purge ({why}), will attempt next rotation"
                );
                return vec![(Level::Error, text)];
            }
        };
        let spared = usize::try_from(keep - 1).unwrap_or(usize::MAX);
        let mut told = Vec::new();
        for backup in &backups[..backups.len().saturating_sub(spared)] {
            let name = quoted(&backup.file_name().unwrap_or_default().to_string_lossy());
            match fs::remove_file(&self.rt, backup) {
                Ok(()) => told.push((Level::Info, format!("Purged log file {name}"))),
                Err(error) => {
                    let why = reason(&error);
                    let text = format!(
                        "Unable to remove backup log file {name} ({why}), will attempt next rotation"
                    );
                    told.push((Level::Error, text));
                    break;
                }
            }
        }
        told
    }
}

impl LogWriter for LogFile {
    /// Adds a line, and renames the file if that made it too large.
    fn write_line(&self, line: &Line<'_>) {
        let mut state = self.state.lock();
        if state.append(&line.to_string(), "\n").is_err() {
            // A full disk: better somewhere than nowhere.
            let _ = writeln!(io::stderr(), "{line}");
            return;
        }
        if state.is_too_large() {
            self.rotate(&mut state, line);
        }
    }
}

impl State {
    fn append(&mut self, line: &str, end: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + end.len());
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(end.as_bytes());
        self.file.append(&bytes)
    }

    fn is_too_large(&self) -> bool {
        self.limit.is_some_and(|limit| self.file.len() > limit)
    }
}

/// The present moment as a renamed file's name ends with it: year to second and nanoseconds.
fn stamp(rt: &Rt) -> String {
    let now = Timestamp::from_nanosecond(i128::from(rt.wall().as_unix_nanos())).unwrap_or_default();
    now.to_zoned(local_zone(rt))
        .strftime("%Y.%m.%d.%H.%M.%S.%9f")
        .to_string()
}

/// The renamed files of the log called `base`, the oldest first.
fn backups(rt: &Rt, dir: &Path, base: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = fs::list_files(rt, dir)?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let stamp = name
            .strip_prefix(base)
            .and_then(|rest| rest.strip_prefix('.'));
        stamp.is_some_and(|stamp| civil::DateTime::strptime("%Y.%m.%d.%H.%M.%S%.f", stamp).is_ok())
    });
    Ok(files)
}

#[cfg(test)]
mod tests;
