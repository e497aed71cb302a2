//! Law 2: only `shell/rt` touches the world. Its crates may not be named elsewhere, and clippy's
//! bans on the standard library's own doors must be in force.

use std::fs;

use super::{Violation, Workspace};
use crate::Error;
use crate::source::{Masked, rust_files};

/// Crates that give time, entropy, tasks, sockets, signals or TLS.
const WORLD: &[&str] = &[
    "async-std",
    "fastrand",
    "getrandom",
    "libc",
    "mio",
    "nix",
    "rand",
    "reqwest",
    "rustix",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "tokio",
    "tokio-rustls",
    "tokio-stream",
    "tokio-util",
];

/// HTTP for monitoring: works over any stream, so it stays inside the simulator.
const HTTP: &[&str] = &["http-body-util", "hyper", "hyper-util"];

/// The door itself, the load tool, which measures the world, and these tools: none of them is ever simulated.
const FREE: &[&str] = &["shell/rt", "shell/load", "xtask"];

/// Doors of the standard library that `clippy.toml` has to close.
const BANS: &[&str] = &[
    "std::time::Instant",
    "std::time::SystemTime",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "tokio::net::TcpStream",
    "tokio::net::TcpListener",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "tokio::spawn",
    "tokio::time::sleep",
    "std::thread::sleep",
    "std::thread::spawn",
];

/// The lints that make these bans count.
const LINTS: &[&str] = &["disallowed_types", "disallowed_methods"];

fn is_free(room: &str) -> bool {
    FREE.contains(&room) || room.starts_with("proof/")
}

pub(crate) fn judge(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in &workspace.packages {
        let room = workspace.room(package);
        if is_free(&room) {
            continue;
        }
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| !dependency.is_dev())
        {
            let name = dependency.name.as_str();
            if WORLD.contains(&name) || (HTTP.contains(&name) && room != "shell/node") {
                found.push(Violation::new(
                    2,
                    format!("{room} -> {name}: only shell/rt touches the world"),
                ));
            }
        }
    }
    found
}

pub(crate) fn check_sources(workspace: &Workspace) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    let bans = fs::read_to_string(workspace.root.join("clippy.toml"))?;
    let manifest = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
    found.extend(missing_bans(&bans, &manifest));
    for package in &workspace.packages {
        let room = workspace.room(package);
        if is_free(&room) {
            continue;
        }
        if package.dir().join("clippy.toml").exists() {
            found.push(Violation::new(
                2,
                format!("{room}/clippy.toml hides the bans of the workspace"),
            ));
        }
        for path in rust_files(&package.dir().join("src"))? {
            let text = fs::read_to_string(&path)?;
            if let Some(line) = lifted_ban(&Masked::new(&text)) {
                let path = path
                    .strip_prefix(&workspace.root)
                    .unwrap_or(&path)
                    .display();
                found.push(Violation::new(
                    2,
                    format!("{path}:{line} lifts a ban of clippy.toml"),
                ));
            }
        }
    }
    Ok(found)
}

fn missing_bans(bans: &str, manifest: &str) -> Vec<Violation> {
    let banned = |path: &&&str| !bans.contains(&format!("path = \"{path}\""));
    let missing = BANS
        .iter()
        .filter(banned)
        .map(|path| format!("clippy.toml does not ban {path}"));
    let off = |lint: &&&str| {
        !manifest
            .lines()
            .any(|line| line.trim().starts_with(&format!("{lint} = \"")))
    };
    let unused = LINTS
        .iter()
        .filter(off)
        .map(|lint| format!("Cargo.toml does not turn on clippy's {lint}"));
    missing
        .chain(unused)
        .map(|text| Violation::new(2, text))
        .collect()
}

fn lifted_ban(source: &Masked) -> Option<usize> {
    let lifts = |line: &str| {
        (line.contains("allow(") || line.contains("expect("))
            && line.contains("clippy::disallowed_")
    };
    source.text().lines().position(lifts).map(|index| index + 1)
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
    fn the_door_the_load_tool_and_proof_are_free_and_the_node_has_http() {
        assert_eq!(
            broken(&[
                ("shell/rt", "gannet-rt", &["tokio", "socket2", "getrandom"]),
                ("shell/load", "gannet-load", &["nix"]),
                ("shell/node", "gannet-node", &["hyper", "dev:tokio"]),
                (
                    "proof/acceptance",
                    "gannet-acceptance",
                    &["tokio", "rustix"]
                ),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn everybody_else_who_touches_the_world_is_named() {
        assert_eq!(
            broken(&[
                ("shell/node", "gannet-node", &["tokio"]),
                ("shell/gannet", "gannet", &["hyper", "signal-hook"]),
                ("core/identity", "gannet-identity", &["getrandom"]),
            ]),
            [
                "law 2: shell/node -> tokio: only shell/rt touches the world",
                "law 2: shell/gannet -> hyper: only shell/rt touches the world",
                "law 2: shell/gannet -> signal-hook: only shell/rt touches the world",
                "law 2: core/identity -> getrandom: only shell/rt touches the world",
            ]
        );
    }

    #[test]
    fn a_ban_that_is_gone_is_noticed() {
        let bans: String = BANS
            .iter()
            .skip(1)
            .map(|path| format!("{{ path = \"{path}\" }}\n"))
            .collect();
        let texts: Vec<String> = missing_bans(&bans, "disallowed_types = \"warn\"\n")
            .into_iter()
            .map(|v| v.text)
            .collect();
        assert_eq!(
            texts,
            [
                "clippy.toml does not ban std::time::Instant",
                "Cargo.toml does not turn on clippy's disallowed_methods"
            ]
        );
    }

    #[test]
    fn a_ban_that_is_lifted_in_code_is_found_but_not_in_text() {
        let line = |text: &str| lifted_ban(&Masked::new(text));
        assert_eq!(
            line("fn a() {}\n#[allow(clippy::disallowed_types)]\nfn b() {}\n"),
            Some(2)
        );
        assert_eq!(
            line("#[expect(clippy::disallowed_methods, reason = \"no\")]\n"),
            Some(1)
        );
        assert_eq!(
            line(
                "// #[allow(clippy::disallowed_types)]\nlet s = \"allow(clippy::disallowed_types)\";\n"
            ),
            None
        );
    }
}
