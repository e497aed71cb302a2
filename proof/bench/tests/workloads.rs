//! Every workload does its work, so that its count means something. Not here: the counts.

use std::collections::BTreeSet;

use gannet_proof_bench::{WORKLOADS, Workload};

#[test]
fn every_workload_yields_what_it_says() {
    let broken: Vec<String> = WORKLOADS
        .iter()
        // A whole batch, and one that is not.
        .flat_map(|workload| [1, 100].map(|operations| workload.perform(operations)))
        .filter_map(Result::err)
        .collect();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_workload_that_does_too_little_is_an_error() {
    let lazy = Workload {
        name: "lazy",
        operations: 1,
        yields: 3,
        run: |n| 3 * n - 1,
    };
    let said = "lazy: 4 operations yielded 11 instead of 12";
    assert_eq!(lazy.perform(4), Err(said.to_owned()));
}

#[test]
fn names_are_single_words_and_stand_once() {
    let names: BTreeSet<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    assert_eq!(names.len(), WORKLOADS.len());
    assert!(names.iter().all(|name| !name.contains(char::is_whitespace)));
}
