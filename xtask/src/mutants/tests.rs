//! The list fits the tree, and a fault is told from what is none.

use super::*;

/// Bugs of the reference server that the list must have a fault for.
const CLASSICS: [&str; 9] = ["G4", "G5", "G6", "G7", "G8", "G9", "G13", "G14", "G25"];

#[test]
fn every_text_to_be_replaced_stands_in_the_tree_once() {
    let all: Vec<&Mutant> = MUTANTS.iter().collect();
    let misplaced = misplaced(&crate::workspace_root(), &all).expect("the files can be read");
    assert_eq!(misplaced, Vec::<String>::new());
}

#[test]
fn every_mutant_has_a_name_of_its_own_and_every_classic_a_mutant() {
    let ids: BTreeSet<&str> = MUTANTS.iter().map(|mutant| mutant.id).collect();
    assert_eq!(ids.len(), MUTANTS.len());
    let against: BTreeSet<&str> = MUTANTS.iter().map(|mutant| mutant.against).collect();
    let missing: Vec<&&str> = CLASSICS.iter().filter(|g| !against.contains(**g)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn unknown_names_are_refused() {
    let refused = choose(MUTANTS, &["g4-listing-bounded", "g0"]).map(|chosen| chosen.len());
    assert_eq!(
        refused.map_err(|e| e.to_string()),
        Err("there is no mutant \"g0\"".into())
    );
}

#[test]
fn a_complaint_is_the_first_panic_without_its_place() {
    let said = "\nthread 'a' (7) panicked at src/lib.rs:5:9:\nassertion `left == right` failed\n  left: 1\n \
                right: 2\nnote: run with `RUST_BACKTRACE=1`\n\nthread 'b' panicked at x:1:1:\nlater\n";
    assert_eq!(
        complaint(said),
        "assertion `left == right` failed left: 1 right: 2"
    );
    let story = "thread 'a' panicked at x:1:1:\n 2.315000 client 3 says\n12 times\nnote: x";
    assert_eq!(complaint(story), "12 times");
    assert_eq!(complaint("Aborted"), "it failed without a word");
}

/// A package with one function and a test of it.
fn tree() -> tempfile::TempDir {
    let tree = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::create_dir_all(tree.path().join("src")).expect("a folder");
        fs::write(tree.path().join(name), text).expect("a file");
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"sums\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    write(".gitignore", "ignored\n");
    write("ignored", "");
    write(
        "src/lib.rs",
        "pub fn twice(n: u32) -> u32 { n + n }\n\
         pub fn nothing() -> u32 { 0 }\n\
         #[test]\nfn it_is_twice() { assert_eq!(twice(2), 4); }\n",
    );
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(tree.path())
        .status();
    assert!(made.expect("git runs").success());
    tree
}

const fn mutant(id: &'static str, edits: &'static [Edit]) -> Mutant {
    Mutant {
        id,
        against: "sums",
        fault: "",
        edits,
        test: Test {
            package: "sums",
            file: None,
            name: "it_is_twice",
        },
    }
}

const fn edit(text: &'static str, instead: &'static str) -> Edit {
    Edit {
        file: "src/lib.rs",
        text,
        instead,
    }
}

#[test]
fn faults_are_told_from_changes_that_nobody_notices_and_the_copy_is_as_before() {
    const RED: Mutant = mutant("red", &[edit("{ n + n }", "{ n }")]);
    const UNSEEN: Mutant = mutant("unseen", &[edit("{ 0 }", "{ 1 }")]);
    const NONSENSE: Mutant = mutant("nonsense", &[edit("{ n + n }", "{ m }")]);
    const ABSENT: Mutant = mutant("absent", &[edit("{ n + m }", "")]);
    const TWICE: Mutant = mutant("twice", &[edit("u32 {", "u64 {")]);
    let tree = tree();
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Workshop::new(tree.path(), folder.path()).expect("a copy");
    assert!(!shop.tree.join("ignored").exists());
    let judge = |mutant| shop.judge(mutant).expect("cargo runs");
    let noticed = "assertion `left == right` failed left: 2 right: 4";
    assert_eq!(judge(&RED), Verdict::Noticed(noticed.into()));
    assert_eq!(judge(&UNSEEN), Verdict::Survived);
    assert_eq!(judge(&NONSENSE), Verdict::DoesNotBuild);
    let text = |tree: &Path| fs::read_to_string(tree.join("src/lib.rs")).expect("a file");
    assert_eq!(text(&shop.tree), text(tree.path()));
    assert_eq!(
        misplaced(tree.path(), &[&ABSENT, &TWICE, &RED]).expect("the file can be read"),
        [
            "absent: its text stands 0 times in src/lib.rs",
            "twice: its text stands 2 times in src/lib.rs"
        ]
    );
    // The next time, only what has changed is copied, and what has gone is removed.
    fs::write(shop.tree.join("src/lib.rs"), "left by somebody").expect("a file");
    fs::write(shop.tree.join("src/other.rs"), "").expect("a file");
    let shop = Workshop::new(tree.path(), folder.path()).expect("a copy");
    assert_eq!(text(&shop.tree), text(tree.path()));
    assert!(!shop.tree.join("src/other.rs").exists());
}
