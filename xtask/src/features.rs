//! `docs/features.md`: what the server can do, row by row, and the tests that show it.
//!
//! A row is `| id | feature | status | shown by |`. The status is `works`, `partly` or `not yet (area)`.
//! The last column names tests in backquotes, each by its path down to the function, or a test's
//! file by its path from the top of the repository; what works or works partly needs one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::Error;
use crate::source::{Masked, rust_files};

/// Every area of features and how many rows it has, numbered from 01.
const AREAS: &[(&str, usize)] = &[
    ("CORE", 56),
    ("MAP", 18),
    ("ACC", 32),
    ("SEC", 63),
    ("CFG", 17),
    ("OPS", 22),
    ("MON", 28),
    ("SYS", 22),
    ("CLU", 28),
    ("GW", 128),
    ("LEAF", 40),
    ("WS", 15),
    ("MQTT", 33),
    ("JSC", 24),
    ("JSS", 49),
    ("JSP", 20),
    ("JSN", 37),
    ("JSA", 16),
    ("JSM", 17),
    ("KV", 16),
    ("TRC", 11),
    ("SVC", 5),
    ("PLAT", 8),
    ("TOOL", 21),
];

/// Folders that hold tests.
const FOLDERS: &[&str] = &["core", "shell", "proof", "xtask"];

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row<'a> {
    line: usize,
    id: &'a str,
    status: &'a str,
    shown_by: Vec<&'a str>,
}

/// Judges `docs/features.md` of the workspace in `root`.
pub fn check(root: &Path) -> Result<Vec<String>, Error> {
    let text = fs::read_to_string(root.join("docs/features.md"))?;
    let mut tests = BTreeSet::new();
    for folder in FOLDERS {
        for path in rust_files(&root.join(folder))? {
            tests.extend(test_names(&Masked::new(&fs::read_to_string(path)?)));
        }
    }
    Ok(judge(&text, &|name| {
        if name.contains('/') {
            root.join(name).is_file()
        } else {
            known(&tests, name)
        }
    }))
}

fn known(tests: &BTreeSet<String>, name: &str) -> bool {
    name.rsplit("::")
        .next()
        .is_some_and(|function| tests.contains(function))
}

/// Functions with a test attribute, or in a block of property tests, which have one too.
fn test_names(source: &Masked) -> Vec<String> {
    let is_test = |start: usize| {
        let mut above = source.text()[..start].trim_end();
        above = above.strip_suffix("async").unwrap_or(above).trim_end();
        while let Some(at) = above.strip_suffix(']').and_then(|above| above.rfind("#[")) {
            if above[at..].starts_with("#[test") || above[at..].contains("::test") {
                return true;
            }
            above = above[..at].trim_end();
        }
        false
    };
    source
        .functions()
        .into_iter()
        .filter(|(_, range)| is_test(range.start))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn judge(text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let expected: BTreeSet<String> = ids().collect();
    for row in rows(text) {
        let Row {
            line, id, status, ..
        } = row;
        if !expected.contains(id) {
            found.push(format!("line {line}: {id} is no feature of ours"));
        }
        if let Some(first) = seen.insert(id, line) {
            found.push(format!("line {line}: {id} is on line {first} already"));
        }
        let shows = match status {
            "works" | "partly" => true,
            _ if status.starts_with("not yet (") && status.ends_with(')') => false,
            _ => {
                found.push(format!(
                    "line {line}: {id} has the status {status:?}: works, partly or not yet (area)"
                ));
                continue;
            }
        };
        if shows && row.shown_by.is_empty() {
            found.push(format!("line {line}: {id} {status}, but no test shows it"));
        }
        let missing = row.shown_by.iter().filter(|name| !exists(name));
        found.extend(
            missing.map(|name| {
                format!("line {line}: {id} is shown by `{name}`, which does not exist")
            }),
        );
    }
    let absent = expected.iter().filter(|id| !seen.contains_key(id.as_str()));
    found.extend(absent.map(|id| format!("{id} is missing")));
    found
}

fn ids() -> impl Iterator<Item = String> {
    AREAS
        .iter()
        .flat_map(|(area, count)| (1..=*count).map(move |number| format!("{area}-{number:02}")))
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let cells: Vec<&str> = line
            .strip_prefix('|')?
            .trim_end()
            .strip_suffix('|')?
            .split('|')
            .map(str::trim)
            .collect();
        let [id, _, status, shown_by] = cells[..] else {
            return None;
        };
        let (area, number) = id.split_once('-')?;
        let is_id = !area.is_empty()
            && area.chars().all(|c| c.is_ascii_uppercase())
            && number.starts_with(|c: char| c.is_ascii_digit());
        let shown_by = shown_by.split('`').skip(1).step_by(2).collect();
        is_id.then_some(Row {
            line: index + 1,
            id,
            status,
            shown_by,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(change: impl Fn(&str) -> Option<String>) -> String {
        let row = |id: String| {
            change(&id).unwrap_or_else(|| format!("| {id} | something | not yet (later) | |"))
        };
        let rows: Vec<String> = ids().map(row).collect();
        format!(
            "# Features\n| id | feature | status | shown by |\n|---|---|---|---|\n{}\n",
            rows.join("\n")
        )
    }

    fn broken(text: &str) -> Vec<String> {
        judge(text, &|name| {
            name == "proof/a.py" || name.ends_with("shows_it")
        })
    }

    #[test]
    fn every_row_once_with_an_existing_test_is_fine() {
        let text = table(|id| match id {
            "CORE-01" => Some(format!(
                "| {id} | x | works | `gannet-wire::client::shows_it`, `proof/a.py` |"
            )),
            _ => None,
        });
        assert_eq!(broken(&text), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_doubled_unknown_or_unproved_is_named() {
        let text = table(|id| match id {
            "CORE-01" => Some(String::new()),
            "CORE-02" => {
                Some("| CORE-02 | x | works | |\n| CORE-02 | x | not yet (later) | |".into())
            }
            "CORE-03" => {
                Some("| CORE-03 | x | done | |\n| CORE-99 | x | not yet (later) | |".into())
            }
            "CORE-04" => Some("| CORE-04 | x | partly | `gone`, `proof/b.py` |".into()),
            _ => None,
        });
        assert_eq!(
            broken(&text),
            [
                "line 5: CORE-02 works, but no test shows it",
                "line 6: CORE-02 is on line 5 already",
                "line 7: CORE-03 has the status \"done\": works, partly or not yet (area)",
                "line 8: CORE-99 is no feature of ours",
                "line 9: CORE-04 is shown by `gone`, which does not exist",
                "line 9: CORE-04 is shown by `proof/b.py`, which does not exist",
                "CORE-01 is missing",
            ]
        );
    }

    #[test]
    fn tests_are_functions_with_a_test_attribute() {
        let source = Masked::new(
            "#[test]\nfn plain() {}\n#[tokio::test(flavor = \"x\")]\nasync fn asynchronous() {}\n\
             #[inline]\nfn other() {}\n#[cfg(test)]\nfn helper() {}\n// #[test]\nfn commented() {}\n\
             proptest! {\n #[test]\n fn property(x in 0..3) { }\n}\n#[test]\n#[ignore]\nfn slow() {}\n",
        );
        assert_eq!(
            test_names(&source),
            ["plain", "asynchronous", "property", "slow"]
        );
    }

    #[test]
    fn the_page_of_this_repository_is_right() {
        assert_eq!(
            check(&crate::workspace_root()).unwrap(),
            Vec::<String>::new()
        );
    }
}
