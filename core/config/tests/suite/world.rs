//! Files and an environment that exist only in memory.

use std::collections::BTreeMap;

use gannet_config::{Loaded, Rejected, Source, TlsOptions, load};

/// What a configuration can see.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) env: BTreeMap<String, String>,
}

impl World {
    /// A world that holds one file, `a.conf`.
    pub(crate) fn of(text: impl Into<Vec<u8>>) -> World {
        World::default().with("a.conf", text)
    }

    pub(crate) fn with(mut self, path: &str, text: impl Into<Vec<u8>>) -> World {
        self.files.insert(path.into(), text.into());
        self
    }

    pub(crate) fn load(&self) -> Result<Loaded, Rejected> {
        load("a.conf", self)
    }
}

impl Source for World {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if path == "." {
            return Err("read .: is a directory".into());
        }
        let file = self.files.get(path).cloned();
        file.ok_or_else(|| format!("open {path}: no such file or directory"))
    }

    fn check_tls(&self, tls: &TlsOptions) -> Result<(), String> {
        let all = tls.certificates.len();
        for (at, files) in tls.certificates.iter().enumerate() {
            for path in [&files.cert_file, &files.key_file] {
                self.read(path).map_err(|problem| {
                    let which = match all {
                        1 => String::new(),
                        all => format!(" {}/{all}", at + 1),
                    };
                    format!("error parsing X509 certificate/key pair{which}: {problem}")
                })?;
            }
        }
        tls.ca_file
            .iter()
            .try_for_each(|path| self.read(path).map(drop))
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
}
