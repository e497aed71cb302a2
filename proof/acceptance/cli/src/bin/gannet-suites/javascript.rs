//! The suite of nats.js: Deno runs the tests of the package `core`, file by file. Of what they import, the packages of
//! NATS come from npm, and the few functions of the standard modules are here, so that npm is all that is needed.

use crate::jobs::{Job, obtain, text};
use std::path::Path;
use std::process::{Command, Output};

/// Said with the result.
pub(crate) const NOTE: &str = "the suite's launcher writes `leafnodes` and `websocket` into every configuration: Gannet ran \
    with GANNET_WITHOUT=leafnodes,websocket in its environment, and had neither";
/// What Gannet finds in its environment.
pub(crate) const WITHOUT: (&str, &str) = ("GANNET_WITHOUT", "leafnodes,websocket");
const DENO: &str = "deno@2";
const ASSERT: &str = include_str!("assert.ts");
const IO: &str = include_str!("io.ts");
const TEST: [&str; 5] = ["test", "--allow-all", "--quiet", "--no-check", "--no-lock"];

/// One job for each file; Deno is kept in `tools`. Tests with a text of `without` in their names do not run, since one that
/// waits for ever takes those after it along.
pub(crate) fn jobs(tools: &Path, copy: &Path, without: &[String]) -> Vec<Job> {
    let deno = tools.join("node_modules/.bin/deno");
    if !deno.exists() {
        std::fs::create_dir_all(tools).expect("a folder can be made");
        let install = [
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefix",
        ];
        obtain(Command::new("npm").args(install).arg(tools).arg(DENO));
    }
    from_npm(copy);
    let tests = copy.join("core/tests");
    let mut files: Vec<String> = std::fs::read_dir(&tests)
        .expect("the checkout has tests")
        .map(|entry| {
            entry
                .expect("the folder can be read")
                .file_name()
                .display()
                .to_string()
        })
        .filter(|name| name.ends_with("_test.ts"))
        .collect();
    files.sort();
    for name in &files {
        ignore(&tests.join(name), without);
    }
    let paths = files.iter().map(|name| tests.join(name));
    obtain(
        Command::new(&deno)
            .args(["cache", "--no-lock", "--no-check"])
            .args(paths)
            .current_dir(copy),
    );
    let job = |file: &String| {
        let mut line = vec![deno.display().to_string()];
        line.extend(TEST.map(str::to_owned));
        line.extend(["--reporter=tap".to_owned(), format!("core/tests/{file}")]);
        Job {
            name: file.clone(),
            line,
            folder: copy.to_owned(),
            copied: false,
            environment: vec![("NO_COLOR", "1".to_owned())],
            limit: 180,
            read,
        }
    };
    files.iter().map(job).collect()
}

/// Has Deno skip the tests in a file of the copy with a text of `without` in their names. (Its filters cannot say what
/// is not to run.)
fn ignore(path: &Path, without: &[String]) {
    const BEGINNING: &str = "Deno.test(";
    let old = std::fs::read_to_string(path).expect("the tests can be read");
    let mut parts = old.split(BEGINNING);
    let mut new = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split('"').nth(1).unwrap_or_default();
        let unwanted = without.iter().any(|text| name.contains(text.as_str()));
        new.push_str(if unwanted {
            "Deno.test.ignore("
        } else {
            BEGINNING
        });
        new.push_str(part);
    }
    std::fs::write(path, new).expect("the tests can be written");
}

/// Changes where the copy's modules come from.
fn from_npm(copy: &Path) {
    std::fs::write(copy.join("assert.ts"), ASSERT).expect("the module can be written");
    std::fs::write(copy.join("io.ts"), IO).expect("the module can be written");
    for folder in [".", "core", "nst", "transport-deno"] {
        let path = copy.join(folder).join("deno.json");
        let old = std::fs::read_to_string(&path).expect("the checkout has deno.json");
        let up = if folder == "." { "./" } else { "../" };
        let changed = |line: &str| match line.trim().split('"').nth(1) {
            Some("@std/assert") => moved(line, &format!("{up}assert.ts")),
            Some("@std/io") => moved(line, &format!("{up}io.ts")),
            Some("@nats-io/jwt" | "@nats-io/nkeys" | "@nats-io/nuid") => {
                format!("{}\n", line.replace("jsr:", "npm:"))
            }
            _ => format!("{line}\n"),
        };
        let new: String = old.lines().map(changed).collect();
        std::fs::write(&path, new).expect("deno.json can be written");
    }
}

/// The line of an import, with its module somewhere else.
fn moved(line: &str, place: &str) -> String {
    let (key, value) = line.split_once(": ").unwrap_or((line, ""));
    let end = if value.ends_with(',') { "," } else { "" };
    format!("{key}: \"{place}\"{end}\n")
}

fn read(file: &str, output: &Output) -> Vec<(String, bool)> {
    let result = |line: &str| {
        let (ok, rest) = match line.strip_prefix("not ok ") {
            Some(rest) => (false, rest),
            None => (true, line.strip_prefix("ok ")?),
        };
        let (_, name) = rest.split_once(" - ")?;
        let skipped = name.contains("# SKIP");
        (!skipped).then(|| (format!("{file}: {name}"), ok))
    };
    text(output).lines().filter_map(result).collect()
}
