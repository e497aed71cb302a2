//! What the server says about configuration files, beside what the reference server says.
//!
//! The cases are in `verdicts/*.txt`, one file per part of the language. A case is
//!
//! ```text
//! == its name
//! -- a.conf            the file that is checked, and with the same header other files
//! -- env NAME          the value of an environment variable
//! -- verdict           what both servers say under `-t`
//! ```
//!
//! where `(no newline)` after a file's name takes its last newline away and `(escaped)` means that
//! `\n \r \t \0 \xHH \\` are to be replaced. Where the servers differ, `-- reference` gives the other
//! server's words and `-- verdict: why` the reason and ours. Set `NATS_SERVER` to the path of a
//! reference server 2.15.1 and run the ignored test to ask it again.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::World;

#[derive(Debug, Default)]
struct Case {
    name: String,
    world: World,
    verdict: String,
    /// The reference's words where they are others.
    reference: Option<String>,
}

#[test]
fn every_file_gets_its_verdict() {
    let (mut failures, mut count) = (Vec::new(), 0);
    for case in cases() {
        count += 1;
        let verdict = verdict(&case.world);
        if verdict != case.verdict {
            failures.push(format!(
                "{}\nwanted:\n{}\ngot:\n{verdict}",
                case.name, case.verdict
            ));
        }
    }
    assert!(count > 400, "only {count} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
#[ignore = "needs a reference server, named by NATS_SERVER"]
fn the_reference_still_says_so() {
    let server = std::env::var("NATS_SERVER").expect("NATS_SERVER names a reference server");
    for case in cases() {
        let said = ask(Path::new(&server), &case.world);
        let wanted = case.reference.as_ref().unwrap_or(&case.verdict);
        assert_eq!(sorted(&said), sorted(wanted), "{}", case.name);
    }
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

/// What the reference server prints, the end of the text shown as we show it.
fn ask(server: &Path, world: &World) -> String {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (path, text) in &world.files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    let output = Command::new(server)
        .args(["-t", "-c", "a.conf"])
        .current_dir(dir.path())
        .env_clear()
        .envs(&world.env)
        .output()
        .expect("the reference server runs");
    let text = String::from_utf8_lossy(&output.stderr).replace('\0', "EOF");
    text.trim_end_matches('\n')
        .trim_start_matches("nats-server: ")
        .to_string()
}

/// The reference reports errors in any order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("the cases")
        .map(|e| e.expect("a case file").path())
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let group = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .to_string();
        let text = std::fs::read_to_string(&path).expect("a case file");
        for case in text.split("== ").skip(1) {
            cases.push(parse_case(&group, case));
        }
    }
    cases
}

fn parse_case(group: &str, text: &str) -> Case {
    let (name, sections) = text.split_once('\n').expect("a name");
    let mut case = Case {
        name: format!("{group}: {name}"),
        ..Case::default()
    };
    for section in format!("\n{sections}").split("\n-- ").skip(1) {
        let (header, body) = section.split_once('\n').unwrap_or((section, ""));
        let lines = body.trim_end_matches('\n');
        if header.starts_with("verdict") {
            case.verdict = lines.to_string();
        } else if header == "reference" {
            case.reference = Some(lines.to_string());
        } else if let Some(name) = header.strip_prefix("env ") {
            case.world.env.insert(name.to_string(), lines.to_string());
        } else if let Some(path) = header.strip_suffix(" (no newline)") {
            case.world = case.world.with(path, lines);
        } else if let Some(path) = header.strip_suffix(" (escaped)") {
            case.world = case.world.with(path, unescaped(lines));
        } else {
            let text = if body.is_empty() {
                String::new()
            } else {
                format!("{body}\n")
            };
            case.world = case.world.with(header, text);
        }
    }
    case
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("an escape") {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'x' => {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let digits = std::str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("a hexadecimal number")
            }
            other => other,
        });
    }
    bytes
}
