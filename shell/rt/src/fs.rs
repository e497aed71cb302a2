//! Small files: configuration, pid and ports files, logs.
//!
//! All calls block; they are for start-up, reload and log lines, not for the message path. A
//! simulated host has its own files in memory, which outlive its crashes (every write counts as
//! synced). Not here: stores of messages.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::rt::{Kind, Rt};
use crate::sim::SimRt;

/// The whole file as bytes.
pub fn read(rt: &Rt, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    match &rt.kind {
        Kind::Real(_) => std::fs::read(path),
        Kind::Sim(sim) => sim.file_read(path.as_ref()),
    }
}

/// SHA-256 of the whole file.
pub fn sha256(rt: &Rt, path: impl AsRef<Path>) -> io::Result<[u8; 32]> {
    let digest = ring::digest::digest(&ring::digest::SHA256, &read(rt, path)?);
    Ok(digest.as_ref().try_into().unwrap_or_default())
}

/// The whole file as text; not UTF-8 is an error.
pub fn read_to_string(rt: &Rt, path: impl AsRef<Path>) -> io::Result<String> {
    match &rt.kind {
        Kind::Real(_) => std::fs::read_to_string(path),
        Kind::Sim(sim) => String::from_utf8(sim.file_read(path.as_ref())?)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not valid UTF-8")),
    }
}

/// Makes `bytes` the whole content of the file, creating it if need be.
pub fn write(rt: &Rt, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    match &rt.kind {
        Kind::Real(_) => std::fs::write(path, bytes),
        Kind::Sim(sim) => {
            sim.file_write(path.as_ref(), bytes.as_ref());
            Ok(())
        }
    }
}

/// As [`write`], of a file that only its owner may read.
pub fn write_private(rt: &Rt, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    match &rt.kind {
        Kind::Real(_) => {
            let mut options = File::options();
            options.write(true).create(true).truncate(true).mode(0o600);
            options.open(path)?.write_all(bytes.as_ref())
        }
        Kind::Sim(_) => write(rt, path, bytes),
    }
}

/// Deletes the file.
pub fn remove_file(rt: &Rt, path: impl AsRef<Path>) -> io::Result<()> {
    match &rt.kind {
        Kind::Real(_) => std::fs::remove_file(path),
        Kind::Sim(sim) => sim.file_remove(path.as_ref()).map(drop),
    }
}

/// Gives the file another name, replacing what had it.
pub fn rename(rt: &Rt, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    match &rt.kind {
        Kind::Real(_) => std::fs::rename(from, to),
        Kind::Sim(sim) => {
            let bytes = sim.file_remove(from.as_ref())?;
            sim.file_write(to.as_ref(), &bytes);
            Ok(())
        }
    }
}

/// Whether a file (real: or folder) of that name can be seen.
pub fn exists(rt: &Rt, path: impl AsRef<Path>) -> bool {
    match &rt.kind {
        Kind::Real(_) => path.as_ref().exists(),
        Kind::Sim(sim) => sim.file_read(path.as_ref()).is_ok(),
    }
}

/// Makes the folder and those above it. (A simulated disk has no folders to make.)
pub fn create_dir_all(rt: &Rt, path: impl AsRef<Path>) -> io::Result<()> {
    match &rt.kind {
        Kind::Real(_) => std::fs::create_dir_all(path),
        Kind::Sim(_) => Ok(()),
    }
}

/// The files right inside a folder, sorted by name; folders in it are left out.
pub fn list_files(rt: &Rt, dir: impl AsRef<Path>) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    match &rt.kind {
        Kind::Real(_) => {
            for entry in std::fs::read_dir(dir)? {
                let entry = entry?;
                if entry.path().is_file() {
                    files.push(entry.path());
                }
            }
        }
        Kind::Sim(sim) => files = sim.file_list(dir.as_ref()),
    }
    files.sort();
    Ok(files)
}

/// A file that only grows: a log.
pub struct AppendFile {
    kind: AppendKind,
    len: u64,
}

enum AppendKind {
    Real(File),
    Sim(SimRt, PathBuf),
}

impl AppendFile {
    /// Opens the file for appending, creating it if need be: readable for its owner and the owner's group.
    pub fn open(rt: &Rt, path: impl AsRef<Path>) -> io::Result<AppendFile> {
        let path = path.as_ref();
        match &rt.kind {
            Kind::Real(_) => {
                let mut options = File::options();
                let file = options.append(true).create(true).mode(0o640).open(path)?;
                let len = file.metadata()?.len();
                Ok(AppendFile {
                    kind: AppendKind::Real(file),
                    len,
                })
            }
            Kind::Sim(sim) => {
                let len = sim.file_append(path, &[]);
                Ok(AppendFile {
                    kind: AppendKind::Sim(sim.clone(), path.into()),
                    len,
                })
            }
        }
    }

    /// Adds `bytes` at the end.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.kind {
            AppendKind::Real(file) => file.write_all(bytes)?,
            AppendKind::Sim(sim, path) => drop(sim.file_append(path, bytes)),
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Bytes in the file, those that were there when it was opened included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
