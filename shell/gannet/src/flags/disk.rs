//! The files and the environment that a configuration may read.

use std::io::ErrorKind;

use gannet_config::{Source, TlsOptions, TlsVersion};
use gannet_rt::tls::{self, TlsContext, TlsSettings};

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
        TlsContext::check(&settings(tls), &|path| self.read(path)).map_err(|e| e.to_string())
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// What the options of a link say, in the words of the door.
fn settings(tls: &TlsOptions) -> TlsSettings {
    TlsSettings {
        certificates: tls
            .certificates
            .iter()
            .map(|files| (files.cert_file.clone(), files.key_file.clone()))
            .collect(),
        ca_file: tls.ca_file.clone(),
        // Between servers both sides show a certificate, whatever `verify` says.
        verify_peers: true,
        insecure: tls.insecure,
        min_version: match tls.min_version {
            TlsVersion::V1_2 => tls::TlsVersion::V1_2,
            TlsVersion::V1_3 => tls::TlsVersion::V1_3,
        },
        cipher_suites: tls.cipher_suites.clone(),
        curves: tls.curves.clone(),
        pinned: tls.pinned.clone(),
    }
}
