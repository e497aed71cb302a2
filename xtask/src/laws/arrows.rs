//! Law 3: who may depend on whom. The table is the one of `docs/ARCHITECTURE.md`.

use super::{Violation, Workspace};

/// A room and the rooms it may use. `core/units` is left out: every room of core and shell may use it.
const TABLE: &[(&str, &[&str])] = &[
    ("core/units", &[]),
    ("core/subject", &[]),
    ("core/wire", &["core/subject"]),
    ("core/config", &["core/subject"]),
    ("core/identity", &["core/subject", "core/config"]),
    (
        "core/session",
        &["core/subject", "core/wire", "core/config", "core/identity"],
    ),
    (
        "core/broker",
        &["core/subject", "core/wire", "core/config", "core/identity"],
    ),
    ("core/monitor", &["core/*"]),
    ("shell/rt", &[]),
    ("shell/node", &["core/*", "shell/rt"]),
    ("shell/load", &[]),
    (
        "shell/gannet",
        &["core/config", "shell/node", "shell/rt", "shell/load"],
    ),
    ("xtask", &[]),
];

/// The room that every other room of core and shell may use.
const UNITS: &str = "core/units";

pub(crate) fn judge(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in &workspace.packages {
        let room = workspace.room(package);
        if room.starts_with("proof/") {
            continue;
        }
        let Some(may_use) = TABLE
            .iter()
            .find(|(name, _)| *name == room)
            .map(|(_, may_use)| may_use)
        else {
            found.push(Violation::new(
                3,
                format!("{room} is not in the table of rooms: change the plan of the house first"),
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(target) = workspace
                .packages
                .iter()
                .find(|p| p.name == dependency.name)
            else {
                continue;
            };
            let target = workspace.room(target);
            if !allowed(may_use, &room, &target) {
                found.push(Violation::new(
                    3,
                    format!("{room} -> {target}: {}", advice(may_use)),
                ));
            }
        }
    }
    found
}

fn allowed(may_use: &[&str], room: &str, target: &str) -> bool {
    (target == UNITS && room != "xtask")
        || may_use
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(floor) => target.starts_with(floor),
                None => *pattern == target,
            })
}

fn advice(may_use: &[&str]) -> String {
    match may_use {
        [] => "it may use core/units only, if anything".into(),
        _ => format!("it may use core/units, {}", may_use.join(", ")),
    }
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

    const UNITS: (&str, &str, &[&str]) = ("core/units", "gannet-units", &[]);
    const WIRE: (&str, &str, &[&str]) = ("core/wire", "gannet-wire", &["gannet-units", "serde"]);

    #[test]
    fn arrows_of_the_table_are_fine() {
        assert_eq!(
            broken(&[
                UNITS,
                WIRE,
                (
                    "core/session",
                    "gannet-session",
                    &["gannet-wire", "gannet-units"]
                ),
                (
                    "core/monitor",
                    "gannet-monitor",
                    &["gannet-wire", "gannet-session"]
                ),
                ("shell/rt", "gannet-rt", &["gannet-units"]),
                (
                    "shell/node",
                    "gannet-node",
                    &["gannet-session", "gannet-rt"]
                ),
                ("shell/load", "gannet-load", &["tokio"]),
                ("shell/gannet", "gannet", &["gannet-node", "gannet-load"]),
                (
                    "proof/sim",
                    "gannet-simulation",
                    &["gannet-rt", "gannet", "gannet-wire"]
                ),
                ("proof/sim/cli", "gannet-sim", &["gannet-simulation"]),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_arrow_that_broke_the_table_is_named() {
        assert_eq!(
            broken(&[
                UNITS,
                WIRE,
                ("core/broker", "gannet-broker", &["gannet-session"]),
                ("core/session", "gannet-session", &["gannet-broker"])
            ]),
            [
                "law 3: core/broker -> core/session: it may use core/units, core/subject, core/wire, core/config, core/identity",
                "law 3: core/session -> core/broker: it may use core/units, core/subject, core/wire, core/config, core/identity",
            ]
        );
    }

    #[test]
    fn core_may_not_use_the_shell_nor_tests_a_way_around() {
        assert_eq!(
            broken(&[
                WIRE,
                ("shell/rt", "gannet-rt", &["gannet-wire"]),
                ("core/subject", "gannet-subject", &["dev:gannet-rt"])
            ]),
            [
                "law 3: shell/rt -> core/wire: it may use core/units only, if anything",
                "law 3: core/subject -> shell/rt: it may use core/units only, if anything",
            ]
        );
    }

    #[test]
    fn only_the_binary_uses_the_load_tool_and_nothing_uses_proof() {
        let load = ("shell/load", "gannet-load", &[][..]);
        let sim = ("proof/sim", "gannet-simulation", &[][..]);
        assert_eq!(
            broken(&[
                load,
                sim,
                (
                    "shell/node",
                    "gannet-node",
                    &["gannet-load", "dev:gannet-simulation"]
                )
            ]),
            [
                "law 3: shell/node -> shell/load: it may use core/units, core/*, shell/rt",
                "law 3: shell/node -> proof/sim: it may use core/units, core/*, shell/rt",
            ]
        );
    }

    #[test]
    fn a_room_that_nobody_planned_is_refused() {
        assert_eq!(
            broken(&[("core/utils", "gannet-utils", &[])]),
            ["law 3: core/utils is not in the table of rooms: change the plan of the house first"]
        );
    }
}
