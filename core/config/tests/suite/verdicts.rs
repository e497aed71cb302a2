//! What the server says about configuration files, beside what the reference server says. The cases and
//! their form are in `cases.rs`; that the reference still says so is asked in the acceptance tests.

use std::path::Path;

use crate::cases::cases;
use crate::world::World;

#[test]
fn every_file_gets_its_verdict() {
    let (mut failures, mut count) = (Vec::new(), 0);
    for case in cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts")) {
        count += 1;
        let verdict = verdict(&World {
            files: case.files,
            env: case.env,
        });
        if verdict != case.verdict {
            failures.push(format!(
                "{}\nwanted:\n{}\ngot:\n{verdict}",
                case.name, case.verdict
            ));
        }
    }
    assert!(count > 650, "only {count} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// What `-t -c a.conf` prints, without the program's name in front.
fn verdict(world: &World) -> String {
    let text = match world.load() {
        Ok(loaded) if loaded.warnings.is_empty() => {
            format!("configuration file a.conf is valid ({})", loaded.digest)
        }
        Ok(loaded) => loaded
            .warnings
            .iter()
            .map(|w| w.to_string())
            .collect::<Vec<_>>()
            .join("\n"),
        Err(rejected) => rejected.to_string(),
    };
    text.trim_end_matches('\n').to_string()
}
