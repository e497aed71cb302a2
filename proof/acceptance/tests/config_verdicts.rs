//! The real programs' verdicts on the configuration files of `core/config` (rows CFG-01 to CFG-17, GW-01, GW-02).

// Names and visibilities are those that fit where the file lives.
#[path = "../../../core/config/tests/suite/cases.rs"]
mod cases;

use cases::{Case, cases};
use gannet_acceptance::{Kind, both, programs};
use std::process::Command;

/// What `-t -c a.conf` prints, without the program's name in front, and the end of the text shown as in the cases.
fn ask(kind: Kind, case: &Case) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (path, content) in &case.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder"))
            .expect("a folder can be made");
        std::fs::write(path, content).expect("a file can be written");
    }
    let output = Command::new(kind.program())
        .args(["-t", "-c", "a.conf"])
        .current_dir(folder.path())
        .env_clear()
        .envs(&case.env)
        .output()
        .expect("the program can be run");
    let text = String::from_utf8_lossy(&output.stderr).replace('\0', "EOF");
    let text = text.trim_end_matches('\n');
    let name = match kind {
        Kind::Gannet => "gannet: ",
        Kind::Go => "nats-server: ",
    };
    text.strip_prefix(name).unwrap_or(text).to_owned()
}

/// `text` without addresses in memory: the reference prints those of lists that should be something else.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| {
        kept + "0x" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit())
    })
}

/// How often a program is asked before its answer counts as wrong: where two keys say the same, the reference blames
/// one or the other, by chance.
fn attempts(kind: Kind) -> usize {
    match kind {
        Kind::Gannet => 1,
        Kind::Go => 20,
    }
}

/// The reference reports errors in any order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

both! {
    /// Every file gets the verdict that is written beside it.
    #[test]
    fn every_file_gets_the_verdict_beside_it(kind: Kind) {
        let all = cases(&programs::crate_dir().join("../../core/config/tests/verdicts"));
        assert!(all.len() > 650, "only {} cases were found", all.len());
        let mut failures = Vec::new();
        for case in &all {
            let wanted = &match kind {
                Kind::Go => case.reference(),
                Kind::Gannet => case.verdict.clone(),
            };
            let mut said = String::new();
            let agrees = (0..attempts(kind)).any(|_| {
                said = ask(kind, case);
                sorted(&without_addresses(&said)) == sorted(&without_addresses(wanted))
            });
            if !agrees {
                failures.push(format!("{}\nwanted:\n{wanted}\ngot:\n{said}", case.name));
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }
}
