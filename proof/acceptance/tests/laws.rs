//! The laws of the house, as tests: so that plain `cargo test` judges them, too.

use std::path::PathBuf;

#[test]
fn the_laws_of_the_workspace_hold() {
    let broken = xtask::laws::check(&root()).expect("the workspace can be read");
    let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_of_features_names_every_row_and_only_tests_that_exist() {
    let broken = xtask::features::check(&root()).expect("the workspace can be read");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn root() -> PathBuf {
    xtask::workspace_root()
}
