//! The table of what is not there yet is complete and holds nothing else.

use gannet_acceptance::later::NOT_YET;
use std::collections::BTreeSet;

/// `file::test` of every test in a `later!` block of the files beside this one, with its feature.
fn written() -> BTreeSet<(String, String)> {
    let folder = gannet_acceptance::programs::crate_dir().join("tests");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the folder of the tests") {
        let path = entry.expect("an entry of the folder").path();
        let file = path.file_stem().and_then(|stem| stem.to_str());
        let text = std::fs::read_to_string(&path).expect("a test is text");
        for block in text.split("\nlater! {\n").skip(1) {
            let block = block.split("\n}\n").next().unwrap_or_default();
            let mut feature = None;
            for line in block.lines().map(str::trim) {
                if let Some(name) = line
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix("\":"))
                {
                    feature = Some(name);
                } else if let (Some(rest), Some(feature), Some(file)) =
                    (line.strip_prefix("fn "), feature, file)
                    && let Some((name, _)) = rest.split_once("(kind: Kind)")
                {
                    found.insert((format!("{file}::{name}"), feature.to_owned()));
                }
            }
        }
    }
    found
}

#[test]
fn the_table_has_what_the_tests_say() {
    let table: BTreeSet<(String, String)> = NOT_YET
        .iter()
        .map(|&(test, feature)| (test.to_owned(), feature.to_owned()))
        .collect();
    assert_eq!(table.len(), NOT_YET.len(), "nothing stands twice");
    assert_eq!(table, written());
    for (test, feature) in NOT_YET {
        println!("not yet: {test} ({feature})");
    }
}
