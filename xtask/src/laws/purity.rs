//! Law 1: core is pure. No standard library, no unsafe code, and no dependency that is not pure.

use std::fs;

use super::{Dependency, Violation, Workspace};
use crate::Error;
use crate::source::{Masked, rust_files};

/// Crates that core may use: each does its work in memory, without the standard library.
const PURE: &[&str] = &[
    "bcrypt",
    "bytes",
    "crc",
    "data-encoding",
    "foldhash",
    "hashbrown",
    "jiff",
    "memchr",
    "minlz",
    "nkeys",
    "serde",
    "serde_json",
    "sha2",
    "slab",
    "smallvec",
    "thiserror",
    "triomphe",
];

/// Locks and swaps, for the one room of core that is shared between threads.
const SHARED: &[&str] = &["arc-swap", "parking_lot"];
const SHARING_ROOM: &str = "core/broker";

/// Crates whose default features do not include the standard library or have no pure alternative.
const HARMLESS_DEFAULTS: &[&str] = &["arc-swap", "parking_lot", "smallvec"];

pub(crate) fn judge(workspace: &Workspace) -> Vec<Violation> {
    let ours = workspace.ours();
    let mut found = Vec::new();
    for (room, package) in workspace.floor("core") {
        let foreign = package
            .dependencies
            .iter()
            .filter(|d| !d.is_dev() && !ours.contains(d.name.as_str()));
        for dependency in foreign {
            found.extend(
                complaint(&room, dependency)
                    .map(|text| Violation::new(1, format!("{room} {text}"))),
            );
        }
    }
    found
}

fn complaint(room: &str, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if SHARED.contains(&name) {
        if room != SHARING_ROOM {
            return Some(format!(
                "-> {name}: only {SHARING_ROOM} is shared between threads"
            ));
        }
    } else if !PURE.contains(&name) {
        return Some(format!(
            "-> {name}: not known to be pure; if it is, add it to the list of this law"
        ));
    }
    if dependency.uses_default_features && !HARMLESS_DEFAULTS.contains(&name) {
        return Some(format!(
            "-> {name}: its default features bring the standard library"
        ));
    }
    let std = dependency.features.iter().any(|feature| feature == "std");
    std.then(|| format!("-> {name}: the feature \"std\" brings the standard library"))
}

pub(crate) fn check_sources(workspace: &Workspace) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    let manifest = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
    if !has_line(&manifest, "unsafe_code = \"forbid\"") {
        found.push(Violation::new(
            1,
            "Cargo.toml does not forbid unsafe code in [workspace.lints.rust]",
        ));
    }
    for package in &workspace.packages {
        let room = workspace.room(package);
        if !inherits_lints(&fs::read_to_string(&package.manifest_path)?) {
            found.push(Violation::new(
                1,
                format!("{room}/Cargo.toml does not take the lints of the workspace"),
            ));
        }
        if !room.starts_with("core/") {
            continue;
        }
        let root = fs::read_to_string(package.dir().join("src/lib.rs"))?;
        if !has_line(&root, "#![no_std]") {
            found.push(Violation::new(
                1,
                format!("{room}/src/lib.rs does not say #![no_std]"),
            ));
        }
        for path in rust_files(&package.dir().join("src"))? {
            let text = fs::read_to_string(&path)?;
            found.extend(std_outside_tests(&Masked::new(&text)).map(|line| {
                let path = path
                    .strip_prefix(&workspace.root)
                    .unwrap_or(&path)
                    .display();
                Violation::new(
                    1,
                    format!("{path}:{line} takes the standard library outside of tests"),
                )
            }));
        }
    }
    Ok(found)
}

/// The line of an `extern crate std` that is not for tests only.
fn std_outside_tests(source: &Masked) -> Option<usize> {
    let lines: Vec<&str> = source
        .text()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let at = lines
        .iter()
        .position(|line| line.starts_with("extern crate std"))?;
    if at > 0 && lines[at - 1] == "#[cfg(test)]" {
        return None;
    }
    source
        .text()
        .lines()
        .position(|line| line.trim().starts_with("extern crate std"))
        .map(|index| index + 1)
}

fn has_line(text: &str, wanted: &str) -> bool {
    text.lines().any(|line| line.trim() == wanted)
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]");
    lines.next().is_some() && lines.next() == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::super::metadata::tests::fake;
    use super::*;

    fn broken(packages: &[(&str, &str, &[&str])]) -> Vec<String> {
        judge(&fake(packages))
            .into_iter()
            .map(|violation| violation.to_string())
            .collect()
    }

    #[test]
    fn pure_dependencies_and_those_of_tests_are_fine() {
        assert_eq!(
            broken(&[
                ("core/units", "gannet-units", &[]),
                (
                    "core/wire",
                    "gannet-wire",
                    &[
                        "gannet-units!",
                        "bytes",
                        "serde+derive",
                        "dev:proptest!",
                        "dev:tokio!"
                    ]
                ),
                (
                    "core/broker",
                    "gannet-broker",
                    &["parking_lot!", "arc-swap!", "smallvec!"]
                ),
                ("shell/rt", "gannet-rt", &["tokio!", "bytes+std"]),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn impure_dependencies_are_named_with_their_room() {
        assert_eq!(
            broken(&[
                (
                    "core/wire",
                    "gannet-wire",
                    &["tokio", "bytes!", "serde+std"]
                ),
                (
                    "core/session",
                    "gannet-session",
                    &["parking_lot", "build:cc"]
                ),
            ]),
            [
                "law 1: core/wire -> tokio: not known to be pure; if it is, add it to the list of this law",
                "law 1: core/wire -> bytes: its default features bring the standard library",
                "law 1: core/wire -> serde: the feature \"std\" brings the standard library",
                "law 1: core/session -> parking_lot: only core/broker is shared between threads",
                "law 1: core/session -> cc: not known to be pure; if it is, add it to the list of this law",
            ]
        );
    }

    #[test]
    fn the_standard_library_may_come_in_for_tests_only() {
        let line = |text: &str| std_outside_tests(&Masked::new(text));
        assert_eq!(line("#[cfg(test)]\nextern crate std;\n"), None);
        assert_eq!(line("//! extern crate std;\nextern crate alloc;\n"), None);
        assert_eq!(line("extern crate alloc;\n\nextern crate std;\n"), Some(3));
    }

    #[test]
    fn lints_are_inherited_by_the_two_lines_that_say_so() {
        assert!(inherits_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nworkspace = true\n"));
        assert!(!inherits_lints("[lints]\n"));
    }

    #[test]
    fn a_folder_that_breaks_the_law_on_every_line_hears_so() {
        let dir = tempfile::tempdir().unwrap();
        let room = dir.path().join("core/bad");
        fs::create_dir_all(room.join("src")).unwrap();
        fs::write(dir.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        fs::write(room.join("Cargo.toml"), "[package]\n").unwrap();
        fs::write(room.join("src/lib.rs"), "//! A lib.\nextern crate std;\n").unwrap();
        let mut workspace = fake(&[("core/bad", "gannet-bad", &[])]);
        workspace.root = dir.path().to_path_buf();
        workspace.packages[0].manifest_path = room.join("Cargo.toml");
        let broken: Vec<String> = check_sources(&workspace)
            .unwrap()
            .into_iter()
            .map(|v| v.text)
            .collect();
        assert_eq!(
            broken,
            [
                "Cargo.toml does not forbid unsafe code in [workspace.lints.rust]",
                "core/bad/Cargo.toml does not take the lints of the workspace",
                "core/bad/src/lib.rs does not say #![no_std]",
                "core/bad/src/lib.rs:2 takes the standard library outside of tests",
            ]
        );
    }
}
