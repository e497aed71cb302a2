//! The part of `cargo metadata` that the laws are about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;

/// A workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    /// Where it is.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Its packages.
    pub packages: Vec<Package>,
}

/// One of its packages.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// The name others depend on it by.
    pub name: String,
    /// Its `Cargo.toml`.
    pub manifest_path: PathBuf,
    /// What it says it depends on, for any purpose.
    pub dependencies: Vec<Dependency>,
}

/// A dependency as it is written down.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    /// The package depended on.
    pub name: String,
    /// Nothing for an ordinary one, else `dev` or `build`.
    pub kind: Option<String>,
    /// Whether its default features are on.
    #[serde(default)]
    pub uses_default_features: bool,
    /// The features asked for.
    #[serde(default)]
    pub features: Vec<String>,
}

impl Dependency {
    /// Whether only tests, examples and benches use it.
    pub fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Workspace {
    /// Reads the output of `cargo metadata --no-deps --format-version 1`.
    pub fn parse(json: &str) -> Result<Workspace, Error> {
        Ok(serde_json::from_str(json)?)
    }

    /// The names of our own packages.
    pub(crate) fn ours(&self) -> BTreeSet<&str> {
        self.packages
            .iter()
            .map(|package| package.name.as_str())
            .collect()
    }

    /// The package's folder as the table of rooms names it: `core/wire`, `proof/sim/cli`, `xtask`.
    pub(crate) fn room(&self, package: &Package) -> String {
        let dir = package.dir();
        let below = dir.strip_prefix(&self.root).unwrap_or(dir);
        below
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/")
    }

    /// Packages in the folder `floor` with the names of their rooms.
    pub(crate) fn floor(&self, floor: &str) -> impl Iterator<Item = (String, &Package)> {
        let prefix = format!("{floor}/");
        self.packages
            .iter()
            .map(|package| (self.room(package), package))
            .filter(move |(room, _)| room.starts_with(&prefix))
    }
}

impl Package {
    pub(crate) fn dir(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A workspace in `/w` of these packages: room, name, and dependencies as `name`, `dev:name`,
    /// `name+feature` or `name!` for default features on.
    pub(crate) fn fake(packages: &[(&str, &str, &[&str])]) -> Workspace {
        let dependency = |text: &&str| {
            let (kind, rest) = match text.split_once(':') {
                Some((kind, rest)) => (Some(kind), rest),
                None => (None, *text),
            };
            let defaults = rest.ends_with('!');
            let (name, features) = match rest.trim_end_matches('!').split_once('+') {
                Some((name, feature)) => (name, vec![feature]),
                None => (rest.trim_end_matches('!'), vec![]),
            };
            serde_json::json!({
                "name": name, "kind": kind, "uses_default_features": defaults, "features": features
            })
        };
        let packages: Vec<_> = packages
            .iter()
            .map(|(room, name, deps)| {
                let deps: Vec<_> = deps.iter().map(dependency).collect();
                let manifest = format!("/w/{room}/Cargo.toml");
                serde_json::json!({"name": name, "manifest_path": manifest, "dependencies": deps})
            })
            .collect();
        let json = serde_json::json!({"workspace_root": "/w", "packages": packages, "version": 1});
        Workspace::parse(&json.to_string()).unwrap()
    }

    #[test]
    fn rooms_are_folders() {
        let workspace = fake(&[
            ("core/units", "gannet-units", &[]),
            ("xtask", "xtask", &["dev:x!", "y+std"]),
        ]);
        let rooms: Vec<String> = workspace
            .packages
            .iter()
            .map(|p| workspace.room(p))
            .collect();
        assert_eq!(rooms, ["core/units", "xtask"]);
        let [dev, plain] = &workspace.packages[1].dependencies[..] else {
            panic!("two were given")
        };
        assert!(dev.is_dev() && dev.uses_default_features && !plain.is_dev());
        assert_eq!(plain.features, ["std"]);
    }

    #[test]
    fn metadata_that_is_not_metadata_is_an_error() {
        assert!(Workspace::parse("{}").is_err());
    }
}
