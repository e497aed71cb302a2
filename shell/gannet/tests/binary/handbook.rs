//! The operator's handbook, as far as a program can tell whether it is right.

use std::path::{Path, PathBuf};

use super::harness::Place;

const COMING: &str = "coming-from-nats-server.md";

fn handbook() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/handbook")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(handbook().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rows of the table with this head: what is in backquotes at their beginning, and the cell behind it.
fn rows(page: &str, head: &str) -> Vec<(String, String)> {
    let (_, table) = page.split_once(&format!("| {head} |")).expect("the table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let (cell, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((cell.to_owned(), rest.strip_suffix(" |")?.to_owned()))
    };
    rows.map(|line| row(line).unwrap_or_else(|| panic!("{line}")))
        .collect()
}

/// If this fails because a part has been built: take its row out of the handbook.
#[test]
fn what_the_handbook_says_is_missing_is_refused_by_that_name() {
    let place = Place::new("gannet");
    let page = page(COMING);
    let keys = rows(&page, "in the file | part that is missing");
    assert!(!keys.is_empty());
    for (config, part) in keys {
        place.write("f.conf", &config);
        let (code, _, told) = place.run(&["-t", "-c", "f.conf"]);
        let reason = format!("is known but not supported yet by this version of Gannet ({part})");
        assert!(
            code == Some(1) && told.contains(&reason),
            "{config}: {told}"
        );
    }
    for (flags, part) in rows(&page, "flag | part that is missing") {
        let words: Vec<&str> = flags.split(' ').collect();
        let (code, _, told) = place.run(&words);
        let reason = format!("is known but not supported yet by this version of Gannet ({part})\n");
        assert!(
            code == Some(1) && told.ends_with(&reason),
            "{flags}: {told}"
        );
    }
}

#[test]
fn what_pages_lead_to_is_there() {
    let entries = std::fs::read_dir(handbook()).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    assert!(names.len() > 10, "{names:?}");
    let index = page("README.md");
    for name in &names {
        let linked = name == "README.md" || index.contains(&format!("]({name})"));
        assert!(linked, "the first page does not lead to {name}");
        for link in page(name).split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            let (path, part) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { name } else { path };
            assert!(handbook().join(path).exists(), "{name}: {target}");
            if !part.is_empty() {
                let found = page(path)
                    .lines()
                    .any(|line| anchor(line) == Some(part.into()));
                assert!(found, "{name}: {target}");
            }
        }
    }
}

/// What a heading is called in links.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -".contains(*c));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}
