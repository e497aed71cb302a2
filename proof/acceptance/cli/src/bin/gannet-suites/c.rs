//! The suite of nats.c: one program, which gets the name of a test.

use crate::jobs::{Job, obtain, text};
use std::path::Path;
use std::process::{Command, Output};

/// Tests of what needs JetStream.
const NOT: [&str; 4] = ["JetStream", "KeyValue", "ObjStore", "natsMsgIsJSCtrl"];
const BUILD: [&str; 3] = [
    "-DCMAKE_BUILD_TYPE=Debug",
    "-DNATS_BUILD_STREAMING=OFF",
    "-DNATS_BUILD_EXAMPLES=OFF",
];

/// One job for each test of the list that is in the checkout.
pub(crate) fn jobs(copy: &Path) -> Vec<Job> {
    let build = copy.join("build");
    std::fs::create_dir_all(&build).expect("a folder can be made");
    let program = build.join("bin/testsuite");
    obtain(
        Command::new("cmake")
            .arg("..")
            .args(BUILD)
            .current_dir(&build),
    );
    obtain(Command::new("make").arg("testsuite").current_dir(&build));
    let folder = copy.join("test");
    let list = std::fs::read_to_string(folder.join("list_test.txt"))
        .expect("the list of tests can be read");
    let names = list
        .lines()
        .filter_map(|line| line.strip_prefix("_test(")?.strip_suffix(')'));
    let job = |name: &str| Job {
        name: name.to_owned(),
        line: vec![program.display().to_string(), name.to_owned()],
        folder: folder.clone(),
        copied: true,
        environment: Vec::new(),
        limit: 90,
        read,
    };
    names
        .filter(|name| !NOT.iter().any(|not| name.contains(not)))
        .map(job)
        .collect()
}

fn read(name: &str, output: &Output) -> Vec<(String, bool)> {
    vec![(name.to_owned(), text(output).contains("ALL PASSED"))]
}
