//! The files and the environment that a configuration may read.

use std::io::ErrorKind;

use gannet_config::{Source, TlsOptions};
use gannet_node::check_tls;

/// The machine that the program runs on.
pub(crate) struct Disk;

impl Source for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("open {path}: no such file or directory"),
            ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
            ErrorKind::IsADirectory => format!("read {path}: is a directory"),
            ErrorKind::NotADirectory => format!("open {path}: not a directory"),
            _ => format!("open {path}: {error}"),
        })
    }

    fn check_tls(&self, tls: &TlsOptions) -> Result<(), String> {
        check_tls(tls, &|path| self.read(path))
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}
