//! The cases of `verdicts/*.txt`: configuration files, and what the servers say about them. This file knows
//! nothing of our crates: the acceptance tests ask the real programs the same questions.
//!
//! A case is
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
//! server's words and `-- verdict: why` the reason and ours. Lines that begin with `  help: ` are ours alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One question and its answer.
#[derive(Debug, Default)]
pub(crate) struct Case {
    /// Its file and its name there.
    pub(crate) name: String,
    /// Path and content; `a.conf` is the one that is checked.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The environment.
    pub(crate) env: BTreeMap<String, String>,
    /// What we say.
    pub(crate) verdict: String,
    /// The reference's words where they are others, but for our help.
    reference: Option<String>,
}

impl Case {
    /// What the reference says: it has no help to offer.
    #[allow(
        dead_code,
        reason = "the tests beside this file have no reference at hand"
    )]
    pub(crate) fn reference(&self) -> String {
        let says = self.reference.as_ref().unwrap_or(&self.verdict);
        let lines = says.lines().filter(|line| !line.starts_with("  help: "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// All cases of the files in `folder`.
pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
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
            case.env.insert(name.to_string(), lines.to_string());
        } else if let Some(path) = header.strip_suffix(" (no newline)") {
            case.files.insert(path.to_string(), lines.into());
        } else if let Some(path) = header.strip_suffix(" (escaped)") {
            case.files.insert(path.to_string(), unescaped(lines));
        } else {
            let text = if body.is_empty() {
                String::new()
            } else {
                format!("{body}\n")
            };
            case.files.insert(header.to_string(), text.into());
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
